"""HTTP in threads: pooled connections of urllib3, with deadlines that hold."""

from __future__ import annotations

import contextlib
import io
import logging
from http.client import HTTPException, HTTPResponse
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager, make_headers
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, ProtocolError, ReadTimeoutError
from urllib3.util import Retry, Timeout

from qianfan.core.http import Reply, Request, redact
from qianfan.drivers import tls
from qianfan.drivers.chunked import ChunkDecoder
from qianfan.drivers.failures import connection_failure, timed_out
from qianfan.drivers.shared import ForkSafeLock, after_fork
from qianfan.drivers.sockets import CONNECT_TIMEOUT, HEADERS, IDLE_SECONDS, SOCKET_OPTIONS

if TYPE_CHECKING:
    import socket

    from urllib3 import BaseHTTPResponse

    from qianfan.errors import QianfanError
    from qianfan.settings import Network

#: Idle connections kept for each host; more may be open at once.
POOL_SIZE = 256

_READ_SIZE = 65536

_NO_RETRIES = Retry(total=False, redirect=False)


class TimedReader(io.RawIOBase):
    """Bytes of a socket by a deadline, however slowly they drip in."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._raw: Any = sock.makefile("rb", buffering=0)
        self.deadline = deadline
        self.received = False
        self.in_head = False

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read once; raise TimeoutError when the deadline passes."""
        remaining = self.deadline - monotonic()
        if remaining <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(remaining)
        count: int | None = self._raw.readinto(buffer)
        if count == 0 and self.in_head and self.received:  # http.client would take it for the head's end
            raise ConnectionResetError("the connection was closed in the middle of the head")
        self.received = self.received or bool(count)
        return count

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return the buffered file that http.client asks its socket for."""
        return io.BufferedReader(self, _READ_SIZE)

    def close(self) -> None:
        """Close, and let the socket close with it."""
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    """http.client's response, whose head must be whole."""

    def begin(self) -> None:
        """Read the head."""
        reader: Any = self.fp.raw
        reader.in_head = True
        super().begin()
        reader.in_head = False


class _DeadSocketError(ConnectionError):
    """A reused connection was closed before a byte of the reply."""


#: For a host and port: connections last used before this moment are not used again.
_doubtful_until: dict[tuple[str, int | None], float] = {}


class _Connection(HTTPConnection):
    """A connection that keeps its deadline and knows whether it served before."""

    served = 0
    last_used = 0.0
    reader: TimedReader
    response: HTTPResponse

    @property
    def is_connected(self) -> bool:
        """Whether the connection can carry another request."""
        fresh = self.last_used > max(
            monotonic() - IDLE_SECONDS, _doubtful_until.get((self.host, self.port), 0)
        )
        return fresh and super().is_connected

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request."""
        try:
            super().request(*args, **kwargs)
        except OSError as error:
            if self.served and not isinstance(error, TimeoutError):
                raise self._dead() from error
            raise

    def _dead(self) -> _DeadSocketError:
        """Return the error for a connection found closed; none that is kept for its host is trusted now."""
        _doubtful_until[self.host, self.port] = monotonic()
        return _DeadSocketError()

    def getresponse(self) -> Any:
        """Read the reply's head, or raise `_DeadSocketError`."""
        try:
            response = super().getresponse()
        except (OSError, ProtocolError) as error:
            if self.served and not self.reader.received and not isinstance(error, TimeoutError):
                raise self._dead() from error
            raise
        self.served += 1
        self.last_used = monotonic()
        return response

    def connect(self) -> None:
        """Connect anew."""
        super().connect()
        self.served = 0
        self.last_used = monotonic()

    def response_class(self, sock: socket.socket, **kwargs: Any) -> HTTPResponse:  # type: ignore[override]  # http.client calls it as a factory
        """Return http.client's response, reading by our deadline."""
        self.reader = TimedReader(sock, monotonic() + (self.timeout or CONNECT_TIMEOUT))
        self.response = _Response(self.reader, **kwargs)  # type: ignore[arg-type]  # all it asks of a socket is makefile
        return self.response


class _SecureConnection(_Connection, HTTPSConnection):  # pyright: ignore[reportIncompatibleVariableOverride]  # response_class is called, so a method will do
    """The same over TLS."""

    def connect(self) -> None:
        """Connect anew."""
        super().connect()
        self.is_verified = True  # who asks for verify=False has been told on our log; urllib3 need not warn


class _Pool(HTTPConnectionPool):
    ConnectionCls: Any = _Connection  # the protocol urllib3 asks for is one its own class does not fit


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls: Any = _SecureConnection  # see above


class Urllib3Transport:
    """Sends requests and reads replies in the caller's thread. Safe to use from many threads."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._lock = ForkSafeLock()
        self._inherited: list[Any] = []
        self._start()
        after_fork(self)
        _mask_logs()

    def _start(self) -> None:
        self._manager: PoolManager | None = None
        self._pools: dict[str, HTTPConnectionPool] = {}

    def forget(self) -> None:
        """Leave the parent's connections alone: kept, unused, so that nothing of theirs is closed or locked."""
        self._inherited.append((self._manager, self._pools))
        self._start()

    def close(self) -> None:
        """Close the idle connections; those in use close when they are done."""
        with self._lock.lock:
            manager = self._manager
            self._start()
        if manager is not None:
            manager.clear()

    def send(self, request: Request, deadline: float) -> Reply:
        """Return the whole reply, or raise why there is none by the deadline (of `time.monotonic`)."""
        response = self._exchange(request, deadline, preload_content=True)
        return Reply(response.status, response.headers, response.data)

    def open(self, request: Request, deadline: float) -> tuple[Reply, OpenBody]:
        """Return the reply's head and its body, still to be read."""
        response = self._exchange(request, deadline, preload_content=False)
        return Reply(response.status, response.headers), OpenBody(response, request)

    def _exchange(self, request: Request, deadline: float, *, preload_content: bool) -> BaseHTTPResponse:
        remaining = deadline - monotonic()
        if remaining <= 0:
            raise timed_out(request=request)
        scheme, _, host, path = request.url.split("/", 3)
        place = f"{scheme}//{host}"
        pool = self._pools.get(place) or self._new_pool(place)
        try:
            return pool.urlopen(
                request.method,
                request.url if self._network.proxy and scheme == "http:" else f"/{path}",
                body=request.body,
                headers={**HEADERS, **request.headers},
                timeout=Timeout(total=remaining, connect=min(remaining, CONNECT_TIMEOUT)),
                retries=_NO_RETRIES,
                redirect=False,
                assert_same_host=False,
                preload_content=preload_content,
            )
        except (HTTPError, OSError, HTTPException) as error:
            late = isinstance(error, ConnectTimeoutError) and monotonic() >= deadline
            failure = timed_out(request=request) if late else translated(error, request, self._network.proxy)
        raise failure  # outside the `except`: what urllib3 raised may quote the URL, token and all

    def _new_pool(self, place: str) -> HTTPConnectionPool:
        with self._lock.lock:
            if self._manager is None:
                self._manager = self._new_manager()
            # A context reads all trusted certificates: some 20 ms that plain HTTP need not pay.
            secure = {"ssl_context": tls.context(self._network)} if place.startswith("https:") else None
            pool = self._manager.connection_from_url(place, pool_kwargs=secure)
            self._pools[place] = pool
            return pool

    def _new_manager(self) -> PoolManager:
        options: dict[str, Any] = {
            "num_pools": 1000,
            "maxsize": POOL_SIZE,
            "socket_options": SOCKET_OPTIONS,
        }
        proxy = self._network.proxy
        if proxy is None:
            manager = PoolManager(**options)
        else:
            parts = urlsplit(proxy)
            login = (
                f"{unquote(parts.username or '')}:{unquote(parts.password or '')}" if parts.username else None
            )
            headers = make_headers(proxy_basic_auth=login) if login else None
            manager = ProxyManager(
                f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", proxy_headers=headers, **options
            )
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager


class OpenBody:
    """The body of a reply that is read as it comes."""

    __slots__ = ("_chunks", "_raw", "_reader", "_request", "_response")

    def __init__(self, response: BaseHTTPResponse, request: Request) -> None:
        connection: Any = response.connection
        self._response = response
        self._request = request
        self._reader: TimedReader = connection.reader
        self._raw: HTTPResponse = connection.response
        plain = not response.headers.get("Content-Encoding")  # urllib3 knows how to read others
        self._chunks = ChunkDecoder() if self._raw.chunked and plain else None

    def receive(self, deadline: float | None) -> bytes:
        """Return the next bytes, b"" at the end; None keeps the deadline of the last wait."""
        if deadline is not None:
            self._reader.deadline = deadline
        try:
            return (
                self._response.read1(_READ_SIZE) if self._chunks is None else self._read_chunks(self._chunks)
            )
        except (HTTPError, OSError, HTTPException, ValueError) as error:
            failure = translated(error, self._request)
        raise failure

    def _read_chunks(self, chunks: ChunkDecoder) -> bytes:
        """Return the content of all chunks that have arrived."""
        content = b""
        while not content and not chunks.done:
            data = self._raw.fp.read1(_READ_SIZE)
            if not data:
                raise ConnectionResetError("the connection was closed in the middle of the body")
            content = chunks.feed(data)
        if chunks.done and self._response.connection is not None:
            self._raw.close()  # http.client has not seen the end that we have
            self._response.release_conn()
        return content

    def close(self) -> None:
        """Free the connection: back to the pool when the body was read to its end, else closed."""
        response = self._response
        if response.connection is None:  # given back at the end of the body
            return
        with contextlib.suppress(
            Exception
        ):  # wakes a thread that is reading; a closed socket is just as well
            response.shutdown()
        response.close()


def translated(error: BaseException, request: Request, proxy: str | None = None) -> QianfanError:
    """Return our error for what urllib3 raised."""
    if isinstance(error, ReadTimeoutError | TimeoutError) and not isinstance(error, ConnectTimeoutError):
        return timed_out(request=request)
    inner = error.args[-1] if isinstance(error, ProtocolError) and error.args else error
    if isinstance(inner, TimeoutError):
        return timed_out(request=request)
    return connection_failure(request, error, proxy=proxy, dead=isinstance(inner, _DeadSocketError))


def _mask_logs() -> None:
    """Keep tokens out of urllib3's log, which quotes URLs with their query."""
    for name in ("connection", "connectionpool", "response", "util.retry"):
        logger = logging.getLogger(f"urllib3.{name}")
        if not any(isinstance(entry, _Mask) for entry in logger.filters):
            logger.addFilter(_Mask())


#: The first quotes whatever the reply held; the second is as it should be for more calls than kept connections.
_NOISE = ("Failed to parse headers", "Connection pool is full")


class _Mask(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if record.msg.startswith(_NOISE):
            return False
        if isinstance(record.args, tuple):
            record.args = tuple(
                arg if isinstance(arg, (int, float)) else redact(str(arg)) for arg in record.args
            )
        return True
