"""What all clients of a process share, safely across threads, loops and forks."""

from __future__ import annotations

import copy
import os
import threading
import weakref
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from qianfan.errors import QianfanError, RequestTimeoutError

if TYPE_CHECKING:
    from collections.abc import Hashable

    from qianfan.core.auth.fetched import Token
    from qianfan.core.effects import Provider


class Forgetful(Protocol):
    """Something that must start anew in a forked child."""

    def forget(self) -> None:
        """Drop locks and connections that belong to the parent."""
        ...


_forgetful: weakref.WeakSet[Any] = weakref.WeakSet()


def after_fork(thing: Forgetful) -> None:
    """Have `thing.forget()` called in every forked child for as long as the thing lives."""
    _forgetful.add(thing)


def _forget_all() -> None:
    for thing in list(_forgetful):
        thing.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


class ForkSafeLock:
    """A lock that a forked child finds open, whoever held it in the parent.

    Take its `lock`, anew each time: a C lock, so that no interrupt comes between taking it and the block.
    """

    def __init__(self) -> None:
        self.forget()
        after_fork(self)

    def forget(self) -> None:
        """Start anew."""
        self.lock = threading.Lock()


class Landing(NamedTuple):
    """How a flight ended: with a result, or with an error that all share."""

    result: Any
    error: QianfanError | None = None

    @classmethod
    def failed(cls, error: QianfanError, *, late: bool) -> Landing | None:
        """Return the landing for an error, or None where it is the leader's own: its time was over."""
        return None if late and isinstance(error, RequestTimeoutError) else cls(None, error)

    def unpack(self) -> Any:
        """Return the result, or raise the error: a copy, since every waiter adds a traceback to its own."""
        if self.error is not None:
            raise copy.copy(self.error)
        return self.result


class Flight:
    """One run of a flow that several callers wait for.

    Attributes:
        landing: Its end; None where the leader gave up, and the next caller should lead.
        loop: The event loop that runs it, or None where a thread does.
    """

    __slots__ = ("landing", "loop")

    def __init__(self, loop: object) -> None:
        self.landing: Future[Landing | None] = Future()
        self.landing.set_running_or_notify_cancel()  # so that no waiter's cancellation ends it for all
        self.loop = loop


class Flights:
    """Lets one caller run a flow for all who ask for the same key meanwhile."""

    def __init__(self) -> None:
        self._aloft: dict[Hashable, Flight] = {}
        self._lock = ForkSafeLock()
        after_fork(self)

    def forget(self) -> None:
        """Start anew: in a forked child no leader of the parent will ever land."""
        self._aloft = {}

    def join(self, key: Hashable, loop: object, *, blocking: bool) -> tuple[Flight, bool]:
        """Return the flight for a key, and whether the caller is the one to run it.

        Args:
            key: What is asked for.
            loop: The event loop that runs in the caller's thread, or None.
            blocking: Whether the caller would block its thread while waiting. It must not wait for
                a flight that its own thread's loop is to run.
        """
        with self._lock.lock:
            flight = self._aloft.get(key)
            if flight is None:
                flight = self._aloft[key] = Flight(loop if not blocking else None)
                return flight, True
            if blocking and loop is not None and flight.loop is loop:
                return Flight(None), True
            return flight, False

    def land(self, key: Hashable, flight: Flight, landing: Landing | None) -> None:
        """Tell those who wait how it ended; None makes one of them the next to run it."""
        with self._lock.lock:
            if self._aloft.get(key) is flight:
                del self._aloft[key]
        flight.landing.set_result(landing)


def asked(provider: Provider) -> object:
    """Return what a token provider answers: a bearer, or what is to be awaited for one."""
    try:
        return provider()
    except StopIteration as end:  # would end whatever generator or future it passes through
        raise RuntimeError("token_provider raised StopIteration: it has no more to give") from end


#: Access tokens and exchanged bearers by who they belong to.
TOKENS: dict[tuple[str, str, str], Token] = {}

FLIGHTS = Flights()

#: Guards the arithmetic of the rate limits; held for microseconds, never while waiting.
LIMITS = ForkSafeLock()
