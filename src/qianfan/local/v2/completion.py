"""Completion on v2: one prompt, answered as a chat's only message would be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.local import chat, rules
from qianfan.local.rules import Question
from qianfan.local.v2 import chunks, fields
from qianfan.local.v2.chat import FINISH
from qianfan.local.wire import Reply, new_id

if TYPE_CHECKING:
    from qianfan.local.chat import Answer
    from qianfan.local.handler import Asked, Served
    from qianfan.local.wire import Json

OBJECT = "text_completion"


def handle(asked: Asked) -> Served:
    """Answer a completion request."""
    body: Json = asked.content
    fields.read(body, fields.WRITING)
    prompt = rules.required(body, "prompt")
    rules.check_input([prompt], asked.model)
    question = Question(
        [{"role": "user", "content": prompt}],
        stop=fields.stop(body),
        max_output_tokens=fields.most_tokens(body),
    )
    given = chat.answer(question, asked)
    head = {"id": new_id(), "object": OBJECT, "created": int(asked.now), "model": body["model"]}
    if body.get("stream"):
        usage = given.usage() if fields.wants_usage(body) else None
        reply = chunks.reply(head, _pieces(given), usage)
    else:
        choice = {"index": 0, "text": "".join(given.pieces), "finish_reason": _finish(given)}
        reply = Reply({**head, "choices": [choice], "usage": given.usage()})
    return chat.served(reply, given)


def _pieces(given: Answer) -> list[Json]:
    """Return the choices of a stream's chunks; the last one has the end."""
    choices: list[Json] = [{"index": 0, "text": piece} for piece in given.pieces]
    choices[-1]["finish_reason"] = _finish(given)
    return choices


def _finish(given: Answer) -> str:
    return FINISH.get(given.finish, given.finish)
