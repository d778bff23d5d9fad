"""`engine="ray"` on one machine, as a table: ``.venv/bin/python benchmarks/ray_engine.py`` after `scripts/setup ray`.

*Busy* asks the bare server, which answers faster than any client asks, so that the work itself is measured: the CPU of
the coordinator's process and of the workers' processes for each request. *Waiting* asks a local platform that answers
after half a second, as models do, with 64 requests at once for each worker.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qianfan
import qianfan.local

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 3
BUSY, WAITING = 20_000, 1000  # requests
LATENCY = 0.5  # seconds


def stat(process: int) -> list[str]:
    return Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()


def workers() -> dict[int, float]:
    """Return the CPU seconds of each worker's process; its parent is Ray's, whose parent is this one."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            process = int(entry.name)
            mine = b"ray::Worker" in (entry / "cmdline").read_bytes()
            if mine and int(stat(int(stat(process)[1]))[1]) == os.getpid():
                found[process] = sum(map(int, stat(process)[11:13])) / os.sysconf("SC_CLK_TCK")
    return found


def measure(client: Any, engine: Any, count: int, concurrency: int) -> tuple[float, float, float]:
    """Return the requests a second, and the CPU of each in microseconds: here, and in all workers."""
    questions = (f"第{number}题" for number in range(count + concurrency))
    with client.map(questions, engine=engine, concurrency=concurrency) as outcomes:
        for _ in range(concurrency):  # workers start, connections open, the level rises
            next(outcomes).unwrap()
        before, wall, cpu = workers(), time.perf_counter(), time.process_time()
        for outcome in outcomes:
            outcome.unwrap()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        theirs = sum(used - before.get(process, 0.0) for process, used in workers().items())
    return count / wall, cpu / count * 1e6, theirs / count * 1e6


@contextlib.contextmanager
def bare() -> Iterator[Any]:
    server = Path(__file__).with_name("server.py")
    with subprocess.Popen([sys.executable, server], stdout=subprocess.PIPE, text=True) as process:
        try:
            url = f"http://127.0.0.1:{process.stdout.readline().strip()}"
            with qianfan.Qianfan(access_token="24.x", base_url=url) as client:
                yield client
        finally:
            process.terminate()


@contextlib.contextmanager
def slow() -> Iterator[Any]:
    with qianfan.local.platform(qps=None) as platform:
        platform.reply(with_="好", first_token=LATENCY)
        with platform.client() as client:
            yield client


def main() -> None:
    import ray

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init("local", num_cpus=4, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    engines = {
        "local": "local",
        "1 worker": qianfan.RayEngine(workers=1),
        "2 workers": qianfan.RayEngine(workers=2),
    }
    for what, opened, count, at_once in (
        ("busy, 64 at once", bare, BUSY, {"local": 64, "1 worker": 64, "2 workers": 64}),
        ("busy, 256 at once", bare, BUSY, {"local": 256, "1 worker": 256, "2 workers": 256}),
        ("waiting", slow, WAITING, {"local": 64, "1 worker": 64, "2 workers": 128}),
    ):
        with opened() as client:
            for name, engine in engines.items():
                runs = sorted(measure(client, engine, count, at_once[name]) for _ in range(ROUNDS))
                speed, here, there = runs[ROUNDS // 2]
                print(
                    f"{what:20} {name:10} {speed:8.0f}/s {here:6.0f} µs here {there:6.0f} µs in workers",
                    flush=True,
                )
    ray.shutdown()


if __name__ == "__main__":
    main()
