"""The arithmetic of the rate limits: pure, told the time, told nothing else.

Between two departures lies at least `1 / query_per_second` seconds. So over any window of w seconds
at most `query_per_second * w + 1` requests leave, wherever the window begins. Of requests and tokens
per minute, any 60 seconds hold no more than the limit.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from math import inf
from typing import TYPE_CHECKING, Any

from qianfan.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable

    from qianfan.response import RateLimits

MINUTE = 60.0

_UNEVEN = 0.005  # of an interval: the way from here to the network is shorter one time, longer another


class Place:
    """A place in the queue, and what the request took with it when it left.

    Attributes:
        tokens: What it is thought to use, in tokens.
        ring: Called, from any thread, when its turn may have come earlier than it was told.
    """

    __slots__ = ("_ticket", "ring", "spent", "tokens")

    def __init__(self, ticket: int, tokens: int) -> None:
        self._ticket = ticket
        self.tokens = tokens
        self.spent: _Spent | None = None
        self.ring: Callable[[], object] = _nobody

    def __lt__(self, other: Place) -> bool:
        return self._ticket < other._ticket


def _nobody() -> None:
    pass


class RateLimiter:
    """How fast requests may leave; one may serve any number of objects, threads and event loops.

    Each attempt of a call takes a place; first come, first served; who gives up gives its place back.
    Tokens are reserved by estimate and corrected by what the reply says it used.

    Args:
        query_per_second: Most requests a second, above 0, evenly spaced; 0.5 is one in two seconds.
        request_per_minute: Most requests in any 60 seconds, from 1; they may leave in a burst.
        token_per_minute: Most tokens in any 60 seconds, from 1, input and output. A request thought
            to use more leaves alone.
        adaptive: Whether the `X-Ratelimit-*` headers of replies tighten the limits per minute: the
            service's own limit where it is lower, and what others have used of it.

    Raises:
        InvalidArgumentError: A limit is below its bound.
    """

    # Whoever calls `enter` and `ask` holds a lock; the other methods only leave word, which the next
    # `ask` reads, so that flows, finalizers and signal handlers may call them at any time.
    __slots__ = (
        "__weakref__",
        "_interval",
        "_last",
        "_next_ticket",
        "_requests",
        "_tokens",
        "_waiting",
        "_word",
        "adaptive",
        "query_per_second",
        "request_per_minute",
        "token_per_minute",
    )

    def __init__(
        self,
        query_per_second: float | None = None,
        request_per_minute: float | None = None,
        token_per_minute: float | None = None,
        *,
        adaptive: bool = False,
    ) -> None:
        self.query_per_second = _limit("query_per_second", query_per_second, 0.0)
        self.request_per_minute = _limit("request_per_minute", request_per_minute, 1.0)
        self.token_per_minute = _limit("token_per_minute", token_per_minute, 1.0)
        self.adaptive = adaptive
        self._interval = 1.0 / self.query_per_second if self.query_per_second else 0.0
        self._requests = _Minute(self.request_per_minute)
        self._tokens = _Minute(self.token_per_minute)
        self.forget()

    def forget(self) -> None:
        """Drop the queue: in a forked child, none of the parent's callers will ever ask again."""
        self._last = -inf
        self._next_ticket = 0
        self._waiting: list[Place] = []  # in the order they came, so that a rank is a binary search
        self._word: deque[tuple[str, Any]] = deque()

    @property
    def counts_tokens(self) -> bool:
        """Whether it matters how many tokens a request uses."""
        return self.adaptive or self._tokens.limited

    def enter(self, tokens: int = 0) -> Place:
        """Join the queue with a request thought to use so many tokens."""
        place = Place(self._next_ticket, tokens)
        self._next_ticket += 1
        self._waiting.append(place)
        return place

    def ask(self, place: Place, now: float, deadline: float = inf) -> float:
        """Return 0 when the place's request leaves now, else the seconds after which to ask again.

        `inf` says that it cannot leave by the deadline.
        """
        if self._word:
            self._read(now)
        rank = bisect_left(self._waiting, place) if len(self._waiting) > 1 else 0
        due = self._last + self._interval * (rank + 1)
        if due > deadline or now > deadline:
            return inf
        wait = max(0.0, due - now)
        if self._requests.limited:
            wait = max(wait, self._requests.wait(rank, 1, now))
        if self._tokens.limited:
            ahead = sum(self._tokens.share(before.tokens) for before in self._waiting[:rank])
            wait = max(wait, self._tokens.wait(ahead, place.tokens, now))
        if wait:
            return min(wait, deadline - now) or inf
        self._depart(place, rank, now)
        return 0.0

    def leave(self, now: float) -> None:
        """Say that the request just let go really leaves now: its thread may have lost the processor."""
        self._last = max(self._last, now + _UNEVEN * self._interval)

    def abandon(self, place: Place) -> None:
        """Give a place back; those behind move up. Harmless where the request has left."""
        self._word.append(("abandon", place))
        for other in tuple(self._waiting):
            if place < other:
                other.ring()

    def settle(self, place: Place, tokens: int) -> None:
        """Say how many tokens the request of a place really used."""
        if place.spent is not None:
            self._leave_word("settle", (place.spent, tokens))

    def learn(self, told: RateLimits) -> None:
        """Take in what the service says of its own limits; for adaptive limiters."""
        self._leave_word("learn", told)

    def _leave_word(self, what: str, about: Any) -> None:
        self._word.append((what, about))
        for first in self._waiting[:1]:
            first.ring()

    def _read(self, now: float) -> None:
        while self._word:
            what, about = self._word.popleft()
            if what == "abandon":
                rank = bisect_left(self._waiting, about)
                if rank < len(self._waiting) and self._waiting[rank] is about:
                    del self._waiting[rank]
            elif what == "settle":
                self._tokens.correct(*about)
            else:
                self._requests.learn(about.limit_requests, about.remaining_requests, now)
                self._tokens.learn(about.limit_tokens, about.remaining_tokens, now)

    def _depart(self, place: Place, rank: int, now: float) -> None:
        del self._waiting[rank]
        self._last = now
        if self.adaptive or self._requests.limited:
            self._requests.spend(1, now)
        if self.counts_tokens:
            place.spent = self._tokens.spend(self._tokens.share(place.tokens), now)
        if self._waiting and (self._requests.limited or self._tokens.limited):
            self._waiting[0].ring()  # it was told when a minute ends; there may be room before

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, tuple(getattr(self, name) for name in _LIMITS)

    def __repr__(self) -> str:
        given = {name: getattr(self, name) for name in _LIMITS}
        return f"RateLimiter({', '.join(f'{name}={value}' for name, value in given.items() if value)})"


_LIMITS = ("query_per_second", "request_per_minute", "token_per_minute", "adaptive")


class _Spent:
    """What left, when, and whether it still counts."""

    __slots__ = ("amount", "counts", "time")

    def __init__(self, time: float, amount: float) -> None:
        self.time = time
        self.amount = amount
        self.counts = True


class _Minute:
    """What may leave in any minute; `own` is the user's limit, None where there is none."""

    __slots__ = ("_foreign", "_own", "_spent", "_used", "limit", "limited")

    def __init__(self, own: float | None) -> None:
        self._own = own
        self.limit = inf if own is None else own
        self.limited = own is not None
        self._spent: deque[_Spent] = deque()
        self._used = 0.0
        self._foreign = _Spent(-inf, 0.0)  # what others used of the same quota, as far as it is known

    def share(self, amount: float) -> float:
        """Return what counts of an amount: one that is over the limit fills it."""
        return min(amount, self.limit)

    def wait(self, ahead: float, amount: float, now: float) -> float:
        """Return the seconds until an amount may leave, after what is ahead of it."""
        self._expire(now)
        foreign = self._foreign
        over = self._used + foreign.amount + ahead + self.share(amount) - self.limit
        if over <= 0:
            return 0.0
        in_order = sorted((*self._spent, foreign), key=_time) if foreign.amount else self._spent
        for spent in in_order:
            over -= spent.amount
            if over <= 0:
                return spent.time + MINUTE - now
        return MINUTE  # more waits than one minute holds

    def spend(self, amount: float, now: float) -> _Spent:
        """Count what leaves."""
        self._expire(now)
        spent = _Spent(now, amount)
        self._spent.append(spent)
        self._used += amount
        return spent

    def correct(self, spent: _Spent, amount: float) -> None:
        """Replace an estimate by the truth."""
        if spent.counts:
            self._used += amount - spent.amount
        spent.amount = amount

    def learn(self, limit: int | None, remaining: int | None, now: float) -> None:
        """Take the service's limit where it is lower, and count what others have used of it."""
        if limit is None:
            return
        self._expire(now)
        self.limited = True
        self.limit = limit if self._own is None else min(limit, self._own)
        if remaining is not None:
            self._foreign = _Spent(now, max(0.0, limit - remaining - self._used))

    def _expire(self, now: float) -> None:
        spent = self._spent
        while spent and spent[0].time + MINUTE <= now:
            old = spent.popleft()
            old.counts = False
            self._used -= old.amount
        if self._foreign.time + MINUTE <= now:
            self._foreign.amount = 0.0


def _time(spent: _Spent) -> float:
    return spent.time


def _limit(name: str, value: float | None, least: float) -> float | None:
    """Return a limit, or raise `InvalidArgumentError` where it is none."""
    if value is None:
        return None
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (number and least <= value < inf) or value == 0:
        bound = "a number above 0" if not least else f"a number of at least {least:g}"
        raise InvalidArgumentError(f"{name} must be {bound}, not {value!r}")
    return float(value)


def _rebuilt(
    query_per_second: float | None,
    request_per_minute: float | None,
    token_per_minute: float | None,
    adaptive: bool,
) -> RateLimiter:
    return RateLimiter(query_per_second, request_per_minute, token_per_minute, adaptive=adaptive)
