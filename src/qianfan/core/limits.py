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
    from collections.abc import Callable, Iterable, Sequence

    from qianfan.response import RateLimits

MINUTE = 60.0

NEAR = 64  # places from the head of the queue

OVERDUE = 1.0  # seconds

UNEVEN = 0.005  # of an interval: the way from here to the network is shorter one time, longer another


class Place:
    """A place in the queue, and what the request took with it when it left.

    Attributes:
        tokens: What it is thought to use, in tokens.
        abandoned: Whether whoever held it has given up.
        left: When it left; `-inf` where it has not.
        told: When it was told to ask again.
        ring: Called, from any thread, when its turn may have come earlier than it was told; returns
            False where nobody will hear it any more.
    """

    __slots__ = ("_ticket", "abandoned", "left", "ring", "spent", "tokens", "told")

    def __init__(self, ticket: int, tokens: int) -> None:
        self._ticket = ticket
        self.tokens = tokens
        self.abandoned = False
        self.left = -inf
        self.told = -inf  # one that never comes to ask, because it is interrupted, stands in nobody's way
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
            self._read()
        rank = self._rank(place, now)
        due = self._last + self._interval * (rank + 1)
        if due > deadline or now > deadline:
            return inf
        wait = max(0.0, due - now)
        if self._requests.limited:
            wait = max(wait, self._requests.wait(rank, 1, now))
        if self._tokens.limited:
            # Far behind it is enough to wait for the bell.
            ahead = sum(before.tokens for before in self._waiting[:rank]) if rank < NEAR else inf
            wait = max(wait, self._tokens.wait(ahead, place.tokens, now))
        if wait:
            place.told = now + wait
            return min(wait, deadline - now) or inf
        self._depart(place, rank, now)
        return 0.0

    def _rank(self, place: Place, now: float) -> int:
        """Return how many stand before a place, without those whose time to ask is long past.

        Their event loop is gone, or their thread held up; should they ask after all, they are first again.
        """
        waiting = self._waiting
        if len(waiting) == 1 and waiting[0] is place:
            return 0
        while waiting and waiting[0].told + OVERDUE < now:
            del waiting[0]
        rank = bisect_left(waiting, place)
        if rank == len(waiting) or waiting[rank] is not place:
            waiting.insert(rank, place)
        return rank

    def leave(self, now: float) -> None:
        """Say that the request just let go really leaves now: its thread may have lost the processor."""
        self._word.append(("leave", now + UNEVEN * self._interval))

    def abandon(self, place: Place) -> None:
        """Give a place back; those behind move up. Harmless where the request has left."""
        place.abandoned = True
        self._leave_word("abandon", place)

    def settle(self, place: Place, tokens: int) -> None:
        """Say how many tokens the request of a place really used."""
        if place.spent is not None:
            self._leave_word("settle", (place.spent, tokens))

    def learn(self, told: RateLimits, now: float) -> None:
        """Take in what the service says of its own limits, where this limiter is adaptive.

        Its minute is taken to begin `now`; whoever learns from a reply says when its request left.
        """
        if self.adaptive:
            self._leave_word("learn", (told, now))

    def _leave_word(self, what: str, about: Any) -> None:
        self._word.append((what, about))
        self._ring(tuple(self._waiting))

    @staticmethod
    def _ring(waiting: Sequence[Place]) -> None:
        """Wake the first: what it was told may be out of date. It wakes the next when it leaves."""
        for place in waiting:
            if not place.abandoned and place.ring() is not False:
                return

    def _read(self) -> None:
        while self._word:
            what, about = self._word.popleft()
            if what == "leave":
                self._last = max(self._last, about)
            elif what == "abandon":
                rank = bisect_left(self._waiting, about)
                if rank < len(self._waiting) and self._waiting[rank] is about:
                    del self._waiting[rank]
            elif what == "settle":
                self._tokens.correct(*about)
            else:
                told, time = about
                self._requests.learn(told.limit_requests, told.remaining_requests, time)
                self._tokens.learn(told.limit_tokens, told.remaining_tokens, time)

    def _depart(self, place: Place, rank: int, now: float) -> None:
        del self._waiting[rank]
        self._last = place.left = now
        if self.adaptive or self._requests.limited:
            self._requests.spend(1, now)
        if self.counts_tokens:
            place.spent = self._tokens.spend(place.tokens, now)
        self._ring(self._waiting)

    def __copy__(self) -> RateLimiter:
        return self  # a copy of who is limited keeps to the same limit

    def __deepcopy__(self, memo: object) -> RateLimiter:
        return self

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
    """What may leave in any minute: by the user's limit, and by what is left of the service's.

    Attributes:
        limited: Whether there is a limit at all.
    """

    __slots__ = ("_foreign", "_own", "_service", "_spent", "_used", "limited")

    def __init__(self, own: float | None) -> None:
        self._own = inf if own is None else own
        self._service = inf
        self.limited = own is not None
        self._spent: deque[_Spent] = deque()
        self._used = 0.0
        self._foreign = _Spent(-inf, 0.0)  # what others used of the service's limit, as far as it is known

    def wait(self, ahead: float, amount: float, now: float) -> float:
        """Return the seconds until an amount may leave, after what is ahead of it.

        An amount over the limit waits until nothing else is there.
        """
        self._expire(now)
        used, foreign = self._used + ahead, self._foreign
        over = used + min(amount, self._own) - self._own
        wait = self._until(over, self._spent, now) if over > 0 else 0.0
        over = used + foreign.amount + min(amount, self._service) - self._service
        if over > 0:
            wait = max(wait, self._until(over, sorted((*self._spent, foreign), key=_time), now))
        return wait

    @staticmethod
    def _until(over: float, spent: Iterable[_Spent], now: float) -> float:
        """Return the seconds until so much of what was spent no longer counts."""
        for old in spent:
            over -= old.amount
            if over <= 0:
                return old.time + MINUTE - now
        return MINUTE  # more waits than one minute holds

    def spend(self, amount: float, now: float) -> _Spent:
        """Count what leaves."""
        self._expire(now)
        spent = _Spent(now, min(amount, self._own, self._service))
        self._spent.append(spent)
        self._used += spent.amount
        return spent

    def correct(self, spent: _Spent, amount: float) -> None:
        """Replace an estimate by the truth."""
        if spent.counts:
            self._used += amount - spent.amount
        spent.amount = amount

    def learn(self, limit: int | None, remaining: int | None, now: float) -> None:
        """Take in the service's own limit, and what others have used of it."""
        if limit is None:
            return
        self._expire(now)
        self.limited = True
        self._service = limit
        if remaining is not None and now >= self._foreign.time:  # else it answers an earlier request
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
