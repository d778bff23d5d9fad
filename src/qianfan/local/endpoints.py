"""Endpoints that were added by name: they answer as published models of a user's own would."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

#: The kinds a user can publish services of.
KINDS = ("chat", "completion", "embedding", "plugin", "text2image", "image2text", "reranker")


class Endpoints:
    """The added endpoints of one platform."""

    def __init__(self) -> None:
        self._added: dict[tuple[str, str], None] = {}  # a set that keeps the order
        self._lock = threading.Lock()

    def add(self, name: str, kind: str) -> None:
        """Let a service of a kind answer to a name.

        Raises:
            ValueError: The name is empty or has a character a URL's segment cannot have, or no
                custom service can be of this kind.
        """
        if kind not in KINDS:
            raise ValueError(f"a custom service is one of {', '.join(KINDS)}, not {kind!r}")
        if not name or not name.isascii() or any(c in "/?#%" or c.isspace() for c in name):
            raise ValueError(f"an endpoint is one segment of a URL, not {name!r}")
        with self._lock:
            self._added[kind, name] = None

    def has(self, kind: str, name: str) -> bool:
        """Return whether a service of a kind answers to the name."""
        return (kind, name) in self._added

    def names(self, kinds: Container[str]) -> list[str]:
        """Return the names of some kinds, in the order they were added."""
        with self._lock:
            return list(dict.fromkeys(name for kind, name in self._added if kind in kinds))

    def snapshot(self) -> list[tuple[str, str]]:
        """Return the kinds and names."""
        with self._lock:
            return list(self._added)

    def restore(self, saved: Iterable[tuple[str, str]]) -> None:
        """Know these kinds and names, and no others."""
        with self._lock:
            self._added = dict.fromkeys(saved)
