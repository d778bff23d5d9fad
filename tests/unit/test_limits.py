"""The arithmetic of the rate limits: exact over any window, first come first served."""

from __future__ import annotations

import heapq
import pickle
from copy import copy, deepcopy
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from math import inf, nan
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qianfan.core.limits import Place, RateLimiter
from qianfan.errors import InvalidArgumentError
from qianfan.response import RateLimits

MINUTE = 60.0


class Visitor(NamedTuple):
    """A request of a test.

    Attributes:
        comes: When it joins the queue.
        tokens: What it is thought to use.
        stays: How long it waits before it is cancelled.
        patience: By when it must have left, counted from when it comes; the limiter knows.
        used: What it really used, or None where nobody ever says.
        takes: How long after its departure that is said.
    """

    comes: float
    tokens: int = 0
    stays: float = inf
    patience: float = inf
    used: int | None = None
    takes: float = 1.0


class Departure(NamedTuple):
    """When a visitor left, and which, by the order of coming."""

    time: float
    number: int


@dataclass
class Crowd:
    """Callers who queue as the drivers do: wait as told or until rung, ask again, leave or give up."""

    limiter: RateLimiter
    visitors: list[Visitor]
    now: float = 0.0
    departures: list[Departure] = field(default_factory=list)
    _agenda: list[Any] = field(default_factory=list)
    _places: dict[int, Place] = field(default_factory=dict)
    _wakes: dict[int, float] = field(default_factory=dict)

    def visit(self) -> list[Departure]:
        """Let all come and go."""
        for number, visitor in enumerate(self.visitors):
            self._wake(number, visitor.comes)
            if visitor.stays < inf:
                self._later(visitor.comes + visitor.stays, -1, number)
        while self._agenda:
            self.now, kind, number = heapq.heappop(self._agenda)
            if kind == -1 and number in self._wakes:
                self._give_up(number)
            elif kind == -2:
                self.limiter.settle(self._places[number], self.visitors[number].used or 0)
            elif kind == 0 and self._wakes.get(number) == self.now:
                self._ask(number)
        return self.departures

    def _later(self, time: float, kind: int, number: int) -> None:
        """Note what happens when: at one time, cancellations and settlements before those who ask."""
        heapq.heappush(self._agenda, (time, kind, number))

    def _wake(self, number: int, time: float) -> None:
        self._wakes[number] = time
        self._later(time, 0, number)

    def _ring(self, number: int) -> None:
        if number in self._wakes:  # a bell may ring after its owner has gone
            self._wake(number, self.now)

    def _ask(self, number: int) -> None:
        visitor = self.visitors[number]
        if number not in self._places:
            self._places[number] = self.limiter.enter(visitor.tokens)
            self._places[number].ring = partial(self._ring, number)
        wait = self.limiter.ask(self._places[number], self.now, visitor.comes + visitor.patience)
        if wait == inf:
            self._give_up(number)
        elif wait:
            self._wake(number, self.now + wait)
        else:
            del self._wakes[number]
            self.departures.append(Departure(self.now, number))
            if visitor.used is not None:
                self._later(self.now + visitor.takes, -2, number)

    def _give_up(self, number: int) -> None:
        del self._wakes[number]
        if number in self._places:  # else it never came to ask
            self.limiter.abandon(self._places[number])


def visit(limiter: RateLimiter, visitors: list[Visitor]) -> list[Departure]:
    """Return who leaves when."""
    return Crowd(limiter, visitors).visit()


def in_order(visitors: list[Visitor]) -> list[Visitor]:
    """Return visitors in the order of coming."""
    return sorted(visitors, key=lambda visitor: visitor.comes)


RATES = st.sampled_from([0.1, 0.5, 1, 3, 5, 7.5, 300 / 60, 1000])
TIMES = st.floats(0, 20)
#: What a visitor does where a test leaves it open; `builds` would make something up.
PLAIN = {
    "tokens": st.just(0),
    "stays": st.just(inf),
    "patience": st.just(inf),
    "used": st.none(),
    "takes": st.just(1.0),
}
HASTY = st.builds(Visitor, **{**PLAIN, "comes": TIMES, "patience": st.sampled_from([0.0, 0.3, 2.0, inf])})
SPACED = st.lists(HASTY, max_size=30).map(in_order)
MINUTES = st.lists(
    st.builds(
        Visitor,
        comes=st.floats(0, 200),
        tokens=st.integers(0, 130),
        patience=st.sampled_from([5.0, 100.0, inf]),
        stays=st.sampled_from([0.5, 30.0, inf]),
        used=st.none(),
        takes=st.just(1.0),
    ),
    max_size=30,
).map(in_order)


class TestWindows:
    """However callers come and go, no window holds more than the limit."""

    @given(RATES, SPACED)
    @settings(deadline=None, max_examples=50)
    def test_the_interval_holds(self, rate: float, visitors: list[Visitor]) -> None:
        """Between two departures lies the interval at least."""
        times = [time for time, _ in visit(RateLimiter(rate), visitors)]

        # To the last bit but one: two times are told apart no finer than a float at their size.
        assert all(later - earlier >= (1 / rate) * (1 - 1e-9) for earlier, later in pairwise(times))

    @given(RATES, SPACED, TIMES, st.floats(0.01, 10))
    @settings(deadline=None, max_examples=50)
    def test_any_window(self, rate: float, visitors: list[Visitor], start: float, width: float) -> None:
        """Over any window of w seconds no more than q * w + 1 leave, wherever the window begins."""
        times = [time for time, _ in visit(RateLimiter(rate), visitors)]

        assert sum(start <= time <= start + width for time in times) <= rate * width * (1 + 1e-9) + 1

    @given(st.integers(1, 5), MINUTES)
    @settings(deadline=None, max_examples=50)
    def test_requests_of_any_minute(self, limit: int, visitors: list[Visitor]) -> None:
        """Any 60 seconds hold no more requests than the limit, wherever they begin."""
        times = [time for time, _ in visit(RateLimiter(request_per_minute=limit), visitors)]

        assert all(sum(time <= end < time + MINUTE for time in times) <= limit for end in times)

    @given(st.sampled_from([1, 50, 100]), MINUTES)
    @settings(deadline=None, max_examples=50)
    def test_tokens_of_any_minute(self, limit: int, visitors: list[Visitor]) -> None:
        """Any 60 seconds hold no more tokens than the limit, or one request alone that is thought to use more."""
        left = visit(RateLimiter(token_per_minute=limit), visitors)

        for end, _ in left:
            minute = [visitors[number].tokens for time, number in left if time <= end < time + MINUTE]
            assert sum(min(tokens, limit) for tokens in minute) <= limit


#: Quarters, so that the model below and the limiter compute the same times to the last bit.
QUARTERS = st.integers(0, 800).map(lambda quarter: quarter / 4)
EXACT = st.lists(
    st.builds(
        Visitor,
        comes=QUARTERS,
        tokens=st.integers(0, 130),
        patience=st.just(inf),
        stays=st.one_of(st.just(inf), st.integers(1, 400).map(lambda quarter: quarter / 4)),
        used=st.one_of(st.none(), st.integers(0, 130)),
        takes=st.integers(1, 300).map(lambda quarter: quarter / 4),
    ),
    max_size=30,
).map(in_order)


@dataclass
class Model:
    """The promise in its plainest words: a queue whose first leaves as soon as every limit allows."""

    interval: float
    requests: float
    tokens: float
    visitors: list[Visitor]
    left: list[Departure] = field(default_factory=list)

    def visit(self) -> list[Departure]:
        """Return who must leave when."""
        first_since = 0.0  # when the next in line became the first
        for number, visitor in enumerate(self.visitors):
            start, cancelled = max(visitor.comes, first_since), visitor.comes + visitor.stays
            if cancelled <= start:
                continue
            time = self._earliest(start, visitor)
            if time < cancelled:
                self.left.append(Departure(time, number))
            first_since = min(time, cancelled)
        return self.left

    def _earliest(self, start: float, visitor: Visitor) -> float:
        if self.left:
            start = max(start, self.left[-1].time + self.interval)
        moments = {start}
        for time, number in self.left:
            moments |= {time + MINUTE, time + self.visitors[number].takes}
        return min(moment for moment in moments if moment >= start and self._fits(moment, visitor))

    def _fits(self, moment: float, visitor: Visitor) -> bool:
        recent = [departure for departure in self.left if departure.time + MINUTE > moment]
        used = sum(self._used(departure, moment) for departure in recent)
        return len(recent) < self.requests and used + min(visitor.tokens, self.tokens) <= self.tokens

    def _used(self, departure: Departure, moment: float) -> float:
        visitor = self.visitors[departure.number]
        if visitor.used is not None and departure.time + visitor.takes <= moment:
            return visitor.used
        return min(visitor.tokens, self.tokens)


class TestQueue:
    """Who waits leaves in the order of coming, and as early as the limits allow."""

    @given(
        st.sampled_from([None, 0.5, 1, 2, 4]),
        st.sampled_from([None, 1, 3, 10]),
        st.sampled_from([None, 1, 50, 100]),
        EXACT,
    )
    @settings(deadline=None, max_examples=300)
    def test_exactly_as_promised(
        self, rate: float | None, requests: int | None, tokens: int | None, visitors: list[Visitor]
    ) -> None:
        """All limits together, cancellations and corrections both ways: nobody leaves too early or too late."""
        model = Model(1 / rate if rate else 0.0, requests or inf, tokens or inf, visitors)

        assert visit(RateLimiter(rate, requests, tokens), visitors) == model.visit()

    @given(RATES, st.lists(TIMES, max_size=30).map(sorted))
    @settings(deadline=None, max_examples=50)
    def test_at_any_rate(self, rate: float, arrivals: list[float]) -> None:
        """Those who wait leave in the order they came, and as early as the rate allows."""
        departures = visit(RateLimiter(rate), [Visitor(time) for time in arrivals])

        assert [number for _, number in departures] == list(range(len(arrivals)))
        free_at = 0.0
        for left, number in departures:
            assert left == pytest.approx(max(arrivals[number], free_at))
            free_at = left + 1 / rate

    def test_places(self) -> None:
        """Each place in the queue waits one interval longer, counted from the last departure."""
        limiter = RateLimiter(2)
        first, second, third = limiter.enter(), limiter.enter(), limiter.enter()

        assert limiter.ask(first, 10.0) == 0
        assert (limiter.ask(second, 10.0), limiter.ask(third, 10.0)) == (0.5, 1.0)
        assert limiter.ask(third, 10.4) == pytest.approx(0.6)
        assert limiter.ask(second, 10.5) == 0
        assert limiter.ask(third, 11.0) == 0

    def test_idle_time_is_not_saved_up(self) -> None:
        """However long nobody came, the next two are an interval apart: no burst."""
        limiter = RateLimiter(5)
        assert limiter.ask(limiter.enter(), 0.0) == 0

        assert limiter.ask(limiter.enter(), 1000.0) == 0
        assert limiter.ask(limiter.enter(), 1000.0) == pytest.approx(0.2)

    @pytest.mark.parametrize(("rate", "interval"), [(0.5, 2.0), (1, 1.0), (5, 0.2), (100.0, 0.01)])
    def test_interval(self, rate: float, interval: float) -> None:
        """A rate below one means seconds between requests."""
        limiter = RateLimiter(rate)
        limiter.ask(limiter.enter(), 0.0)

        assert limiter.ask(limiter.enter(), 0.0) == pytest.approx(interval)

    def test_a_minutes_requests_may_leave_in_a_burst(self) -> None:
        """Requests per minute are not spaced; the next leaves when the first is a minute old."""
        limiter = RateLimiter(request_per_minute=3)
        times = [Visitor(comes) for comes in (0.0, 0.0, 10.0, 10.0, 10.0, 10.0)]

        assert [time for time, _ in visit(limiter, times)] == [0, 0, 10, 60, 60, 70]

    def test_no_small_request_overtakes_a_large_one(self) -> None:
        """Who waits for many tokens is not starved by those who need few."""
        left = visit(RateLimiter(token_per_minute=100), [Visitor(0, 60), Visitor(1, 60), Visitor(2, 1)])

        assert left == [(0, 0), (60, 1), (60, 2)]

    def test_more_than_the_limit_leaves_alone(self) -> None:
        """A request thought to use more tokens than a minute has waits for an empty one, and fills it."""
        left = visit(RateLimiter(token_per_minute=100), [Visitor(0, 1), Visitor(1, 5000), Visitor(2, 1)])

        assert left == [(0, 0), (60, 1), (120, 2)]


class TestDeadlines:
    """Who cannot leave in time is told."""

    def test_at_once_where_the_spacing_makes_it_impossible(self) -> None:
        """The queue is as long as it is: a place whose turn comes after the deadline waits in vain."""
        limiter = RateLimiter(1)
        places = [limiter.enter() for _ in range(3)]
        limiter.ask(places[0], 10.0)

        assert limiter.ask(places[1], 10.0, 11.0) == 1.0
        assert limiter.ask(places[2], 10.0, 11.5) == inf

    def test_at_the_deadline_where_there_may_be_room_before(self) -> None:
        """Of a minute's room, a correction may make some at any time: who waits for it waits to the deadline."""
        limiter = RateLimiter(request_per_minute=1)
        limiter.ask(limiter.enter(), 10.0)
        place = limiter.enter()

        assert limiter.ask(place, 10.0, 20.0) == 10.0
        assert limiter.ask(place, 20.0, 20.0) == inf

    @pytest.mark.parametrize("limits", [(1,), (None, 1), (None, None, 1)])
    def test_on_the_deadline_is_in_time(self, limits: tuple[Any, ...]) -> None:
        """A place whose turn comes with the deadline leaves."""
        limiter = RateLimiter(*limits)
        limiter.ask(limiter.enter(1), 0.0)

        assert limiter.ask(limiter.enter(1), MINUTE, MINUTE) == 0

    @pytest.mark.parametrize("limits", [(), (1,), (None, 1), (None, None, 1)])
    def test_too_late(self, limits: tuple[Any, ...]) -> None:
        """After its deadline nothing leaves, whatever room there is."""
        limiter = RateLimiter(*limits)

        assert limiter.ask(limiter.enter(1), 10.5, 10.0) == inf


class TestAbandon:
    """A place that is given back."""

    def test_moves_the_others_up(self) -> None:
        """Whoever gives up makes no gap: those behind move up, those before stay."""
        limiter = RateLimiter(1)
        places = [limiter.enter() for _ in range(4)]
        assert limiter.ask(places[0], 10.0) == 0

        limiter.abandon(places[2])

        assert (limiter.ask(places[1], 10.0), limiter.ask(places[3], 10.0)) == (1.0, 2.0)

    def test_twice_or_after_leaving_harms_nobody(self) -> None:
        """A place that is no longer in the queue gives nobody else's away."""
        limiter = RateLimiter(1)
        first, second, third, fourth = (limiter.enter() for _ in range(4))
        limiter.ask(first, 10.0)
        limiter.abandon(second)

        limiter.abandon(first)
        limiter.abandon(second)

        assert (limiter.ask(third, 10.0), limiter.ask(fourth, 10.0)) == (1.0, 2.0)
        limiter.abandon(fourth)
        limiter.abandon(fourth)
        assert limiter.ask(third, 11.0) == 0

    def test_what_left_stays_spent(self) -> None:
        """To abandon a place whose request has left takes nothing back."""
        limiter = RateLimiter(request_per_minute=1)
        place = limiter.enter()
        limiter.ask(place, 0.0)
        limiter.abandon(place)

        assert limiter.ask(limiter.enter(), 1.0) == 59.0


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, int, int, float]]:
    """Return any lawful sequence of calls, at times that never go back: what, which place, tokens, when."""
    calls, now, places = [], 0.0, 0
    for _ in range(draw(st.integers(0, 60))):
        now += draw(st.sampled_from([0.0, 0.01, 0.2, 1.0, 7.0, 30.0]))
        what = draw(st.sampled_from(["enter", "ask", "ask", "ask", "abandon", "settle", "leave"]))
        if what == "enter" or not places:
            what, places = "enter", places + 1
        calls.append((what, draw(st.integers(0, places - 1)), draw(st.integers(0, 130)), now))
    return calls


class TestAnySequence:
    """Even callers who ask too early, too late, or leave without a word break no limit."""

    @given(RATES, st.integers(1, 5), st.sampled_from([1, 50, 100]), histories())
    @settings(deadline=None, max_examples=100)
    def test_limits_hold(
        self, rate: float, requests: int, tokens: int, calls: list[tuple[str, int, int, float]]
    ) -> None:
        """At every departure the spacing, the requests and the tokens of the last minute are within the limits."""
        limiter = RateLimiter(rate, requests, tokens)
        places: list[Place] = []
        gone: set[int] = set()
        times: list[float] = []
        used: dict[int, tuple[float, int]] = {}
        for what, number, amount, now in calls:
            if what == "enter":
                places.append(limiter.enter(amount))
            elif what == "abandon":
                limiter.abandon(places[number])
                gone.add(number)
            elif what == "settle":
                limiter.settle(places[number], amount)
                if number in used:
                    used[number] = (used[number][0], amount)
            elif what == "leave":
                limiter.leave(now)
            elif number not in gone and not limiter.ask(places[number], now):
                share = min(places[number].tokens, tokens)
                recent = [amount for time, amount in used.values() if time + MINUTE > now]
                assert len(recent) < requests
                assert sum(recent) + share <= tokens
                times.append(now)
                used[number] = (now, share)
                gone.add(number)

        assert all(later - earlier >= 1 / rate * (1 - 1e-9) for earlier, later in pairwise(times))


class TestSilence:
    """A waiter may never ask again: its event loop is closed, its thread hangs."""

    @pytest.mark.parametrize("limits", [{"query_per_second": 20}, {"request_per_minute": 1}])
    def test_stands_in_nobodys_way(self, limits: dict[str, float]) -> None:
        """A second after its time it no longer counts."""
        limiter = RateLimiter(**limits)
        limiter.ask(limiter.enter(), 0.0)
        dead = [limiter.enter() for _ in range(2)]
        told = max(limiter.ask(place, 0.0) for place in dead)

        alive = limiter.enter()

        assert limiter.ask(alive, told + 1.1) == 0

    def test_who_asks_after_all_is_first_again(self) -> None:
        """It has lost no place but the ones that others took meanwhile."""
        limiter = RateLimiter(10)
        limiter.ask(limiter.enter(), 0.0)
        late, other, third = (limiter.enter() for _ in range(3))
        for place in (late, other, third):
            limiter.ask(place, 0.0)

        assert limiter.ask(other, 9.0) == 0
        assert limiter.ask(late, 9.0) == pytest.approx(0.1)
        assert limiter.ask(third, 9.0) == pytest.approx(0.2)

    def test_the_bell_goes_to_who_can_hear(self) -> None:
        """A place whose bell says that nobody hears is passed over."""
        limiter = RateLimiter(10)
        deaf, *places = [limiter.enter() for _ in range(3)]
        heard = rung(places)
        deaf.ring = lambda: False

        limiter.leave(0.0)
        limiter.abandon(limiter.enter())

        assert heard == [0]


class TestSettle:
    """What a request really used replaces what it was thought to use."""

    def full(self, used: int) -> tuple[RateLimiter, Place]:
        """Return a limiter of 100 tokens, so many of which are spent at 0, and the place that did."""
        limiter = RateLimiter(token_per_minute=100)
        place = limiter.enter(used)
        assert limiter.ask(place, 0.0) == 0
        return limiter, place

    def test_down(self) -> None:
        """What was not used may be used by others at once."""
        limiter, place = self.full(100)
        limiter.settle(place, 30)

        assert limiter.ask(limiter.enter(70), 1.0) == 0
        assert limiter.ask(limiter.enter(1), 1.0) == 59.0

    def test_up(self) -> None:
        """What was used beyond the estimate is waited for."""
        limiter, place = self.full(10)
        limiter.settle(place, 90)

        assert limiter.ask(limiter.enter(20), 1.0) == 59.0

    def test_beyond_the_limit(self) -> None:
        """Where more was used than a minute has, nothing leaves until that minute is over."""
        limiter, place = self.full(10)
        limiter.settle(place, 5000)

        assert limiter.ask(limiter.enter(1), 1.0) == 59.0
        assert limiter.ask(limiter.enter(0), 60.0) == 0

    def test_again(self) -> None:
        """The last word counts."""
        limiter, place = self.full(10)
        for tokens in (90, 20, 50):
            limiter.settle(place, tokens)

        assert limiter.ask(limiter.enter(50), 1.0) == 0
        assert limiter.ask(limiter.enter(1), 1.0) == 59.0

    def test_later_than_a_minute(self) -> None:
        """What is settled after its minute changes no other."""
        limiter, place = self.full(10)
        assert limiter.ask(limiter.enter(100), 60.0) == 0
        limiter.settle(place, 90)

        assert limiter.ask(limiter.enter(0), 61.0) == 0

    def test_before_it_left(self) -> None:
        """A request that has not left has used nothing."""
        limiter, _ = self.full(100)
        place = limiter.enter(50)
        limiter.settle(place, 10)

        assert limiter.ask(place, 1.0) == 59.0

    def test_where_no_tokens_are_counted(self) -> None:
        """A limiter without a limit of tokens keeps no account of them."""
        limiter = RateLimiter(request_per_minute=1)
        place = limiter.enter(50)
        limiter.ask(place, 0.0)
        limiter.settle(place, 10)

        assert (limiter.counts_tokens, place.spent) == (False, None)


def leaving(limiter: RateLimiter, now: float, tokens: int = 0) -> int:
    """Return how many requests can leave now, of at most 20."""
    for number in range(20):
        place = limiter.enter(tokens)
        if limiter.ask(place, now):
            limiter.abandon(place)
            return number
    return 20


def learn(limiter: RateLimiter, now: float = 0.0, **told: int) -> None:
    """Tell a limiter what the service says."""
    limiter.learn(RateLimits(**told), now)


class TestLearn:
    """What the service says of its own limits."""

    def test_nothing_is_limited_before(self) -> None:
        """An adaptive limiter without limits lets everything leave until it is told."""
        assert leaving(RateLimiter(adaptive=True), 0.0, 10**9) == 20

    def test_the_services_limit(self) -> None:
        """What the service allows counts together with what left before it said so."""
        limiter = RateLimiter(adaptive=True)
        limiter.ask(limiter.enter(), 0.0)
        learn(limiter, limit_requests=5, remaining_requests=4)

        assert leaving(limiter, 0.0) == 4
        assert leaving(limiter, 60.0) == 5

    def test_tokens(self) -> None:
        """Tokens are learned as requests are."""
        limiter = RateLimiter(adaptive=True)
        limiter.ask(limiter.enter(10), 0.0)
        learn(limiter, limit_tokens=100, remaining_tokens=90)

        assert leaving(limiter, 0.0, 30) == 3
        assert limiter.counts_tokens

    @pytest.mark.parametrize(("own", "told", "left"), [(3, 10, 3), (10, 3, 3), (3.0, 3, 3)])
    def test_the_lower_limit_holds(self, own: float, told: int, left: int) -> None:
        """The service's limit tightens the user's, and does not loosen it."""
        limiter = RateLimiter(request_per_minute=own, adaptive=True)
        learn(limiter, limit_requests=told, remaining_requests=told)

        assert leaving(limiter, 0.0) == left

    def test_what_others_used(self) -> None:
        """What is missing from the service's account and is not ours, others used; for a minute."""
        limiter = RateLimiter(adaptive=True)
        limiter.ask(limiter.enter(), 0.0)
        learn(limiter, limit_requests=10, remaining_requests=2)

        assert leaving(limiter, 0.0) == 2
        waiting = limiter.enter()
        assert limiter.ask(waiting, 1.0) == 59.0
        limiter.abandon(waiting)
        assert leaving(limiter, 60.0) == 10

    def test_what_others_used_is_not_ours(self) -> None:
        """Others use the service's quota, not the limit that the user set: what is left of both may leave."""
        limiter = RateLimiter(request_per_minute=10, adaptive=True)
        limiter.ask(limiter.enter(), 0.0)
        learn(limiter, limit_requests=100, remaining_requests=50)

        assert leaving(limiter, 0.0) == 9

    def test_what_others_used_ends_with_the_minute_it_was_told_in(self) -> None:
        """Others' use is told with every reply; the last word counts."""
        limiter = RateLimiter(adaptive=True)
        limiter.ask(limiter.enter(), 0.0)
        learn(limiter, limit_requests=10, remaining_requests=0)
        assert limiter.ask(waiting := limiter.enter(), 0.0) == 60.0
        learn(limiter, limit_requests=10, remaining_requests=9)

        assert limiter.ask(waiting, 0.0) == 0

    def test_the_last_word_is_that_of_the_latest_request(self) -> None:
        """A slow reply to an earlier request does not undo what a later one has told."""
        limiter = RateLimiter(adaptive=True)
        for now in (0.0, 30.0):
            limiter.ask(limiter.enter(), now)
        learn(limiter, 30.0, limit_requests=10, remaining_requests=0)
        learn(limiter, 0.0, limit_requests=10, remaining_requests=9)

        assert limiter.ask(limiter.enter(), 59.0) > 0

    def test_in_order_of_expiry(self) -> None:
        """Who waits is told when enough of what is spent, by us or by others, is a minute old."""
        limiter = RateLimiter(adaptive=True)
        limiter.ask(limiter.enter(), 0.0)
        limiter.ask(limiter.enter(), 20.0)
        learn(limiter, 30.0, limit_requests=10, remaining_requests=7)
        limiter.ask(limiter.enter(), 10.0 + 20.0)  # reads it, and leaves
        for _ in range(6):
            limiter.ask(limiter.enter(), 40.0)

        assert limiter.ask(limiter.enter(), 40.0) == 20.0

    @pytest.mark.parametrize("told", [{}, {"remaining_requests": 0, "remaining_tokens": 0}])
    def test_what_says_no_limit(self, told: dict[str, int]) -> None:
        """Headers without a limit teach nothing."""
        limiter = RateLimiter(adaptive=True)
        learn(limiter, **told)

        assert leaving(limiter, 0.0, 100) == 20

    def test_a_limit_alone(self) -> None:
        """A service may say its limit and not what is left."""
        limiter = RateLimiter(adaptive=True)
        learn(limiter, limit_requests=3, limit_tokens=10)

        assert leaving(limiter, 0.0, 4) == 2

    def test_not_where_it_is_not_adaptive(self) -> None:
        """Who set the limits is obeyed."""
        limiter = RateLimiter(request_per_minute=5)
        learn(limiter, limit_requests=1, remaining_requests=0)

        assert leaving(limiter, 0.0) == 5


def rung(places: list[Place]) -> list[int]:
    """Have places write down when they are rung."""
    heard: list[int] = []
    for number, place in enumerate(places):
        place.ring = partial(heard.append, number)
    return heard


def waiting(limiter: RateLimiter, number: int, tokens: int = 0) -> list[Place]:
    """Return places that were told to wait."""
    places = [limiter.enter(tokens) for _ in range(number)]
    assert all(limiter.ask(place, 0.0) for place in places)
    return places


class TestRings:
    """Who is woken, and when; that all leave in time is what the model above shows."""

    def test_who_is_first_now(self) -> None:
        """Whoever becomes the first because the first gives up is woken."""
        limiter = RateLimiter(1)
        limiter.ask(limiter.enter(), 0.0)
        places = [limiter.enter() for _ in range(3)]
        heard = rung(places)

        limiter.abandon(places[0])

        assert 1 in heard

    def test_the_next_when_one_leaves(self) -> None:
        """Under a limit per minute the next is woken when one leaves: there may be room for both."""
        limiter = RateLimiter(token_per_minute=100)
        left = limiter.enter(100)
        limiter.ask(left, 0.0)
        places = waiting(limiter, 3, tokens=30)
        limiter.settle(left, 0)
        heard = rung(places)

        limiter.ask(places[0], 0.0)

        assert heard == [1]

    def test_the_first_when_there_is_room(self) -> None:
        """A correction wakes the first."""
        limiter = RateLimiter(token_per_minute=100)
        left = limiter.enter(100)
        limiter.ask(left, 0.0)
        heard = rung(waiting(limiter, 2, tokens=100))

        limiter.settle(left, 10)

        assert heard == [0]

    def test_nobody_who_has_given_up(self) -> None:
        """Who has given up passes the bell on, though nobody has asked since."""
        limiter = RateLimiter(token_per_minute=100)
        left = limiter.enter(100)
        limiter.ask(left, 0.0)
        places = waiting(limiter, 3, tokens=100)
        limiter.abandon(places[0])
        limiter.abandon(places[1])
        heard = rung(places)

        limiter.settle(left, 0)

        assert heard == [2]

    def test_the_first_when_something_is_learned(self) -> None:
        """What the service says may make room too."""
        limiter = RateLimiter(adaptive=True)
        heard = rung([limiter.enter() for _ in range(2)])

        learn(limiter, limit_requests=5, remaining_requests=5)

        assert heard == [0]

    def test_nobody_for_nothing(self) -> None:
        """What teaches or frees nothing wakes nobody."""
        limiter = RateLimiter(5, 5)
        left, *places = [limiter.enter(100) for _ in range(3)]
        limiter.ask(left, 0.0)
        heard = rung(places)

        limiter.settle(left, 10)
        learn(limiter, limit_requests=5, remaining_requests=5)

        assert heard == []

    def test_a_crowd_that_gives_up_wakes_each_other_a_few_times(self) -> None:
        """When all of many give up, the work grows with their number and not with its square."""
        limiter = RateLimiter(1)
        limiter.ask(limiter.enter(), 0.0)
        places = waiting(limiter, 300)
        heard = rung(places)

        for place in places:
            limiter.abandon(place)
            limiter.ask(limiter.enter(), 0.0)

        assert len(heard) <= 5 * len(places)


class TestLeave:
    """Between the word that a request may leave and its leaving a thread may lose the processor."""

    def test_the_interval_counts_from_the_real_departure(self) -> None:
        """Who left late is followed an interval after that, and a little more for the way to the network."""
        limiter = RateLimiter(1)
        limiter.ask(limiter.enter(), 10.0)
        limiter.leave(10.4)

        assert limiter.ask(limiter.enter(), 10.5) == pytest.approx(0.9, abs=0.02)

    def test_no_departure_is_forgotten(self) -> None:
        """Who says late that it left takes nothing back of who has left meanwhile."""
        limiter = RateLimiter(1)
        limiter.ask(limiter.enter(), 10.0)
        limiter.ask(limiter.enter(), 20.0)
        limiter.leave(10.4)

        assert limiter.ask(limiter.enter(), 20.5) == 0.5


class TestValue:
    """A limiter as an object."""

    @pytest.mark.parametrize("name", ["query_per_second", "request_per_minute", "token_per_minute"])
    @pytest.mark.parametrize("value", [0, -1, nan, inf, True, "5", [5]])
    def test_bad_limits(self, name: str, value: Any) -> None:
        """What is no limit is refused by name."""
        with pytest.raises(InvalidArgumentError, match=f"{name} must be a number"):
            RateLimiter(**{name: value})

    @pytest.mark.parametrize("name", ["request_per_minute", "token_per_minute"])
    def test_less_than_one_a_minute(self, name: str) -> None:
        """Below one a minute nothing would ever leave."""
        with pytest.raises(InvalidArgumentError, match=f"{name} must be a number of at least 1, not 0.5"):
            RateLimiter(**{name: 0.5})

    def test_no_limits(self) -> None:
        """A limiter without limits holds nobody up."""
        assert leaving(RateLimiter(), 0.0) == 20

    @pytest.mark.parametrize(
        ("limiter", "text"),
        [
            (RateLimiter(), "RateLimiter()"),
            (RateLimiter(5), "RateLimiter(query_per_second=5.0)"),
            (
                RateLimiter(None, 60, 1000, adaptive=True),
                "RateLimiter(request_per_minute=60.0, token_per_minute=1000.0, adaptive=True)",
            ),
        ],
    )
    def test_repr(self, limiter: RateLimiter, text: str) -> None:
        """It shows the limits it was given."""
        assert repr(limiter) == text

    def test_a_pickled_one_has_the_limits_and_nothing_else(self) -> None:
        """In another process there are the same limits, an empty queue, and nothing spent."""
        limiter = RateLimiter(1, 2, 300, adaptive=True)
        limiter.ask(limiter.enter(300), 0.0)
        limiter.enter(300)

        copied = pickle.loads(pickle.dumps(limiter))  # noqa: S301  # our own

        assert (repr(copied), copied is limiter) == (repr(limiter), False)
        assert copied.ask(copied.enter(300), 0.0) == 0

    @pytest.mark.parametrize("way", [copy, deepcopy])
    def test_a_copy_keeps_to_the_same_limits(self, way: Any) -> None:
        """A copied client must not be twice as fast."""
        limiter = RateLimiter(1)

        assert way(limiter) is limiter

    def test_forget(self) -> None:
        """A forked child waits for none of its parent's callers."""
        limiter = RateLimiter(1)
        for place in [limiter.enter() for _ in range(5)]:
            limiter.ask(place, 0.0)
        limiter.abandon(limiter.enter())

        limiter.forget()

        assert limiter.ask(limiter.enter(), 0.0) == 0

    @pytest.mark.parametrize(
        ("limiter", "counts"),
        [
            (RateLimiter(5, 5), False),
            (RateLimiter(token_per_minute=1), True),
            (RateLimiter(adaptive=True), True),
        ],
    )
    def test_counts_tokens(self, limiter: RateLimiter, counts: bool) -> None:
        """It says whether to estimate a call's tokens at all."""
        assert limiter.counts_tokens is counts
