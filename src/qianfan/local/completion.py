"""Completion: one prompt, answered in words or, where the model writes SQL, by a query."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from qianfan.local import replies, rules, tokens
from qianfan.local.handler import Served
from qianfan.local.wire import Reply, new_id

if TYPE_CHECKING:
    from qianfan.local.handler import Asked
    from qianfan.local.wire import Json

OBJECT = "completion"

FIELDS = rules.shared("stream", "temperature", "top_k", "top_p", "penalty_score", "stop", "user_id")

_SQL = "-- {}\nSELECT 1;"
_SQL_MODELS = frozenset({"SQLCoder-7B"})


def handle(asked: Asked) -> Served:
    """Answer a completion request."""
    body = rules.read(asked.content, FIELDS)
    prompt = rules.required(body, "prompt")
    rules.check_input([prompt], asked.model)
    unsafe = replies.is_unsafe(prompt)
    words = replies.refusal(tokens.language(prompt)) if unsafe else _compose(prompt, asked)
    pieces = tokens.pieces(replies.until(words, body.get("stop") or ())) or [("", 0)]
    head: Json = {"id": new_id(), "object": OBJECT, "created": int(asked.now)}
    events = _events(head, pieces, tokens.tenths(prompt), is_safe=int(not unsafe))
    usage: Json = events[-1]["usage"]
    if body.get("stream"):
        return Served(Reply(events=events), usage["total_tokens"])
    result = "".join(piece for piece, _ in pieces)
    whole = {**head, "result": result, "is_safe": int(not unsafe), "usage": usage}
    return Served(Reply(whole), usage["total_tokens"])


def _compose(prompt: str, asked: Asked) -> str:
    words = replies.compose(replies.talk([{"role": "user", "content": prompt}], "", asked.now))
    if asked.model is not None and asked.model.name in _SQL_MODELS:
        return _SQL.format(" ".join(words.split()))  # a comment is one line
    return words


def _events(head: Json, pieces: list[tuple[str, int]], prompt: int, *, is_safe: int) -> list[Json]:
    last = len(pieces) - 1
    spent = accumulate(cost for _, cost in pieces)
    return [
        {
            **head,
            "sentence_id": index,
            "is_end": index == last,
            "result": piece,
            "is_safe": is_safe,
            "usage": tokens.usage(prompt, total),
        }
        for index, ((piece, _), total) in enumerate(zip(pieces, spent, strict=True))
    ]
