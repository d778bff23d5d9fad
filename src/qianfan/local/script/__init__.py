"""Scripted replies: what the platform's user wants models to say, as rules that are tried one after the other."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from qianfan.local import chat, replies
from qianfan.local.script import files
from qianfan.local.script.condition import Condition
from qianfan.local.script.rule import AtEnd, Rule
from qianfan.local.script.saying import Says
from qianfan.local.script.turn import Turn, turn
from qianfan.local.script.words import UNSAID
from qianfan.local.wire import Refusal

if TYPE_CHECKING:
    import os
    import re
    from collections.abc import Callable, Iterator

    from typing_extensions import Unpack

    from qianfan.local.chat import Answer
    from qianfan.local.handler import Asked
    from qianfan.local.rules import Question

__all__ = ["Rule", "Says", "Script", "Turn"]


class _Saved(NamedTuple):
    """The rules of a platform, each with a copy of what it was at one moment."""

    owner: Script
    strict: bool
    rules: list[tuple[Rule, Rule]]


class Script:
    """The rules of one platform; whatever answers in words asks them first, the newest before the others.

    Attributes:
        strict: Whether a question that no rule answers is refused (336003, on v2 `invalid_argument`); else
            the platform answers it as it does without a script.
    """

    def __init__(self) -> None:
        self.strict = False
        self._rules: tuple[Rule, ...] = ()  # the newest first
        self._lock = threading.Lock()

    def reply(
        self,
        text: str | re.Pattern[str] | None = None,
        *,
        model: str | None = None,
        when: Callable[[Turn], Any] | None = None,
        times: int | None = None,
        at_end: AtEnd = "last",
        **says: Unpack[Says],
    ) -> Rule:
        r"""Add a rule, which is tried before those that are there.

        What it says is said as it is: `stop` and the most tokens of a request do not cut it.

        Args:
            text: What the user's last message has in it; a regular expression is looked for in it, and
                texts of the answer can name its groups, as in `r"订单 \1 已发货"`.
            model: The model, by any of its names on v1 or v2, or an endpoint.
            when: A function that says whether the rule answers a `Turn`.
            times: How many conversations it answers; then it is as if it were not there.
            at_end: What follows the last of several words: the `last` again, all in `repeat`, or an `error`.
            **says: What is said, see `Says`: one of `with_`, `chunks` and `calls`, and how.

        Returns:
            The rule; its `then` says what comes next in the conversation.

        Raises:
            ValueError: A condition that cannot hold, or what cannot be said.
            TypeError: There is no such argument.
        """
        rule = Rule(Condition(text, model, when), says, times, at_end)
        with self._lock:
            self._rules = (rule, *self._rules)
        return rule

    def load(self, path: str | os.PathLike[str]) -> list[Rule]:
        """Add the rules of a file, which stand in it as they would be added: of two that fit, the later answers.

        Args:
            path: A JSON array of rules, or an object with `rules` and `strict`; of a `.jsonl` file, each
                line is a rule. A rule has the arguments of `reply`, with `regex` in place of a compiled
                `text`, `with` in place of `with_`, and in `then` what follows.

        Raises:
            OSError: The file cannot be read.
            ValueError: It holds no rules, or one that is bad: which, and why. None is added then.
        """
        return self._take(*files.read(path))

    def add(self, document: Any) -> list[Rule]:
        """Add the rules of a JSON document, as those of a file.

        Raises:
            ValueError: It holds no rules, or one that is bad: which, and why. None is added then.
        """
        return self._take(*files.rules(document, "the script"))

    def clear(self) -> None:
        """Forget every rule, and be strict no more."""
        with self._lock:
            self._rules, self.strict = (), False

    def snapshot(self) -> _Saved:
        """Return the rules with what they have counted, and whether it is strict."""
        with self._lock:
            return _Saved(self, self.strict, [(rule, rule.copy()) for rule in self._rules])

    def restore(self, saved: _Saved) -> None:
        """Have these rules, and no others."""
        with self._lock:
            self.strict = saved.strict
            if saved.owner is self:  # whoever added them here holds on to them
                for rule, was in saved.rules:
                    rule.become(was)
                self._rules = tuple(rule for rule, _ in saved.rules)
            else:
                self._rules = tuple(was.copy() for _, was in saved.rules)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def __bool__(self) -> bool:
        return bool(self._rules) or self.strict

    def __str__(self) -> str:
        return "\n".join(map(repr, self._rules))

    def _take(self, rules: list[Rule], strict: bool) -> list[Rule]:
        with self._lock:
            self._rules = (*reversed(rules), *self._rules)
            self.strict = self.strict or strict
        return rules

    @property
    def runs_code(self) -> bool:
        """Whether functions of the user's are asked, which may take their time or call back."""
        return any(rule.runs_code for rule in self._rules)

    def answer(self, question: Question, asked: Asked) -> Answer | None:
        """Return what the script says to a question; None where no rule is for it.

        Raises:
            Refusal: A rule cannot say what it should, or there is none and the script is strict.
        """
        this = turn(question, asked)
        for rule in self._rules:
            place = rule.find(this)
            word = None if place is None else rule.claim(place)
            if place is not None and word is not None:
                asked.call.rule = rule
                return place.saying.answer(this, word, place.fill, chat.prompt_tenths(question))
        if self.strict:
            raise Refusal(UNSAID, f"no rule of the script is for “{replies.short(this.text)}”")
        return None
