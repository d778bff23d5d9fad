"""How both transports treat their connections."""

from __future__ import annotations

import socket

from qianfan.version import VERSION

#: Seconds a connection may take to be made, within the deadline of its call.
CONNECT_TIMEOUT = 10.0

#: Seconds after which an idle connection is not used again; servers keep them a little longer.
IDLE_SECONDS = 50.0

#: Options of every connection: routers forget silent ones, so probes are sent while a reply is awaited.
SOCKET_OPTIONS = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), seconds)
        for name, seconds in (("TCP_KEEPIDLE", 45), ("TCP_KEEPINTVL", 15))
        if hasattr(socket, name)
    ),
]

#: Headers of every request that does not set them itself.
HEADERS = {
    "Accept-Encoding": "identity",  # events must not wait in a compressor
    "User-Agent": f"qianfan-python/{VERSION}",
}
