#!/bin/sh
# Streams a story with curl; the events appear as they arrive.
#
#     GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:8080 GEMINI_API_KEY=… examples/story.sh "Tell me a story."
#
# Works with an API gateway, with `gemini-replay upstream --gateway`, `gemini-replay record` and `gemini-replay serve`.
set -eu
BASE="${GOOGLE_GEMINI_BASE_URL:-https://generativelanguage.googleapis.com}"
MODEL="${GEMINI_MODEL:-gemini-2.5-flash}"
PROMPT="${1:-Tell me a story.}" # goes into JSON as it is: no quotes or backslashes
curl -X POST "$BASE/v1beta/models/$MODEL:streamGenerateContent" \
  -H "Authorization: Bearer ${GEMINI_API_KEY:-}" \
  -d '{"contents":[{"parts":[{"text":"'"$PROMPT"'"}]}],"generationConfig":{"maxOutputTokens":3000,"temperature":0.7}}' \
  --no-buffer
