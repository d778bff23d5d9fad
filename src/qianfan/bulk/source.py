"""Where inputs come from: something plain, something async, or another thread."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, Iterable
from contextlib import suppress
from typing import Any, Protocol

END: Any = object()
LATER: Any = object()


class Source(Protocol):
    """Inputs, one after the other."""

    def now(self) -> Any:
        """Return the next, `END` after the last, or `LATER` where it has to be waited for."""
        ...

    async def later(self) -> Any:
        """Return the next, or `END` after the last."""
        ...


def source(inputs: Iterable[Any] | AsyncIterable[Any]) -> Source:
    """Return the source of what can be iterated in one way or the other."""
    return _Async(inputs) if isinstance(inputs, AsyncIterable) else _Plain(inputs)


class _Plain:
    """Inputs that a plain iterable has."""

    def __init__(self, inputs: Iterable[Any]) -> None:
        self._inputs = iter(inputs)

    def now(self) -> Any:
        return next(self._inputs, END)

    async def later(self) -> Any:
        return self.now()


class _Async:
    """Inputs that an async iterable has."""

    def __init__(self, inputs: AsyncIterable[Any]) -> None:
        self._inputs = aiter(inputs)

    def now(self) -> Any:
        return LATER

    async def later(self) -> Any:
        try:
            return await anext(self._inputs)
        except StopAsyncIteration:
            return END


class Feed:
    """Inputs that another thread puts in."""

    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._over = False
        self._hungry: asyncio.Future[None] | None = None

    def put(self, item: Any) -> None:
        """Add an input, from the other thread."""
        self._items.append(item)
        self._wake()

    def end(self) -> None:
        """Say, from the other thread, that no more will come; safe to repeat."""
        self._over = True
        self._wake()

    def now(self) -> Any:
        """Return the next, `END` after the last, or `LATER` where it has to be waited for."""
        over = self._over  # first, since what is put in comes before the end
        try:
            return self._items.popleft()
        except IndexError:
            return END if over else LATER

    async def later(self) -> Any:
        """Return the next, or `END` after the last."""
        while (item := self.now()) is LATER:
            self._hungry = hungry = asyncio.get_running_loop().create_future()
            if not (self._items or self._over):  # what came in between has not seen that anyone waits
                await hungry
        return item

    def _wake(self) -> None:
        hungry, self._hungry = self._hungry, None
        if hungry is not None:
            with suppress(RuntimeError):  # the loop is closed: the run has ended
                hungry.get_loop().call_soon_threadsafe(_set, hungry)


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
