"""Server-sent events as others write them: cut out of bytes, and read."""

from __future__ import annotations

import re
from contextlib import aclosing
from typing import TYPE_CHECKING

from qianfan.local.wire import NotJson, parse, written

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_END = re.compile(rb"\r?\n\r?\n")  # of an event: an empty line
_LINE = re.compile(r"\r?\n")

DONE = "[DONE]"


class Cutter:
    """Cuts bytes into events, however they come."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the events that are whole now, each with its empty line."""
        start = max(len(self._buffer) - 3, 0)  # an empty line may have begun in the chunks before
        self._buffer += chunk
        events: list[bytes] = []
        while match := _END.search(self._buffer, start):
            events.append(bytes(self._buffer[: match.end()]))
            del self._buffer[: match.end()]
            start = 0
        return events

    def rest(self) -> list[bytes]:
        """Return what is left at the end, if anything is."""
        return [bytes(self._buffer)] if self._buffer else []


async def cut(chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Give the bytes of each event as soon as it is there; then what is left."""
    cutter = Cutter()
    async with aclosing(chunks):
        async for chunk in chunks:
            for event in cutter.feed(chunk):
                yield event
    for event in cutter.rest():
        yield event


def data(event: bytes) -> str | None:
    """Return what an event says, or None of one that says nothing, such as a comment."""
    lines = _LINE.split(event.decode("utf-8", "replace"))
    said = [line[5:].removeprefix(" ") for line in lines if line.startswith("data:")]
    return "\n".join(said) if said else None


def content(event: bytes) -> bytes:
    """Return the JSON that an event says; what is none, as a JSON string."""
    said = data(event) or ""
    content = said.encode()
    return written(said) if isinstance(parse(content), NotJson) else content
