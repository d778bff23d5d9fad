"""The models that a key may use (v2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from qianfan.core.call import Call
from qianfan.errors import RequestError
from qianfan.resources.base import mapping, renamed, taken
from qianfan.response import Record, Response

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from typing_extensions import Unpack

    from qianfan.client import Qianfan
    from qianfan.core.call import Options


class ListOptions(TypedDict, total=False):
    """What the call may set for itself: see `qianfan.resources.base.CallOptions`, and openai's names of it."""

    retry_count: int | None
    request_timeout: float | None
    backoff_factor: float | None
    request_id: str | None
    headers: Mapping[str, str] | None
    query: Mapping[str, str] | None
    timeout: float | None
    extra_headers: Mapping[str, str] | None
    extra_query: Mapping[str, str] | None


class ModelList(Response):
    """The models; iterating gives them one by one, each with `id` and `owned_by`."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Any]:
        return iter([Record(model) for model in self.body.get("data") or () if isinstance(model, dict)])

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Models:
    """Models on a client: `client.models.list()`."""

    def __init__(self, client: Qianfan) -> None:
        self._client = client

    def list(self, **options: Unpack[ListOptions]) -> ModelList:
        """Return the models that the client's key may use, services of the account's own among them.

        Args:
            **options: See `ListOptions`.

        Raises:
            InvalidArgumentError: The client has no key of v2.
            APIError: The platform refuses it, in the platform's own words.
            RequestError: No usable reply came.

        See https://cloud.baidu.com/doc/qianfan-api/s/Fm9l6ocai.
        """
        return _checked(self._client.ask(*_listed(options)))

    async def alist(self, **options: Unpack[ListOptions]) -> ModelList:
        """Do what `list` does, in the running event loop."""
        return _checked(await self._client.aask(*_listed(options)))


def _checked(reply: Response) -> ModelList:
    """Return the list, or raise `RequestError`: what is no platform may answer anything with 200."""
    if not isinstance(reply.body.get("data"), list):
        raise RequestError(
            "the reply holds no list of models",
            status=reply.code,
            headers=reply.headers,
            hint="请检查 base_url 与代理 (check base_url and the proxy)",
        )
    return reply  # type: ignore[return-value]  # see `becomes`


def _listed(parameters: Mapping[str, Any]) -> tuple[Call, Options]:
    fields = renamed(parameters)
    options, headers = taken(fields)
    query = mapping("query", fields.pop("query", None))
    if fields:
        known = ", ".join(ListOptions.__annotations__)
        raise TypeError(f"unexpected argument {min(fields)!r}; known: {known}")
    return Call("models", None, None, {}, headers=headers, query=query, becomes=ModelList), options
