"""A condition: what a turn must be like for a rule to answer it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qianfan.local.script import given
from qianfan.local.script.words import ask, name_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from qianfan.local.script.turn import Turn
    from qianfan.local.script.words import Fill


@dataclass(frozen=True)
class Condition:
    """What a turn must be like; all that is given must hold.

    Attributes:
        text: What the user said has this in it; a regular expression is found in it.
        model: What is asked is this model, by any of its names, or this endpoint.
        when: This function says so.

    Raises:
        ValueError: It is no condition.
    """

    text: str | re.Pattern[str] | None = None
    model: str | None = None
    when: Callable[[Turn], Any] | None = None

    def __post_init__(self) -> None:
        pattern = self.text.pattern if isinstance(self.text, re.Pattern) else self.text
        for name, value in (("the text", pattern), ("model", self.model)):
            if value is not None and not (isinstance(value, str) and value):
                raise ValueError(f"{name} must be a text that is not empty, not {value!r}")
        if self.when is not None and (complaint := given.function(self.when)):
            raise ValueError(f"when {complaint}, not {self.when!r}")

    def __repr__(self) -> str:
        parts: list[str] = []
        if self.text is not None:
            parts.append(f"/{self.text.pattern}/" if isinstance(self.text, re.Pattern) else repr(self.text))
        if self.model is not None:
            parts.append(f"model={self.model}")
        if self.when is not None:
            parts.append(f"when={name_of(self.when)}")
        return ", ".join(parts) or "always"

    def heard(self, said: str | None) -> Fill | None:
        """Return what fills in the texts of an answer, where the condition's text is in what the user said."""
        if self.text is None:
            return _as_it_is
        if said is None:
            return None
        if isinstance(self.text, str):
            return _as_it_is if self.text in said else None
        found = self.text.search(said)
        return found.expand if found else None

    def holds(self, turn: Turn) -> bool:
        """Return whether all but the text holds.

        Raises:
            Refusal: The function failed.
        """
        return (self.model is None or turn.is_of(self.model)) and (
            self.when is None or ask(self.when, turn, bool)
        )

    def trial(self, text: str) -> str:
        """Fill in a text to see whether that can be done.

        Raises:
            ValueError: It names a group that the regular expression does not have.
        """
        if isinstance(self.text, re.Pattern):
            try:
                self.text.sub(text, "")
            except (re.error, IndexError) as error:
                raise ValueError(f"{text!r} cannot be filled in from {self!r}: {error}") from None
        return text


def _as_it_is(text: str) -> str:
    return text
