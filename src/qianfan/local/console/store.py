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
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qianfan.local.clock import Clock

MEMORY = ":memory:"

_APPLICATION = 0x71_66_6C_70  # "qflp" in the file's header: whose database it is
_SCHEMA = 1  # to be raised when a record gets a field without a default, or loses one

_TABLES = (
    "CREATE TABLE records (kind TEXT, id INTEGER, uid TEXT, name TEXT, body BLOB NOT NULL, PRIMARY KEY (kind, id))",
    "CREATE UNIQUE INDEX by_uid ON records (kind, uid)",
    "CREATE INDEX by_name ON records (kind, name)",
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value NOT NULL)",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_SCHEMA}",
)

_OFFSET = "clock offset"  # the fact that keeps how far the clock is ahead

_LARGEST_ID = 2**63 - 1  # of SQLite's integers

_PATIENCE = 1.0  # seconds to wait for another's file, who may be about to let it go

# By what SQLite says.
_COMPLAINTS = {
    "locked": "the state file {} is in use by another platform: stop that one, or take another path",
    "not a database": "{} is no state file of the local platform: take another path",
    "malformed": "the state file {} is damaged: take another path, or a copy of it from before",
}


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

    The file is open, and nobody else can use it, from the beginning until `close`. Afterwards each
    transaction opens it and lets it go, until `hold` is called.

    Args:
        path: The file, which is made where there is none; `:memory:` for none.
        clock: The platform's clock, whose offset is kept too.

    Raises:
        ValueError: The file is no state file of this version, is damaged or in use, or cannot be made.
    """

    def __init__(self, path: str, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._owner: int | None = None  # the thread whose transaction is under way
        self._held = False
        self._saved_offset = 0.0
        self._connection: sqlite3.Connection | None = None
        self._disconnect: weakref.finalize[Any, Any] | None = None
        with _forking:
            _stores.add(self)
        self.hold()

    def hold(self) -> None:
        """Keep the file open, and others away from it.

        Raises:
            ValueError: It is in use, or is no longer a state file.
            RuntimeError: This is a forked child, and the file belongs to its parent.
        """
        with self._lock:
            self._opened()
            self._held = True

    def close(self) -> None:
        """Let others have the file. What is in memory stays."""
        with self._lock:
            self._held = False
            self._let_go()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Do all of the block or nothing; it is committed when the outermost block ends.

        Raises:
            OSError: The file cannot be read or written, for one because the disk is full.
            ValueError: It was closed, and cannot be opened again.
            RuntimeError: This is a forked child, and the file belongs to its parent.
        """
        if self._owner != threading.get_ident():
            with _forking:  # so that a thread with one transaction after another keeps no fork waiting
                pass
        with self._lock:
            connection = self._opened()
            if self._owner is not None:
                yield connection
                return
            self._owner = threading.get_ident()
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                offset = self._keep_offset(connection)
                connection.execute("COMMIT")
                self._saved_offset = offset
            except sqlite3.DatabaseError as error:
                raise OSError(_complaint(self._path, error)) from error
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                self._owner = None
                if not self._held:
                    self._let_go()

    def snapshot(self) -> tuple[list[Any], list[Any]]:
        """Return all records and facts."""
        with self.transaction() as connection:
            records = connection.execute("SELECT kind, id, uid, name, body FROM records").fetchall()
            return records, connection.execute("SELECT name, value FROM facts").fetchall()

    def restore(self, saved: tuple[list[Any], list[Any]]) -> None:
        """Keep these records and facts, and no others."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM records")
            connection.execute("DELETE FROM facts")
            connection.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?)", saved[0])
            connection.executemany("INSERT INTO facts VALUES (?, ?)", saved[1])
            self._saved_offset = float(dict(saved[1]).get(_OFFSET, 0.0))

    def rest(self) -> None:
        """Let go of the file and wait, since SQLite's connections must not cross a fork.

        The end of a child that has one too would delete what the parent is writing.
        """
        self._lock.acquire()
        self._let_go()

    def resume(self) -> None:
        """Go on after the fork, be it in the parent or in the child, which has no right to the file."""
        try:
            if self._held and self._pid == os.getpid():
                self._opened()
        except ValueError:
            pass  # somebody was quick to take the file; the next use says so
        finally:
            self._lock.release()

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            if self._pid != os.getpid():
                raise RuntimeError(f"the state file {self._path} belongs to the process that forked this one")
            self._connection = connection = _open(self._path)
            # Bound to this object's life, since a connection that is only forgotten warns.
            self._disconnect = weakref.finalize(self, _disconnect, connection, self._lock)
            row = connection.execute("SELECT value FROM facts WHERE name = ?", (_OFFSET,)).fetchone()
            self._saved_offset = float(row[0]) if row else 0.0
            self._clock.catch_up(self._saved_offset)
        return self._connection

    def _let_go(self) -> None:
        if self._path != MEMORY and self._disconnect is not None:
            self._disconnect()
            self._connection = self._disconnect = None

    def _keep_offset(self, connection: sqlite3.Connection) -> float:
        offset = self._clock.offset
        if offset != self._saved_offset:
            connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (_OFFSET, offset))
        return offset


_stores: weakref.WeakSet[Store] = weakref.WeakSet()
_resting: list[Store] = []
_forking = threading.Lock()  # held while the process forks


def _before_fork() -> None:
    _forking.acquire()
    _resting.extend(_stores)
    for store in _resting:
        store.rest()


def _after_fork() -> None:
    for store in _resting:
        store.resume()
    _resting.clear()
    _forking.release()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)


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
    if path != MEMORY:
        _make(Path(path))
    try:
        # Autocommit: transactions are begun and ended here, not by the library.
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=_PATIENCE)
    except sqlite3.DatabaseError as error:
        raise ValueError(_complaint(path, error)) from None
    try:
        # No other process may have it open too: each would answer from what it remembers.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN IMMEDIATE")
        _prepare(connection, path)
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


def _make(file: Path) -> None:
    """Make the file where there is none, for its owner alone: it keeps secret keys."""
    try:
        file.touch(0o600, exist_ok=False)
    except FileExistsError:
        if not file.is_file():
            raise ValueError(f"{file} is no file that could keep a state: take another path") from None
        if not os.access(file, os.R_OK | os.W_OK):
            raise ValueError(
                f"the state file {file} cannot be read and written: take a path where you may"
            ) from None
    except OSError as error:
        raise ValueError(
            f"the state file {file} cannot be made: {error.strerror}: take a path where you may write"
        ) from None


def _disconnect(connection: sqlite3.Connection, lock: threading.RLock) -> None:
    with lock:  # at the process's end a thread may be within a transaction
        connection.close()


def _prepare(connection: sqlite3.Connection, path: str) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if (application, version, tables) == (0, 0, 0):
        for statement in _TABLES:
            connection.execute(statement)
    elif application != _APPLICATION:
        raise ValueError(f"{path} is a database of another program, no state file: take another path")
    elif version != _SCHEMA:
        raise ValueError(
            f"the state file {path} has version {version}, and this release reads version {_SCHEMA}: "
            "take another path, or the release that wrote it"
        )
    elif connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise sqlite3.DatabaseError("malformed")


def _complaint(path: str, error: sqlite3.DatabaseError) -> str:
    """Return what is wrong with a file, and what to do."""
    for words, complaint in _COMPLAINTS.items():
        if words in str(error):
            return complaint.format(path)
    return f"the state file {path} cannot be used: {error}: look for room on the disk and the right to write"


def _letters(kind: str, number: int) -> str:
    """Return twelve letters and digits, the same for the same record in every run."""
    digest = hashlib.sha256(f"qianfan local platform: {kind} {number}".encode()).digest()
    alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
    return "".join(alphabet[byte % len(alphabet)] for byte in digest[:12])
