"""aiohttp: its replacements. Other modules are imported once the library is known to be built as expected."""

from __future__ import annotations

import sys

from ..patching import Interception
from .private import check

_SUPPORTED = "aiohttp 3.10 to 3.14"
_NAMES = (
    "__version__",
    "BaseConnector.connect(req, timeout)",
    "BaseConnector._create_connection(req, timeout)",
    "ClientConnectorCertificateError",
    "ClientConnectorError",
    "ClientRequest.body",
    "ClientRequest.connection_key",
    "ClientRequest().compress",
    "ClientRequest().headers",
    "ClientRequest().method",
    "ClientRequest().url",
    "ClientRequest()._timer",
    "ClientTimeout(connect, sock_connect, total)",
    "Payload.write",
    "ServerDisconnectedError",
    "ServerTimeoutError",
    "client_proto.ResponseHandler.close",
    "client_proto.ResponseHandler.connection_lost(exc)",
    "client_proto.ResponseHandler.connection_made(transport)",
    "client_proto.ResponseHandler.data_received(data)",
    "client_proto.ResponseHandler.eof_received",
    "client_proto.ResponseHandler.feed_data",
    "client_proto.ResponseHandler.force_close",
    "client_proto.ResponseHandler.set_exception(exc)",
    "client_proto.ResponseHandler.set_response_params(timer)",
    "client_proto.ResponseHandler.start_timeout",
    "client_proto.ResponseHandler()._loop",
    "client_proto.ResponseHandler()._read_timeout",
    "client_proto.ResponseHandler().transport",
    "helpers.TimerContext.timeout",
    "helpers.TimerContext()._cancelled",
    "http_parser.DeflateBuffer.feed_data(chunk)",
    "http_parser.DeflateBuffer().out",
    "http_parser.RawResponseMessage.code",
    "http_parser.RawResponseMessage.raw_headers",
    "streams.StreamReader(protocol)",
    "streams.StreamReader.feed_data(data)",
    "streams.StreamReader.feed_eof",
    "streams.StreamReader.is_eof",
    "streams.StreamReader()._buffer",
    "streams.StreamReader()._protocol",
    "streams.StreamReader()._waiter",
)


def interceptions(library: str) -> list[Interception]:
    """The replacements in aiohttp, which has been imported.

    Raises:
        GeminiReplayError: this aiohttp is not built as expected.
    """
    check(library, _NAMES, supported=_SUPPORTED)
    from . import aiohttp_connect, aiohttp_record

    connector = sys.modules[library].BaseConnector
    return [(connector, "connect", aiohttp_connect.connecting), *aiohttp_record.interceptions()]
