// A parser in JavaScript for the fuzz kit:
//
//     gemini-replay fuzz --command 'node examples/fuzz/adapter.mjs' --profile gemini
//
// Replace `parse` by your own. One case is one line of JSON on standard input, one line of JSON answers it.

import { createInterface } from "node:readline";

// Yields the decoded JSON of each event. `chunks` is an iterable of Uint8Array, as a response's body would give them.
async function* parse(chunks) {
  const decoder = new TextDecoder();
  let buffer = "";
  for await (const chunk of chunks) {
    buffer += decoder.decode(chunk, { stream: true });
    const blocks = buffer.split("\r\n\r\n");
    buffer = blocks.pop();
    for (const block of blocks) {
      if (block.startsWith("data: ")) yield JSON.parse(block.slice("data: ".length));
    }
  }
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const { id, chunks } = JSON.parse(line);
  const answer = { id, events: [] };
  try {
    for await (const event of parse(chunks.map((chunk) => Buffer.from(chunk, "base64")))) answer.events.push(event);
  } catch (error) {
    answer.error = `${error.name}: ${error.message}`;
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
