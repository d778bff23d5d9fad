"""How a platform is served: started, waited for, stopped, and started again."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from starlette.types import ASGIApp
    from typing_extensions import Self

    from qianfan.local.address import Address, Lease
    from qianfan.local.server import Server
    from qianfan.local.state import State

_TICK = 0.5  # seconds; on Windows a wait without end cannot be interrupted


class Serving:
    """A platform's state, and the server that serves it for as long as it is to.

    Args:
        state: What is served.
        host: The address to listen on.
        port: The port to listen on; 0 takes a free one.
    """

    def __init__(self, state: State, host: str, port: int) -> None:
        self._state = state
        self._host = host
        self._port = port
        self._server: Server | Lease | None = None
        self._lock = threading.Lock()

    def start(self, address: Address | None = None) -> Self:
        """Start to serve; nothing happens where it already does.

        Args:
            address: Where to serve, if that outlives this platform; by default an address of its own.

        Raises:
            OSError: The host or port cannot be used.
            ValueError: Another platform took the state file while this one was stopped.
            ImportError: The extra `local` is not installed.
        """
        with self._lock:
            if self._server is None:
                self._state.store.hold()
                try:
                    self._server = self._serve(address)
                except BaseException:
                    self._state.store.close()
                    raise
        return self

    def stop(self) -> None:
        """Stop to serve and cut open streams; nothing happens where it already does not."""
        with self._lock:
            server, self._server = self._server, None
            if server is not None:
                server.stop()
            self._state.store.close()

    def wait(self) -> None:
        """Wait until another thread stops the platform."""
        while (server := self._server) is not None and server.wait(_TICK):
            pass

    def run(self, ready: Callable[[], None] | None = None) -> None:
        """Serve until Ctrl-C (or SIGTERM, where this is the main thread), then stop and return.

        Args:
            ready: Called once the platform serves; whoever it tells may end it from then on.
        """
        main = threading.current_thread() is threading.main_thread()
        previous = signal.getsignal(signal.SIGTERM) or signal.SIG_DFL
        try:
            if main:
                signal.signal(signal.SIGTERM, signal.default_int_handler)
            self.start()
            if ready is not None:
                ready()
            self.wait()
        except KeyboardInterrupt:
            pass
        finally:
            self.stop()
            if main:
                signal.signal(signal.SIGTERM, previous)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        server = self._server
        return f"<Platform {server.url if server else 'not running'}>"

    @property
    def url(self) -> str:
        """The base URL, such as `http://127.0.0.1:40001`.

        Raises:
            RuntimeError: The platform is not running.
        """
        server = self._server
        if server is None:
            raise RuntimeError(
                "the local platform is not running: use `with platform() as p:` or call start()"
            )
        return server.url

    def _settle(self) -> None:
        """Return when no call is being answered; those that do not end at once are cut."""
        server = self._server
        if server is not None:
            server.settle()

    def _app(self) -> ASGIApp:
        """Return what answers."""
        raise NotImplementedError

    def _serve(self, address: Address | None) -> Server | Lease:
        try:
            from qianfan.local.server import Server  # the extra is needed only from here on

            app = self._app()
        except ModuleNotFoundError as error:
            raise ImportError(
                f"the local platform needs starlette, uvicorn and httptools ({error.name} is missing): "
                "pip install 'qianfan[local]'",
                name=error.name,
            ) from error
        return Server(app, self._host, self._port) if address is None else address.lend(app)
