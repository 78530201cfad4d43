"""The fuzz kit's own test: does it find bugs, and does it accuse nobody else?"""
