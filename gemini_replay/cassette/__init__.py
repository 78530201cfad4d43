"""Cassettes: the model, format v1, files and journal, redaction, matching."""
