"""Checks of one JSON value: each returns None, or what the value must be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from qianfan.local.wire import as_array, as_object

Check: TypeAlias = Callable[[Any], "str | None"]


def number(low: float, high: float, *, above: bool = False) -> Check:
    """Demand a number in [low, high]; in (low, high] where `above`."""
    wanted = f"must be a number in {'(' if above else '['}{low}, {high}]"

    def check(value: Any) -> str | None:
        fits = _is_number(value) and low <= value <= high and not (above and value == low)
        return None if fits else wanted

    return check


def integer(low: int, high: int | None = None) -> Check:
    """Demand an integer in [low, high], or of at least low."""
    wanted = (
        f"must be an integer in [{low}, {high}]"
        if high is not None
        else f"must be an integer of at least {low}"
    )

    def check(value: Any) -> str | None:
        fits = isinstance(value, int) and not isinstance(value, bool) and value >= low
        return None if fits and (high is None or value <= high) else wanted

    return check


def boolean(value: Any) -> str | None:
    """Demand true or false."""
    return None if isinstance(value, bool) else "must be a boolean"


def text(longest: int | None = None) -> Check:
    """Demand a string, of at most so many characters."""

    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return "must be a string"
        return None if longest is None or len(value) <= longest else f"must have at most {longest} characters"

    return check


def one_of(*choices: str) -> Check:
    """Demand one of some strings."""
    wanted = f"must be one of {', '.join(choices)}"
    return lambda value: None if isinstance(value, str) and value in choices else wanted


def strings(most: int, longest: int) -> Check:
    """Demand an array of at most so many strings of 1 to so many characters."""
    wanted = f"must be an array of at most {most} strings of 1 to {longest} characters"

    def check(value: Any) -> str | None:
        items = as_array(value)
        fits = items is not None and len(items) <= most
        return (
            None
            if fits and all(isinstance(s, str) and 1 <= len(s) <= longest for s in items or ())
            else wanted
        )

    return check


def texts(most: int) -> Check:
    """Demand an array of 1 to so many strings that are not empty."""
    wanted = f"must be an array of {f'1 to {most} strings' if most > 1 else 'one string'}, none of them empty"

    def check(value: Any) -> str | None:
        items = as_array(value)
        fits = items is not None and 1 <= len(items) <= most and all(isinstance(s, str) and s for s in items)
        return None if fits else wanted

    return check


def array(value: Any) -> str | None:
    """Demand an array."""
    return None if as_array(value) is not None else "must be an array"


def tool_choice(value: Any) -> str | None:
    """Demand the choice of one function by name."""
    choice = as_object(value) or {}
    function = as_object(choice.get("function")) or {}
    if choice.get("type") == "function" and isinstance(function.get("name"), str):
        return None
    return 'must be {"type": "function", "function": {"name": ...}}'


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
