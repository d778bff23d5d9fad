"""Reranking on v2: as v1 does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.local import reranker, rules
from qianfan.local.v2 import fields

if TYPE_CHECKING:
    from qianfan.local.handler import Asked, Served

_NAMES = ("query", "documents", "top_n")


def handle(asked: Asked) -> Served:
    """Rank the documents of a request."""
    body = rules.read(asked.content, (fields.USER,))
    return reranker.handle(asked._replace(content={name: body.get(name) for name in _NAMES}))
