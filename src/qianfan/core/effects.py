"""What a flow may ask of its driver.

A flow is a generator: it yields an effect and is sent the result, or has the failure thrown into
it as a `QianfanError`. What comes back is annotated where it is taken: `reply: Reply = yield Send(...)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Hashable, Sequence

    from qianfan.core.http import Request
    from qianfan.core.limits import RateLimiter
    from qianfan.errors import QianfanError
    from qianfan.response import Response, Summed

T = TypeVar("T")

Provider: TypeAlias = "Callable[[], str | Awaitable[str]]"


class Now(NamedTuple):
    """Ask for the time (float): seconds of a clock that never goes back."""


class Date(NamedTuple):
    """Ask for the date (float): seconds since 1970 by the machine's own calendar, which may be wrong."""


class Sleep(NamedTuple):
    """Wait: before the next attempt, because of a failure, or for something to happen."""

    seconds: float
    failure: QianfanError | None


class Reserve(NamedTuple):
    """Wait for a `Place` in a rate limit, with a request thought to use so many tokens."""

    limiter: RateLimiter
    tokens: int
    deadline: float


class Provide(NamedTuple):
    """Ask a function of the user's for a bearer; what is awaited has to come by a point in time."""

    provider: Provider
    deadline: float


class Send(NamedTuple):
    """Send a request and read the whole `Reply`, by a point in time."""

    request: Request
    deadline: float


class Open(NamedTuple):
    """Send a request and read the head of the `Reply`; its body stays open until the flow ends."""

    request: Request
    deadline: float


class Receive(NamedTuple):
    """Read the next bytes of the open reply, b"" at its end; None keeps the deadline of the last wait."""

    timeout: float | None


class Together(NamedTuple):
    """Run flows, so many at a time; answer with a result, an error or None (not begun) for each.

    No further one begins after a failure.
    """

    flows: Sequence[Flow[Any]]
    at_once: int


class Once(NamedTuple):
    """Run a flow once for all who ask for the same key meanwhile, and share its result."""

    key: Hashable
    flow: Callable[[], Flow[Any]]
    deadline: float


class Emit(NamedTuple):
    """Hand events to whoever iterates the stream, with the sum of all so far, and whether it is the whole."""

    items: Sequence[Response]
    sum: Summed
    ended: bool


Effect: TypeAlias = "Now | Date | Sleep | Reserve | Provide | Send | Open | Receive | Together | Once | Emit"
Flow: TypeAlias = "Generator[Effect, Any, T]"


NOW = Now()
DATE = Date()
