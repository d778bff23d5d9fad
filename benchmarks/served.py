"""The local platform in a process of its own: ``served.py OPTIONS [CORE]``, OPTIONS as JSON.

Prints its port and key of v2, then, for every line it reads, what it has taken since the last one.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from pathlib import Path

import qianfan.local

TICK = 0.01  # seconds between two looks of the probe


class Probe:
    """Wakes on the platform's event loop all the time, and writes down how late it was let."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.late = self.own = 0.0
        loop.call_soon_threadsafe(lambda: setattr(self, "task", loop.create_task(self.run())))

    async def run(self) -> None:
        while True:
            due, used = time.perf_counter() + TICK, time.thread_time()
            await asyncio.sleep(TICK)
            late = time.perf_counter() - due
            self.late = max(self.late, late)
            # Other processes take the core too: only as much as the loop has worked is its own delay.
            self.own = max(self.own, min(late, time.thread_time() - used))

    def take(self) -> dict[str, float]:
        taken = {"late": self.late * 1e3, "own": self.own * 1e3}
        self.late = self.own = 0.0
        return taken


def resident() -> float:
    """Resident memory in KiB."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:  # not Linux: the peak will do, since memory only grows here
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1024


def main() -> None:
    options, *core = sys.argv[1:]
    if core and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core[0])})
    with qianfan.local.platform(**json.loads(options)) as platform:
        probe = Probe(platform._server._uvicorn._loop)
        print(platform.url.rpartition(":")[2], platform.api_key, flush=True)
        used = time.process_time()
        for _ in sys.stdin:
            now = time.process_time()
            print(json.dumps({"cpu": now - used, "resident": resident(), **probe.take()}), flush=True)
            used = now


if __name__ == "__main__":
    main()
