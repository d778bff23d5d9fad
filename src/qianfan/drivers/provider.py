"""Waits for what a token provider promises, from either world."""

from __future__ import annotations

import asyncio
import inspect
import threading
from time import monotonic
from typing import TYPE_CHECKING

from qianfan.drivers.failures import timed_out
from qianfan.drivers.shared import asked

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from qianfan.core.effects import Provider


async def provided(provider: Provider, deadline: float) -> object:
    """Ask in the running event loop: a plain function in a thread, since it may wait for a network.

    What is not there by the deadline is given up; a plain function then goes on in its thread.
    """
    if inspect.iscoroutinefunction(provider):
        return await _by(deadline, provider())
    bearer = await _by(deadline, asyncio.to_thread(asked, provider))
    return await _by(deadline, bearer) if inspect.isawaitable(bearer) else bearer


async def _by(deadline: float, promise: Awaitable[object]) -> object:
    task = asyncio.ensure_future(promise)
    try:
        await asyncio.wait({task}, timeout=max(0.0, deadline - monotonic()))
        if task.done():
            return task.result()
        raise timed_out("bearer")
    finally:
        if task.cancel():
            await asyncio.wait({task})


def awaited(promise: Awaitable[object], deadline: float) -> object:
    """Wait for an answer outside of any event loop: in a thread of its own, as this one may run a loop."""
    outcome: list[object] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            outcome.append(asyncio.run(_by(deadline, promise)))
        except BaseException as error:  # noqa: BLE001  # the caller's to raise
            failure.append(error)

    thread = threading.Thread(target=work, name="token provider", daemon=True)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]
