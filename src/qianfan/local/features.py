"""Features: what texts are compared by, so that those which share words or characters are near.

A Latin word counts by itself, its stem and its trigrams, so that its other forms are near too; a text
in Chinese by its characters and their pairs. What is in almost every text counts little.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from math import sqrt

from qianfan.local import tokens

LONGEST = 28_000  # characters of a text that are looked at; no preset model takes a longer one

# A longer word, which is data rather than language, counts as several; so a feature is short.
_LETTERS = rf"[^\W_{tokens.CHARACTER}]{{1,64}}"
_RUN = re.compile(rf"([{tokens.CHARACTER}]+)|({_LETTERS})")
_WORD_OR_CHARACTER = re.compile(rf"[{tokens.CHARACTER}]|{_LETTERS}")

# What a feature adds to the squared length of its text; the weight is the root.
_WORD, _STEM, _TRIGRAM = 2.0, 3.0, 0.4
_CHARACTER = 0.5
_PAIRS = (4.0, 0.25, 0.02)  # by how many of the two characters are common
_COMMON = 0.02

_ENDING = re.compile(r"(?<=\w{3})(?:ing|ed|es|s|e|ly)$")
_DOUBLED = re.compile(r"(\w)\1$")  # as in running

_WORDS_OF_EVERY_TEXT = (
    "a about an and any are as at be been but by can could did do does for from had has have he her his how i"
    " if in into is it its me my no not of on or our s she should so some t tell than that the their them then"
    " there these they this to was we were what when where which who why will with would you your"
)
_COMMON_WORDS = frozenset(_WORDS_OF_EVERY_TEXT.split())
_COMMON_CHARACTERS = frozenset(
    "的了是在和与也就都而及着吗呢吧啊呀嘛把被给对我你您他她它们这那哪么什怎样请为一个有没"
)
_COMMON_PAIRS = frozenset(["如何", "多少", "可以", "需要", "关于", "进行", "以及", "或者", "介绍"])


def weigh(text: str) -> dict[str, int]:
    """Return the features of a text and their weights; a text without a word has one feature too."""
    squares: defaultdict[str, float] = defaultdict(float)
    for characters, word in _RUN.findall(_normalise(text)):
        for feature, square in _of_word(word) if word else _of_characters(characters):
            squares[feature] += square
    # Integers add up to the same sum in any order and on any machine.
    return {feature: round(100 * sqrt(square)) for feature, square in squares.items()} or {"": 1}


def phrase(text: str) -> str:
    """Return the words of a text and nothing else: one is part of another where `in` says so."""
    return f" {' '.join(_WORD_OR_CHARACTER.findall(_normalise(text)))} "


def _normalise(text: str) -> str:
    """Take away the differences of case and width."""
    return unicodedata.normalize("NFKC", text[:LONGEST]).casefold()


def _of_word(word: str) -> list[tuple[str, float]]:
    if word in _COMMON_WORDS:
        return [(word, _COMMON)]
    begun = f"^{word}"  # sets the first letters apart from the same ones inside a word
    trigrams = [(f"~{begun[i : i + 3]}", _TRIGRAM) for i in range(len(begun) - 2)]
    stem = _DOUBLED.sub(r"\1", _ENDING.sub("", word))
    return [(word, _WORD), (f"={stem}", _STEM), *trigrams]


def _of_characters(run: str) -> list[tuple[str, float]]:
    common = [character in _COMMON_CHARACTERS for character in run]
    single = [
        (character, _COMMON if is_common else _CHARACTER)
        for character, is_common in zip(run, common, strict=True)
    ]
    pairs = [run[i : i + 2] for i in range(len(run) - 1)]
    weighed = [
        (pair, _COMMON if pair in _COMMON_PAIRS else _PAIRS[common[i] + common[i + 1]])
        for i, pair in enumerate(pairs)
    ]
    return single + weighed
