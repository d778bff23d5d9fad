"""Completion: one prompt, answered as a chat's only message would be; by SQL where the model writes SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.local import chat, replies, rules, tokens
from qianfan.local.rules import Question
from qianfan.local.wire import Reply, new_id

if TYPE_CHECKING:
    from qianfan.local.chat import Answer
    from qianfan.local.handler import Asked, Served
    from qianfan.local.wire import Json

OBJECT = "completion"

FIELDS = rules.shared("stream", "temperature", "top_k", "top_p", "penalty_score", "stop", "user_id")

_SQL = "-- {}\nSELECT 1;"
_SQL_MODELS = frozenset({"SQLCoder-7B"})


def handle(asked: Asked) -> Served:
    """Answer a completion request."""
    question = read(asked)
    writes_sql = asked.model is not None and asked.model.name in _SQL_MODELS
    compose = _query if writes_sql else chat.composed
    return told(asked, question, chat.scripted(question, asked) or compose(question, asked.now))


def read(asked: Asked) -> Question:
    """Return the question that a prompt is.

    Raises:
        Refusal: With the code and words of the first rule that is broken.
    """
    body = rules.read(asked.content, FIELDS)
    prompt = rules.required(body, "prompt")
    rules.check_input([prompt], asked.model)
    return Question(
        [{"role": "user", "content": prompt}],
        stream=bool(body.get("stream")),
        stop=tuple(body.get("stop") or ()),
    )


def told(asked: Asked, question: Question, given: Answer) -> Served:
    """Return what a question is answered, as v1 tells it."""
    return chat.served(encode(given, int(asked.now), stream=question.stream), given)


def encode(given: Answer, created: int, *, stream: bool) -> Reply:
    """Give an answer the shape of the wire."""
    head = {"id": new_id(), "object": OBJECT, "created": created}
    if not stream:
        result = "".join(given.pieces)
        return Reply({**head, "result": result, "is_safe": _is_safe(given), "usage": given.usage()})
    last = len(given.pieces) - 1
    return Reply(
        events=[
            event(head, index, piece, usage, given, is_end=index == last)
            for index, (piece, usage) in enumerate(zip(given.pieces, given.usages(), strict=True))
        ]
    )


def event(head: Json, index: int, piece: str, usage: Json, given: Answer, *, is_end: bool) -> Json:
    """Return an event of a stream."""
    return {
        **head,
        "sentence_id": index,
        "is_end": is_end,
        "result": piece,
        "is_safe": _is_safe(given),
        "usage": usage,
    }


def _is_safe(given: Answer) -> int:
    return int(given.finish != "content_filter")


def _query(question: Question, now: float) -> Answer:
    """Return a query that runs on every database, and has the words in its comment."""
    prompt: str = question.messages[0]["content"]
    if replies.is_unsafe(prompt):
        return chat.composed(question, now)
    words = replies.compose(replies.talk(question.messages, "", now))
    comment = " ".join(words.split())  # one line, else the rest of it would be SQL
    return chat.limited(_SQL.format(comment), tokens.tenths(prompt), question)
