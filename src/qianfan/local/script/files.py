"""Scripts as files: rules that are data, in JSON."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import orjson

from qianfan.local.script.condition import Condition
from qianfan.local.script.rule import Rule
from qianfan.local.wire import as_array, as_object

if TYPE_CHECKING:
    import os

    from qianfan.local.script.saying import Says
    from qianfan.local.wire import Json


def read(path: str | os.PathLike[str]) -> tuple[list[Rule], bool]:
    """Return the rules of a file, and whether they are all that may answer.

    Raises:
        OSError: It cannot be read.
        ValueError: It holds no rules, or a bad one: which, and why.
    """
    file = Path(path)
    if file.suffix == ".jsonl":
        return [_rule(item, f"{file}: {place}") for place, item in _lines(file)], False
    return rules(_parsed(file.read_bytes(), str(file)), str(file))


def rules(content: Any, where: str) -> tuple[list[Rule], bool]:
    """Return the rules of a JSON document, and whether they are all that may answer.

    Raises:
        ValueError: It holds no rules, or a bad one: which, and why.
    """
    document = {"rules": content} if isinstance(content, list) else as_object(content) or {}
    given, strict = as_array(document.get("rules")), document.get("strict", False)
    if given is None or not isinstance(strict, bool) or document.keys() - {"rules", "strict"}:
        raise ValueError(f'{where}: a script is an array of rules, or {{"rules": [...], "strict": true}}')
    return [_rule(item, f"{where}: rule {number}") for number, item in enumerate(given, start=1)], strict


def _lines(file: Path) -> list[tuple[str, Any]]:
    """Return the rules of a file that has one in each line, each with its place."""
    lines = enumerate(file.read_bytes().splitlines(), start=1)
    return [(f"line {n}", _parsed(line, f"{file}: line {n}")) for n, line in lines if line.strip()]


def _parsed(content: bytes, where: str) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"{where} is not JSON: {error}") from None


def _rule(value: Any, where: str) -> Rule:
    try:
        return _described(_object(value))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{where}: {error}") from None


def _described(given: Json) -> Rule:
    """Return the rule that an object describes."""
    text, regex, model, times, at_end, steps = (
        given.pop(name, None) for name in ("text", "regex", "model", "times", "at_end", "then")
    )
    if regex is not None:
        if text is not None:
            raise ValueError("a rule has a text or a regex, not both")
        text = _compiled(regex)
    rule = Rule(Condition(text, model), _says(given), times, at_end or "last")
    for step in steps if isinstance(steps, list) else [] if steps is None else [steps]:
        rule.then(**_says(_object(step)))
    return rule


def _says(given: Json) -> Says:
    """Return what is said, `with` by the name that Python has for it."""
    return cast("Says", {"with_" if name == "with" else name: value for name, value in given.items()})


def _object(value: Any) -> Json:
    given = as_object(value)
    if given is None:
        raise ValueError(f"a rule, and what follows in it, is an object, not {value!r}")
    return dict(given)


def _compiled(regex: Any) -> re.Pattern[str]:
    try:
        return re.compile(regex)
    except (re.error, TypeError) as error:
        raise ValueError(f"{regex!r} is no regular expression: {error}") from None
