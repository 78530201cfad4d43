"""h11, strict about the heads of requests. Only `uvicorn_server` imports this, when a server starts."""

from __future__ import annotations

from typing import Any

import h11

from .entrance import Rules


class BadHeadError(h11.RemoteProtocolError):
    """A head that is too large, or invalid although h11 accepts it. The message quotes nothing of the request."""


class StrictHttp(h11.Connection):
    """h11 that accepts only strictly valid heads. A head that two servers parse differently allows request smuggling.

    Attributes:
        sends_chunks: whether the response that has begun goes out in HTTP chunks.
    """

    def __init__(self, rules: Rules) -> None:
        super().__init__(h11.SERVER, rules.head_bytes)
        self._rules = rules
        self.sends_chunks = False

    def send(self, event: Any) -> Any:
        """As h11 does."""
        sent = super().send(event)
        if type(event) is h11.Response:
            self.sends_chunks = sent is not None and b"\r\nTransfer-Encoding: chunked\r\n" in sent
        return sent

    def next_event(self) -> Any:
        """As h11 does.

        Raises:
            BadHeadError: the head breaks the rules.
        """
        if self.their_state is h11.IDLE:
            self._check_head(self.trailing_data[0])
        return super().next_event()

    def _check_head(self, received: bytes) -> None:
        head = received[: received.find(b"\r\n\r\n") + 4] if b"\r\n\r\n" in received else received
        if len(head) > self._rules.head_bytes:
            message = f"The request's head is larger than {self._rules.head_bytes} bytes."
            raise BadHeadError(message, error_status_hint=431)
        if head.count(b"\n") > self._rules.head_lines:
            message = f"The request's head has more than {self._rules.head_lines} lines."
            raise BadHeadError(message, error_status_hint=431)
        ends = head.count(b"\r\n")
        loose = head.count(b"\n") > ends or head.count(b"\r") - head.endswith(b"\r") > ends
        if loose or b"\n " in head or b"\n\t" in head:
            raise BadHeadError("A line of the request's head is folded, or does not end with CR LF.")
