"""Runs flows in the caller's thread."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections import deque
from collections.abc import Awaitable
from concurrent.futures import TimeoutError as FutureTimeoutError
from functools import partial
from math import inf
from queue import Empty, SimpleQueue
from time import monotonic, sleep, time
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from qianfan.core.effects import Date, Emit, Now, Once, Open, Provide, Receive, Reserve, Send, Sleep, Together
from qianfan.drivers.failures import timed_out
from qianfan.drivers.progress import Progress
from qianfan.drivers.shared import FLIGHTS, LIMITS, Landing, asked
from qianfan.errors import QianfanError
from qianfan.log import log, log_attempt

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from typing_extensions import Self

    from qianfan.core.effects import Effect, Flow, Provider
    from qianfan.core.http import Reply, Request
    from qianfan.core.limits import Place, RateLimiter
    from qianfan.response import Response

T = TypeVar("T")


#: A thread wakes up about so many seconds late; it watches the clock for what is left of a wait.
_GRAIN = 0.0002


class OpenBody(Protocol):
    """A body that is read as it comes."""

    def receive(self, deadline: float | None) -> bytes:
        """Return the next bytes."""
        ...

    def close(self) -> None:
        """Free the connection."""
        ...


class Transport(Protocol):
    """What a run needs of HTTP."""

    def send(self, request: Request, deadline: float) -> Reply:
        """Return the whole reply."""
        ...

    def open(self, request: Request, deadline: float) -> tuple[Reply, OpenBody]:
        """Return the reply's head and its open body."""
        ...


def running_loop() -> object:
    """Return the event loop that runs in this thread, or None; without importing asyncio to ask."""
    events = sys.modules.get("asyncio.events")
    return events._get_running_loop() if events else None  # noqa: SLF001  # the public one raises where there is none


def run(flow: Flow[T], transport: Transport) -> T:
    """Run a flow that emits nothing to its end and return its result."""
    return Run(flow, transport).advance()  # type: ignore[return-value]  # only a stream's flow emits


class Run(Generic[T]):
    """One flow on its way, and the body it may hold open."""

    __slots__ = ("_body", "_flow", "_loop", "_transport")

    def __init__(self, flow: Flow[T], transport: Transport, loop: object = None) -> None:
        self._flow = flow
        self._transport = transport
        self._loop = loop  # one that cannot run before this flow has ended, beside the thread's own
        self._body: OpenBody | None = None

    def advance(self) -> Emit | T:
        """Carry out effects until the flow emits, or returns; what ends it frees its connection."""
        flow, transport = self._flow, self._transport
        try:
            effect = next(flow)
            while True:
                try:
                    # The two effects of every call come first and without a detour.
                    if isinstance(effect, Now):
                        answer: Any = monotonic()
                    elif isinstance(effect, Send):
                        answer = transport.send(*effect)
                        log_attempt(effect.request, answer)
                    elif isinstance(effect, Emit):
                        return effect
                    else:
                        answer = self._perform(effect)
                except QianfanError as error:
                    failure = error
                    if isinstance(effect, (Send, Open)):
                        log_attempt(effect.request, failure)
                else:
                    effect = flow.send(answer)
                    continue
                effect = flow.throw(failure)
        except StopIteration as stop:
            self._free()
            result: T = stop.value
            return result
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Free the connection of an open body, and end the flow."""
        self._free()
        # A ValueError: another thread is inside the flow, and will find its body closed.
        with contextlib.suppress(ValueError):
            self._flow.close()

    def _free(self) -> None:
        body, self._body = self._body, None
        if body is not None:
            body.close()

    def _perform(self, effect: Effect) -> Any:
        match effect:
            case Receive(timeout):
                assert self._body is not None, "a flow receives what it has opened"
                return self._body.receive(None if timeout is None else monotonic() + timeout)
            case Open(request, deadline):
                self._free()
                head, self._body = self._transport.open(request, deadline)
                log_attempt(request, head)
                return head
            case Date():
                return time()
            case Sleep(seconds, failure):
                if failure is not None:
                    log.info("retry in %.2f s after %s", seconds, failure)
                sleep(seconds)
            case Provide(provider, deadline):
                return self._provided(provider, deadline)
            case Reserve(limiter, tokens, deadline):
                return self._reserve(limiter, tokens, deadline)
            case Together(flows, at_once):
                return self._together(flows, at_once)
            case Once(key, flow, deadline):
                return self._once(key, flow, deadline)
        return None

    @staticmethod
    def _provided(provider: Provider, deadline: float) -> object:
        bearer = asked(provider)
        if not isinstance(bearer, Awaitable):
            return bearer
        from qianfan.drivers.provider import awaited

        return awaited(bearer, deadline)

    def _reserve(self, limiter: RateLimiter, tokens: int, deadline: float) -> Place:
        with LIMITS.lock:
            place = limiter.enter(tokens)
            wait = limiter.ask(place, monotonic(), deadline)
        if wait:
            self._queue(limiter, place, deadline)
        limiter.leave(monotonic())
        return place

    def _queue(self, limiter: RateLimiter, place: Place, deadline: float) -> None:
        bell: SimpleQueue[None] = SimpleQueue()  # its `put` may be called while this thread is in its `get`
        place.ring = partial(bell.put, None)
        try:
            while True:
                with LIMITS.lock:
                    wait = limiter.ask(place, monotonic(), deadline)
                if not wait:
                    return
                if wait == inf:
                    raise timed_out("place in the rate limit")
                if wait > _GRAIN:
                    with contextlib.suppress(Empty):
                        bell.get(timeout=wait - _GRAIN)
        except BaseException:
            limiter.abandon(place)
            raise

    def _together(self, flows: Sequence[Flow[Any]], at_once: int) -> list[Any]:
        """Run flows in this thread and, beside it, in others that live as long as there is work."""
        outcomes: list[Any] = [None] * len(flows)
        todo = deque(enumerate(flows))
        loop = self._loop or running_loop()  # it waits for this thread, which waits for its helpers
        given_up = threading.Event()

        def work(run: type[Run[Any]], *more: Any) -> None:
            while True:
                try:
                    index, flow = todo.popleft()
                except IndexError:
                    return
                try:
                    outcomes[index] = run(flow, self._transport, loop, *more).advance()
                except Exception as error:  # noqa: BLE001  # the caller's flow judges
                    outcomes[index] = error
                    todo.clear()

        # Daemons: an interrupted program need not wait for replies that nobody wants.
        helpers = [
            threading.Thread(target=work, args=(_Helper, given_up), daemon=True)
            for _ in range(min(at_once, len(flows)) - 1)
        ]
        try:
            for helper in helpers:
                helper.start()
            work(Run)
            for helper in helpers:
                helper.join()
        except BaseException:
            todo.clear()
            given_up.set()
            raise
        return outcomes

    def _once(self, key: Hashable, flow: Callable[[], Flow[Any]], deadline: float) -> Any:
        while True:
            flight, leads = FLIGHTS.join(key, self._loop or running_loop(), blocking=True)
            if not leads:
                try:
                    landing = flight.landing.result(max(0.0, deadline - monotonic()))
                except FutureTimeoutError:
                    raise timed_out("access token") from None
                if landing is not None:
                    return landing.unpack()
                continue
            landing = None
            try:
                result = run(flow(), self._transport)
                landing = Landing(result)
            except QianfanError as error:
                landing = Landing.failed(error, late=monotonic() >= deadline)
                raise
            finally:
                FLIGHTS.land(key, flight, landing)
            return result


class _Helper(Run[T]):
    """A run in a thread beside the caller's, which sends nothing more once the caller has given up."""

    __slots__ = ("_given_up",)

    def __init__(self, flow: Flow[T], transport: Transport, loop: object, given_up: threading.Event) -> None:
        super().__init__(flow, transport, loop)
        self._given_up = given_up

    def _perform(self, effect: Effect) -> Any:
        answer = super()._perform(effect)
        if self._given_up.is_set():  # while it waited: for a place, a token, or before another attempt
            raise SystemExit  # ends the thread without a word
        return answer


class Stream(Progress):
    """A reply that comes in events. Iterate it, or `collect()` what the unary call would have returned.

    Each item is a `Response` whose `result` holds the increment. A stream that ends before its end
    mark raises `StreamIncompleteError`, with what arrived in `error.partial`. Leaving a `with` block,
    `close()` and the end of the iteration free the connection.
    """

    def __init__(self, flow: Flow[None], transport: Transport) -> None:
        super().__init__()
        self._run = Run(flow, transport)
        self._pull()  # up to the first event, so that what fails before it fails in the call

    def __iter__(self) -> Iterator[Response]:
        return self

    def __next__(self) -> Response:
        if not self._ready:
            self._pull()
        if not self._ready:
            raise StopIteration
        return self._ready.popleft()

    def _pull(self) -> None:
        try:
            emitted = self._run.advance()
        except BaseException as error:
            if self._closed and isinstance(error, Exception):
                return  # someone else closed the stream while we were reading
            self._closed = True
            raise
        self._take(emitted)

    def collect(self) -> Response:
        """Read to the end and return the whole reply."""
        for _ in self:
            pass
        return self._collected()

    def close(self) -> None:
        """Free the connection at once; what was not read is given up."""
        self._closed = True
        self._ready.clear()
        self._run.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __del__(self) -> None:
        self._run.close()
