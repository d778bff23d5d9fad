"""Reranker: documents in the order of what they have in common with a query."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

from qianfan.local import checks, features, rules, tokens
from qianfan.local.handler import Served
from qianfan.local.rules import Field
from qianfan.local.wire import Reply, new_id

if TYPE_CHECKING:
    from qianfan.local.handler import Asked

OBJECT = "reranker_list"

FIELDS = (*rules.shared("user_id"), Field("top_n", checks.integer(1)))

MOST_DOCUMENTS, LONGEST_DOCUMENT, LONGEST_QUERY = 64, 4096, 1600

# What a score is made of, together 1: how much of the query is in the document, how much they have
# in common both ways, and whether the query is there word by word.
_COVERAGE, _COSINE, _PHRASE = 0.7, 0.2, 0.1


def handle(asked: Asked) -> Served:
    """Rank the documents of a request."""
    body = rules.read(asked.content, FIELDS)
    query = rules.required(body, "query")
    documents = rules.required_texts(body, "documents", MOST_DOCUMENTS)
    rules.check_length([query], LONGEST_QUERY, None)
    for document in documents:
        rules.check_length([document], LONGEST_DOCUMENT, None)
    scores = score(query, documents)
    order = sorted(range(len(documents)), key=lambda index: -scores[index])  # stable: ties by index
    results = [
        {"document": documents[index], "relevance_score": scores[index], "index": index}
        for index in order[: body.get("top_n")]
    ]
    usage = tokens.input_usage(query, *documents)
    head = {"id": new_id(), "object": OBJECT, "created": int(asked.now)}
    return Served(Reply({**head, "results": results, "usage": usage}), usage["total_tokens"])


def score(query: str, documents: list[str]) -> list[float]:
    """Return how relevant each document is to a query, from 0 to 1; each by itself."""
    asked, words = features.weigh(query), features.phrase(query)
    length = sum(weight * weight for weight in asked.values())
    scores: list[float] = []
    for document in documents:
        given = features.weigh(document)
        common = asked.keys() & given.keys()
        coverage = sum(asked[feature] ** 2 for feature in common) / length
        product = sum(asked[feature] * given[feature] for feature in common)
        cosine = product / sqrt(length * sum(weight * weight for weight in given.values()))
        is_there = words in features.phrase(document)
        scores.append(round(_COVERAGE * coverage + _COSINE * cosine + _PHRASE * is_there, 8))
    return scores
