"""Runs flows by hand: answers from a script, a clock that moves only when told, nothing sent."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from qianfan.core.effects import Emit, Now, Once, Open, Receive, Send, Sleep
from qianfan.errors import QianfanError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from qianfan.core.effects import Effect, Flow

T = TypeVar("T")
E = TypeVar("E")


class After(NamedTuple):
    """An answer that comes after so many seconds."""

    seconds: float
    answer: Any


class Script:
    """The world around a flow: what it answers, and what it was asked.

    Each `Send`, `Open` and `Receive` takes the next answer: a value to return or a `QianfanError`
    to throw in. `Now` reads the clock, `Sleep` moves it, `Once` runs the inner flow right here.

    Attributes:
        asked: The effects in their order, `Now` apart.
        now: The time.
        emitted: The text of each event handed out, in its batches.
    """

    def __init__(self, *answers: Any, now: float = 1000.0) -> None:
        self.answers = deque(answers)
        self.asked: list[Effect] = []
        self.now = now
        self.emitted: list[list[str]] = []

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end; return its result or let its error out."""
        try:
            effect = next(flow)
            while True:
                effect = self._answer(flow, effect)
        except StopIteration as stop:
            result: T = stop.value
            return result

    def _answer(self, flow: Generator[Effect, Any, Any], effect: Effect) -> Effect:
        try:
            answer = self._perform(effect)
        except QianfanError as error:
            failure = error
        else:
            return flow.send(answer)
        return flow.throw(failure)

    def _perform(self, effect: Effect) -> Any:
        if isinstance(effect, Now):
            return self.now
        self.asked.append(effect)
        match effect:
            case Sleep(seconds):
                self.now += seconds
            case Once(_, inner):
                return self.run(inner())
            case Emit(items):
                self.emitted.append([item.get("result", "") for item in items])
            case Send() | Open() | Receive():
                return self._next_answer()
        return None

    def _next_answer(self) -> Any:
        assert self.answers, "the script has no answer left"
        answer = self.answers.popleft()
        if isinstance(answer, After):
            self.now += answer.seconds
            answer = answer.answer
        if isinstance(answer, QianfanError):
            raise answer
        return answer

    def seen(self, kind: Callable[..., E]) -> list[E]:
        """Return the effects of a kind, in their order."""
        return [effect for effect in self.asked if type(effect) is kind]

    @property
    def kinds(self) -> list[str]:
        """The names of the effects, in their order."""
        return [type(effect).__name__ for effect in self.asked]

    @property
    def pauses(self) -> list[float]:
        """The seconds slept, in their order."""
        return [effect.seconds for effect in self.seen(Sleep)]
