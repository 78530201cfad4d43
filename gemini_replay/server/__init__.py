"""Servers on real sockets: replay, recording proxy, the embedded upstream, and what they all stand on.

``running`` runs an ASGI app in a thread or in the foreground; ``replay`` answers from a session;
``proxy`` forwards and records what the session does not have; ``upstream`` is a Gemini-like server
that needs no key of Google's; ``scenarios`` is what it streams. uvicorn (extra ``server``) is
imported when a server starts.
"""
