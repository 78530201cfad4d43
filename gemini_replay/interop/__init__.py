"""Recordings of other tools: to cassettes, and back.

`conversion` is where to begin. `vcr`, `har`, `genai_replay` and `aimock` read a format each, as `exchange.Exchange`
objects of which `exchange` makes interactions; `vcr` and `har_writer` write. `members` checks files as they are read.
`migration` converts the files of a whole folder.
"""
