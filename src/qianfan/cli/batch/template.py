"""Columns become a prompt: `把这句话翻译成英文：{text}`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from qianfan.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: `{{name}}` stands for `{name}` itself; what could be JSON is no name.
_PLACES = re.compile(r"\{\{(?P<kept>[^{}\":\n]+)\}\}|\{(?P<column>[^{}\":\n]+)\}")


class Template:
    """A text with `{column}` in it; all other braces stand for themselves.

    Args:
        text: The text.
        option: Where it was given.

    Attributes:
        columns: The names of the columns it takes in.
    """

    def __init__(self, text: str, option: str) -> None:
        self._text = text
        self._option = option
        named = (place["column"] for place in _PLACES.finditer(text))
        self.columns = tuple(dict.fromkeys(name for name in named if name))

    def check(self, columns: Iterable[str]) -> None:
        """Raise `InvalidArgumentError` where it names a column that is none of these."""
        there = list(columns)
        for name in self.columns:
            if name not in there:
                raise InvalidArgumentError(
                    f"{self._option} 里的 {{{name}}} 不是列名 (is no column)",
                    hint=f"列有 (columns): {', '.join(there) or '无'}；字面的花括号写作 {{{{{name}}}}}",
                )

    def fill(self, columns: Mapping[str, Any]) -> str:
        """Return the text with the columns of a row.

        Raises:
            InvalidArgumentError: The row lacks a column.
        """
        self.check(columns)
        return _PLACES.sub(
            lambda place: f"{{{place['kept']}}}" if place["kept"] else text_of(columns[place["column"]]),
            self._text,
        )


def text_of(value: Any) -> str:
    """Return a cell as a text: nothing for null, JSON for what is no text."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json_of(value)


def json_of(value: Any) -> str:
    """Return a value as JSON, what JSON has not as its text."""
    return orjson.dumps(value, default=plain, option=orjson.OPT_NON_STR_KEYS).decode()


def plain(value: Any) -> Any:
    """Return what stands in JSON for a value that it has not."""
    if isinstance(value, bytes):
        from base64 import b64encode

        return b64encode(value).decode("ascii")
    return str(value)
