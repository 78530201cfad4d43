"""The embedded upstream: a Gemini-like server, so that everything runs without a Google key.

`app` is the server, `keys` checks keys, `request` keeps requests, and `routes` lists the API's methods. Each kind of
resource has a module: `generation` with its `scenarios`, `models`, `embeddings`, `files` and `uploads`, `caches`,
`interactions`, `openai`, `tokens`. `backend` holds settings and resources; `timed_response` makes timed bytes.
"""

from .app import RunningUpstream, Sent, Upstream, start
from .request import Received

__all__ = ["Received", "RunningUpstream", "Sent", "Upstream", "start"]
