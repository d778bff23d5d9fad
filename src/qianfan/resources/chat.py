"""Conversations with a model (对话 Chat)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from qianfan.messages import Conversation, conversation
from qianfan.resources.base import Resource, WritingParameters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from typing_extensions import Unpack

    from qianfan.drivers.aio import AsyncStream
    from qianfan.drivers.sync import Stream
    from qianfan.response import Response


class ChatParameters(WritingParameters, total=False):
    """What a chat call may set beside `WritingParameters`.

    Attributes:
        frequency_penalty: Penalty for frequent words, in [-2, 2] (some models).
        presence_penalty: Penalty for words already present, in [-2, 2] (some models).
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
        user_setting: The name `system` had before it.
    """

    frequency_penalty: float | None
    presence_penalty: float | None
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
    user_setting: str | None


class Chat(Resource):
    """Chat on a client: `client.chat.do(messages=...)`; default model ERNIE-Bot-turbo."""

    kind = "chat"

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
        fields = {"messages": conversation(messages)}
        return self._client.perform(*self._call(fields, parameters, model, endpoint, stream))

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
        fields = {"messages": conversation(messages)}
        return await self._client.aperform(*self._call(fields, parameters, model, endpoint, stream))
