"""A folder of recordings: found again by what is asked, added to as calls are answered."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from qianfan.local.cassette import differences, exchange
from qianfan.local.wire import as_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qianfan.local.cassette.exchange import Exchange
    from qianfan.local.wire import Json, Request

# Of a body, what may be another in every run: who asks, and what SDKs tell about themselves.
_VOLATILE = frozenset({"user", "user_id", "request_id", "extra_parameters"})

_PATTERN = "*.jsonl"

_MOST_PATHS = 5  # at which a nearest recording is said to differ


class Tape:
    """The recordings of a folder, as they were when it was opened.

    What was asked several times is answered in the order of the recordings, and from then on by the last.

    Args:
        folder: Where the files are; files in it that are no recordings are those of another suffix.

    Raises:
        ValueError: There is no such folder, or a file in it is no recording.
    """

    def __init__(self, folder: str) -> None:
        path = Path(folder)
        if not path.is_dir():
            raise ValueError(f"there is no folder {folder} with recordings")
        files = sorted(path.glob(_PATTERN), key=lambda file: (_number(file.name), file.name))
        self.exchanges = [exchange.read(file.name, file.read_bytes()) for file in files]
        self._by_key: dict[bytes, list[Exchange]] = {}
        for kept in self.exchanges:
            self._by_key.setdefault(_key(kept.request), []).append(kept)
        self._asked: dict[bytes, int] = {}
        self._lock = threading.Lock()

    def has(self, request: Request) -> bool:
        """Return whether a request was recorded."""
        return _key(exchange.asked(request)) in self._by_key

    def next(self, request: Request) -> Exchange | None:
        """Return the recording that answers a request, or None."""
        key = _key(exchange.asked(request))
        known = self._by_key.get(key)
        if known is None:
            return None
        with self._lock:
            turn = self._asked.get(key, 0)
            self._asked[key] = turn + 1
        return known[min(turn, len(known) - 1)]

    def nearest(self, request: Request) -> str:
        """Return what parts a request from the recording that is nearest to it, in words."""
        wanted = _comparable(exchange.asked(request))
        near = [
            (list(differences.values(wanted, _comparable(kept.request))), kept.name)
            for kept in self.exchanges
            if all(kept.request[name] == wanted[name] for name in ("method", "path"))
        ]
        if not near:
            return f"there is none of {wanted['method']} {wanted['path']}"
        paths, name = min(near, key=lambda it: len(it[0]))
        return f"the nearest, {name}, differs in {', '.join(paths[:_MOST_PATHS])}"

    def snapshot(self) -> Any:
        """Return how often each recording was asked for."""
        with self._lock:
            return dict(self._asked)

    def restore(self, saved: Any) -> None:
        """Begin again where it was."""
        with self._lock:
            self._asked = dict(saved)


def add(folder: str, name: str, kept: Exchange) -> None:
    """Write a recording into a folder, under the next free number and a name.

    Raises:
        OSError: It cannot be written.
    """
    path = Path(folder)
    number = 1 + max((_number(file.name) for file in path.glob(_PATTERN)), default=0)
    while True:
        try:
            with (path / f"{number:04d}-{name}.jsonl").open("xb") as file:
                file.write(kept.lines())
                return
        except FileExistsError:  # noqa: PERF203  # another platform records here too
            number += 1


def _number(name: str) -> int:
    digits = name.partition("-")[0]
    return int(digits) if digits.isdecimal() else 0


def _key(asked: Mapping[str, Any]) -> bytes:
    return orjson.dumps(_comparable(asked), option=orjson.OPT_SORT_KEYS)


def _comparable(asked: Mapping[str, Any]) -> Json:
    """Return what of a request tells it from others."""
    same = {**asked, "path": asked["path"].rstrip("/")}
    body = as_object(asked.get("body"))
    if body is not None:
        same["body"] = {
            name: value
            for name, value in body.items()
            if name not in _VOLATILE and value is not None and (name, value) != ("stream", False)
        }
    return same
