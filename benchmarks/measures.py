"""What is measured and the figures to reach, as tables."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import Any

# Who takes part, and in which environment.
CONTESTANTS = {"bare": "ours", "ours": "ours", "v2": "ours", "openai": "openai", "official": "official"}
NOT_V2 = tuple(who for who in CONTESTANTS if who != "v2")  # where the two APIs make no difference
HEAVY = ("openai", "official")  # ten times slower or more: they get fewer calls


@dataclass(frozen=True)
class Measure:
    """One row of the results: in every round a figure for each contestant."""

    group: str
    name: str
    unit: str
    what: str
    mode: str
    concurrency: int = 1
    count: int = 1
    heavy_count: int = 1
    who: tuple[str, ...] = NOT_V2
    also: tuple[tuple[str, str, str], ...] = ()
    key: str = "figure"

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        """Name, unit and key of each figure that one run gives."""
        return [(self.name, self.unit, self.key), *self.also]


def cold(name: str, what: str, mode: str = "sync", **more: Any) -> Measure:
    also = [(f"{name}, wall", "ms wall", "wall")]
    if (what, mode) == ("call", "sync"):
        also.append((LOADED, "packages", "modules"))
    return Measure("cold", name, "ms CPU", what, mode, also=tuple(also), **more)


LOADED = "asyncio or aiohttp loaded by the first sync call"
COLD = [
    cold("interpreter start (whole process)", "start"),
    cold("import", "import"),
    cold("import aiohttp, orjson", "import", "async", who=("bare",)),
    cold("import + sync client", "client"),
    cold("import + client + first sync call", "call"),
    cold("import + client + first async call", "call", "async"),
]
UNARY = [
    Measure(
        "unary",
        f"unary call, {mode}, {concurrency} at once",
        "µs CPU",
        "unary",
        mode,
        concurrency,
        2048,
        768,
        tuple(CONTESTANTS),
    )
    for mode in ("sync", "async")
    for concurrency in (1, 32, 256)
]
STREAM = [
    Measure(
        "stream",
        f"event of a {what} stream, {mode}",
        "µs CPU",
        what,
        mode,
        1,
        count,
        heavy_count,
        tuple(CONTESTANTS),
    )
    for what, count, heavy_count in (("burst", 96, 12), ("packed", 96, 12), ("paced", 5, 3))
    for mode in ("sync", "async")
]
FIRST = [
    Measure("first", f"time to the first event, {mode}", "µs wall", "first", mode, 1, 200, 60)
    for mode in ("sync", "async")
]
MEMORY = [
    Measure("memory", f"memory per open stream, {mode}", "KiB", "memory", mode, 1, 200, 200)
    for mode in ("sync", "async")
]
TOKENS = [
    Measure(
        "tokens",
        f"OAuth requests of {count} {workers} without a token",
        "requests",
        "tokens",
        mode,
        count,
        who=who,
    )
    for count, workers, mode in ((50, "threads", "sync"), (200, "tasks", "async"))
    for who in [("ours", "official")]
]
EMBEDDING = [
    Measure(
        "embedding",
        f"embedding of 16 texts, {mode}, {concurrency} at once",
        "µs CPU",
        "embedding",
        mode,
        concurrency,
        512,
        96,
    )
    for mode in ("sync", "async")
    for concurrency in (1, 32)
]
SIGNING = Measure("console", "one signature", "µs CPU", "sign", "sync", count=50_000, who=("bare", "ours"))
CONSOLE = [
    Measure(
        "console",
        f"console call{where}, {mode}, {n} at once",
        "µs CPU",
        what,
        mode,
        n,
        2048,
        who=("bare", "ours"),
    )
    for what, where in (("look", ""), ("look_on_class", " on the class"))
    for mode in ("sync", "async")
    for n in (1, 32)
]
NOTICED = 0.05  # of a request: a millisecond between leaving and looking at the clock, where a core is shared
LIMITER = [
    *(
        Measure(
            "limiter",
            f"part of 50 calls a second reached, {workers}",
            "reached ÷ allowed",
            "rate",
            mode,
            count=200,
            who=("ours",),
            also=((f"worst excess of a window, {workers}", "requests", "excess"),),
        )
        for mode, workers in (
            ("sync", "8 threads"),
            ("async", "64 tasks"),
            ("both", "8 threads and 64 tasks"),
        )
    ),
    *(
        Measure("limiter", f"uncontended pass, {mode}", "µs CPU", "pass", mode, count=100_000, who=("ours",))
        for mode in ("sync", "async")
    ),
]
SHARED = [
    *(
        Measure("shared", f"pass, {mode}", "µs CPU", "shared pass", mode, count=3_000, who=("ours",))
        for mode in ("sync", "async")
    ),
    *(
        Measure(
            "shared",
            f"part of 50 calls a second reached by two processes, {workers}",
            "reached ÷ allowed",
            "shared rate",
            mode,
            count=300,
            who=("ours",),
            also=(
                (f"worst excess of a window of two processes, {workers}", "requests", "excess"),
                (f"commands of Redis for a call, {workers}", "commands", "commands"),
            ),
        )
        for mode, workers in (("sync", "16 threads each"), ("async", "64 tasks each"))
    ),
    *(
        Measure(
            "shared",
            f"passes a second of two processes, {workers}",
            "per second",
            "shared unlimited",
            mode,
            count=40_000,
            who=("ours",),
            also=((f"Redis for a pass, {workers}", "µs CPU", "busy"),),
        )
        for mode, workers in (("sync", "16 threads each"), ("async", "64 tasks each"))
    ),
    Measure(
        "shared", "a waiting caller in Redis", "bytes", "shared waiting", "async", count=10_000, who=("ours",)
    ),
]
REPLIES = [
    Measure(
        "platform",
        f"replies a second of the local platform, {api}, {n} at once",
        "replies ÷ s",
        "unary",
        api,
        n,
        20_000,
        who=("ours",),
        also=((f"a reply of the local platform, {api}, {n} at once", "µs CPU", "cpu"),),
    )
    for api, n in (("v1", 32), ("v2", 32), ("v2", 1))
]
DELAY = "worst delay of the event loop beside 500 streams"
STREAMS = Measure(
    "platform",
    "part of the events of 500 streams at 20 a second that came",
    "came ÷ due",
    "streams",
    "v2",
    500,
    10,
    who=("ours",),
    also=(
        ("an event of the local platform", "µs CPU", "cpu"),
        (DELAY, "ms", "own"),
        (f"{DELAY}, other processes' time included", "ms", "late"),
    ),
)
GROWTH = Measure(
    "platform",
    "memory grown over 200,000 requests",
    "KiB",
    "memory",
    "v2",
    32,
    200_000,
    who=("ours",),
    also=(("memory of the local platform", "MiB", "resident"),),
)
PLATFORM = [
    *REPLIES,
    STREAMS,
    GROWTH,
    Measure(
        "platform",
        "start of the local platform to the first reply, in process",
        "ms wall",
        "start",
        "v2",
        who=("ours",),
    ),
    Measure("platform", "qianfan serve to the first reply", "ms wall", "command", "v2", who=("ours",)),
]
MANY = [
    Measure(
        "many",
        f"one of 20,000 requests, 256 at once, {way}, asked of the {server}",
        "µs wall",
        server,
        mode,
        256,
        20_000,
        who=("bare", "ours"),
        also=((f"its CPU, {way}, asked of the {server}", "µs CPU", "cpu"),),
    )
    for server in ("local platform", "bare server")
    for mode, way in (
        ("async", "amap"),
        ("sync", "map"),
        ("async checkpoint", "amap with a checkpoint"),
    )
]
FILE = Measure(
    "many",
    "a checkpoint's lines for an input, 500,000 of them",
    "µs CPU",
    "bare server",
    "file",
    1,
    500_000,
    who=("ours",),
    also=(
        ("to load them again", "µs CPU", "load"),
        ("to read one of them", "µs CPU", "read"),
        ("their size", "bytes", "bytes"),
        ("memory for each that is loaded", "bytes", "memory"),
    ),
)
LONG, LONGER = (
    Measure(
        "many",
        f"most memory of {count:,} requests, 256 at once, {way}",
        "MiB",
        "bare server",
        mode,
        256,
        count,
        who=("ours",),
        key="peak",
    )
    for count in (20_000, 200_000)
    for mode, way in (("sync", "map"),)
)
GROUPS = {
    "cold": COLD,
    "unary": UNARY,
    "stream": STREAM,
    "first": FIRST,
    "memory": MEMORY,
    "tokens": TOKENS,
    "embedding": EMBEDDING,
    "console": [SIGNING, *CONSOLE],
    "limiter": LIMITER,
    "shared": SHARED if shutil.which("redis-server") or os.environ.get("REDIS_SERVER") else [],
    "platform": PLATFORM,
    "many": [*MANY, FILE, LONG, LONGER],
}


@dataclass(frozen=True)
class Target:
    """``whose`` at ``measure`` is at most ``limit`` times ``beside``, or ``limit`` itself beside nobody.

    ``base`` names the other side's measure where it is not the same one. Beside nobody, the worst round
    counts; ``at_least`` turns the comparison around.
    """

    measure: str
    limit: float
    beside: str = ""
    base: str = ""
    at_least: bool = False
    whose: str = "ours"


TARGETS = [
    Target("import", 1 / 10, "official"),
    Target("import", 1 / 15, "openai"),
    Target("import + sync client", 1.3, "bare", base="import"),
    Target("import + client + first sync call", 1.3, "bare"),
    Target(LOADED, 0),
    *(Target(measure.name, 1.3, "bare") for measure in UNARY),
    *(Target(measure.name, 1 / 5 if measure.mode == "sync" else 1 / 12, "openai") for measure in UNARY),
    *(Target(measure.name, 2, "bare") for measure in STREAM),
    *(Target(measure.name, 1 / 12, "openai") for measure in STREAM),
    *(Target(measure.name, 1 / 5, "official") for measure in STREAM),
    *(Target(measure.name, 1.2, "ours", whose="v2") for measure in [*UNARY, *STREAM]),
    *(
        Target(measure.name, 1 / 4 if measure.mode == "sync" else 1 / 10, "openai", whose="v2")
        for measure in UNARY
    ),
    *(Target(measure.name, 1 / 10, "openai", whose="v2") for measure in STREAM),
    *(Target(measure.name, 1.3, "bare") for measure in FIRST),
    *(Target(measure.name, 1) for measure in TOKENS),
    *(Target(measure.name, 1.3, "bare") for measure in EMBEDDING),
    Target(SIGNING.name, 40),
    *(Target(measure.name, 1.3, "bare") for measure in CONSOLE),
    *(Target(measure.name, 0.98, at_least=True) for measure in LIMITER if measure.what == "rate"),
    *(Target(measure.name, 0.95, at_least=True) for measure in SHARED if measure.what == "shared rate"),
    *(Target(measure.also[0][0], NOTICED) for measure in LIMITER if measure.what == "rate"),
    *(Target(measure.name, 3) for measure in LIMITER if measure.what == "pass"),
    *(Target(measure.name, 2_000, at_least=True) for measure in REPLIES),
    Target(STREAMS.name, 0.98, at_least=True),
    Target(DELAY, 50),
    Target(GROWTH.name, 4096),
    Target(PLATFORM[-2].name, 150),
    Target(PLATFORM[-1].name, 400),
    *(Target(measure.name, 1.25, "bare") for measure in MANY if measure.what == "local platform"),
    Target(LONGER.name, 1.1, "ours", base=LONG.name),
]
