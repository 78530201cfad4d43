"""Ways that connect to an address and name the host in TLS."""

from __future__ import annotations

import contextlib
import socket
import ssl

from support.ways_out.stage import (
    HEAD,
    HOST,
    Stage,
    plainly,
)


def tls_at_an_address(stage: Stage) -> None:
    with socket.create_connection(("127.0.0.1", stage.plain.port)) as sock:
        sock.settimeout(0.2)
        stage.trust.wrap_socket(sock, server_hostname=HOST)


def tls_by_hand(stage: Stage) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = stage.trust.wrap_bio(incoming, outgoing, server_hostname=HOST)
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    with socket.create_connection(("127.0.0.1", stage.plain.port)) as sock:
        sock.sendall(outgoing.read())


def head_in_tls_for_another_name(stage: Stage) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", stage.secret.port)) as sock:
        context.wrap_socket(sock).sendall(HEAD)


plainly(tls_at_an_address, "tls_at_an_address", names=False)
plainly(tls_by_hand, "tls_by_hand", names=False)
plainly(head_in_tls_for_another_name, "head_in_tls_without_a_name", names=False)
