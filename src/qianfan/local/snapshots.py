"""Snapshots: all that a platform knows at one moment, to come back to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class Part(Protocol):
    """A part of a platform's state; `State.parts` names them all."""

    def snapshot(self) -> Any:
        """Return all that it knows, as a value that no later change reaches."""
        ...

    def restore(self, saved: Any) -> None:
        """Know what was known then, and nothing else. It may be restored again."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """What a platform knew at one moment; `Platform.restore` takes it, on whichever platform."""

    saved: Mapping[str, Any] = field(repr=False)


def take(parts: Mapping[str, Part]) -> Snapshot:
    """Return a snapshot of some parts."""
    return Snapshot({name: part.snapshot() for name, part in parts.items()})


def put_back(parts: Mapping[str, Part], snapshot: Snapshot) -> None:
    """Let parts of the same names know what they knew at a snapshot."""
    for name, part in parts.items():
        part.restore(snapshot.saved[name])
