"""Shared by the tests: real clients behind one face, and ways to send known chunks."""
