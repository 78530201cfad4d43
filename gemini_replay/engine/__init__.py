"""The engine, which records and plays in the same way for every client library.

Except `pacing`, nothing here knows a socket, loop, clock or file: moments are numbers. `schedule` says how long to
wait. `pacing` has the drivers that block and that await; timers and servers drive a schedule themselves.
"""
