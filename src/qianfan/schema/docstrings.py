"""What a docstring says of a function and of its parameters, in the style of Google, NumPy or Sphinx."""

from __future__ import annotations

import re
from inspect import cleandoc
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Headings of sections that describe parameters, or the fields of a class.
_PARAMETERS = frozenset(
    {
        *("args", "arguments", "parameters", "params", "attributes", "other parameters"),
        *("keyword args", "keyword arguments", "参数", "属性"),
    }
)

#: Headings of other sections; what they say is for who calls the function in code.
_OTHERS = frozenset(
    {
        *("returns", "return", "yields", "raises", "warns", "example", "examples", "see also", "references"),
        *("返回", "返回值", "异常", "示例", "例子"),
    }
)

_HEADING = re.compile(r"(\w[\w ]*?)\s*([:：]?)")
_UNDERLINE = re.compile(r"-{3,}")
_SPHINX_FIELD = re.compile(r":[a-z]+(?:\s[^:]*)?:.*")

# How the description of a parameter begins in each style.
_GOOGLE = re.compile(r"\s+(?P<names>\*{0,2}\w+)\s*(?:\(.*?\))?\s*[:：]\s*(?P<text>.*)")
_NUMPY = re.compile(r"(?P<names>\*{0,2}\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?::.*)?(?P<text>)")
_SPHINX = re.compile(
    r":(?:param|parameter|arg|argument|key|keyword)\s+(?:[^:]*\s)?(?P<names>\*{0,2}\w+):\s*(?P<text>.*)"
)
_NOTHING = re.compile(r"(?!)")


class Docstring(NamedTuple):
    """What a docstring says.

    Attributes:
        text: What stands before the first section.
        parameters: The description of each parameter that has one.
    """

    text: str
    parameters: dict[str, str]


def read(docstring: str | None) -> Docstring:
    """Return what a docstring says."""
    (_, text), *sections = _sections(cleandoc(docstring or "").split("\n"))
    parameters = {
        name: described
        for entry, lines in sections
        for name, described in _parameters(entry, lines)
        if described
    }
    return Docstring("\n".join(text).strip(), parameters)


def _sections(lines: Sequence[str]) -> Iterator[tuple[re.Pattern[str], list[str]]]:
    """Split a docstring: the text before the sections, then each with how its entries begin."""
    entry, held = _NOTHING, list[str]()
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        begun = _section(line, below)
        if begun is None:
            held.append(line)
        else:
            yield entry, held
            entry, held = begun, [line] if begun is _SPHINX else []
    yield entry, held


def _section(line: str, below: str) -> re.Pattern[str] | None:
    """Return how the entries begin of the section that a line opens, or None where it opens none."""
    if _SPHINX_FIELD.fullmatch(line):
        return _SPHINX if _SPHINX.fullmatch(line) else _NOTHING
    heading = _HEADING.fullmatch(line)
    underlined = _UNDERLINE.fullmatch(below)
    if not heading or not (heading[2] or underlined):
        return None
    title = heading[1].lower()
    if title in _PARAMETERS:
        return _NUMPY if underlined else _GOOGLE
    return _NOTHING if title in _OTHERS else None


def _parameters(entry: re.Pattern[str], lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Read the entries of a section: each begins where the first does, what is deeper goes on with it."""
    filled = [line for line in lines if line.strip() and not _UNDERLINE.fullmatch(line)]
    begin = _depth(filled[0]) if filled else 0
    names, about = list[str](), list[str]()
    for line in filled:
        begun = entry.fullmatch(line) if _depth(line) == begin else None
        if begun:
            yield from _described(names, about)
            names = [name.strip(" *") for name in begun["names"].split(",")]
            about = [begun["text"]]
        elif _depth(line) > begin:
            about.append(line)
        else:
            break
    yield from _described(names, about)


def _described(names: Sequence[str], about: Sequence[str]) -> Iterator[tuple[str, str]]:
    text = " ".join(" ".join(about).split())
    yield from ((name, text) for name in names)


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())
