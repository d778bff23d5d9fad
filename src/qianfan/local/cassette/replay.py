"""Answers calls from recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.local.wire import Refusal, Reply, as_object, parse

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from qianfan.local.cassette.exchange import Exchange
    from qianfan.local.cassette.tape import Tape
    from qianfan.local.clock import Clock
    from qianfan.local.journal import Call
    from qianfan.local.wire import Request

_UNSUPPORTED, _NOT_FOUND = 3, 404

_CONTENT_TYPE = "content-type"


class Replay:
    """Plays the recordings of a tape.

    Args:
        tape: The recordings.
        clock: What their times are measured on.
        pace: How much of the recorded time passes: 1 as it was, 0 none.
    """

    def __init__(self, tape: Tape, clock: Clock, pace: float) -> None:
        self.tape = tape
        self._clock = clock
        self._pace = pace

    def reply(self, request: Request, call: Call) -> Reply:
        """Return the recorded answer to a request.

        Raises:
            Refusal: The request was not recorded.
        """
        kept = self.tape.next(request)
        if kept is None:
            words = f"this request is not recorded: {self.tape.nearest(request)}"
            raise Refusal(_UNSUPPORTED, words, status=_NOT_FOUND)
        reply = Reply(
            status=kept.status,
            media_type=kept.headers.get(_CONTENT_TYPE, ""),
            headers={name: value for name, value in kept.headers.items() if name != _CONTENT_TYPE},
            recordable=False,
        )
        if kept.is_stream:
            reply.coming = self._events(kept, call.time)
            return reply
        reply.content = kept.body
        reply.body = as_object(parse(reply.content)) or {}
        reply.delay = self._pace * max((piece.at for piece in kept.pieces), default=0.0)
        return reply

    async def _events(self, kept: Exchange, start: float) -> AsyncGenerator[bytes, None]:
        for piece in kept.pieces:
            if self._pace:
                await self._clock.wait_until(start + piece.at * self._pace)
            yield piece.data
