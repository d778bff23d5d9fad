"""The v2 dialect: `/v2/chat/completions` and its kin, where the body's `model` names the model.

Replies keep what the service sent and get the names of v1 beside it (`result`, `is_end`, …), so that
code for either reads on. Errors come with an HTTP status; a stream ends with `[DONE]`.
See https://cloud.baidu.com/doc/qianfan-api/s/3m7of64lb.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from qianfan import catalog
from qianfan.core import words
from qianfan.core.codec import check_vectors, headed, read_event, read_json, snippet, unusable, written
from qianfan.core.http import Request, described
from qianfan.errors import InvalidArgumentError, QianfanError, status_error
from qianfan.response import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qianfan.core.call import Call
    from qianfan.core.http import Reply
    from qianfan.core.sse import Event

_DONE = b"[DONE]"

MODELS = "models"  # the kind of the call that lists them

_WRITING = frozenset({"chat", "completion"})


def encode(call: Call, base_url: str) -> Request:
    """Return the HTTP request that asks for what a call wants.

    Args:
        call: What is wanted.
        base_url: The URL up to and with `/v2`.

    Raises:
        InvalidArgumentError: v2 has no such services, or the body is no JSON.
    """
    if call.kind == MODELS:
        return Request("GET", base_url + catalog.paths_v2()[MODELS], headed(call.headers))
    model, family = _service(call.kind, call.model or None, call.endpoint or None)
    fields: dict[str, Any] = {"model": model, **call.fields}
    if family == "chat":
        if call.kind == "completion":
            fields["messages"] = [{"role": "user", "content": fields.pop("prompt")}]
        words.to_v2(fields)
    elif "user_id" in fields:
        fields["user"] = fields.pop("user_id")
    if call.stream:
        fields["stream"] = True
        if fields.get("stream_options") is None:
            fields["stream_options"] = {"include_usage": True}  # v1 tells it unasked
    url = base_url + catalog.paths_v2()[family]
    request = Request("POST", url, headed(call.headers), written(fields))
    return request.with_query(urlencode(call.query)) if call.query else request


@lru_cache(1024)
def _service(kind: str, model: str | None, endpoint: str | None) -> tuple[str, str]:
    """Return the id of a model on v2, and its family; a service of the user's own goes by its name."""
    if catalog.default_v2(kind) is None:
        raise InvalidArgumentError(
            f"v2 has no {kind} services",
            hint="该服务只在 v1 上：请用应用的 ak= 与 sk= 或 access_key= 与 secret_key= "
            "(they exist on v1 only: use ak= and sk=, or access_key= and secret_key=)",
        )
    if endpoint:
        known = catalog.by_endpoint(kind, endpoint)
        named = known.v2 if known and known.v2 else endpoint
    else:
        known = catalog.find(kind, model) if model else None
        named = catalog.v2_id(kind, model) if model else str(catalog.default_v2(kind))
    if kind != "completion":
        return named, kind
    written_on = known.family == "completion" if known else bool(endpoint)
    return named, "completion" if written_on else "chat"


class V2:
    """What the service's replies to one call mean."""

    __slots__ = ("_kind", "_model", "_texts", "becomes")

    def __init__(self, call: Call) -> None:
        self.becomes = call.becomes
        self._kind = call.kind
        self._texts = len(call.fields["input"]) if call.kind == "embedding" else 0
        self._model = call.endpoint or call.model

    def decode(self, reply: Reply) -> Response:
        """Return the reply, or raise the error it reports."""
        body = read_json(reply)
        if reply.status != 200 or "error" in body:
            raise self.failure(body, reply)
        if self._kind in _WRITING:
            choice = _choice(body)
            if choice is not None:
                message = choice.get("message") or {}
                _speak(body, message, choice)
                _judge(body, choice, message.get("tool_calls"))
            if self._kind == "completion":
                body["object"] = "completion"
        elif self._kind == "embedding":
            check_vectors(body, self._texts, reply)
        return self.becomes(reply.status, reply.headers, body)

    def reading(self, head: Reply) -> V2Reading:
        """Return what reads a stream of events."""
        return V2Reading(self, head, "completion" if self._kind == "completion" else "chat.completion")

    def failure(self, body: Mapping[str, Any], reply: Reply) -> QianfanError:
        """Return the error that a reply reports."""
        told = body.get("error")
        if not told:
            return unusable(f"HTTP {reply.status}: {snippet(reply.body)}", reply)
        if not isinstance(told, dict):
            told = {"message": str(told)}
        code = told.get("code") or told.get("type") or "unknown"
        code = code if isinstance(code, int) else str(code)
        status = reply.status if reply.status != 200 else 400  # an error in mid-stream
        error = described(status_error(status, code, str(told.get("message") or ""), body.get("id")), reply)
        if code == "invalid_model" and self._model and not catalog.find_v2(self._kind, self._model):
            near = catalog.nearest(self._kind, self._model, 2)
            if near and catalog.v2_id(self._kind, self._model) == self._model:
                error.hint = (
                    f"目录中 v2 没有模型 {self._model}，名称相近的有 {'、'.join(near)}；自己的服务须已在 v2 发布 "
                    f"(the catalogue has no {self._model!r} on v2; near names: {', '.join(near)}; "
                    "a service of your own must be published on v2)"
                )
        return error


class V2Reading:
    """The events of one stream: v1's names added, the last held until its usage and end are known."""

    __slots__ = (
        "_becomes",
        "_calls",
        "_dialect",
        "_ended",
        "_head",
        "_held",
        "_last",
        "_object",
        "_sentences",
        "_texts",
        "_thoughts",
        "_usage",
    )

    def __init__(self, dialect: V2, head: Reply, name: str) -> None:
        self._dialect = dialect
        self._becomes = dialect.becomes
        self._head = head
        self._object = name
        self._held: dict[str, Any] | None = None
        self._usage: Any = None
        self._sentences = 0
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._calls: list[dict[str, Any]] = []
        self._last: dict[str, Any] = {}
        self._ended: dict[str, Any] = {}  # the choice that said why it ended

    def take(self, event: Event, ready: list[Response]) -> bool:
        """Read an event; say whether it was the last."""
        if event.data == _DONE:
            return self._released(ready, {**self._last, "choices": []})
        body = read_event(event, self._head)
        if "error" in body:
            raise self._dialect.failure(body, self._head)
        usage = body.get("usage")
        if usage:
            self._usage = usage
        choices = body.get("choices")
        if not choices:
            # The usage comes after the end of the text, and nothing but `[DONE]` after it.
            return bool(usage) and self._held is not None and self._released(ready, {})
        choice = choices[0]
        if self._held is not None:  # something follows the end after all
            self._release(ready, self._held)
        self._add(body, choice, choice.get("delta") or {})
        if choice.get("finish_reason"):
            self._ended = choice
            _judge(body, choice, self._calls)
            self._held = body
        else:
            self._release(ready, body)
        return False

    def finish(self, ready: list[Response]) -> bool:
        """Give out what was held; say whether the text had come to its end."""
        return self._held is not None and self._released(ready, {})

    def add(self, event: Response) -> bool:
        """Add a whole reply, as services that ignore `stream` send it."""
        choice = _choice(event.body)
        if choice is not None:
            self._add(event.body, choice, choice.get("message") or {})
            self._ended = choice
        self._usage = event.body.get("usage")
        return True

    def reply(self) -> Response:
        """Return the sum, in the form of a whole reply."""
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._texts)}
        if self._thoughts:
            message["reasoning_content"] = "".join(self._thoughts)
        if self._calls:
            message["tool_calls"] = [
                {name: value for name, value in call.items() if name != "index"} for call in self._calls
            ]
        choice = {**self._ended, "index": 0, "message": message}
        choice.setdefault("finish_reason", None)
        choice.pop("delta", None)
        choice.pop("text", None)
        body = {**self._last, "object": self._object, "choices": [choice]}
        if self._usage:
            body["usage"] = self._usage
        for only_in_streams in ("sentence_id", "is_end"):
            body.pop(only_in_streams, None)
        _speak(body, message, choice)
        _judge(body, choice, message.get("tool_calls"))
        return self._becomes(self._head.status, self._head.headers, body)

    def _add(self, body: dict[str, Any], choice: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        """Give an event the names of v1, and add it to the sum."""
        _speak(body, message, choice)
        if body["result"]:
            self._texts.append(body["result"])
        if "reasoning_content" in body:
            self._thoughts.append(body["reasoning_content"])
        for part in message.get("tool_calls") or ():
            self._add_call(part)
        self._last.update(body)

    def _add_call(self, part: Mapping[str, Any]) -> None:
        """Add a part of a tool call: its id and name come first, its arguments in pieces."""
        index = part.get("index", len(self._calls))
        while len(self._calls) <= index:
            self._calls.append({"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
        call, function = self._calls[index], part.get("function") or {}
        call["id"] = part.get("id") or call["id"]
        call["function"]["name"] += function.get("name") or ""
        call["function"]["arguments"] += function.get("arguments") or ""

    def _release(self, ready: list[Response], body: dict[str, Any], *, last: bool = False) -> None:
        body["sentence_id"] = self._sentences
        body["is_end"] = last
        self._sentences += 1
        self._held = None
        ready.append(Response(self._head.status, self._head.headers, body))

    def _released(self, ready: list[Response], otherwise: dict[str, Any]) -> bool:
        """Give out what was held, or something else in its place, as the last event; return True."""
        body = self._held
        if body is None:
            body = otherwise
            _speak(body, {}, {})
            _judge(body, {}, None)
        if self._usage:
            body["usage"] = self._usage
        self._release(ready, body, last=True)
        return True


def _choice(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the first choice of a whole reply, or None where it has none."""
    choices = body.get("choices")
    return choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else None


def _speak(body: dict[str, Any], message: Mapping[str, Any], choice: Mapping[str, Any]) -> None:
    """Say under the names of v1 what a message, or a part of one, says."""
    body["result"] = message.get("content") or choice.get("text") or ""
    thought = message.get("reasoning_content")
    if thought:
        body["reasoning_content"] = thought
    body["is_truncated"] = False
    body["need_clear_history"] = False
    if "search_results" in body:
        body["search_info"] = {"search_results": body["search_results"]}


def _judge(body: dict[str, Any], choice: Mapping[str, Any], calls: Any) -> None:
    """Say under the names of v1 how a reply ended; v1 knows one function call, the first."""
    finish = choice.get("finish_reason")
    body["finish_reason"] = finish
    body["is_truncated"] = finish == "length"
    # v1 says that the history is unsafe, v2 of which kind the fault is: 0 for none.
    body["need_clear_history"] = bool(choice.get("need_clear_history") or choice.get("flag"))
    if "ban_round" in choice:
        body["ban_round"] = choice["ban_round"]
    if calls:
        call = calls[0]
        body["function_call"] = {**(call.get("function") or {}), "id": call.get("id", "")}
