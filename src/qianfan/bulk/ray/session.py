"""This process in a Ray cluster, or with a small one of its own, for as long as a run needs it."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from qianfan.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

#: Seconds in which a cluster has to answer.
_PATIENCE = 10.0

_QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}


def library() -> Any:
    """Return the package ray, whose import takes half a second."""
    import ray  # pyright: ignore[reportMissingImports]  # only `scripts/setup ray` installs it

    return ray


class Session:
    """Who is in the cluster on behalf of runs: all of it happens in one thread, and one after another.

    It is one that never ends: the processes of a local Ray are killed with the thread that started them. A daemon,
    so that it still serves the finalizers of an exit.
    """

    def __init__(self) -> None:
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._ours = False  # whether runs made the connection, and the last of them ends it
        self._runs = 0

    async def join(self, address: str | None) -> int:
        """Connect, unless this process is; return the number of the cluster's CPUs.

        Raises:
            InvalidArgumentError: This process is in another cluster already.
            Exception: Whatever Ray raises where it finds none.
        """
        return await self._do(lambda: self._join(address))

    async def leave(self) -> None:
        """Say that one run less needs it."""
        await self._do(self._leave)

    async def _do(self, work: Callable[[], T]) -> T:
        if self._thread is None:
            self._thread = threading.Thread(target=self._main, name="qianfan-ray", daemon=True)
            self._thread.start()
        done: Future[T] = Future()

        def do() -> None:
            try:
                done.set_result(work())
            except BaseException as error:  # noqa: BLE001  # raised to who asked
                done.set_exception(error)

        self._work.put(do)
        return await asyncio.wrap_future(done)

    def _main(self) -> None:
        while True:
            self._work.get()()

    def _join(self, address: str | None) -> int:
        ray = library()
        if not ray.is_initialized():
            _connect(address or os.environ.get("RAY_ADDRESS") or "local")
            self._ours, self._runs = True, 0
        elif address not in (None, "auto", "local", ray.get_runtime_context().gcs_address):
            raise InvalidArgumentError(
                "this process is in another Ray cluster already",
                hint=f"leave address={address!r} out, or call ray.shutdown() first",
            )
        self._runs += 1
        return int(ray.cluster_resources().get("CPU", 0))

    def _leave(self) -> None:
        ray = library()
        self._runs -= 1
        if self._ours and not self._runs:
            self._ours = False
            ray.shutdown()


def _connect(address: str) -> None:
    """Join a cluster, or start one."""
    ray = library()
    if address != "local":
        host, _, port = address.rpartition(":")
        if port.isdigit():  # Ray itself tries for minutes
            socket.create_connection((host.strip("[]"), int(port)), _PATIENCE).close()
        ray.init(address, **_QUIET)
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read by the processes that it starts
    ray.init("local", include_dashboard=False, **_QUIET)


SESSION = Session()
