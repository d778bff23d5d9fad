"""uvicorn in a thread: on a socket of ours, started and stopped at once, leaving nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import threading
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

import uvicorn

from qianfan.local import admin
from qianfan.local.connection import TRANSPORT, Connection, Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

_log = logging.getLogger("qianfan")

# What uvicorn has to say of malformed requests is for a log, not for the stderr of the user's program.
logging.getLogger("uvicorn.error").addHandler(logging.NullHandler())

_USUAL = Limits()
_BACKLOG = 2048
_AT_ONCE, _PATIENCE = 0.05, 5.0  # seconds to wait for a call to end by itself, and for one that was cut


class Server:
    """A running HTTP server with a thread and an event loop of its own.

    Args:
        app: What answers.
        host: The address to listen on.
        port: The port to listen on; 0 takes a free one.
        limits: What one client may take.

    Attributes:
        app: What answers the calls that come from now on; it may be replaced at any time.
        running: What is being answered, such as `POST /v2/chat/completions`.

    Raises:
        OSError: The address cannot be used; `errno` is `EADDRINUSE` where the port is taken.
        RuntimeError: The server broke down as it started.
    """

    def __init__(self, app: ASGIApp, host: str, port: int, limits: Limits = _USUAL) -> None:
        self.app = app
        self.running: dict[int, str] = {}
        self._answering: set[asyncio.Transport] = set()  # their connections
        self._idle = threading.Event()
        self._idle.set()
        self._socket = _bind(host, port)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://{_reachable(host)}:{self.port}"
        self._pid = os.getpid()
        self._uvicorn = _Uvicorn(_Config(self._answer, limits), self._socket)
        # Waited for in place of the thread: a join that Ctrl-C interrupts takes a running thread for ended.
        self._ended = threading.Event()
        name = f"qianfan-local:{self.port}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()
        self._uvicorn.ready.wait()
        _servers.add(self)
        if not self._uvicorn.started:
            self.stop()
            raise RuntimeError(f"the local platform could not start on port {self.port}; the log says why")

    def wait(self, timeout: float) -> bool:
        """Wait for so many seconds; return whether the server is still running."""
        return not self._ended.wait(timeout)

    def stop(self) -> None:
        """Close every connection, cutting open streams, and end the thread."""
        _servers.discard(self)
        if self._pid == os.getpid():
            self._uvicorn.stop()
            self._thread.join()
        self._socket.close()

    def idle(self, timeout: float) -> bool:
        """Wait for so many seconds until no call is being answered; return whether none is."""
        return self._idle.wait(timeout)

    def settle(self) -> None:
        """Return when no call is being answered; those that do not end at once are cut."""
        if not self.idle(_AT_ONCE):
            self._uvicorn.call(self._cut_answers)
            self.idle(_PATIENCE)

    def _cut_answers(self) -> None:
        for transport in list(self._answering):
            transport.abort()

    def forget(self) -> None:
        """Let go of the listening socket that a forked child has inherited.

        Else the port would stay open, answered by nobody, when the parent is gone.
        """
        self._socket.close()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(
            f"{admin.PREFIX}/"
        ):  # whoever asks for a reset is no call that it waits for
            await self.app(scope, receive, send)
            return
        self._idle.clear()
        self._answering.add(scope["state"][TRANSPORT])
        self.running[id(scope)] = f"{scope['method']} {scope['path']}"
        try:
            await self.app(scope, receive, send)
        finally:
            del self.running[id(scope)]
            self._answering.discard(scope["state"][TRANSPORT])
            if not self.running:
                self._idle.set()

    def _run(self) -> None:
        try:
            self._uvicorn.run()
        except Exception:  # noqa: BLE001  # the thread's boundary: whoever waits for it must be told
            _log.exception("the local platform on port %d broke down", self.port)
        finally:
            self._ended.set()
            self._uvicorn.ready.set()


class _Config(uvicorn.Config):
    """The settings of uvicorn: no signals, no logs, no headers, nothing that is not asked for."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        super().__init__(
            app,
            loop="asyncio",
            http=partial(Connection, limits=limits),  # type: ignore[arg-type]  # uvicorn only calls it
            ws="none",
            lifespan="off",
            interface="asgi3",
            proxy_headers=False,
            server_header=False,
            date_header=False,
        )

    def configure_logging(self) -> None:
        """Leave the process's loggers alone: the user's own program may be served by uvicorn too."""


class _Uvicorn(uvicorn.Server):
    """uvicorn's server, waiting for an event where the original looks every tenth of a second."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._listener = listener
        self._loop: asyncio.AbstractEventLoop | None = None
        self._exit = asyncio.Event()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until `stop`, without uvicorn's signal handlers, ticks and messages."""
        self._loop = asyncio.get_running_loop()
        self._loop.set_debug(False)  # python -X dev is about the user's loops, not about this one
        self._loop.set_exception_handler(_note)
        self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)
        await self.startup(sockets or [self._listener])
        self.ready.set()
        await self._exit.wait()
        await self.shutdown()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002  # uvicorn's signature
        """Stop listening, cut every connection and see each task to its end."""
        with contextlib.suppress(NotImplementedError):  # the loop of Windows has no readers
            asyncio.get_running_loop().remove_reader(self._listener)
        this = {asyncio.current_task()}
        while tasks := asyncio.all_tasks() - this:  # of requests, and of connections just accepted
            self.cut()
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        self.cut()
        for server in self.servers:  # not earlier: asyncio forgets, open, what it has just accepted
            server.close()
            await server.wait_closed()

    def cut(self) -> None:
        """Cut every connection; in the loop."""
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    def stop(self) -> None:
        """Make `serve` return; from any thread."""
        self.call(self._exit.set)

    def call(self, function: Callable[[], object]) -> None:
        """Have a function called in the loop, if that still runs; from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function)


def _note(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:  # noqa: ARG001  # asyncio's signature
    """Tell the log what the loop met with, such as that no more files may be opened."""
    _log.warning("the local platform: %s", context["message"], exc_info=context.get("exception"))


_servers: weakref.WeakSet[Server] = weakref.WeakSet()


def _after_fork() -> None:
    for server in list(_servers):
        server.forget()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)


def _bind(host: str, port: int) -> socket.socket:
    family, kind, _, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    # The protocol is named since asyncio sends small packets at once (TCP_NODELAY) only where it is.
    listener = socket.socket(family, kind, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere the option would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        raise OSError(
            error.errno, f"the local platform cannot listen on port {port} of {host}: {reason}"
        ) from error
    return listener


def _reachable(host: str) -> str:
    """Return the host a client on this machine connects to."""
    host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # compared, not bound
    return f"[{host}]" if ":" in host else host
