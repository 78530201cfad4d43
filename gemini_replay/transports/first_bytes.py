"""Finds the host of a request in its first bytes: the head of an HTTP request, or a request to a proxy."""

from __future__ import annotations

import re
from typing import Any

_LINE = re.compile(rb"[A-Z]{3,20} ([!-~]{1,8192}) HTTP/1\.[01]\r?\n")
_HOST = re.compile(rb"(?:[^\r\n]+\r?\n)*?[Hh][Oo][Ss][Tt]:[ \t]*([!-~]+)")
_SOCKS5 = re.compile(rb"\x05\x01\x00\x03(.)", re.DOTALL)
_SOCKS4 = re.compile(rb"\x04\x01(..)\x00\x00\x00[^\x00][^\x00]*\x00([^\x00]{1,255})\x00", re.DOTALL)

HostPort = tuple[str, int | None]
"""A host, and the port."""


def destination(data: Any, scheme: str) -> HostPort | str | None:
    """The destination of a request, if these bytes are the beginning of one.

    Args:
        data: bytes that are about to be sent on a connection.
        scheme: "https" or "http", for a request that leaves it out.

    Returns:
        Host and port that a proxy (HTTP's CONNECT, SOCKS 4a or 5) must connect to, or the URL of a request; None for
        anything else.
    """
    try:
        line = _LINE.match(data)
        if line is None:
            return _of_socks(data)
        found = _HOST.match(data, line.end())
    except (TypeError, ValueError, BufferError):  # not bytes: the function that gets them raises the error
        return None
    target, host = line[1].decode("ascii"), found[1].decode("ascii") if found else ""
    if line[0].startswith(b"CONNECT "):
        return _host_port(target)
    if target.startswith("/"):
        return f"{scheme}://{host}{target}" if host else None
    return target if "://" in target else None


def _of_socks(data: Any) -> HostPort | None:
    five = _SOCKS5.match(data)
    if five is not None:
        end = five.end() + five[1][0]
        rest = bytes(memoryview(data)[five.end() : end + 2])
        return rest[: five[1][0]].decode("latin-1"), int.from_bytes(rest[five[1][0] :], "big")
    four = _SOCKS4.match(data)
    return None if four is None else (four[2].decode("latin-1"), int.from_bytes(four[1], "big"))


def _host_port(text: str) -> HostPort:
    host, _, port = text.rpartition(":")
    return (host, int(port)) if host and port.isdecimal() else (text, None)
