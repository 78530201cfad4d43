"""The engine: what is recorded and what is played, the same for every client library.

All of it but `pacing` knows no socket, loop, clock or file: moments come in as numbers. `pacing` is the one place
that sleeps.
"""
