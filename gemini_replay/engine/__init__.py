"""The engine: what is recorded and what is played, the same for every client library.

`recorder`, `player`, `coding` and `timing` know no socket, loop, clock or file: moments come in as numbers.
`pacing` is the one place that sleeps.
"""
