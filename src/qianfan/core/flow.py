"""The way of every call, written once: reserve, authorise, send, judge, decode.

What one call needs stands in an `Exchange`; what a service speaks stands in its dialect.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from qianfan.core.effects import Emit, Flow, Reserve, Sleep, now, open_, receive, send
from qianfan.core.http import Reply, Request, redact
from qianfan.core.retry import RetryPolicy, Trial
from qianfan.core.sse import EventDecoder
from qianfan.errors import ConnectionFailedError, QianfanError, RequestError, StreamIncompleteError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from qianfan.core.limits import RateLimit
    from qianfan.core.sse import Event
    from qianfan.response import Merger, Response

T = TypeVar("T")

_LINGER = 0.5  # seconds to wait, after the last event, for the body's end that frees the connection


class Auth(Protocol):
    """How a request gets its credential, and what to do when the service refuses it."""

    @property
    def secrets(self) -> Sequence[str]:
        """What must appear in no error."""
        ...

    def authorise(self, request: Request, deadline: float) -> Flow[Request]:
        """Return the request with its credential."""
        ...

    def access_token(self, timeout: float) -> Flow[str]:
        """Return the access token that requests carry, or an empty string."""
        ...

    def renew(self, error: QianfanError, request: Request) -> bool:
        """Forget what the service refused in a request; say whether a new credential may cure it."""
        ...


class Decoder(Protocol):
    """What a service's whole replies mean: a pure function."""

    def decode(self, reply: Reply) -> Any:
        """Return the result of a reply, or raise the error it reports."""
        ...


class StreamDecoder(Decoder, Protocol):
    """What a service's streams mean: pure functions."""

    def decode_event(self, head: Reply, event: Event) -> Response:
        """Return one event of a stream, or raise the error it reports."""
        ...

    def merger(self, head: Reply) -> Merger:
        """Return an empty sum of a stream's events."""
        ...


D = TypeVar("D", bound=Decoder, covariant=True)


@dataclass(slots=True)
class Exchange(Generic[D]):
    """One call: what to send, how, and under which rules.

    `timeout` (seconds) bounds a unary call with all its attempts; of a stream, the wait for each event.
    """

    request: Request
    dialect: D
    auth: Auth
    policy: RetryPolicy
    timeout: float
    limit: RateLimit | None = None
    chance: Callable[[], float] = random.random


def unary(exchange: Exchange[Decoder]) -> Flow[Any]:
    """Return the reply to one call."""
    started = yield from now()
    return (yield from _call(exchange, _fetch, started, started + exchange.timeout))


def stream(exchange: Exchange[StreamDecoder]) -> Flow[None]:
    """Emit the events of one call: the first inside the retries, the others after."""
    started = yield from now()
    incoming = yield from _call(exchange, _open, started, inf)
    try:
        yield from incoming.emit(exchange.timeout)
    except QianfanError as error:
        failure = error
    else:
        return
    raise _cleaned(failure, exchange.auth)


def _call(
    exchange: Exchange[D],
    step: Callable[[Exchange[D], Request, float], Flow[T]],
    started: float,
    deadline: float,
) -> Flow[T]:
    """Take a step until it succeeds or its failure is final."""
    trial = Trial(exchange.policy, deadline, exchange.chance)
    request = exchange.request
    while True:
        by = min(deadline, started + exchange.timeout)
        try:
            if exchange.limit is not None:
                yield Reserve(exchange.limit, by)
            request = yield from exchange.auth.authorise(exchange.request, by)
            return (yield from step(exchange, request, by))
        except QianfanError as error:
            failure = _cleaned(error, exchange.auth)
        # Outside the `except`, so that a raised error drags no earlier one along in its traceback.
        renewed = exchange.auth.renew(failure, request)
        pause = trial.judge(failure, started, (yield from now()), renewed=renewed)
        yield Sleep(pause, failure)
        started = yield from now()


def _fetch(exchange: Exchange[Decoder], request: Request, by: float) -> Flow[Any]:
    return exchange.dialect.decode((yield from send(request, by)))


def _open(exchange: Exchange[StreamDecoder], request: Request, by: float) -> Flow[_Incoming]:
    """Open a stream and read up to its first event, so that what fails before it can be tried again."""
    head = yield from open_(request, by)
    incoming = _Incoming(exchange.dialect, head)
    if "text/event-stream" not in head.headers.get("Content-Type", ""):
        body = b"".join((yield from _drain()))
        incoming.add_whole(exchange.dialect.decode(Reply(head.status, head.headers, body)))
        return incoming
    while not incoming.ready and not incoming.failure:
        chunk = yield from receive(None)
        incoming.feed(chunk)
        if not chunk:
            break
    if incoming.ready:
        return incoming
    raise incoming.failure or ConnectionFailedError("the stream ended before its first event", status=head.status)


def _drain() -> Flow[list[bytes]]:
    chunks: list[bytes] = []
    while chunk := (yield from receive(None)):
        chunks.append(chunk)
    return chunks


class _Incoming:
    """An open stream: bytes in, events out, and their sum kept."""

    __slots__ = ("closed", "decoder", "dialect", "ended", "failure", "head", "merger", "ready")

    def __init__(self, dialect: StreamDecoder, head: Reply) -> None:
        self.dialect = dialect
        self.head = head
        self.decoder = EventDecoder()
        self.merger = dialect.merger(head)
        self.ready: list[Response] = []
        self.ended = False  # the end mark was seen
        self.closed = False  # the body is over
        self.failure: QianfanError | None = None

    def feed(self, chunk: bytes) -> None:
        """Take bytes in; b"" is the end of the body. A failure waits until what came before it is out."""
        events = self.decoder.feed(chunk) if chunk else self.decoder.close()
        self.closed = not chunk
        try:
            for event in events:
                item = self.dialect.decode_event(self.head, event)
                self.ready.append(item)
                if self.merger.add(item):
                    self.ended = True
                    break
        except QianfanError as error:
            self.failure = error

    def add_whole(self, reply: Response) -> None:
        """Take a whole reply in as the stream's one event: some services ignore `stream`."""
        self.merger.add(reply)
        self.ready.append(reply)
        self.ended = self.closed = True

    def emit(self, timeout: float) -> Flow[None]:
        """Emit what is ready and what follows, up to the end mark."""
        while True:
            fresh = bool(self.ready)
            if fresh:
                items, self.ready = self.ready, []
                yield Emit(items, self.merger)
            if self.failure or self.ended or self.closed:
                break
            try:
                # Bytes that complete no event, such as comments, do not prolong the wait for the next.
                self.feed((yield from receive(timeout if fresh else None)))
            except QianfanError as error:
                self.failure = error
        if self.ended:
            yield from self._finish()
        else:
            raise self._incomplete()

    def _finish(self) -> Flow[None]:
        """Read the body's end, if it is near, so that the connection can serve again."""
        try:
            while not self.closed:
                self.closed = not (yield from receive(_LINGER))
        except QianfanError:
            pass  # the reply is whole; what the connection does now is its own affair

    def _incomplete(self) -> QianfanError:
        error = self.failure
        if error is None or isinstance(error, ConnectionFailedError):
            error = StreamIncompleteError(
                "the stream ended before its end mark" + (f": {error.message}" if error else ""),
                status=self.head.status,
                hint="已收到的部分在 error.partial (what arrived is in error.partial)",
            )
        error.partial = self.merger.reply()
        return error


def _cleaned(error: QianfanError, auth: Auth) -> QianfanError:
    """Mask the call's secrets in an error, should the service have echoed one."""
    error.message = redact(error.message, auth.secrets)
    error.args = tuple(redact(arg, auth.secrets) if isinstance(arg, str) else arg for arg in error.args)
    if isinstance(error, RequestError):
        error.body = redact(error.body, auth.secrets)
    return error
