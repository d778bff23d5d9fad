"""Waiting for a job at the command line: a bar at a terminal, lines elsewhere."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from qianfan.cli.ending import say, stderr
from qianfan.errors import JobError, JobTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from qianfan.cli.account import Account
    from qianfan.console.job import Job

_MINUTES = 5  # that the local platform's clock is moved after each look at a job that runs


def status_command(job: Job, own: Account) -> str:
    """Return the command that waits for a job."""
    return f"qianfan finetune status --task {job.task_id} --job {job.job_id} --wait{own.flags}"


def wait_for(job: Job, own: Account, timeout: float | None) -> Job:
    """Wait for a job's end; Ctrl-C ends the waiting, and the job goes on.

    The clock of a local platform moves meanwhile, so that nobody waits for a job that trains nothing.

    Raises:
        JobError: It failed, was stopped or is not finished in time.
    """
    platform, again = own.platform, status_command(job, own)
    try:
        if platform is not None:
            say(f"等待时，本地平台的时钟每次查看后前进 {_MINUTES} 分钟。", style="dim")
        with _shown(f"运行 {job.job_id}") as show:

            def look(seen: Job) -> None:
                show(seen)
                if platform is not None and seen.status == "RUNNING":
                    platform.advance(minutes=_MINUTES)

            return job.wait(timeout, look)
    except KeyboardInterrupt:
        say(f"不再等待，运行仍在继续。再次等待：{again}", style="yellow")
        raise typer.Exit(130) from None
    except JobTimeoutError as error:
        error.hint = f"运行仍在继续，再次等待 (it goes on; to wait again): {again}"
        raise
    except JobError as error:
        error.hint = ""  # what it says is for programs; here the job is shown
        raise


@contextmanager
def _shown(title: str) -> Iterator[Callable[[Job], None]]:
    """Give what shows how far a job is."""
    if not stderr.is_terminal:
        yield _Lines(title).show
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=stderr) as progress:
        bar = progress.add_task(title, total=100)
        yield lambda job: progress.update(bar, completed=job.progress, description=f"{title} {job.status}")


class _Lines:
    """How far a job is, a line whenever that changes."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._last = ""

    def show(self, job: Job) -> None:
        line = f"{self._title} {job.status} {job.progress}%"
        if line != self._last:
            say(line, style="dim")
        self._last = line
