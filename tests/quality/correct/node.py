"""Parsers in JavaScript, where Node is installed."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from gemini_replay.fuzz.command import Command
from quality.correct.registry import register

PARSER = Path(__file__).with_name("parser.mjs")

if shutil.which("node") is not None and sys.platform != "win32":
    register("node_events", Command(["node", str(PARSER), "events"]), "gemini", "gateway")
    register("node_array", Command(["node", str(PARSER), "array"]), "json-array")
