// Third-party parsers of JavaScript, each behind the line protocol: `node node_parsers.mjs NAME`.
//
// PARSER_MODULES names the folder whose node_modules holds the packages. Each parser runs its real code on the response
// of a stand-in for fetch, whose body is a ReadableStream of exactly the case's chunks.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pathToFileURL } from "node:url";

const found = createRequire(join(process.env.PARSER_MODULES, "package.json"));
const load = (name) => import(pathToFileURL(found.resolve(name)).href);

let chunks = [];
let taken = 0;

function body() {
  const own = chunks; // a stream that was left alone reads on; it must not read, or count, those of the next case
  let next = 0;
  taken = 0;
  return new ReadableStream(
    {
      async pull(controller) {
        await new Promise(setImmediate); // streams that read ahead catch up first, as they would live
        while (next < own.length && own[next].length === 0) next += 1; // a stream of bytes has no empty chunks
        if (next === own.length) return controller.close();
        controller.enqueue(new Uint8Array(own[next]));
        next += 1;
        if (own === chunks) taken = next;
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

// What a callback is given, one after another; `start` gets functions to push a value, and to end or fail.
async function* pushed(start) {
  let values = [];
  let over = false;
  let failure;
  let wake = () => {};
  const end = (error) => {
    over = true;
    failure ??= error;
    wake();
  };
  start((value) => (values.push(value), wake()), end);
  while (true) {
    while (values.length) {
      const ready = values;
      values = [];
      yield* ready; // all at once: to shift them one by one takes time that grows with the square
    }
    if (failure) throw failure;
    if (over) return;
    await new Promise((resolve) => (wake = resolve));
  }
}

const URL_OF_STREAM = "http://test/";

const PARSERS = {
  // eventsource-parser: its stream after a TextDecoderStream, and the usual code after that.
  "eventsource-parser": async () => {
    const { EventSourceParserStream } = await load("eventsource-parser/stream");
    return async function* () {
      const events = (await fetch("http://test")).body
        .pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream());
      yield* fromData(events);
    };
  },
  // eventsource: its EventSource, which would reconnect at the end; events of every type, as it dispatches them.
  eventsource: async () => {
    const { EventSource } = await load("eventsource");
    return () =>
      fromData(
        pushed((push, end) => {
          class Every extends EventSource {
            dispatchEvent(event) {
              if ("data" in event) push(event);
              return super.dispatchEvent(event);
            }
          }
          const source = new Every(URL_OF_STREAM, { fetch: globalThis.fetch });
          source.onerror = () => (source.close(), end());
        }),
      );
  },
  // eventsource-client: createEventSource(…), which would reconnect at the end.
  "eventsource-client": async () => {
    const { createEventSource } = await load("eventsource-client");
    return () =>
      fromData(
        pushed((push, end) => {
          const source = createEventSource({
            url: URL_OF_STREAM,
            fetch: globalThis.fetch,
            onMessage: push,
            onDisconnect: () => (source.close(), end()),
          });
        }),
      );
  },
  // @microsoft/fetch-event-source: fetchEventSource(…).
  "@microsoft/fetch-event-source": async () => {
    const { fetchEventSource } = await load("@microsoft/fetch-event-source");
    globalThis.window = globalThis;
    globalThis.document = { addEventListener() {}, removeEventListener() {} };
    return () =>
      fromData(
        pushed((push, end) => {
          const onerror = (error) => {
            throw error; // or it would ask again
          };
          fetchEventSource(URL_OF_STREAM, { openWhenHidden: true, onmessage: push, onerror }).then(() => end(), end);
        }),
      );
  },
  // fetch-event-stream: events(response).
  "fetch-event-stream": async () => {
    const { events } = await load("fetch-event-stream");
    return async function* () {
      yield* fromData(events(await fetch(URL_OF_STREAM)));
    };
  },
  // parse-sse: parseServerSentEvents(response).
  "parse-sse": async () => {
    const { parseServerSentEvents } = await load("parse-sse");
    return async function* () {
      yield* fromData(parseServerSentEvents(await fetch(URL_OF_STREAM)));
    };
  },
  // event-stream-parser: parse(body).
  "event-stream-parser": async () => {
    const { parse } = await load("event-stream-parser");
    return async function* () {
      yield* fromData(await parse((await fetch(URL_OF_STREAM)).body));
    };
  },
  // @server-sent-stream/web: the body piped through EventSourceStream.
  "@server-sent-stream/web": async () => {
    const { default: EventSourceStream } = (await load("@server-sent-stream/web")).default;
    return async function* () {
      yield* fromData((await fetch(URL_OF_STREAM)).body.pipeThrough(new EventSourceStream()));
    };
  },
  // @azure/core-sse: createSseStream(body).
  "@azure/core-sse": async () => {
    const { createSseStream } = await load("@azure/core-sse");
    return async function* () {
      yield* fromData(createSseStream((await fetch(URL_OF_STREAM)).body));
    };
  },
  // @ai-sdk/provider-utils: parseJsonEventStream(…), which the providers of the AI SDK read streams with.
  "@ai-sdk/provider-utils": async () => {
    const { parseJsonEventStream } = await load("@ai-sdk/provider-utils");
    const { z } = await load("zod");
    return async function* () {
      const stream = parseJsonEventStream({ stream: (await fetch(URL_OF_STREAM)).body, schema: z.any() });
      for await (const result of stream) {
        if (!result.success) throw result.error;
        yield result.value;
      }
    };
  },
  // openai: the real client, as for chat completions.
  "openai (Node)": async () => {
    const { OpenAI } = await load("openai");
    const client = new OpenAI({ apiKey: "none", fetch: globalThis.fetch, maxRetries: 0 });
    return async function* () {
      yield* await client.chat.completions.create({ model: "…", messages: [], stream: true });
    };
  },
  // @anthropic-ai/sdk: its decoder of server-sent events; its streams pass over events without a name of theirs.
  "@anthropic-ai/sdk": async () => {
    const { _iterSSEMessages } = await load("@anthropic-ai/sdk/core/streaming");
    return async function* () {
      yield* fromData(_iterSSEMessages(await fetch(URL_OF_STREAM), new AbortController()));
    };
  },
  // @streamparser/json-whatwg: the body piped through JSONParser({ paths: ["$.*"] }).
  "@streamparser/json-whatwg": async () => {
    const { JSONParser } = await load("@streamparser/json-whatwg");
    return async function* () {
      const parser = new JSONParser({ paths: ["$.*"], keepStack: false });
      for await (const { value } of (await fetch(URL_OF_STREAM)).body.pipeThrough(parser)) yield value;
    };
  },
  // stream-json: its parser and streamArray behind the body.
  "stream-json": async () => {
    const { default: withParser } = await load("stream-json/streamers/stream-array.js");
    return async function* () {
      const body = Readable.fromWeb((await fetch(URL_OF_STREAM)).body);
      for await (const { value } of body.pipe(withParser.withParserAsStream())) yield value;
    };
  },
  // @google/genai, the whole client: models.generateContentStream(…).
  "@google/genai client": async () => {
    const { GoogleGenAI } = await load("@google/genai");
    const client = new GoogleGenAI({ apiKey: "none", httpOptions: { fetch: globalThis.fetch } });
    return async function* () {
      for await (const one of await client.models.generateContentStream({ model: "gemini-2.5-flash", contents: "…" })) {
        const { sdkHttpResponse, ...fields } = one;
        yield fields;
      }
    };
  },
  // @ai-sdk/google: the model's doStream(…), on which streamText of the AI SDK stands.
  "@ai-sdk/google": async () => {
    const { createGoogleGenerativeAI } = await load("@ai-sdk/google");
    const provider = createGoogleGenerativeAI({ apiKey: "none", fetch: globalThis.fetch, generateId: () => "id" });
    const prompt = [{ role: "user", content: [{ type: "text", text: "…" }] }];
    return async function* () {
      const { stream } = await provider("gemini-2.5-flash").doStream({ prompt });
      for await (const part of stream) {
        if (part.type === "error") throw part.error;
        if (part.type !== "stream-start") yield JSON.parse(JSON.stringify(part));
      }
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
