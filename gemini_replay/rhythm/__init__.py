"""Believable rhythm for cassettes that have none: measured rhythms of models, and retiming with them."""
