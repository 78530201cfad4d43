// A parser in Rust for the fuzz kit. It needs no crate:
//
//     rustc -O examples/fuzz/adapter.rs -o adapter
//     gemini-replay fuzz --command ./adapter --profile gemini
//
// Replace `parse` by your own. With serde_json, its to_string takes the place of `is_json` and the texts. One case is
// one line of JSON on standard input, one line of JSON answers it.

use std::io::{self, BufRead, Write};

/// The JSON text of each event, up to an error.
fn parse(chunks: &[Vec<u8>]) -> (Vec<String>, Option<String>) {
    let mut events = Vec::new();
    let mut buffer = Vec::new();
    for chunk in chunks {
        buffer.extend_from_slice(chunk);
        while let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            let block: Vec<u8> = buffer.drain(..at + 4).take(at).collect();
            if let Some(data) = block.strip_prefix(b"data: ") {
                match String::from_utf8(data.to_vec()) {
                    Ok(text) if is_json(&text) => events.push(text),
                    Ok(_) => return (events, Some("SyntaxError: invalid JSON".to_string())),
                    Err(error) => return (events, Some(format!("Utf8Error: {error}"))),
                }
            }
        }
    }
    (events, None)
}

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (events, error) = parse(&chunks_of(&line));
        let error = error.map(|text| format!(", \"error\": {text:?}")).unwrap_or_default();
        writeln!(out, "{{\"id\": {}, \"events\": [{}]{error}}}", id_of(&line), events.join(", "))?;
        out.flush()?;
    }
    Ok(())
}

/// The number behind "id".
fn id_of(line: &str) -> &str {
    let rest = line.split("\"id\":").nth(1).unwrap_or("0").trim_start();
    &rest[..rest.find(|one: char| !one.is_ascii_digit()).unwrap_or(rest.len())]
}

/// The texts in the array behind "chunks": they are Base64, so no quote is escaped.
fn chunks_of(line: &str) -> Vec<Vec<u8>> {
    let rest = line.split("\"chunks\":").nth(1).unwrap_or("");
    rest.split('"').skip(1).step_by(2).map(decoded).collect()
}

fn decoded(base64: &str) -> Vec<u8> {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut bytes) = (0u32, 0, Vec::new());
    for one in base64.bytes() {
        if let Some(digit) = digits.iter().position(|&known| known == one) {
            bits = (bits << 6 | digit as u32) & 0xff_ffff;
            count += 6;
            if count >= 8 {
                count -= 8;
                bytes.push((bits >> count) as u8);
            }
        }
    }
    bytes
}

/// Whether a text is JSON, on one line.
fn is_json(text: &str) -> bool {
    let mut rest = text.as_bytes();
    value(&mut rest, 0) && blank(&mut rest) && rest.is_empty()
}

fn value(rest: &mut &[u8], depth: usize) -> bool {
    blank(rest);
    match rest.first() {
        Some(b'{') => members(rest, b'}', depth, |rest| string(rest) && blank(rest) && take(rest, b":")),
        Some(b'[') => members(rest, b']', depth, |_| true),
        Some(b'"') => string(rest),
        Some(b't') => take(rest, b"true"),
        Some(b'f') => take(rest, b"false"),
        Some(b'n') => take(rest, b"null"),
        _ => number(rest),
    }
}

fn members(rest: &mut &[u8], end: u8, depth: usize, key: fn(&mut &[u8]) -> bool) -> bool {
    *rest = &rest[1..];
    blank(rest);
    if take(rest, &[end]) {
        return true;
    }
    while depth < 500 && blank(rest) && key(rest) && value(rest, depth + 1) && blank(rest) {
        if !take(rest, b",") {
            return take(rest, &[end]);
        }
    }
    false
}

fn string(rest: &mut &[u8]) -> bool {
    if !take(rest, b"\"") {
        return false;
    }
    while let Some((&one, after)) = rest.split_first() {
        *rest = after;
        match one {
            b'"' => return true,
            0..=0x1f => return false,
            b'\\' if take(rest, b"u") => {
                if rest.len() < 4 || !rest[..4].iter().all(u8::is_ascii_hexdigit) {
                    return false;
                }
                *rest = &rest[4..];
            }
            b'\\' => match rest.split_first() {
                Some((escaped, after)) if b"\"\\/bfnrt".contains(escaped) => *rest = after,
                _ => return false,
            },
            _ => {}
        }
    }
    false
}

fn number(rest: &mut &[u8]) -> bool {
    take(rest, b"-");
    let zero = take(rest, b"0");
    if !zero && !digits(rest) {
        return false;
    }
    if take(rest, b".") && !digits(rest) {
        return false;
    }
    if take(rest, b"e") || take(rest, b"E") {
        let _ = take(rest, b"+") || take(rest, b"-");
        return digits(rest);
    }
    true
}

fn digits(rest: &mut &[u8]) -> bool {
    let count = rest.iter().take_while(|one| one.is_ascii_digit()).count();
    *rest = &rest[count..];
    count > 0
}

fn take(rest: &mut &[u8], wanted: &[u8]) -> bool {
    let found = rest.starts_with(wanted);
    if found {
        *rest = &rest[wanted.len()..];
    }
    found
}

fn blank(rest: &mut &[u8]) -> bool {
    while matches!(rest.first(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        *rest = &rest[1..];
    }
    true
}
