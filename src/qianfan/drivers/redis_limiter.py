"""A rate limit that processes on many machines keep together, in Redis."""

from __future__ import annotations

import weakref
from math import inf
from typing import TYPE_CHECKING, Any, Literal, cast

from qianfan.core.limits import MINUTE, UNEVEN, RateLimiter
from qianfan.drivers.courier import EARLY, Courier, Waiter
from qianfan.drivers.redis_store import Store, checked, place
from qianfan.drivers.shared import LIMITS, after_fork
from qianfan.errors import InvalidArgumentError, RateLimitTimeoutError
from qianfan.settings import seconds

if TYPE_CHECKING:
    from qianfan.core.limits import Place

_LATE = 0.001  # seconds: less is the way from here to the network


class RedisRateLimiter(RateLimiter):
    """A `RateLimiter` whose limits all processes with the same Redis and name keep together.

    Pass it as `rate_limiter=`, in each process one with the same arguments; it may be pickled, which
    takes the URL along, and forked. First come, first served, whichever machine they come from.

    Args:
        url: Where Redis (5 or later) is: `redis://`, `rediss://` with TLS, or `unix://`.
        query_per_second: Most requests a second, above 0, evenly spaced; 0.5 is one in two seconds.
        request_per_minute: Most requests in any 60 seconds, from 1; they may leave in a burst.
        token_per_minute: Most tokens in any 60 seconds, from 1, input and output.
        name: Whose limits they are, such as an application and a model: one name, one count. All
            processes give the same limits under it.
        when_lost: While Redis cannot be reached: "wait" for it, as long as the call has time, or
            "fail" at once. Nothing leaves unlimited.
        timeout: Seconds above 0 after which Redis is lost that does not answer.

    Raises:
        InvalidArgumentError: An argument does not fit, or redis-py is not installed. In a call: others
            keep other limits under this name.
        RateLimiterLostError: In a call: Redis is lost, with "fail"; or the login is wrong, with either.
        RateLimitTimeoutError: In a call: no place in time.
    """

    __slots__ = ("_courier", "_due", "_ending", "_url", "name", "timeout", "when_lost")

    def __init__(
        self,
        url: str,
        *,
        query_per_second: float | None = None,
        request_per_minute: float | None = None,
        token_per_minute: float | None = None,
        name: str = "default",
        when_lost: Literal["wait", "fail"] = "wait",
        timeout: float = 2.0,
    ) -> None:
        self._url = checked(url)
        if not name or set(name) & set("{}"):
            raise InvalidArgumentError(f"name must be a text without braces, not {name!r}")
        if when_lost not in {"wait", "fail"}:
            raise InvalidArgumentError(f'when_lost must be "wait" or "fail", not {when_lost!r}')
        if query_per_second is request_per_minute is token_per_minute is None:
            raise InvalidArgumentError("a RedisRateLimiter needs a limit, such as query_per_second=")
        self.name = name
        self.when_lost = when_lost
        self.timeout = seconds("timeout", timeout)
        super().__init__(query_per_second, request_per_minute, token_per_minute)
        after_fork(self)

    def forget(self) -> None:
        """Start anew: in a forked child there is no thread, and the connection is the parent's."""
        super().forget()
        self._due = -inf
        self._hire()

    def _hire(self) -> None:
        """Have a courier of one's own, who has neither thread nor connection before the first question."""
        limits = (self._interval, self.request_per_minute or "", self.token_per_minute or "")
        told = ", ".join(f"{name}={getattr(self, name)}" for name in _LIMITS if getattr(self, name))
        store = Store(self._url, self.name, self.timeout)
        self._courier = Courier(store, limits, told, patient=self.when_lost == "wait")
        self._ending = weakref.finalize(self, self._courier.stop)
        self._ending.atexit = False  # then the thread is waited for

    def close(self) -> None:
        """Close the connection to Redis; the next call opens one."""
        with LIMITS.lock:
            courier = self._courier
            self._ending.detach()
            self._hire()
        courier.close()

    def enter(self, tokens: int = 0) -> Waiter:
        """Return a place that joins the queue when it first asks."""
        return Waiter(tokens)

    def ask(self, place: Place, now: float, deadline: float = inf) -> float:
        """Return 0 when the place's request leaves now, else the seconds after which to ask again or be rung for.

        `inf` says that it cannot leave by the deadline.
        """
        waiter = cast("Waiter", place)
        if waiter.failure is not None:
            raise waiter.failure
        if waiter.leaves < inf:
            if waiter.leaves > now:
                return waiter.leaves - now
            self._due = max(self._due, waiter.leaves)
            waiter.gone = True
            return 0.0
        if now > deadline and self._courier.failure:
            raise RateLimitTimeoutError(
                f"no place in the rate limit in time: {self._courier.failure}",
                hint="检查 Redis，或增大 request_timeout (check Redis, or raise request_timeout)",
            )
        if now > deadline or waiter.in_vain:
            return inf
        if not waiter.asking and now >= waiter.again - EARLY:
            self._courier.ask(waiter, now, deadline)
        wait = MINUTE if waiter.asking else waiter.again - now
        return max(EARLY, min(wait, deadline - now + EARLY))

    def leave(self, now: float) -> None:
        """Say that the request just let go really leaves now, where that is late."""
        if self._interval and now - self._due > _LATE:
            self._courier.tell("leave", seconds=self._courier.there(now) + UNEVEN * self._interval)

    def abandon(self, place: Place) -> None:
        """Give a place back; those behind move up. Harmless where the request has left."""
        place.abandoned = True
        self._courier.give_back(cast("Waiter", place))

    def settle(self, place: Place, tokens: int) -> None:
        """Say how many tokens the request of a place really used."""
        spend = cast("Waiter", place).spend
        if spend:
            self._courier.tell("settle", spend, tokens)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self._url, {name: getattr(self, name) for name in _ARGUMENTS})

    def __repr__(self) -> str:
        given = {name: getattr(self, name) for name in _ARGUMENTS}
        shown = [f"{name}={value!r}" for name, value in given.items() if value]
        return f"RedisRateLimiter({', '.join([repr(place(self._url)), *shown])})"


_LIMITS = ("query_per_second", "request_per_minute", "token_per_minute")
_ARGUMENTS = (*_LIMITS, "name", "when_lost", "timeout")


def _rebuilt(url: str, arguments: dict[str, Any]) -> RedisRateLimiter:
    return RedisRateLimiter(url, **arguments)
