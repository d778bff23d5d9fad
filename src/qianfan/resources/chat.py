"""Conversations with a model (对话 Chat)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict, overload

from qianfan import catalog
from qianfan.core.call import Call, Options
from qianfan.errors import InvalidArgumentError
from qianfan.messages import Messages

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from qianfan.client import Qianfan
    from qianfan.drivers.aio import AsyncStream
    from qianfan.drivers.sync import Stream
    from qianfan.response import Response


class CallOptions(TypedDict, total=False):
    """What every call may set for itself, beside the fields of its body.

    Attributes:
        retry_count: Attempts in all, from 1; default 3. 0 counts as 1.
        request_timeout: Seconds for the call with its attempts, above 0; of a stream, until the first
            and then each next event. Default 300.
        backoff_factor: Seconds the first pause between attempts is drawn from, from 0; default 1.
        request_id: An id of yours, sent in a header and kept by the service.
        extra: Body fields this package does not know yet.
        headers: HTTP headers to add.
        query: Query parameters to add.
    """

    retry_count: int | None
    request_timeout: float | None
    backoff_factor: float | None
    request_id: str | None
    extra: Mapping[str, Any] | None
    headers: Mapping[str, str] | None
    query: Mapping[str, str] | None


class ChatParameters(CallOptions, total=False):
    """What a chat call may set; which of it a model reads, its page in the platform's documentation says.

    A name that is not listed here travels to the service as it is; typed code passes it in `extra`.
    A value of None was not given. The service checks the ranges.

    Attributes:
        temperature: How freely words are chosen, in (0, 1]; default 0.95 on ERNIE.
        top_p: Part of the likeliest words to choose from, in [0, 1]; default 0.8 on ERNIE.
        top_k: Number of the likeliest words to choose from, above 0 (open models).
        penalty_score: Penalty for repetition, in [1, 2]; default 1.
        frequency_penalty: Penalty for frequent words, in [-2, 2] (some models).
        presence_penalty: Penalty for words already present, in [-2, 2] (some models).
        system: The persona of the model, at most 1024 characters (ERNIE).
        stop: At most 4 texts of at most 20 characters at which the answer ends.
        max_output_tokens: Most tokens of the answer, in [2, 2048] on 8K models.
        min_output_tokens: Fewest tokens of the answer.
        functions: What the model may call: `{name, description, parameters}`, the last a JSON schema.
        tool_choice: The function it must call: `{"type": "function", "function": {"name": ...}}`.
        tools: Search tools (open models).
        response_format: `text` or `json_object`.
        disable_search: Whether to answer without a web search.
        enable_citation: Whether to mark the sources of a web search in the answer.
        enable_trace: Whether to list the sources of a web search.
        enable_system_memory: Whether to use a system memory, which `system_memory_id` names.
        system_memory_id: The system memory to use.
        user_id: Your user's id, for the service's own protection.
        user_setting: The name `system` had before it.
    """

    temperature: float | None
    top_p: float | None
    top_k: int | None
    penalty_score: float | None
    frequency_penalty: float | None
    presence_penalty: float | None
    system: str | None
    stop: Sequence[str] | None
    max_output_tokens: int | None
    min_output_tokens: int | None
    functions: Sequence[Mapping[str, Any]] | None
    tool_choice: Mapping[str, Any] | None
    tools: Sequence[Mapping[str, Any]] | None
    response_format: str | None
    disable_search: bool | None
    enable_citation: bool | None
    enable_trace: bool | None
    enable_system_memory: bool | None
    system_memory_id: str | None
    user_id: str | None
    user_setting: str | None


Conversation = Messages | Iterable[Mapping[str, Any]]


class Chat:
    """Chat on a client: `client.chat.do(messages=...)`.

    Args:
        client: Who carries the calls out.
        model: The model of calls that name none, default ERNIE-Bot-turbo.
        endpoint: The service of calls that name none, by the last part of its address.
    """

    def __init__(self, client: Qianfan, model: str | None = None, endpoint: str | None = None) -> None:
        self._client = client
        self._model = model or None
        self._endpoint = endpoint or None

    @overload
    def do(
        self,
        messages: Conversation,
        model: str | None = None,
        endpoint: str | None = None,
        stream: Literal[False] = False,
        **parameters: Unpack[ChatParameters],
    ) -> Response: ...
    @overload
    def do(
        self,
        messages: Conversation,
        model: str | None = None,
        endpoint: str | None = None,
        *,
        stream: Literal[True],
        **parameters: Unpack[ChatParameters],
    ) -> Stream: ...
    @overload
    def do(
        self,
        messages: Conversation,
        model: str | None = None,
        endpoint: str | None = None,
        stream: bool = False,
        **parameters: Unpack[ChatParameters],
    ) -> Response | Stream: ...
    def do(
        self,
        messages: Conversation,
        model: str | None = None,
        endpoint: str | None = None,
        stream: bool = False,
        **parameters: Unpack[ChatParameters],
    ) -> Response | Stream:
        """Ask the model for the next message.

        Args:
            messages: The conversation: a `Messages`, or dicts with `role` and `content`; an odd number,
                user and assistant in turn, the first and the last the user's.
            model: A model's name; one the catalogue does not know goes to the service as it is.
            endpoint: A service of your own, by the last part of its address; it decides over `model`.
            stream: Whether the answer comes in events as it is written.
            **parameters: See `ChatParameters` and `CallOptions`.

        Returns:
            The reply, with the answer in `result`; or a `Stream` of replies, each with an increment.

        Raises:
            InvalidArgumentError: The call cannot be right; nothing was sent.
            APIError: The platform refuses it, in the platform's own words.
            RequestError: No usable reply came; `RequestTimeoutError`, `ConnectionFailedError` and
                `StreamIncompleteError` are kinds of it.

        See https://cloud.baidu.com/doc/WENXINWORKSHOP/s/4lilb2lpf and its neighbours, one page a model.
        """
        return self._client.perform(*self._call(messages, model, endpoint, stream, parameters))

    @overload
    async def ado(
        self,
        messages: Conversation,
        model: str | None = None,
        endpoint: str | None = None,
        stream: Literal[False] = False,
        **parameters: Unpack[ChatParameters],
    ) -> Response: ...
    @overload
    async def ado(
        self,
        messages: Conversation,
        model: str | None = None,
        endpoint: str | None = None,
        *,
        stream: Literal[True],
        **parameters: Unpack[ChatParameters],
    ) -> AsyncStream: ...
    @overload
    async def ado(
        self,
        messages: Conversation,
        model: str | None = None,
        endpoint: str | None = None,
        stream: bool = False,
        **parameters: Unpack[ChatParameters],
    ) -> Response | AsyncStream: ...
    async def ado(
        self,
        messages: Conversation,
        model: str | None = None,
        endpoint: str | None = None,
        stream: bool = False,
        **parameters: Unpack[ChatParameters],
    ) -> Response | AsyncStream:
        """Do what `do` does, in the running event loop; with `stream=True` the stream is an async one."""
        return await self._client.aperform(*self._call(messages, model, endpoint, stream, parameters))

    @staticmethod
    def models() -> set[str]:
        """Return the names of the preset chat models."""
        return {model.name for model in catalog.models("chat")}

    def access_token(self) -> str:
        """Return the access token of the moment, fetched first where needed; "" where none is used."""
        return self._client.access_token()

    async def aaccess_token(self) -> str:
        """Do what `access_token` does, in the running event loop."""
        return await self._client.aaccess_token()

    def _call(
        self,
        messages: Conversation,
        model: str | None,
        endpoint: str | None,
        stream: bool,
        parameters: ChatParameters,
    ) -> tuple[Call, Options]:
        """Say what is wanted, with what this object was made with where the call says nothing."""
        if not model and not endpoint:
            model, endpoint = self._model, self._endpoint
        fields: dict[str, Any] = {"messages": _conversation(messages), **parameters}
        take = fields.pop
        options = Options(
            take("retry_count", None), take("request_timeout", None), take("backoff_factor", None)
        )
        headers = _mapping("headers", take("headers", None))
        query = _mapping("query", take("query", None))
        extra = _mapping("extra", take("extra", None))
        request_id = take("request_id", None)
        if request_id:
            headers = {**headers, "Request_id": request_id}
        if "stream" in extra or "messages" in extra:
            raise InvalidArgumentError("extra holds messages or stream, which are arguments of their own")
        fields.update(extra)
        return Call("chat", model, endpoint, fields, stream, headers, query), options


def _mapping(name: str, value: Any) -> Mapping[str, Any]:
    """Return an argument that is a mapping, an empty one where it was not given."""
    if not value:
        return _NOTHING
    if not isinstance(value, Mapping):
        raise InvalidArgumentError(f"{name} must be a dict, not {type(value).__name__}")
    return value


_NOTHING: Mapping[str, Any] = {}


def _conversation(messages: Conversation) -> list[Mapping[str, Any]]:
    """Return the messages as a list, or raise `InvalidArgumentError` where they cannot be any.

    Order, roles and lengths are the service's to judge: its rules differ by model and change.
    """
    if isinstance(messages, (str, Mapping)):
        raise InvalidArgumentError(
            f"messages is one {type(messages).__name__}, not a list of messages",
            hint='messages=[{"role": "user", "content": "你好"}]',
        )
    try:
        conversation = list(messages)
    except TypeError:
        raise InvalidArgumentError(f"messages must be a list, not {type(messages).__name__}") from None
    if not conversation:
        raise InvalidArgumentError("messages is empty", hint='messages=[{"role": "user", "content": "你好"}]')
    for index, message in enumerate(conversation):
        if type(message) is not dict and not isinstance(message, Mapping):
            raise InvalidArgumentError(
                f"messages[{index}] is a {type(message).__name__}, not a dict",
                hint='{"role": "user", "content": ...}',
            )
        if "role" not in message:
            raise InvalidArgumentError(
                f"messages[{index}] has no role", hint="role: user, assistant or function"
            )
    return conversation
