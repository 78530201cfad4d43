"""The journal: a recording in progress on disk, line by line, from which the cassette is made."""

from .file import is_left_of, keep_beside
from .writer import Journal, JournalEntry

__all__ = ["Journal", "JournalEntry", "is_left_of", "keep_beside"]
