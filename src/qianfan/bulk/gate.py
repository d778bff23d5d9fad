"""Lets as many requests go out at once as the level allows."""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic

from qianfan.bulk.level import Level


class Gate:
    """Whoever wants to send waits here for its turn.

    Args:
        most: Most requests at once.

    Attributes:
        inside: How many are on their way.
    """

    def __init__(self, most: int) -> None:
        self._level = Level(most)
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self.inside = 0

    @property
    def level(self) -> int:
        """How many may be on their way."""
        return self._level.now

    async def enter(self, *, first: bool = False) -> bool:
        """Wait until one more may go out; say whether it may, which after `close` none may.

        Args:
            first: Whether it goes before the others: it has been out and was refused.
        """
        if self._closed:
            return False
        if not self._waiting and self.inside < self._level.now and not self._pause():
            self.inside += 1
            return True
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if first:
            self._waiting.appendleft(turn)
        else:
            self._waiting.append(turn)
        self._admit()
        return await turn

    def leave(self) -> None:
        """Say that one came back."""
        self.inside -= 1
        if self._waiting:
            self._admit()

    def answered(self) -> None:
        """Say that one came back with a reply."""
        self._level.answered()

    def refused(self, retry_after: float | None) -> None:
        """Say that one was found one too many, or too fast."""
        self._level.refused(self.inside, monotonic(), retry_after)

    def filled(self) -> None:
        """Say that one more did not fit beside those that are on their way."""
        self._level.filled(self.inside, monotonic())

    def close(self) -> None:
        """Let none out any more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for turn in self._waiting:
            if not turn.done():
                turn.set_result(False)
        self._waiting.clear()

    def _pause(self) -> float:
        """Return the seconds until one may go out at all."""
        return self._level.resumes and max(0.0, self._level.resumes - monotonic())

    def _admit(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting and self.inside < self._level.now:
            pause = self._pause()
            if pause:
                self._timer = asyncio.get_running_loop().call_later(pause, self._admit)
                return
            turn = self._waiting.popleft()
            if not turn.done():  # its task may have been cancelled
                self.inside += 1
                turn.set_result(True)
