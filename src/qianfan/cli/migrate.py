"""`qianfan migrate`: what programs for v1, or for the official SDK, meet on v2."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path  # noqa: TC003  # typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer
from rich.cells import cell_len

from qianfan.cli.ending import clean_ending
from qianfan.cli.tables import show_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qianfan.migrate.report import Finding, Report

_COLOURS = {"must": "red", "differs": "yellow", "note": "cyan", "unseen": "magenta"}


def migrate(
    paths: Annotated[
        list[Path], typer.Argument(help="Python 文件、笔记本或目录，可给几个。", metavar="PATH")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出，供脚本使用。")] = False,
) -> None:
    """阅读 Python 代码，逐处报告换到 v2 与本 SDK 之后会怎样、要设置什么。

    只读文件：不导入、不运行、不改写。

    退出码：0 没有必须改的，1 有必须改的，2 用法有误。
    """
    with clean_ending():
        from qianfan.migrate import scan
        from qianfan.migrate.rules import Severity

        report = scan(paths)
        if as_json:
            show_json(report.as_json())
        else:
            _print(report)
        if report.count(Severity.MUST):
            raise typer.Exit(1)


def _print(report: Report) -> None:
    """Print a report file by file, then what to set, then what it cannot see."""
    from qianfan.migrate.rules import Severity

    for file, findings in groupby(report.findings, key=lambda finding: finding.place.file):
        typer.secho(_line(file), bold=True)
        _print_table(list(findings))
        typer.echo()
    counts = "，".join(f"{severity.words} {report.count(severity)}" for severity in Severity)
    typer.secho(f"读了 {len(report.files)} 个文件：{counts}", bold=True)
    _print_list("需要设置", report.settings)
    _print_list("这份报告看不到", report.limits)
    typer.echo("\n逐条的说明见 docs/guides/moving.md")


def _print_table(findings: list[Finding]) -> None:
    """Print a file's findings in columns, what to do below each."""
    rows = [(finding.severity.words, _where(finding), finding.rule) for finding in findings]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for finding, row in zip(findings, rows, strict=True):
        mark, *others = (
            text + " " * (width - cell_len(text)) for text, width in zip(row, widths, strict=True)
        )
        mark = typer.style(mark, fg=_COLOURS[finding.severity.value])
        typer.echo("  ".join(("", mark, *others, _line(finding.what))))
        typer.echo(f"{' ' * (widths[0] + 4)}→ {_line(finding.todo)}")


def _where(finding: Finding) -> str:
    _, line, column, cell = finding.place
    return f"第 {cell} 格 {line}:{column}" if cell else f"{line}:{column}"


def _print_list(title: str, lines: Sequence[str]) -> None:
    if lines:
        typer.secho(f"\n{title}", bold=True)
        for line in lines:
            typer.echo(f"  {line}")


def _line(text: str) -> str:
    """Return a text as a terminal can show it: names of files may hold anything."""
    return "".join(character if character.isprintable() else "?" for character in text)
