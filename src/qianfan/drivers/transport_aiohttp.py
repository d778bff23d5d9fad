"""HTTP in asyncio: one aiohttp session for each event loop, closed with the loop."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import io
import socket
import sys
import weakref
from contextvars import ContextVar
from time import monotonic
from typing import TYPE_CHECKING, Any

from aiohttp import (
    AddrInfoType,
    ClientError,
    ClientOSError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    ServerDisconnectedError,
    TCPConnector,
)
from yarl import URL

from qianfan.core.http import Reply, Request
from qianfan.drivers import tls
from qianfan.drivers.failures import connection_failure, timed_out
from qianfan.drivers.shared import after_fork
from qianfan.drivers.sockets import CONNECT_TIMEOUT, HEADERS, IDLE_SECONDS, SOCKET_OPTIONS
from qianfan.errors import DeadConnectionError

if sys.version_info >= (3, 11):
    from asyncio import timeout_at
else:
    from async_timeout import timeout_at

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import AsyncGenerator, Awaitable
    from ssl import SSLContext

    from aiohttp import ClientResponse
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

    from qianfan.errors import QianfanError
    from qianfan.settings import Network

#: Whether the connection that the current task got last had served before.
_reused: ContextVar[bool] = ContextVar("qianfan_reused", default=False)

_AIOHTTP_ERRORS = (ClientError, OSError, asyncio.TimeoutError)

_LARGE = 2**20

#: Timers of a loop may ring this much early.
_CLOCK_STEP = 0.002

# Parsing a URL costs as much as the rest of a call; the addresses in use are few.
_parsed = functools.lru_cache(256)(functools.partial(URL, encoded=True))


class _Connector(TCPConnector):
    """A connector that knows which connections have served before, and which not to trust."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.transports: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()
        self._doubtful_until: dict[tuple[str | None, int | None], float] = {}

    def distrust(self, url: URL) -> None:
        """Use none of the connections to a host again that are kept now: one of them was found dead."""
        self._doubtful_until[url.host, url.port] = monotonic()

    def _doubtful(self, url: URL, used: float) -> bool:
        until = self._doubtful_until
        return bool(until) and used < until.get((url.host, url.port), 0)

    async def connect(self, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout) -> Connection:
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol: Any = connection.protocol
            used: float | None = getattr(protocol, "qianfan_used", None)
            protocol.qianfan_used = monotonic()
            if used is None:
                self.transports.add(protocol.transport)
                return connection
            # What came in while it was kept would pass for the answer to the next request.
            if not (protocol.should_close or self._doubtful(req.url, used)):
                _reused.set(True)
                return connection
            connection.close()


class AiohttpTransport:
    """Sends requests and reads replies in the event loop that calls."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._tls: SSLContext | None = None
        self._bodies: weakref.WeakSet[OpenBody] = weakref.WeakSet()
        self.forget()
        after_fork(self)

    def forget(self) -> None:
        """Start anew: a forked child has a loop, and connections, of its own."""
        self._sessions: dict[AbstractEventLoop, tuple[ClientSession, AsyncGenerator[None, None]]] = {}

    @property
    def has_sessions(self) -> bool:
        """Whether some loop has a session."""
        return bool(self._sessions)

    async def aclose(self) -> None:
        """Close the connections of the running loop."""
        _, closing = self._sessions.get(asyncio.get_running_loop(), (None, None))
        if closing is not None:
            await closing.aclose()

    async def send(self, request: Request, deadline: float) -> Reply:
        """Return the whole reply, or raise why there is none by the deadline (of `time.monotonic`)."""
        response = None
        try:
            session, _ = self._sessions.get(asyncio.get_running_loop()) or await self._new_session()
            remaining = deadline - monotonic()
            response = await self._request(session, request, remaining, total=remaining)
            return Reply(
                response.status, response.headers, await response.read()
            )  # its end frees the connection
        except _AIOHTTP_ERRORS as error:
            failure = self._translated(error, request, deadline, early=response is None)
        raise failure  # outside the `except`: what aiohttp raised may quote the URL, token and all

    async def open(self, request: Request, deadline: float) -> tuple[Reply, OpenBody]:
        """Return the reply's head and its body, still to be read."""
        try:
            session, _ = self._sessions.get(asyncio.get_running_loop()) or await self._new_session()
            async with timeout_at(_loop_time(deadline)):
                response = await self._request(session, request, deadline - monotonic(), total=None)
        except _AIOHTTP_ERRORS as error:
            failure = self._translated(error, request, deadline, early=True)
        else:
            body = OpenBody(response, request, deadline)
            self._bodies.add(body)
            return Reply(response.status, response.headers), body
        raise failure

    def _request(
        self, session: ClientSession, request: Request, remaining: float, *, total: float | None
    ) -> Awaitable[ClientResponse]:
        """Return what sends a request and gives the reply's head when it is awaited."""
        if remaining <= 0:
            raise asyncio.TimeoutError
        _reused.set(False)
        body = request.body
        return session.request(
            request.method,
            _parsed(request.url),
            # aiohttp warns of large bytes, though it sends them as well as it does a file of them.
            data=body if len(body) < _LARGE else io.BytesIO(body),
            headers=request.headers,
            allow_redirects=False,
            proxy=self._network.proxy,
            ssl=self._context() if request.url.startswith("https:") else True,
            timeout=ClientTimeout(
                total=total, sock_connect=min(remaining, CONNECT_TIMEOUT), ceil_threshold=float("inf")
            ),
        )

    def _translated(
        self, error: BaseException, request: Request, deadline: float, *, early: bool
    ) -> QianfanError:
        """Return our error for what aiohttp raised, early being before the reply's head."""
        dead = early and _reused.get() and isinstance(error, ServerDisconnectedError | ClientOSError)
        failure = _translated(error, request, deadline, self._network.proxy, dead=dead)
        if isinstance(failure, DeadConnectionError):
            connector: Any = self._sessions[asyncio.get_running_loop()][0].connector
            connector.distrust(_parsed(request.url))
        return failure

    def _context(self) -> SSLContext:
        if self._tls is None:
            self._tls = tls.context(self._network)
        return self._tls

    def drop_closed_loops(self) -> None:
        """Close what belongs to loops that were closed by hand, without `shutdown_asyncgens`."""
        for loop in [loop for loop in self._sessions if loop.is_closed()]:
            session, _ = self._sessions.pop(loop)
            connector: Any = session.connector
            for transport in connector.transports:
                sock = getattr(transport, "_sock", None)  # on a closed loop a transport cannot close itself
                if sock is not None:
                    sock.close()
                    transport._sock = None  # noqa: SLF001  # else it warns of an open socket
            with contextlib.suppress(StopIteration):
                session.close().send(None)  # has nothing left to wait for

    async def _new_session(self) -> tuple[ClientSession, AsyncGenerator[None, None]]:
        self.drop_closed_loops()
        loop = asyncio.get_running_loop()
        session = ClientSession(
            connector=_Connector(limit=0, keepalive_timeout=IDLE_SECONDS, socket_factory=_new_socket),
            cookie_jar=DummyCookieJar(),
            headers=HEADERS,
        )
        closing = self._close_with_loop(loop, session)
        self._sessions[loop] = session, closing
        await closing.__anext__()
        return session, closing

    async def _close_with_loop(
        self, loop: AbstractEventLoop, session: ClientSession
    ) -> AsyncGenerator[None, None]:
        """Close a session when its loop ends: `asyncio.run` closes the generators that still wait then."""
        try:
            yield
        finally:
            self._sessions.pop(loop, None)
            for body in list(self._bodies):
                if body.loop is loop:
                    body.close()  # on a closed loop it could not any more
            await session.close()


class OpenBody:
    """The body of a reply that is read as it comes."""

    __slots__ = ("__weakref__", "_deadline", "_request", "_response", "loop")

    def __init__(self, response: ClientResponse, request: Request, deadline: float) -> None:
        self.loop = asyncio.get_running_loop()
        self._response = response
        self._request = request
        self._deadline = deadline

    async def receive(self, deadline: float | None) -> bytes:
        """Return the next bytes, b"" at the end; None keeps the deadline of the last wait."""
        if deadline is not None:
            self._deadline = deadline
        try:
            async with timeout_at(_loop_time(self._deadline)):
                return await self._response.content.readany()
        except _AIOHTTP_ERRORS as error:
            failure = _translated(error, self._request, self._deadline)
        raise failure

    def close(self) -> None:
        """Free the connection: back to the pool when the body was read to its end, else closed."""
        self._response.close()


def _translated(
    error: BaseException, request: Request, deadline: float, proxy: str | None = None, *, dead: bool = False
) -> QianfanError:
    """Return our error for what aiohttp raised."""
    if isinstance(error, asyncio.TimeoutError) and monotonic() >= deadline - _CLOCK_STEP:
        return timed_out(request=request)
    return connection_failure(request, error, proxy=proxy, dead=dead)


def _loop_time(deadline: float) -> float:
    """Return a point of `time.monotonic` as the running loop counts it."""
    return asyncio.get_running_loop().time() + deadline - monotonic()


def _new_socket(address: AddrInfoType) -> socket.socket:
    """Return a socket with our options, for an address as `getaddrinfo` gives it."""
    made = socket.socket(address[0], address[1], address[2])
    for option in SOCKET_OPTIONS:
        made.setsockopt(*option)
    return made
