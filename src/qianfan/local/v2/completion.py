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
    question = read(asked)
    return told(asked, question, chat.answer(question, asked))


def read(asked: Asked) -> Question:
    """Return the question that a prompt is.

    Raises:
        Refusal: With the code and words of the first rule that is broken.
    """
    body: Json = asked.content
    fields.read(body, fields.WRITING)
    prompt = rules.required(body, "prompt")
    rules.check_input([prompt], asked.model)
    return Question(
        [{"role": "user", "content": prompt}],
        stream=bool(body.get("stream")),
        stop=fields.stop(body),
        max_output_tokens=fields.most_tokens(body),
    )


def told(asked: Asked, question: Question, given: Answer) -> Served:
    """Return what a question is answered, as v2 tells it."""
    if question.stream:
        usage = given.usage() if fields.wants_usage(asked.content) else None
        reply = chunks.reply(head(asked), _pieces(given), usage)
    else:
        choice = {"index": 0, "text": "".join(given.pieces), "finish_reason": finish(given)}
        reply = Reply({**head(asked), "choices": [choice], "usage": given.usage()})
    return chat.served(reply, given)


def head(asked: Asked) -> Json:
    """Return what an answer has before its choices, and every chunk of a stream."""
    return {"id": new_id(), "object": OBJECT, "created": int(asked.now), "model": asked.content["model"]}


def _pieces(given: Answer) -> list[Json]:
    """Return the choices of a stream's chunks; the last one has the end."""
    choices: list[Json] = [{"index": 0, "text": piece} for piece in given.pieces]
    choices[-1]["finish_reason"] = finish(given)
    return choices


def finish(given: Answer) -> str:
    """Return why an answer ended."""
    return FINISH.get(given.finish, given.finish)
