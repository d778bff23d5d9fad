"""Workers of a Ray cluster on this machine, and their processes."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import qianfan
from support.many import Many


class ByRay(Many):
    """A way of asking for many, by workers of the cluster."""

    def __call__(self, client: Any, inputs: Any, *args: Any, workers: int = 2, **options: Any) -> list[Any]:
        """Return the outcomes of a run."""
        return super().__call__(client, inputs, *args, engine=qianfan.RayEngine(workers=workers), **options)


def processes(words: str, root: int | None = None) -> list[int]:
    """Return the ids of the processes below one, by default this one, whose command line holds some words."""
    parents, lines = {}, {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            lines[int(entry.name)] = (entry / "cmdline").read_text()
    root = root or os.getpid()

    def below(process: int) -> bool:
        parent = parents.get(process, 0)
        return parent == root or (parent > 1 and below(parent))

    return [process for process, line in lines.items() if words in line and below(process)]


def workers() -> list[int]:
    """Return the ids of the processes of workers that are there."""
    return processes("ray::Worker")
