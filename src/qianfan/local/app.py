"""The platform as an ASGI application.

Each route has a service that answers its calls; those of the models stand in `inference`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl

from starlette.routing import Route, Router

from qianfan.local import inference, journal, oauth, rules, sse
from qianfan.local.connection import TRANSPORT
from qianfan.local.console import gate, signature, v2, visualdl
from qianfan.local.faults import sending
from qianfan.local.faults.answers import Struck
from qianfan.local.faults.sending import Line, Parcel
from qianfan.local.handler import Answering
from qianfan.local.v2 import exchange, images
from qianfan.local.v2 import gate as v2_gate
from qianfan.local.wire import DONE, JSON, BrokenOffError, Refusal, Reply, Request, parse, written

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Iterable, MutableMapping

    from starlette.types import Receive, Scope, Send

    from qianfan.local.journal import Call
    from qianfan.local.state import State
    from qianfan.local.wire import Json

T = TypeVar("T")

PREFIX = "/rpc/2.0/ai_custom/v1/wenxinworkshop"

UNSUPPORTED, BUSY = 3, 336100

MOST_BYTES = 4 * 1024 * 1024  # of a request's body

_NOT_FOUND, _TOO_LARGE = 404, 413
_STREAM = "text/event-stream; charset=utf-8"
_LONGEST_REQUEST_ID = 256

_log = logging.getLogger("qianfan")


def build(state: State, beside: Iterable[Route] = ()) -> Router:
    """Return the application that serves a platform's state, and what is served beside the wire."""
    nowhere = _Endpoint(state, "unknown", _Nowhere())
    return Router(
        [
            *(
                Route(f"{PREFIX}/{path}", _Endpoint(state, service.family, service, version=1))
                for service in inference.services(state)
                for path in service.paths
            ),
            *(
                Route(path, _Endpoint(state, service.kind, service, version=2))
                for service in v2_gate.services(state)
                for path in service.paths
            ),
            Route(f"{v2_gate.PREFIX}/models", _Endpoint(state, "models", v2_gate.Listing(state), version=2)),
            Route(images.PATH + "/{name}", _Endpoint(state, "file", images.Pictures(), version=2)),
            Route(oauth.PATH, _Endpoint(state, "token", _Tokens(state))),
            *_signed(state),
            *beside,  # not earlier: routes are tried one by one, and models are called most
            Route(PREFIX + "/{rest:path}", _Endpoint(state, "unknown", _Unsupported(), version=1)),
            Route(
                v2_gate.PREFIX + "/{rest:path}",
                _Endpoint(state, "unknown", v2_gate.Nowhere(state), version=2),
            ),
            Route("/{rest:path}", nowhere),
        ],
        redirect_slashes=False,
        default=nowhere,  # for `OPTIONS *`, and for paths in which an escape stands for the end of a line
    )


def _signed(state: State) -> list[Route]:
    """Return the routes that access keys open: the console's APIs and the exchange."""
    first, second = gate.V1(state.account, state.faults), gate.V2(state.account, state.faults)
    paths: list[tuple[str, str, int | None, Answering]] = [
        (gate.PREFIX + "/{rest:path}", "console", 1, first),
        *((f"/v2/{group}", "console", 2, second) for group in v2.ACTIONS),
        (visualdl.PATH, "console", None, gate.Curves(state.account)),
        (exchange.PATH, "exchange", None, exchange.Exchange(state.account, state.keys)),
    ]
    return [
        Route(path, _Endpoint(state, route, service, version=version))
        for path, route, version, service in paths
    ]


class _Tokens(Answering):
    """The token endpoint; it knows no layers but its own."""

    def __init__(self, state: State) -> None:
        self._registry = state.registry

    def reply(self, request: Request, call: Call) -> Reply:  # noqa: ARG002  # one shape for all services
        return self._registry.exchange(request)

    def coded(self, code: int | str, message: str) -> Reply:
        """Return the answer with an error code, as OAuth has it."""
        return oauth.coded(code, message)


class _Unsupported(Answering):
    """Whatever under the inference prefix is no service."""

    def reply(self, request: Request, call: Call) -> Reply:  # noqa: ARG002  # one shape for all services
        raise Refusal(UNSUPPORTED)


class _Nowhere(Answering):
    """Every other path."""

    def reply(self, request: Request, call: Call) -> Reply:  # noqa: ARG002  # one shape for all services
        raise Refusal(UNSUPPORTED, f"no such path on the local platform: {request.path}", status=_NOT_FOUND)


class _Endpoint:
    """The ASGI side of a service: reads the request, keeps the journal, sends the answer.

    Raw ASGI, since Starlette's request and response objects cost more than the answer itself.

    Args:
        state: The platform's state.
        route: What the journal calls these calls.
        service: What answers.
        version: Which API this is, 1 or 2; None for what both have in common.
    """

    def __init__(self, state: State, route: str, service: Answering, *, version: int | None = None) -> None:
        self._state = state
        self._route = route
        self._service = state.elsewhere.instead_of(route, service)
        self._version = version
        self._date = (0, b"")

    def coded(self, code: int | str, message: str) -> Reply:
        """Return the answer with an error code of any version, as this route has it."""
        return self._service.coded(code, message)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        if body is None:  # the caller is gone
            return
        started = time.perf_counter()
        request = _request(scope, body)
        call = journal.open_call(request, self._route, self._state.clock.now(), self._version)
        too_large = len(body) > MOST_BYTES
        if self._service.takes_time(request):
            answered = self._state.threads.start(lambda: self._answer(request, call, too_large=too_large))
            reply = self.coded(BUSY, "") if answered is None else await _unless_gone(answered, receive)
        else:
            reply = self._answer(request, call, too_large=too_large)
        if reply is not None and reply.later is not None:
            reply = await _unless_gone(self._later(request, reply), receive)
        if reply is None:  # nobody waits for it
            return
        ready = 0.0 if call.fault is None else max(self._state.clock.now(), call.time + reply.delay)
        self._state.journal.add(call, reply)  # from now on others see it, and may move the clock
        try:
            if call.fault is None or await self._befall(request, reply, call, started, ready, scope, receive):
                await self._send(request, reply, call, started, receive, send)
        finally:
            call.open = False

    async def _send(
        self, request: Request, reply: Reply, call: Call, started: float, receive: Receive, send: Send
    ) -> None:
        if reply.delay and not reply.is_stream:  # the head of a stream does not wait
            due = self._state.clock.wait_until(call.time + reply.delay)
            if not await _unless_gone(due, receive):
                return
        headers = self._headers(request, reply)
        send = self._state.elsewhere.listening(request, reply, call, started, send)
        start = {"type": "http.response.start", "status": reply.status, "headers": headers}
        if not reply.is_stream:
            content = reply.encoded()
            call.duration = time.perf_counter() - started
            headers.append((b"content-length", b"%d" % len(content)))
            await send(start)
            await send({"type": "http.response.body", "body": content})
            return
        await send(start)
        if reply.coming is None:
            await self._stream(reply, call, started, receive, send)
        else:
            await _unless_gone(self._relay(reply, reply.coming, call, started, send), receive)

    def _answer(self, request: Request, call: Call, *, too_large: bool) -> Reply:
        try:
            if too_large:
                message = f"the request body is larger than {MOST_BYTES} bytes"
                raise Refusal(rules.TOO_LONG, message, status=_TOO_LARGE)
            self._state.elsewhere.check(request)
            if not self._service.meets_faults:
                self._state.faults.meet(call)
            return self._service.reply(request, call)
        except Exception as error:  # noqa: BLE001  # the boundary: our fault must look like one of the platform's
            return self._failed(request, error)

    async def _later(self, request: Request, reply: Reply) -> Reply:
        """Return the answer that comes from elsewhere, with the headers that are known here."""
        assert reply.later is not None
        try:
            answered = await reply.later()
        except Exception as error:  # noqa: BLE001  # the boundary, as above
            answered = self._failed(request, error)
            answered.recordable = False
        answered.headers = {**reply.headers, **answered.headers}
        return answered

    def _failed(self, request: Request, error: Exception) -> Reply:
        if isinstance(error, Struck):
            return error.reply(self._service)
        if isinstance(error, Refusal):
            return self._service.refused(error)
        _log.error("the local platform failed on %s %s", request.method, request.path, exc_info=error)
        return self._service.refused(Refusal(self._service.internal))

    async def _stream(self, reply: Reply, call: Call, started: float, receive: Receive, send: Send) -> None:
        contents, clock = reply.contents(), self._state.clock
        reply.events = []  # the garbage collector would hold up everyone to walk over so many objects
        between, last = self._between(reply), len(contents) - 1
        gone = asyncio.ensure_future(receive())  # a disconnect, of theirs or by stop(), ends the wait
        try:
            for index, content in enumerate(contents):
                await asyncio.sleep(0)  # others have their turn, and a caller who is gone is seen to be
                if delay := reply.delay + between * min(index, last - reply.at_once):
                    await clock.wait_until(call.time + delay, unless=gone)
                if gone.done():
                    return
                self._state.journal.tell(call, content)
                if index == last:
                    call.duration = time.perf_counter() - started
                body, more = reply.framed(index, content, last), index < last
                await send({"type": "http.response.body", "body": body, "more_body": more})
        finally:
            gone.cancel()

    def _between(self, reply: Reply) -> float:
        """Return the seconds between the events of a stream."""
        return self._state.options.chunk_delay if reply.between is None else reply.between

    async def _relay(
        self,
        reply: Reply,
        events: AsyncGenerator[Json | bytes, None],
        call: Call,
        started: float,
        send: Send,
    ) -> None:
        """Send events at the moment they come; a refusal among them is the last."""
        end, tell = DONE if reply.done else b"", self._state.journal.tell
        async with contextlib.aclosing(events):
            try:
                async for event in events:
                    said, body = _told(event)
                    tell(call, said)
                    await send({"type": "http.response.body", "body": body, "more_body": True})
            except Refusal as refusal:
                reply.recordable = False
                said, end = _told(self._service.refused(refusal).body)
                tell(call, said)
            except BrokenOffError:  # as it was there, so it is here: the connection is closed
                return
        call.duration = time.perf_counter() - started
        await send({"type": "http.response.body", "body": end})

    async def _befall(
        self,
        request: Request,
        reply: Reply,
        call: Call,
        started: float,
        ready: float,
        scope: Scope,
        receive: Receive,
    ) -> bool:
        """Let an answer suffer its fault; return whether it is still to be sent, as every other."""
        assert call.fault is not None
        pieces, told = reply.pieces(), reply.contents()
        if reply.coming is not None and call.fault.spoils:
            gathered = await _unless_gone(self._gathered(reply, reply.coming, call, started), receive)
            if gathered is None:
                return False
            pieces, told = gathered

        def sent(index: int) -> None:
            if told:
                self._state.journal.tell(call, told[index])
            if index == len(pieces) - 1:
                call.duration = time.perf_counter() - started

        parcel = Parcel(
            reply.status,
            self._headers(request, reply),
            pieces if call.method != "HEAD" else [b""],
            is_stream=reply.is_stream,
            chunked=scope["http_version"] == "1.1",
            pause=self._between(reply),
        )
        gone = asyncio.ensure_future(receive())
        try:
            line = Line(scope["state"][TRANSPORT], gone, self._state.clock, ready)
            return await sending.befall(line, call.fault, parcel, sent)
        finally:
            gone.cancel()

    async def _gathered(
        self, reply: Reply, coming: AsyncGenerator[Json | bytes, None], call: Call, started: float
    ) -> tuple[list[bytes], list[bytes]]:
        """Wait for a stream that comes from elsewhere: a fault must know which event is the last."""
        bodies: list[bytes] = []
        told: list[bytes] = []
        draft = replace(call, answered=told, kept=False)

        async def keep(message: MutableMapping[str, Any]) -> None:
            bodies.append(message["body"])

        await self._relay(reply, coming, draft, started, keep)
        if len(bodies) > len(told):  # the end came by itself
            bodies[-2:] = [b"".join(bodies[-2:])]
        return bodies or [b""], told

    def _headers(self, request: Request, reply: Reply) -> list[tuple[bytes, bytes]]:
        headers = [
            (b"date", self._http_date(request)),
            (b"content-type", _media_type(reply).encode()),
            *((name.encode(), value.encode()) for name, value in reply.headers.items()),
        ]
        request_id = request.headers.get("request_id", "")
        if (
            request_id
            and len(request_id) <= _LONGEST_REQUEST_ID
            and request_id.isascii()
            and request_id.isprintable()
        ):
            headers.append((b"X-Baidu-Request-Id", request_id.encode()))
        return headers

    def _http_date(self, request: Request) -> bytes:
        # Signatures are judged by the machine's clock: whoever signs compares the two.
        is_signed = request.headers.get("authorization", "").startswith(signature.SCHEME)
        second = int(time.time() if is_signed else self._state.clock.now())
        if self._date[0] != second:
            self._date = (second, formatdate(second, usegmt=True).encode())
        return self._date[1]


def _media_type(reply: Reply) -> str:
    return reply.media_type or (_STREAM if reply.is_stream else JSON)


def _told(event: Json | bytes) -> tuple[bytes, bytes]:
    """Return what an event says, as JSON, and the event as it goes to the wire."""
    if isinstance(event, bytes):
        return sse.content(event), event
    said = written(event)
    return said, b"data: %b\n\n" % said


async def _unless_gone(coming: Awaitable[T], receive: Receive) -> T | None:
    """Wait for what is coming; where its caller is gone first, by stop() too, give it up: then None."""
    result = asyncio.ensure_future(coming)
    gone = asyncio.ensure_future(receive())
    either: list[asyncio.Future[Any]] = [result, gone]
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if result.done():
            return result.result()
        result.cancel()
        await asyncio.wait([result])  # it lets go of what it holds
        return None
    finally:
        gone.cancel()


async def _read(receive: Receive) -> bytes | None:
    """Return the body, cut just above the most bytes; None if the caller went away."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > MOST_BYTES or not message.get("more_body"):
            return bytes(body)


def _request(scope: Scope, body: bytes) -> Request:
    query: dict[str, str] = {}
    for name, value in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True):
        query.setdefault(name, value)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    target = scope["raw_path"].decode("latin-1")
    if scope["query_string"]:
        target += "?" + scope["query_string"].decode("latin-1")
    received: list[tuple[bytes, bytes]] = list(scope["headers"])
    return Request(scope["method"], scope["path"], query, headers, body, parse(body), target, received)
