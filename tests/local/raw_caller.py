"""A caller who reads what comes over a socket byte by byte, whatever it is."""

from __future__ import annotations

import json
import socket
from typing import NamedTuple
from urllib.parse import urlsplit

from local_caller import PREFIX
from v2_caller import MODEL

CLOSED, RESET = "closed", "reset"


class Received(NamedTuple):
    """What came back.

    Attributes:
        status: The HTTP status, or None where no head came.
        headers: By lower-case name.
        body: The body as it came, chunks and all.
        end: How the connection ended.
    """

    status: int | None
    headers: dict[str, str]
    body: bytes
    end: str

    @property
    def chunks(self):
        """The chunks of the body that came whole, the last empty one too."""
        chunks, rest = [], self.body
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            chunks.append(rest[: int(size, 16)])
            rest = rest[int(size, 16) + 2 :]
        return chunks

    @property
    def events(self):
        """The events of the body that came whole."""
        return [event for event in b"".join(self.chunks).split(b"\n\n") if event]


def open_chat(caller, text="你好", *, version=1, stream=False, method="POST", protocol="1.1"):
    """Send a chat request over a connection of its own, and return the socket."""
    body = {"messages": [{"role": "user", "content": text}], "stream": stream}
    if version == 1:
        target, key = f"{PREFIX}/chat/completions?access_token={caller.token}", ""
    else:
        target, key = "/v2/chat/completions", f"Authorization: Bearer {caller.platform.api_key}\r\n"
        body["model"] = MODEL
    content = json.dumps(body).encode()
    address = urlsplit(caller.platform.url)
    connection = socket.create_connection((address.hostname, address.port), timeout=10)
    head = (
        f"{method} {target} HTTP/{protocol}\r\nHost: localhost\r\n{key}Content-Length: {len(content)}\r\n\r\n"
    )
    connection.sendall(head.encode() + content)
    return connection


def read(connection):
    """Read to the end of a connection, which the platform must close."""
    data, end = b"", CLOSED
    with connection:
        try:
            while received := connection.recv(65536):
                data += received
        except ConnectionResetError:
            end = RESET
    head, _, body = data.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(entry.lower().split(": ", 1) for entry in lines)
    return Received(int(line.split()[1]) if line else None, headers, body, end)


def chat(caller, text="你好", **options):
    """Send a chat request over a connection of its own, and return what comes back until it ends."""
    return read(open_chat(caller, text, **options))
