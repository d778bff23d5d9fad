"""Examples: what a tuned model has learnt, found again by a question that is near one of its prompts."""

from __future__ import annotations

from collections import defaultdict
from math import sqrt
from typing import TYPE_CHECKING

from qianfan.local import features

if TYPE_CHECKING:
    from qianfan.local.console.samples import Pair

LEAST = 0.5  # cosine of the angle between a question and a prompt that are near


class Examples:
    """Prompts and their responses; of the same prompt, the one learnt last counts.

    Args:
        pairs: Prompts and responses, the first learnt first.
    """

    def __init__(self, pairs: list[Pair]) -> None:
        learnt = dict(pairs)
        self._responses = list(learnt.values())
        self._prompts: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
        for index, prompt in enumerate(learnt):
            for feature, weight in _direction(prompt).items():
                self._prompts[feature].append((index, weight))

    def nearest(self, question: str) -> str | None:
        """Return the response to the prompt that is nearest to a question; None where none is near."""
        scores: defaultdict[int, float] = defaultdict(float)
        for feature, weight in _direction(question).items():
            for index, other in self._prompts.get(feature, ()):
                scores[index] += weight * other
        best = max(scores, key=scores.__getitem__, default=None)
        return None if best is None or scores[best] < LEAST else self._responses[best]


def _direction(text: str) -> dict[str, float]:
    weights = features.weigh(text)
    norm = sqrt(sum(weight * weight for weight in weights.values()))
    return {feature: weight / norm for feature, weight in weights.items()}
