"""Rows of a file: JSONL, CSV or Parquet, one at a time, each with its number."""

from __future__ import annotations

import codecs
import csv
import gzip
import re
import zlib
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from qianfan.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import IO

_LONGEST_CELL = 64 * 1024 * 1024  # characters: a quotation mark without its twin would swallow the file
#: Rows of Parquet that are read or written together: all of them may be more than the memory holds.
GROUP = 256

_NOT_DECODED = re.compile("[\udc80-\udcff]")  # what surrogateescape makes of bytes that are no text


class Row(NamedTuple):
    """A row of the input.

    Attributes:
        number: Its line, or in Parquet its row, from 1.
        columns: What it holds by name.
        problem: Why it cannot be read; "" where it can.
    """

    number: int
    columns: dict[str, Any]
    problem: str = ""


class Source:
    """A file of rows, which can be read again and again.

    Attributes:
        path: The file.
        columns: The names of its columns, where the file says them before its first row.
        bom: Whether it begins with UTF-8's mark.
    """

    columns: tuple[str, ...] | None = None
    bom = False

    def __init__(self, path: Path, encoding: str) -> None:
        self.path = path
        self.encoding = encoding

    def rows(self) -> Iterator[Row]:
        """Read the rows, from the first.

        Raises:
            InvalidArgumentError: The file is cut off, or none of its kind.
            OSError: It cannot be read.
        """
        raise NotImplementedError

    def count(self) -> int:
        """Return the number of rows, without looking into them where that can be spared."""
        return sum(1 for _ in self.rows())


class JsonLines(Source):
    """A JSON value on each line: an object, or the prompt or the messages alone."""

    def rows(self) -> Iterator[Row]:
        """Read the rows; blank lines are none."""
        with _opened(self.path) as file:
            for number, line in enumerate(_lines(file), 1):
                if not line.isspace():
                    yield self._row(number, line)

    def count(self) -> int:
        """Return the number of lines that are not blank."""
        with _opened(self.path) as file:
            return sum(1 for line in _lines(file) if not line.isspace())

    def _row(self, number: int, line: bytes) -> Row:
        try:
            value = orjson.loads(line.decode(self.encoding))
        except UnicodeDecodeError as error:
            return Row(number, {}, _no_text(self.encoding, error.start + 1))
        except orjson.JSONDecodeError as error:
            where = (
                f"第 {error.colno} 个字符 (column {error.colno})"  # its own number of the line is always 1
            )
            return Row(number, {}, f"不是 JSON (is no JSON)，{where}: {error.msg}")
        if isinstance(value, str):
            return Row(number, {"prompt": value})
        if isinstance(value, list):
            return Row(number, {"messages": value})
        if not isinstance(value, dict):
            return Row(number, {}, "不是 JSON 对象 (is no JSON object)")
        return Row(number, value)


class Table(Source):
    """CSV, or with tabs TSV: the first row names the columns, and every cell is a text."""

    def __init__(self, path: Path, encoding: str, delimiter: str = ",") -> None:
        super().__init__(path, encoding)
        self._delimiter = delimiter
        with _opened(path) as file:
            self.bom = file.peek(3).startswith(codecs.BOM_UTF8)
        number, names, problem = next(self._cells(), (1, [], ""))
        if problem:
            raise InvalidArgumentError(f"{path} 第 {number} 行 (line {number}): {problem}")
        self.columns = _different(path, names)

    def rows(self) -> Iterator[Row]:
        """Read the rows below the first; lines without a cell are none."""
        assert self.columns is not None, "a table names its columns"
        cells = self._cells()
        next(cells, None)
        for number, values, problem in cells:
            if problem:
                yield Row(number, {}, problem)
            elif len(values) != len(self.columns):
                yield Row(
                    number,
                    {},
                    f"有 {len(values)} 格，表头有 {len(self.columns)} 列 (cells and columns differ)",
                )
            else:
                yield Row(number, dict(zip(self.columns, values, strict=True)))

    def _cells(self) -> Iterator[tuple[int, list[str], str]]:
        """Read rows with the line they begin on; a row that cannot be read comes with the reason."""
        csv.field_size_limit(_LONGEST_CELL)
        with _opened(self.path) as file:
            texts = (line.decode(self.encoding, "surrogateescape") for line in _lines(file))
            reader = csv.reader(texts, delimiter=self._delimiter, strict=True)
            while True:
                number = reader.line_num + 1
                try:
                    values = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    yield number, [], f"不是 CSV (is no CSV): {error}"
                    continue
                if any(map(_NOT_DECODED.search, values)):
                    yield number, [], _no_text(self.encoding)
                elif values:
                    yield number, values, ""


class Parquet(Source):
    """A Parquet file.

    Attributes:
        schema: pyarrow's schema of it.
    """

    def __init__(self, path: Path, encoding: str) -> None:
        super().__init__(path, encoding)
        with self._open() as file:
            self.schema = file.schema_arrow
            self._count: int = file.metadata.num_rows
        self.columns = _different(path, self.schema.names)

    def rows(self) -> Iterator[Row]:
        """Read the rows, some at a time."""
        arrow, _ = pyarrow()
        coarse = arrow.schema([field.with_type(_coarse(arrow, field.type)) for field in self.schema])
        number = 0
        for batch in self.batches():
            try:
                listed = arrow.Table.from_batches([batch]).cast(coarse, safe=False).to_pylist()
            except (ValueError, OverflowError) as error:  # such as years that Python has not
                raise InvalidArgumentError(
                    f"{self.path} 第 {number + 1} 行起的 {GROUP} 行里有 Python 没有的值 (values that Python has not): {error}"
                ) from None
            for columns in listed:
                number += 1
                yield Row(number, columns)

    def batches(self) -> Generator[Any, None, None]:
        """Read pyarrow's batches of `GROUP` rows; the last may have fewer."""
        with self._open() as file:
            yield from file.iter_batches(batch_size=GROUP)

    def count(self) -> int:
        """Return the number of rows that the file says it has."""
        return self._count

    @contextmanager
    def _open(self) -> Iterator[Any]:
        arrow, parquet = pyarrow()
        try:
            with self.path.open("rb") as file, parquet.ParquetFile(file) as opened:
                yield opened
        except arrow.ArrowException as error:
            raise InvalidArgumentError(f"{self.path} 不是 Parquet (is no Parquet): {error}") from None


def _different(path: Path, names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of columns, or raise `InvalidArgumentError` where two are the same."""
    for name in names:
        if names.count(name) > 1:
            raise InvalidArgumentError(f"{path} 有两列都叫 (has two columns named) {name!r}")
    return tuple(names)


def _coarse(arrow: Any, kind: Any) -> Any:
    """Return a type whose values Python has: it knows no nanoseconds."""
    if arrow.types.is_timestamp(kind) and kind.unit == "ns":
        return arrow.timestamp("us", kind.tz)
    return kind


def pyarrow() -> tuple[Any, Any]:
    """Return pyarrow and its module for Parquet.

    Raises:
        InvalidArgumentError: It is not installed.
    """
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")  # it comes without types
    except ImportError:
        raise InvalidArgumentError(
            "读写 Parquet 需要附加依赖 (Parquet needs an extra)", hint="pip install 'qianfan[cli,parquet]'"
        ) from None


_SOURCES: dict[str, Callable[[Path, str], Source]] = {
    ".jsonl": JsonLines,
    ".ndjson": JsonLines,
    ".json": JsonLines,
    ".csv": Table,
    ".tsv": lambda path, encoding: Table(path, encoding, "\t"),
    ".parquet": Parquet,
}


def source(path: Path, encoding: str) -> Source:
    """Return a file's rows, by the end of its name; with `.gz` after it, all but Parquet.

    Raises:
        InvalidArgumentError: Nothing here reads it, or such an encoding.
        OSError: It cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix == ".gz":
        suffix = path.with_suffix("").suffix.lower()
    kind = _SOURCES.get(suffix)
    if kind is None or (kind is Parquet and path.suffix.lower() == ".gz"):
        raise InvalidArgumentError(
            f"{path}: 不认识的后缀 (unknown suffix)", hint=f"{' '.join(_SOURCES)}，或 (or) .jsonl.gz .csv.gz"
        )
    try:
        if "\n".encode(encoding) != b"\n":
            raise LookupError(encoding)
    except LookupError:
        raise InvalidArgumentError(
            f"--encoding {encoding!r} 不能用来逐行读取 (cannot be read line by line)",
            hint="--encoding utf-8 或 (or) gb18030",
        ) from None
    return kind(path, encoding)


def _no_text(encoding: str, place: int | None = None) -> str:
    where = f"，第 {place} 个字节 (byte {place})" if place else ""
    return f"不是 {encoding} 文本 (is no {encoding} text){where}；--encoding gb18030？"


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """Read lines without the mark that UTF-8 may begin with."""
    lines: Iterable[bytes] = file
    for line in lines:
        yield line.removeprefix(codecs.BOM_UTF8)
        break
    yield from lines


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a file of text, packed or not, for reading bytes."""
    packed = path.suffix.lower() == ".gz"
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            yield file
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InvalidArgumentError(f"{path} 不是完整的 gzip (is no whole gzip): {error}") from None
