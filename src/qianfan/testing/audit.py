"""What this process does with sockets, told by Python's own audit events.

Nothing of `socket` is replaced, so it does not matter who imported what before, in which thread a call is
made or which library makes it. An audit hook cannot be removed: it is installed when somebody listens for
the first time, and then asks for each event of the process whether somebody does.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


class Listener(Protocol):
    """Something that hears what this process does with sockets."""

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Hear of an event, in the thread that causes it; what is raised prevents it."""
        ...


#: See https://docs.python.org/3/library/audit_events.html.
EVENTS = frozenset(
    {
        "http.client.send",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.sendmsg",
        "socket.sendto",
    }
)

_listeners: tuple[Listener, ...] = ()
_installed = False


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Let a listener hear every event while the block runs."""
    global _installed, _listeners  # noqa: PLW0603  # the hook is the process's
    _listeners = (*_listeners, listener)
    if not _installed:
        _installed = True
        sys.addaudithook(_hook)
    try:
        yield
    finally:
        _listeners = tuple(other for other in _listeners if other is not listener)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    __tracebackhide__ = True  # pytest's reports end at the call
    if _listeners and event in EVENTS:
        try:
            for listener in _listeners:
                listener.hear(event, arguments)
        except BaseException:
            if event == "socket.connect":  # libraries close what fails to connect, where it fails as usual
                arguments[0].close()
            raise
