// Third-party parsers of JavaScript, each behind the line protocol: `node node_parsers.mjs NAME`.
//
// PARSER_MODULES names the folder whose node_modules holds the packages. Each parser runs its real code on the response
// of a stand-in for fetch, whose body is a ReadableStream of exactly the case's chunks.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const found = createRequire(join(process.env.PARSER_MODULES, "package.json"));
const load = (name) => import(pathToFileURL(found.resolve(name)).href);

let chunks = [];
let taken = 0;

function body() {
  let next = 0;
  taken = 0;
  return new ReadableStream(
    {
      async pull(controller) {
        await new Promise(setImmediate); // streams that read ahead catch up first, as they would live
        while (next < chunks.length && chunks[next].length === 0) next += 1; // a stream of bytes has no empty chunks
        if (next === chunks.length) return controller.close();
        controller.enqueue(new Uint8Array(chunks[next]));
        next += 1;
        taken = next;
      },
    },
    { highWaterMark: 0 },
  );
}

globalThis.fetch = async () =>
  new Response(body(), { status: 200, headers: { "content-type": "text/event-stream" } });

// JSON for parsers that give text: what JavaScript's numbers cannot hold stays as it is written, since it is not the
// parser that rounds it.
function exactly(text) {
  return JSON.parse(text, (_, value, { source }) =>
    typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value) && /^-?\d+$/.test(source)
      ? JSON.rawJSON(source)
      : value,
  );
}

// What users write behind a library that gives them events. One with empty data comes out as null: it must not be
// hidden here.
async function* fromData(events) {
  for await (const { data } of events) {
    if (data === "[DONE]") break;
    yield data ? exactly(data) : null;
  }
}

const PARSERS = {
  // eventsource-parser: its stream behind a TextDecoderStream, and the usual code behind that.
  "eventsource-parser": async () => {
    const { EventSourceParserStream } = await load("eventsource-parser/stream");
    return async function* () {
      const events = (await fetch("http://test")).body
        .pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream());
      yield* fromData(events);
    };
  },
  // @google/genai: the request by which its models stream, before the fields of the answer are picked.
  "@google/genai": async () => {
    const { GoogleGenAI } = await load("@google/genai");
    const client = new GoogleGenAI({ apiKey: "none", httpOptions: { fetch: globalThis.fetch } });
    return async function* () {
      const stream = await client.models.apiClient.requestStream({
        path: "models/gemini-2.5-flash:streamGenerateContent",
        body: "{}",
        httpMethod: "POST",
      });
      for await (const response of stream) yield await response.json();
    };
  },
  // @google/generative-ai: generateContentStream(…).stream.
  "@google/generative-ai": async () => {
    const { GoogleGenerativeAI } = await load("@google/generative-ai");
    const model = new GoogleGenerativeAI("none").getGenerativeModel({ model: "gemini-2.5-flash" });
    return async function* () {
      const { stream, response } = await model.generateContentStream("…");
      response.catch(() => {}); // the same error as the stream's
      yield* stream;
    };
  },
};

const parse = await PARSERS[process.argv[2]]();
process.on("unhandledRejection", () => {}); // of the halves of a stream that nobody reads
console.log = console.warn = console.info = console.debug = console.error;

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const asked = JSON.parse(line);
  chunks = asked.chunks.map((chunk) => Buffer.from(chunk, "base64"));
  const answer = { id: asked.id, events: [], pulled: [] };
  const began = process.cpuUsage();
  try {
    for await (const event of parse()) {
      answer.events.push(event);
      answer.pulled.push(taken);
    }
  } catch (error) {
    answer.error = `${error?.name ?? "Error"}: ${error?.message ?? error}`.slice(0, 500);
  }
  const used = process.cpuUsage(began);
  answer.seconds = (used.user + used.system) / 1e6;
  let text;
  try {
    text = JSON.stringify(answer);
  } catch (error) {
    text = JSON.stringify({ id: asked.id, events: [], error: `${error.name}: ${error.message}` }); // too deep
  }
  process.stdout.write(text + "\n");
}
