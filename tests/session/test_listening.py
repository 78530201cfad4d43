"""The check whether a socket of this process listens at an address."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gemini_replay.session import hosts


@contextmanager
def listening(host: str, family: socket.AddressFamily = socket.AF_INET) -> Iterator[int]:
    with socket.create_server((host, 0), family=family) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "api.localhost", "0.0.0.0"])
def test_a_socket_of_this_process_is_found_where_it_listens(host: str) -> None:
    """It is found on its own port until it is closed."""
    with listening("127.0.0.1") as port:
        assert hosts.listens(host, port)
        assert not hosts.listens(host, port + 1)
    assert not hosts.listens(host, port)


def test_a_socket_that_listens_everywhere_is_found(tmp_path: Path) -> None:
    """It is found at any loopback address."""
    with listening("0.0.0.0") as port:
        assert hosts.listens("127.0.0.1", port)
        assert hosts.listens("127.0.0.9", port)
        assert not hosts.listens("::1", port)


@pytest.mark.skipif(not socket.has_ipv6, reason="there is no IPv6 here")
def test_addresses_of_both_families_are_told_apart() -> None:
    """A socket at ::1 does not listen at 127.0.0.1."""
    try:
        with listening("::1", socket.AF_INET6) as port:
            assert hosts.listens("::1", port)
            assert hosts.listens("localhost", port)
            assert not hosts.listens("127.0.0.1", port)
    except OSError:
        pytest.skip("there is no IPv6 here")


def test_connections_and_other_hosts_do_not_count() -> None:
    """They do not count even with the same port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            assert not hosts.listens("127.0.0.1", client.getsockname()[1])
        assert not hosts.listens("192.0.2.1", port)
        assert not hosts.listens("example.org", port)


def test_looking_leaves_sockets_as_they_are() -> None:
    """This holds even if new sockets have a default timeout."""
    socket.setdefaulttimeout(5)
    try:
        with listening("127.0.0.1") as port, socket.socket() as other:
            other.setblocking(True)
            assert hosts.listens("127.0.0.1", port)
            assert other.gettimeout() is None
            assert other.fileno() != -1
    finally:
        socket.setdefaulttimeout(None)


def test_a_socket_of_uvloop_is_found() -> None:
    """Such a socket is not a Python socket object."""
    uvloop = pytest.importorskip("uvloop")

    async def main() -> bool:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
        with_port = server.sockets[0].getsockname()[1]
        async with server:
            return hosts.listens("127.0.0.1", with_port)

    loop = uvloop.new_event_loop()
    assert loop.run_until_complete(main())
    loop.close()


def test_a_system_that_lists_no_descriptors_knows_pythons_own_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows is such a system."""
    monkeypatch.setattr(sys, "platform", "win32")
    with listening("127.0.0.1") as port:
        assert hosts.listens("127.0.0.1", port)
    assert not hosts.listens("127.0.0.1", port)
