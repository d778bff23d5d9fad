"""The arithmetic of the rate limit: exact over any window, first come first served."""

from __future__ import annotations

import heapq
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qianfan.core.limits import RateLimit

if TYPE_CHECKING:
    from collections.abc import Iterable

RATES = st.sampled_from([0.1, 0.5, 1, 3, 5, 7.5, 300 / 60, 1000])


def visit(limit: RateLimit, arrivals: Iterable[tuple[float, float]]) -> list[tuple[float, int]]:
    """Let callers queue as the drivers do: sleep as told, ask again, leave or give up.

    Args:
        limit: The limit they share.
        arrivals: When each comes, and how long it has patience.

    Returns:
        The time and the number of each departure.
    """
    waiting = [(comes, number, -1) for number, (comes, _) in enumerate(arrivals)]
    deadlines = [comes + patience for comes, patience in arrivals]
    heapq.heapify(waiting)
    departures = []
    while waiting:
        now, number, ticket = heapq.heappop(waiting)
        if ticket < 0:
            ticket = limit.enter()
        wait = limit.ask(ticket, now)
        if not wait:
            departures.append((now, number))
        elif now + wait > deadlines[number]:
            limit.abandon(ticket)
        else:
            heapq.heappush(waiting, (now + wait, number, ticket))
    return departures


TIMES = st.floats(0, 20)
ARRIVALS = st.lists(st.tuples(TIMES, st.sampled_from([0.0, 0.3, 2.0, 1e9])), max_size=30).map(sorted)


@given(RATES, ARRIVALS)
@settings(deadline=None, max_examples=50)
def test_the_interval_holds(rate: float, arrivals: list[tuple[float, float]]) -> None:
    """Whoever comes when, with whatever patience: between two departures lies the interval at least."""
    times = [time for time, _ in visit(RateLimit(rate), arrivals)]

    # To the last bit but one: two times are told apart no finer than a float at their size.
    assert all(later - earlier >= (1 / rate) * (1 - 1e-9) for earlier, later in pairwise(times))


@given(RATES, ARRIVALS, TIMES, st.floats(0.01, 10))
@settings(deadline=None, max_examples=50)
def test_any_window(rate: float, arrivals: list[tuple[float, float]], start: float, width: float) -> None:
    """Over any window of w seconds no more than q * w + 1 leave, wherever the window begins."""
    times = [time for time, _ in visit(RateLimit(rate), arrivals)]

    assert sum(start <= time <= start + width for time in times) <= rate * width * (1 + 1e-9) + 1


@given(RATES, st.lists(TIMES, max_size=30).map(sorted))
@settings(deadline=None, max_examples=50)
def test_first_come_first_served(rate: float, arrivals: list[float]) -> None:
    """Those who wait leave in the order they came, and as early as the rate allows."""
    departures = visit(RateLimit(rate), [(time, 1e9) for time in arrivals])

    assert [number for _, number in departures] == list(range(len(arrivals)))
    free_at = 0.0
    for left, number in departures:
        assert left == pytest.approx(max(arrivals[number], free_at))
        free_at = left + 1 / rate


@st.composite
def visits(draw: st.DrawFn) -> list[tuple[str, int, float]]:
    """Return any lawful sequence of calls, at times that never go back."""
    queue: list[int] = []
    calls, now, tickets = [], 0.0, 0
    for _ in range(draw(st.integers(0, 40))):
        now += draw(st.sampled_from([0.0, 0.01, 0.2, 1.0, 7.0]))
        what = draw(st.sampled_from(["enter", "ask", "abandon"]))
        if what == "enter" or not queue:
            calls.append(("enter", tickets, now))
            queue.append(tickets)
            tickets += 1
        else:
            calls.append((what, draw(st.sampled_from(queue)), now))
    return calls


@given(RATES, visits())
@settings(deadline=None, max_examples=50)
def test_any_sequence(rate: float, calls: list[tuple[str, int, float]]) -> None:
    """Even callers who ask too early, too late, or leave without a word break no interval."""
    limit, gone, departures = RateLimit(rate), set(), []
    for what, ticket, now in calls:
        if what == "enter":
            assert limit.enter() == ticket
        elif what == "abandon":
            limit.abandon(ticket)
            gone.add(ticket)
        elif ticket not in gone and not limit.ask(ticket, now):
            gone.add(ticket)
            departures.append(now)

    assert all(later - earlier >= 1 / rate * (1 - 1e-9) for earlier, later in pairwise(departures))


def test_places() -> None:
    """Each place in the queue waits one interval longer, counted from the last departure."""
    limit = RateLimit(2)
    first, second, third = limit.enter(), limit.enter(), limit.enter()

    assert limit.ask(first, 10.0) == 0
    assert (limit.ask(second, 10.0), limit.ask(third, 10.0)) == (0.5, 1.0)
    assert limit.ask(third, 10.4) == pytest.approx(0.6)
    assert limit.ask(second, 10.5) == 0
    assert limit.ask(third, 11.0) == 0


def test_an_abandoned_place_moves_the_others_up() -> None:
    """Whoever gives up makes no gap: those behind move up, those before stay."""
    limit = RateLimit(1)
    tickets = [limit.enter() for _ in range(4)]
    assert limit.ask(tickets[0], 10.0) == 0

    limit.abandon(tickets[2])

    assert (limit.ask(tickets[1], 10.0), limit.ask(tickets[3], 10.0)) == (1.0, 2.0)


def test_abandoning_twice_or_after_leaving_harms_nobody() -> None:
    """A ticket that is no longer in the queue gives nobody else's place away."""
    limit = RateLimit(1)
    first, second, third, fourth = (limit.enter() for _ in range(4))
    limit.ask(first, 10.0)
    limit.abandon(second)

    limit.abandon(first)
    limit.abandon(second)

    assert (limit.ask(third, 10.0), limit.ask(fourth, 10.0)) == (1.0, 2.0)
    limit.abandon(fourth)
    limit.abandon(fourth)


def test_idle_time_is_not_saved_up() -> None:
    """However long nobody came, the next two are an interval apart: no burst."""
    limit = RateLimit(5)
    assert limit.ask(limit.enter(), 0.0) == 0

    assert limit.ask(limit.enter(), 1000.0) == 0
    assert limit.ask(limit.enter(), 1000.0) == pytest.approx(0.2)


@pytest.mark.parametrize(("rate", "interval"), [(0.5, 2.0), (1, 1.0), (5, 0.2), (100.0, 0.01)])
def test_interval(rate: float, interval: float) -> None:
    """A rate below one means seconds between requests."""
    assert RateLimit(rate).interval == pytest.approx(interval)
