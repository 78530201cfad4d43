"""Servers on real sockets: replay, recording proxy, the embedded upstream, and what they all use.

``running`` runs an ASGI app in a thread or in the foreground; ``replay`` answers from a session; ``proxy`` forwards what
the session does not have and records it; ``upstream`` is a Gemini-like server that needs no key of Google's. uvicorn
(extra ``server``) is imported when a server starts.
"""
