"""`qianfan models`: the names there are, in the catalogue and at the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from qianfan import catalog
from qianfan.cli.ending import clean_ending, say
from qianfan.cli.tables import print_blocks, show_json
from qianfan.errors import QianfanError

if TYPE_CHECKING:
    from collections.abc import Iterable

_KINDS = {"chat": "对话", "embedding": "向量化", "reranker": "重排序", "text2image": "文生图"}


def names(incomplete: str) -> list[str]:
    """Return the names of chat models that begin so, for the shell to complete."""
    known = [model.id for model in catalog.v2_models("chat")]
    known += [model.name for model in catalog.models("chat")]
    return [name for name in known if name.lower().startswith(incomplete.lower())]


def models(
    kind: Annotated[str | None, typer.Option(help=f"只列一种：{'、'.join(_KINDS)}。")] = None,
    old: Annotated[bool, typer.Option("--old", help="列出 v1 的名称，以及它们在 v2 上的名称。")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="只列本包的目录，不询问服务。")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出，供脚本使用。")] = False,
) -> None:
    """列出模型：本包的目录与服务的列表并列；没有 v2 密钥时只列目录。"""
    with clean_ending():
        if kind is not None and kind not in _KINDS:
            raise typer.BadParameter(f"须为 {'、'.join(_KINDS)} 之一", param_hint="--kind")
        kinds = [kind] if kind else list(_KINDS)
        rows = _old(kinds) if old else _living(kinds, None if offline else _listed())
        if as_json:
            show_json(rows)
        else:
            print_blocks([list(rows)])


def _listed() -> dict[str, Any] | None:
    """Return the service's models by id; None where there is no key to ask with, or no answer."""
    from qianfan.client import Qianfan

    try:
        with Qianfan() as client:
            if client.version != 2:
                say(
                    "没有 v2 的密钥，只列出本包的目录 (no key of v2: only the catalogue is listed)",
                    style="dim",
                )
                return None
            return {str(model.id).casefold(): model for model in client.models.list()}
    except QianfanError as error:
        say(f"未能询问服务，只列出本包的目录 (only the catalogue is listed): {error}", style="yellow")
        return None


def _living(kinds: Iterable[str], listed: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return the models of v2, each with the old names that lead to it."""
    rows: list[dict[str, Any]] = []
    known: set[str] = set()
    for kind in kinds:
        former: dict[str, list[str]] = {}
        for model in catalog.models(kind):
            if model.v2 is not None and model.name.casefold() != model.v2.casefold():
                former.setdefault(model.v2, []).append(model.name)
        for living in catalog.v2_models(kind):
            known.add(living.id.casefold())
            rows.append(
                {
                    "名称": living.id,
                    "种类": _KINDS[kind],
                    "目录": "有",
                    "服务": _at_service(living.id, listed),
                    "旧名": former.get(living.id, []),
                    "说明": "先思考，再回答" if living.reasoning else "",
                }
            )
    rows += [
        {"名称": str(model.id), "种类": "", "目录": "", "服务": "有", "旧名": [], "说明": ""}
        for name, model in (listed or {}).items()
        if name not in known
    ]
    return rows


def _at_service(name: str, listed: dict[str, Any] | None) -> str:
    if listed is None:
        return ""
    return "有" if name.casefold() in listed else "无"


def _old(kinds: Iterable[str]) -> list[dict[str, Any]]:
    """Return the names of v1, each with what the platform documents in its place."""
    rows: list[dict[str, Any]] = []
    for kind in kinds:
        for model in catalog.models(kind):
            near = [] if model.v2 else catalog.nearest(kind, model.name, 2)
            rows.append(
                {
                    "旧名": model.name,
                    "种类": _KINDS[kind],
                    "v1 地址": model.endpoint,
                    "v2 名称": model.v2 or "",
                    "停用": model.retired or "",
                    "说明": ""
                    if model.v2
                    else f"v2 无对应；名称相近的有 {'、'.join(near)}"
                    if near
                    else "v2 无对应",
                }
            )
    return rows
