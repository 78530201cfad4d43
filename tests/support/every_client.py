"""Every supported client."""

from __future__ import annotations

from . import aiohttp_client, clients, httpcore_clients, stdlib_clients, urllib3_clients

EVERY_CLIENT = [
    *clients.CLIENTS,
    *httpcore_clients.CLIENTS,
    *stdlib_clients.CLIENTS,
    *urllib3_clients.CLIENTS,
    aiohttp_client.AIOHTTP,
]
