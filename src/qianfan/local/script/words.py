"""Words: the texts of a script, filled in, cut into pieces, or asked of the user's functions."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import orjson

from qianfan.local import replies, tokens
from qianfan.local.wire import Refusal, as_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qianfan.local.script.turn import Turn

T = TypeVar("T")

#: A text, an object that is said as JSON, or a function that returns either.
Words: TypeAlias = "str | Mapping[str, Any] | Callable[[Turn], Any]"

#: Puts what a regular expression found in the place of `\1` and `\g<name>`.
Fill: TypeAlias = Callable[[str], str]

UNSAID = 336003  # of v1; on v2 `invalid_argument`: clients try neither again

_log = logging.getLogger("qianfan")


def as_text(value: Any) -> str:
    """Return a text as it is, and what is none as JSON.

    Raises:
        TypeError: JSON cannot say it, or it is nothing.
        UnicodeEncodeError: It has half of a surrogate pair.
    """
    if value is None:
        raise TypeError("nothing is said")
    text = value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    text.encode()
    return text


def filled(value: Any, fill: Fill) -> Any:
    """Return a JSON value whose texts are filled in."""
    if isinstance(value, str):
        return fill(value)
    if isinstance(value, Mapping):
        return {name: filled(item, fill) for name, item in value.items()}
    items = as_array(value)
    return value if items is None else [filled(item, fill) for item in items]


def say(words: Words, turn: Turn, fill: Fill) -> str:
    """Return the text of some words.

    Raises:
        Refusal: They are a function, which failed.
    """
    return ask(words, turn, as_text) if callable(words) else as_text(filled(words, fill))


def ask(function: Callable[[Turn], Any], turn: Turn, shape: Callable[[Any], T]) -> T:
    """Return what a function of the user's makes of a turn, in some shape.

    Raises:
        Refusal: The function failed, or what it returned has not this shape; the log says more.
    """
    try:
        return shape(function(turn))
    except Exception as error:  # noqa: BLE001  # whatever a function does, the answer is one of the platform's
        _log.exception("the script's function %s failed", name_of(function))
        what = f"the script's function {name_of(function)} failed ({type(error).__name__}); the log says more"
        raise Refusal(UNSAID, what) from None


def cut(text: str, size: int | None) -> list[tuple[str, int]]:
    """Cut a text into pieces of so many characters, by default as a stream does; each has its tenths of tokens."""
    if size is None:
        return tokens.pieces(text) or [("", 0)]
    return priced([text[start : start + size] for start in range(0, len(text), size)] or [""])


def priced(pieces: Sequence[str]) -> list[tuple[str, int]]:
    """Return pieces of a text with their shares of its tenths of tokens, by length."""
    text = "".join(pieces)
    total, length = tokens.tenths(text), len(text) or 1
    ends = [total * end // length for end in accumulate(map(len, pieces), initial=0)]
    return [(piece, after - before) for piece, (before, after) in zip(pieces, pairwise(ends), strict=True)]


def name_of(function: Callable[..., Any]) -> str:
    """Return what a function is called."""
    return str(getattr(function, "__name__", type(function).__name__))


def shown(words: Words) -> str:
    """Return the beginning of some words, as a rule's text shows them."""
    return name_of(words) if callable(words) else repr(replies.short(as_text(words)))
