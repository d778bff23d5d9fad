"""One run against a service that is simulated by tasks: whatever happens, each input has one result, in order."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qianfan import errors
from qianfan.bulk.job import job
from qianfan.bulk.outcome import Outcome
from qianfan.bulk.results import AsyncResults
from qianfan.bulk.run import Plan, Run
from qianfan.bulk.source import source
from qianfan.response import Response

#: What may befall a call.
FATES = {
    "answered": lambda: None,
    "refused": lambda: errors.BadRequestError(336003, "bad"),
    "lost": lambda: errors.ConnectionFailedError("cut"),
    "too fast": lambda: errors.RateLimitError(18, "qps"),
    "no room": lambda: room(passing=True),
    "spent": lambda: room(passing=False),
}


def room(*, passing):
    """Return the error of a budget: it is spent, or calls in flight hold it."""
    error = errors.BudgetExceededError("budget")
    error.passing = passing
    return error


class Service:
    """Answers calls after so many turns of the event loop, as fate has it.

    Attributes:
        answered: How often each text was answered.
        most: Most calls at once.
    """

    def __init__(self, fates, turns):
        self._fates, self._turns = itertools.cycle(fates), itertools.cycle(turns)
        self._inside = 0
        self.answered = Counter()
        self.most = 0

    async def ask(self, arguments):
        """Carry a call out."""
        self._inside += 1
        self.most = max(self.most, self._inside)
        try:
            for _ in range(next(self._turns)):
                await asyncio.sleep(0)
            fate = next(self._fates)
            if fate == "no room" and self._inside == 1:
                fate = "answered"  # no other call holds the budget
            if (error := FATES[fate]()) is not None:
                raise error
            text = arguments["messages"][0]["content"]
            self.answered[text] += 1
            return Response(200, {}, {"result": text})
        finally:
            self._inside -= 1

    async def aclose(self):
        """Hold nothing."""


class Inputs:
    """Texts, counted as they are read."""

    def __init__(self, count):
        self.read = 0
        self._count = count

    def __iter__(self):
        for number in range(self._count):
            self.read += 1
            yield str(number)


class How(NamedTuple):
    """How a run goes, and how it is left."""

    fates: list[str]
    turns: list[int]
    most: int
    ahead: int
    ordered: bool
    leave: str
    after: int


some = st.builds(
    How,
    # First a success: what fails each time would be asked for ever, or for minutes.
    st.lists(st.sampled_from(sorted(FATES)), max_size=6).map(lambda fates: ["answered", "answered", *fates]),
    st.lists(st.integers(0, 4), min_size=1, max_size=5),
    st.integers(1, 5),
    st.integers(1, 12),
    st.booleans(),
    st.sampled_from(["end", "stop", "close", "drop"]),
    st.integers(0, 12),
)


async def one_run(how, count, file):
    """Return what a run gave, and check what holds at every moment."""
    service, inputs = Service(how.fates, how.turns), Inputs(count)
    plan = Plan(
        job("chat", None, None, None, None, {}), how.most, how.ordered, str(file), True, how.ahead, None
    )
    results, got = AsyncResults(Run(plan, source(inputs), service)), []
    others = asyncio.all_tasks()
    try:
        async for outcome in results:
            got.append(outcome)
            assert inputs.read <= len(got) + how.ahead
            if len(got) == how.after + 1 and how.leave == "stop":
                results.stop()
            elif len(got) == how.after + 1 and how.leave != "end":
                break
    except errors.BudgetExceededError:
        assert "spent" in how.fates
    if how.leave == "close":
        await results.aclose()
    del results
    while left := asyncio.all_tasks() - others:
        await asyncio.wait(left)
    assert service.most <= how.most
    return got, service.answered


@settings(max_examples=120, deadline=None)
@given(st.lists(some, max_size=4), st.integers(0, 25), st.booleans())
def test_whatever_happens(hows, count, ordered):
    """Any failures, budgets, stops and resumptions: one result for each id, in order, within all bounds."""
    last = How(["answered"], [1, 0, 3], 3, 6, ordered, "end", 0)
    answered = Counter()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "run.jsonl"
        for how in (*hows, last):
            got, now = asyncio.run(one_run(how, count, file))
            answered += now
            ids = [outcome.id for outcome in got]
            assert len(set(ids)) == len(ids)
            assert not how.ordered or ids == sorted(ids)
            assert all(outcome.response["result"] == str(outcome.id) for outcome in got if outcome.ok)
        kept = Counter(
            told["id"] for told in map(json.loads, file.read_text("utf-8").splitlines()) if "response" in told
        )
    assert sorted(ids) == list(range(count))
    assert all(outcome.ok for outcome in got)
    assert kept == Counter(range(count))
    assert answered == Counter(map(str, range(count)))  # close gives up calls that are not answered yet


def test_a_call_that_others_cancel():
    """It ends the run, and loses no input silently."""

    class Cancelled(Service):
        async def ask(self, arguments):
            if arguments["messages"][0]["content"] == "2":
                raise asyncio.CancelledError
            return await super().ask(arguments)

    async def run():
        plan = Plan(job("chat", None, None, None, None, {}), 2, True, None, False, 8, None)
        results = AsyncResults(Run(plan, source(Inputs(6)), Cancelled(["answered"], [1])))
        got = [await anext(results), await anext(results)]
        with pytest.raises(RuntimeError, match="cancelled by others"):
            got += [outcome async for outcome in results]
        return got

    assert all(isinstance(outcome, Outcome) for outcome in asyncio.run(run()))
