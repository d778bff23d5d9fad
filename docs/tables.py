"""Writes the tables of the guides from the tables of the code. `scripts/docs` runs it; a test compares."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path

from qianfan import catalog, errors
from qianfan.codes import CODES
from qianfan.console import checks
from qianfan.core.refusals import api_error
from qianfan.local.fidelity import RULES, Mark

GUIDES = Path(__file__).parent / "guides"

_MARKS = {Mark.DOCUMENTED: "文档", Mark.SDK: "SDK", Mark.REPORTED: "公开记录", Mark.ASSUMED: "假定"}


def error_tree() -> str:
    """Return the tree of errors as the module draws it."""
    drawing = inspect.getdoc(errors) or ""
    tree = re.search(
        r"^QianfanError\n(?:^[├│└ ].*\n)+", inspect.cleandoc(drawing.split("\n\n")[1]) + "\n", re.MULTILINE
    )
    assert tree, "the docstring of qianfan.errors draws the tree"
    return f"```text\n{tree[0].rstrip()}\n```"


def code_table() -> str:
    """Return the error codes."""
    rows = ["| 错误码 | 平台的话 | 异常 | 重试 | 怎么办 |", "|---|---|---|---|---|"]
    for code in CODES.values():
        kind = type(api_error(code.number, "")).__name__
        hint = code.hint.partition(" (")[0]
        rows.append(
            f"| {code.number} | {code.message} | `{kind}` | {'是' if code.retryable else ''} | {hint} |"
        )
    return "\n".join(rows)


def fidelity_table() -> str:
    """Return the rules of the local platform."""
    rows = ["| 范围 | 规则 | 错误码 | 来源 |", "|---|---|---|---|"]
    for rule in RULES:
        says = rule.says.replace("<", "&lt;")  # else Markdown takes a placeholder for a tag
        rows.append(f"| {rule.area} | {says} | {rule.code or ''} | {_MARKS[rule.mark]} |")
    return "\n".join(rows)


def embedding_table() -> str:
    """Return the limits of the embedding models."""
    rows = ["| 模型 | 一次请求的条数 | 每条的字符 | 每条的 token | 维数 |", "|---|---|---|---|---|"]
    default = catalog.default_model("embedding")
    for model in catalog.models("embedding"):
        name = f"`{model.name}`{'（默认）' if model.name == default else ''}"
        limits = (model.max_texts, model.max_text_chars, model.max_text_tokens, model.dimensions)
        rows.append(f"| {name} | {' | '.join(map(str, limits))} |")
    return "\n".join(rows)


def checks_table() -> str:
    """Return what a job of fine-tuning may ask for, by what it trains."""
    rows = [
        "| `trainType` | `peftType` | `learningRate` | `batchSize` | `maxSeqLen` |",
        "|---|---|---|---|---|",
    ]
    for name, train in checks.TRAINS.items():
        batch = checks.shown(train.batch_size) if train.batch_size else "不使用"
        lengths = "、".join(map(str, train.max_seq_len)) + "，必填" if train.max_seq_len else "不检查"
        rate = checks.shown(train.learning_rate)
        rows.append(f"| {name} | {'、'.join(train.peft)} | {rate} | {batch} | {lengths} |")
    common = [
        ("`epoch`", checks.shown(checks.EPOCH)),
        ("`trainsetRate`", checks.shown(checks.TRAINSET_RATE)),
        ("任务与服务的 `name`、服务的 `uri`：长度", checks.shown(checks.NAME)),
        ("`description`：长度", checks.shown(checks.DESCRIPTION)),
    ]
    rows += [
        "",
        "| 都有的字段 | 范围 |",
        "|---|---|",
        *(f"| {name} | {allowed} |" for name, allowed in common),
    ]
    return "\n".join(rows)


def moving_table() -> str:
    """Return what becomes of the names of v1 on v2."""
    rows = ["| v1 的名字 | v2 的名字 |", "|---|---|"]
    for kind in ("chat", "completion", "embedding", "reranker", "text2image", "image2text"):
        for model in catalog.models(kind):
            if kind != "completion" or model.family == kind:
                living = catalog.v2_id(kind, model.name)
                known = catalog.find_v2(kind, living) is not None
                rows.append(f"| {model.name} | {f'`{living}`' if known else '—'} |")
    return "\n".join(rows)


TABLES = {
    "embedding.md": {"models": embedding_table},
    "errors.md": {"errors": error_tree, "codes": code_table},
    "finetune.md": {"checks": checks_table},
    "moving.md": {"models": moving_table},
    "local-platform.md": {"fidelity": fidelity_table},
}


def render(guide: str) -> str:
    """Return a guide with its tables made anew."""
    text = (GUIDES / guide).read_text(encoding="utf-8")
    for name, make in TABLES[guide].items():
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        head, _, rest = text.partition(begin)
        text = f"{head}{begin}\n{make()}\n{end}{rest.partition(end)[2]}"
    return text


def main() -> None:
    """Write the guides that have tables."""
    for guide in TABLES:
        (GUIDES / guide).write_text(render(guide), encoding="utf-8")
        sys.stdout.write(f"docs/guides/{guide}\n")


if __name__ == "__main__":
    main()
