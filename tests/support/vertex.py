"""The token that tests send to Vertex AI, and the text that it answers."""

from __future__ import annotations

TOKEN = "ya29.c0AbcDefGhiJklMnoPqrStuVwxYz0123456789"
TEXT = "第1句。🌙第2句。🌙"
