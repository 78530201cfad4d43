"""Servers on real sockets: the embedded upstream, and what every server of this package stands on.

``running`` runs an ASGI app in a thread or in the foreground; ``upstream`` is a Gemini-like server
that needs no key of Google's; ``scenarios`` is what it streams. uvicorn (extra ``server``) is
imported when a server starts.
"""
