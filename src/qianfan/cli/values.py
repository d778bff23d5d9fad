"""Values that commands read from their arguments: ids, and fields as `NAME=JSON`."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
import typer

from qianfan.errors import InvalidArgumentError

TaskId = Annotated[str, typer.Option("--task", "-t", help="任务的 id。", metavar="ID")]
JobId = Annotated[str, typer.Option("--job", "-j", help="运行的 id。", metavar="ID")]
Fields = Annotated[
    list[str] | None,
    typer.Option("--param", "-p", help="请求体的其他字段，名=JSON 值，可重复。", metavar="NAME=JSON"),
]
Unchecked = Annotated[
    bool,
    typer.Option("--no-validate", help="发送前不检查取值范围（validate=False），由平台判断。"),
]


def identifier(given: str) -> Any:
    """Return an id as the platform takes it: a number where it is one, else the text."""
    return int(given) if given.isascii() and given.isdigit() else given


def pairs(given: list[str] | None, example: str) -> dict[str, Any]:
    """Return `NAME=JSON` arguments as a dict; a value that is no JSON is a str.

    Raises:
        InvalidArgumentError: One has no name or no value; `example` shows how to write it.
    """
    found: dict[str, Any] = {}
    for pair in given or []:
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise InvalidArgumentError(f"--param {pair!r} is not NAME=JSON", hint=f"--param {example}")
        try:
            found[name] = orjson.loads(value)
        except orjson.JSONDecodeError:
            found[name] = value
    return found
