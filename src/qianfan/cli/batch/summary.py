"""What came of a run, for people or for scripts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import typer

from qianfan.cli.batch.tally import spent
from qianfan.cli.batch.words import duration, yuan
from qianfan.cli.ending import say
from qianfan.cli.tables import show_json
from qianfan.errors import BudgetExceededError, BulkStoppedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qianfan.bulk.outcome import Report
    from qianfan.cli.batch.options import Options
    from qianfan.cli.batch.planning import Files
    from qianfan.cli.batch.tally import Failures, Prices, Tally
    from qianfan.cli.batch.writing import Writer
    from qianfan.core.ledger import Used
    from qianfan.errors import QianfanError


@dataclass(slots=True)
class Ending:
    """How a run ended.

    Attributes:
        tally: Its rows, counted.
        report: What the run itself says.
        writer: What has written the rows; None where there were none.
        complete: Whether every row of the input has its outcome.
        interrupted: Whether Ctrl-C ended it.
        failure: What else ended it early, or None.
        usage: What it used by model.
    """

    tally: Tally
    report: Report
    writer: Writer | None = None
    complete: bool = False
    interrupted: bool = False
    failure: QianfanError | OSError | None = None
    usage: Mapping[str, Used] = field(default_factory=dict)

    @property
    def code(self) -> int:
        """The exit code."""
        if self.complete:
            return 1 if self.tally.failures else 0
        return 130 if self.interrupted else 3

    @property
    def stopped(self) -> str | None:
        """Why it ended early, in a word; None where it did not."""
        if self.complete:
            return None
        if self.interrupted:
            return "interrupted"
        if isinstance(self.failure, BudgetExceededError):
            return "budget"
        return "failures" if isinstance(self.failure, BulkStoppedError) else "error"


def show(ending: Ending, files: Files, prices: Prices, options: Options) -> None:
    """Print what came of a run."""
    if options.as_json:
        show_json(_as_json(ending, files, prices))
    elif not options.quiet:
        for line in _lines(ending, files, prices):
            typer.echo(line)
    if not ending.complete:
        more = "--retry-failed" if isinstance(ending.failure, BulkStoppedError) else "--resume"
        say(
            f"qianfan: 没有做完，{_why(ending)}。同样的命令加上 {more} 接着运行 (the same command with it goes on)"
        )


def _why(ending: Ending) -> str:
    if ending.failure is None:
        return "被中断 (interrupted)"
    if isinstance(ending.failure, BudgetExceededError):
        return f"预算用完 (the budget is spent): {ending.failure.message}"
    if isinstance(ending.failure, BulkStoppedError):
        return f"连续失败 (failure after failure): {ending.failure.message}"
    return str(ending.failure)


def _lines(ending: Ending, files: Files, prices: Prices) -> list[str]:
    tally, report = ending.tally, ending.report
    failed = sum(failures.count for failures in tally.failures.values())
    lines = [f"{tally.rows:,} 行：成功 {tally.rows - failed:,}，失败 {failed:,}"]
    if report.recorded:
        lines.append(f"其中 {report.recorded:,} 行的结果来自先前的运行，没有再次询问")
    if report.asked_again:
        lines.append(
            f"先前的运行结束时有 {report.asked_again:,} 个请求在途，平台可能已为它们计费；它们要再问一次"
        )
    if tally.truncated:
        lines.append(f"{tally.truncated:,} 个回答因长度被截断（finish_reason 为 length）")
    lines += map(_reason, sorted(tally.failures.values(), key=lambda failures: -failures.count))
    usage = f"本次用去的 token：输入 {report.usage.prompt_tokens:,}，回答 {report.usage.completion_tokens:,}"
    cost = prices.cost(*spent(report))
    lines.append(usage if cost is None else f"{usage}；约 {yuan(cost)}（按给出的单价）")
    lines += [_used(model, used) for model, used in ending.usage.items()]
    lines.append(f"用时 {duration(report.seconds)}")
    lines.append(_where(ending, files))
    if failed and ending.complete:
        lines.append("失败的行在输出的 error 列；同样的命令加上 --retry-failed 只重试它们")
    return lines


def _reason(failures: Failures) -> str:
    lines = "、".join(map(str, failures.lines)) + ("……" if failures.count > len(failures.lines) else "")
    kind = type(failures.first).__name__
    return f"  {failures.count:,} 行 {kind}（第 {lines} 行），如：{' '.join(str(failures.first).split())}"


def _used(model: str, used: Used) -> str:
    untold = f"，其中 {used.untold:,} 个没有得到答复，也可能已计费" if used.untold else ""
    return f"  {model}：{used.requests:,} 个请求，{used.total_tokens:,} token{untold}"


def _where(ending: Ending, files: Files) -> str:
    kept = f"记录在 {files.checkpoint}"
    if ending.complete:
        return f"结果在 {files.output}；{kept}，确认结果后可以删除"
    if ending.writer is None:
        return kept
    return f"已有的结果在 {ending.writer.partial}；{kept}"


def _as_json(ending: Ending, files: Files, prices: Prices) -> dict[str, Any]:
    tally, report = ending.tally, ending.report
    failed = sum(failures.count for failures in tally.failures.values())
    return {
        "output": str(files.output) if ending.complete else None,
        "partial": None if ending.complete or ending.writer is None else str(ending.writer.partial),
        "checkpoint": str(files.checkpoint),
        "complete": ending.complete,
        "stopped": ending.stopped,
        "rows": tally.rows,
        "done": tally.rows - failed,
        "failed": failed,
        "truncated": tally.truncated,
        "recorded": report.recorded,
        "asked_again": report.asked_again,
        "failures": [failures.as_json() for failures in tally.failures.values()],
        "usage": dict(report.usage),
        "models": {model: used._asdict() for model, used in ending.usage.items()},
        "cost": prices.cost(*spent(report)),
        "seconds": round(report.seconds, 3),
    }
