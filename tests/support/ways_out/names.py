"""Ways that look up a host's name, or connect by it."""

from __future__ import annotations

import contextlib
import importlib
import os
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.ways_out.stage import (
    HOST,
    Ask,
    Stage,
    at,
    by_info,
    connect,
    plainly,
    way,
)

getaddrinfo, gethostbyname = socket.getaddrinfo, socket.gethostbyname
"""Functions imported by name before any session opens, as other modules import them."""

plainly(lambda stage: socket.create_connection(at(stage)), "create_connection")
plainly(lambda stage: by_info(socket.getaddrinfo(*at(stage))), "getaddrinfo")
plainly(lambda stage: by_info(socket.getaddrinfo(HOST.encode(), stage.plain.port)), "getaddrinfo_of_bytes")
plainly(lambda stage: by_info(socket.getaddrinfo("LocalHost", str(stage.plain.port))), "getaddrinfo_in_capitals")
plainly(lambda stage: by_info(socket.getaddrinfo("ｌocalhost", stage.plain.port)), "getaddrinfo_full_width")
plainly(lambda stage: by_info(getaddrinfo(*at(stage))), "getaddrinfo_imported_before")
plainly(lambda stage: by_info(importlib.import_module("_socket").getaddrinfo(*at(stage))), "getaddrinfo_of__socket")
plainly(lambda stage: connect((socket.gethostbyname(HOST), stage.plain.port)), "gethostbyname")
plainly(lambda stage: connect((gethostbyname(HOST), stage.plain.port)), "gethostbyname_imported_before")
plainly(lambda stage: connect((socket.gethostbyname_ex(HOST)[2][0], stage.plain.port)), "gethostbyname_ex")
plainly(lambda stage: connect((socket.gethostbyaddr(HOST)[2][0], stage.plain.port)), "gethostbyaddr")
plainly(lambda stage: connect(at(stage)), "connect_by_name")
plainly(lambda stage: socket.socket().connect((HOST.upper().encode(), stage.plain.port)), "connect_by_bytes")
plainly(lambda stage: socket.socket().connect_ex(at(stage)), "connect_ex_by_name")
plainly(lambda stage: importlib.import_module("_socket").socket().connect(at(stage)), "connect_of__socket")
plainly(lambda stage: socket.socket(type=socket.SOCK_DGRAM).sendto(b"hi", at(stage)), "sendto")
plainly(lambda stage: socket.socket(type=socket.SOCK_DGRAM).sendto(b"hi", 0, at(stage)), "sendto_with_flags")
plainly(lambda stage: socket.socket(type=socket.SOCK_DGRAM).sendmsg([b"hi"], [], 0, at(stage)), "sendmsg")


@way(names=True)
def a_method_that_was_bound_before(stage: Stage) -> Ask:
    bound = socket.socket().connect
    return lambda: bound(at(stage))


@way(names=True)
def a_thread_that_was_started_before(stage: Stage) -> Ask:
    pool = ThreadPoolExecutor(1)
    pool.submit(int).result()
    return lambda: pool.submit(socket.create_connection, at(stage)).result()


@way(names=True)
def a_forked_child(stage: Stage) -> Ask:
    if not hasattr(os, "fork"):
        pytest.skip("the system has no fork")

    def ask() -> None:
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                socket.create_connection(at(stage))
            os._exit(0)
        os.waitpid(child, 0)

    return ask
