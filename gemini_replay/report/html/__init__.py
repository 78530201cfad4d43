"""Cassettes, and runs of tests, as one page for a browser."""
