"""A scripted HTTP server on raw sockets: it answers what a test tells it to, and remembers what it saw."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from base64 import b64encode
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from support import v2
from support.replies import CLOSE, RESET, STALL, Gate, Pause, answer, head, page, streamed, whole

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from support.replies import Script

TOKEN_PATH = "/oauth/2.0/token"
EXCHANGE_PATH = "/v1/BCE-BEARER/token"

#: How a client begins that takes a plain port for one that speaks TLS.
_TLS_GREETING = b"\x16\x03"

#: How long a test waits for what must happen; only a failing test waits so long.
PATIENCE = 10.0


@dataclass(frozen=True)
class Received:
    """A request as it arrived.

    Attributes:
        target: The request line's target: a path, or a whole URL where the server plays a proxy.
        path: The path alone.
        query: The query's parameters.
        headers: By lower-case name.
        connection: Which connection it came by, counted from 1.
        time: When it had arrived whole, by the clock that never goes back.
    """

    method: str
    target: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    connection: int
    time: float = field(default_factory=monotonic)

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Server:
    """A small platform that follows a script.

    Without a script it issues tokens and bearers, and answers every chat in the words of the API that is
    called. It runs in a thread and a loop of its own, so it answers threads and loops alike.

    Args:
        tls: A server context; the server then speaks TLS, or plays a proxy that reaches a TLS host.
        proxy_login: The `user:password` a proxy asks for.
        proxy: Whether a `CONNECT` is taken for a host that speaks TLS by `tls`.
    """

    def __init__(
        self, *, tls: ssl.SSLContext | None = None, proxy: bool = False, proxy_login: str | None = None
    ) -> None:
        self.requests: list[Received] = []
        self.token_requests: list[Received] = []
        self.exchanges: list[Received] = []
        self.tunnels: list[Received] = []
        self.connections = 0
        self.open_connections = 0
        #: A test's own choice of the answer to a chat, asked first; None leaves it to the script.
        self.choose: Callable[[Received], Script | None] = lambda _request: None
        #: The same of a request for a token or a bearer.
        self.choose_token: Callable[[Received], Script | None] = lambda _request: None
        #: Whether a TLS greeting to a plain port is left unanswered, as a firewall would.
        self.ignores_greetings = False
        self.tls = tls
        self.is_proxy = proxy
        self.proxy_login = proxy_login
        self._changed = threading.Condition()
        self._scripts: deque[Script] = deque()
        self._always: Script | None = None
        self._token_scripts: deque[Script] = deque()
        self._always_token: Script | None = None
        self._exchange_scripts: deque[Script] = deque()
        self._always_exchange: Script | None = None
        self._issued = 0
        self._protocols: set[_Connection] = set()
        self._loop = asyncio.new_event_loop()
        # A server that plays a client's garbage to its TLS layer would log it; tests read their own logs.
        self._loop.set_exception_handler(lambda _loop, _context: None)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="scripted server", daemon=True)
        self._thread.start()

    # What a test says and asks

    @property
    def url(self) -> str:
        """The server's own address."""
        scheme = "https" if self.tls and not self.is_proxy else "http"
        return f"{scheme}://127.0.0.1:{self.port}"

    def answer(self, *scripts: Script) -> None:
        """Answer the next chats so, one script each."""
        self._scripts.extend(scripts)

    def always(self, script: Script) -> None:
        """Answer every chat so, when no script is left."""
        self._always = script

    def answer_token(self, *scripts: Script) -> None:
        """Answer the next token requests so, one script each."""
        self._token_scripts.extend(scripts)

    def always_token(self, script: Script) -> None:
        """Answer every token request so, when no script is left."""
        self._always_token = script

    def answer_exchange(self, *scripts: Script) -> None:
        """Answer the next exchanges of keys for bearers so, one script each."""
        self._exchange_scripts.extend(scripts)

    def always_exchange(self, script: Script) -> None:
        """Answer every exchange so, when no script is left."""
        self._always_exchange = script

    def bearer(self, number: int = 1) -> str:
        """Return a bearer as the server exchanges it, counted from 1."""
        return f"bce-v3/ALTAK-{self.port:05d}/{number:040x}"

    def token(self, number: int = 1) -> str:
        """Return a token as the server issues it, counted from 1."""
        return f"24.c0ffee{self.port:05d}.2592000.1700000000.282335-{number:04d}"

    def wait(self, condition: Callable[[Server], bool]) -> None:
        """Wait until something is true of the server; fail loudly when it does not become so."""
        with self._changed:
            if not self._changed.wait_for(lambda: condition(self), PATIENCE):
                raise AssertionError(
                    f"still not so: {self.connections} connections, {self.open_connections} open, "
                    f"{len(self.requests)} chats, {len(self.token_requests)} token requests"
                )

    def wait_idle(self) -> None:
        """Wait until the last connection is closed."""
        self.wait(lambda server: not server.open_connections)

    def drop_connections(self) -> None:
        """Close all open connections."""
        asyncio.run_coroutine_threadsafe(self._drop(), self._loop).result(PATIENCE)

    def hold_reading(self) -> None:
        """Read nothing more from the connections that are open now."""
        self._on_all(lambda protocol: protocol.transport.pause_reading())

    def go_on_reading(self) -> None:
        """Read again."""
        self._on_all(lambda protocol: protocol.transport.resume_reading())

    def _on_all(self, act: Callable[[_Connection], None]) -> None:
        async def on_all() -> None:
            for protocol in list(self._protocols):
                act(protocol)

        asyncio.run_coroutine_threadsafe(on_all(), self._loop).result(PATIENCE)

    def close(self) -> None:
        """Stop."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # What runs in the server's thread

    def _serve(self) -> None:
        self._stopping = asyncio.Event()
        try:
            self._loop.run_until_complete(self._run())
        finally:
            self._loop.close()

    async def _run(self) -> None:
        tls = None if self.is_proxy else self.tls
        listener = await self._loop.create_server(
            partial(_Connection, self), sock=self._listener, ssl=tls, backlog=512
        )
        await self._stopping.wait()
        listener.close()
        await self._drop()

    async def _drop(self) -> None:
        for protocol in list(self._protocols):
            protocol.abort()
        while self._protocols:  # noqa: ASYNC110  # they leave in the loop's next rounds
            await asyncio.sleep(0)

    def note(self, change: Callable[[], object]) -> None:
        """Change what the tests see, and wake who waits for it."""
        with self._changed:
            change()
            self._changed.notify_all()

    def script_for(self, request: Received) -> Script:
        """Choose the answer to a request."""
        if self.proxy_login is not None and not self.tunnels and not _knows(request, self.proxy_login):
            return page(407, "<html>who are you</html>", Proxy_Authenticate="Basic")
        if request.path == TOKEN_PATH:
            self.note(lambda: self.token_requests.append(request))
            chosen = self.choose_token(request)
            if chosen is not None or self._token_scripts:
                return chosen or self._token_scripts.popleft()
            return self._always_token or self._issue()
        if request.path == EXCHANGE_PATH:
            self.note(lambda: self.exchanges.append(request))
            chosen = self.choose_token(request)
            if chosen is not None or self._exchange_scripts:
                return chosen or self._exchange_scripts.popleft()
            return self._always_exchange or v2.exchanged(self.bearer(len(self.exchanges)))
        self.note(lambda: self.requests.append(request))
        chosen = self.choose(request)
        if chosen is not None:
            return chosen
        if self._scripts:
            return self._scripts.popleft()
        if self._always is not None:
            return self._always
        streams = b'"stream":true' in request.body
        if request.path.startswith("/v2/"):
            return v2.streamed() if streams else v2.answered()
        return streamed() if streams else answer()

    def _issue(self) -> Script:
        self._issued += 1
        return whole({"access_token": self.token(self._issued), "expires_in": 2592000})


def _knows(request: Received, login: str) -> bool:
    return request.headers.get("proxy-authorization") == f"Basic {b64encode(login.encode()).decode()}"


class _Connection(asyncio.Protocol):
    """One connection: takes requests one after another and performs their scripts."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._buffer = bytearray()
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._upgrading = False
        self.transport: Any = None
        self.number = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        if self._upgrading:  # the same connection, now over TLS
            return

        def note() -> None:
            self._server.connections += 1
            self._server.open_connections += 1
            self.number = self._server.connections

        # asyncio does so itself only for sockets that name their protocol, which a listener's do not.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._server.note(note)
        self._server._protocols.add(self)  # this file is the server's own
        self._task = asyncio.get_running_loop().create_task(self._serve())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._arrived.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the protocol's signature
        if self not in self._server._protocols:  # this file is the server's own
            return
        self.transport.close()  # before Python 3.11, TLS does not take a lost connection for a closed one
        self._server._protocols.discard(self)  # this file is the server's own
        if self._task is not None:
            self._task.cancel()

        def note() -> None:
            self._server.open_connections -= 1

        self._server.note(note)

    def abort(self) -> None:
        """Close without waiting for what is still to be written."""
        self.transport.abort()

    async def _serve(self) -> None:
        while True:
            request = await self._request()
            if request.method == "CONNECT" and self._server.is_proxy:
                await self._tunnel(request)
                continue
            for step in self._server.script_for(request):
                if not await self._perform(step):
                    return

    async def _perform(self, step: object) -> bool:
        """Perform a step; say whether the script goes on."""
        if isinstance(step, bytes):
            self.transport.write(step)
        elif isinstance(step, Gate):
            await step.wait()
        elif isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
        elif step is STALL:
            await asyncio.get_running_loop().create_future()
        elif step is CLOSE:
            self.transport.close()
            return False
        elif step is RESET:
            # To close with a lingering time of zero is what sends a reset.
            raw = self.transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
            return False
        return True

    async def _tunnel(self, request: Received) -> None:
        login = self._server.proxy_login
        self._server.note(lambda: self._server.tunnels.append(request))
        if login is not None and not _knows(request, login):
            self.transport.write(page(407, Proxy_Authenticate="Basic")[0])
            return
        self.transport.write(head(200))
        self._upgrading = True
        try:
            self.transport = await asyncio.get_running_loop().start_tls(
                self.transport,
                self,
                self._server.tls,
                server_side=True,  # type: ignore[arg-type]  # a proxy has a context
            )
        except OSError:
            self.connection_lost(None)  # before Python 3.11, nobody else says so

    async def _request(self) -> Received:
        start = await self._until(b"\r\n\r\n")
        line, *lines = start.decode("latin-1").split("\r\n")
        method, target, _ = line.split(" ", 2)
        headers = dict(_header(entry) for entry in lines if entry)
        parts = urlsplit(target if method != "CONNECT" else "")
        body = await self._take(int(headers.get("content-length", "0")))
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        return Received(method, target, parts.path, query, headers, body, self.number)

    async def _until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            await self._more()
            if self._buffer.startswith(_TLS_GREETING) and not self._server.ignores_greetings:
                self.transport.write(page(400, "<html>this is no TLS</html>", Connection="close")[0])
                self.transport.close()
        return await self._take(self._buffer.index(mark) + len(mark))

    async def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            await self._more()
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    async def _more(self) -> None:
        self._arrived.clear()
        await self._arrived.wait()


def _header(entry: str) -> tuple[str, str]:
    name, _, value = entry.partition(":")
    return name.strip().lower(), value.strip()


def closed_port() -> int:
    """Return a port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def elapsed(since: float) -> float:
    """Return the seconds since a point of `time.monotonic`."""
    return monotonic() - since
