"""Image to text: what can really be read in an image file, in the language of the prompt."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from qianfan import catalog
from qianfan.local import captions, chat, images, replies, rules, tokens
from qianfan.local.rules import Question
from qianfan.local.wire import Refusal

if TYPE_CHECKING:
    from qianfan.local.chat import Answer
    from qianfan.local.handler import Asked, Served

FIELDS = rules.shared("stream", "temperature", "top_k", "top_p", "penalty_score", "stop", "user_id")


def handle(asked: Asked) -> Served:
    """Describe the image of a request."""
    body = rules.read(asked.content, FIELDS)
    prompt = rules.required(body, "prompt")
    data = _decode(rules.required(body, "image"))
    try:
        images.read(data)
    except ValueError as error:
        raise Refusal(rules.INVALID_PARAM, f"image can't be read: {error}") from None
    question = Question([{"role": "user", "content": prompt}], stop=tuple(body.get("stop") or ()))
    given = chat.scripted(question, asked) or _describe(data, question, asked.now)
    model = asked.model or catalog.models("image2text")[0]  # a custom service answers like the preset one
    return chat.served(chat.encode(given, model, int(asked.now), stream=bool(body.get("stream"))), given)


def _describe(data: bytes, question: Question, now: float) -> Answer:
    prompt: str = question.messages[0]["content"]
    if replies.is_unsafe(prompt):
        return chat.composed(question, now)
    return chat.limited(captions.describe([data], prompt), tokens.tenths(prompt), question)


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise Refusal(
            rules.INVALID_PARAM, "image must be the base64 of an image file, without a data: header"
        ) from None
