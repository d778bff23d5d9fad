"""The way of every call, written once: reserve, authorise, send, judge, decode.

What one call needs stands in an `Exchange`; what a service speaks stands in its dialect.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from qianfan.core.effects import NOW, Emit, Flow, Open, Receive, Reserve, Send, Sleep
from qianfan.core.http import Reply, Request, described, redact
from qianfan.core.ledger import REFUSED, SILENT, UNSENT, UNTOLD, Used, told
from qianfan.core.retry import RetryPolicy, Trial
from qianfan.core.sse import EventDecoder
from qianfan.errors import (
    APIError,
    BudgetExceededError,
    ConnectionFailedError,
    QianfanError,
    StreamIncompleteError,
)
from qianfan.response import Headers, RateLimits, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from qianfan.core.ledger import Budget, Ledger
    from qianfan.core.limits import Place, RateLimiter
    from qianfan.core.sse import Event

T = TypeVar("T")

_LINGER = 0.5  # seconds to wait, after the last event, for the body's end that frees the connection


class Auth(Protocol):
    """How a request gets its credential, and what to do when the service refuses it."""

    @property
    def secrets(self) -> Sequence[str]:
        """What must appear in no error."""
        ...

    @property
    def ages(self) -> bool:
        """Whether a request must get its credential anew after a wait."""
        ...

    def authorise(self, request: Request, deadline: float, policy: RetryPolicy) -> Flow[Request]:
        """Return the request with its credential, fetched by the deadline and policy where needed."""
        ...

    def access_token(self, timeout: float) -> Flow[str]:
        """Return the access token that requests carry, or an empty string."""
        ...

    def renew(self, error: QianfanError, request: Request) -> bool:
        """Forget what the service refused in a request; say whether a new credential may cure it."""
        ...


class Dialect(Protocol):
    """What a service's replies mean: pure functions."""

    def decode(self, reply: Reply) -> Response:
        """Return a whole reply, or raise the error it reports."""
        ...

    def reading(self, head: Reply) -> Reading:
        """Return what reads a stream of events."""
        ...


class Reading(Protocol):
    """The events of one stream: decoded one by one, and summed up."""

    @property
    def usage(self) -> Any:
        """What the events so far say of the tokens used, or None."""
        ...

    def take(self, event: Event, ready: list[Response]) -> bool:
        """Add what an event says to those that are ready, or raise the error it reports; say whether it was the last."""
        ...

    def finish(self, ready: list[Response]) -> bool:
        """Add what was held back, as no further event comes; say whether the stream is whole."""
        ...

    def add(self, event: Response) -> bool:
        """Add an event to the sum; say whether it was the last."""
        ...

    def reply(self) -> Response:
        """Return what the unary call would have returned."""
        ...


@dataclass(slots=True)
class Exchange:
    """One call: what to send, and under which rules.

    `timeout` (seconds) bounds an attempt; of a stream, the wait for each event after the first.
    `tokens` is what it is thought to use, `place` that of the latest attempt in the limiter.
    `patient` says that the wait for a place is no part of that time, and has no end.
    `notice` is told of every attempt that failed. What attempts use goes into `ledger`, under the
    name of the `model`; what they may use has to fit into the `budgets`.
    """

    request: Request
    auth: Auth
    policy: RetryPolicy
    timeout: float
    limiter: RateLimiter | None = None
    tokens: int = 0
    place: Place | None = None
    patient: bool = False
    notice: Callable[[QianfanError], None] | None = None
    ledger: Ledger | None = None
    model: str = ""
    budgets: tuple[Budget, ...] = ()
    chance: Callable[[], float] = random.random

    def begun(self, trial: Trial | None) -> None:
        """Hold in the budgets what an attempt may use, or raise with what was tried before."""
        if self.ledger is not None:
            try:
                self.ledger.reserve(self.budgets, self.tokens)
            except BudgetExceededError as error:
                error.attempts = tuple(trial.attempts) if trial is not None else ()
                raise

    def missed(self, failure: QianfanError, *, sent: bool) -> None:
        """Tell of an attempt that failed: a refusal used nothing, silence may have."""
        if self.notice is not None:
            self.notice(failure)
        refused = isinstance(failure, APIError)
        if not sent or (isinstance(failure, ConnectionFailedError) and not failure.sent):
            self._used(UNSENT)
        else:
            self._used(REFUSED if refused else SILENT)
        if self.limiter is not None and self.place is not None:
            if refused:
                self.limiter.settle(self.place, 0)
            if self.limiter.adaptive:
                self.limiter.learn(failure.rate_limit, self.place.left)

    def broken_off(self, *, sent: bool) -> None:
        """Tell of an attempt that was broken off here: cancelled, interrupted."""
        self._used(UNTOLD if sent else UNSENT)

    def answered(self, used: Used, reply: Response | Reply) -> None:
        """Tell what an attempt used, and what its reply says of rate limits."""
        self._used(used)
        if self.limiter is not None and self.place is not None:
            if used.total_tokens or not used.untold:
                self.limiter.settle(self.place, used.total_tokens)
            if self.limiter.adaptive:
                self.limiter.learn(RateLimits.told(reply.headers), self.place.left)

    def _used(self, used: Used) -> None:
        if self.ledger is not None:
            self.ledger.settle(self.model, used, self.budgets, self.tokens)


def unary(exchange: Exchange, decode: Callable[[Reply], T], deadline: float | None = None) -> Flow[T]:
    """Return what the reply to one call says, by a deadline for all attempts; by default the timeout's."""

    def fetch(request: Request, by: float) -> Flow[T]:
        reply: Reply = yield Send(request, by)
        return decode(reply)

    started: float = yield NOW
    result = yield from _call(exchange, fetch, started, deadline or started + exchange.timeout)
    if isinstance(result, Response):
        exchange.answered(told(result.body.get("usage")), result)
    return result


def later(make: Callable[..., Flow[T]], *arguments: Any) -> Flow[T]:
    """Return a flow that is made when it begins."""
    return (yield from make(*arguments))


def stream(exchange: Exchange, dialect: Dialect) -> Flow[None]:
    """Emit the events of one call: the first inside the retries, the others after."""
    token = ""

    def open_(request: Request, by: float) -> Flow[_Incoming]:
        nonlocal token
        token = request.token
        head: Reply = yield Open(request, by)
        return (yield from _first_events(head, dialect))

    started: float = yield NOW
    deadline = started + exchange.timeout
    trial = Trial(exchange.policy, deadline, exchange.chance)
    incoming = yield from _call(exchange, open_, started, deadline, trial)
    failure: QianfanError | None = None
    try:
        yield from incoming.emit(exchange.timeout)
    except QianfanError as error:
        failure = error
    finally:  # a stream that is closed early used something too
        used = told(incoming.reading.usage, whole=incoming.ended, failed=failure is not None)
        exchange.answered(used, incoming.head)
    if failure is None:
        return
    # The token of this stream too, as above: another call may have renewed it meanwhile.
    failure = _cleaned(failure, [*exchange.auth.secrets, token])
    raise trial.ended(failure, trial.started, (yield NOW))


def _call(
    exchange: Exchange,
    step: Callable[[Request, float], Flow[T]],
    started: float,
    deadline: float,
    trial: Trial | None = None,
) -> Flow[T]:
    """Take a step until it succeeds or its failure is final. Most calls never fail and need no trial."""
    while True:
        by = min(deadline, started + exchange.timeout)
        if trial is not None:
            trial.started = started
        # A failure in here is final: what authorises has tried again by the same policy.
        request = yield from exchange.auth.authorise(exchange.request, by, exchange.policy)
        if exchange.budgets:
            exchange.begun(trial)
        sent = False
        try:
            if exchange.limiter is not None:
                exchange.place = yield Reserve(
                    exchange.limiter, exchange.tokens, inf if exchange.patient else by
                )
                if exchange.patient:
                    began, started = started, (yield NOW)
                    deadline += started - began
                    by = min(deadline, started + exchange.timeout)
                if exchange.auth.ages:
                    # Again, since signatures age while one waits; and before, so that fetching a token
                    # does not stand between the place and the sending.
                    request = yield from exchange.auth.authorise(exchange.request, by, exchange.policy)
            sent = True
            return (yield from step(request, by))
        except QianfanError as error:
            # The token of this attempt too: another call may have renewed it meanwhile.
            failure = _cleaned(error, [*exchange.auth.secrets, request.token])
            exchange.missed(failure, sent=sent)
        except BaseException:
            exchange.broken_off(sent=sent)
            raise
        # Outside the `except`, so that a raised error drags no earlier one along in its traceback.
        renewed = exchange.auth.renew(failure, request)
        trial = trial or Trial(exchange.policy, deadline, exchange.chance)
        trial.deadline = deadline
        pause = trial.judge(failure, started, (yield NOW), renewed=renewed)
        yield Sleep(pause, failure)
        started = yield NOW


def _first_events(head: Reply, dialect: Dialect) -> Flow[_Incoming]:
    """Read a stream up to its first event, so that what fails before it can be tried again."""
    incoming = _Incoming(dialect, head)
    if "text/event-stream" not in head.headers.get("Content-Type", "").lower():
        body = b"".join((yield from _drain()))
        incoming.add_whole(dialect.decode(Reply(head.status, head.headers, body)))
        return incoming
    while not (incoming.ready or incoming.failure or incoming.closed):
        incoming.feed((yield Receive(None)))
    if incoming.ready:
        return incoming
    raise incoming.failure or ConnectionFailedError(
        "the stream ended before its first event", status=head.status
    )


def _drain() -> Flow[list[bytes]]:
    chunks: list[bytes] = []
    while chunk := (yield Receive(None)):
        chunks.append(chunk)
    return chunks


class _Incoming:
    """An open stream: bytes in, events out, and their sum kept."""

    __slots__ = ("closed", "decoder", "ended", "failure", "head", "reading", "ready")

    def __init__(self, dialect: Dialect, head: Reply) -> None:
        self.head = head
        self.decoder = EventDecoder()
        self.reading = dialect.reading(head)
        self.ready: list[Response] = []
        self.ended = False  # the end mark was seen
        self.closed = False  # the body is over
        self.failure: QianfanError | None = None

    def feed(self, chunk: bytes) -> None:
        """Take bytes in; b"" is the end of the body. A failure waits until what came before it is out."""
        events = self.decoder.feed(chunk) if chunk else self.decoder.close()
        self.closed = not chunk
        take, ready = self.reading.take, self.ready
        try:
            for event in events:
                if take(event, ready):
                    self.ended = True
                    break
        except QianfanError as error:
            # Half an event at the end of the body is no wrong event but a cut one.
            if chunk or isinstance(error, APIError):
                self.failure = error
        if not chunk and not self.ended and self.failure is None:
            self.ended = self.reading.finish(ready)

    def broken(self, failure: QianfanError) -> None:
        """Take in that the reading failed, which does not matter where all that counts had come."""
        self.ended = self.reading.finish(self.ready)
        if not self.ended:
            self.failure = failure

    def add_whole(self, reply: Response) -> None:
        """Take a whole reply in as the stream's one event: some services ignore `stream`."""
        self.reading.add(reply)
        self.ready.append(reply)
        self.ended = self.closed = True

    def emit(self, timeout: float) -> Flow[None]:
        """Emit what is ready and what follows, up to the end mark."""
        while True:
            fresh = bool(self.ready)
            if fresh:
                items, self.ready = self.ready, []
                yield Emit(items, self.reading, self.ended)
            if self.failure or self.ended or self.closed:
                break
            try:
                # Bytes that complete no event, such as comments, do not prolong the wait for the next.
                self.feed((yield Receive(timeout if fresh else None)))
            except QianfanError as error:
                self.broken(error)
        if self.ended:
            yield from self._finish()
        else:
            raise self._incomplete()

    def _finish(self) -> Flow[None]:
        """Read the body's end, if it is near, so that the connection can serve again."""
        try:
            wait: float | None = _LINGER
            while not self.closed:
                self.closed = not (yield Receive(wait))
                wait = None
        except QianfanError:
            pass  # the reply is whole; what the connection does now is its own affair

    def _incomplete(self) -> QianfanError:
        error = self.failure
        if error is None or isinstance(error, ConnectionFailedError):
            reason = f": {error.message}" if error else ""
            return described(
                incomplete(f"the stream ended before its end mark{reason}", self.reading.reply()), self.head
            )
        error.partial = self.reading.reply()
        return error


def incomplete(message: str, partial: Response) -> StreamIncompleteError:
    """Return the error for a stream without its end."""
    error = StreamIncompleteError(
        message, hint="已收到的部分在 error.partial (what arrived is in error.partial)"
    )
    error.partial = partial
    return error


def _cleaned(error: QianfanError, secrets: Sequence[str]) -> QianfanError:
    """Mask the call's secrets in an error, should the service have echoed one."""
    for name, value in vars(error).items():
        if isinstance(value, str):  # message, code, request id, body: all that the service had a say in
            setattr(error, name, redact(value, secrets))
    error.args = tuple(redact(arg, secrets) if isinstance(arg, str) else arg for arg in error.args)
    error.headers = Headers({name: redact(value, secrets) for name, value in error.headers.items()})
    return error
