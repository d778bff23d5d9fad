"""Completion: one prompt, answered as a chat's only message would be; by SQL where the model writes SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.local import chat, replies, rules, tokens
from qianfan.local.rules import Question
from qianfan.local.wire import Reply, new_id

if TYPE_CHECKING:
    from qianfan.local.chat import Answer
    from qianfan.local.handler import Asked, Served

OBJECT = "completion"

FIELDS = rules.shared("stream", "temperature", "top_k", "top_p", "penalty_score", "stop", "user_id")

_SQL = "-- {}\nSELECT 1;"
_SQL_MODELS = frozenset({"SQLCoder-7B"})


def handle(asked: Asked) -> Served:
    """Answer a completion request."""
    body = rules.read(asked.content, FIELDS)
    prompt = rules.required(body, "prompt")
    rules.check_input([prompt], asked.model)
    question = Question([{"role": "user", "content": prompt}], stop=tuple(body.get("stop") or ()))
    writes_sql = asked.model is not None and asked.model.name in _SQL_MODELS
    compose = _query if writes_sql else chat.composed
    given = chat.scripted(question, asked) or compose(question, asked.now)
    return chat.served(encode(given, int(asked.now), stream=bool(body.get("stream"))), given)


def encode(given: Answer, created: int, *, stream: bool) -> Reply:
    """Give an answer the shape of the wire."""
    head = {"id": new_id(), "object": OBJECT, "created": created}
    is_safe = int(given.finish != "content_filter")
    if not stream:
        result = "".join(given.pieces)
        return Reply({**head, "result": result, "is_safe": is_safe, "usage": given.usage()})
    last = len(given.pieces) - 1
    return Reply(
        events=[
            {
                **head,
                "sentence_id": index,
                "is_end": index == last,
                "result": piece,
                "is_safe": is_safe,
                "usage": usage,
            }
            for index, (piece, usage) in enumerate(zip(given.pieces, given.usages(), strict=True))
        ]
    )


def _query(question: Question, now: float) -> Answer:
    """Return a query that runs on every database, and has the words in its comment."""
    prompt: str = question.messages[0]["content"]
    if replies.is_unsafe(prompt):
        return chat.composed(question, now)
    words = replies.compose(replies.talk(question.messages, "", now))
    comment = " ".join(words.split())  # one line, else the rest of it would be SQL
    return chat.limited(_SQL.format(comment), tokens.tenths(prompt), question)
