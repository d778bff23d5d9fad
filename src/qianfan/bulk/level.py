"""How many requests at once: found by trying, as TCP finds the speed of a line. Pure; told the time."""

from __future__ import annotations

_START = 16
_CUT = 0.7
_LONGEST = 60.0  # seconds of a pause that the service asks for
_BLIND = 15.0  # seconds of one that it does not: a minute's quota that is full again should not wait long
_GLANCE = 0.1  # seconds between two looks at what others hold


class Level:
    """The number of requests that may be in flight.

    It grows with each reply, by one until the service first refuses and by one a round afterwards, and is cut
    when the service says that it is too many: once for all that were in flight then.

    Args:
        most: What it never passes, from 1.
    """

    __slots__ = ("_forgiven", "_limit", "_most", "_pause", "_slow", "resumes")

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = float(min(most, _START))
        self._slow = False  # whether it has been refused
        self._forgiven = 0  # ends of attempts that were under way at the last cut
        self._pause = 0.0
        self.resumes = 0.0  # no request should begin before this point in time

    @property
    def now(self) -> int:
        """The number of the moment, at least 1."""
        return int(self._limit)

    def answered(self) -> None:
        """Take in a reply."""
        self._forgiven = max(0, self._forgiven - 1)
        self._pause = 0.0
        self._limit = min(self._most, self._limit + (1.0 / self._limit if self._slow else 1.0))

    def refused(self, in_flight: int, now: float, retry_after: float | None = None) -> None:
        """Take in that the service found it too many, or too fast.

        Args:
            in_flight: How many requests were, this one too.
            now: The time.
            retry_after: The seconds that the service asked to wait, or None.
        """
        if retry_after is not None:
            self.resumes = max(self.resumes, now + min(retry_after, _LONGEST))
        if self._forgiven:
            self._forgiven -= 1
            return
        if self._slow and self._limit == 1.0:  # it cannot be fewer: so slower
            self._pause = min(_BLIND, max(1.0, self._pause * 2))
            self.resumes = max(self.resumes, now + self._pause)
        self._slow = True
        self._forgiven = in_flight - 1
        self._limit = max(1.0, min(self._limit, in_flight) * _CUT)

    def filled(self, in_flight: int, now: float) -> None:
        """Take in that one more did not fit beside so many; beside none, it waits for what others have in flight."""
        self._slow = True
        if not in_flight:
            self.resumes = max(self.resumes, now + _GLANCE)
        self._limit = max(1.0, min(self._limit, in_flight))
