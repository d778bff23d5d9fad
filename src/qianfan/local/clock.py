"""The platform's own clock."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable

_MINUTE, _HOUR, _DAY = 60.0, 3_600.0, 86_400.0

_END = 253_370_764_800.0  # the year 9999, whose last days are the last that can be written as a date

_GRAIN = 1e-6  # seconds: sums of floats since 1970 are no more exact, and nobody may wait for the rest


class Clock:
    """A clock that runs with the real one, can be moved forward, and can be stopped.

    Token expiry, quotas, jobs, `created`, the `Date` header and the delays of streams follow it. Several
    platforms may share one.

    Args:
        source: Where seconds since 1970 come from; `Clock(lambda: 1_700_000_000.0)` stands still
            until it is advanced.
    """

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        # One value, so that `now` needs no lock: what the source said when the clock was stopped (None
        # while it runs), and how far ahead of that the clock is.
        self._hand: tuple[float | None, float] = None, 0.0
        self._lock = threading.Lock()
        self._waiting: set[Future[None]] = set()

    def now(self) -> float:
        """Return the seconds since 1970, as this clock sees them."""
        stopped, offset = self._hand
        return (self._source() if stopped is None else stopped) + offset

    @property
    def offset(self) -> float:
        """The seconds it is ahead of its source, or of what that said when the clock was stopped."""
        return self._hand[1]

    @property
    def frozen(self) -> bool:
        """Whether it stands still until it is advanced."""
        return self._hand[0] is not None

    def catch_up(self, offset: float) -> None:
        """Be at least so many seconds ahead of the source, as this clock once was."""
        with self._lock:
            self._set(self._hand[0], max(self._hand[1], offset))

    def advance(self, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Move the clock forward by the sum of the arguments; whoever waited for that time goes on.

        Raises:
            ValueError: The sum is negative, as a platform's time never runs backwards, or reaches the
                year 9999.
        """
        step = seconds + minutes * _MINUTE + hours * _HOUR + days * _DAY
        with self._lock:
            if not step >= 0:  # nan neither
                raise ValueError(f"the clock only moves forward, not by {step} s")
            if not self.now() + step < _END:
                raise ValueError(f"the clock ends before the year 9999, it cannot move by {step} s")
            stopped, offset = self._hand
            self._set(stopped, offset + step)

    def freeze(self) -> None:
        """Let the clock stand still, from now on only `advance` moves it; nothing happens where it does."""
        with self._lock:
            stopped, offset = self._hand
            if stopped is None:
                self._set(self._source(), offset)

    def unfreeze(self) -> None:
        """Let the clock run on from where it stands; nothing happens where it runs."""
        with self._lock:
            stopped, offset = self._hand
            if stopped is not None:
                self._set(None, offset + stopped - self._source())

    def snapshot(self) -> tuple[float | None, float]:
        """Return where it stands, or how far ahead of its source it runs."""
        return self._hand

    def restore(self, saved: tuple[float | None, float]) -> None:
        """Stand or run as it did then, which may be a step back."""
        with self._lock:
            self._set(*saved)

    async def wait_until(self, moment: float, unless: Future[Any] | None = None) -> bool:
        """Wait until the clock shows a time, which `advance` may bring at once; return whether it does.

        Args:
            moment: The time, in seconds since 1970.
            unless: What ends the wait before that.
        """
        import asyncio  # whoever waits has it already

        ends = () if unless is None else (unless,)
        while unless is None or not unless.done():
            changed = asyncio.get_running_loop().create_future()
            with self._lock:
                self._waiting.add(changed)
            try:
                left = moment - self.now()
                if left <= _GRAIN:
                    return True
                timeout = None if self.frozen else left
                await asyncio.wait((changed, *ends), timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            finally:
                with self._lock:
                    self._waiting.discard(changed)
        return False

    def _set(self, stopped: float | None, offset: float) -> None:
        """Set the hand, and let all who wait look at it."""
        self._hand = stopped, offset
        for changed in self._waiting:
            changed.get_loop().call_soon_threadsafe(_settle, changed)


def _settle(changed: Future[None]) -> None:
    if not changed.done():
        changed.set_result(None)
