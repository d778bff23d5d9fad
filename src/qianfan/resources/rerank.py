"""Documents in the order of their relevance to a query (重排序 Reranker)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from qianfan.errors import InvalidArgumentError
from qianfan.resources.base import CommonOptions, Resource, filled_text

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from qianfan.response import Response


class RerankParameters(CommonOptions, total=False):
    """What a rerank call may set.

    Attributes:
        user_id: Your user's id, for the service's own protection.
    """

    user_id: str | None


class Rerank(Resource):
    """Reranking on a client: `client.rerank.do(query=..., documents=[...])`; default bce-reranker-base_v1."""

    kind = "reranker"

    def do(
        self,
        query: str,
        documents: Iterable[str],
        top_n: int | None = None,
        model: str | None = None,
        endpoint: str | None = None,
        **parameters: Unpack[RerankParameters],
    ) -> Response:
        """Order documents by their relevance to a query.

        Args:
            query: What is looked for, at most 1600 characters.
            documents: At most 64 non-empty texts of at most 4096 characters.
            top_n: How many of them to return, from 1; default all.
            model: A model's name; one the catalogue does not know goes to the service as it is.
            endpoint: A service of your own, by the last part of its address; it decides over `model`.
            **parameters: See `RerankParameters` and `CommonOptions`.

        Returns:
            The reply; `results` holds `{document, relevance_score, index}`, the most relevant first,
            `index` being the document's place among those given.

        Raises:
            InvalidArgumentError: The call cannot be right; nothing was sent.
            APIError: The platform refuses it, in the platform's own words.
            RequestError: No usable reply came; `RequestTimeoutError` and `ConnectionFailedError` are
                kinds of it.

        See https://cloud.baidu.com/doc/WENXINWORKSHOP/index.html (重排序).
        """
        fields = _fields(query, documents, top_n)
        return self._client.ask(*self._call(fields, parameters, model, endpoint))

    async def ado(
        self,
        query: str,
        documents: Iterable[str],
        top_n: int | None = None,
        model: str | None = None,
        endpoint: str | None = None,
        **parameters: Unpack[RerankParameters],
    ) -> Response:
        """Do what `do` does, in the running event loop."""
        fields = _fields(query, documents, top_n)
        return await self._client.aask(*self._call(fields, parameters, model, endpoint))


def _fields(query: str, documents: Iterable[str], top_n: int | None) -> dict[str, Any]:
    if isinstance(documents, (str, bytes, Mapping)) or not isinstance(documents, Iterable):
        raise InvalidArgumentError(
            f"documents is one {type(documents).__name__}, not a list of str",
            hint='documents=["...", "..."]',
        )
    listed = list(documents)
    if not listed:
        raise InvalidArgumentError("documents is empty", hint='documents=["...", "..."]')
    for index, document in enumerate(listed):
        filled_text(f"documents[{index}]", document)
    return {"query": filled_text("query", query), "documents": listed, "top_n": top_n}
