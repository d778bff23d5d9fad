"""The v1 dialect: `/rpc/2.0/ai_custom/v1/wenxinworkshop`, where the URL names the model.

Business errors come with HTTP 200 and an `error_code`; a stream ends with `is_end`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from math import isfinite
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import orjson

from qianfan import catalog
from qianfan.core.http import Request, described, redact
from qianfan.errors import PASSING_STATUSES, InvalidArgumentError, QianfanError, RequestError, api_error
from qianfan.response import Response

if TYPE_CHECKING:
    from qianfan.catalog import Model
    from qianfan.core.call import Call
    from qianfan.core.http import Reply
    from qianfan.core.sse import Event

_HEADERS = {"Content-Type": "application/json"}

#: Codes that say there is no such service: only then is a near miss of a model's name worth a hint.
_UNKNOWN_SERVICE = frozenset({3, 336005})

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

_SNIPPET = 200


def encode(call: Call, prefix: str, *, verbatim: bool = False) -> Request:
    """Return the HTTP request that asks for what a call wants.

    Args:
        call: What is wanted.
        prefix: The URL up to and with `/wenxinworkshop`.
        verbatim: Append the endpoint as it is, without `/chat/` before it.

    Raises:
        InvalidArgumentError: The endpoint is more than a name, or the body is no JSON.
    """
    path = _path(call, verbatim=verbatim)
    fields = dict(call.fields)
    if call.kind == "completion" and path.startswith("chat/"):
        fields = {"messages": [{"role": "user", "content": fields.pop("prompt")}], **fields}
    if call.stream:
        fields["stream"] = True
    request = Request("POST", f"{prefix}/{path}", headed(call.headers), written(fields))
    return request.with_query(urlencode(call.query)) if call.query else request


def headed(headers: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return the headers of a JSON request, with more of them where given."""
    return {**_HEADERS, **_sendable(headers)} if headers else _HEADERS


def written(fields: Mapping[str, Any]) -> bytes:
    """Return fields as JSON; one that is None was not given.

    Raises:
        InvalidArgumentError: They cannot be written as JSON.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    for name, value in given.items():
        if type(value) is float and not isfinite(value):  # would be written as null, as if not given
            raise InvalidArgumentError(f"{name}={value} is no number that JSON has")
    try:
        return orjson.dumps(given, default=_plain)
    except TypeError as error:
        raise InvalidArgumentError(
            f"the request cannot be written as JSON: {error}",
            hint="pass str, int, float, bool, None, lists and dicts",
        ) from None


def _plain(value: Any) -> Any:
    """Return what JSON can say of a value that orjson does not know."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON serializable")


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


def _path(call: Call, *, verbatim: bool) -> str:
    """Return where a call goes, below the prefix."""
    for given in (call.endpoint, call.model):
        if given is not None and not isinstance(given, str):
            raise InvalidArgumentError(f"model and endpoint are names, not {type(given).__name__}")
    if verbatim and call.endpoint:
        return call.endpoint.lstrip("/")
    return _address(call.kind, call.model or None, call.endpoint or None)


@lru_cache(1024)
def _address(kind: str, model: str | None, endpoint: str | None) -> str:
    """Return the path of a service: the endpoint, else what the catalogue or the name says.

    A model's family decides over the kind: a completion of a chat model is a chat. So is one of a
    model that the catalogue does not know, as nearly all models are chat models.
    """
    if model is None and endpoint is None:
        model = catalog.default_model(kind)
    known = catalog.find(kind, model) if model else None
    family = known.family if known else "chat" if kind == "completion" and not endpoint else kind
    return catalog.paths()[family].format(_service(model or "", endpoint, known))


def _service(model: str, endpoint: str | None, known: Model | None) -> str:
    """Return the last part of a service's path."""
    if endpoint:
        if set(endpoint) == {"."}:
            raise InvalidArgumentError(
                f"endpoint={endpoint!r} is more than a name", hint="it would lead elsewhere"
            )
        if "/" in endpoint:
            name = endpoint.partition("?")[0].rstrip("/").rpartition("/")[2]
            raise InvalidArgumentError(
                f"endpoint={redact(endpoint)!r} is more than a name",
                hint=f"pass only its last part: endpoint={name!r}",
            )
        return quote(endpoint)
    return known.endpoint if known else quote(model, safe="")


class V1:
    """What the service's replies to one call mean."""

    __slots__ = ("_kind", "_model", "_texts")

    def __init__(self, call: Call) -> None:
        self._kind = call.kind
        self._texts = len(call.fields["input"]) if call.kind == "embedding" else 0
        self._model = None if call.endpoint else call.model

    def decode(self, reply: Reply) -> Response:
        """Return the reply, or raise the error it reports."""
        body = read_json(reply)
        if reply.status != 200 or "error_code" in body or "msg" in body:
            self._raise_for(body, reply)
        if self._kind != "chat":
            self._fit(body, reply)
        return Response(reply.status, reply.headers, body)

    def decode_event(self, head: Reply, event: Event) -> Response:
        """Return one event, or raise the error it reports."""
        try:
            body = orjson.loads(event.data)
        except orjson.JSONDecodeError:
            body = None
        if type(body) is not dict:
            raise described(
                RequestError(f"the stream holds an event that is no JSON object: {_snippet(event.data)}"),
                head,
            )
        if "error_code" in body or "msg" in body:
            self._raise_for(body, head)
        if event.name is not None:
            body["_event"] = event.name
        if self._kind != "chat":
            self._fit(body, head)
        return Response(head.status, head.headers, body)

    def merger(self, head: Reply) -> V1Merger:
        """Return an empty sum of a stream's events."""
        return V1Merger(head)

    def _fit(self, body: dict[str, Any], reply: Reply) -> None:
        """Call a completion by its name, where a chat model gave it; order the vectors of an embedding."""
        if self._kind == "completion" and "object" in body:
            body["object"] = "completion"
        elif self._kind == "embedding":
            _check_vectors(body, self._texts, reply)

    def _raise_for(self, body: dict[str, Any], reply: Reply) -> None:
        error = failure(body, reply)
        if error is None:
            return
        model = self._model
        if error.code in _UNKNOWN_SERVICE and model:
            near = catalog.nearest(self._kind, model)
            if near and not catalog.find(self._kind, model):
                error.hint = f"没有名为 {model} 的模型，是否指 {'、'.join(near)}？(no model {model!r}; did you mean one of these?)"
        raise error


def _check_vectors(body: dict[str, Any], texts: int, reply: Reply) -> None:
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
        raise _unusable(f"{len(vectors)} vectors came for {texts} texts, of the indexes {indexes}", reply)
    body["data"] = sorted(vectors, key=itemgetter("index"))


class V1Merger:
    """The events of one stream so far, as the reply a unary call would have given."""

    __slots__ = ("_head", "_last", "_texts")

    def __init__(self, head: Reply) -> None:
        self._head = head
        self._texts: list[str] = []
        self._last: dict[str, Any] = {}

    def add(self, event: Response) -> bool:
        """Add an event; say whether it was the last."""
        body = event.body
        text = body.get("result")
        if text:
            self._texts.append(text)
        last = self._last
        if "usage" in last and not body.get("usage"):
            body = {**body, "usage": last["usage"]}  # an event without it, or with null, takes nothing back
        last.update(body)
        return body.get("is_end") is True

    def reply(self) -> Response:
        """Return the sum: the texts joined, of every other field the latest value."""
        body = dict(self._last)
        if "result" in body:
            body["result"] = "".join(self._texts)
        for only_in_streams in ("sentence_id", "is_end", "_event"):
            body.pop(only_in_streams, None)
        return Response(self._head.status, self._head.headers, body)


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
    raise _unusable(f"HTTP {reply.status} with no JSON object ({kind}): {_snippet(reply.body)}", reply, hint)


def failure(body: dict[str, Any], reply: Reply) -> QianfanError | None:
    """Return the error a reply reports, or None where it reports none."""
    code = body.get("error_code")
    if code is None and "msg" in body and isinstance(body.get("code"), int):
        code = body["code"]  # the rate limit page spells it so
    if code:
        message = body.get("error_msg") or body.get("error_message") or body.get("msg") or ""
        return described(api_error(code, str(message), body.get("id")), reply)
    if reply.status != 200:
        return _unusable(f"HTTP {reply.status}: {_snippet(reply.body)}", reply)
    return None


def _unusable(message: str, reply: Reply, hint: str = "") -> RequestError:
    body = reply.body[:2000].decode("utf-8", "replace")
    return described(RequestError(message, body=body, headers=reply.headers, hint=hint), reply)


def _snippet(data: bytes) -> str:
    text = " ".join(data[: 4 * _SNIPPET].decode("utf-8", "replace").split())
    return repr(text if len(text) <= _SNIPPET else text[:_SNIPPET] + "…")
