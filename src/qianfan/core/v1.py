"""The v1 dialect: `/rpc/2.0/ai_custom/v1/wenxinworkshop`, where the URL names the model.

Business errors come with HTTP 200 and an `error_code`; a stream ends with `is_end`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from qianfan import catalog
from qianfan.core import words
from qianfan.core.codec import (
    check_vectors,
    headed,
    read_event,
    read_json,
    service_name,
    snippet,
    unusable,
    written,
)
from qianfan.core.http import Request, described
from qianfan.core.refusals import api_error
from qianfan.errors import InvalidArgumentError, QianfanError
from qianfan.response import Response

if TYPE_CHECKING:
    from qianfan.catalog import Model
    from qianfan.core.call import Call
    from qianfan.core.http import Reply
    from qianfan.core.sse import Event

_WRITING = frozenset({"chat", "completion"})  # the kinds whose replies are words

#: Codes that say there is no such service: only then is a near miss of a model's name worth a hint.
_UNKNOWN_SERVICE = frozenset({3, 336005})


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
    as_chat = call.kind == "completion" and path.startswith("chat/")
    if as_chat:
        fields = {"messages": [{"role": "user", "content": fields.pop("prompt")}], **fields}
    if as_chat or call.kind == "chat":
        words.to_v1(fields)
    else:
        words.names_to_v1(fields)
    if call.stream:
        fields["stream"] = True
    request = Request("POST", f"{prefix}/{path}", headed(call.headers), written(fields))
    return request.with_query(urlencode(call.query)) if call.query else request


def service(call: Call) -> str:
    """Return the name of what a call asks: of a preset model the catalogue's, else the endpoint's or the model's."""
    return _name(call.kind, call.model or None, call.endpoint or None)


@lru_cache(1024)
def _name(kind: str, model: str | None, endpoint: str | None) -> str:
    known = catalog.by_endpoint(kind, endpoint) if endpoint else catalog.find(kind, model) if model else None
    return known.name if known else endpoint or model or catalog.default_model(kind)


def _path(call: Call, *, verbatim: bool) -> str:
    """Return where a call goes, below the prefix."""
    if call.kind not in catalog.paths():
        raise InvalidArgumentError(
            f"v1 has no call for {call.kind}",
            hint="请用 v2 的密钥：api_key= 或 access_key= 与 secret_key= (use a key of v2: api_key=, or access_key= and secret_key=)",
        )
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
        return quote(service_name(endpoint))
    return known.endpoint if known else quote(model, safe="")


class V1:
    """What the service's replies to one call mean."""

    __slots__ = ("_kind", "_model", "_texts", "becomes")

    def __init__(self, call: Call) -> None:
        self.becomes = call.becomes
        self._kind = call.kind
        self._texts = len(call.fields["input"]) if call.kind == "embedding" else 0
        self._model = None if call.endpoint else call.model

    def decode(self, reply: Reply) -> Response:
        """Return the reply, or raise the error it reports."""
        body = read_json(reply)
        if reply.status != 200 or "error_code" in body or "msg" in body:
            self._raise_for(body, reply)
        if self._kind in _WRITING and "result" not in body and "function_call" not in body:
            raise unusable(f"the reply holds no result: {snippet(reply.body)}", reply)
        if self._kind != "chat":
            self._fit(body, reply)
        return self.becomes(reply.status, reply.headers, body)

    def decode_event(self, head: Reply, event: Event) -> Response:
        """Return one event, or raise the error it reports."""
        body = read_event(event, head)
        if "error_code" in body or "msg" in body:
            self._raise_for(body, head)
        if event.name is not None:
            body["_event"] = event.name
        if self._kind != "chat":
            self._fit(body, head)
        return Response(head.status, head.headers, body)

    def reading(self, head: Reply) -> V1Reading:
        """Return what reads a stream of events."""
        return V1Reading(self, head)

    def _fit(self, body: dict[str, Any], reply: Reply) -> None:
        """Call a completion by its name, where a chat model gave it; order the vectors of an embedding."""
        if self._kind == "completion" and "object" in body:
            body["object"] = "completion"
        elif self._kind == "embedding":
            check_vectors(body, self._texts, reply)

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


class V1Reading:
    """The events of one stream so far, as the reply a unary call would have given."""

    __slots__ = ("_becomes", "_decode", "_head", "_last", "_texts")

    def __init__(self, dialect: V1, head: Reply) -> None:
        self._decode = dialect.decode_event
        self._becomes = dialect.becomes
        self._head = head
        self._texts: list[str] = []
        self._last: dict[str, Any] = {}

    @property
    def usage(self) -> Any:
        """What the events so far say of the tokens used, or None."""
        return self._last.get("usage")

    def take(self, event: Event, ready: list[Response]) -> bool:
        """Read an event; say whether it was the last."""
        item = self._decode(self._head, event)
        ready.append(item)
        return self.add(item)

    def finish(self, ready: list[Response]) -> bool:  # noqa: ARG002  # nothing was held back
        """Say that the stream is not whole: its last event never came."""
        return False

    def add(self, event: Response) -> bool:
        """Add an event to the sum; say whether it was the last."""
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
        return self._becomes(self._head.status, self._head.headers, body)


def failure(body: dict[str, Any], reply: Reply) -> QianfanError | None:
    """Return the error a reply reports, or None where it reports none."""
    code = body.get("error_code")
    if code is None and "msg" in body and isinstance(body.get("code"), int):
        code = body["code"]  # the rate limit page spells it so
    if code:
        message = body.get("error_msg") or body.get("error_message") or body.get("msg") or ""
        return described(api_error(code, str(message), body.get("id")), reply)
    if reply.status != 200:
        return unusable(f"HTTP {reply.status}: {snippet(reply.body)}", reply)
    return None
