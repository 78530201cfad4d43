"""Converts recordings of other tools to cassettes, and back.

`conversion` is the entry. `vcr`, `har`, `genai_replay` and `aimock` each read one format. `stored_interaction` makes
interactions of what they read. `vcr` and `har_writer` write. `members` checks files while they are read. `migration`
converts the files of a whole folder.
"""
