"""Tells stories that stream from Gemini: `chat` with Google's SDK, `feed` with requests and a parser of its own."""
