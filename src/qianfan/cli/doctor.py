"""`qianfan doctor`: what is set, where it leads, and whether it works."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qianfan.cli.ending import clean_ending
from qianfan.cli.models import names
from qianfan.cli.tables import show_json

if TYPE_CHECKING:
    from qianfan.doctor import Finding

_TITLES = {
    "environment": "环境",
    "key": "密钥",
    "api": "接口",
    "proxy": "代理",
    "tls": "证书",
    "host": "主机",
    "clock": "时钟",
    "call": "调用",
    "console": "控制台",
    "chat": "对话",
}
_MARKS = {"good": "✓", "note": "·", "bad": "✗"}
_STYLES: dict[str, dict[str, Any]] = {"good": {"fg": "green"}, "note": {"dim": True}, "bad": {"fg": "red"}}


def doctor(
    chat: Annotated[
        bool, typer.Option("--chat", help="再向模型提一个简短的问题，会用去少量 token。")
    ] = False,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="提问的模型，含 --chat。", autocompletion=names)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出，供脚本使用。")] = False,
) -> None:
    """检查密钥、接口、网络与时钟，做一次不生成文字的调用；每一步至多 10 秒，密钥只显示开头。"""
    with clean_ending():
        from qianfan.doctor import State, examine

        findings = []
        for finding in examine(chat=chat or model is not None, model=model):
            findings.append(finding)
            if not as_json:
                _show(finding)
        if as_json:
            show_json([{**finding._asdict(), "state": finding.state.value} for finding in findings])
        if any(finding.state is State.BAD for finding in findings):
            raise typer.Exit(1)


def _show(finding: Finding) -> None:
    mark = typer.style(_mark(finding.state.value), **_STYLES[finding.state.value])
    typer.echo(f"{mark} {_TITLES[finding.about]} {finding.about}: {finding.says}")
    if finding.advice:
        typer.echo(f"    → {finding.advice}")


def _mark(state: str) -> str:
    """Return the mark of a state; its name where the output lacks the marks, which would all be the same `?`."""
    try:
        "".join(_MARKS.values()).encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return f"[{state}]"
    return _MARKS[state]
