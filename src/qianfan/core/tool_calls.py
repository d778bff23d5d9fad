"""Tool calls that come in parts: their ids and names first, their arguments in pieces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NOTHING: Mapping[str, Any] = {}


class ToolCalls:
    """The tool calls of one answer so far."""

    __slots__ = ("_by_index",)

    def __init__(self) -> None:
        self._by_index: dict[int, dict[str, Any]] = {}

    def __bool__(self) -> bool:
        return bool(self._by_index)

    def add(self, parts: Any) -> None:
        """Add the parts that a message or an event holds."""
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, Mapping):
                self._add(part)

    def _add(self, part: Mapping[str, Any]) -> None:
        call = self._by_index.setdefault(self._index(part), {"id": "", "type": "function"})
        call["id"] = part.get("id") or call["id"]
        call["type"] = part.get("type") or call["type"]
        function = call.setdefault("function", {"name": "", "arguments": ""})
        told = mapping(part.get("function"))
        if told.get("name") != function["name"]:  # some services say it with every part
            function["name"] += text(told.get("name"))
        function["arguments"] += text(told.get("arguments"))

    def _index(self, part: Mapping[str, Any]) -> int:
        """Return which call a part belongs to: where it does not say so, a new id begins a new call."""
        index, latest = part.get("index"), max(self._by_index, default=-1)
        if isinstance(index, int):
            return index
        begins = latest < 0 or part.get("id") not in (None, "", self._by_index[latest]["id"])
        return latest + 1 if begins else latest

    def all(self) -> list[dict[str, Any]]:
        """Return the calls so far."""
        return [self._by_index[index] for index in sorted(self._by_index)]


def mapping(value: Any) -> Mapping[str, Any]:
    """Return a JSON object, an empty one where the value is none."""
    return value if type(value) is dict else _NOTHING


def text(value: Any) -> str:
    """Return a text, an empty one where the value is none."""
    return value if type(value) is str else ""
