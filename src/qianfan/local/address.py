"""One address for platforms that run one after another, as those of a test run do."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from qianfan.local.server import Server


class Address:
    """A loopback address that outlives the platforms which answer at it, one at a time.

    Where one of them leaves calls behind that are still being answered, the next gets another address:
    whoever made the calls, and would try again, must not reach it.
    """

    def __init__(self) -> None:
        self._server: Server | None = None
        self._pid = 0

    def lend(self, app: ASGIApp) -> Lease:
        """Let an application answer here, until the lease is stopped.

        Raises:
            OSError: There is no free port.
        """
        from qianfan.local.server import Server  # whoever starts a platform has its packages

        if self._pid != os.getpid() or self.unanswered(0):
            self.close()
        if self._server is None:
            self._server, self._pid = Server(app, "127.0.0.1", 0), os.getpid()
        self._server.app = app
        return Lease(self._server)

    def unanswered(self, patience: float) -> list[str]:
        """Wait for so many seconds until no call is being answered; return those that still are."""
        server = self._server
        return [] if server is None or server.idle(patience) else list(server.running.values())

    def close(self) -> None:
        """Give the address up, and cut what is being answered here; the next lease is of another."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()


class Lease:
    """A server, as long as it serves one platform."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.url = server.url

    def wait(self, timeout: float) -> bool:
        """Wait for so many seconds; return whether the server is still running."""
        return self._server.wait(timeout)

    def settle(self) -> None:
        """Return when no call is being answered; those that do not end at once are cut."""
        self._server.settle()

    def stop(self) -> None:
        """Let nobody answer."""
        self._server.app = _nobody


async def _nobody(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001  # ASGI's signature
    """Hold a call until it is cut: it belongs to an earlier lease, and must not see the next."""
    while (await receive())["type"] != "http.disconnect":
        pass
