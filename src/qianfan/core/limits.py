"""The arithmetic of the rate limit: pure, told the time, told nothing else.

Between two departures lies at least `1 / rate` seconds. So over any window of w seconds at most
`rate * w + 1` requests leave, wherever the window begins.
"""

from __future__ import annotations

from bisect import bisect_left


class RateLimit:
    """Who may leave when, first come first served.

    Callers hold a lock of their own around each call: none of them waits or blocks.

    Args:
        rate: Requests per second, above 0; 0.5 is one request in two seconds.
    """

    __slots__ = ("_last", "_next_ticket", "_waiting", "interval")

    def __init__(self, rate: float) -> None:
        self.interval = 1.0 / rate
        self._last = float("-inf")
        self._next_ticket = 0
        self._waiting: list[int] = []  # ascending, so a place in the queue is a binary search

    def enter(self) -> int:
        """Join the queue and return a ticket."""
        ticket = self._next_ticket
        self._next_ticket += 1
        self._waiting.append(ticket)
        return ticket

    def ask(self, ticket: int, now: float) -> float:
        """Return 0 when the holder of the ticket leaves now, else the seconds after which to ask again."""
        place = bisect_left(self._waiting, ticket)
        due = self._last + self.interval * (place + 1)
        if now < due:
            return due - now
        del self._waiting[place]
        self._last = now
        return 0.0

    def abandon(self, ticket: int) -> None:
        """Give the place back; those behind move up."""
        place = bisect_left(self._waiting, ticket)
        if place < len(self._waiting) and self._waiting[place] == ticket:
            del self._waiting[place]
