"""What is remembered of callers, who may be many: beyond a number, what was not looked at for longest is forgotten."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Values by key; any thread may use it.

    Args:
        most: How many are remembered.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """Return the value of a key, or None."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key]

    def setdefault(self, key: K, value: V) -> V:
        """Return the value of a key; where there is none, that is this one from now on."""
        with self._lock:
            kept = self._values.setdefault(key, value)
            self._values.move_to_end(key)
            if len(self._values) > self._most:
                self._values.popitem(last=False)
            return kept

    def values(self) -> list[V]:
        """Return all that is remembered."""
        with self._lock:
            return list(self._values.values())

    def copies(self, copy: Callable[[V], V]) -> dict[K, V]:
        """Return a copy of all."""
        with self._lock:
            return {key: copy(value) for key, value in self._values.items()}

    def replace(self, values: Mapping[K, V]) -> None:
        """Remember these, and no others."""
        with self._lock:
            self._values = OrderedDict(values)
