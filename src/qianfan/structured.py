"""What `response_format` means: the wire's words for it, and the value that a reply holds."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qianfan.errors import ReplyRefusedError, ReplyTruncatedError
from qianfan.response import Response
from qianfan.schema.given import Given
from qianfan.schema.hints import NOWHERE, Reader
from qianfan.schema.reading import read
from qianfan.schema.shapes import NAMES, document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qianfan.schema.shapes import Loader, Schema

_OBJECT = Given({"type": "object"})

#: What `type` is in a JSON schema; in a format of the wire it is something else.
_SCHEMA_TYPES = frozenset({"object", "array", *NAMES.values()})

# The words of a schema that hold other schemas.
_BY_NAME = frozenset({"properties", "$defs", "definitions"})
_LISTED = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_ALONE = frozenset({"items", "additionalProperties", "propertyNames"})

#: What a service that keeps to a schema strictly takes is known of OpenAI's only: nothing of the first, one
#: of the second in every place, objects that require all they have.
_LOOSE = frozenset(
    {"oneOf", "allOf", "prefixItems", "propertyNames", "uniqueItems", "patternProperties", "default"}
)
_TELLING = frozenset({"type", "enum", "const", "anyOf", "$ref"})

_UNREAD = object()

_UNFIT = re.compile(r"[^a-zA-Z0-9_-]+")
_LONGEST = 64  # characters of a schema's name


class Format:
    """A `response_format`: `Format.of(value)`.

    Attributes:
        wire: What the request says, in the words of v2; `text` and `json_object` stay as they are.
    """

    def __init__(self, value: Any, wire: Any, loader: Loader | None, name: str = "") -> None:
        self.wire = wire
        self._value = value
        self._loader = loader  # None where any text will do
        self._asked = name or "the reply"

    @classmethod
    def of(cls, value: Any) -> Format:
        """Return the format that a value means.

        Args:
            value: `text` or `json_object`; a format of the wire, such as `{"type": "json_schema", …}`;
                a JSON schema; or a type that `qianfan.schema.of` describes: a dataclass, a TypedDict, a
                pydantic model, … Every field of a type is asked for, those with a default too.

        Raises:
            InvalidArgumentError: JSON has nothing for the type; the error names the field.
        """
        if isinstance(value, str):
            return cls(value, value, _OBJECT if value == "json_object" else None)
        if not isinstance(value, Mapping):
            shape, name = Reader().shape(value, NOWHERE), getattr(value, "__name__", "")
            return cls(value, _wire(_complete(document(shape)), name), shape, name)
        kind = value.get("type")
        if kind == "json_schema":
            told = value.get("json_schema")
            told = told if isinstance(told, Mapping) else {}
            return cls(value, value, Given(told.get("schema") or {}), told.get("name", ""))
        if isinstance(kind, str) and kind not in _SCHEMA_TYPES:
            return cls(value, value, _OBJECT if kind == "json_object" else None)
        name = value.get("title", "")
        return cls(value, _wire(value, name), Given(value), name)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what was given: shapes hold functions."""
        return Format.of, (self._value,)

    def parse(self, text: str) -> Any:
        """Return the value that a text holds.

        Returns:
            An instance of the dataclass or model; a dict of a TypedDict, whose values are converted; the
            JSON itself of a JSON schema, checked as far as `qianfan.schema.given.Given` says; the text
            where it may be any.

        Raises:
            ReplyInvalidError: The text is no JSON, or not of the type or schema.
        """
        return text if self._loader is None else read(self._loader, text, self._asked)

    def reply(self, code: int, headers: Mapping[str, str] | None, body: Any) -> StructuredResponse:
        """Return a reply whose `parsed` is the value that it holds."""
        return StructuredResponse(self, code, headers, body)

    def read(self, reply: Response) -> Any:
        """Return the value that a reply holds; None where it calls a function instead.

        Raises:
            ReplyRefusedError: The model or the service would not answer.
            ReplyTruncatedError: The reply was cut by the limit of tokens.
            ReplyInvalidError: The text is no JSON, or not of the type or schema.
        """
        text: str = reply.get("result") or ""
        if self._loader is None:
            return text
        _check_refusal(reply, text)
        if reply.get("is_truncated") or reply.get("finish_reason") == "length":
            raise ReplyTruncatedError(
                "the reply was cut by the limit of tokens",
                reply,
                text=text,
                hint="增大 max_output_tokens；已有的部分在 error.text (raise max_output_tokens; error.text has what came)",
            )
        if reply.get("function_call"):
            return None
        return read(self._loader, text, self._asked, reply)


class StructuredResponse(Response):
    """The reply to a call with a `response_format`."""

    def __init__(self, format_: Format, code: int, headers: Mapping[str, str] | None, body: Any) -> None:
        super().__init__(code, headers, body)
        self._format = format_
        self._parsed: Any = _UNREAD

    def __reduce__(self) -> tuple[Any, ...]:
        return self._format.reply, (self.code, self.headers, self.body)

    @property
    def parsed(self) -> Any:
        """The value that was asked for; None where the reply calls a function instead.

        Raises:
            ParseError: There is none: see `Format.read`.
        """
        if self._parsed is _UNREAD:
            self._parsed = self._format.read(self)
        return self._parsed


def _check_refusal(reply: Response, text: str) -> None:
    choices = reply.get("choices")
    refusal = (choices[0].get("message") or {}).get("refusal") if choices else None
    if refusal:
        raise ReplyRefusedError("the model refuses to answer", reply, text=refusal)
    if reply.get("need_clear_history"):
        raise ReplyRefusedError(
            "the service judges the conversation unsafe",
            reply,
            text=text,
            hint="请开始新的对话，不带这一段历史 (begin a new conversation, without this history)",
        )
    if reply.get("finish_reason") == "content_filter":
        raise ReplyRefusedError("the service holds the answer back as unsafe", reply, text=text)


def _wire(schema: Mapping[str, Any], name: str) -> Schema:
    """Return the wire's words for a schema; `strict` where the schema is one that can be kept to strictly."""
    fit = _UNFIT.sub("_", name).strip("_")[:_LONGEST] or "reply"
    return {
        "type": "json_schema",
        "json_schema": {"name": fit, "schema": schema, "strict": _is_strict(schema)},
    }


def _complete(schema: Schema) -> Schema:
    """Return a schema that asks for every field, and takes no others unless it says so."""
    complete = copy.deepcopy(schema)
    for part in _parts(complete):
        part.pop("default", None)
        if "properties" in part:
            part["required"] = list(part["properties"])
            part.setdefault("additionalProperties", False)
    return complete


def _is_strict(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "object" and all(
        _LOOSE.isdisjoint(part)
        and not _TELLING.isdisjoint(part)
        and ("object" not in part.get("type", ()) or _is_closed(part))  # one type, or a list of them
        for part in _parts(schema)
    )


def _is_closed(part: Mapping[str, Any]) -> bool:
    required, properties = part.get("required", ()), part.get("properties", ())
    return part.get("additionalProperties") is False and set(required) == set(properties)


def _parts(schema: Any) -> Iterator[Any]:
    """Return a schema and all schemas within it."""
    if not isinstance(schema, Mapping):
        return
    yield schema
    for word, value in schema.items():
        if word in _BY_NAME:
            inner = value.values()
        elif word in _LISTED:
            inner = value
        else:
            inner = [value] if word in _ALONE else []
        for part in inner:
            yield from _parts(part)
