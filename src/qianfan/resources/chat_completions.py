"""Chat in the form of openai: `client.chat.completions.create(...)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from qianfan.resources.base import renamed
from qianfan.resources.chat import ChatParameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Unpack

    from qianfan.drivers.aio import AsyncStream
    from qianfan.drivers.sync import Stream
    from qianfan.messages import Conversation
    from qianfan.resources.chat import Chat
    from qianfan.response import Response


class CreateParameters(ChatParameters, total=False):
    """What `create` may set: what `do` may, under the names of openai too.

    Attributes:
        max_tokens: Most tokens of the answer.
        timeout: Seconds; openai's name of `request_timeout`.
        extra_body: Body fields this package does not know yet.
        extra_headers: HTTP headers to add.
        extra_query: Query parameters to add to the URL.
    """

    max_tokens: int | None
    timeout: float | None
    extra_body: Mapping[str, Any] | None
    extra_headers: Mapping[str, str] | None
    extra_query: Mapping[str, str] | None


class ChatCompletions:
    """`client.chat.completions`: code written for openai, or for the later official SDK, moves to it.

    Replies and events hold `choices`, whichever API answers; see `qianfan.Response`.
    """

    def __init__(self, chat: Chat) -> None:
        self._chat = chat

    @overload
    def create(
        self,
        *,
        messages: Conversation,
        model: str | None = None,
        stream: Literal[False] | None = False,
        **parameters: Unpack[CreateParameters],
    ) -> Response: ...
    @overload
    def create(
        self,
        *,
        messages: Conversation,
        model: str | None = None,
        stream: Literal[True],
        **parameters: Unpack[CreateParameters],
    ) -> Stream: ...
    @overload
    def create(
        self,
        *,
        messages: Conversation,
        model: str | None = None,
        stream: bool | None = False,
        **parameters: Unpack[CreateParameters],
    ) -> Response | Stream: ...
    def create(
        self,
        *,
        messages: Conversation,
        model: str | None = None,
        stream: bool | None = False,
        **parameters: Unpack[CreateParameters],
    ) -> Response | Stream:
        """Ask the model for the next message; see `Chat.do`.

        Args:
            messages: The conversation, in the words of v1 or v2.
            model: A model's id, or the name of a service of your own.
            stream: Whether the answer comes in events as it is written.
            **parameters: See `CreateParameters`.

        Returns:
            The reply, with the answer in `choices[0].message.content`; or a `Stream` of events, each with
            an increment in `choices[0].delta.content`, the last with `usage`.

        Raises:
            InvalidArgumentError: The call cannot be right; nothing was sent.
            APIError: The platform refuses it, in the platform's own words.
            RequestError: No usable reply came.

        See https://cloud.baidu.com/doc/qianfan-api/s/3m7of64lb.
        """
        return self._chat.do(messages, model, stream=bool(stream), **renamed(parameters))

    @overload
    async def acreate(
        self,
        *,
        messages: Conversation,
        model: str | None = None,
        stream: Literal[False] | None = False,
        **parameters: Unpack[CreateParameters],
    ) -> Response: ...
    @overload
    async def acreate(
        self,
        *,
        messages: Conversation,
        model: str | None = None,
        stream: Literal[True],
        **parameters: Unpack[CreateParameters],
    ) -> AsyncStream: ...
    @overload
    async def acreate(
        self,
        *,
        messages: Conversation,
        model: str | None = None,
        stream: bool | None = False,
        **parameters: Unpack[CreateParameters],
    ) -> Response | AsyncStream: ...
    async def acreate(
        self,
        *,
        messages: Conversation,
        model: str | None = None,
        stream: bool | None = False,
        **parameters: Unpack[CreateParameters],
    ) -> Response | AsyncStream:
        """Do what `create` does, in the running event loop; with `stream=True` the stream is an async one."""
        return await self._chat.ado(messages, model, stream=bool(stream), **renamed(parameters))
