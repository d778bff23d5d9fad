"""What crosses the wire: a request as it came, a reply to send, a refusal to make."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

from qianfan.codes import CODES

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

Json: TypeAlias = "dict[str, Any]"

JSON = "application/json; charset=utf-8"  # the type of an answer that is no stream

DONE = b"data: [DONE]\n\n"

_LAST_GATEWAY_CODE = 999


class NotJson:
    """Stands for the content of a body that is not JSON."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, read to its end.

    Attributes:
        method: The HTTP method, in capitals.
        path: The decoded path.
        query: The first value of each query parameter.
        headers: Header values by lower-case name.
        body: The body's bytes.
        content: The body as JSON, or a `NotJson`.
        target: The request line's target as it came: encoded path and query.
        received: The headers as they came, in their order.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    content: Any
    target: str
    received: list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Reply:
    """What the platform answers: one JSON body, or the events of a stream.

    Attributes:
        body: The JSON object of an answer that is no stream.
        events: The JSON objects of a stream, or None.
        names: The name on the `event:` line of each; empty where the stream has no such lines.
        done: Whether the stream ends with `[DONE]`.
        content: The bytes of an answer that is no stream; where None, the body's.
        media_type: What the content is; by default JSON or, of events, a stream of events.
        status: The HTTP status.
        headers: Headers beside those that every answer has.
        later: Gives the answer, where it must be asked for elsewhere; of this one only the headers count.
        coming: Gives the events of a stream from elsewhere as they come, each as JSON or as bytes of the wire.
        delay: Seconds of the platform's clock from the call to the answer, or to a stream's first event.
        recordable: Whether a recording keeps it: not what came from one, nor what another server failed to answer.
        between: Seconds from each event to the next; None: as many as the platform's options say.
        at_once: How many events at the end come with the one before them.
    """

    body: Json = field(default_factory=dict[str, Any])
    events: list[Json] | None = None
    names: list[str] = field(default_factory=list[str])
    done: bool = False
    content: bytes | None = None
    media_type: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    later: Callable[[], Awaitable[Reply]] | None = None
    coming: AsyncGenerator[Json | bytes, None] | None = None
    delay: float = 0.0
    between: float | None = None
    at_once: int = 0
    recordable: bool = True

    @property
    def is_stream(self) -> bool:
        """Whether it is a stream of events."""
        return self.events is not None or self.coming is not None

    def encoded(self) -> bytes:
        """Return the body of an answer that is no stream, as it goes to the wire; it is made once."""
        if self.content is None:
            self.content = written(self.body)
        return self.content

    def contents(self) -> list[bytes]:
        """Return the JSON of each event of a stream."""
        return [written(event) for event in self.events or ()]

    def framed(self, index: int, content: bytes, last: int) -> bytes:
        """Return the event of an index, whose JSON is the content, as it goes to the wire."""
        body = b"data: %b\n\n" % content
        if self.names:
            body = b"event: %b\n%b" % (self.names[index].encode(), body)
        return body + DONE if self.done and index == last else body

    def pieces(self) -> list[bytes]:
        """Return the events of a stream, or the halves of another answer, as they go to the wire."""
        if self.events is not None:
            contents = self.contents()
            return [self.framed(index, content, len(contents) - 1) for index, content in enumerate(contents)]
        content = self.encoded()
        return [content[: len(content) // 2], content[len(content) // 2 :]]


class Refusal(Exception):  # noqa: N818  # to refuse is an answer, not an error of the program
    """The platform's error answer, raised by whichever layer refuses.

    Args:
        code: A code of `qianfan.codes`.
        message: The text of `error_msg`; by default the table's.
        status: The HTTP status: 200, as the platform answers business errors.
        headers: Response headers the answer carries.
    """

    def __init__(
        self, code: int, message: str = "", *, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        self.code = code
        self.message = message or CODES[code].message
        self.status = status
        self.headers = headers or {}
        super().__init__(f"{code}: {self.message}")

    def reply(self) -> Reply:
        """Return the answer as it goes to the wire; the gateway's own codes carry no `id`."""
        body: Json = {"error_code": self.code, "error_msg": self.message}
        if self.code > _LAST_GATEWAY_CODE:
            body["id"] = new_id()
        return Reply(body, status=self.status, headers=self.headers)


class BrokenOffError(Exception):
    """A stream that comes from elsewhere stopped short of its end."""


def new_id() -> str:
    """Return the id of an answer: `as-` and ten lower-case letters or digits."""
    return "as-" + secrets.token_hex(5)


def written(value: Any) -> bytes:
    """Return the JSON of a value, in no more memory than it takes: orjson's bytes keep 4 KiB, however short."""
    return bytes(memoryview(orjson.dumps(value)))


def parse(body: bytes) -> Any:
    """Return the JSON value of a body, or a `NotJson`."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return NotJson()


def as_object(value: Any) -> Json | None:
    """Return the value if it is a JSON object, else None."""
    if not isinstance(value, dict):
        return None
    content: Json = value
    return content


def as_array(value: Any) -> list[Any] | None:
    """Return the value if it is a JSON array, else None."""
    if not isinstance(value, list):
        return None
    items: list[Any] = value
    return items
