"""Embeddings on v2: v1's vectors, of one text or several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.local import checks, embedding, rules
from qianfan.local.rules import Field
from qianfan.local.v2 import fields

if TYPE_CHECKING:
    from qianfan.local.handler import Asked, Served

# The OpenAI SDK asks for base64 unless told otherwise, and takes floats too, which are all there is.
FIELDS = (fields.USER, Field("encoding_format", checks.one_of("float", "base64")))


def handle(asked: Asked) -> Served:
    """Return the vectors of a request's texts."""
    return embedding.handle(as_on_v1(asked))


def as_on_v1(asked: Asked) -> Asked:
    """Return what v1 would have been asked for the same vectors.

    Raises:
        Refusal: A field breaks its rule.
    """
    given = rules.read(asked.content, FIELDS).get("input")
    return asked._replace(content={"input": [given] if isinstance(given, str) else given})
