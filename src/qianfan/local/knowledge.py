"""The knowledge base: short texts of which the nearest answers a question.

Near is who shares many terms with the question; nothing is understood. The built-in texts, about the
Qianfan platform and this package, are `knowledge.json`.
"""

from __future__ import annotations

import json
import re
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from qianfan.local import terms, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

ID = "uuid-zhishiku"  # what a request names it by in `plugins`

LEAST_SHARE = 0.34  # of a question's terms; with less in common a text has nothing to say

_NUMBER = re.compile(r"\d{2,}")
_PARAGRAPH = re.compile(r"\n\s*\n")


class _Entry(NamedTuple):
    """A text in each language, and its terms in all of them."""

    texts: dict[str, str]
    terms: set[str]


class Knowledge:
    """The texts of one platform: the user's own, then the built-in ones."""

    def __init__(self) -> None:
        self._own: list[_Entry] = []
        self._lock = threading.Lock()

    def add(self, texts: str | Iterable[str]) -> None:
        """Add texts; each of their paragraphs is an entry.

        Raises:
            ValueError: One of them is no text, or empty.
        """
        entries: list[_Entry] = []
        for text in [texts] if isinstance(texts, str) else texts:
            if not isinstance(text, str) or not text.strip():
                raise ValueError(f"knowledge is text, not {text!r}")
            paragraphs = _PARAGRAPH.split(text.strip())
            entries += [_entry({"zh": paragraph, "en": paragraph}) for paragraph in paragraphs]
        with self._lock:
            self._own += entries

    def snapshot(self) -> list[_Entry]:
        """Return a copy of the user's own texts."""
        with self._lock:
            return list(self._own)

    def restore(self, saved: Iterable[_Entry]) -> None:
        """Know these texts of the user's, and no others."""
        with self._lock:
            self._own = list(saved)

    def nearest(self, question: str) -> str | None:
        """Return the text with most terms of the question, or None where all have too few of them."""
        asked = _terms(question)
        with self._lock:
            entries = [*self._own, *_built_in()]
        best = max(entries, key=lambda entry: len(asked & entry.terms))  # the first of the best
        if not asked or len(asked & best.terms) / len(asked) < LEAST_SHARE:
            return None
        return best.texts[tokens.language(question)]


def _terms(text: str) -> set[str]:
    return terms.of(text) | set(_NUMBER.findall(text))


def _entry(texts: dict[str, str]) -> _Entry:
    return _Entry(texts, set().union(*map(_terms, texts.values())))


@cache
def _built_in() -> list[_Entry]:
    texts: list[dict[str, str]] = json.loads(Path(__file__).with_suffix(".json").read_bytes())
    return [_entry(text) for text in texts]
