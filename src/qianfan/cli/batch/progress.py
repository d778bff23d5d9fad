"""How far a run is: a bar at a terminal, a line now and then elsewhere."""

from __future__ import annotations

import os
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from qianfan.cli.batch.tally import spent
from qianfan.cli.batch.words import duration, yuan
from qianfan.cli.ending import say, stderr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qianfan.bulk.outcome import Report
    from qianfan.cli.batch.tally import Prices

_LINE_EVERY = 30.0  # seconds


class Progress(Protocol):
    """Shows how far a run is."""

    def show(self, rows: int, report: Report) -> None:
        """Show it, after so many rows."""

    def stop(self, words: str) -> None:
        """Say that no more is asked; a signal handler calls it."""


@contextmanager
def progress(total: int, prices: Prices, *, quiet: bool) -> Iterator[Progress]:
    """Give what shows how far a run of so many rows is."""
    if quiet or not stderr.is_terminal or stderr.is_dumb_terminal:
        yield _Lines(Words(total, prices), quiet=quiet)
        return
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bars

    with Bars(TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), console=stderr) as bars:
        yield _Bar(bars, Words(total, prices))


class Words:
    """Says how far a run is in a line."""

    def __init__(self, total: int, prices: Prices) -> None:
        self.total = total
        self._prices = prices

    def __call__(self, rows: int, report: Report) -> str:
        """Return the line after so many rows."""
        fresh = rows - min(report.recorded, rows)
        parts = [f"{rows:,}/{self.total:,} 行"]
        if report.failed:
            parts.append(f"失败 {report.failed:,}")
        if fresh and report.seconds:
            rate = fresh / report.seconds
            parts.append(f"{rate:,.1f} 行/秒")
            parts.append(f"还需 {duration((self.total - rows) / rate)}")
        parts.append(f"token {report.usage.total_tokens:,}")
        cost = self._prices.cost(*spent(report))
        if cost is not None:
            parts.append(f"约 {yuan(cost)}")
        parts.append(f"在途 {report.in_flight}/{report.level}")
        return " · ".join(parts)


class _Lines:
    """A line now and then, or none."""

    def __init__(self, words: Words, *, quiet: bool) -> None:
        self._words = words
        self._quiet = quiet
        self._next = monotonic() + _LINE_EVERY

    def show(self, rows: int, report: Report) -> None:
        if not self._quiet and monotonic() >= self._next:
            self._next = monotonic() + _LINE_EVERY
            say(self._words(rows, report), style="dim")

    def stop(self, words: str) -> None:
        os.write(
            stderr.file.fileno(), f"{words}\n".encode()
        )  # what a handler interrupts may be writing itself


class _Bar:
    """A bar with words beside it."""

    def __init__(self, bars: object, words: Words) -> None:
        from rich.progress import Progress as Bars

        assert isinstance(bars, Bars), "rich's"
        self._bars = bars
        self._words = words
        self._stopping = ""
        self._task = bars.add_task(f"0/{words.total:,} 行", total=words.total)

    def show(self, rows: int, report: Report) -> None:
        words = f"{self._stopping}{self._words(rows, report)}"
        self._bars.update(self._task, completed=rows, description=words)

    def stop(self, words: str) -> None:
        self._stopping = f"{words} "
        self._bars.tasks[self._task].description = words  # drawn by a thread of its own
