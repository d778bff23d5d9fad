"""How the answers of an upstream reach the caller: asked for later, given on as they come, charged at the end."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from qianfan.local.handler import Served
from qianfan.local.wire import Reply

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from qianfan.local.handler import Asked
    from qianfan.local.upstream.hearing import Hearing
    from qianfan.local.wire import Json


def whole(asked: Asked, hearing: Hearing, shape: Callable[[Json], Json]) -> Served:
    """Return an answer that is asked for whole.

    Args:
        asked: Who is charged.
        hearing: What is asked for.
        shape: Gives its message the shape of the wire.
    """

    async def later() -> Reply:
        message = await hearing.whole()
        asked.charge(hearing.usage()["total_tokens"])
        return Reply(shape(message))

    return Served(Reply(later=later), 0)


def stream(asked: Asked, hearing: Hearing, events: AsyncGenerator[Json, None], *, done: bool) -> Served:
    """Return an answer that is asked for part by part.

    Args:
        asked: Who is charged, also for what came before the caller went.
        hearing: What is asked for.
        events: Its parts in the shape of the wire, at least one.
        done: Whether the stream ends with `[DONE]`.
    """

    async def later() -> Reply:
        first = await anext(events)  # an error before it is no stream
        return Reply(coming=charged(first), done=done)

    async def charged(first: Json) -> AsyncGenerator[Json, None]:
        async with aclosing(events):
            try:
                yield first
                async for event in events:
                    yield event
            finally:
                asked.charge(hearing.usage()["total_tokens"])

    return Served(Reply(later=later), 0)
