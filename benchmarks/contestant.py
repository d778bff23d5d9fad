"""One contestant, one measure, one process: prints the figure as a line of JSON.

Run under the contestant's own environment: ``contestant.py WHO WHAT MODE CONCURRENCY COUNT SERVER``.
CPU is that of the whole process, all threads, after every worker has had its warm-up.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import importlib
import json
import os
import resource
import statistics
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import limiter
import shared

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Call = Callable[[Any, Any], Any]

EVENTS = {"burst": 500, "packed": 500, "paced": 100}  # per stream
QUESTION = "你好，请介绍一下千帆大模型平台。"
TEXTS = [f"第 {number} 段：千帆大模型平台提供了多种模型的推理与精调服务。" for number in range(16)]
WHOLE = {"unary": QUESTION, "embedding": TEXTS, "look": 301, "look_on_class": 301}  # sent for a whole reply
DIMENSIONS = 384  # of a vector
PROGRESS = 40  # of the job


def drain(client: Any, question: str) -> None:
    text, count = client.text, 0
    for event in client.stream(question):
        count += bool(text(event))
    check(question, count)


async def adrain(client: Any, question: str) -> None:
    text, count = client.text, 0
    async for event in await client.stream(question):
        count += bool(text(event))
    check(question, count)


def embed(client: Any, texts: list[str]) -> None:
    check_vectors(client.embed(texts))


async def aembed(client: Any, texts: list[str]) -> None:
    check_vectors(await client.embed(texts))


def check_vectors(vectors: list[list[float]]) -> None:
    if [*map(len, vectors)] != [DIMENSIONS] * len(TEXTS):
        raise AssertionError(f"sent {len(TEXTS)} texts, read vectors of {[*map(len, vectors)]}")


def look(ask: Callable[[int], int], job: int) -> None:
    check_progress(ask(job))


async def alook(ask: Callable[[int], Awaitable[int]], job: int) -> None:
    check_progress(await ask(job))


def check_progress(progress: int) -> None:
    if progress != PROGRESS:
        raise AssertionError(f"read a progress of {progress}")


def check(question: str, count: int) -> None:
    if question != f"{question.split(maxsplit=1)[0]} {count}":
        raise AssertionError(f"asked for {question!r}, read {count} events")


def sync_cpu(client: Any, what: str, concurrency: int, count: int) -> float:
    """CPU microseconds per item, by ``concurrency`` threads that share ``count`` calls."""
    question, items = question_and_items(what)
    call = caller(client, what, embed, look, drain)
    each = count // concurrency
    warm, go = threading.Barrier(concurrency + 1), threading.Barrier(concurrency + 1)
    done: list[int] = []

    def work() -> None:
        for _ in range(warm_up(what, concurrency)):
            call(question)
        warm.wait()
        go.wait()
        for _ in range(each):
            call(question)
        done.append(each)

    threads = [threading.Thread(target=work) for _ in range(concurrency)]
    for thread in threads:
        thread.start()
    warm.wait()
    start = time.process_time()
    go.wait()
    for thread in threads:
        thread.join()
    cpu = time.process_time() - start
    return cpu / (sum(done) * items) * 1e6


async def async_cpu(client: Any, what: str, concurrency: int, count: int) -> float:
    """CPU microseconds per item, by ``concurrency`` tasks that share ``count`` calls."""
    question, items = question_and_items(what)
    call = caller(client, what, aembed, alook, adrain)
    each = count // concurrency

    async def work(times: int) -> None:
        for _ in range(times):
            await call(question)

    await asyncio.gather(*(work(warm_up(what, concurrency)) for _ in range(concurrency)))
    start = time.process_time()
    await asyncio.gather(*(work(each) for _ in range(concurrency)))
    cpu = time.process_time() - start
    return cpu / (each * concurrency * items) * 1e6


def caller(client: Any, what: str, embedding: Call, looking: Call, draining: Call) -> Callable[[Any], Any]:
    """What makes a call of a kind: as users do, and with a look at what came."""
    if what == "unary":
        return client.ask
    if what.startswith("look"):
        return functools.partial(looking, getattr(client, what))
    return functools.partial(embedding if what == "embedding" else draining, client)


def sign_cpu(client: Any, count: int) -> float:
    """CPU microseconds per signature."""
    sign = client.sign
    for _ in range(count // 10):
        sign()
    start = time.process_time()
    for _ in range(count):
        sign()
    return (time.process_time() - start) / count * 1e6


def warm_up(what: str, concurrency: int) -> int:
    """How many calls each worker makes first, so that connections are open and lazy imports done."""
    return max(2, 20 // concurrency) if what in WHOLE else 3


def question_and_items(what: str) -> tuple[Any, int]:
    if what in WHOLE:
        return WHOLE[what], 1
    return f"{what} {EVENTS[what]}", EVENTS[what]


def sync_first(client: Any, count: int) -> float:
    """Median wall microseconds from the call to the first event's text."""
    times = []
    for _ in range(count + 5):
        start = time.perf_counter()
        events = iter(client.stream("paced 2"))
        client.text(next(events))
        times.append(time.perf_counter() - start)
        for _ in events:
            pass
    return statistics.median(times[5:]) * 1e6


async def async_first(client: Any, count: int) -> float:
    times = []
    for _ in range(count + 5):
        start = time.perf_counter()
        events = aiter(await client.stream("paced 2"))
        client.text(await anext(events))
        times.append(time.perf_counter() - start)
        async for _ in events:
            pass
    return statistics.median(times[5:]) * 1e6


def resident() -> int:
    gc.collect()
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:  # not Linux: the peak, in bytes on macOS, will do since it only grows here
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def sync_memory(client: Any, count: int) -> float:
    """KiB of resident memory per stream that has given its first event and stays open."""
    held: list[Any] = []

    def hold(times: int) -> None:
        for _ in range(times):
            held.append(iter(client.stream("hold")))
            next(held[-1])

    drain(client, "paced 2")
    hold(20)
    before = resident()
    hold(count)
    return (resident() - before) / count / 1024


async def async_memory(client: Any, count: int) -> float:
    held: list[Any] = []

    async def hold(times: int) -> None:
        for _ in range(times):
            held.append(aiter(await client.stream("hold")))
            await anext(held[-1])

    await adrain(client, "paced 2")
    await hold(20)
    before = resident()
    await hold(count)
    return (resident() - before) / count / 1024


def sync_start(client: Any, concurrency: int) -> float:
    """Send one call from each of ``concurrency`` threads at once; the server counts the tokens."""
    barrier = threading.Barrier(concurrency)
    replies: list[str] = []

    def work() -> None:
        barrier.wait()
        replies.append(client.ask(QUESTION))

    threads = [threading.Thread(target=work) for _ in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return float(len(replies))


async def async_start(client: Any, concurrency: int) -> float:
    return float(len(await asyncio.gather(*(client.ask(QUESTION) for _ in range(concurrency)))))


def measure_sync(clients: Any, what: str, concurrency: int, count: int, server: str) -> None:
    client = clients.Sync(server)
    if what == "first":
        report(sync_first(client, count))
    elif what == "memory":
        report(sync_memory(client, count))
    elif what == "tokens":
        report(sync_start(client, concurrency))
    elif what == "sign":
        report(sign_cpu(client, count))
    else:
        report(sync_cpu(client, what, concurrency, count))


async def measure_async(clients: Any, what: str, concurrency: int, count: int, server: str) -> None:
    client = clients.Async(server)
    if what == "first":
        report(await async_first(client, count))
    elif what == "memory":
        report(await async_memory(client, count))
    elif what == "tokens":
        report(await async_start(client, concurrency))
    else:
        report(await async_cpu(client, what, concurrency, count))


def report(figure: float, **more: float) -> None:
    print(json.dumps({"figure": figure, **more}), flush=True)
    os._exit(0)  # closing what is open is not measured


def main() -> None:
    who, what, mode, concurrency, count, server, *core = sys.argv[1:]
    if core and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core[0])})
    if what in {"rate", "pass"}:
        report(**(limiter.rate if what == "rate" else limiter.uncontended)(mode, int(count)))
    if what in shared.MEASURES:
        report(**shared.MEASURES[what](mode, int(count)))
    clients = importlib.import_module(f"clients.{who}")
    arguments = clients, what, int(concurrency), int(count), server
    if mode == "sync":
        measure_sync(*arguments)
    else:
        asyncio.run(measure_async(*arguments))


if __name__ == "__main__":
    main()
