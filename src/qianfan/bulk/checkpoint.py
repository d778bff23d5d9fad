"""The file that a run survives by: JSON lines, only ever added to.

    {"qianfan": "checkpoint", "version": 1}
    {"asked": 0}
    {"asked": 1}
    {"id": 1, "of": "5f2c…", "response": {…}}
    {"id": 0, "of": "9a01…", "error": {"type": "BadRequestError", …}}
    {"asked": 2}
    {"withdrawn": 2}

A line is written before the request goes out that it tells of, and before the outcome is handed on that it holds.
What was written survives the process that wrote it; half a line at the end, as a kill or a full disk leaves it,
is cut off by the next run. Of two lines for one id, the first is a failure that was tried again.
"""

from __future__ import annotations

import contextlib
import errno
import os
from array import array
from typing import TYPE_CHECKING, Any

import orjson

from qianfan import errors
from qianfan.errors import APIError, InvalidArgumentError, QianfanError

if TYPE_CHECKING:
    from typing_extensions import Self

    from qianfan.bulk.outcome import Outcome

try:
    import fcntl
except ImportError:  # Windows: two runs with one file are not kept apart
    fcntl = None  # type: ignore[assignment]

#: How far ahead of the known ones a number may be to be a place in the input.
_GAP = 1_000_000

_HEAD = {"qianfan": "checkpoint", "version": 1}
_HEAD_LINE = orjson.dumps(_HEAD) + b"\n"

#: What of an error a record keeps.
_KEPT = ("code", "message", "hint", "status", "request_id")

#: What a file system says that has no locks.
_LOCKLESS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


class Checkpoint:
    """One run's file, open and locked.

    Args:
        path: The file; it is made where there is none.
        retry_failed: Whether recorded failures count as not asked.

    Raises:
        InvalidArgumentError: It is in use, or no checkpoint.
        OSError: It cannot be opened.

    Attributes:
        lost: How many requests were in flight when an earlier run ended.
    """

    def __init__(self, path: str | os.PathLike[str], *, retry_failed: bool = False) -> None:
        self._file = -1
        self._path = os.fspath(path)
        self._retry_failed = retry_failed
        self._places = _Places()
        self._file = os.open(
            self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666
        )
        try:
            self._lock()
            self._end, self.lost = self._read()
            if not self._end:
                self._write(_HEAD)
        except BaseException:
            self.close()
            raise

    def record_of(self, id_: int | str, fingerprint: str) -> dict[str, Any] | None:
        """Return what is recorded of an input, or None where it is still to be asked.

        Raises:
            InvalidArgumentError: The record is that of another question.
        """
        place = self._places.get(id_)
        if place < 0:
            return None
        record = self._record(place)
        if record.get("of") != fingerprint:
            raise InvalidArgumentError(
                f"{self._path} records another question under the id {id_!r}",
                hint="go on with the same inputs, model and parameters, or begin another checkpoint",
            )
        return None if "error" in record and self._retry_failed else record

    def asked(self, id_: int | str) -> None:
        """Record that an input's request goes out now."""
        self._write({"asked": id_})

    def withdrawn(self, id_: int | str) -> None:
        """Record that nothing came of it, and nothing was used."""
        self._write({"withdrawn": id_})

    def record(self, outcome: Outcome, fingerprint: str) -> None:
        """Record what became of an input."""
        told: dict[str, Any] = {"id": outcome.id, "of": fingerprint}
        if outcome.response is not None:
            told["response"] = outcome.response.body
        else:
            assert outcome.error is not None, "an outcome has one of the two"
            told["error"] = {
                "type": type(outcome.error).__name__,
                **{name: getattr(outcome.error, name) for name in _KEPT},
            }
        self._write(told)

    def close(self) -> None:
        """Put it on the disk and let others have it; safe to repeat."""
        file, self._file = self._file, -1
        if file >= 0:
            with contextlib.suppress(OSError):
                os.fsync(file)
            if fcntl is not None:
                with contextlib.suppress(OSError):
                    fcntl.flock(file, fcntl.LOCK_UN)  # a process forked meanwhile would keep the lock
            os.close(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _lock(self) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidArgumentError(
                f"{self._path} is in use by another run", hint="wait for its end, or take another file"
            ) from None
        except OSError as error:
            if error.errno not in _LOCKLESS:  # on such a file system two runs are not kept apart
                raise

    def _read(self) -> tuple[int, int]:
        """Learn where the records are; return where the last whole line ends, and how much was in flight."""
        in_flight: set[int | str] = set()
        end = 0
        with os.fdopen(os.dup(self._file), "rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.endswith(b"\n") and (end or _HEAD_LINE.startswith(line)):  # cut short
                    break
                try:
                    self._learn(orjson.loads(line), end, in_flight)
                except (ValueError, TypeError, KeyError, AttributeError):
                    raise InvalidArgumentError(
                        f"{self._path} is no checkpoint, or damaged: line {number} is none of its lines",
                        hint="take another file, or remove that line: what it recorded is then asked again",
                    ) from None
                end += len(line)
        os.ftruncate(self._file, end)
        return end, len(in_flight)

    def _learn(self, told: dict[str, Any], place: int, in_flight: set[int | str]) -> None:
        """Take in a line; the first says what the file is."""
        if not place:
            if told != _HEAD:
                raise ValueError(told)
        elif "asked" in told:
            in_flight.add(told["asked"])
        elif "withdrawn" in told:
            in_flight.discard(told["withdrawn"])
        else:
            if not ("response" in told or "error" in told):
                raise KeyError("response")
            in_flight.discard(told["id"])
            self._places.put(told["id"], place)

    def _record(self, place: int) -> dict[str, Any]:
        with os.fdopen(os.dup(self._file), "rb") as file:
            file.seek(place)
            try:
                record: dict[str, Any] = orjson.loads(file.readline())
            except ValueError:
                raise InvalidArgumentError(
                    f"{self._path} was changed by others since it was read", hint="begin the run anew"
                ) from None
        return record

    def _write(self, told: Any) -> None:
        """Add a line, whole or not at all."""
        line = orjson.dumps(told, default=str) + b"\n"
        try:
            written = os.write(self._file, line)
            if written < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._path)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._end)
            raise
        self._end += written


class _Places:
    """Where the records of ids are: eight bytes each where ids are places in the input, more where they are names."""

    def __init__(self) -> None:
        self._by_number = array("q")
        self._by_name: dict[int | str, int] = {}

    def get(self, id_: int | str) -> int:
        """Return where the record of an id is, or -1."""
        if isinstance(id_, int) and 0 <= id_ < len(self._by_number):
            return self._by_number[id_]
        return self._by_name.get(id_, -1)

    def put(self, id_: int | str, place: int) -> None:
        """Remember where the record of an id is."""
        known = len(self._by_number)
        if not isinstance(id_, int) or not 0 <= id_ < known + _GAP:
            self._by_name[id_] = place
            return
        if id_ >= known:
            self._by_number.extend([-1] * (id_ + 1 - known))
            if self._by_name:
                for number in range(known, id_ + 1):
                    self._by_number[number] = self._by_name.pop(number, -1)
        self._by_number[id_] = place


def failure(told: dict[str, Any]) -> QianfanError:
    """Return the error of a record."""
    kind = getattr(errors, str(told.get("type")), None)
    if not (isinstance(kind, type) and issubclass(kind, QianfanError)):
        kind = QianfanError
    error = kind.__new__(kind)
    QianfanError.__init__(error, str(told.get("message", "")))
    for name in _KEPT:
        setattr(error, name, told.get(name))
    if isinstance(error, APIError):
        error.error_code = told.get("code") or 0
    return error
