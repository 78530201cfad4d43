"""Everything is imported before the first run of pytest inside this process.

Such a run takes away what it was the first to import, and the next import makes another copy of it, whose classes are
not those that others hold already: an `except` or an `isinstance` would then miss its own exception.
"""

from __future__ import annotations

import importlib
import pkgutil

import gemini_replay

for found in pkgutil.walk_packages(gemini_replay.__path__, "gemini_replay."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
for name in (
    "httpcore",
    "httpcore2",
    "httpx",
    "httpx2",
    "respx",
    "requests",
    "urllib3",
    "aiohttp",
    "uvicorn",
    "trio",
):
    importlib.import_module(name)
