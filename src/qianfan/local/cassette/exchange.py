"""One exchange, and the file it is kept in: a line of JSON for the request, one for the head, one for each piece.

A piece is `json` (a whole body), `event` (the JSON of an event), `text` or `base64`; `at` is in seconds
from the request. What is kept as JSON is written back byte by byte as it was.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from qianfan.local import scrub
from qianfan.local.wire import NotJson, as_object, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from qianfan.local.wire import Json, Request

_STREAM = "text/event-stream"

# The words of `Bearer ...`, and the values of `name=value; name=value`.
_WORDS = re.compile(r"[^\s=;]+(?![^\s=;])(?!=[^\s=;])")

# What JSON is called, and what it stands between, in a whole body and in an event.
_NAMES = "json", "event"
_FRAMES = (b"", b""), (b"data: ", b"\n\n")


class Piece(NamedTuple):
    """A part of a body, as it was sent.

    Attributes:
        at: Seconds from the request.
        data: The bytes.
    """

    at: float
    data: bytes


@dataclass(slots=True)
class Exchange:
    """A request and its answer, without secrets.

    Attributes:
        request: Method, path, query, and body as JSON or text.
        status: The HTTP status of the answer.
        headers: The headers of the answer that say something about it.
        pieces: The body: whole, or the events of a stream.
        recorded: When, as text.
        name: The name of its file.
    """

    request: Json
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    pieces: list[Piece] = field(default_factory=list[Piece])
    recorded: str = ""
    name: str = ""

    @property
    def is_stream(self) -> bool:
        """Whether the answer is a stream of events."""
        return self.headers.get("content-type", "").startswith(_STREAM)

    @property
    def body(self) -> bytes:
        """The whole body of the answer."""
        return b"".join(piece.data for piece in self.pieces)

    def lines(self) -> bytes:
        """Return the file's content."""
        lines: list[Json] = [
            {"request": self.request, "recorded": self.recorded},
            {"reply": {"status": self.status, "headers": self.headers}},
            *(
                {"at": round(piece.at, 4), **_written(piece.data, is_stream=self.is_stream)}
                for piece in self.pieces
            ),
        ]
        return b"".join(orjson.dumps(line) + b"\n" for line in lines)


def asked(request: Request) -> Json:
    """Return what is kept of a request; no header of it is."""
    query = {name: scrub.text(value) for name, value in request.query.items() if not scrub.is_secret(name)}
    kept: Json = {"method": request.method, "path": request.path}
    if query:
        kept["query"] = query
    if not isinstance(request.content, NotJson):
        kept["body"] = scrub.content(request.content, secrets(request))
    elif request.body:
        kept["text"] = scrub.text(request.body.decode("utf-8", "replace"), secrets(request))
    return kept


def secrets(request: Request) -> list[str]:
    """Return the secrets that a request shows: whatever goes by such a name, and the words of it."""
    shown = [*scrub.named(request.query), *scrub.named(request.headers), *scrub.named(request.content)]
    return [word for value in shown for word in _WORDS.findall(value)]


def read(name: str, content: bytes) -> Exchange:
    """Return the exchange of a file.

    Raises:
        ValueError: It is none.
    """
    try:
        head, reply, *pieces = [orjson.loads(line) for line in content.splitlines() if line.strip()]
        request = _object(head["request"])
        if not (isinstance(request["method"], str) and isinstance(request["path"], str)):
            raise TypeError("method and path are texts")
        return Exchange(
            request=request,
            status=int(reply["reply"]["status"]),
            headers=_object(reply["reply"]["headers"]),
            pieces=[Piece(float(it["at"]), _bytes(it)) for it in pieces],
            recorded=str(head.get("recorded", "")),
            name=name,
        )
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise ValueError(f"{name} is no recording: {type(error).__name__}: {error}") from None


def _object(value: Any) -> Json:
    found = as_object(value)
    if found is None:
        raise ValueError("an object is missing")
    return found


def scrubbed(data: bytes, known: Iterable[str], *, is_stream: bool) -> bytes:
    """Return the bytes of a piece in which no secret is readable; what is no text stays."""
    value = _json(data, is_stream=is_stream)
    if not isinstance(value, NotJson):
        clean = scrub.content(value, known)
        return data if clean == value else orjson.dumps(clean).join(_FRAMES[is_stream])
    try:
        return scrub.text(data.decode(), known).encode()
    except UnicodeDecodeError:
        return data


def _json(data: bytes, *, is_stream: bool) -> Any:
    """Return what a piece says as JSON, or a `NotJson`."""
    start, end = _FRAMES[is_stream]
    fits = data.startswith(start) and data.endswith(end)
    return parse(data[len(start) : len(data) - len(end)]) if fits else NotJson()


def _written(data: bytes, *, is_stream: bool) -> Json:
    value = _json(data, is_stream=is_stream)
    if not isinstance(value, NotJson) and orjson.dumps(value).join(_FRAMES[is_stream]) == data:
        return {_NAMES[is_stream]: value}
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _bytes(piece: Mapping[str, Any]) -> bytes:
    for name, frame in zip(_NAMES, _FRAMES, strict=True):
        if name in piece:
            return orjson.dumps(piece[name]).join(frame)
    if "text" in piece:
        return str(piece["text"]).encode()
    return base64.b64decode(piece["base64"], validate=True)
