import { GoogleGenAI } from "@google/genai";

// Each piece of the answer with its moment, in milliseconds since the request.
window.ask = async (baseUrl, prompt) => {
  const ai = new GoogleGenAI({ apiKey: "key-of-a-page", httpOptions: { baseUrl } });
  const started = performance.now();
  const pieces = [];
  const stream = await ai.models.generateContentStream({ model: "gemini-2.5-flash", contents: prompt });
  for await (const chunk of stream) pieces.push([performance.now() - started, chunk.text ?? ""]);
  return pieces;
};

// A request that a browser sends without asking first, and whose answer no page can read.
window.askUnasked = (url) => fetch(url, { method: "POST", mode: "no-cors", body: "{}" }).then((answer) => answer.type);
