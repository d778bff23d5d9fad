"""The journal: what was asked and what was answered, secrets masked.

It is kept as JSON and read when it is looked at: as bytes it takes no more memory than it took on the
wire, and is nothing the garbage collector has to walk over.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import orjson

from qianfan.local.wire import NotJson, as_array, as_object, parse, written

if TYPE_CHECKING:
    import os
    from asyncio import Future
    from collections.abc import Callable, Iterable, Mapping

    from qianfan.local.faults.fault import Fault
    from qianfan.local.script import Rule
    from qianfan.local.wire import Json, Reply, Request

MASK = "***"

MOST_BYTES = 64 * 1024 * 1024  # that the calls of a journal may take

_A_CALL, _AN_EVENT = 2048, 64  # bytes that each takes besides what it says
_A_CHARACTER = 4  # bytes of a character of a text, at most

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
        asked: The request's body, secrets masked.
        endpoint: The last part of a URL of v1's models, or what the console was asked for, else None.
        model: The catalogue's first name of that endpoint, if it has one; on v2 the body's `model`.
        version: Which API was called, 1 or 2; None for what both have in common.
        status: The HTTP status answered; 0 where a fault broke the connection before an answer.
        answered: The answer's JSON, secrets masked, or that of each stream event sent so far.
        rule: The rule of the script that answered, or None.
        duration: Real seconds from the whole request to the end of the answer being handed over; None
            while a stream is running, and for one that was cut off.
        fault: The fault it suffered, or None.
        open: Whether its answer is still on its way.
        size: The memory it takes, about, in bytes.
        kept: Whether the journal still has it.
    """

    time: float
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    route: str
    asked: bytes = field(repr=False)
    endpoint: str | None = None
    model: str | None = None
    version: int | None = None
    status: int = 0
    answered: bytes | list[bytes] = field(default=b"null", repr=False)
    rule: Rule | None = None
    duration: float | None = field(default=None, compare=False)
    fault: Fault | None = None
    open: bool = field(default=True, repr=False, compare=False)
    size: int = field(default=0, repr=False, compare=False)
    kept: bool = field(default=False, repr=False, compare=False)

    @property
    def body(self) -> Any:
        """The request's JSON; a body that is not JSON as text, no body as None."""
        content = parse(self.asked)
        if isinstance(content, NotJson):
            return self.asked.decode("utf-8", "replace") if self.asked else None
        return content

    @property
    def reply(self) -> Any:
        """The JSON answered, or the list of stream events sent so far."""
        if isinstance(self.answered, list):
            return [orjson.loads(event) for event in self.answered]
        return orjson.loads(self.answered)

    @property
    def messages(self) -> list[Any]:
        """The conversation the request carried; empty where it carried none."""
        return as_array((as_object(self.body) or {}).get("messages")) or []

    @property
    def error_code(self) -> int | str | None:
        """The error that was answered, of a stream by its last event; None for none."""
        answered = self.answered[-1] if isinstance(self.answered, list) and self.answered else self.answered
        content = as_object(parse(answered)) or {} if isinstance(answered, bytes) else {}
        error = content.get("error")
        inner = as_object(error)
        code = inner.get("code", "error") if inner else content.get("error_code", content.get("code"))
        found = error if isinstance(error, str) else code
        return found if isinstance(found, int | str) and found else None

    @property
    def curl(self) -> str:
        """The command that makes the call again, each secret a variable of the shell's."""
        from qianfan.local import copies  # which know this module

        return copies.curl(self, copies.address(self))


class Calls(list[Call]):
    """Some calls of the journal, oldest first."""

    def where(self, condition: Callable[[Call], Any] | None = None, /, **fields: Any) -> Calls:
        """Return those that meet a condition and whose fields have these values.

        Args:
            condition: Says of a call whether it is wanted.
            **fields: Attributes of `Call`, such as `model="ERNIE-Bot-4"`, `status=200`, `error_code=18`.

        Raises:
            TypeError: A call has no such attribute.
        """
        for name in fields:
            if name.startswith("_") or not hasattr(Call, name):
                raise TypeError(f"a call has no {name!r}")
        return Calls(
            call
            for call in self
            if all(getattr(call, name) == value for name, value in fields.items())
            and (condition is None or condition(call))
        )

    def to_jsonl(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the calls as JSON, a line each, secrets masked; write them to a file too where one is named.

        Raises:
            OSError: The file cannot be written.
        """
        from qianfan.local import exports

        return exports.written(exports.jsonl(self), path)

    def to_curl(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return a shell script that makes the calls again in their order; write it to a file too.

        The secrets are variables of the environment, which `Platform.environment` has; the script says
        which are missing, and asks for an access token itself.

        Raises:
            OSError: The file cannot be written.
        """
        from qianfan.local import exports

        return exports.written(exports.script(self), path)

    @property
    def first(self) -> Call:
        """The oldest of them.

        Raises:
            IndexError: There is none.
        """
        if not self:
            raise IndexError("the journal holds no such call")
        return self[0]

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
    """The last calls of a platform; beyond a number, or a size of them all, the oldest are forgotten.

    They are numbered from 1 in the order they came in; no number is given twice.

    Args:
        most_calls: Most calls kept.
        most_bytes: Most memory they take; the last call is kept however large it is.
    """

    def __init__(self, most_calls: int, most_bytes: int = MOST_BYTES) -> None:
        self._most_calls = most_calls
        self._most_bytes = most_bytes
        self._calls: deque[Call] = deque()
        self._bytes = 0
        self._last = 0
        self._waiting: set[Future[None]] = set()
        self._lock = threading.Lock()

    def add(self, call: Call, reply: Reply) -> None:
        """Keep a call and its answer; of a stream nothing has been answered yet."""
        call.status = reply.status
        call.answered = [] if reply.is_stream else _answer(reply)
        call.size += len(call.answered) + _A_CHARACTER * (len(call.endpoint or "") + len(call.model or ""))
        with self._lock:
            self._keep(call)
            self._forget()
            self._notify()

    def tell(self, call: Call, content: bytes) -> None:
        """Take down the JSON of an event that was sent; of a stream without end only the beginning."""
        answered = call.answered
        assert isinstance(answered, list)
        with self._lock:
            if call.size > self._most_bytes:
                return
            answered.append(content)
            size = len(content) + _AN_EVENT
            call.size += size
            if call.kept:
                self._bytes += size
                self._forget()

    @property
    def last(self) -> int:
        """The number of the newest call, forgotten or not; 0 before the first."""
        return self._last

    def numbered(self) -> list[tuple[int, Call]]:
        """Return the calls kept with their numbers, oldest first."""
        with self._lock:
            return list(enumerate(self._calls, start=self._last - len(self._calls) + 1))

    async def wait_beyond(self, number: int) -> None:
        """Wait until there is a call of a higher number, or those that are kept are others."""
        import asyncio  # whoever waits has it already

        come = asyncio.get_running_loop().create_future()
        with self._lock:
            if self._last > number:
                return
            self._waiting.add(come)
        try:
            await come
        finally:
            with self._lock:
                self._waiting.discard(come)

    def calls(self, route: str | None = None) -> Calls:
        """Return the calls kept, or those of one route."""
        with self._lock:
            return Calls(call for call in self._calls if route is None or call.route == route)

    def snapshot(self) -> list[Call]:
        """Return a copy of the calls; one that is not answered yet stays there as it is now."""
        with self._lock:
            return [call if call.duration is not None else _still(call) for call in self._calls]

    def restore(self, saved: Iterable[Call]) -> None:
        """Keep these calls, and no others; they get new numbers, as none is ever given twice."""
        with self._lock:
            self._clear()
            for call in saved:
                self._keep(call)
            self._notify()

    def clear(self) -> None:
        """Forget every call."""
        with self._lock:
            self._clear()
            self._notify()

    def _keep(self, call: Call) -> None:
        self._calls.append(call)
        call.kept = True
        self._bytes += call.size
        self._last += 1

    def _clear(self) -> None:
        while self._calls:
            self._forget_oldest()

    def _forget(self) -> None:
        while len(self._calls) > self._most_calls or (
            self._bytes > self._most_bytes and len(self._calls) > 1
        ):
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        oldest = self._calls.popleft()
        oldest.kept = False
        self._bytes -= oldest.size

    def _notify(self) -> None:
        for come in self._waiting:
            come.get_loop().call_soon_threadsafe(_settle, come)


def _settle(come: Future[None]) -> None:
    if not come.done():
        come.set_result(None)


def open_call(request: Request, route: str, time: float, version: int | None = None) -> Call:
    """Return the journal's entry of a request, its secrets masked."""
    content = as_object(request.content)
    asked = request.body if content is None or not _has_secret(content) else _masked_json(content)
    head = 2 * len(request.target) + sum(len(name) + len(value) for name, value in request.received)
    return Call(
        time=time,
        method=request.method,
        path=request.path,
        query=_masked(request.query),
        headers=_masked(request.headers),
        route=route,
        asked=asked,
        version=version,
        size=_A_CALL + head + len(asked),
    )


def _answer(reply: Reply) -> bytes:
    """Return the JSON of an answer; of one that is no JSON there is none."""
    body = reply.body
    return reply.encoded() if body and not _has_secret(body) else _masked_json(body)


def _has_secret(values: Mapping[str, Any]) -> bool:
    return any(name.lower() in _SECRET for name in values)


def _masked(values: Mapping[str, Any]) -> Json:
    """Return a copy in which no value of a secret name is readable."""
    return {name: MASK if name.lower() in _SECRET else value for name, value in values.items()}


def _still(call: Call) -> Call:
    """Return a copy of a call, to which no further event of its stream is added."""
    answered = call.answered
    return replace(call, answered=[*answered] if isinstance(answered, list) else answered, open=False)


def _masked_json(values: Mapping[str, Any]) -> bytes:
    try:
        return written(_masked(values))
    except TypeError:  # it is nested deeper than can be written
        return written(dict.fromkeys(values, MASK))
