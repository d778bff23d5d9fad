"""Many requests at once, by one client: ``many.py WHO MODE CONCURRENCY COUNT SERVER [CORE]``.

WHO is *bare*, a loop over one iterator with so many aiohttp tasks, or *ours*: `client.map` where MODE is sync,
`client.amap` where it is async, with a checkpoint where MODE ends in one. MODE *file* is the checkpoint alone.
Prints the figures as a line of JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from served import resident

if TYPE_CHECKING:
    from collections.abc import Iterator

QUESTION = "你好，请介绍一下千帆大模型平台。"


def questions(count: int) -> Iterator[str]:
    return (f"{QUESTION}{number}" for number in range(count))


def bare(server: str, concurrency: int, count: int) -> int:
    import aiohttp
    import orjson
    from clients.bare import HEADERS, PATH, body

    async def run() -> int:
        got, left = 0, questions(count)

        async def work(session: aiohttp.ClientSession) -> None:
            nonlocal got
            for question in left:
                data = body(question, stream=False)
                async with session.post(server + PATH, data=data, headers=HEADERS) as response:
                    got += bool(orjson.loads(await response.read())["result"])

        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            await asyncio.gather(*(work(session) for _ in range(concurrency)))
        return got

    return asyncio.run(run())


def ours(server: str, mode: str, concurrency: int, count: int, folder: str) -> int:
    import qianfan

    client = qianfan.Qianfan(access_token="24.x", base_url=server)
    options = {"concurrency": concurrency}
    if mode.endswith("checkpoint"):
        options["checkpoint"] = Path(folder, "run.jsonl")
    if mode.startswith("sync"):
        with client, client.map(questions(count), **options) as outcomes:
            return sum(bool(outcome.response["result"]) for outcome in outcomes)

    async def run() -> int:
        async with client, client.amap(questions(count), **options) as outcomes:
            return sum([bool(outcome.response["result"]) async for outcome in outcomes])

    return asyncio.run(run())


def file(count: int, folder: str) -> dict[str, float]:
    """What a checkpoint costs for each input: to write, to load again, and to read one."""
    from server import UNARY_V1

    from qianfan.bulk.checkpoint import Checkpoint
    from qianfan.bulk.outcome import Outcome
    from qianfan.response import Response

    path, reply, of = Path(folder, "run.jsonl"), Response(200, {}, UNARY_V1), "0123456789abcdef"
    begin = time.process_time()
    with Checkpoint(path) as checkpoint:
        for number in range(count):
            checkpoint.asked(number)
            checkpoint.record(Outcome(number, None, reply), of)
    written, before = time.process_time(), resident()
    with Checkpoint(path) as checkpoint:
        loaded, after = time.process_time(), resident()
        for number in range(0, count, 10):
            checkpoint.record_of(number, of)
        read = time.process_time()
    return {
        "figure": (written - begin) / count * 1e6,
        "load": (loaded - written) / count * 1e6,
        "read": (read - loaded) / (count / 10) * 1e6,
        "bytes": path.stat().st_size / count,
        "memory": (after - before) * 1024 / count,
    }


def main() -> None:
    who, mode, concurrency, count, server, *core = sys.argv[1:]
    if core and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core[0])})
    with tempfile.TemporaryDirectory() as folder:
        if mode == "file":
            print(json.dumps(file(int(count), folder)))
            return
        wall, cpu = time.perf_counter(), time.process_time()
        at_once, number = int(concurrency), int(count)
        got = bare(server, at_once, number) if who == "bare" else ours(server, mode, at_once, number, folder)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if got != number:
        raise AssertionError(f"{count} requests, {got} replies")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps({"figure": wall / got * 1e6, "cpu": cpu / got * 1e6, "peak": peak / 1024}))


if __name__ == "__main__":
    main()
