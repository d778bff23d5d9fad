"""The threads that call a platform, and outlive the test that started them."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

# Where a thread stands that waits for work, as those of pools and event loops do: they are kept for later tests.
_WAITING = frozenset({"concurrent.futures.thread", "queue", "selectors"})

_STEP = 0.002  # seconds between two looks


class Callers:
    """The threads that call an address and were started after this.

    Args:
        url: The address.
    """

    def __init__(self, url: str) -> None:
        host, _, port = url.rpartition("://")[2].rpartition(":")
        self._address = host, int(port)
        self._before = set(threading.enumerate())
        self._threads: set[threading.Thread] = set()

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Hear of an event of the process."""
        if event == "socket.connect":
            called = arguments[1]
        elif event == "http.client.send":  # a connection may have been opened by another thread
            called = arguments[0].host, arguments[0].port
        else:
            return
        if called == self._address:
            self._threads.add(threading.current_thread())

    def left(self, patience: float) -> list[str]:
        """Return the names of those that go on, after so many seconds to end in."""
        deadline = time.monotonic() + patience
        while (going := self._going()) and time.monotonic() < deadline:
            time.sleep(_STEP)
        return going

    def _going(self) -> list[str]:
        own = self._threads - self._before
        return [thread.name for thread in own if thread.is_alive() and not _waits_for_work(thread)]


def _waits_for_work(thread: threading.Thread) -> bool:
    frame: FrameType | None = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001  # its documented name
    while frame is not None and frame.f_globals.get("__name__") == "threading":
        frame = frame.f_back
    return frame is not None and frame.f_globals.get("__name__") in _WAITING
