"""Every known way from Python to a host: names, TLS, proxies, connections that are open already, gRPC.

Each module adds its ways to the list when it is imported.
"""

from support.ways_out import clients, grpc, loops, names, open_connections, proxies, tls
from support.ways_out.stage import WAYS

__all__ = ["WAYS", "clients", "grpc", "loops", "names", "open_connections", "proxies", "tls"]
