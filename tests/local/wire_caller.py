"""A caller who writes whatever bytes to a platform's port, and reads what they are answered."""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
from typing import Any, NamedTuple
from urllib.parse import urlsplit

HOST = b"Host: 127.0.0.1\r\n"


class Answer(NamedTuple):
    """One answer: its status, its headers by lower-case name, and its body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def content(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Wire:
    """One connection to a platform.

    Args:
        platform: Whose `url` says where it is.
        receives: Bytes that may wait to be read on this side; by default as many as the system likes.
    """

    def __init__(self, platform, receives=None):
        address = urlsplit(platform.url)
        self.socket = socket.socket()
        self.socket.settimeout(30)
        if receives is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
        self.socket.connect((address.hostname, address.port))
        self._file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        """Close the connection."""
        self._file.close()
        self.socket.close()

    def send(self, *parts):
        """Send bytes, each part by itself; what cannot be sent since the platform has closed is left out."""
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            for part in parts:
                self.socket.sendall(part)

    def end(self):
        """Send no more, and say so."""
        with contextlib.suppress(OSError):  # the platform has closed
            self.socket.shutdown(socket.SHUT_WR)

    def answer(self, method="GET"):
        """Return the next answer, or None where the platform closes without a whole one."""
        try:
            status, headers = self._head()
            while status == 100:  # "continue", before the answer
                status, headers = self._head()
            if method == "HEAD":
                return Answer(status, headers, b"")
            if headers.get("transfer-encoding") == "chunked":
                body = b"".join(iter(self._chunk, b""))
            else:
                body = self._bytes(int(headers["content-length"]))
        except (ConnectionResetError, EOFError):
            return None
        return Answer(status, headers, body)

    def _head(self):
        status = int(self._line().split()[1])
        return status, dict(iter(self._header, None))

    def _header(self):
        name, colon, value = self._line().partition(": ")
        return (name.lower(), value) if colon else None

    def _chunk(self):
        data = self._bytes(int(self._line(), 16))
        assert self._line() == ""
        return data

    def _line(self):
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError
        return line[:-2].decode("latin-1")

    def _bytes(self, count):
        data = self._file.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def waits(self, seconds):
        """Wait for so many seconds; return whether still nothing has come."""
        with selectors.DefaultSelector() as selector:  # `select` itself takes no file descriptor above 1023
            selector.register(self.socket, selectors.EVENT_READ)
            return not selector.select(seconds)

    def is_closed(self):
        """Wait for the end of the connection; return whether nothing more came."""
        try:
            return self._file.read(1) == b""
        except ConnectionResetError:
            return True


def ask(platform, *parts, method="GET"):
    """Return the first answer to some bytes on a connection of their own."""
    with Wire(platform) as wire:
        wire.send(*parts)
        return wire.answer(method)


def head(target, *lines, method="GET", host=HOST):
    """Return the head of a request, with its `Host` and some more lines."""
    written = b"".join(line.encode("latin-1") + b"\r\n" for line in lines)
    return b"%b %b HTTP/1.1\r\n%b%b\r\n" % (method.encode(), target.encode("latin-1"), host, written)


def request(target, body, *lines, host=HOST):
    """Return a POST with a body, as bytes or to be sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return head(target, *lines, f"Content-Length: {len(content)}", method="POST", host=host) + content
