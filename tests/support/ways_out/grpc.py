"""Ways of gRPC, over new channels and over open ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from support.ways_out.stage import (
    HOST,
    WAYS,
    Ask,
    Stage,
    Way,
    plainly,
)

STREAM = "/google.ai.generativelanguage.v1beta.GenerativeService/StreamGenerateContent"
CALLS = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")


def call(channel: Any, kind: str) -> object:
    answer = getattr(channel, kind)(STREAM)(iter([b""]) if kind.startswith("stream") else b"", timeout=0.5)
    return list(answer) if kind.endswith("stream") else answer


def channel(make: Callable[[Any, str], Any], target: str = "{}:{}") -> Callable[[Stage], object]:
    def ask(stage: Stage) -> None:
        grpc = pytest.importorskip("grpc")
        with make(grpc, target.format(HOST, stage.plain.port)) as made:
            call(made, "unary_stream")

    return ask


def secure_channel(grpc: Any, target: str) -> Any:
    return grpc.secure_channel(target, grpc.ssl_channel_credentials())


def intercepted_channel(grpc: Any, target: str) -> Any:
    class Interceptor(grpc.UnaryStreamClientInterceptor):  # type: ignore[misc]
        def intercept_unary_stream(self, go_on: Any, details: Any, request: Any) -> Any:
            return go_on(details, request)

    return grpc.intercept_channel(grpc.insecure_channel(target), Interceptor())


def aio_channel(*, tls: bool) -> Callable[[Stage], object]:
    async def main(stage: Stage) -> None:
        grpc = pytest.importorskip("grpc")
        target = f"dns:///{HOST}:{stage.plain.port}"
        made = (
            grpc.aio.secure_channel(target, grpc.ssl_channel_credentials())
            if tls
            else grpc.aio.insecure_channel(target)
        )
        async with made:
            await made.unary_unary(STREAM)(b"", timeout=0.5)

    return lambda stage: asyncio.run(main(stage))


plainly(channel(secure_channel), "grpc_secure")
plainly(channel(lambda grpc, target: grpc.insecure_channel(target)), "grpc_insecure")
plainly(channel(lambda grpc, target: grpc.insecure_channel(target), "dns:///{}:{}"), "grpc_dns_target")
plainly(channel(intercepted_channel), "grpc_intercepted")
plainly(aio_channel(tls=True), "grpc_aio_secure")
plainly(aio_channel(tls=False), "grpc_aio_insecure")


def open_channel(kind: str) -> Callable[[Stage], Ask]:
    def prepare(stage: Stage) -> Ask:
        made = pytest.importorskip("grpc").insecure_channel(f"{HOST}:{stage.plain.port}")

        def ask() -> None:
            with made:  # an open channel would go on trying to connect
                call(made, kind)

        return ask

    return prepare


def open_aio_channel(kind: str) -> Callable[[Stage], Ask]:
    """A channel that does not tell its target: only the method that is called shows what it is for."""

    def prepare(stage: Stage) -> Ask:
        grpc = pytest.importorskip("grpc")
        loop = stage.loop()

        async def make() -> Any:
            return grpc.aio.insecure_channel(f"{HOST}:{stage.plain.port}")

        made = loop.run_until_complete(make())

        async def ask() -> None:
            async with made:
                streams = kind.startswith("stream")
                call = getattr(made, kind)(STREAM)(iter([b""]) if streams else b"", timeout=0.5)
                await (call.read() if kind.endswith("stream") else call)

        return lambda: loop.run_until_complete(ask())

    return prepare


for each in CALLS:
    WAYS.append(Way(f"grpc_aio_open_{each}", open_aio_channel(each), names=True))
    WAYS.append(Way(f"grpc_open_{each}", open_channel(each), names=True))
