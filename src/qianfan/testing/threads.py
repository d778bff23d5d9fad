"""The threads that a test starts, and leaves running: the environment leads them to later tests' platforms too."""

from __future__ import annotations

import logging
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

# In which functions a thread waits for work, the innermost first: those of pools, loops and servers, which
# later tests use again.
_WAITING = (
    (("concurrent.futures.thread", "_worker"),),
    (("multiprocessing.pool", "worker"),),
    (("threading", "wait"), ("queue", "get")),
    (("selectors", "select"), ("asyncio.base_events", "_run_once")),
    (("selectors", "select"), ("socketserver", "serve_forever")),
    (("asyncio.windows_events", "_poll"),),
)

_DEPTH = max(map(len, _WAITING))

_STEP = 0.002  # seconds between two looks

_log = logging.getLogger("qianfan")

_left: weakref.WeakSet[threading.Thread] = weakref.WeakSet()


class Threads:
    """The threads that are started from now on, and those of them that call a platform.

    Args:
        url: The platform's address.
    """

    def __init__(self, url: str) -> None:
        host, _, port = url.rpartition("://")[2].rpartition(":")
        self._address = host, int(port)
        self._before = set(threading.enumerate())
        self._callers: set[threading.Thread] = set()

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Hear of an event of the process.

        Raises:
            SystemExit: The thread was left running by an earlier test; this ends it.
        """
        if event == "socket.connect":
            called = arguments[1]
        elif event == "http.client.send":  # the connection may have been opened by another thread
            called = arguments[0].host, arguments[0].port
        else:
            return
        if called != self._address:
            return
        thread = threading.current_thread()
        if thread in _left:
            raise SystemExit("it called the platform of another test")
        self._callers.add(thread)

    def leave(self, patience: float) -> list[str]:
        """Return the names of those that call and go on after so many seconds; none that goes on calls again."""
        deadline = time.monotonic() + patience
        while (going := self._going()) and time.monotonic() < deadline:
            time.sleep(_STEP)
        for thread in going:
            _leave(thread)
        return [thread.name for thread in going if thread in self._callers]

    def _going(self) -> list[threading.Thread]:
        own = set(threading.enumerate()) - self._before
        return [thread for thread in own if not _waits_for_work(thread)]


def _leave(thread: Any) -> None:
    """Know a thread for left; what it ends with is no failure of the test that runs then."""
    _left.add(thread)
    # The hook of threads is one for all, and pytest exchanges it for each phase of a test.
    thread._invoke_excepthook = _tell_end  # noqa: SLF001  # it is asked on the thread itself


def _tell_end(thread: threading.Thread) -> None:
    error = sys.exc_info()[1]
    _log.warning("the thread %r, left running by an earlier test, ended: %r", thread.name, error)


def _waits_for_work(thread: threading.Thread) -> bool:
    frame: FrameType | None = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001  # its documented name
    functions: list[tuple[str, str]] = []
    while frame is not None and len(functions) < _DEPTH:
        functions.append((frame.f_globals.get("__name__", ""), frame.f_code.co_name))
        frame = frame.f_back
    return any(tuple(functions[: len(waiting)]) == waiting for waiting in _WAITING)
