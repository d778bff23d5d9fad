"""Embeddings: vectors made by feature hashing, so that texts which have much in common are near.

Each feature of a text adds its weight to some places of the vector, with signs; places and signs
are the digits of a hash. So texts without a common feature are almost at right angles.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from hashlib import blake2b
from math import sqrt
from operator import mul, sub
from typing import TYPE_CHECKING

from qianfan.local import features, rules, tokens
from qianfan.local.handler import Served
from qianfan.local.wire import Reply, new_id

if TYPE_CHECKING:
    from qianfan.local.handler import Asked

OBJECT = "embedding_list"

FIELDS = rules.shared("user_id")

MOST_TEXTS, DIMENSIONS = 16, 384  # of a custom service

_PLACES = struct.Struct("<16H")  # so many of a feature that few other features have most of them too
_SCALE = 10**8  # eight decimals, as many as a float of 32 bits is good for


def handle(asked: Asked) -> Served:
    """Return the vectors of a request's texts."""
    model, texts = asked.model, read(asked)
    dimensions = (model and model.dimensions) or DIMENSIONS
    data = [
        {"object": "embedding", "embedding": vector(text, asked.endpoint, dimensions), "index": index}
        for index, text in enumerate(texts)
    ]
    usage = tokens.input_usage(*texts)
    head = {"id": new_id(), "object": OBJECT, "created": int(asked.now)}
    return Served(Reply({**head, "data": data, "usage": usage}), usage["total_tokens"])


def read(asked: Asked) -> list[str]:
    """Return the texts of a request.

    Raises:
        Refusal: With the code and words of the first rule that is broken.
    """
    body, model = rules.read(asked.content, FIELDS), asked.model
    texts = rules.required_texts(body, "input", (model and model.max_texts) or MOST_TEXTS)
    if model is not None:
        for text in texts:
            rules.check_length([text], model.max_text_chars, model.max_text_tokens)
    return texts


def vector(text: str, space: str, dimensions: int) -> list[float]:
    """Return a text's unit vector: the same on every machine, another in every space."""
    sums = [0] * (2 * dimensions)  # what is added in the second half is subtracted in the end
    for feature, weight in features.weigh(text).items():
        for place in _places(feature, space, 2 * dimensions):
            sums[place] += weight
    values = list(map(sub, sums[:dimensions], sums[dimensions:]))
    factor = _SCALE / sqrt(sum(map(mul, values, values)))
    return [number / _SCALE for number in map(round, [value * factor for value in values])]


@lru_cache(maxsize=8192)
def _places(feature: str, space: str, many: int) -> list[int]:
    digest = blake2b(f"{space}/{feature}".encode(), digest_size=_PLACES.size).digest()
    return [number % many for number in _PLACES.unpack(digest)]
