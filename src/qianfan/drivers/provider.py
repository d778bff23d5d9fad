"""Asks a token provider, plain or a coroutine function, from either world."""

from __future__ import annotations

import asyncio
import inspect
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from qianfan.core.effects import Provider


async def provided(provider: Provider) -> object:
    """Ask in the running event loop: a plain function in a thread, since it may wait for a network."""
    bearer = provider() if inspect.iscoroutinefunction(provider) else await asyncio.to_thread(provider)
    return await bearer if inspect.isawaitable(bearer) else bearer


def awaited(bearer: Awaitable[str]) -> str:
    """Wait for an answer outside of any event loop: in a thread of its own, as this one may run a loop."""
    outcome: list[str | BaseException] = []

    async def wait() -> str:
        return await bearer

    def work() -> None:
        try:
            outcome.append(asyncio.run(wait()))
        except BaseException as error:  # noqa: BLE001  # the caller's to raise
            outcome.append(error)

    thread = threading.Thread(target=work, name="token provider")
    thread.start()
    thread.join()
    answer = outcome[0]
    if isinstance(answer, BaseException):
        raise answer
    return answer
