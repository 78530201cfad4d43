"""Servers on real sockets: replay, recording proxy, the embedded upstream, and their common parts.

``running`` runs an ASGI app in a thread or in the foreground; ``replay`` answers from a session; ``proxy`` forwards
and records what the session does not have; ``upstream`` is a Gemini-like server that needs no key. uvicorn
(extra ``server``) is imported when a server starts.
"""
