"""The embedded upstream: a Gemini-like server, so that everything runs without a key of Google's.

`app` routes requests and chooses a scenario, `keys` checks keys, `request` reads a request, `scenarios` holds what
is streamed, `timed_response` makes timed bytes of it.
"""

from .app import RunningUpstream, Sent, Upstream, start
from .request import Received

__all__ = ["Received", "RunningUpstream", "Sent", "Upstream", "start"]
