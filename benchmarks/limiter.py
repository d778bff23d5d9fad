"""The rate limiter alone: how much of the rate is reached, how far a window is ever over, what a pass costs."""

from __future__ import annotations

import asyncio
import threading
import time
from itertools import combinations
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

RATE = 50
THREADS, TASKS = 8, 64


def leaving(limiter: Any, log: list[float]) -> Iterator[Any]:
    """A flow that takes a place and writes down when it has it, as a call would go on to send."""
    from qianfan.core.effects import Reserve

    yield Reserve(limiter, 0, time.monotonic() + 600)
    log.append(time.monotonic())


def rate(mode: str, count: int) -> dict[str, float]:
    """The part of the allowed rate that is reached, and how far any window is over it, by threads, tasks or both."""
    from qianfan import RateLimiter
    from qianfan.drivers import aio, sync

    limiter, log = RateLimiter(RATE), []
    left = iter(range(count))

    def work() -> None:
        for _ in left:
            sync.run(leaving(limiter, log), None)

    async def tasks() -> None:
        async def work() -> None:
            for _ in left:
                await aio.run(leaving(limiter, log), None)

        await asyncio.gather(*(work() for _ in range(TASKS)))

    threads = [threading.Thread(target=work) for _ in range(THREADS if mode != "async" else 0)]
    for thread in threads:
        thread.start()
    if mode != "sync":
        asyncio.run(tasks())
    for thread in threads:
        thread.join()

    log.sort()
    excess = max(
        last - first + 1 - (RATE * (late - early) + 1)
        for (first, early), (last, late) in combinations(enumerate(log), 2)
    )
    reached = (len(log) - 1) / (log[-1] - log[0])
    return {"figure": reached / RATE, "excess": max(0.0, excess)}


def uncontended(mode: str, count: int) -> dict[str, float]:
    """CPU microseconds of a pass that need not wait, as a driver makes it."""
    from qianfan import RateLimiter
    from qianfan.drivers import aio, sync

    limiter = RateLimiter(1e9)
    deadline = time.monotonic() + 600

    async def passes() -> float:
        run = aio.Run(iter(()), None)
        start = time.process_time()
        for _ in range(count):
            await run._reserve(limiter, 0, deadline)
        return time.process_time() - start

    if mode == "async":
        return {"figure": asyncio.run(passes()) / count * 1e6}
    run = sync.Run(iter(()), None)
    start = time.process_time()
    for _ in range(count):
        run._reserve(limiter, 0, deadline)
    return {"figure": (time.process_time() - start) / count * 1e6}
