"""What to do if another tool refused a request before the cassette was asked, or kept it from being recorded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from ..session import Session

_VCR = 'VCR.py: skip_patchers=["httpx"], or the name of another client library'
_MOCKS = {
    "RESPX: ": 'respx: respx_mock.route(host="{host}").pass_through()',
    "No response can be found for ": "pytest-httpx: @pytest.mark.httpx_mock(should_mock=lambda request: "
    'request.url.host != "{host}")',
    "Connection refused by Responses": 'responses: responses.add_passthru("{scheme}://{host}")',
    "Can't play back this request": _VCR,
    "Can't overwrite existing cassette": _VCR,
}
"""What the errors of tools say that answer requests, and how each lets a request pass."""
_BLOCKERS = {
    "A test tried to use socket.": "pytest-socket: --force-enable-socket",
    "Network is disabled": "pytest-recording: --allowed-hosts, or block_network(allowed_hosts=[…])",
}
"""What the errors of tools say that block the network, and how each lets a request pass."""
_URL = re.compile(r"https?://[^\s'\")>\]]+")


def advice(raised: BaseException | None, session: Session) -> str:
    """A line for the report of a test that ended with this exception; "" if no other tool caused it."""
    seen: set[int] = set()
    while raised is not None and id(raised) not in seen:
        seen.add(id(raised))
        text = str(raised)
        url = _URL.search(text)  # the first: others are of what the tool would have answered
        for words, how in _MOCKS.items():
            if words in text and url is not None and session.hosts.owns(url[0]):
                parts = urlsplit(url[0])
                passing = how.format(scheme=parts.scheme, host=parts.hostname)
                return f"Another tool refused the request. Let it pass with {passing}"
        for words, how in _BLOCKERS.items():
            if session.recording and words in text:
                return f"Recording needs the network, which another tool blocks. Allow it with {how}"
        raised = raised.__cause__ or raised.__context__
    return ""
