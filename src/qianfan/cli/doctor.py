"""`qianfan doctor`: what is set, where it leads, and whether it works."""

from __future__ import annotations

from typing import Annotated

import typer

from qianfan.cli.ending import clean_ending
from qianfan.cli.tables import show_json

_MARKS = {"good": "✓", "note": "·", "bad": "✗"}
_STYLES = {"good": "green", "note": "dim", "bad": "red"}


def doctor(
    chat: Annotated[
        bool, typer.Option("--chat", help="再向模型提一个简短的问题，会用去少量 token。")
    ] = False,
    model: Annotated[str | None, typer.Option("--model", "-m", help="提问的模型，含 --chat。")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出，供脚本使用。")] = False,
) -> None:
    """检查密钥、接口、网络与时钟，并做一次不计费的调用；密钥只显示开头。"""
    with clean_ending():
        from qianfan.doctor import State, examine

        findings = []
        for finding in examine(chat=chat or model is not None, model=model):
            findings.append(finding)
            if not as_json:
                mark = typer.style(
                    _MARKS[finding.state.value], fg=_STYLES[finding.state.value].replace("dim", "white")
                )
                typer.echo(f"{mark} {finding.about}: {finding.says}")
                if finding.advice:
                    typer.echo(f"    → {finding.advice}")
        if as_json:
            show_json([{**finding._asdict(), "state": finding.state.value} for finding in findings])
        if any(finding.state is State.BAD for finding in findings):
            raise typer.Exit(1)
