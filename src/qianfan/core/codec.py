"""JSON over HTTP, as both versions of the API have it: bodies written and read, headers that can be sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import orjson

from qianfan.core.http import described, redact
from qianfan.errors import PASSING_STATUSES, InvalidArgumentError, RequestError

if TYPE_CHECKING:
    from qianfan.core.http import Reply
    from qianfan.core.sse import Event

_HEADERS = {"Content-Type": "application/json"}

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

_SNIPPET = 200


def headed(headers: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return the headers of a JSON request, with more of them where given."""
    return merged(_HEADERS, _sendable(headers)) if headers else _HEADERS


def merged(headers: Mapping[str, str], over: Mapping[str, str]) -> dict[str, str]:
    """Return headers with others over them; names are the same in any case, so that none is sent twice."""
    names = {name.lower() for name in over}
    return {**{name: value for name, value in headers.items() if name.lower() not in names}, **over}


def service_name(endpoint: str) -> str:
    """Return the name of a service, or raise `InvalidArgumentError` where it is a path or a URL."""
    if "/" in endpoint:
        name = endpoint.partition("?")[0].rstrip("/").rpartition("/")[2]
        raise InvalidArgumentError(
            f"endpoint={redact(endpoint)!r} is more than a name",
            hint=f"pass only its last part: endpoint={name!r}",
        )
    return endpoint


def written(fields: Mapping[str, Any]) -> bytes:
    """Return fields as JSON; one that is None was not given.

    Raises:
        InvalidArgumentError: They cannot be written as JSON.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    for name, value in given.items():
        if type(value) is float and not isfinite(value):  # would be written as null, as if not given
            raise InvalidArgumentError(f"{name}={value} is no number that JSON has")
    return dumped(given)


def dumped(value: Any) -> bytes:
    """Return a value as JSON.

    Raises:
        InvalidArgumentError: It cannot be written as JSON.
    """
    try:
        return orjson.dumps(value, default=_plain)
    except TypeError as error:
        raise InvalidArgumentError(
            f"the request cannot be written as JSON: {error.__cause__ or error}",
            hint="pass str, int, float, bool, None, lists and dicts",
        ) from None


def _plain(value: Any) -> Any:
    """Return what JSON can say of a value that orjson does not know."""
    if isinstance(value, Mapping):
        return dict(value)
    listed = getattr(value, "tolist", None)  # a number or an array of numpy
    if listed is None:
        raise TypeError(f"{type(value).__name__} is not JSON serializable")
    plain = listed()
    if isinstance(plain, float) and not isfinite(plain):
        raise TypeError(f"{plain} is no number that JSON has")
    return plain


def _sendable(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return headers that HTTP can carry; each transport would refuse others in a way of its own."""
    for name, value in headers.items():
        if not (isinstance(name, str) and _HEADER_NAME.fullmatch(name)):
            raise InvalidArgumentError(f"{name!r} is no name of an HTTP header", hint="letters, digits and -")
        if not (isinstance(value, str) and value.isascii() and value.isprintable()):
            raise InvalidArgumentError(
                f"the header {name} holds what is no printable ASCII str",
                hint="quote other text first, for example with urllib.parse.quote",
            )
    return headers


def read_json(reply: Reply) -> dict[str, Any]:
    """Return the reply's JSON object; raise `RequestError` where it is none."""
    try:
        body = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        body = None
    if type(body) is dict:
        return body
    kind = reply.headers.get("Content-Type", "no content type")
    hint = "" if reply.status in PASSING_STATUSES else "请检查 base_url 与代理 (check base_url and the proxy)"
    raise unusable(f"HTTP {reply.status} with no JSON object ({kind}): {snippet(reply.body)}", reply, hint)


def read_event(event: Event, head: Reply) -> dict[str, Any]:
    """Return an event's JSON object; raise `RequestError` where it is none."""
    try:
        body = orjson.loads(event.data)
    except orjson.JSONDecodeError:
        body = None
    if type(body) is dict:
        return body
    raise described(
        RequestError(f"the stream holds an event that is no JSON object: {snippet(event.data)}"), head
    )


def check_vectors(body: dict[str, Any], texts: int, reply: Reply) -> None:
    """Refuse an embedding whose vectors cannot be told apart by their text."""
    data: Any = body.get("data")
    vectors = [
        item
        for item in (data if type(data) is list else ())
        if type(item) is dict and type(item.get("embedding")) is list
    ]
    if not any("index" in item for item in vectors):  # then they are in the order of the texts
        vectors = [{**item, "index": index} for index, item in enumerate(vectors)]
    indexes = [item["index"] for item in vectors if type(item.get("index")) is int]
    if sorted(indexes) != list(range(texts)) or len(data) != texts:
        raise unusable(f"{len(vectors)} vectors came for {texts} texts, of the indexes {indexes}", reply)
    body["data"] = sorted(vectors, key=itemgetter("index"))


def unusable(message: str, reply: Reply, hint: str = "") -> RequestError:
    """Return the error for a reply that cannot be used, with the start of what came."""
    body = reply.body[:2000].decode("utf-8", "replace")
    return described(RequestError(message, body=body, headers=reply.headers, hint=hint), reply)


def snippet(data: bytes) -> str:
    """Return the start of some bytes as an error quotes them."""
    text = " ".join(data[: 4 * _SNIPPET].decode("utf-8", "replace").split())
    return repr(text if len(text) <= _SNIPPET else text[:_SNIPPET] + "…")
