"""Vectors that an upstream makes, on v1 and v2 alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qianfan.local import embedding, tokens
from qianfan.local.handler import Served
from qianfan.local.upstream.http import INTERNAL
from qianfan.local.upstream.server import EMBEDDINGS
from qianfan.local.wire import Refusal, Reply, as_array, as_object, new_id

if TYPE_CHECKING:
    from qianfan.local.handler import Asked
    from qianfan.local.upstream.server import Upstream
    from qianfan.local.wire import Json


def served(upstream: Upstream, asked: Asked, texts: list[str], wish: Json) -> Served:
    """Return the vectors of a request's texts, which are asked for later.

    Args:
        upstream: Who makes them.
        asked: Who is charged.
        texts: The texts.
        wish: What else is asked of the upstream, its model at least.
    """

    async def later() -> Reply:
        answer = await upstream.ask(EMBEDDINGS, {**wish, "input": texts})
        data = [
            {"object": "embedding", "embedding": vector, "index": index}
            for index, vector in enumerate(_vectors(answer, len(texts)))
        ]
        usage = {**tokens.input_usage(*texts), **_counts(answer)}
        asked.charge(usage["total_tokens"])
        head = {"id": new_id(), "object": embedding.OBJECT, "created": int(asked.now)}
        return Reply({**head, "data": data, "usage": usage})

    return Served(Reply(later=later), 0)


def _vectors(answer: Json, many: int) -> list[list[Any]]:
    """Return the vectors of an answer in the order of the texts.

    Raises:
        Refusal: There are others than so many arrays.
    """
    data = [as_object(item) or {} for item in as_array(answer.get("data")) or ()]
    places = {_index(item, place): as_array(item.get("embedding")) for place, item in enumerate(data)}
    vectors = [vector for index in range(many) if (vector := places.get(index))]
    if len(vectors) != many or len(data) != many:
        raise Refusal(INTERNAL, f"the upstream's answer has no vector for each of {many} texts")
    return vectors


def _index(item: Json, place: int) -> int:
    index = item.get("index")
    return index if isinstance(index, int) else place


def _counts(answer: Json) -> Json:
    usage = as_object(answer.get("usage")) or {}
    return {key: value for key, value in usage.items() if isinstance(value, int)}
