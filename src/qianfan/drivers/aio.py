"""Runs flows in the event loop that calls: the async twin of `sync`, and nothing more."""

from __future__ import annotations

import asyncio
from collections import deque
from math import inf
from time import monotonic, time
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from qianfan.core.effects import Date, Emit, Now, Once, Open, Provide, Receive, Reserve, Send, Sleep, Together
from qianfan.drivers.failures import timed_out
from qianfan.drivers.progress import Progress
from qianfan.drivers.provider import provided
from qianfan.drivers.shared import FLIGHTS, LIMITS, Landing
from qianfan.errors import QianfanError
from qianfan.log import log, log_attempt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence

    from typing_extensions import Self

    from qianfan.core.effects import Effect, Flow
    from qianfan.core.limits import Place, RateLimiter
    from qianfan.drivers.transport_aiohttp import AiohttpTransport, OpenBody
    from qianfan.response import Response

T = TypeVar("T")


#: An event loop wakes up to a millisecond late; what is left of a wait passes in turns of the loop.
_GRAIN = 0.001


class _Bell:
    """Wakes one task, from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._rung = asyncio.Event()

    def ring(self) -> bool:
        """Wake the task; say whether it can hear, which it cannot where its loop is closed."""
        try:
            self._loop.call_soon_threadsafe(self._rung.set)
        except RuntimeError:
            return False
        return True

    async def wait(self, seconds: float) -> None:
        """Wait for the bell, for so many seconds at most and not quite to their end."""
        if seconds <= _GRAIN:
            await asyncio.sleep(0)
            return
        timer = self._loop.call_later(seconds - _GRAIN, self._rung.set)
        try:
            await self._rung.wait()
        finally:
            timer.cancel()
        self._rung.clear()


def run(flow: Flow[T], transport: AiohttpTransport) -> Awaitable[T]:
    """Run a flow that emits nothing to its end and return its result when awaited."""
    return Run(flow, transport).advance()  # type: ignore[return-value]  # only a stream's flow emits


class Run(Generic[T]):
    """One flow on its way, and the body it may hold open."""

    __slots__ = ("_body", "_flow", "_transport")

    def __init__(self, flow: Flow[T], transport: AiohttpTransport) -> None:
        self._flow = flow
        self._transport = transport
        self._body: OpenBody | None = None

    async def advance(self) -> Emit | T:
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
                        answer = await transport.send(*effect)
                        log_attempt(effect.request, answer)
                    elif isinstance(effect, Emit):
                        return effect
                    else:
                        answer = await self._perform(effect)
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
        self._flow.close()

    def _free(self) -> None:
        body, self._body = self._body, None
        if body is not None:
            body.close()

    async def _perform(self, effect: Effect) -> Any:
        match effect:
            case Receive(timeout):
                assert self._body is not None, "a flow receives what it has opened"
                return await self._body.receive(None if timeout is None else monotonic() + timeout)
            case Open(request, deadline):
                self._free()
                head, self._body = await self._transport.open(request, deadline)
                log_attempt(request, head)
                return head
            case Date():
                return time()
            case Sleep(seconds, failure):
                if failure is not None:
                    log.info("retry in %.2f s after %s", seconds, failure)
                await asyncio.sleep(seconds)
            case Provide(provider, deadline):
                return await provided(provider, deadline)
            case Reserve(limiter, tokens, deadline):
                return await self._reserve(limiter, tokens, deadline)
            case Together(flows, at_once):
                return await self._together(flows, at_once)
            case Once(key, flow, deadline):
                return await self._once(key, flow, deadline)
        return None

    async def _reserve(self, limiter: RateLimiter, tokens: int, deadline: float) -> Place:
        with LIMITS.lock:
            place = limiter.enter(tokens)
            wait = limiter.ask(place, monotonic(), deadline)
        if wait:
            await self._queue(limiter, place, deadline)
        limiter.leave(monotonic())
        return place

    async def _queue(self, limiter: RateLimiter, place: Place, deadline: float) -> None:
        bell = _Bell()
        place.ring = bell.ring
        try:
            while True:
                with LIMITS.lock:
                    wait = limiter.ask(place, monotonic(), deadline)
                if not wait:
                    return
                if wait == inf:
                    raise timed_out("place in the rate limit")
                await bell.wait(wait)
        except BaseException:
            limiter.abandon(place)
            raise

    async def _together(self, flows: Sequence[Flow[Any]], at_once: int) -> list[Any]:
        """Run flows in this task and, beside it, in others that live as long as there is work."""
        outcomes: list[Any] = [None] * len(flows)
        todo = deque(enumerate(flows))

        async def work() -> None:
            while todo:
                index, flow = todo.popleft()
                try:
                    outcomes[index] = await run(flow, self._transport)
                except Exception as error:  # noqa: BLE001  # the caller's flow judges
                    outcomes[index] = error
                    todo.clear()

        helpers = [asyncio.ensure_future(work()) for _ in range(min(at_once, len(flows)) - 1)]
        try:
            await work()
            await asyncio.gather(*helpers)
        except BaseException:
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            raise
        return outcomes

    async def _once(self, key: Hashable, flow: Callable[[], Flow[Any]], deadline: float) -> Any:
        while True:
            flight, leads = FLIGHTS.join(key, asyncio.get_running_loop(), blocking=False)
            if not leads:
                try:
                    landing = await asyncio.wait_for(
                        asyncio.wrap_future(flight.landing), max(0.0, deadline - monotonic())
                    )
                except asyncio.TimeoutError:
                    raise timed_out("access token") from None
                if landing is not None:
                    return landing.unpack()
                continue
            landing = None
            try:
                result = await run(flow(), self._transport)
                landing = Landing(result)
            except QianfanError as error:
                landing = Landing.failed(error, late=monotonic() >= deadline)
                raise
            finally:
                FLIGHTS.land(key, flight, landing)
            return result


class AsyncStream(Progress):
    """The async twin of `Stream`: `async for`, `await acollect()`, `async with`, `await aclose()`."""

    def __init__(self, flow: Flow[None], transport: AiohttpTransport) -> None:
        super().__init__()
        self._run = Run(flow, transport)

    @classmethod
    async def open(cls, flow: Flow[None], transport: AiohttpTransport) -> Self:
        """Return a stream up to its first event, so that what fails before it fails in the call."""
        stream = cls(flow, transport)
        await stream._pull()
        return stream

    def __aiter__(self) -> AsyncIterator[Response]:
        return self

    async def __anext__(self) -> Response:
        if not self._ready:
            await self._pull()
        if not self._ready:
            raise StopAsyncIteration
        return self._ready.popleft()

    async def _pull(self) -> None:
        try:
            emitted = await self._run.advance()
        except BaseException as error:
            if self._closed and isinstance(error, Exception):
                return  # someone else closed the stream while we were reading
            self._closed = True
            raise
        self._take(emitted)

    async def acollect(self) -> Response:
        """Read to the end and return the whole reply."""
        async for _ in self:
            pass
        return self._collected()

    async def aclose(self) -> None:
        """Free the connection at once; what was not read is given up."""
        self._closed = True
        self._ready.clear()
        self._run.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        self._run.close()
