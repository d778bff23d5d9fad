"""The guard: a test that tries to reach another host than this machine fails, and says where."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
import threading
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qianfan.testing import audit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

_INTERNET = (socket.AF_INET, socket.AF_INET6)

# By the arguments of events: a host first, or a socket and then an address.
_OF_HOSTS = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})
_OF_ADDRESSES = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


class OutsideCallError(RuntimeError):
    """A test tried to reach another host than this machine; it is raised where it tried."""


class Guard:
    """Lets nobody reach another host, and remembers who tried.

    Out of its reach are other processes, and libraries with network code of their own in C, such as
    uvloop, c-ares and gRPC. Of a name that a socket is to connect to it hears when that is looked up.

    Args:
        test: What is guarded, as messages call it.
        file: The file whose lines messages name.
        network: The hosts that may be reached all the same: names, with `*` for any part, or addresses.
        allowing: How to allow one, with {} for the argument.
    """

    def __init__(self, test: str, file: str, network: Sequence[str], allowing: str) -> None:
        self._test = test
        self._file = file
        self._network = tuple(name.lower() for name in network)
        self._allowing = allowing
        self._resolved = set[str]()
        self._attempts: list[str] = []

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Guard the block."""
        with audit.heard_by(self), _resolving(self._learn if self._network else None):
            yield

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Hear of an event of the process.

        Raises:
            OutsideCallError: It would reach another host.
        """
        __tracebackhide__ = True  # pytest's reports end at the call
        host, port = _target(event, arguments)
        if host is None or _is_here(host) or self._allows(host):
            return
        allowing = self._allowing.format(f"network=[{host!r}]")
        message = (
            f"{self._place()} tried to reach {host}{f':{port}' if port else ''}, and a test that uses the local "
            f"platform reaches this machine only; {allowing} allows it"
        )
        self._attempts.append(message)
        raise OutsideCallError(message)

    def take_attempts(self) -> list[str]:
        """Return what was tried and was not asked for before."""
        attempts, self._attempts = self._attempts, []
        return attempts

    def _allows(self, host: str) -> bool:
        return host in self._resolved or any(fnmatchcase(host, allowed) for allowed in self._network)

    def _learn(self, host: Any, found: Sequence[tuple[Any, ...]]) -> None:
        """Take the addresses of an allowed name for allowed too."""
        if isinstance(host, bytes | str) and self._allows(_text(host)):
            self._resolved.update(str(entry[4][0]) for entry in found)

    def _place(self) -> str:
        """Return which line tries it: of the test, or where none of its lines runs in this thread, the test."""
        frame: FrameType | None = sys._getframe()  # noqa: SLF001  # its documented name
        while frame is not None and frame.f_code.co_filename != self._file:
            frame = frame.f_back
        if frame is not None:
            return f"{self._file.removeprefix(f'{Path.cwd()}{os.sep}')}:{frame.f_lineno}"
        return f"{self._test}, in the thread {threading.current_thread().name!r},"


def _target(event: str, arguments: tuple[Any, ...]) -> tuple[str | None, Any]:
    """Return the host and port that an event is about; a host of None is none."""
    if event in _OF_HOSTS:
        host, port = (*arguments, None)[:2]
    elif event in _OF_ADDRESSES and arguments[0].family in _INTERNET:
        address = arguments[1]
        host, port = address[:2] if isinstance(address, tuple) else (None, None)
    else:
        return None, None
    return (_text(host), port) if isinstance(host, bytes | str) and host else (None, None)


def _text(host: bytes | str) -> str:
    text = host if isinstance(host, str) else host.decode("latin-1")
    return text.lower().rstrip(".")


def _is_here(host: str) -> bool:
    """Return whether a host is this machine's own name or its loopback."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host in {"localhost", socket.gethostname().lower()} or host.endswith(".localhost")
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified


@contextmanager
def _resolving(learn: Callable[[Any, Sequence[Any]], None] | None) -> Iterator[None]:
    """Have what names are resolved to told, which no audit event does."""
    if learn is None:
        yield
        return
    resolve = socket.getaddrinfo

    def told(host: Any, *arguments: Any, **options: Any) -> Any:
        found = resolve(host, *arguments, **options)
        learn(host, found)
        return found

    socket.getaddrinfo = told
    try:
        yield
    finally:
        socket.getaddrinfo = resolve
