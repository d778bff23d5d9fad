"""Issued tokens: whose they are, until when they live, whether they were called back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from qianfan.local.recent import Recent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qianfan.local.clock import Clock

MOST = 100_000  # a program that asks for tokens in a loop must not fill the memory

T = TypeVar("T")


@dataclass(slots=True)
class Token(Generic[T]):
    """A token: whose it is, when it expires, whether it was called back."""

    owner: T
    expires: float
    revoked: bool = False

    def lives(self, now: float) -> bool:
        """Return whether it is good for a call."""
        return not self.revoked and now < self.expires


class Issued(Generic[T]):
    """The tokens a platform has issued, as many as it remembers.

    Args:
        clock: What expiry is measured on.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tokens = Recent[str, Token[T]](MOST)

    def add(self, value: str, owner: T, lifetime: float) -> Token[T]:
        """Keep a token, or return the one of this value."""
        return self._tokens.setdefault(value, Token(owner, self._clock.now() + lifetime))

    def find(self, value: str) -> Token[T] | None:
        """Return the token of a value; None where none was issued, or it is forgotten."""
        return self._tokens.get(value)

    def snapshot(self) -> dict[str, Token[T]]:
        """Return a copy of the tokens by their values."""
        return self._tokens.copies(replace)

    def restore(self, saved: Mapping[str, Token[T]]) -> None:
        """Know these tokens, and no others."""
        self._tokens.replace({value: replace(token) for value, token in saved.items()})

    def revoke(self) -> None:
        """Call every token back."""
        for token in self._tokens.values():
            token.revoked = True
