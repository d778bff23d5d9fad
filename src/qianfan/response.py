"""What a call returns."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from importlib import import_module
from typing import Any, NamedTuple, Protocol


class Headers(dict[str, str]):
    """HTTP headers, read by name in any case: transports and servers spell them differently."""

    def __missing__(self, name: str) -> str:
        for known, value in self.items():
            if known.lower() == name.lower():
                return value
        raise KeyError(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a header, or the default."""
        try:
            return self[name]
        except KeyError:
            return default

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None


class Record(dict[str, Any]):
    """A JSON object whose fields also read as attributes."""

    def __getattr__(self, name: str) -> Any:
        try:
            return _readable(self[name])
        except KeyError:
            raise AttributeError(f"no field {name!r} among {sorted(self)}") from None

    def model_dump(self, *, exclude_none: bool = False) -> dict[str, Any]:
        """Return a plain dict, as openai's objects do, with or without what is None."""
        plain: dict[str, Any] = _dumped(self, exclude_none)
        return plain


class ToolCall(Record):
    """A call of a tool that the model asks for, or in a stream a part of one."""

    @property
    def id(self) -> str:
        """Its id, which the answer must name; "" in the later parts of a stream."""
        return str(self.get("id") or "")

    @property
    def name(self) -> str:
        """The function's name; "" in the later parts of a stream."""
        return str((self.get("function") or {}).get("name") or "")

    @property
    def arguments(self) -> str:
        """The function's arguments as JSON, or in a stream a part of that text."""
        return str((self.get("function") or {}).get("arguments") or "")


class Message(Record):
    """What the model says; it can be appended to `messages` as it is."""

    @property
    def role(self) -> str:
        """Who speaks: `assistant`."""
        return str(self.get("role") or "assistant")

    @property
    def content(self) -> str | None:
        """The text, or in a stream the increment; None or "" where there is none."""
        return self.get("content")

    @property
    def reasoning_content(self) -> str | None:
        """What a reasoning model thought, or in a stream the increment; None where it did not."""
        return self.get("reasoning_content")

    @property
    def tool_calls(self) -> list[ToolCall] | None:
        """The calls of tools that the model asks for; None where there are none."""
        calls = self.get("tool_calls")
        return [ToolCall(call) for call in calls] if calls else None


class Choice(Record):
    """One answer of a reply, or in a stream a part of it."""

    @property
    def index(self) -> int:
        """Its number, from 0."""
        return int(self.get("index") or 0)

    @property
    def finish_reason(self) -> str | None:
        """Why it ended: `stop`, `length`, `tool_calls`, `content_filter`, …; None where it has not."""
        return self.get("finish_reason")

    @property
    def message(self) -> Message:
        """What the model says, in a whole reply."""
        return Message(self.get("message") or {})

    @property
    def delta(self) -> Message:
        """What an event of a stream adds."""
        return Message(self.get("delta") or {})


class Usage(Record):
    """The tokens a call used."""

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the input, the history among them."""
        return int(self.get("prompt_tokens") or 0)

    @property
    def completion_tokens(self) -> int:
        """Tokens of the answer."""
        return int(self.get("completion_tokens") or 0)

    @property
    def total_tokens(self) -> int:
        """Tokens of both."""
        return int(self.get("total_tokens") or 0)


def add_usage(total: dict[str, Any], usage: Mapping[str, Any]) -> None:
    """Add the tokens that one more call used to a sum."""
    for name, number in usage.items():
        if isinstance(number, int):
            total[name] = total.get(name, 0) + number


class RateLimits(NamedTuple):
    """What the service says of its rate limits, in the headers of a reply; None where it says nothing.

    Attributes:
        limit_requests: Most requests a minute.
        limit_tokens: Most tokens a minute.
        remaining_requests: Requests left of them.
        remaining_tokens: Tokens left of them.
    """

    limit_requests: int | None = None
    limit_tokens: int | None = None
    remaining_requests: int | None = None
    remaining_tokens: int | None = None

    @classmethod
    def told(cls, headers: Mapping[str, str]) -> RateLimits:
        """Return what headers say."""
        return cls(
            *(
                int(value) if value.isascii() and value.isdigit() else None
                for value in (headers.get(name) or "" for name in _RATE_LIMITS)
            )
        )


_RATE_LIMITS = tuple(
    f"X-Ratelimit-{what}-{of}" for what in ("Limit", "Remaining") for of in ("Requests", "Tokens")
)


class Response(Mapping[str, Any]):
    """The platform's reply to a call, or one event of a stream.

    Reads as a mapping over the body (`resp["result"]`) and by attribute (`resp.result`,
    `resp.usage.total_tokens`). `resp["body"]`, `resp["code"]` and `resp["headers"]` read the
    fields of the same names.

    Attributes:
        code: The HTTP status.
        body: The reply's JSON object.
    """

    __slots__ = ("_headers", "body", "code")

    code: int
    body: dict[str, Any]

    def __init__(self, code: int = 200, headers: Mapping[str, str] | None = None, body: Any = None) -> None:
        self.code = code
        self._headers: Mapping[str, str] = {} if headers is None else headers
        self.body = {} if body is None else body

    @property
    def headers(self) -> Headers:
        """The reply's HTTP headers, read by name in any case."""
        if type(self._headers) is not Headers:  # converted when first read: most callers never look
            self._headers = Headers(self._headers)
        return self._headers

    @property
    def choices(self) -> list[Choice]:
        """The answers in the form of v2, whichever API gave them; empty where the reply is none of a model."""
        choices = self.body.get("choices")
        return [Choice(choice) for choice in (_choices(self.body) if choices is None else choices)]

    @property
    def reasoning_content(self) -> str | None:
        """What a reasoning model thought, or in a stream the increment; None where it did not."""
        return self.body.get("reasoning_content")

    @property
    def parsed(self) -> Any:
        """The value of a reply that was asked for with a type or schema in `response_format=`.

        Raises:
            ParseError: The reply was cut, refused, or does not fit.
            InvalidArgumentError: The call named no such type.
        """
        from qianfan.errors import InvalidArgumentError

        raise InvalidArgumentError("nothing to parse: the call named no type or schema in response_format=")

    def model_dump(self, *, exclude_none: bool = False) -> dict[str, Any]:
        """Return the body with its `choices` as a plain dict, as openai's objects do, with or without what is None."""
        choices = [] if "choices" in self.body else _choices(self.body)
        plain: dict[str, Any] = _dumped(
            {**self.body, **({"choices": choices} if choices else {})}, exclude_none
        )
        return plain

    @property
    def usage(self) -> Usage:
        """The tokens used, 0 where the platform gave none."""
        return Usage(self.body.get("usage") or {})

    @property
    def rate_limit(self) -> RateLimits:
        """What the service says of its rate limits."""
        return RateLimits.told(self.headers)

    @property
    def vectors(self) -> Any:
        """The vectors of an embedding, of shape (number of texts, dimensions).

        A numpy array of float64 where numpy is installed, else a list of lists.

        Raises:
            AttributeError: The reply is no embedding.
        """
        vectors = self._items("embedding")
        try:
            numpy = import_module("numpy")  # not `import`: its stubs are younger than our oldest Python
        except ImportError:
            return vectors
        return numpy.array(vectors, dtype=numpy.float64)

    @property
    def images(self) -> list[bytes]:
        """The images of a reply, as the bytes of their files.

        Raises:
            AttributeError: The reply holds no images.
        """
        from base64 import b64decode

        return [b64decode(image) for image in self._items("b64_image")]

    def _items(self, field: str) -> list[Any]:
        try:
            return [item[field] for item in self.body["data"]]
        except (KeyError, TypeError):
            raise AttributeError(field) from None  # __getattr__ says the rest

    @property
    def request_id(self) -> str | None:
        """The platform's id of this request: its own header, else the id in the body."""
        body = self.body  # of the console `requestId`, or `log_id`
        found = body.get("id") or body.get("requestId") or body.get("log_id")
        return self.headers.get("X-Baidu-Request-Id") or (None if found is None else str(found))

    def __getitem__(self, key: str) -> Any:
        if key in _FIELDS:
            return getattr(self, key)
        if key == "choices" and key not in self.body and "result" in self.body:
            return _choices(self.body)
        return self.body[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.body)

    def __len__(self) -> int:
        return len(self.body)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name in _FIELDS:
            raise AttributeError(name)
        try:
            return _readable(self.body[name])
        except KeyError:
            raise AttributeError(f"the reply has no field {name!r}; it has {sorted(self.body)}") from None

    def __repr__(self) -> str:
        return f"QfResponse(code={self.code}, headers={self.headers!r}, body={self.body!r})"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Response):
            return (self.code, self.body) == (other.code, other.body)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]  # its body can change

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, self.headers, self.body)

    def keys(self) -> KeysView[str]:
        """Return the body's keys."""
        return self.body.keys()

    def values(self) -> ValuesView[Any]:
        """Return the body's values."""
        return self.body.values()

    def items(self) -> ItemsView[str, Any]:
        """Return the body's items."""
        return self.body.items()


class Summed(Protocol):
    """The events of one stream so far."""

    def reply(self) -> Response:
        """Return what the unary call would have returned."""
        ...


def _choices(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return v2's form of what v1 says: made when it is asked for, as code for v1 never does."""
    if "result" not in body:
        return []
    message: dict[str, Any] = {"role": "assistant", "content": body["result"]}
    call = body.get("function_call")
    if call:
        function = {"name": call.get("name"), "arguments": call.get("arguments")}
        message["tool_calls"] = [
            {"index": 0, "id": call.get("name"), "type": "function", "function": function}
        ]
    if "is_end" not in body:
        return [{"index": 0, "message": message, "finish_reason": _finish(body)}]
    return [{"index": 0, "delta": message, "finish_reason": _finish(body) if body["is_end"] else None}]


def _finish(body: dict[str, Any]) -> str:
    if body.get("function_call"):
        return "tool_calls"
    if body.get("need_clear_history"):
        return "content_filter"
    said = "length" if body.get("is_truncated") else body.get("finish_reason") or "stop"
    return "stop" if said == "normal" else str(said)


def _dumped(value: Any, exclude_none: bool) -> Any:
    """Return a copy of a JSON value in plain dicts and lists."""
    if isinstance(value, dict):
        return {
            name: _dumped(field, exclude_none)
            for name, field in value.items()
            if not (exclude_none and field is None)
        }
    return [_dumped(item, exclude_none) for item in value] if isinstance(value, list) else value


_FIELDS = frozenset({"body", "code", "headers"})


def _readable(value: Any) -> Any:
    """Let nested objects be read by attribute too."""
    if type(value) is dict:
        return Record(value)
    if type(value) is list:
        return [_readable(item) for item in value]
    return value
