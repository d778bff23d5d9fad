"""Threads in which answers are made that take their time, so that nobody else has to wait."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable

MOST = 1000  # at once, as many as connections: a user's function may never end, and its callers go

T = TypeVar("T")


class Threads:
    """The threads of one platform.

    Args:
        most: Most of them at once.
    """

    def __init__(self, most: int = MOST) -> None:
        self._free = threading.Semaphore(most)

    def start(self, answer: Callable[[], T]) -> Future[T] | None:
        """Make an answer, which must not raise, in a thread of its own; None where there are too many."""
        import asyncio  # whoever waits has it already

        loop = asyncio.get_running_loop()
        answered: Future[T] = loop.create_future()

        def settle(value: T) -> None:
            if not answered.done():
                answered.set_result(value)

        def work() -> None:
            try:
                value = answer()
            finally:
                self._free.release()
            with contextlib.suppress(RuntimeError):  # the platform was stopped meanwhile
                loop.call_soon_threadsafe(settle, value)

        if not self._free.acquire(blocking=False):
            return None
        try:
            threading.Thread(target=work, daemon=True).start()
        except RuntimeError:  # the system has too many
            self._free.release()
            return None
        return answered
