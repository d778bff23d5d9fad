"""How far the local platform is from what was recorded: the same requests, and the shapes of both answers.

Words differ between any two answers; fields, their types and HTTP statuses should not. Only the calls of
models are compared: what the console answers depends on what was done before.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode, urlsplit

import orjson

from qianfan.local import sse
from qianfan.local.cassette import differences
from qianfan.local.cassette.tape import Tape
from qianfan.local.wire import NotJson, as_object, parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from qianfan.local.cassette.exchange import Exchange

_V1, _V2 = "/rpc/", "/v2/"

_OK = 200

_ABSENT = "absent"

_ANYBODY = "anybody"  # whose key is good where any key is


class Difference(NamedTuple):
    """One difference of an answer's shape.

    Attributes:
        file: The recording.
        where: What differs: `status`, `content-type`, or the path of a field such as `choices[].flag`, of a
            stream in any of its events; `the whole` where a text such as `[DONE]` stands in place of an object.
        recorded: Its type or value in the recording, or `absent`.
        local: What the local platform has there.
    """

    file: str
    where: str
    recorded: str
    local: str

    def __str__(self) -> str:
        return f"{self.file}: {self.where}: {self.recorded} recorded, {self.local} here"


def drift(folder: str | os.PathLike[str]) -> list[Difference]:
    """Ask a local platform what was recorded, and return where the shapes of the answers differ.

    Args:
        folder: The recordings.

    Raises:
        ValueError: There is no such folder, or a file in it is no recording.
        ImportError: The extra `local` is not installed.
    """
    from qianfan.local import platform  # which has this to offer

    tape = Tape(os.fspath(folder))
    # Whoever was answered had a model of that name; whoever was refused may have had none.
    with platform(any_key=True, any_endpoint=True) as generous, platform(any_key=True) as strict:
        return [
            difference
            for kept in tape.exchanges
            if _is_of_a_model(kept)
            for difference in _compared(kept, *_asked((strict if _failed(kept) else generous).url, kept))
        ]


def _is_of_a_model(kept: Exchange) -> bool:
    path, query = kept.request["path"], kept.request.get("query") or {}
    return path.startswith(_V1) or (path.startswith(_V2) and "Action" not in query)


def _failed(kept: Exchange) -> bool:
    body = as_object(parse(kept.body)) or {}
    return kept.status != _OK or "error_code" in body


def _asked(url: str, kept: Exchange) -> tuple[int, str, bytes]:
    """Return status, media type and body of the local platform's answer to a recorded request."""
    from http.client import HTTPConnection  # slow to import

    request = kept.request
    query = dict(request.get("query") or {})
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {_ANYBODY}"}
    if request["path"].startswith(_V1):
        query["access_token"] = _ANYBODY
    body = orjson.dumps(request["body"]) if "body" in request else str(request.get("text", "")).encode()
    target = f"{request['path']}?{urlencode(query)}" if query else request["path"]
    connection = HTTPConnection(urlsplit(url).netloc)
    try:
        connection.request(request["method"], target, body, headers)
        response = connection.getresponse()
        return response.status, response.headers.get("content-type", ""), response.read()
    finally:
        connection.close()


def _compared(kept: Exchange, status: int, media_type: str, body: bytes) -> Iterator[Difference]:
    if kept.status != status:
        yield Difference(kept.name, "status", str(kept.status), str(status))
        return
    recorded_type = kept.headers.get("content-type", "")
    if _bare(recorded_type) != _bare(media_type):
        yield Difference(kept.name, "content-type", _bare(recorded_type), _bare(media_type))
    there = differences.shape(_samples(recorded_type, kept.body))
    here = differences.shape(_samples(media_type, body))
    for where in sorted(there.keys() | here.keys()):
        recorded, local = there.get(where, _ABSENT), here.get(where, _ABSENT)
        if recorded != local:
            yield Difference(kept.name, where or "the whole", recorded, local)


def _bare(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def _samples(media_type: str, body: bytes) -> list[Any]:
    """Return the JSON values of a body: of a stream those of its events."""
    if _bare(media_type) != "text/event-stream":
        value = parse(body)
        return [] if isinstance(value, NotJson) else [value]
    cutter = sse.Cutter()
    events = [*cutter.feed(body), *cutter.rest()]
    return [parse(sse.content(event)) for event in events if sse.data(event) is not None]
