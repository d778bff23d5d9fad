"""Conversations with a model (对话 Chat)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, overload

from qianfan.errors import InvalidArgumentError
from qianfan.messages import Conversation, conversation
from qianfan.resources.base import Batched, WritingParameters

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import Unpack

    from qianfan.core.call import Call, Options
    from qianfan.drivers.aio import AsyncStream
    from qianfan.drivers.sync import Stream
    from qianfan.resources.chat_completions import ChatCompletions
    from qianfan.response import Response
    from qianfan.structured import Format


class ChatParameters(WritingParameters, total=False):
    """What a chat call may set beside `WritingParameters`; the words of v1 and of v2 serve on both.

    Attributes:
        max_completion_tokens: v2's name of `max_output_tokens`.
        seed: The same seed gives the same answer, as far as the model can (v2).
        repetition_penalty: Penalty for repetition, in (0, 2] (open models).
        parallel_tool_calls: Whether the model may call several tools at once (v2).
        stream_options: `{"include_usage": ...}`; a stream tells its usage unless this says otherwise (v2).
        web_search: `{"enable": ..., "enable_citation": ..., "enable_trace": ...}` (v2).
        user: v2's name of `user_id`.
        frequency_penalty: Penalty for frequent words, in [-2, 2] (some models).
        presence_penalty: Penalty for words already present, in [-2, 2] (some models).
        min_output_tokens: Fewest tokens of the answer.
        functions: What the model may call: `{name, description, parameters}`, the last a JSON schema.
        tool_choice: The function it must call: `{"type": "function", "function": {"name": ...}}`; or
            `auto`, `none`, `required` (v2).
        tools: What the model may call, in the words of v2 (`{"type": "function", "function": {...}}`), or
            plain functions, whose schema comes from their signature and docstring.
        response_format: `text` or `json_object`; on v2 also a JSON schema, a dataclass, a TypedDict or a
            pydantic model, of which `parsed` of the reply is then a value.
        disable_search: Whether to answer without a web search.
        enable_citation: Whether to mark the sources of a web search in the answer.
        enable_trace: Whether to list the sources of a web search.
        enable_system_memory: Whether to use a system memory, which `system_memory_id` names.
        system_memory_id: The system memory to use.
        user_setting: The name `system` had before it.
    """

    frequency_penalty: float | None
    presence_penalty: float | None
    min_output_tokens: int | None
    max_completion_tokens: int | None
    seed: int | None
    repetition_penalty: float | None
    parallel_tool_calls: bool | None
    stream_options: Mapping[str, Any] | None
    web_search: Mapping[str, Any] | None
    user: str | None
    functions: Sequence[Mapping[str, Any]] | None
    tool_choice: Mapping[str, Any] | str | None
    tools: Sequence[Mapping[str, Any] | Callable[..., Any]] | None
    response_format: str | Mapping[str, Any] | type | None
    disable_search: bool | None
    enable_citation: bool | None
    enable_trace: bool | None
    enable_system_memory: bool | None
    system_memory_id: str | None
    user_setting: str | None


class Chat(Batched):
    """Chat on a client: `client.chat.do(messages=...)`.

    The default model is ERNIE-Bot-turbo; on v2 ernie-lite-8k, which the platform names as its successor.
    """

    kind = "chat"

    @property
    def completions(self) -> ChatCompletions:
        """The same calls in the form of openai: `client.chat.completions.create(...)`."""
        from qianfan.resources.chat_completions import ChatCompletions

        return ChatCompletions(self)

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
            **parameters: See `ChatParameters`, `WritingParameters` and `CallOptions`.

        Returns:
            The reply, with the answer in `result`; or a `Stream` of replies, each with an increment.

        Raises:
            InvalidArgumentError: The call cannot be right; nothing was sent.
            APIError: The platform refuses it, in the platform's own words.
            RequestError: No usable reply came; `RequestTimeoutError`, `ConnectionFailedError` and
                `StreamIncompleteError` are kinds of it.

        See https://cloud.baidu.com/doc/WENXINWORKSHOP/s/4lilb2lpf and its neighbours, one page a model.
        """
        return self._client.perform(*self._asked(messages, model, endpoint, stream, parameters))

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
        return await self._client.aperform(*self._asked(messages, model, endpoint, stream, parameters))

    def _asked(
        self,
        messages: Conversation,
        model: str | None,
        endpoint: str | None,
        stream: bool,
        parameters: Mapping[str, Any],
    ) -> tuple[Call, Options]:
        call, options = self._call({"messages": conversation(messages)}, parameters, model, endpoint, stream)
        if call.fields.get("tools") or call.fields.get("response_format"):
            call = described(call)
        return call, options


def described(call: Call) -> Call:
    """Return a call with functions and types in it described as JSON can."""
    fields = dict(call.fields)
    tools = fields.get("tools")
    if tools:
        if isinstance(tools, Mapping) or callable(tools) or not isinstance(tools, Iterable):
            raise InvalidArgumentError(
                f"tools must be a list, not one {type(tools).__name__}", hint="tools=[get_weather]"
            )
        fields["tools"] = [_described(tool) if callable(tool) else tool for tool in tools]
    wanted = fields.get("response_format")
    if wanted is None:
        return call._replace(fields=fields)
    form = _format(wanted) if isinstance(wanted, type) else _format.__wrapped__(wanted)
    fields["response_format"] = form.wire
    return call._replace(fields=fields, becomes=form.reply)


def _described(function: Callable[..., Any]) -> Mapping[str, Any]:
    return (_tool if isinstance(function, Hashable) else _tool.__wrapped__)(function)


@lru_cache(128)
def _tool(function: Callable[..., Any]) -> Mapping[str, Any]:
    """Describe a function; once, as it takes longer than a call."""
    from qianfan import schema

    return schema.tool(function)


@lru_cache(128)
def _format(wanted: Any) -> Format:
    from qianfan.structured import Format

    return Format.of(wanted)
