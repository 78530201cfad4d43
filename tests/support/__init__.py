"""Shared by the tests: real clients with one interface, and ways to send known chunks."""
