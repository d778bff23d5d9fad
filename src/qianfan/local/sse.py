"""Server-sent events as others write them: cut out of a stream of bytes, and read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import orjson

from qianfan.local.wire import NotJson, parse

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

_END = re.compile(rb"\r?\n\r?\n")  # of an event: an empty line
_LINE = re.compile(r"\r?\n")

DONE = "[DONE]"


async def cut(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Give the bytes of each event, its empty line included, as soon as it is there; then what is left."""
    buffer = bytearray()
    async for chunk in chunks:
        start = max(len(buffer) - 3, 0)  # an empty line may have begun in the chunks before
        buffer += chunk
        while match := _END.search(buffer, start):
            yield bytes(buffer[: match.end()])
            del buffer[: match.end()]
            start = 0
    if buffer:
        yield bytes(buffer)


def data(event: bytes) -> str | None:
    """Return what an event says, or None of one that says nothing, such as a comment."""
    lines = _LINE.split(event.decode("utf-8", "replace"))
    said = [line[5:].removeprefix(" ") for line in lines if line.startswith("data:")]
    return "\n".join(said) if said else None


def content(event: bytes) -> bytes:
    """Return the JSON that an event says; what is none, as a JSON string."""
    said = data(event) or ""
    written = said.encode()
    return orjson.dumps(said) if isinstance(parse(written), NotJson) else written
