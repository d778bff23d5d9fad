"""The files to read: Python programs and notebooks, and where in them a node stands."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import tokenize
import warnings
from bisect import bisect_right
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Folders that hold other people's code, or none.
_SKIPPED = frozenset({"node_modules", "site-packages", "__pycache__"})

_SUFFIXES = frozenset({".py", ".pyw", ".ipynb"})


class Place(NamedTuple):
    """Where something stands; of a notebook, `cell` counts all cells from 1 and `line` from the cell's first."""

    file: str
    line: int
    column: int
    cell: int = 0


class Unread(NamedTuple):
    """What could not be read, and why."""

    place: Place
    reason: str


class Source:
    """One file as it was read.

    Attributes:
        path: Where it is, as the user named it.
        tree: Its program; the code cells of a notebook one after another.
        unread: The parts that are no Python.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tree = ast.Module([], [])
        self.unread: list[Unread] = []
        self._lines: list[str] = []
        self._rewritten: set[int] = set()
        self._cells: list[tuple[int, int]] = []  # the line each cell begins after, and its number
        try:
            if path.suffix == ".ipynb":
                for number, text in _code_cells(path.read_bytes()):
                    self._add(text, number)
            else:
                self._add(_decoded(path.read_bytes()))
        except (OSError, SyntaxError, ValueError, LookupError, AttributeError, TypeError) as error:
            self.give_up(error)

    def give_up(self, error: Exception) -> None:
        """Say why the file cannot be read."""
        self.unread.append(Unread(Place(str(self.path), 1, 1), _reason(error)))

    def place(self, node: ast.AST) -> Place:
        """Return where a node begins, in characters; of a line that only notebooks understand, where that does."""
        line, offset = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        before = self._lines[line - 1].encode()[: 0 if line in self._rewritten else offset]
        column = len(before.decode(errors="replace")) + 1
        begin, cell = self._cells[bisect_right(self._cells, (line - 1, len(self._lines))) - 1]
        return Place(str(self.path), line - begin, column, cell)

    def _add(self, text: str, cell: int = 0) -> None:
        """Add a program, or a cell of a notebook."""
        begin, lines = len(self._lines), text.split("\n")
        python = list(map(_python, lines)) if cell else lines
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what the file should escape otherwise is not our business
                tree = ast.parse("\n".join(python))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = getattr(error, "lineno", None) or 1
            place = Place(str(self.path), line, getattr(error, "offset", None) or 1, cell)
            self.unread.append(Unread(place, _reason(error)))
            return
        pairs = enumerate(zip(lines, python, strict=True), begin + 1)
        self._rewritten.update(number for number, (line, new) in pairs if line != new)
        self._lines += lines
        self._cells.append((begin, cell))
        self.tree.body += (ast.increment_lineno(tree, begin) if begin else tree).body


def find(paths: Iterable[Path]) -> Iterator[Path]:
    """Find the programs below folders, and take files as they are named; each once, in order.

    Hidden folders, virtual environments, `node_modules` and links to folders are left out.
    """
    seen = set()
    for named in paths:
        for path in _below(named) if named.is_dir() else [named]:
            real = path.resolve()
            if real not in seen:
                seen.add(real)
                yield path


def _below(folder: Path) -> Iterator[Path]:
    for base, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if _is_own(Path(base, name)))
        for name in sorted(files):
            path = Path(base, name)
            if path.suffix in _SUFFIXES and not name.startswith(".") and path.is_file():
                yield path


def _is_own(folder: Path) -> bool:
    skipped = folder.name in _SKIPPED or folder.name.startswith(".")
    return not skipped and not (folder / "pyvenv.cfg").exists()


def _decoded(data: bytes) -> str:
    """Return a program's text, by the encoding it declares."""
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    return data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")


def _code_cells(notebook: bytes) -> Iterator[tuple[int, str]]:
    """Return the number and the text of each cell of Python in a notebook."""
    cells: list[Any] = json.loads(notebook)["cells"]
    for number, cell in enumerate(cells, 1):
        source = cell.get("source") or ""
        text = source if isinstance(source, str) else "".join(source)
        if cell.get("cell_type") == "code" and not _OTHER_LANGUAGE.match(text):
            yield number, text


_OTHER_LANGUAGE = re.compile(r"\s*%%(?!time\b|timeit\b|capture\b|prun\b)")

_ENVIRONMENT = re.compile(r"(\s*)%(?:env|set_env)\s+(\w+)[=\s]\s*(\S.*?)\s*$")

_MAGIC = re.compile(r"(\s*)(?:[%!?]|[\w, ]+=\s*[%!]|[\w.]+\?+\s*$)")


def _python(line: str) -> str:
    """Return a notebook's line as Python: what only a notebook understands becomes `pass`."""
    setting = _ENVIRONMENT.match(line)
    if setting:
        return f'{setting[1]}__import__("os").environ[{setting[2]!r}] = {setting[3]!r}'
    magic = _MAGIC.match(line)
    return f"{magic[1]}pass" if magic else line


def _reason(error: Exception) -> str:
    """Say in a few words why something cannot be read, without a word of its content."""
    match error:
        case json.JSONDecodeError() | LookupError() | AttributeError() | TypeError():
            return "不是 Jupyter 笔记本"
        case UnicodeDecodeError():
            return "不是声明的（默认 UTF-8）编码"
        case RecursionError() | MemoryError():
            return "嵌套太深"
        case OSError():
            return error.strerror or type(error).__name__
    return f"不是这个 Python 的语法：{error.msg}" if isinstance(error, SyntaxError) else "含有空字节"
