"""One worker as the run sees it: requests out, replies in."""

from __future__ import annotations

import asyncio
import pickle
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING, Any

from qianfan.errors import WorkerLostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from qianfan.core.http import Reply, Request


class Member:
    """One worker, and what it has not answered.

    A message costs a hundred times what a request in it does. So the requests of one turn of the event loop go out
    together, and between two messages with replies lies a beat, in which they gather at the worker.

    Args:
        actor: The worker.
        beat: Seconds between messages with replies.
        grace: Seconds after the time of a request in which the worker has to say so.
        silent: Called when it does not.
    """

    def __init__(self, actor: Any, beat: float, grace: float, silent: Callable[[Member], None]) -> None:
        self.actor = actor
        self._take = actor.take.options(num_returns=0).remote
        self._beat = beat
        self._grace = grace
        self._silent = silent
        self._numbers = count()
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._outbox: list[tuple[int, Request, float]] = []

    @property
    def load(self) -> int:
        """How many requests it has not answered."""
        return len(self._waiting)

    async def send(self, request: Request, deadline: float) -> Reply:
        """Return the reply, or raise what the worker raised, or `WorkerLostError`."""
        loop = asyncio.get_running_loop()
        number = next(self._numbers)
        seconds = deadline - monotonic()
        reply: asyncio.Future[Reply] = loop.create_future()
        self._waiting[number] = reply
        if not self._outbox:
            loop.call_soon(self._post)
        self._outbox.append((number, request, seconds))
        late = loop.call_later(seconds + self._grace, self._silent, self)
        try:
            return await reply
        finally:
            late.cancel()
            self._waiting.pop(number, None)

    async def work(self) -> None:
        """Take in replies, until Ray says that the worker is lost."""
        while True:
            parcel = await self.actor.replies.remote()
            for number, ended in pickle.loads(parcel):  # noqa: S301  # it is the worker's own
                self._settle(number, ended)
            await asyncio.sleep(self._beat)

    def lose(self, cause: str) -> None:
        """Fail all that it has not answered."""
        self._outbox.clear()
        for reply in self._waiting.values():
            if not reply.done():
                reply.set_exception(lost(cause))

    def _post(self) -> None:
        if self._outbox:
            parcel = pickle.dumps(self._outbox, pickle.HIGHEST_PROTOCOL)
            self._outbox.clear()
            self._take(parcel)

    def _settle(self, number: int, ended: Reply | Exception) -> None:
        reply = self._waiting.get(number)
        if reply is None or reply.done():  # given up here meanwhile
            return
        if isinstance(ended, Exception):
            reply.set_exception(ended)
        else:
            reply.set_result(ended)


def lost(cause: str, *, sent: bool = True) -> WorkerLostError:
    """Return the error for a call whose worker is lost."""
    error = WorkerLostError(f"a worker of the Ray cluster was lost: {cause}")
    error.transient, error.sent = False, sent  # the run asks again, however few attempts a call has
    return error
