"""Applications made of plugins (插件 Plugin)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast, overload

from qianfan import catalog
from qianfan.errors import ArgumentNotFoundError, InvalidArgumentError
from qianfan.messages import Conversation, conversation
from qianfan.resources.base import CommonOptions, Resource, filled_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from typing_extensions import Unpack

    from qianfan.core.call import Call, Options
    from qianfan.drivers.aio import AsyncStream
    from qianfan.drivers.sync import Stream
    from qianfan.response import Response


class PluginParameters(CommonOptions, total=False):
    """What a plugin call may set; the service checks the ranges.

    Attributes:
        query: Another name for `prompt`.
        messages: Another name for `prompt`, with ERNIE Bot's plugins.
        plugins: Ids of the plugins to choose from, 1 to 3; a single one must be used.
        llm: How the model writes: `{temperature, top_p, penalty_score}`.
        input_variables: Values of the variables in the application's template.
        history: The conversation so far: `{role, content}` items.
        verbose: Whether the reply says in `meta_info` what the plugin did.
        fileurl: The URL of a file to ask about.
        extra_data: Data for ERNIE Bot's plugins.
        user_id: Your user's id, for the service's own protection.
    """

    query: str | None
    messages: Conversation | None
    plugins: Sequence[str] | None
    llm: Mapping[str, Any] | None
    input_variables: Mapping[str, Any] | None
    history: Sequence[Mapping[str, Any]] | None
    verbose: bool | None
    fileurl: str | None
    extra_data: str | None
    user_id: str | None


class Plugins(Resource):
    """Plugins on a client: `client.plugin.do(endpoint="...", prompt="...")`."""

    kind = "plugin"

    @overload
    def do(
        self,
        prompt: str | Conversation | None = None,
        model: str | None = None,
        endpoint: str | None = None,
        stream: Literal[False] = False,
        **parameters: Unpack[PluginParameters],
    ) -> Response: ...
    @overload
    def do(
        self,
        prompt: str | Conversation | None = None,
        model: str | None = None,
        endpoint: str | None = None,
        *,
        stream: Literal[True],
        **parameters: Unpack[PluginParameters],
    ) -> Stream: ...
    @overload
    def do(
        self,
        prompt: str | Conversation | None = None,
        model: str | None = None,
        endpoint: str | None = None,
        stream: bool = False,
        **parameters: Unpack[PluginParameters],
    ) -> Response | Stream: ...
    def do(
        self,
        prompt: str | Conversation | None = None,
        model: str | None = None,
        endpoint: str | None = None,
        stream: bool = False,
        **parameters: Unpack[PluginParameters],
    ) -> Response | Stream:
        """Ask an application.

        Args:
            prompt: The question, at most 1000 characters; `query=` says the same. For ERNIE Bot's
                plugins a conversation too; `messages=` says the same.
            model: `EBPlugin` or `EBPluginV2` for ERNIE Bot's own plugins; else nothing.
            endpoint: The application, by the last part of its address.
            stream: Whether the answer comes in events as it is written. Those of ERNIE Bot's plugins
                carry the name of their kind in `_event`.
            **parameters: See `PluginParameters` and `CommonOptions`.

        Returns:
            The reply, with the answer in `result`; or a `Stream` of replies, each with an increment.

        Raises:
            InvalidArgumentError: The call cannot be right; nothing was sent.
            APIError: The platform refuses it, in the platform's own words.
            RequestError: No usable reply came; `RequestTimeoutError`, `ConnectionFailedError` and
                `StreamIncompleteError` are kinds of it.

        See https://cloud.baidu.com/doc/WENXINWORKSHOP/index.html (插件应用).
        """
        call, options = self._asked(prompt, model, endpoint, stream, parameters)
        return self._client.perform(call, options)

    @overload
    async def ado(
        self,
        prompt: str | Conversation | None = None,
        model: str | None = None,
        endpoint: str | None = None,
        stream: Literal[False] = False,
        **parameters: Unpack[PluginParameters],
    ) -> Response: ...
    @overload
    async def ado(
        self,
        prompt: str | Conversation | None = None,
        model: str | None = None,
        endpoint: str | None = None,
        *,
        stream: Literal[True],
        **parameters: Unpack[PluginParameters],
    ) -> AsyncStream: ...
    @overload
    async def ado(
        self,
        prompt: str | Conversation | None = None,
        model: str | None = None,
        endpoint: str | None = None,
        stream: bool = False,
        **parameters: Unpack[PluginParameters],
    ) -> Response | AsyncStream: ...
    async def ado(
        self,
        prompt: str | Conversation | None = None,
        model: str | None = None,
        endpoint: str | None = None,
        stream: bool = False,
        **parameters: Unpack[PluginParameters],
    ) -> Response | AsyncStream:
        """Do what `do` does, in the running event loop; with `stream=True` the stream is an async one."""
        call, options = self._asked(prompt, model, endpoint, stream, parameters)
        return await self._client.aperform(call, options)

    def _asked(
        self,
        prompt: str | Conversation | None,
        model: str | None,
        endpoint: str | None,
        stream: bool,
        parameters: PluginParameters,
    ) -> tuple[Call, Options]:
        """Say what is wanted: a query of an application, a conversation of ERNIE Bot's plugins."""
        rest = cast("dict[str, Any]", dict(parameters))
        given = {"prompt": prompt, "query": rest.pop("query", None), "messages": rest.pop("messages", None)}
        asked = {name: value for name, value in given.items() if value is not None}
        if len(asked) > 1:
            raise InvalidArgumentError(f"{' and '.join(asked)} are names of one argument; pass one of them")
        if not asked:
            raise ArgumentNotFoundError("there is no prompt", hint='prompt="..."')
        if isinstance(rest.get("plugins"), str):
            raise InvalidArgumentError("plugins is one str, not a list of ids", hint='plugins=["..."]')
        name, value = asked.popitem()
        call, options = self._call({"query": None, "messages": None}, rest, model, endpoint, stream)
        fields = cast("dict[str, Any]", call.fields)
        if call.model and catalog.find(self.kind, call.model):
            if not fields.get("plugins"):
                raise ArgumentNotFoundError(
                    f"{call.model} needs the plugins to use", hint='plugins=["eChart"]'
                )
            spoken = [{"role": "user", "content": value}] if isinstance(value, str) else value
            fields["messages"] = conversation(spoken)
        elif call.endpoint:
            fields["query"] = filled_text(name, value)
        else:
            raise ArgumentNotFoundError(
                "a plugin call goes to an application of yours; there are no preset ones",
                hint="endpoint= the last part of its address, from "
                "https://console.bce.baidu.com/qianfan/plugin/service/list",
            )
        return call, options
