"""A rule: which turns of a conversation it answers, and what it says in them."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from qianfan.local import checks
from qianfan.local.script import given
from qianfan.local.script.saying import Saying
from qianfan.local.script.words import UNSAID
from qianfan.local.wire import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Unpack

    from qianfan.local.script.condition import Condition
    from qianfan.local.script.saying import Says
    from qianfan.local.script.turn import Turn
    from qianfan.local.script.words import Fill

#: What follows the last of several words: it again, the first, or an error.
AtEnd = Literal["last", "repeat", "error"]


class Place(NamedTuple):
    """Where in a rule a conversation has arrived.

    Attributes:
        step: How many answers of the rule have been given.
        saying: What comes next.
        fill: What fills in its texts.
    """

    step: int
    saying: Saying
    fill: Fill


class Rule:
    """What the platform says in some turns; `Script.reply` makes one and says what its arguments mean.

    The first turn of a conversation that it answers is the one its condition holds for. Which of its
    sayings comes next is read from the conversation: it keeps nothing between calls but its counts.
    """

    def __init__(self, condition: Condition, says: Says, times: int | None, at_end: AtEnd) -> None:
        if times is not None and (complaint := checks.integer(1)(times)):
            raise ValueError(f"times {complaint}, not {times!r}")
        if complaint := checks.one_of(*get_args(AtEnd))(at_end):
            raise ValueError(f"at_end {complaint}, not {at_end!r}")
        self._condition = condition
        self._times = times
        self._at_end = at_end
        self._lock = threading.Lock()
        self._calls = 0
        self._begun = 0
        self._said = Counter[Saying]()
        self._sayings: dict[int, tuple[Saying, ...]] = {1: (), 2: ()}  # by version
        self.then(**says)

    def then(self, **says: Unpack[Says]) -> Rule:
        """Say something in the next turn of the conversation: after the results of functions, or the user's words.

        Args:
            **says: What is said, as for `reply`.

        Returns:
            The rule itself.

        Raises:
            ValueError: What could not be said.
            TypeError: There is no such argument.
        """
        saying = given.read(says, self._condition.trial)
        with self._lock:
            self._sayings = {
                1: (*self._sayings[1], *saying.one_by_one()),
                2: (*self._sayings[2], saying),
            }
        return self

    @property
    def calls(self) -> int:
        """How many calls it has answered."""
        return self._calls

    @property
    def runs_code(self) -> bool:
        """Whether functions of the user's are asked."""
        return self._condition.when is not None or any(saying.runs_code for saying in self._sayings[2])

    def __repr__(self) -> str:
        says = " -> ".join(map(repr, self._sayings[2]))
        return f"<Rule {self._condition!r}: {says} ({self._calls} calls)>"

    def copy(self) -> Rule:
        """Return a rule that says the same and has counted the same."""
        other = Rule.__new__(Rule)
        other.__dict__.update(self.__dict__, _lock=threading.Lock(), _said=self._said.copy())
        return other

    def become(self, other: Rule) -> None:
        """Say and have counted what a copy does."""
        with self._lock:
            self._sayings, self._calls, self._begun = other._sayings, other._calls, other._begun
            self._said = other._said.copy()

    def find(self, turn: Turn) -> Place | None:
        """Return what to say in a turn; None where the rule is not for it.

        Raises:
            Refusal: A function of the user's failed.
        """
        place = next(self._places(turn), None)
        return place if place is not None and self._condition.holds(turn) else None

    def claim(self, place: Place) -> int | None:
        """Count an answer; return which of its words are said, or None where the rule has begun often enough.

        Raises:
            Refusal: All its words are said.
        """
        with self._lock:
            if not place.step and self._begun == self._times:
                return None
            word = self._word(self._said[place.saying], len(place.saying.with_))
            self._begun += not place.step
            self._said[place.saying] += 1
            self._calls += 1
        return word

    def _places(self, turn: Turn) -> Iterator[Place]:
        sayings = self._sayings[turn.version]
        returned = turn.messages[-1]["role"] == "function"
        for step in reversed(range(len(sayings))):
            said = turn.said(step)
            if step and (said is None or returned != bool(sayings[step - 1].calls)):
                continue
            if not step and said is None and sayings[0].calls:
                continue  # only what a user said makes the first call, else each result would make another
            fill = self._condition.heard(said)
            if fill is not None:
                yield Place(step, sayings[step], fill)

    def _word(self, number: int, many: int) -> int:
        """Return which of so many words are said in the so many-th call."""
        if number < many or not many:
            return number
        if self._at_end == "error":
            raise Refusal(UNSAID, f"the script's rule for {self._condition!r} has said all it had to say")
        return number % many if self._at_end == "repeat" else many - 1
