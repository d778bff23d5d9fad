"""Where two JSON values differ: in what they say, or only in their shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qianfan.local.wire import as_array, as_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TYPES = {bool: "boolean", int: "number", float: "number", str: "string", type(None): "null"}


def values(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Give the paths at which two values differ, such as `messages[0].content`."""
    members, others = as_object(one), as_object(other)
    items, rest = as_array(one), as_array(other)
    if members is not None and others is not None:
        for name in sorted(members.keys() | others.keys()):
            yield from values(members.get(name), others.get(name), f"{path}.{name}" if path else name)
    elif items is not None and rest is not None and len(items) == len(rest):
        for index, (item, another) in enumerate(zip(items, rest, strict=True)):
            yield from values(item, another, f"{path}[{index}]")
    elif one != other:
        yield path or "the whole body"


def shape(samples: Iterable[Any]) -> dict[str, str]:
    """Return the types that some values have at each path, all items of an array at one."""
    types: dict[str, set[str]] = {}
    for sample in samples:
        for path, kind in _types(sample, ""):
            types.setdefault(path, set()).add(kind)
    return {path: " or ".join(sorted(kinds)) for path, kinds in types.items()}


def _types(value: Any, path: str) -> Iterator[tuple[str, str]]:
    members, items = as_object(value), as_array(value)
    if members is not None:
        yield path, "object"
        for name, member in members.items():
            yield from _types(member, f"{path}.{name}" if path else name)
    elif items is not None:
        yield path, "array"
        for item in items:
            yield from _types(item, f"{path}[]")
    else:
        yield path, _TYPES[type(value)]
