"""The engine: what is recorded and what is played, the same for every client library.

All of it but `pacing` knows no socket, loop, clock or file: moments come in as numbers. `schedule` says how long to
wait. `pacing` has the drivers that block and that await; timers and servers drive a schedule themselves.
"""
