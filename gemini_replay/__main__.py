"""``python -m gemini_replay``."""

from .cli import main

raise SystemExit(main())
