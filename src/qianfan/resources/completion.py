"""Texts written on from a prompt (续写 Completion)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from qianfan.resources.base import Batched, WritingParameters, filled_text, renamed

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from qianfan.drivers.aio import AsyncStream
    from qianfan.drivers.sync import Stream
    from qianfan.response import Response


class Completions(Batched):
    """Completions on a client: `client.completions.do(prompt=...)`; default model ERNIE-Bot-turbo.

    A chat model serves them too: the prompt goes out as the one message of a conversation.
    """

    kind = "completion"
    reserved = ("stream", "messages")

    @overload
    def do(
        self,
        prompt: str,
        model: str | None = None,
        endpoint: str | None = None,
        stream: Literal[False] = False,
        **parameters: Unpack[WritingParameters],
    ) -> Response: ...
    @overload
    def do(
        self,
        prompt: str,
        model: str | None = None,
        endpoint: str | None = None,
        *,
        stream: Literal[True],
        **parameters: Unpack[WritingParameters],
    ) -> Stream: ...
    @overload
    def do(
        self,
        prompt: str,
        model: str | None = None,
        endpoint: str | None = None,
        stream: bool = False,
        **parameters: Unpack[WritingParameters],
    ) -> Response | Stream: ...
    def do(
        self,
        prompt: str,
        model: str | None = None,
        endpoint: str | None = None,
        stream: bool = False,
        **parameters: Unpack[WritingParameters],
    ) -> Response | Stream:
        """Write on from a prompt.

        Args:
            prompt: The text to write on from.
            model: A model's name; one the catalogue does not know is taken for a chat model.
            endpoint: A service of your own, by the last part of its address; it decides over `model`.
            stream: Whether the text comes in events as it is written.
            **parameters: See `WritingParameters` and `CallOptions`.

        Returns:
            The reply, with the text in `result`; or a `Stream` of replies, each with an increment.

        Raises:
            InvalidArgumentError: The call cannot be right; nothing was sent.
            APIError: The platform refuses it, in the platform's own words.
            RequestError: No usable reply came; `RequestTimeoutError`, `ConnectionFailedError` and
                `StreamIncompleteError` are kinds of it.

        See https://cloud.baidu.com/doc/WENXINWORKSHOP/s/4lilb2lpf and its neighbours, one page a model.
        """
        fields = {"prompt": filled_text("prompt", prompt)}
        return self._client.perform(*self._call(fields, parameters, model, endpoint, stream))

    @overload
    async def ado(
        self,
        prompt: str,
        model: str | None = None,
        endpoint: str | None = None,
        stream: Literal[False] = False,
        **parameters: Unpack[WritingParameters],
    ) -> Response: ...
    @overload
    async def ado(
        self,
        prompt: str,
        model: str | None = None,
        endpoint: str | None = None,
        *,
        stream: Literal[True],
        **parameters: Unpack[WritingParameters],
    ) -> AsyncStream: ...
    @overload
    async def ado(
        self,
        prompt: str,
        model: str | None = None,
        endpoint: str | None = None,
        stream: bool = False,
        **parameters: Unpack[WritingParameters],
    ) -> Response | AsyncStream: ...
    async def ado(
        self,
        prompt: str,
        model: str | None = None,
        endpoint: str | None = None,
        stream: bool = False,
        **parameters: Unpack[WritingParameters],
    ) -> Response | AsyncStream:
        """Do what `do` does, in the running event loop; with `stream=True` the stream is an async one."""
        fields = {"prompt": filled_text("prompt", prompt)}
        return await self._client.aperform(*self._call(fields, parameters, model, endpoint, stream))

    def create(
        self, *, prompt: str, model: str | None = None, stream: bool | None = False, **parameters: Any
    ) -> Response | Stream:
        """Do what `do` does, under the names of openai: `client.completions.create(model=, prompt=)`.

        Args:
            prompt: The text to write on from.
            model: A model's id, or the name of a service of your own.
            stream: Whether the text comes in events as it is written.
            **parameters: What `do` takes, and openai's `timeout`, `extra_body`, `extra_headers`, `extra_query`.
        """
        return self.do(prompt, model, stream=bool(stream), **renamed(parameters))

    async def acreate(
        self, *, prompt: str, model: str | None = None, stream: bool | None = False, **parameters: Any
    ) -> Response | AsyncStream:
        """Do what `create` does, in the running event loop."""
        return await self.ado(prompt, model, stream=bool(stream), **renamed(parameters))
