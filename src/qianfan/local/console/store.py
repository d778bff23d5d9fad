"""The store: all that a platform must not forget, in one SQLite database, on disk or in memory.

A record is a frozen dataclass, kept as one JSON row. A transaction is committed before its answer
leaves, so a killed process loses nothing that it has acknowledged.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qianfan.local.clock import Clock

MEMORY = ":memory:"

_APPLICATION = 0x71_66_6C_70  # "qflp" in the file's header: whose database it is
_SCHEMA = 1

_TABLES = (
    "CREATE TABLE records (kind TEXT, id INTEGER, uid TEXT, name TEXT, body BLOB NOT NULL, PRIMARY KEY (kind, id))",
    "CREATE UNIQUE INDEX by_uid ON records (kind, uid)",
    "CREATE INDEX by_name ON records (kind, name)",
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value NOT NULL)",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_SCHEMA}",
)

_LARGEST_ID = 2**63 - 1  # of SQLite's integers


class Record(Protocol):
    """What a table keeps; `id` and `uid` name the same record in two ways."""

    @property
    def id(self) -> int:
        """The number that requests of 2023 name it by."""
        ...

    @property
    def uid(self) -> str:
        """The text that later requests name it by."""
        ...

    @property
    def name(self) -> str:
        """What users call it."""
        ...

    __dataclass_fields__: ClassVar[dict[str, Any]]


R = TypeVar("R", bound=Record)


class Store:
    """One platform's database. Any thread may use it; a transaction holds it until its end.

    Args:
        path: The file, which is made where there is none; `:memory:` for none.
        clock: The platform's clock, whose offset is kept too.

    Raises:
        ValueError: The file is no state file of this version, or another platform has it open.
    """

    def __init__(self, path: str, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.RLock()
        self._depth = 0
        self._saved_offset = 0.0
        self._connection: sqlite3.Connection | None = None
        self._close: weakref.finalize[Any, Any] | None = None
        self._opened()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Do all of the block or nothing; it is committed when the outermost block ends."""
        with self._lock:
            connection = self._opened()
            if self._depth:
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield connection
                self._keep_offset(connection)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            else:
                connection.execute("COMMIT")
            finally:
                self._depth = 0

    def close(self) -> None:
        """Let go of the file; the next use opens it again. What is in memory stays."""
        with self._lock:
            if self._path != MEMORY and self._close is not None:
                self._close()
                self._connection = self._close = None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connection = _open(self._path)
            # Bound to this object's life, since a connection that is only forgotten warns.
            self._close = weakref.finalize(self, _close, connection, os.getpid())
            row = connection.execute("SELECT value FROM facts WHERE name = 'clock offset'").fetchone()
            self._saved_offset = float(row[0]) if row else 0.0
            self._clock.catch_up(self._saved_offset)
        return self._connection

    def _keep_offset(self, connection: sqlite3.Connection) -> None:
        offset = self._clock.offset
        if offset != self._saved_offset:
            connection.execute("INSERT OR REPLACE INTO facts VALUES ('clock offset', ?)", (offset,))
            self._saved_offset = offset


class Table(Generic[R]):
    """The records of one kind.

    Args:
        store: Where they are kept.
        kind: What they are called there.
        record: Their class.
        prefix: What their uids begin with, such as `job-`.
        first: The first id.
    """

    def __init__(self, store: Store, kind: str, record: type[R], prefix: str = "", first: int = 1) -> None:
        self._store = store
        self._kind = kind
        self._record = record
        self._prefix = prefix
        self._first = first

    def new(self, **values: Any) -> R:
        """Keep a new record of these values; its id was never used before."""
        with self._store.transaction() as connection:
            fact = f"last {self._kind}"
            row = connection.execute("SELECT value FROM facts WHERE name = ?", (fact,)).fetchone()
            number = int(row[0]) + 1 if row else self._first
            connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (fact, number))
            names: dict[str, Any] = {"id": number, "uid": self._prefix + _letters(self._kind, number)}
            record = self._record(**names, **values)
            self.put(record)
            return record

    def put(self, record: R) -> None:
        """Keep a record in place of the one of its id."""
        row = (self._kind, record.id, record.uid, record.name, orjson.dumps(record))
        with self._store.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?)", row)

    def get(self, key: Any) -> R | None:
        """Return the record of an id or uid, None where there is none or the key is neither."""
        if isinstance(key, str):
            if not key.isascii() or not key.isdigit():
                return self._one("uid = ?", key)
            key = int(key) if len(key) < len(str(_LARGEST_ID)) else None
        if isinstance(key, bool) or not isinstance(key, int) or not 0 <= key <= _LARGEST_ID:
            return None
        return self._one("id = ?", key)

    def named(self, name: str) -> R | None:
        """Return the oldest record of a name."""
        return self._one("name = ?", name)

    def all(self, name: str | None = None) -> list[R]:
        """Return every record, or those of a name, oldest first."""
        condition, values = ("", (self._kind,)) if name is None else (" AND name = ?", (self._kind, name))
        query = f"SELECT body FROM records WHERE kind = ?{condition} ORDER BY id"  # noqa: S608  # ours
        with self._store.transaction() as connection:
            rows = connection.execute(query, values)
            return [self._read(row) for row in rows]

    def count(self) -> int:
        """Return how many records there are."""
        with self._store.transaction() as connection:
            row = connection.execute("SELECT count(*) FROM records WHERE kind = ?", (self._kind,)).fetchone()
            return int(row[0])

    def delete(self, record: R) -> None:
        """Forget a record."""
        with self._store.transaction() as connection:
            connection.execute("DELETE FROM records WHERE kind = ? AND id = ?", (self._kind, record.id))

    def _one(self, condition: str, value: int | str) -> R | None:
        query = f"SELECT body FROM records WHERE kind = ? AND {condition} ORDER BY id LIMIT 1"  # noqa: S608  # ours
        with self._store.transaction() as connection:
            row = connection.execute(query, (self._kind, value)).fetchone()
            return self._read(row) if row else None

    def _read(self, row: tuple[bytes]) -> R:
        return self._record(**orjson.loads(row[0]))


def _open(path: str) -> sqlite3.Connection:
    try:
        # Autocommit: transactions are begun and ended here, not by the library.
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
    except sqlite3.OperationalError as error:
        raise ValueError(f"the state file {path} cannot be opened: {error}") from None
    try:
        # No other process may have it open too: each would answer from what it remembers.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN IMMEDIATE")
        try:
            _prepare(connection, path)
        finally:
            connection.execute("COMMIT")
        # Written through to the system at each commit: a killed process loses nothing. The system waits
        # for the disk by itself, so that a call does not.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.DatabaseError as error:
        connection.close()
        raise ValueError(_complaint(path, error)) from None
    except BaseException:
        connection.close()
        raise
    return connection


def _close(connection: sqlite3.Connection, pid: int) -> None:
    if os.getpid() == pid:  # to close it in a forked child would take the parent's file away
        connection.close()


def _prepare(connection: sqlite3.Connection, path: str) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if (application, version, tables) == (0, 0, 0):
        for statement in _TABLES:
            connection.execute(statement)
    elif application != _APPLICATION:
        raise ValueError(f"{path} is a database of another program, no state file of the local platform")
    elif version != _SCHEMA:
        raise ValueError(
            f"the state file {path} has version {version}, and this release reads version {_SCHEMA}: "
            "take another file, or the release that wrote it"
        )


def _complaint(path: str, error: sqlite3.DatabaseError) -> str:
    if "locked" in str(error):
        return f"the state file {path} is in use by another platform"
    if "not a database" in str(error):
        return f"{path} is no state file of the local platform"
    return f"the state file {path} cannot be used: {error}"


def _letters(kind: str, number: int) -> str:
    """Return twelve letters and digits, the same for the same record in every run."""
    digest = hashlib.sha256(f"qianfan local platform: {kind} {number}".encode()).digest()
    alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
    return "".join(alphabet[byte % len(alphabet)] for byte in digest[:12])
