"""The journal: what a recording session knows so far, on disk, line by line, until its cassette is made from it."""

from .file import is_left_of, keep_beside
from .writer import Journal, JournalEntry

__all__ = ["Journal", "JournalEntry", "is_left_of", "keep_beside"]
