"""Believable rhythm for cassettes that have none of their own: measured profiles of models, and retiming by them."""
