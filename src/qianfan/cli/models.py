"""`qianfan models`: the names there are, in the catalogue and at the service."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qianfan import catalog
from qianfan.cli.ending import clean_ending, say
from qianfan.cli.tables import print_blocks, show_json
from qianfan.errors import InvalidArgumentError, QianfanError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from qianfan.cli.tables import Row

_TIMEOUT = 10  # seconds


class Kind(str, Enum):
    """What a model is for."""

    chat = "chat"
    completion = "completion"
    embedding = "embedding"
    reranker = "reranker"
    text2image = "text2image"
    image2text = "image2text"


_KINDS = {
    "chat": "对话",
    "completion": "续写",
    "embedding": "向量化",
    "reranker": "重排序",
    "text2image": "文生图",
    "image2text": "图像理解",
}


def names(incomplete: str) -> list[str]:
    """Return the names of chat models that begin so, for the shell to complete; names are the same in any case."""
    known = [model.id for model in catalog.v2_models("chat")]
    known += [model.name for model in catalog.models("chat") if " " not in model.name]
    if incomplete.islower():  # the shell only takes what begins as it was typed
        known = [name.lower() for name in known]
    return [name for name in dict.fromkeys(known) if name.startswith(incomplete)]


def models(
    kind: Annotated[Kind | None, typer.Option(help="只列一种。")] = None,
    old: Annotated[
        bool, typer.Option("--old", help="列出 v1 的名称，以及平台文档中取代它们的 v2 名称。")
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="只列本包的目录，不询问服务。")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出，供脚本使用。")] = False,
) -> None:
    """列出模型：本包的目录与服务的列表并列；没有 v2 密钥时只列目录。"""
    with clean_ending():
        listed, unanswered = None, None
        if not old and not offline:
            try:
                listed = _listed()
            except QianfanError as error:
                unanswered = error
        kinds = [kind] if kind else list(Kind)
        rows = _old(kinds) if old else _living(kinds, listed)
        if kind is None and listed:
            rows += _unknown(rows, listed)  # nobody says of which kind they are
        if as_json:
            show_json(rows)
        else:
            print_blocks([[(_old_line if old else _living_line)(row) for row in rows]])
        if unanswered is not None:  # what is known without the service has been shown
            raise unanswered


def _listed() -> list[str] | None:
    """Return the names that the service lists; None where there is no key to ask with."""
    from qianfan.client import Qianfan

    try:
        with Qianfan(version=2) as client:
            found = client.models.list(request_timeout=_TIMEOUT)
    except InvalidArgumentError as error:
        say(
            f"没有可用的 v2 密钥，只列出本包的目录；qianfan doctor 检查密钥 (no key of v2): {error.message}",
            style="dim",
        )
        return None
    return [str(model["id"]) for model in found if model.get("id")]


def _living(kinds: Iterable[Kind], listed: Iterable[str] | None) -> list[dict[str, Any]]:
    """Return the catalogue's models of v2, each with the old names that lead to it."""
    there = None if listed is None else {name.casefold() for name in listed}
    rows: dict[str, dict[str, Any]] = {}
    for kind in kinds:
        for model in catalog.v2_models(kind.value):
            row = {
                "id": model.id,
                "kind": kind.value,
                "catalogue": True,
                "service": None if there is None else model.id.casefold() in there,
                "old_names": [old.name for old in catalog.models(kind.value) if _became(old, model.id)],
                "reasoning": model.reasoning,
            }
            rows.setdefault(model.id, row)  # those of chat write completions too
    return list(rows.values())


def _became(old: catalog.Model, living: str) -> bool:
    return old.v2 == living and old.name.casefold() != living.casefold()


def _unknown(rows: Iterable[Mapping[str, Any]], listed: Iterable[str]) -> list[dict[str, Any]]:
    """Return what the service lists and the catalogue does not know: services of one's own, and new models."""
    known = {row["id"].casefold() for row in rows}
    return [
        {
            "id": name,
            "kind": None,
            "catalogue": False,
            "service": True,
            "old_names": [],
            "reasoning": None,
        }
        for name in listed
        if name.casefold() not in known
    ]


def _old(kinds: Iterable[Kind]) -> list[dict[str, Any]]:
    """Return the names of v1, each with what the platform documents in its place, or what is near."""
    rows: dict[str, dict[str, Any]] = {}
    for kind in kinds:
        for model in catalog.models(kind.value):
            row = {
                "name": model.name,
                "kind": kind.value,
                "endpoint": model.endpoint,
                "v2": model.v2,
                "retired": model.retired,
                "near": [] if model.v2 else catalog.nearest(kind.value, model.name, 2),
            }
            rows.setdefault(model.name, row)  # those of chat write completions too
    return list(rows.values())


_AT_SERVICE = {True: "有", False: "无", None: ""}


def _living_line(row: Mapping[str, Any]) -> Row:
    return {
        "名称": row["id"],
        "种类": "推理" if row["reasoning"] else _KINDS.get(row["kind"], ""),
        "服务": _AT_SERVICE[row["service"]] if row["catalogue"] else "目录外",
        "旧名": row["old_names"],
    }


def _old_line(row: Mapping[str, Any]) -> Row:
    retired = f"（{row['retired']} 停用）" if row["retired"] else ""
    near = f"；相近的有 {', '.join(row['near'])}" if row["near"] else ""
    return {
        "旧名": row["name"],
        "种类": _KINDS[row["kind"]],
        "v2 名称": (row["v2"] or "无") + retired + near,
    }
