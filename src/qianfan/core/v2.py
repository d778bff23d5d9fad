"""The v2 dialect: `/v2/chat/completions` and its kin, where the body's `model` names the model.

Replies keep what the service sent and get the names of v1 beside it (`result`, `is_end`, …), so that
code for either reads on. Errors come with an HTTP status; a stream ends with `[DONE]`.
See https://cloud.baidu.com/doc/qianfan-api/s/3m7of64lb.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

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
from qianfan.core.refusals import api_error, status_error
from qianfan.core.tool_calls import ToolCalls, mapping, text
from qianfan.errors import InvalidArgumentError, QianfanError
from qianfan.response import Response

if TYPE_CHECKING:
    from qianfan.core.call import Call
    from qianfan.core.http import Reply
    from qianfan.core.sse import Event

_DONE = b"[DONE]"

MODELS = "models"  # the kind of the call that lists them

_WRITING = frozenset({"chat", "completion"})

#: What every event of a stream says.
_OF_EVERY_EVENT = ("id", "object", "created", "model")


def encode(call: Call, base_url: str) -> Request:
    """Return the HTTP request that asks for what a call wants.

    Args:
        call: What is wanted.
        base_url: The URL up to and with `/v2`.

    Raises:
        InvalidArgumentError: v2 has no such services, the endpoint is more than a name, or the body is no JSON.
    """
    if call.kind == MODELS:
        request = Request("GET", base_url + catalog.paths_v2()[MODELS], headed(call.headers))
    else:
        model, family = _service(call.kind, call.model or None, call.endpoint or None)
        url = base_url + catalog.paths_v2()[family]
        request = Request("POST", url, headed(call.headers), written(_body(call, model, family)))
    return request.with_query(urlencode(call.query)) if call.query else request


def service(call: Call) -> str:
    """Return the id of the model that a call asks, or the name of a service of the user's own."""
    return _service(call.kind, call.model or None, call.endpoint or None)[0]


def _body(call: Call, model: str, family: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"model": model, **call.fields}
    if family == "chat":
        if call.kind == "completion":
            fields["messages"] = [{"role": "user", "content": fields.pop("prompt")}]
        words.to_v2(fields)
    else:
        words.names_to_v2(fields)
    if call.stream:
        fields["stream"] = True
        given = fields.get("stream_options")
        if given is None or isinstance(given, Mapping):
            fields["stream_options"] = {"include_usage": True, **(given or {})}  # v1 tells it unasked
    return fields


@lru_cache(1024)
def _service(kind: str, model: str | None, endpoint: str | None) -> tuple[str, str]:
    """Return the id of a model on v2, and its family; a service of the user's own goes by its name."""
    if catalog.default_v2(kind) is None:
        raise InvalidArgumentError(
            f"v2 has no {kind} services",
            hint="该服务只在 v1 上：请用应用的 ak= 与 sk= 或 access_key= 与 secret_key= "
            "(they exist on v1 only: use ak= and sk=, or access_key= and secret_key=)",
        )
    known = catalog.find(kind, model) if model else None
    if endpoint:
        preset = catalog.by_endpoint(kind, endpoint)
        known = known or preset
        named = preset.v2 if preset and preset.v2 else service_name(endpoint)
    else:
        named = catalog.v2_id(kind, model) if model else str(catalog.default_v2(kind))
    if kind != "completion":
        return named, kind
    # As on v1: a completion of a chat model is a chat, and so is one of a model that nobody knows.
    return named, known.family if known else "completion" if endpoint else "chat"


class V2:
    """What the service's replies to one call mean."""

    __slots__ = ("_call", "_kind", "becomes")

    def __init__(self, call: Call) -> None:
        self.becomes = call.becomes
        self._kind = call.kind
        self._call = call

    def decode(self, reply: Reply) -> Response:
        """Return the reply, or raise the error it reports."""
        body = read_json(reply)
        if reply.status != 200 or body.get("error"):
            raise self.failure(body, reply)
        if self._kind in _WRITING:
            choice = _choice(body)
            if choice is None:
                raise unusable("the reply holds no choices", reply)
            message = mapping(choice.get("message"))
            _speak(body, message, choice)
            _judge(body, choice, message.get("tool_calls"))
            if self._kind == "completion":
                body["object"] = "completion"
        elif self._kind == "embedding":
            check_vectors(body, len(self._call.fields["input"]), reply)
        return self.becomes(reply.status, reply.headers, body)

    def reading(self, head: Reply) -> V2Reading:
        """Return what reads a stream of events."""
        return V2Reading(self, head)

    def writes_texts(self) -> bool:
        """Say whether an answer is a `text`, as continuations have it, and no `message`."""
        call = self._call
        return (
            call.kind == "completion"
            and _service(call.kind, call.model or None, call.endpoint or None)[1] == "completion"
        )

    @property
    def whole_object(self) -> str:
        """What `object` is in a whole reply."""
        return "completion" if self._kind == "completion" else "chat.completion"

    def failure(self, body: Mapping[str, Any], reply: Reply) -> QianfanError:
        """Return the error that a reply, or with the head of a stream an event of it, reports."""
        told = body.get("error") or (body if "code" in body and "message" in body else None)
        if not told:
            return unusable(f"HTTP {reply.status}: {snippet(reply.body)}", reply)
        if not isinstance(told, Mapping):
            told = {"message": told}
        code = told.get("code") or told.get("type") or "unknown"
        code = code if isinstance(code, int) else str(code)
        message, request_id = str(told.get("message") or ""), body.get("id") or body.get("requestId")
        if reply.status == 200:  # within a stream
            error = api_error(code, message, request_id)
        else:
            error = status_error(reply.status, code, message, request_id)
        name = self._call.endpoint or self._call.model
        if code == "invalid_model" and name:
            error.hint = _near(self._kind, name) or error.hint
        return described(error, reply)


def _near(kind: str, name: str) -> str:
    """Return a hint for a name that the catalogue does not have on v2; "" where it has it, or nothing like it."""
    if catalog.v2_id(kind, name) != name or catalog.find_v2(kind, name):
        return ""
    near = catalog.nearest(kind, name, 2)
    if not near:
        return ""
    return (
        f"目录中 v2 没有模型 {name}，名称相近的有 {'、'.join(near)}；自己的服务须已在 v2 发布 "
        f"(the catalogue has no {name!r} on v2; near names: {', '.join(near)}; "
        "a service of your own must be published on v2)"
    )


class V2Reading:
    """The events of one stream: v1's names added, the last held until its usage and end are known."""

    __slots__ = (
        "_calls",
        "_dialect",
        "_ended",
        "_head",
        "_held",
        "_latest",
        "_sentences",
        "_texts",
        "_thoughts",
        "_usage",
    )

    def __init__(self, dialect: V2, head: Reply) -> None:
        self._dialect = dialect
        self._head = head
        self._held: dict[str, Any] | None = None
        self._usage: Any = None
        self._sentences = 0
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._calls = ToolCalls()
        self._latest: dict[str, Any] = {}  # of every field the latest value, as the service sent it
        self._ended: dict[str, Any] = {}  # the choice that said why it ended

    @property
    def usage(self) -> Any:
        """What the events so far say of the tokens used, or None."""
        return self._usage

    def take(self, event: Event, ready: list[Response]) -> bool:
        """Read an event; say whether it was the last."""
        if event.data == _DONE:
            return self._finished(ready)
        body = read_event(event, self._head)
        if body.get("error"):
            self._let_go(ready)
            raise self._dialect.failure(body, self._head)
        usage = body.get("usage")
        if usage:
            self._usage = usage
        choice = _choice(body)
        if choice is None:
            self._latest.update(body)
            if self._held is not None:
                _tell_sources(self._held, body)
            # The usage comes after the end of the text, and nothing but `[DONE]` after it.
            return bool(usage and self._ended) and self._finished(ready)
        if self._held is not None:
            self._let_go(ready)  # something follows the end after all
        if choice.get("index"):  # one of several answers, of which v1 knows the first
            _speak(body, {}, {})
        else:
            self._add(body, choice, mapping(choice.get("delta") or choice.get("message")))
            if choice.get("finish_reason"):
                self._ended = choice
                _judge(body, choice, self._calls.all())
                self._held = body
                return False
        self._release(ready, body)
        return False

    def finish(self, ready: list[Response]) -> bool:
        """Give out what was held; say whether the text had come to its end."""
        return bool(self._ended) and self._finished(ready)

    def add(self, event: Response) -> bool:
        """Add a whole reply, as services that ignore `stream` send it: it is an event, the first and the last."""
        body = event.body
        choice = _choice(body) or {}
        message = mapping(choice.get("message"))
        self._add(body, choice, message)
        self._ended = choice
        self._usage = body.get("usage")
        body["sentence_id"], body["is_end"] = 0, True
        choice.setdefault("delta", message)
        return True

    def reply(self) -> Response:
        """Return the sum, in the form of a whole reply."""
        dialect, said = self._dialect, "".join(self._texts)
        choice: dict[str, Any] = {"finish_reason": None, **self._ended, "index": 0}
        choice.pop("delta", None)
        message: dict[str, Any] = {}
        if dialect.writes_texts():
            choice["text"] = said
        else:
            message = choice["message"] = {"role": "assistant", "content": said}
            if self._thoughts:
                message["reasoning_content"] = "".join(self._thoughts)
            if self._calls:
                message["tool_calls"] = self._calls.all()
        body = {**self._latest, "object": dialect.whole_object, "choices": [choice]}
        if self._usage:
            body["usage"] = self._usage
        _speak(body, message, choice)
        _judge(body, choice, message.get("tool_calls"))
        return dialect.becomes(self._head.status, self._head.headers, body)

    def _add(self, body: dict[str, Any], choice: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        """Add an event to the sum, and give it the names of v1."""
        self._latest.update(body)
        said = _speak(body, message, choice)
        if said:
            self._texts.append(said)
        if "reasoning_content" in body:
            self._thoughts.append(body["reasoning_content"])
        if "tool_calls" in message:
            self._calls.add(message["tool_calls"])

    def _let_go(self, ready: list[Response]) -> None:
        """Give out what was held, which was not the last."""
        if self._held is not None:
            self._release(ready, self._held)

    def _release(self, ready: list[Response], body: dict[str, Any], *, last: bool = False) -> None:
        body["sentence_id"] = self._sentences
        body["is_end"] = last
        self._sentences += 1
        self._held = None
        ready.append(Response(self._head.status, self._head.headers, body))

    def _finished(self, ready: list[Response]) -> bool:
        """Give out the last event: what was held, or one without a text in its place; return True."""
        body = self._held
        if body is None:
            told = {name: self._latest[name] for name in _OF_EVERY_EVENT if name in self._latest}
            choice: dict[str, Any] = {
                "index": 0,
                "delta": {},
                "finish_reason": self._ended.get("finish_reason"),
            }
            body = {**told, "choices": [choice]}
            _speak(body, {}, {})
            _judge(body, choice, None if self._ended else self._calls.all())
        if self._usage:
            body["usage"] = self._usage
        self._release(ready, body, last=True)
        return True


def _choice(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the first choice of a reply or an event, or None where it has none."""
    choices = body.get("choices")
    return choices[0] if type(choices) is list and choices and type(choices[0]) is dict else None


def _speak(body: dict[str, Any], message: Mapping[str, Any], choice: Mapping[str, Any]) -> str:
    """Say under the names of v1 what a message, or a part of one, says; return the text."""
    said = message.get("content") or choice.get("text")
    if type(said) is not str:
        said = ""
    body["result"] = said
    thought = message.get("reasoning_content")
    if thought:
        body["reasoning_content"] = text(thought)
    body["is_truncated"] = False
    body["need_clear_history"] = False
    if "search_results" in body:
        _tell_sources(body, body)
    return said


def _tell_sources(body: dict[str, Any], told: Mapping[str, Any]) -> None:
    """Say under the names of both versions what a web search found, where it is told."""
    if "search_results" in told:
        body["search_results"] = told["search_results"]
        body["search_info"] = {"search_results": told["search_results"]}


def _judge(body: dict[str, Any], choice: Mapping[str, Any], calls: Any) -> None:
    """Say under the names of v1 how a reply ended; v1 knows one function call, the first."""
    finish = choice.get("finish_reason")
    body["finish_reason"] = "function_call" if finish == "tool_calls" else finish
    body["is_truncated"] = finish == "length"
    # v1 says that the history is unsafe, v2 of which kind the fault is: 0 for none.
    body["need_clear_history"] = bool(choice.get("need_clear_history") or choice.get("flag"))
    if "ban_round" in choice:
        body["ban_round"] = choice["ban_round"]
    call = calls[0] if type(calls) is list and calls else None
    if type(call) is dict:
        body["function_call"] = {**mapping(call.get("function")), "id": call.get("id") or ""}
