"""Checks of stored cassettes: what is broken, secret, incomplete, old or retired in them."""
