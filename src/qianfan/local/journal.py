"""The journal: what was asked and what was answered, secrets masked."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from qianfan.local.wire import NotJson, as_array, as_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from qianfan.local.faults.fault import Fault
    from qianfan.local.script import Rule
    from qianfan.local.wire import Json, Request

MASK = "***"

# Names, in lower case, whose values never enter the journal: of query, header, body and reply.
_SECRET = frozenset(
    {
        "access_token",
        "refresh_token",
        "session_key",
        "session_secret",
        "client_secret",
        "authorization",
        "cookie",
        "x-bce-security-token",
        "sk",
        "secret_key",
        "api_key",
        "bearer_token",
        "token",
    }
)


@dataclass(slots=True)
class Call:
    """One request and its answer.

    Attributes:
        time: When it came, on the platform's clock, in seconds since 1970.
        method: The HTTP method.
        path: The URL's path.
        query: The query's parameters, secrets masked.
        headers: The request's headers by lower-case name, secrets masked.
        route: The family of services called, such as `chat`; `models`, `exchange` and `file` of v2,
            `token`, `console` or `unknown`.
        body: The request's JSON; a body that is not JSON as text, no body as None.
        endpoint: The last part of a URL of v1's models, or what the console was asked for, else None.
        model: The catalogue's first name of that endpoint, if it has one; on v2 the body's `model`.
        version: Which API was called, 1 or 2; None for what both have in common.
        status: The HTTP status answered; 0 where a fault broke the connection before an answer.
        reply: The JSON answered, or the list of stream events sent so far.
        rule: The rule of the script that answered, or None.
        duration: Real seconds from the whole request to the end of the answer being handed over; None
            while a stream is running, and for one that was cut off.
        fault: The fault it suffered, or None.
    """

    time: float
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    route: str
    body: Any
    endpoint: str | None = None
    model: str | None = None
    version: int | None = None
    status: int = 0
    reply: Any = None
    rule: Rule | None = None
    duration: float | None = field(default=None, compare=False)
    fault: Fault | None = None

    @property
    def messages(self) -> list[Any]:
        """The conversation the request carried; empty where it carried none."""
        return as_array((as_object(self.body) or {}).get("messages")) or []


class Calls(list[Call]):
    """Some calls of the journal, oldest first."""

    @property
    def last(self) -> Call:
        """The newest of them.

        Raises:
            IndexError: There is none.
        """
        if not self:
            raise IndexError("the journal holds no such call")
        return self[-1]


class Journal:
    """The last calls of a platform, oldest forgotten first.

    Args:
        size: Most calls kept.
    """

    def __init__(self, size: int) -> None:
        self._calls: deque[Call] = deque(maxlen=size)
        self._lock = threading.Lock()

    def add(self, call: Call) -> None:
        """Keep a call."""
        with self._lock:
            self._calls.append(call)

    def calls(self, route: str | None = None) -> Calls:
        """Return the calls kept, or those of one route."""
        with self._lock:
            return Calls(call for call in self._calls if route is None or call.route == route)

    def snapshot(self) -> list[Call]:
        """Return a copy of the calls; one that is not answered yet stays there as it is now."""
        with self._lock:
            return [call if call.duration is not None else _still(call) for call in self._calls]

    def restore(self, saved: Iterable[Call]) -> None:
        """Keep these calls, and no others."""
        with self._lock:
            self._calls = deque(saved, self._calls.maxlen)

    def clear(self) -> None:
        """Forget every call."""
        with self._lock:
            self._calls.clear()


def open_call(request: Request, route: str, time: float, version: int | None = None) -> Call:
    """Return the journal's entry of a request, its secrets masked."""
    return Call(
        time=time,
        method=request.method,
        path=request.path,
        query=masked(request.query),
        headers=masked(request.headers),
        route=route,
        body=_content(request),
        version=version,
    )


def masked(values: Mapping[str, Any]) -> Json:
    """Return a copy in which no value of a secret name is readable."""
    return {name: MASK if name.lower() in _SECRET else value for name, value in values.items()}


def _still(call: Call) -> Call:
    """Return a copy of a call, to which no further event of its stream is added."""
    return replace(call, reply=list(call.reply) if isinstance(call.reply, list) else call.reply)


def _content(request: Request) -> Any:
    if isinstance(request.content, NotJson):
        return request.body.decode("utf-8", "replace") if request.body else None
    content = as_object(request.content)
    return request.content if content is None else masked(content)
