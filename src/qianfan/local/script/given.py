"""What is given for a saying, in Python or as JSON, made into one; whatever could not be said is refused."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qianfan.local import checks
from qianfan.local.script.saying import Saying, Says, read_calls
from qianfan.local.script.words import as_text, filled

if TYPE_CHECKING:
    from qianfan.local.checks import Check
    from qianfan.local.script.words import Fill

_COUNTED = ("prompt_tokens", "completion_tokens", "total_tokens")


def read(says: Says, fill: Fill) -> Saying:
    """Return what is said.

    Args:
        says: How it is given; None is the same as not given.
        fill: Fills in a text that has groups, to see whether that can be done.

    Raises:
        ValueError: It could not be said: what, and why.
        TypeError: There is no such argument, or JSON cannot say one.
    """
    given: dict[str, Any] = {name: value for name, value in says.items() if value is not None}
    if unknown := sorted(given.keys() - _CHECKS.keys()):
        raise TypeError(f"a reply takes no {unknown[0]}, only {', '.join(_CHECKS)}")
    if len(given.keys() & {"with_", "chunks", "calls"}) != 1:
        raise ValueError("a reply says one of with_, chunks and calls")
    if "chunk_size" in given and "with_" not in given:
        raise ValueError("chunk_size cuts what with_ says")
    for name, value in given.items():
        if complaint := _CHECKS[name](value):
            raise ValueError(f"{name} {complaint}, not {value!r}")
    if "with_" in given:
        given["with_"] = _several(given["with_"])
    if "calls" in given and not callable(given["calls"]):
        given["calls"] = read_calls(given["calls"])
    made = Saying(**given)
    called = () if callable(made.calls) else [arguments for _, arguments in made.calls]
    for text in (*made.with_, *made.chunks, *called, made.reasoning):
        if not callable(text):
            as_text(filled(text, fill))
    return made


def function(value: Any) -> str | None:
    """Demand a function that takes a turn."""
    fits = callable(value) and not inspect.iscoroutinefunction(value)
    return None if fits else "must be a plain function that takes the turn"


def _several(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _array_of(kind: type, what: str, *, least: int = 0) -> Check:
    def check(value: Any) -> str | None:
        fits = isinstance(value, list | tuple) and len(value) >= least
        return (
            None if fits and all(isinstance(item, kind) for item in value) else f"must be an array of {what}"
        )

    return check


def _words(value: Any) -> str | None:
    fits = all(
        isinstance(words, str | Mapping) or function(words) is None for words in _several(value)
    ) and _several(value)
    return None if fits else "must be a text, an object or a plain function, or an array of them"


def _calls(value: Any) -> str | None:
    return function(value) if callable(value) else None  # of an array, its reader says more


def _usage(value: Any) -> str | None:
    fits = isinstance(value, Mapping) and not any(checks.integer(0)(value.get(name, 0)) for name in _COUNTED)
    return None if fits else f"must be an object, whose {', '.join(_COUNTED)} are integers of at least 0"


_seconds = checks.number(0, 31_536_000)  # at most a year

_CHECKS: dict[str, Check] = {
    "with_": _words,
    "chunks": _array_of(str, "at least one text", least=1),
    "calls": _calls,
    "chunk_size": checks.integer(1),
    "first_token": _seconds,
    "between": _seconds,
    "usage": _usage,
    "finish_reason": checks.text(),
    "reasoning": checks.text(),
    "search_results": _array_of(Mapping, "objects"),
}
