"""Every supported client."""

from __future__ import annotations

from . import aiohttp_client, clients, urllib3_clients

EVERY_CLIENT = [*clients.CLIENTS, *urllib3_clients.CLIENTS, aiohttp_client.AIOHTTP]
