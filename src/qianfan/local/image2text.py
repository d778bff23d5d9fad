"""Image to text: what can really be read in an image file, in the language of the prompt.

Nothing looks at the picture: format and size stand in its first bytes, and the pictures of this
platform carry their prompt.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from qianfan import catalog
from qianfan.local import chat, images, png, replies, rules, text2image, tokens
from qianfan.local.handler import Served
from qianfan.local.rules import Question
from qianfan.local.wire import Refusal

if TYPE_CHECKING:
    from qianfan.local.handler import Asked
    from qianfan.local.images import Image

FIELDS = rules.shared("stream", "temperature", "top_k", "top_p", "penalty_score", "stop", "user_id")

_TEXTS = {
    "file": {
        "zh": "这是一张 {format} 图片，宽 {width} 像素，高 {height} 像素，文件大小 {bytes} 字节。",
        "en": "This is a {format} image, {width} pixels wide and {height} pixels high; the file has {bytes} bytes. ",
    },
    "prompt": {
        "zh": "它由本地平台的文生图生成，提示词是：“{}”。",
        "en": "The local platform drew it for the prompt “{}”. ",
    },
    "end": {
        "zh": "以上内容读自文件本身，没有调用真实的模型，所以无法回答画面的细节：“{}”。",
        "en": "All this was read in the file itself. No real model looked at the picture, so what it shows cannot be "
        "told: “{}”.",
    },
}


def handle(asked: Asked) -> Served:
    """Describe the image of a request."""
    body = rules.read(asked.content, FIELDS)
    prompt = rules.required(body, "prompt")
    data = _decode(rules.required(body, "image"))
    try:
        image = images.read(data)
    except ValueError as error:
        raise Refusal(rules.INVALID_PARAM, f"image can't be read: {error}") from None
    question = Question([{"role": "user", "content": prompt}], stop=tuple(body.get("stop") or ()))
    if replies.is_unsafe(prompt):
        given = chat.answer(question, asked.now)
    else:
        given = chat.limited(_describe(image, data, prompt), tokens.tenths(prompt), question)
    model = asked.model or catalog.models("image2text")[0]  # a custom service answers like the preset one
    reply = chat.encode(given, model, int(asked.now), stream=bool(body.get("stream")))
    return Served(reply, given.usage()["total_tokens"])


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise Refusal(
            rules.INVALID_PARAM, "image must be the base64 of an image file, without a data: header"
        ) from None


def _describe(image: Image, data: bytes, prompt: str) -> str:
    language = tokens.language(prompt)
    drawn = png.read_text(data, text2image.PROMPT) if image.format == "PNG" else None
    return (
        replies.MARK[language]
        + _TEXTS["file"][language].format(**image._asdict(), bytes=len(data))
        + (_TEXTS["prompt"][language].format(drawn) if drawn is not None else "")
        + _TEXTS["end"][language].format(replies.short(prompt))
    )
