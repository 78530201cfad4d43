// @google/genai, as its users write it; GOOGLE_GEMINI_BASE_URL says where it asks.
import { GoogleGenAI } from '@google/genai';

const ai = new GoogleGenAI({ apiKey: 'AIzaSyD-0123456789abcdefghijklmnopqrstuv' });
try {
  const stream = await ai.models.generateContentStream({ model: 'gemini-2.5-flash', contents: 'Tell me a story.' });
  for await (const chunk of stream) {
    console.log(JSON.stringify([performance.now() / 1000, chunk.text ?? '']));
  }
} catch (error) {
  console.log(JSON.stringify([performance.now() / 1000, `${error.name}: ${error.message}`]));
}
