"""A server whose answers are raw bytes, framing included, for answers that no well-behaved server sends."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

End = Literal["keep", "close", "reset"]


@dataclass(frozen=True)
class Answer:
    """What the server sends for one request: pieces, each after so many seconds; then what becomes of the connection.

    A piece may wait for an event that the test sets instead, for half a minute at most.
    """

    pieces: Sequence[tuple[float | threading.Event, bytes]]
    end: End = "keep"


@dataclass
class RawServer:
    """Answers each request with the next answer, and all further requests with the last one.

    Attributes:
        connections: the number of connections accepted.
        requests: head and body of each request.
        left: set when a client has closed its connection.
        stopping: set when the server stops; answers under way are then cut off.
    """

    url: str
    answers: list[Answer]
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)
    stopping: threading.Event = field(default_factory=threading.Event)

    def talk(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while (request := _request(connection)) is not None:
                answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
                self.requests.append(request)
                for gap, data in answer.pieces:
                    if isinstance(gap, threading.Event):
                        gap.wait(30)
                    elif self.stopping.wait(gap):
                        return
                    connection.sendall(data)
                if answer.end == "reset":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if answer.end != "keep":
                    return
        self.left.set()


def _request(connection: socket.socket) -> bytes | None:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
    chunked = b"chunked" in fields.get(b"transfer-encoding", b"")
    length = int(fields.get(b"content-length", 0))
    while not body.endswith(b"0\r\n\r\n") if chunked else len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def raw_server(*answers: Answer) -> Iterator[RawServer]:
    """Serve `answers` on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = RawServer(f"http://127.0.0.1:{listener.getsockname()[1]}", list(answers))
        talks: list[tuple[threading.Thread, socket.socket]] = []

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                server.connections += 1
                thread = threading.Thread(target=server.talk, args=(connection,), daemon=True)
                talks.append((thread, connection))
                thread.start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield server
        finally:
            server.stopping.set()
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread, connection in talks:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                thread.join(timeout=10)


def chunked(*chunks: bytes) -> bytes:
    """HTTP chunks, without the last one."""
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)


LAST = b"0\r\n\r\n"


def head(status: str = "200 OK", *headers: str) -> bytes:
    """The head of a response."""
    return "\r\n".join([f"HTTP/1.1 {status}", "content-type: text/event-stream", *headers, "", ""]).encode("latin-1")


CHUNKED = head("200 OK", "transfer-encoding: chunked")


@contextlib.contextmanager
def full_backlog() -> Iterator[str]:
    """The URL of a port that neither accepts nor refuses a connection: its backlog is full."""
    with contextlib.ExitStack() as opened:
        listener = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
