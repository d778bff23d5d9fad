"""Texts turned into vectors (向量化 Embedding)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from qianfan import catalog
from qianfan.errors import InvalidArgumentError, QianfanError
from qianfan.resources.base import Batched, CallOptions, renamed
from qianfan.response import Response, add_usage
from qianfan.settings import whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from qianfan.core.call import Call, Options

_MOST_TEXTS = 16  # of a request, where the catalogue knows no other number
_AT_ONCE = 8


class EmbeddingParameters(CallOptions, total=False):
    """What an embedding call may set.

    Attributes:
        user_id: Your user's id, for the service's own protection.
        batch_size: Texts a request, from 1; default the model's most, 16 where it is not known.
        concurrency: Requests at the same time, from 1; default 8.
    """

    user_id: str | None
    batch_size: int | None
    concurrency: int | None


class Embeddings(Batched):
    """Embeddings on a client: `client.embeddings.do(texts=[...])`; default model Embedding-V1."""

    kind = "embedding"
    reserved = ("stream", "input")

    def do(
        self,
        texts: Iterable[str],
        model: str | None = None,
        endpoint: str | None = None,
        stream: Literal[False] = False,
        **parameters: Unpack[EmbeddingParameters],
    ) -> Response:
        """Return a vector for each text.

        More texts than a request takes are sent in several, a few at a time, and come back as one
        reply. `request_timeout` and `retry_count` then hold for each of them; after one that fails
        for good no further one is sent.

        Args:
            texts: Non-empty texts, each within the model's limit of characters; any number of them.
            model: A model's name; one the catalogue does not know goes to the service as it is.
            endpoint: A service of your own, by the last part of its address; it decides over `model`.
            stream: Only False; here for code that passes it.
            **parameters: See `EmbeddingParameters` and `CallOptions`.

        Returns:
            The reply, its `data` in the order of the texts, `usage` the sum; `vectors` has the shape
            (number of texts, dimensions).

        Raises:
            InvalidArgumentError: The call cannot be right; nothing was sent.
            APIError: The platform refuses it, in the platform's own words.
            RequestError: No usable reply came; `RequestTimeoutError` and `ConnectionFailedError` are
                kinds of it. Where texts were sent in several requests, `error.inputs` says which the
                failed one held, and `error.partial` holds the vectors of those that succeeded, each
                with the `index` of its text.

        See https://cloud.baidu.com/doc/WENXINWORKSHOP/s/alj562vvu and its neighbours, one page a model.
        """
        calls, options, at_once = self._calls(texts, model, endpoint, stream, parameters)
        if len(calls) == 1:
            return self._client.ask(calls[0], options)
        return self._client.ask_all(calls, options, at_once, _joined)

    async def ado(
        self,
        texts: Iterable[str],
        model: str | None = None,
        endpoint: str | None = None,
        stream: Literal[False] = False,
        **parameters: Unpack[EmbeddingParameters],
    ) -> Response:
        """Do what `do` does, in the running event loop."""
        calls, options, at_once = self._calls(texts, model, endpoint, stream, parameters)
        if len(calls) == 1:
            return await self._client.aask(calls[0], options)
        return await self._client.aask_all(calls, options, at_once, _joined)

    def create(
        self,
        *,
        input: str | Iterable[str],  # noqa: A002  # the name openai has
        model: str | None = None,
        **parameters: Any,
    ) -> Response:
        """Do what `do` does, under the names of openai: `client.embeddings.create(model=, input=)`.

        Args:
            input: One text or several.
            model: A model's id, or the name of a service of your own.
            **parameters: What `do` takes, and openai's `timeout`, `extra_body`, `extra_headers`, `extra_query`.
        """
        texts = [input] if isinstance(input, str) else input
        return self.do(texts, model, **renamed(parameters))

    async def acreate(
        self,
        *,
        input: str | Iterable[str],  # noqa: A002  # the name openai has
        model: str | None = None,
        **parameters: Any,
    ) -> Response:
        """Do what `create` does, in the running event loop."""
        texts = [input] if isinstance(input, str) else input
        return await self.ado(texts, model, **renamed(parameters))

    def _calls(
        self,
        texts: Iterable[str],
        model: str | None,
        endpoint: str | None,
        stream: bool,
        parameters: EmbeddingParameters,
    ) -> tuple[list[Call], Options, int]:
        if stream:
            raise InvalidArgumentError("an embedding comes whole: there is no stream=True")
        fields: dict[str, Any] = {"input": _list(texts)}
        call, options = self._call(fields, parameters, model, endpoint)
        known = _known(call.model, call.endpoint)
        _check(fields["input"], known)
        most = most_texts(call.model, call.endpoint)
        size = _count("batch_size", fields.pop("batch_size", None), most)
        at_once = _count("concurrency", fields.pop("concurrency", None), _AT_ONCE)
        whole: list[str] = fields["input"]
        return (
            [
                call._replace(fields={**fields, "input": whole[start : start + size]})
                for start in range(0, len(whole), size)
            ],
            options,
            at_once,
        )


def most_texts(model: str | None, endpoint: str | None) -> int:
    """Return how many texts a request takes."""
    known = _known(model, endpoint)
    return (known.max_texts if known else None) or _MOST_TEXTS


def _known(model: str | None, endpoint: str | None) -> catalog.Model | None:
    return None if endpoint else catalog.find("embedding", model or catalog.default_model("embedding"))


def _count(name: str, given: Any, default: int) -> int:
    return default if given is None else whole(name, given, least=1)


def _list(texts: Any) -> list[str]:
    """Return the texts as a list, or raise `InvalidArgumentError` where they cannot be one."""
    hint = 'texts=["世界上最高的山"]'
    if isinstance(texts, (str, bytes, Mapping)) or not isinstance(texts, Iterable):
        raise InvalidArgumentError(f"texts must be a list of str, not one {type(texts).__name__}", hint=hint)
    listed = list(texts)
    if not listed:
        raise InvalidArgumentError("texts is empty", hint=hint)
    return listed


def _check(texts: Sequence[Any], known: catalog.Model | None) -> None:
    """Refuse what the service would: it names no text, and charges for the requests before."""
    most = known.max_text_chars if known else None
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise InvalidArgumentError(f"texts[{index}] must be a str, not {type(text).__name__}")
        if not text.strip():
            raise InvalidArgumentError(
                f"texts[{index}] is empty", hint="leave it out, or say what it stands for"
            )
        if most is not None and len(text) > most:
            assert known is not None, "a limit is a model's"
            raise InvalidArgumentError(
                f"texts[{index}] has {len(text)} characters, {known.name} takes {most}",
                hint=f"split it; endpoint={known.endpoint!r} instead of the model sends it as it is",
            )
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InvalidArgumentError(
                f"texts[{index}] is no text that UTF-8 can write: {error.reason}"
            ) from None


def _joined(calls: Sequence[Call], outcomes: Sequence[Response | Exception | None]) -> Response:
    """Return the replies to parts of one call as one; raise what failed, with what did not."""
    sizes = [len(call.fields["input"]) for call in calls]
    starts = [sum(sizes[:index]) for index in range(len(sizes))]
    done = [
        (start, reply) for start, reply in zip(starts, outcomes, strict=True) if isinstance(reply, Response)
    ]
    for start, size, failure in zip(starts, sizes, outcomes, strict=True):
        if isinstance(failure, QianfanError) and not isinstance(failure, InvalidArgumentError):
            failure.inputs = range(start, start + size)
            failure.partial = _sum(done) if done else None
            failed = f"texts[{start}:{start + size}]"
            failure.hint = f"{failure.hint} 失败的是 {failed} ({failed} failed)".strip()
            if done:
                failure.hint += "，已成功的在 error.partial (what succeeded is in error.partial)"
        if isinstance(failure, Exception):
            raise failure
    return _sum(done)


def _sum(parts: Sequence[tuple[int, Response]]) -> Response:
    """Return the replies to parts as one, each vector with the index of its text in the whole."""
    body: dict[str, Any] = {**parts[0][1].body, "data": [], "usage": {}}
    for start, reply in parts:
        body["data"] += [{**item, "index": start + item["index"]} for item in reply["data"]]
        add_usage(body["usage"], reply.usage)
    last = parts[-1][1]
    return Response(last.code, last.headers, body)
