// Two correct parsers in JavaScript: of server-sent events, and of the JSON array.
//
// They yield each event as its JSON text: a double of JavaScript would change long integers.

import { createInterface } from "node:readline";

function checked(text) {
  JSON.parse(text);
  return text.replace(/[\r\n]/g, " "); // a line feed in JSON is white space
}

function block(lines) {
  const data = lines.filter((line) => line.startsWith("data:")).map((line) => line.slice(5).replace(/^ /, ""));
  const text = data.length ? data.join("\n") : lines[0] === "{" ? lines.join("\n") : "";
  try {
    return text ? [checked(text)] : [];
  } catch {
    return [];
  }
}

async function* events(chunks) {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let held = [];
  let lines = [];
  const taken = (line) => {
    const raw = lines[0] === "{";
    if (line) lines.push(line);
    if (raw ? line !== "}" : line) return [];
    const values = block(lines);
    lines = [];
    return values;
  };
  for await (const chunk of chunks) {
    const [first, ...rest] = decoder.decode(chunk, { stream: true }).split("\n");
    held.push(first);
    for (const next of rest) {
      yield* taken(held.join("").replace(/\r$/, ""));
      held = [next];
    }
  }
  held.push(decoder.decode());
  yield* block([...lines, held.join("").replace(/\r$/, "")]);
}

async function* array(chunks) {
  const decoder = new TextDecoder();
  const texts = [];
  for await (const chunk of chunks) texts.push(decoder.decode(chunk, { stream: true }));
  const text = checked(texts.join("") + decoder.decode()).trim();
  if (text[0] !== "[") {
    yield text;
    return;
  }
  let depth = 0;
  let start = 1;
  for (const { 0: mark, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{},]/g)) {
    if (mark === "[" || mark === "{") depth += 1;
    if (mark === "]" || mark === "}") depth -= 1;
    if ((depth === 1 && mark === ",") || depth === 0) {
      const element = text.slice(start, index).trim();
      if (element) yield element;
      start = index + 1;
    }
  }
}

const parse = { events, array }[process.argv[2]];
for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const { id, chunks } = JSON.parse(line);
  const texts = [];
  let error = "";
  try {
    for await (const text of parse(chunks.map((chunk) => Buffer.from(chunk, "base64")))) texts.push(text);
  } catch (raised) {
    error = `, "error": ${JSON.stringify(`${raised.name}: ${raised.message}`)}`;
  }
  process.stdout.write(`{"id": ${id}, "events": [${texts.join(", ")}]${error}}\n`);
}
