"""Rows into a file: JSONL, CSV or Parquet. It has its name only when it is whole."""

from __future__ import annotations

import csv
import os
from typing import TYPE_CHECKING, Any

import orjson

from qianfan.cli.batch.reading import GROUP, Parquet, pyarrow
from qianfan.cli.batch.template import plain, text_of
from qianfan.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from qianfan.cli.batch.reading import Row, Source


class Writer:
    """A file that rows are added to, beside the one that it becomes.

    Args:
        path: What it becomes when it is whole.

    Attributes:
        partial: What it is until then.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.partial = partial_of(path)

    def write(self, row: Mapping[str, Any], number: int) -> None:
        """Add a row.

        Args:
            row: Its columns.
            number: The number of the input's row that it belongs to; it grows from one to the next.
        """
        raise NotImplementedError

    def close(self) -> None:
        """End the file, and put it on the disk; safe to repeat."""
        raise NotImplementedError

    def finish(self) -> None:
        """Give the file, which is whole, its name."""
        self.close()
        self.partial.replace(self.path)


def partial_of(path: Path) -> Path:
    """Return the file that an output is until it is whole."""
    return path.with_name(path.name + ".partial")


class _JsonLines(Writer):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._file = self.partial.open("wb")

    def write(self, row: Mapping[str, Any], number: int) -> None:  # noqa: ARG002  # its lines need none
        self._file.write(
            orjson.dumps(row, default=plain, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)
        )

    def close(self) -> None:
        _sync_and_close(self._file)


class _Table(Writer):
    def __init__(self, path: Path, columns: tuple[str, ...], *, bom: bool) -> None:
        super().__init__(path)
        self._file = self.partial.open("w", encoding="utf-8-sig" if bom else "utf-8", newline="")
        self._columns = columns
        self._table = csv.writer(self._file, delimiter=_delimiter(path), lineterminator="\n")
        self._table.writerow(self._columns)

    def write(self, row: Mapping[str, Any], number: int) -> None:  # noqa: ARG002  # its lines need none
        self._table.writerow([text_of(row.get(name)) for name in self._columns])

    def close(self) -> None:
        _sync_and_close(self._file)


def _delimiter(path: Path) -> str:
    return "\t" if path.suffix.lower() == ".tsv" else ","


class _Parquet(Writer):
    """A Parquet file: of columns that are made here, after those of another Parquet file as they are there.

    Args:
        path: What it becomes.
        columns: The type of each column that is made here: bool, int, float or str; or `list`, a vector.
        beside: The file whose rows are written with them; or None.
    """

    def __init__(self, path: Path, columns: Mapping[str, type], beside: Parquet | None = None) -> None:
        super().__init__(path)
        self._arrow, parquet = pyarrow()
        types = {
            bool: self._arrow.bool_(),
            int: self._arrow.int64(),
            float: self._arrow.float64(),
            str: self._arrow.string(),
            list: self._arrow.list_(self._arrow.float64()),
        }
        self._columns = columns
        self._made = self._arrow.schema([(name, types[kind]) for name, kind in columns.items()])
        self._beside = None if beside is None else beside.batches()
        self._group = 0  # the rows that are collected lie in this group of the other file
        self._rows: list[dict[str, Any]] = []
        self._places: list[int] = []  # and in that group, here
        self._file = self.partial.open("wb")
        self._table = parquet.ParquetWriter(
            self._file, self._arrow.schema([*(() if beside is None else beside.schema), *self._made])
        )

    def write(self, row: Mapping[str, Any], number: int) -> None:
        group, place = divmod(number - 1, GROUP)
        if group != self._group:
            self._flush(group)
        self._rows.append({name: _as(kind, row.get(name)) for name, kind in self._columns.items()})
        self._places.append(place)

    def _flush(self, group: int) -> None:
        """Write what is collected, and begin a group."""
        try:
            table = self._arrow.Table.from_pylist(self._rows, schema=self._made)
        except self._arrow.ArrowException as error:  # such as vectors in base64
            raise InvalidArgumentError(f"{self.path} 放不下回答 (cannot hold the answers): {error}") from None
        if self._beside is not None:
            whole = self._arrow.Table.from_batches([next(self._beside)]).take(self._places)
            for field, column in zip(self._made, table.columns, strict=True):
                whole = whole.append_column(field, column)
            table = whole
            for _ in range(group - self._group - 1):
                next(self._beside)
        self._table.write_table(table)
        self._group, self._rows, self._places = group, [], []

    def close(self) -> None:
        if self._file.closed:
            return
        try:
            if self._rows:
                self._flush(self._group + 1)
        finally:
            self._table.close()
            if self._beside is not None:
                self._beside.close()
            _sync_and_close(self._file)


def _as(kind: type, value: Any) -> Any:
    """Return a value as a column of a type takes it."""
    if value is None or kind in {bool, int, list}:
        return value
    return float(value) if kind is float else text_of(value)


def _sync_and_close(file: Any) -> None:
    if not file.closed:
        file.flush()
        os.fsync(file.fileno())
        file.close()


#: The ends of the names of what can be written.
SUFFIXES = (".jsonl", ".ndjson", ".csv", ".tsv", ".parquet")


def check(path: Path) -> None:
    """Raise `InvalidArgumentError` where nothing here writes a file of such a name."""
    if path.suffix.lower() not in SUFFIXES:
        raise InvalidArgumentError(f"-o {path}: 不认识的后缀 (unknown suffix)", hint=" ".join(SUFFIXES))
    if path.suffix.lower() == ".parquet":
        pyarrow()


def opener(
    path: Path, source: Source, rows: Iterable[Row], added: Mapping[str, type]
) -> Callable[[], Writer]:
    """Return what opens a file for rows and what is added to them.

    JSONL says nothing of its columns; where the output has to, the rows are read through for them.

    Args:
        path: The output, whose name says how it is written.
        source: The input.
        rows: Those of its rows that are written.
        added: The further columns and their types: str, or `list` for a vector.
    """
    suffix = path.suffix.lower()
    if suffix in {".jsonl", ".ndjson"}:
        return lambda: _JsonLines(path)
    if suffix == ".parquet" and isinstance(source, Parquet):
        return lambda: _Parquet(path, added, source)
    own = _survey(rows) if source.columns is None else dict.fromkeys(source.columns, str)
    columns = {**own, **added}
    if suffix == ".parquet":
        return lambda: _Parquet(path, columns)
    return lambda: _Table(path, tuple(columns), bom=source.bom)


def _survey(rows: Iterable[Row]) -> dict[str, type]:
    """Return the columns of rows, each with the type that holds all its values: str where nothing else does."""
    found: dict[str, type | None] = {}
    for row in rows:
        for name, value in row.columns.items():
            found[name] = _common(found.get(name), value)
    return {name: kind or str for name, kind in found.items()}


def _common(kind: type | None, value: Any) -> type | None:
    """Return the type that holds a value and what came before it; None where all of it was null."""
    if value is None:
        return kind
    own = type(value)
    if own not in {bool, int, float} or (own is int and not -(2**63) <= value < 2**63):
        return str
    if kind is None or kind is own:
        return own
    return float if {kind, own} == {int, float} else str
