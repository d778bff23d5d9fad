"""Runs flows by hand: answers from a script, a clock that moves only when told, nothing sent."""

from __future__ import annotations

from collections import deque
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from qianfan.core.effects import Date, Emit, Now, Once, Open, Provide, Receive, Reserve, Send, Sleep, Together
from qianfan.errors import QianfanError, RequestTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from qianfan.core.effects import Effect, Flow
    from qianfan.core.limits import Place, RateLimiter

T = TypeVar("T")
E = TypeVar("E")


class After(NamedTuple):
    """An answer that comes after so many seconds."""

    seconds: float
    answer: Any


class Script:
    """The world around a flow: what it answers, and what it was asked.

    Each `Send`, `Open` and `Receive` takes the next answer: a value to return or a `QianfanError`
    to throw in. `Now` reads the clock, `Sleep` moves it, and so does `Reserve` where its limiter says
    to wait; `Once` and `Together` run the inner flows right here, one after another; `Provide` asks.

    Attributes:
        asked: The effects in their order, `Now` apart.
        now: The time.
        places: What each `Reserve` was answered with.
        emitted: The text of each event handed out, in its batches.
    """

    def __init__(self, *answers: Any, now: float = 1000.0) -> None:
        self.answers = deque(answers)
        self.asked: list[Effect] = []
        self.now = now
        self.places: list[Place] = []
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
        if isinstance(effect, (Now, Date)):
            return self.now
        self.asked.append(effect)
        match effect:
            case Sleep(seconds):
                self.now += seconds
            case Provide(provider):
                return provider()
            case Once(_, inner):
                return self.run(inner())
            case Together(flows):
                return self._together(flows)
            case Reserve(limiter, tokens, deadline):
                return self._reserve(limiter, tokens, deadline)
            case Emit(items):
                self.emitted.append([item.get("result", "") for item in items])
            case Send() | Open() | Receive():
                return self._next_answer()
        return None

    def _reserve(self, limiter: RateLimiter, tokens: int, deadline: float) -> Place:
        place = limiter.enter(tokens)
        while wait := limiter.ask(place, self.now, deadline):
            if wait == inf:
                limiter.abandon(place)
                raise RequestTimeoutError("no place in time")
            self.now += wait
        limiter.leave(self.now)
        self.places.append(place)
        return place

    def _together(self, flows: Sequence[Flow[Any]]) -> list[Any]:
        outcomes: list[Any] = []
        for flow in flows:
            outcomes.append(self._outcome(flow))
            if isinstance(outcomes[-1], QianfanError):
                break
        return outcomes + [None] * (len(flows) - len(outcomes))

    def _outcome(self, flow: Flow[Any]) -> Any:
        try:
            return self.run(flow)
        except QianfanError as error:
            return error

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
