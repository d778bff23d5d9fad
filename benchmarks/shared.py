"""The rate limit that is shared through Redis, alone: what a pass costs, what two processes reach, what waiting takes."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from itertools import combinations
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

REDIS = os.environ.get("REDIS_SERVER") or shutil.which("redis-server")
RATE = 50
UNLIMITED = 1e9
THREADS, TASKS = 16, 64


class Server:
    """A Redis of the measure's own."""

    def __init__(self, directory: str) -> None:
        import redis

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{port}"
        command = [REDIS, "--port", str(port), "--bind", "127.0.0.1", "--dir", directory, "--save", ""]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self.client = redis.Redis(port=port)
        while True:
            with contextlib.suppress(redis.ConnectionError):
                self.client.ping()
                break
            time.sleep(0.01)

    def info(self, section: str, field: str) -> Any:
        return self.client.info(section).get(field)


@contextlib.contextmanager
def server() -> Iterator[Server]:
    if hasattr(os, "sched_setaffinity"):  # there are several processes now, and a thread in each
        os.sched_setaffinity(0, set(range(os.cpu_count() or 1)))
    with tempfile.TemporaryDirectory() as directory:
        running = Server(directory)
        try:
            yield running
        finally:
            running.client.close()
            running.process.kill()
            running.process.wait()


def leaving(limiter: Any) -> Iterator[Any]:
    from qianfan.core.effects import Reserve

    yield Reserve(limiter, 0, time.monotonic() + 1e9)


def limiter(url: str, rate: float) -> Any:
    import qianfan

    return qianfan.RedisRateLimiter(url, query_per_second=rate)


def passes(mode: str, limiter: Any, count: int, workers: int) -> list[float]:
    """When so many passes left, in seconds of the machine's clock."""
    from qianfan.drivers import aio, sync

    log: list[float] = []
    left = iter(range(count))

    def work() -> None:
        for _ in left:
            sync.run(leaving(limiter), None)
            log.append(time.monotonic())

    async def tasks() -> None:
        async def work() -> None:
            for _ in left:
                await aio.run(leaving(limiter), None)
                log.append(time.monotonic())

        await asyncio.gather(*(work() for _ in range(workers)))

    if mode == "async":
        asyncio.run(tasks())
    else:
        threads = [threading.Thread(target=work) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return log


def uncontended(mode: str, count: int) -> dict[str, float]:
    """CPU microseconds of a pass that need not wait but for Redis, of all threads."""
    with server() as redis:
        shared = limiter(redis.url, UNLIMITED)
        passes(mode, shared, 1, 1)
        start = time.process_time()
        passes(mode, shared, count, 1)
        figure = (time.process_time() - start) / count * 1e6
        shared.close()
    return {"figure": figure}


def _process(url: str, rate: float, mode: str, count: int, begin: Any, logs: Any) -> None:
    shared = limiter(url, rate)
    passes(mode, shared, 1, 1)
    begin.wait()
    logs.put(passes(mode, shared, count, THREADS if mode == "sync" else TASKS))
    shared.close()


def together(mode: str, count: int, rate: float = RATE) -> dict[str, float]:
    """The part of the rate that two processes reach, how far any window is over it, and what Redis has to do."""
    fork = multiprocessing.get_context("fork")
    with server() as redis:
        begin, logs = fork.Barrier(2), fork.Queue()
        arguments = redis.url, rate, mode, count // 2, begin, logs
        processes = [fork.Process(target=_process, args=arguments) for _ in range(2)]
        for process in processes:
            process.start()
        log = sorted(logs.get() + logs.get())
        for process in processes:
            process.join()
        commands = redis.info("commandstats", "cmdstat_evalsha")["calls"] / len(log)
        busy = redis.info("cpu", "used_cpu_user") + redis.info("cpu", "used_cpu_sys")
    per_second = (len(log) - 1) / (log[-1] - log[0])
    if rate == UNLIMITED:
        return {"figure": per_second, "busy": busy / len(log) * 1e6}
    excess = max(
        last - first + 1 - (rate * (late - early) + 1)
        for (first, early), (last, late) in combinations(enumerate(log), 2)
    )
    return {"figure": per_second / rate, "excess": max(0.0, excess), "commands": commands}


def waiting(mode: str, count: int) -> dict[str, float]:
    """Bytes that a waiting caller takes in Redis."""
    del mode
    from qianfan.drivers import aio

    async def wait(redis: Server) -> float:
        shared = limiter(redis.url, 0.001)
        empty = redis.info("memory", "used_memory")
        tasks = [asyncio.ensure_future(aio.run(leaving(shared), None)) for _ in range(count)]
        while redis.client.zcard("qianfan:{default}:queue") < count - 1:  # noqa: ASYNC110  # Redis sets no event
            await asyncio.sleep(0.05)
        full = redis.info("memory", "used_memory")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        shared.close()
        return (full - empty) / count

    with server() as redis:
        return {"figure": asyncio.run(wait(redis))}


MEASURES = {
    "shared pass": uncontended,
    "shared rate": together,
    "shared unlimited": lambda mode, count: together(mode, count, UNLIMITED),
    "shared waiting": waiting,
}
