#!/usr/bin/env bash
# Records all cassettes anew: from Google if GEMINI_API_KEY is set, otherwise from gemini-replay's embedded server.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if [ -n "${GEMINI_API_KEY:-}" ]; then
  exec pytest --gemini-record rewrite "$@"
fi
exec 3< <(exec gemini-replay upstream)
trap "kill $!" EXIT
read -r -u 3 _ _ url # "listening on URL"
GEMINI_API_KEY=any-word pytest --gemini-record rewrite --gemini-upstream "$url" "$@"
