"""Stopping a platform that is busy."""

from __future__ import annotations

import socket
import threading

import qianfan.local

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_connections_just_made_are_cut():
    """A caller whose connection comes up as the platform stops is not left waiting."""
    for _ in range(10):
        platform = qianfan.local.platform().start()
        port, waited, asked = int(platform.url.rpartition(":")[2]), [], threading.Event()

        def call(port=port, waited=waited, asked=asked):
            try:
                while True:
                    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                        connection.sendall(REQUEST)
                        connection.recv(1000)
                        asked.set()
            except TimeoutError:
                waited.append(port)
            except OSError:
                asked.set()

        callers = [threading.Thread(target=call) for _ in range(4)]
        for caller in callers:
            caller.start()
        asked.wait()
        platform.stop()
        for caller in callers:
            caller.join()
        assert waited == []
