"""The platform's own clock."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_MINUTE, _HOUR, _DAY = 60.0, 3_600.0, 86_400.0

_END = 253_370_764_800.0  # the year 9999, whose last days are the last that can be written as a date


class Clock:
    """A clock that runs with the real one and can be moved forward.

    Token expiry, quotas, `created` and the `Date` header follow it. Several platforms may share one.

    Args:
        source: Where seconds since 1970 come from; `Clock(lambda: 1_700_000_000.0)` stands still
            until it is advanced.
    """

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self._offset = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return the seconds since 1970, as this clock sees them."""
        return self._source() + self._offset

    @property
    def offset(self) -> float:
        """The seconds it is ahead of its source."""
        return self._offset

    def catch_up(self, offset: float) -> None:
        """Be at least so many seconds ahead of the source, as this clock once was."""
        with self._lock:
            self._offset = max(self._offset, offset)

    def advance(self, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Move the clock forward by the sum of the arguments.

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
            self._offset += step
