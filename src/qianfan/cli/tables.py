"""What commands print of a reply: tables at a terminal, aligned columns in a pipe, JSON for scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer
from rich.cells import cell_len
from rich.console import Console

from qianfan.cli.ending import say

if TYPE_CHECKING:
    from qianfan.response import Response

Json = Annotated[bool, typer.Option("--json", help="只输出回复的 result，JSON 格式，供脚本使用。")]

Row: TypeAlias = "Mapping[str, object]"  # by title

#: What is shown, one below the other: a row as the fields of an object, rows as a table.
Blocks: TypeAlias = "list[Row | list[Row]]"

#: Makes blocks of a result; None of one whose shape is not known here.
Shape: TypeAlias = "Callable[[Mapping[str, Any]], Blocks | None]"

_GAP = "  "


def show(reply: Response, shape: Shape, *, as_json: bool) -> None:
    """Print what a reply's `result` holds."""
    result = reply.body.get("result")
    blocks = shape(result) if isinstance(result, Mapping) and not as_json else None
    if blocks is None or any(isinstance(block, Mapping) and not _fields(block) for block in blocks):
        show_json(result)  # not of a shape that is known here
    else:
        print_blocks(blocks)


def print_blocks(blocks: Blocks) -> None:
    """Print blocks, an empty line between them."""
    for index, block in enumerate(blocks):
        if index:
            typer.echo()
        if isinstance(block, Mapping):
            _print(_fields(block), header=False)
        elif block:
            _print(_lines(block), header=True)
        else:
            say("（没有）", style="dim")


def show_json(value: Any) -> None:
    """Print a value as JSON, whatever characters the output can show."""
    unicode = (getattr(sys.stdout, "encoding", None) or "").lower().startswith("utf")
    typer.echo(json.dumps(value, ensure_ascii=not unicode, indent=2))


def records(found: Mapping[str, Any], name: str) -> list[dict[str, Any]] | None:
    """Return the objects of a field that is an array; None where it is none."""
    items = found.get(name)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else None


def first(record: Mapping[str, Any], *names: str) -> Any:
    """Return the first field that has a value; a dot leads into an object."""
    for name in names:
        value: Any = record
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None and value != "":
            return value
    return None


def _fields(block: Row) -> list[list[str]]:
    """Return the titles and values of an object, without those that are empty."""
    return [[title, _text(value)] for title, value in block.items() if _text(value)]


def _lines(rows: list[Row]) -> list[list[str]]:
    """Return the titles and the cells, without columns that are empty in every row."""
    titles = [title for title in rows[0] if any(_text(row[title]) for row in rows)]
    return [titles, *([_text(row[title]) or "-" for title in titles] for row in rows)]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return " ".join(str(value).split())


def _print(lines: list[list[str]], *, header: bool) -> None:
    if sys.stdout.isatty():
        _print_table(lines, header=header)
        return
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    for cells in lines:
        padded = [cell + " " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True)]
        typer.echo(_GAP.join(padded).rstrip())


def _print_table(lines: list[list[str]], *, header: bool) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD if header else None, show_header=header)
    if header:
        titles, *lines = lines
        for index, title in enumerate(titles):  # the first names the row, and is copied
            table.add_column(title, overflow="fold", no_wrap=index == 0)
    else:
        table.add_column(style="bold")
        table.add_column(overflow="fold")
    for cells in lines:
        table.add_row(*map(Text, cells))
    Console(highlight=False).print(table)
