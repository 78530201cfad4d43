"""Lines of cassettes, and a function that reads them."""

from __future__ import annotations

from gemini_replay import Cassette

EXAMPLE = (
    '{"cassette": 1, "recorder": "gemini-replay 0.1.0", "recorded": "2026-11-22T09:22:55Z"}\n'
    '{"request": {"method": "POST", "url": "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash'
    ':streamGenerateContent?alt=sse", "headers": '
    '[["content-type", "application/json"], ["x-goog-api-key", "REDACTED"]], '
    '"json": {"contents": [{"parts": [{"text": "问好"}]}]}}}\n'
    '{"response": {"status": 200, "headers": [["content-type", "text/event-stream"]]}, "after": 0.412}\n'
    '[0.0, "data: {\\"candidates\\": [{\\"content\\": {\\"parts\\": [{\\"text\\": \\"你", {"hex": "e5a5"}]\n'
    '[0.003, {"hex": "bd"}, "\\"}]}}]}\\r\\n\\r\\n"]\n'
    '{"end": "eof", "after": 0.001}\n'
)
HEADER = '{"cassette": 1}\n'
REQUEST = '{"request": {"method": "POST", "url": "https://h/models/m:go", "headers": []}}\n'
RESPONSE = '{"response": {"status": 200, "headers": []}, "after": 0.1}\n'
CHUNK = '[0.0, "x"]\n'
END = '{"end": "eof", "after": 0.0}\n'
BROKEN = '{"end": "reset", "after": 0.0}\n'
DECODED_HEAD = '{"response": {"status": 200, "headers": [], "body": "decoded"}, "after": 0.0}\n'
IN_PLAIN = HEADER + REQUEST + RESPONSE
IN_DECODED = HEADER + REQUEST + DECODED_HEAD
CODED = '[0.0, {"coded": "Pz8="}]\n'


def asks(member: str) -> str:
    return f'{HEADER}{{"request": {{"method": "G", "url": "u", {member}}}}}\n'


def answers(headers: str) -> str:
    return f'{HEADER}{REQUEST}{{"response": {{"status": 200, "headers": [{headers}]}}}}\n'


def read(text: str) -> Cassette:
    return Cassette.loads(text)
