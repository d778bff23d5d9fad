"""Captions: what can really be read in image files, in the language of the question.

Nothing looks at a picture: format and size stand in its first bytes, and the pictures of this platform
carry their prompt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.local import images, png, replies, text2image, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

_TEXTS = {
    "file": {
        "zh": "这是一张 {format} 图片，宽 {width} 像素，高 {height} 像素，文件大小 {bytes} 字节。",
        "en": "This is a {format} image, {width} pixels wide and {height} pixels high; the file has {bytes} bytes. ",
    },
    "prompt": {
        "zh": "它由本地平台的文生图生成，提示词是：“{}”。",
        "en": "The local platform drew it for the prompt “{}”. ",
    },
    "address": {
        "zh": "还有一张图片在 {}，本地平台不访问网络，没有读取。",
        "en": "There is an image at {}, which was not read: the local platform fetches nothing. ",
    },
    "end": {
        "zh": "以上内容读自文件本身，没有调用真实的模型，所以无法回答画面的细节：“{}”。",
        "en": "All this was read in the file itself. No real model looked at the picture, so what it shows cannot be "
        "told: “{}”.",
    },
}


def describe(pictures: Iterable[bytes | str], question: str) -> str:
    """Return what can be said of some images: of files that can be read, and of addresses."""
    language = tokens.language(question)
    said = "".join(_caption(picture, language) for picture in pictures)
    return replies.MARK[language] + said + _TEXTS["end"][language].format(replies.short(question))


def _caption(picture: bytes | str, language: str) -> str:
    if isinstance(picture, str):
        return _TEXTS["address"][language].format(replies.short(picture))
    image = images.read(picture)
    drawn = png.read_text(picture, text2image.PROMPT) if image.format == "PNG" else None
    return _TEXTS["file"][language].format(**image._asdict(), bytes=len(picture)) + (
        _TEXTS["prompt"][language].format(drawn) if drawn is not None else ""
    )
