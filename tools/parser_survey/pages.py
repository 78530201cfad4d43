"""The page."""


def page(found):
    return "TODO"
