"""How many tokens a text may have: estimates, since only the service can count."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qianfan.core.call import Call

#: What an answer may take where the call does not say: the most that the 8K models give by default.
_ANSWER = 1024

#: Where a call says it, in the words of v1 or v2.
_MOST = ("max_output_tokens", "max_completion_tokens", "max_tokens")

#: The kinds whose answers are written word by word.
_WRITING = frozenset({"chat", "completion", "plugin", "image2text"})

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f"
_CHARACTERS = re.compile(f"[{_CJK}]")
_WORDS = re.compile(rf"[^\W{_CJK}]+")


def count(text: str) -> int:
    """Return the tokens of a text by the local rule of Baidu's SDKs: 0.625 a Chinese character, 1 a word."""
    return int(0.625 * len(_CHARACTERS.findall(text)) + len(_WORDS.findall(text)))


def expected(call: Call) -> int:
    """Return the most tokens a call is thought to use, input and answer.

    The input by the documentation's rule of thumb: 1 a Chinese character, 1.3 a word.
    """
    fields = call.fields
    most = next((fields[name] for name in _MOST if isinstance(fields.get(name), int)), _ANSWER)
    answer = most if call.kind in _WRITING else 0
    text = "\n".join(_texts([value for name, value in fields.items() if name != "image"]))
    return answer + int(len(_CHARACTERS.findall(text)) + 1.3 * len(_WORDS.findall(text)))


def _texts(value: Any) -> list[str]:
    """Return every str in a JSON value."""
    if isinstance(value, str):
        return [value]
    inner = (
        value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    )
    return [text for item in inner for text in _texts(item)]
