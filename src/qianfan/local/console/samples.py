"""Training samples: pairs of a prompt and the response to learn, read from lines of JSON.

A line is `{"prompt": "...", "response": "..."}`, or in the platform's own form
`[{"prompt": "...", "response": [["..."]]}]`, of which each turn gives a pair.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

import orjson

from qianfan.local.wire import as_array, as_object

if TYPE_CHECKING:
    from collections.abc import Iterable

    Source: TypeAlias = "str | os.PathLike[str] | Iterable[str | bytes | Mapping[str, Any] | list[Any]]"

Pair: TypeAlias = "tuple[str, str]"

_BOM = b"\xef\xbb\xbf"
_HALVES = re.compile("[\ud800-\udfff]")  # of characters, which no file can keep
_SHOWN = 20  # bad lines that an error names


def read(source: Source) -> list[Pair]:
    """Return the pairs of a file, or of lines.

    Raises:
        OSError: The file cannot be read.
        ValueError: Some lines are bad; it names them and what is wrong with each.
    """
    if isinstance(source, str | os.PathLike):
        data = Path(source).read_bytes().removeprefix(_BOM)
        lines: Iterable[Any] = data.split(b"\n")
        where = f"{os.fspath(source)}: "
    else:
        lines, where = source, ""
    pairs: list[Pair] = []
    bad: list[str] = []
    for number, line in enumerate(lines, 1):
        try:
            pairs += _pairs(_value(line))
        except ValueError as error:  # noqa: PERF203  # every bad line is told of
            bad.append(f"line {number}: {error}")
    if bad:
        more = [f"and {len(bad) - _SHOWN} more"] if len(bad) > _SHOWN else []
        raise ValueError(
            "\n".join(
                [
                    f"{where}{len(bad)} bad lines" if len(bad) > 1 else f"{where}a bad line",
                    *bad[:_SHOWN],
                    *more,
                ]
            )
        )
    return pairs


@cache
def built_in() -> list[Pair]:
    """Return the sample set that stands for datasets which were never registered."""
    return read(Path(__file__).with_suffix(".jsonl"))


def _value(line: Any) -> Any:
    """Return what a line says; None where it says nothing."""
    if isinstance(line, Mapping):
        return dict(line)
    if isinstance(line, list):
        return as_array(line)
    if not isinstance(line, str | bytes):
        raise ValueError(f"is {type(line).__name__}, not text")  # noqa: TRY004  # one kind of error a line
    if not line.strip():
        return None
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error}") from None


def _pairs(value: Any) -> list[Pair]:
    if value is None:
        return []
    turns = as_array(value)
    if turns is None:
        return [_pair(value)]
    if not turns:
        raise ValueError("is an empty array")
    return [_pair(turn) for turn in turns]


def _pair(value: Any) -> Pair:
    turn = as_object(value)
    if turn is None:
        raise ValueError("is neither an object nor an array of objects")
    prompt, response = turn.get("prompt"), turn.get("response")
    if not _is_text(prompt):
        raise ValueError("prompt must be a string that is not blank")
    while isinstance(response, list) and response:  # [["best", "second best"]]
        response = response[0]
    if not _is_text(response):
        raise ValueError('response must be a string that is not blank, or an array such as [["..."]]')
    return prompt, response


def _is_text(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value.strip()) and not _HALVES.search(value)
