"""What Vertex AI is asked with, and what it answers, in these tests."""

from __future__ import annotations

TOKEN = "ya29.c0AbcDefGhiJklMnoPqrStuVwxYz0123456789"
TEXT = "第1句。🌙第2句。🌙"
