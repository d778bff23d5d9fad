"""Usage, counted by the documentation's rule of thumb: Chinese characters + 1.3 x words."""

from __future__ import annotations

import re

# A character of a script written without spaces counts as one token: ideographs, kana, hangul.
CHARACTER = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f"
_CHARACTERS = re.compile(f"[{CHARACTER}]")
_WORDS = re.compile(rf"[^\W{CHARACTER}]+")
_MARK = rf"[^\w\s{CHARACTER}]"
_PIECES = re.compile(rf"(\s*{_MARK}*(?:([{CHARACTER}]{{1,2}})|([^\W{CHARACTER}]+)){_MARK}*|\s+|{_MARK}+)")


def tenths(text: str) -> int:
    """Return ten times the tokens of a text, an exact integer that adds up over its pieces."""
    return 10 * len(_CHARACTERS.findall(text)) + 13 * len(_WORDS.findall(text))


def count(*texts: str) -> int:
    """Return the tokens of all texts together, rounded down once."""
    return sum(map(tenths, texts)) // 10


def usage(prompt: int, output: int) -> dict[str, int]:
    """Return the `usage` of an answer from the tenths of its prompt and of its output."""
    prompt, output = prompt // 10, output // 10
    return {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output}


def input_usage(*texts: str) -> dict[str, int]:
    """Return the `usage` of texts that are answered by no words."""
    spent = count(*texts)
    return {"prompt_tokens": spent, "total_tokens": spent}


def pieces(text: str) -> list[tuple[str, int]]:
    """Cut a text as a stream delivers it: two characters or one word at a time, each with its tenths."""
    return [
        (piece, 10 * len(characters) + 13 * bool(word)) for piece, characters, word in _PIECES.findall(text)
    ]


def language(text: str) -> str:
    """Return `zh` for a text with a character of such a script or without any word, else `en`."""
    return "en" if not _CHARACTERS.search(text) and _WORDS.search(text) else "zh"
