"""Realistic times for cassettes without any: measured rhythms of models, and retiming with them."""
