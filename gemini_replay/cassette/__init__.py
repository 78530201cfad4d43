"""Cassettes: recorded interactions, their files, how they are recorded, redacted and matched.

- `model`: what a cassette holds. `format_v1`: the lines of a file, with their `encoding`.
- `files`: load, save and salvage; with a strict `reader` and an `index` of where each interaction is.
- `journal/`: a recording in progress. `merging`: makes the cassette from journals, with an `atomic_write`.
- `redaction/`: removes secrets before anything is written.
- `matching/`: which recording answers a request.
"""
