"""The response headers of Google's servers, and of gateways in front of them."""

from __future__ import annotations

HeaderField = tuple[str, str]

SSE = "text/event-stream"
JSON = "application/json; charset=UTF-8"


def response_headers(content_type: str, *, first_byte: float | None = None) -> list[HeaderField]:
    """The headers of Google's answers, without HTTP's own framing.

    `first_byte`, the seconds until the head, is for ``server-timing``, which Vertex AI leaves out.
    """
    found = [("content-type", content_type)]
    if content_type == SSE:
        found.append(("content-disposition", "attachment"))
    found += [("vary", name) for name in ("Origin", "X-Origin", "Referer")]
    found += [
        ("date", _date()),
        ("server", "scaffolding on HTTPServer2"),
        ("x-xss-protection", "0"),
        ("x-frame-options", "SAMEORIGIN"),
        ("x-content-type-options", "nosniff"),
    ]
    if first_byte is not None:
        found.append(("server-timing", f"gfet4t7; dur={round(first_byte * 1000)}"))
    found.append(("alt-svc", 'h3=":443"; ma=2592000,h3-29=":443"; ma=2592000'))
    return found


def gateway_headers(content_type: str) -> list[HeaderField]:
    """The headers of an API gateway in front of Gemini."""
    return [
        ("content-type", content_type),
        ("cache-control", "no-cache"),
        ("date", _date()),
        ("server", "gateway"),
    ]


def _date() -> str:
    from email.utils import formatdate  # slow to import, and only needed to write answers

    return formatdate(usegmt=True)
