"""The thread that carries questions and words of one limiter to its store, and the answers back."""

from __future__ import annotations

import atexit
import threading
import weakref
from collections import deque
from copy import copy
from math import inf
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from qianfan.core.limits import MINUTE, NEAR, OVERDUE, Place
from qianfan.drivers.redis_store import PassingError
from qianfan.errors import InvalidArgumentError, QianfanError, RateLimiterLostError
from qianfan.log import log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qianfan.drivers.redis_store import Store

T = TypeVar("T")

#: How often, in seconds, who is first in the queue looks whether there is room; the second half as often, and so
#: on. Soft: by a limit of a minute, where a correction may make room at any time. Hard: by the spacing.
_SOFT, _HARD = 0.02, 0.25

#: Seconds before its time that a place is asked for at least: it is given with the moment to leave at.
_LEAD = 0.003

_LONGEST_LEAD = 0.25

#: Seconds between attempts to reach a store that is lost: the first, and the longest.
_PAUSES = 0.05, 1.0

_FAREWELL = 1.0  # seconds

#: Seconds that a waiter may come to ask before it is due: an event loop's timers are that coarse.
EARLY = 0.001

_AT_ONCE = 200  # questions and words of one run of the script: the store serves nobody else meanwhile

_LEFT, _WAITS, _IN_VAIN = 1, 0, -1


class Waiter(Place):
    """A place in the store's queue.

    Attributes:
        number: Its ticket, "" before it has one.
        asking: Whether a question about it is on its way.
        again: When to ask again.
        leaves: When its request is to leave; `inf` before that is known.
        gone: Whether it has left.
        spend: The number of what it took along, "" for nothing.
        in_vain: Whether it cannot leave in time.
        failure: Why it will get no answer.
    """

    __slots__ = ("again", "asking", "failure", "gone", "in_vain", "leaves", "number", "spend")

    def __init__(self, tokens: int) -> None:
        super().__init__(0, tokens)
        self.number = self.spend = ""
        self.asking = self.gone = self.in_vain = False
        self.again = -inf
        self.leaves = inf
        self.failure: QianfanError | None = None


class _Question(NamedTuple):
    waiter: Waiter
    asked: float
    deadline: float

    def is_open(self, now: float) -> bool:
        """Whether an answer is still of use; where it is not, nothing is on its way any more."""
        self.waiter.asking = not self.waiter.abandoned and self.deadline >= now
        return self.waiter.asking


class _Word(NamedTuple):
    what: str
    number: str
    amount: int
    seconds: float


class _Clock:
    """How far the store's clock is ahead of ours at least: as the answer says that was fastest of late."""

    def __init__(self) -> None:
        self._ahead = [-inf, -inf]  # of this second and the last: clocks drift
        self._turns = -inf

    def hear(self, there: float, here: float) -> None:
        """Take in an answer: when it was given, and when it came."""
        if here >= self._turns:
            self._ahead = [-inf, self._ahead[0] if here < self._turns + 1 else -inf]
            self._turns = here + 1
        self._ahead[0] = max(self._ahead[0], there - here)

    @property
    def ahead(self) -> float:
        """The seconds to add to our time; `-inf` before anything was heard."""
        return max(self._ahead)


class Courier:
    """Asks for waiters, rings for them when there is an answer, and passes words on.

    A thread of its own, since words come from where nobody may wait: from finalizers, cancelled tasks and the
    ends of streams; and since one connection and one run of the script then serve all who ask at the same time,
    from threads and event loops alike. It starts with the first question and ends with `stop`, for good.

    Args:
        store: Where the script runs.
        limits: The interval, and the most requests and tokens of a minute, "" for no limit.
        told: The limits in words.
        patient: Whether waiters wait while the store is lost, instead of failing.

    Attributes:
        failure: How the store is lost, or "".
    """

    def __init__(self, store: Store, limits: Sequence[float | str], told: str, *, patient: bool) -> None:
        self._store = store
        self._patient = patient
        self._told = told
        self._fixed = ["", MINUTE, NEAR, OVERDUE, *limits, told]
        self._memory = 1.5 * MINUTE + float(limits[0])  # less than the store's own
        self._post: SimpleQueue[_Question | _Word | None] = SimpleQueue()  # whose `put` may come at any time
        self._thread: threading.Thread | None = None
        self._clock = _Clock()
        self._known, self._seen, self._heard = "", "0", -inf
        self._lag = 0.0
        self._words: deque[_Word] = deque(maxlen=10_000)
        self._questions: deque[_Question] = deque()
        self._soft: set[Waiter] = set()
        self._failures = 0
        self.failure = ""
        _couriers.add(self)

    # What callers use.

    def ask(self, waiter: Waiter, now: float, deadline: float) -> None:
        """Have a question answered; whoever calls holds the lock of the limits."""
        waiter.asking = True
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="qianfan-rate-limit", daemon=True)
            self._thread.start()
        self._post.put(_Question(waiter, now, deadline))

    def tell(self, what: str, number: str = "", amount: int = 0, seconds: float = 0.0) -> None:
        """Have a word passed on; at any time, from anywhere."""
        self._post.put(_Word(what, number, amount, seconds))

    def there(self, now: float) -> float:
        """Return what the store's clock shows, or a little less."""
        return now + self._clock.ahead

    def give_back(self, waiter: Waiter) -> None:
        """Have the store forget a waiter that has given up; what has left stays spent."""
        if waiter.asking or waiter.gone:
            return  # the answer comes first
        if waiter.leaves == inf and waiter.number:
            self.tell("abandon", waiter.number)
        elif waiter.spend:
            self.tell("settle", waiter.spend)

    def stop(self) -> None:
        """Have the thread pass on what it has, close the connection and end."""
        self._post.put(None)

    def close(self) -> None:
        """Stop, and wait for the end, a second at most."""
        self.stop()
        if self._thread is not None:
            self._thread.join(_FAREWELL)

    # What the thread does.

    def _work(self) -> None:
        try:
            while self._collect():
                self._deliver()
            if not self._failures:
                self._deliver()
        finally:
            self._store.close()
            for question in self._questions:  # who still waits asks another courier
                self._answered(question.waiter)
            self._questions.clear()

    def _collect(self) -> bool:
        """Take what was posted, up to the end of the pause after a failure; say whether to go on."""
        post = self._post
        if self._failures:
            until = monotonic() + min(_PAUSES[0] * 2.0 ** (self._failures - 1), _PAUSES[1])
            while (left := until - monotonic()) > 0:
                try:
                    if not self._take(post.get(timeout=left)):
                        return False
                except Empty:
                    break
                if not self._patient:
                    self._fail(self._questions, self._lost())
        if not self._questions and not self._take(post.get()):
            return False
        while len(self._questions) + len(self._words) < _AT_ONCE and not post.empty():
            if not self._take(post.get()):
                return False
        return True

    def _take(self, item: _Question | _Word | None) -> bool:
        if isinstance(item, _Question):
            self._questions.append(item)
        elif item is not None:
            self._words.append(item)
        return item is not None

    def _deliver(self) -> None:
        """Pass on what there is; what fails now stays for later, or fails for good."""
        words = _first(self._words)
        questions = [question for question in _first(self._questions) if question.is_open(monotonic())]
        questions.sort(key=_number)
        if not (words or questions):
            return
        try:
            self._exchange(words, questions)
        except PassingError as error:
            self.failure = f"{self._store.place} is lost: {error}"
            if not self._failures:
                log.warning("the rate limit at %s", self.failure)
            self._failures += 1
            self._words.extendleft(reversed(words))
            self._questions.extendleft(reversed(questions))
            if not self._patient:
                self._fail(self._questions, self._lost())
        except QianfanError as error:
            self._fail(questions, error)
        else:
            if self._failures:
                log.info("the rate limit at %s is back", self._store.place)
            self._failures, self.failure = 0, ""

    def _lost(self) -> RateLimiterLostError:
        return RateLimiterLostError(
            f"no place in the rate limit: {self.failure}",
            hint='检查 Redis，或用 when_lost="wait" 等它恢复 (check Redis, or wait for it by when_lost="wait")',
        )

    def _fail(self, questions: deque[_Question] | list[_Question], error: QianfanError) -> None:
        for question in questions:
            question.waiter.failure = copy(error)  # every waiter adds a traceback to its own
            self._answered(question.waiter)
        questions.clear()

    def _exchange(self, words: list[_Word], questions: list[_Question]) -> None:
        sent = monotonic()
        known, seen = (self._known, self._seen) if sent - self._heard < self._memory else ("", "0")
        lead = min(_LEAD + 2 * self._lag, _LONGEST_LEAD)
        arguments: list[str | float] = [*self._fixed, known, seen, lead, _SOFT, _HARD]
        for word in words:
            arguments += word
        for waiter, _, deadline in questions:
            arguments += "ask", waiter.number, waiter.tokens, deadline - sent
        born, told, *answers = self._store.run(arguments)
        if born == b"other":
            raise InvalidArgumentError(
                f"others keep {told.decode()} under this name of a rate limit, not {self._told}",
                hint="不同的限制用不同的 name=；旧的在两分钟没有人用之后消失 "
                "(other limits need another name=; the old ones are forgotten after two minutes without use)",
            )
        here, there = monotonic(), float(told)
        if born.decode() != self._known:
            self._clock = _Clock()
        self._known, self._seen, self._heard = born.decode(), told.decode(), here
        self._clock.hear(there, here)
        room = any(word.what != "leave" for word in words)
        for question, answer in zip(questions, answers[len(words) :], strict=True):
            self._lag += (here - question.asked - self._lag) / 8
            self._answer(question.waiter, answer, here, lead)
            room = room or answer[0] == _LEFT
        if room and self._soft:
            self._look()

    def _answer(self, waiter: Waiter, answer: list[Any], here: float, lead: float) -> None:
        what, number, seconds, spend, soft = answer
        moment = float(self._seen) - self._clock.ahead + float(seconds)
        waiter.number = number.decode()
        self._soft.discard(waiter)
        if what == _LEFT:
            waiter.spend = "" if spend == b"0" else spend.decode()
            waiter.leaves = waiter.left = moment
        elif what == _IN_VAIN:
            waiter.in_vain = True
        elif soft:
            waiter.again = moment
            self._soft.add(waiter)
        else:
            waiter.again = max(moment - lead, here) + EARLY
        self._answered(waiter)

    def _answered(self, waiter: Waiter) -> None:
        waiter.asking = False
        if waiter.ring() is False or waiter.abandoned:
            self.give_back(waiter)

    def _look(self) -> None:
        """Have the first of our own who wait for room in a minute look whether there is some now."""
        self._soft = {waiter for waiter in self._soft if not waiter.abandoned}
        first = min(self._soft, key=lambda waiter: int(waiter.number), default=None)
        if first is not None:
            first.again = -inf
            first.ring()


def _first(things: deque[T]) -> list[T]:
    """Take out as many as go at once."""
    return [things.popleft() for _ in range(min(_AT_ONCE, len(things)))]


def _number(question: _Question) -> float:
    return float(question.waiter.number or inf)


_couriers: weakref.WeakSet[Courier] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    for courier in list(_couriers):
        courier.close()
