#!/bin/sh
# A parser in shell for the fuzz kit: what follows `data:` on each line. It needs jq, and base64 of GNU.
#
#     gemini-replay fuzz --command 'sh examples/fuzz/adapter.sh' --profile gemini
#
# One case is one line of JSON on standard input, one line of JSON answers it.
set -u

# The parser: bytes on standard input, JSON objects on standard output.
parse() {
  tr -d '\r' | sed -n 's/^data: *//p'
}

while IFS= read -r asked; do
  id=$(printf '%s\n' "$asked" | jq .id)
  printf '%s\n' "$asked" | jq -r '.chunks[]' | base64 -d |
    parse | jq -c -s --argjson id "$id" '{id: $id, events: .}' ||
    printf '{"id": %s, "error": "no JSON behind data:", "events": []}\n' "$id"
done
