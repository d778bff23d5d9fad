"""One connection: uvicorn's HTTP protocol, with an end to whatever a client could draw out.

What is no request, or too slow or too large a one, is answered in the platform's own shape.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

import httptools
import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from qianfan.local.wire import JSON, Refusal

if TYPE_CHECKING:
    import asyncio

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

#: What the `state` of a request calls its connection, and whether there are too many of them.
TRANSPORT, IS_SURPLUS = "transport", "is_surplus"

_HEADER = 32  # bytes that a header takes besides what it says

_MALFORMED, _TOO_SLOW, _TOO_LARGE = 400, 408, 431

#: By HTTP status: the code, and what is wrong.
_COMPLAINTS = {
    _MALFORMED: (336008, "what came is no HTTP request"),
    _TOO_SLOW: (336008, "the request did not come to its end in time"),
    _TOO_LARGE: (336007, "the request's line and headers are too large"),
}


class Limits(NamedTuple):
    """What one client may take.

    Attributes:
        connections: Open connections; more are answered 503, and those beyond twice as many cut.
        head: Bytes of a request that are no body: its line and headers.
        pipelined: Requests of a connection that wait for the answers to those before them.
        request: Seconds from the first byte of a request to its last.
        reading: Seconds in which a client that does not read its answer must read some.
        idle: Seconds a connection without a request stays open, longer than clients usually keep theirs.
    """

    connections: int = 1000
    head: int = 32 * 1024
    pipelined: int = 100
    request: float = 30.0
    reading: float = 60.0
    idle: int = 75


class Connection(HttpToolsProtocol):
    """A connection.

    Args:
        limits: What its client may take.
        *args: What uvicorn gives its protocols.
    """

    def __init__(self, *args: Any, limits: Limits, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parser = _Parser(self)
        self.access_log = False  # which is the process's, and not about this platform
        self.timeout_keep_alive = limits.idle
        self._limits = limits
        self._head = 0  # bytes of the request's head so far
        self._unparsed = 0  # bytes that the parser keeps to itself
        self._is_whole = False  # whether all that came belongs to whole requests
        self._is_closed = False  # to requests: whatever comes now is dropped
        self._answering: RequestResponseCycle | None = None  # the first; those in the pipeline come after it
        self._request_due: asyncio.TimerHandle | None = None
        self._reading_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Expect a request; those that come by this connection can reach it: faults break it."""
        super().connection_made(transport)
        count, most = len(self.connections), self._limits.connections
        if count > 2 * most:
            transport.abort()
            return
        self.app_state = {**self.app_state, TRANSPORT: transport}
        if count > most:
            self.app_state[IS_SURPLUS] = True
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any longer."""
        self._stop_expecting()
        self._stop_watching()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)
        cycle = self._answering
        if cycle is not None and not cycle.response_complete:  # uvicorn tells the last request only
            cycle.disconnected = True
            cycle.message_event.set()

    def data_received(self, data: bytes) -> None:
        """Parse what came, unless the connection is closed to requests."""
        if self._is_closed:
            return
        self._is_whole = False
        self._unparsed += len(data)
        super().data_received(data)
        if self._unparsed > self._limits.head:
            self._refuse(_TOO_LARGE)
        elif self._is_whole:
            self._stop_expecting()
        elif self._request_due is None:
            self._expect()

    def on_message_begin(self) -> None:
        """Begin to count."""
        self._is_whole = False
        self._head = self._unparsed = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Count a part of the request's line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header, or a trailer."""
        self._count(len(name) + len(value) + _HEADER)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start to answer, or let the request wait for its turn, if there are not too many that do."""
        if self.parser.get_method() == b"CONNECT":  # it is no proxy
            raise _NoRequestError
        if self.parser.should_upgrade():  # the head comes again, without that wish
            return
        super().on_headers_complete()
        if len(self.pipeline) > self._limits.pipelined:
            raise _NoRequestError

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for the rest no longer."""
        if self.parser.should_upgrade():
            return
        self._is_whole = True
        self._stop_expecting()
        super().on_message_complete()

    def plain_head(self) -> bytes:
        """Return the head of the request without the wish for another protocol."""
        kept = [b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        version = self.parser.get_http_version().encode()
        return b"%b %b HTTP/%b\r\n%b\r\n" % (self.parser.get_method(), self.url, version, b"".join(kept))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """Go on with the next request; where there is none to be, see that the answer is read."""
        super().on_response_complete()
        if self.transport.is_closing() and self.transport.get_write_buffer_size():
            self._watch()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # the words are uvicorn's
        """Refuse what is no HTTP."""
        self._refuse(_TOO_LARGE if self._head > self._limits.head else _MALFORMED)

    def pause_writing(self) -> None:
        """Have the client read some of its answer."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """Go on to write."""
        self._stop_watching()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that nobody uses."""
        self._close()

    def _count(self, size: int) -> None:
        self._unparsed = 0
        self._head += size
        if self._head > self._limits.head:
            raise _NoRequestError

    def _expect(self) -> None:
        self._request_due = self.loop.call_later(self._limits.request, self._lose_patience)

    def _stop_expecting(self) -> None:
        if self._request_due is not None:
            self._request_due.cancel()
            self._request_due = None

    def _lose_patience(self) -> None:
        self._request_due = None
        if self._is_answering():  # what comes behind its request has time until it is answered
            self._expect()
        elif self.scope is None:  # not a byte has come
            self._close()
        else:
            self._refuse(_TOO_SLOW)

    def _is_answering(self) -> bool:
        """Return whether a whole request is being answered."""
        cycle = self._answering
        return cycle is not None and not cycle.more_body and not cycle.response_complete

    def _watch(self) -> None:
        if self._reading_due is None:
            self._reading_due = self.loop.call_later(self._limits.reading, self.transport.abort)

    def _stop_watching(self) -> None:
        if self._reading_due is not None:
            self._reading_due.cancel()
            self._reading_due = None

    def _refuse(self, status: int) -> None:
        """Answer what is no request, or never will be one, and close; what was asked before is answered first."""
        self._is_closed = True
        self._stop_expecting()
        if self._is_answering():
            self._last().keep_alive = False
            return
        cycle = self._answering
        # A request may be answered before its end, since it was too large; that is not done twice.
        if cycle is None or not cycle.response_started or not cycle.more_body:
            self.transport.write(_refusal(status))
        self._close()

    def _last(self) -> RequestResponseCycle:
        """Return the last whole request that is being answered or will be, and forget the begun one behind it."""
        if self.pipeline and self.pipeline[0][0].more_body:
            self.pipeline.popleft()
        cycle = self.pipeline[0][0] if self.pipeline else self._answering
        assert cycle is not None
        return cycle

    def _close(self) -> None:
        if self.transport.get_write_buffer_size():  # which nobody reads
            self.transport.abort()
        else:
            self.transport.close()


class _NoRequestError(Exception):
    """Raised within the parser, to end it: this is no request that could be answered."""


class _Parser(httptools.HttpRequestParser):
    """The parser of a connection that stays with HTTP/1.1, whatever its client wishes (`Upgrade`).

    httptools takes whatever follows the head for another protocol then, the request's body too.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._connection = connection
        with contextlib.suppress(AttributeError):  # httptools < 0.6.3; as uvicorn does
            self.set_dangerous_leniencies(lenient_data_after_close=True)

    def feed_data(self, data: Any) -> None:
        """Parse what came."""
        try:
            super().feed_data(data)
        except httptools.HttpParserUpgrade as wish:
            super().feed_data(self._connection.plain_head())
            self.feed_data(data[wish.args[0] :])


def _refusal(status: int) -> bytes:
    code, message = _COMPLAINTS[status]
    body = orjson.dumps(Refusal(code, message).reply().body)
    head = b"content-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % (JSON.encode(), len(body))
    return STATUS_LINE[status] + head + body
