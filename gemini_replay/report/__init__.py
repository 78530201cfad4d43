"""Views of cassettes for people."""
