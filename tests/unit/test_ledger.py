"""The books of a client: sums that are exact, budgets that are never passed by what was reserved."""

from __future__ import annotations

import pickle
import signal
import threading
from contextlib import suppress
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from qianfan.core.ledger import (
    REFUSED,
    SILENT,
    UNSENT,
    UNTOLD,
    Amount,
    Budget,
    Ledger,
    Limits,
    UsageByModel,
    Used,
    told,
)
from qianfan.errors import BudgetExceededError, InvalidArgumentError


class Guard:
    """A lock that a thread may take again."""

    def __init__(self) -> None:
        self.lock = threading.RLock()


def ledger(parent: Ledger | None = None) -> Ledger:
    """Return a ledger, of its own or below another."""
    return Ledger(Guard(), parent)


def spend(book: Ledger, used: Used, held: int = 0, model: str = "m") -> None:
    """Make an attempt under the budgets of the moment, and say what it used."""
    budgets = book.budgets
    book.reserve(budgets, held)
    book.settle(model, used, budgets, held)


TEN = Used(1, 4, 6, 10)


class TestTold:
    """What a reply says of the tokens used."""

    @pytest.mark.parametrize(
        ("usage", "used"),
        [
            ({"prompt_tokens": 4, "completion_tokens": 6, "total_tokens": 10}, TEN),
            ({"prompt_tokens": 4, "total_tokens": 4}, Used(1, 4, 0, 4)),
            ({"total_tokens": 0}, Used(1)),
            ({"total_tokens": 7, "prompt_tokens": None, "completion_tokens": "6"}, Used(1, 0, 0, 7)),
            ({"total_tokens": 7, "prompt_tokens": -2}, Used(1, 0, 0, 7)),
            *(({"total_tokens": total}, UNTOLD) for total in (None, "10", 1.5, -1, True)),
            *((usage, UNTOLD) for usage in (None, {}, [], "many", 7, {"prompt_tokens": 4})),
        ],
    )
    def test_by_usage(self, usage: Any, used: Used) -> None:
        """Whole numbers count; whatever else a service sends tells nothing."""
        assert told(usage) == used

    @pytest.mark.parametrize(
        ("whole", "failed", "usage", "used"),
        [
            (False, False, {"total_tokens": 10}, Used(1, 0, 0, 10, 0, 1)),
            (False, True, {"total_tokens": 10}, Used(1, 0, 0, 10, 1, 1)),
            (False, False, None, UNTOLD),
            (False, True, None, SILENT),
        ],
    )
    def test_of_a_part(self, whole: bool, failed: bool, usage: Any, used: Used) -> None:
        """What came of a stream says what was used at least."""
        assert told(usage, whole=whole, failed=failed) == used


class TestUsage:
    """What was used, by model."""

    def test_sums(self) -> None:
        """Each model has its row, and the sum is of all."""
        book = ledger()
        for used, model in [(TEN, "b"), (TEN, "b"), (REFUSED, "b"), (SILENT, "a"), (UNSENT, "c")]:
            spend(book, used, model=model)

        assert dict(book.usage) == {"a": Used(1, 0, 0, 0, 1, 1), "b": Used(3, 8, 12, 20, 1, 0)}
        assert list(book.usage) == ["a", "b"]
        assert book.usage.sum == Used(4, 8, 12, 20, 2, 1)

    def test_nothing_yet(self) -> None:
        """A new ledger is empty, its sum 0."""
        usage = ledger().usage

        assert (dict(usage), len(usage), usage.sum) == ({}, 0, Used())

    def test_a_snapshot_stays(self) -> None:
        """What was read before changes no more."""
        book = ledger()
        spend(book, TEN)
        before = book.usage
        spend(book, TEN)

        assert (before["m"].requests, book.usage["m"].requests) == (1, 2)

    def test_derived(self) -> None:
        """What a derived client uses counts in all it comes from, and in none beside."""
        top = ledger()
        middle, beside = ledger(top), ledger(top)
        bottom = ledger(middle)
        for book in (top, middle, bottom):
            spend(book, TEN)

        assert [book.usage.sum.requests for book in (top, middle, bottom, beside)] == [3, 2, 1, 0]

    def test_forms(self) -> None:
        """It prints as a table, shows itself in a line, and travels."""
        usage = UsageByModel({"ernie-b": TEN, "ernie-a": REFUSED})

        assert str(usage).splitlines() == [
            "         requests  prompt_tokens  completion_tokens  total_tokens  failed  untold",
            "ernie-a         1              0                  0             0       1       0",
            "ernie-b         1              4                  6            10       0       0",
            "sum             2              4                  6            10       1       0",
        ]
        assert repr(usage) == f"UsageByModel({{'ernie-a': {REFUSED!r}, 'ernie-b': {TEN!r}}})"
        assert pickle.loads(pickle.dumps(usage)) == usage  # noqa: S301  # our own

    @pytest.mark.parametrize("attempts", [1, 255, 256, 257, 1000])
    def test_however_many_wait_to_be_read(self, attempts: int) -> None:
        """Sums are exact whether word was read in between or not."""
        book = ledger()
        for _ in range(attempts):
            spend(book, TEN)

        assert book.usage.sum == Used(attempts, 4 * attempts, 6 * attempts, 10 * attempts)

    def test_word_is_not_kept_for_ever(self) -> None:
        """A client that nobody asks for its usage keeps no more than a handful of word."""
        book = ledger()
        for _ in range(10_000):
            spend(book, TEN)

        assert len(book.books._word) < 256


class TestBudget:
    """What may be used."""

    def test_requests(self) -> None:
        """So many requests fit, and the next one does not."""
        book = ledger()
        with Budget(book, requests=2) as budget:
            spend(book, TEN)
            spend(book, REFUSED)
            with pytest.raises(BudgetExceededError) as caught:
                spend(book, TEN, 70)

        error = caught.value
        assert (error.limits, error.used) == (Limits(2, None), Amount(2, 10))
        assert (error.in_flight, error.call, error.retryable) == (Amount(0, 0), Amount(1, 70), False)
        assert "2 of 2 requests are used" in error.message
        assert budget.used == Amount(2, 10)

    @pytest.mark.parametrize(
        ("used", "tokens"),
        [
            (TEN, 10),
            (Used(1, 0, 0, 90), 90),
            (REFUSED, 0),
            (UNSENT, 0),
            (SILENT, 40),
            (UNTOLD, 40),
            (Used(1, 0, 0, 10, 0, 1), 40),
            (Used(1, 0, 0, 60, 0, 1), 60),
        ],
    )
    def test_tokens(self, used: Used, tokens: int) -> None:
        """The estimate stands until more is known: what was told, nothing for a refusal, all for silence."""
        book = ledger()
        with Budget(book, tokens=100) as budget:
            book.reserve((budget,), 40)
            assert (budget.used, budget.in_flight) == (Amount(1, 40), Amount(1, 40))
            book.settle("m", used, (budget,), 40)

            assert (budget.used, budget.in_flight) == (Amount(used.requests, tokens), Amount(0, 0))
            assert budget.remaining == Limits(None, 100 - tokens)
            spend(book, UNSENT, 100 - tokens)
            with pytest.raises(BudgetExceededError):
                spend(book, UNSENT, 101 - tokens)

    @pytest.mark.parametrize(("held", "retryable"), [(60, True), (0, False)])
    def test_what_is_under_way_may_come_back(self, held: int, retryable: bool) -> None:
        """An error says whether the call may fit when the requests under way have ended."""
        book = ledger()
        with Budget(book, tokens=100) as budget:
            spend(book, Used(total_tokens=100 - 60, requests=1))
            book.reserve((budget,), held)
            with pytest.raises(BudgetExceededError) as caught:
                book.reserve((budget,), 61 if not held else 60)

        assert caught.value.in_flight == Amount(1, held)
        assert caught.value.retryable is retryable
        assert ("under way" in caught.value.message) is bool(held)

    def test_an_answer_longer_than_thought(self) -> None:
        """What passes a budget after all is told as it is, and nothing more fits."""
        book = ledger()
        with Budget(book, tokens=50) as budget:
            spend(book, Used(1, 0, 0, 80), 40)

            assert (budget.used.tokens, budget.remaining.tokens) == (80, 0)
            with pytest.raises(BudgetExceededError):
                spend(book, UNSENT, 0)

    def test_nested(self) -> None:
        """Each open budget holds; what one refuses is held in none."""
        book = ledger()
        with Budget(book, requests=5) as outer, Budget(book, requests=1) as inner:
            spend(book, TEN)
            with pytest.raises(BudgetExceededError) as caught:
                spend(book, TEN)
            assert caught.value.limits == inner.limits
            assert [budget.used.requests for budget in (outer, inner)] == [1, 1]

    def test_derived(self) -> None:
        """A client's budget holds for those derived from it, theirs not for it."""
        top = ledger()
        below = ledger(top)
        with Budget(top, requests=3) as wide, Budget(below, requests=1) as narrow:
            spend(below, TEN)
            with pytest.raises(BudgetExceededError):
                spend(below, TEN)
            spend(top, TEN)

            assert (wide.used.requests, narrow.used.requests) == (2, 1)

    def test_only_what_begins_while_it_is_open(self) -> None:
        """What was under way before does not count, what began within does, whenever it ends."""
        book = ledger()
        earlier = book.budgets
        with Budget(book) as budget:
            book.reserve(earlier, 5)
            book.reserve(book.budgets, 7)
            book.settle("m", TEN, earlier, 5)
        spend(book, TEN, 9)
        assert budget.used == Amount(1, 7)
        book.settle("m", TEN, (budget,), 7)

        assert budget.used == Amount(1, 10)
        assert book.usage.sum.requests == 3

    def test_opened_again(self) -> None:
        """It goes on where it stood, but is open only once at a time, and closed when its block fails."""
        book = ledger()
        budget = Budget(book, requests=2)
        for _ in range(2):
            with budget:
                spend(book, TEN)
        with budget, pytest.raises(InvalidArgumentError, match="open already"), budget:
            pass
        with pytest.raises(BudgetExceededError), budget:
            spend(book, TEN)

        assert book.budgets == ()

    def test_none_is_no_limit(self) -> None:
        """Without limits it only measures."""
        book = ledger()
        with Budget(book) as budget:
            spend(book, TEN, 10**9)

        assert (budget.used, budget.remaining) == (Amount(1, 10), Limits(None, None))
        assert repr(budget) == f"Budget(limits={Limits(None, None)}, used={Amount(1, 10)})"

    @pytest.mark.parametrize("given", [0, 1, 200, 5e4, 10**30])
    def test_limits(self, given: Any) -> None:
        """A whole number is one however it is written."""
        assert Budget(ledger(), tokens=given, requests=given).limits == Limits(int(given), int(given))

    @pytest.mark.parametrize("name", ["tokens", "requests"])
    @pytest.mark.parametrize("given", [-1, 1.5, inf, nan, True, "200", [], {}])
    def test_bad_limits(self, name: str, given: Any) -> None:
        """What is no whole number from 0 is told with its name."""
        with pytest.raises(InvalidArgumentError, match=f"{name} must be a whole number"):
            Budget(ledger(), **{name: given})


class TestInterrupted:
    """Finalizers and signal handlers come between any two steps of a thread that holds the guard."""

    def test_word_is_left_while_the_guard_is_held(self) -> None:
        """A finalizer in the thread that holds the guard, or in another one, waits for nothing."""
        book = ledger()

        def leave() -> None:
            for _ in range(300):
                book.settle("m", TEN, (), 0)

        with book.books.guard.lock:
            leave()
            other = threading.Thread(target=leave)
            other.start()
            other.join()

        assert book.usage.sum.requests == 600

    def test_a_look_within_a_look(self) -> None:
        """A signal handler may ask for the usage and make calls while its thread is at the books."""
        book = ledger()
        budget = Budget(book, requests=3)
        spend(book, TEN)

        def handler() -> int:
            with budget:
                spend(book, TEN)
            return book.usage.sum.requests

        assert book.look(handler) == 2

    @pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timer")
    def test_signal_handlers_at_any_moment(self) -> None:
        """Handlers that call and look between any two steps, thousands of times, neither halt nor miscount."""
        book, made, limit = ledger(), [0, 0], 90_000

        def attempt(by: int) -> None:
            with suppress(BudgetExceededError):
                spend(book, TEN, 10)
                made[by] += 1

        def handler(*_: object) -> None:
            attempt(1)
            assert book.usage.sum.requests <= limit

        before = signal.signal(signal.SIGALRM, handler)
        try:
            with Budget(book, requests=limit) as budget:
                signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)
                for _ in range(100_000):
                    attempt(0)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

        assert sum(made) == budget.used.requests == book.usage.sum.requests == limit
        assert budget.in_flight == Amount(0, 0)

    def test_a_forked_child_starts_anew(self) -> None:
        """It counts from 0, its budgets go on, and what was half read when it was made halts nothing."""
        top = ledger()
        below = ledger(top)
        budget = Budget(top, requests=3).__enter__()
        spend(below, TEN)
        top.books._reading = True  # the parent's other thread was at it
        for book in (below, top):
            book.forget()
        spend(below, TEN)

        assert [book.usage.sum.requests for book in (top, below)] == [1, 1]
        assert budget.used == Amount(2, 20)


OUTCOMES = st.sampled_from([TEN, Used(1, 0, 0, 3), REFUSED, SILENT, UNTOLD, UNSENT])


class AnyOrder(RuleBasedStateMachine):
    """Attempts on a client and one derived from it begin and end in any order under budgets that come and go."""

    def __init__(self) -> None:
        super().__init__()
        self.top = ledger()
        self.below = ledger(self.top)
        self.under_way: list[tuple[Ledger, tuple[Budget, ...], int]] = []
        self.budgets: list[Budget] = []
        self.open: list[tuple[Ledger, Budget]] = []
        self.settled = {self.top: Used(), self.below: Used()}

    @rule(
        derived=st.booleans(), tokens=st.none() | st.integers(0, 40), requests=st.none() | st.integers(0, 5)
    )
    def opens(self, derived: bool, tokens: int | None, requests: int | None) -> None:
        """A block is entered."""
        book = self.below if derived else self.top
        self.open.append((book, Budget(book, tokens, requests).__enter__()))
        self.budgets.append(self.open[-1][1])

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def closes(self, data: st.DataObject) -> None:
        """A block is left."""
        _, budget = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
        budget.__exit__()

    @rule(derived=st.booleans(), tokens=st.integers(10, 20))
    def begins(self, derived: bool, tokens: int) -> None:
        """An attempt begins, where all budgets have room; where one has not, all are as before."""
        book = self.below if derived else self.top
        budgets = book.budgets
        before = [budget.used for budget in budgets]
        try:
            book.reserve(budgets, tokens)
        except BudgetExceededError:
            assert [budget.used for budget in budgets] == before
            assert any(
                (limits.requests is not None and used.requests + 1 > limits.requests)
                or (limits.tokens is not None and used.tokens + tokens > limits.tokens)
                for limits, used in zip([budget.limits for budget in budgets], before, strict=True)
            )
        else:
            self.under_way.append((book, budgets, tokens))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), used=OUTCOMES)
    def ends(self, data: st.DataObject, used: Used) -> None:
        """An attempt ends, and used no more than was thought."""
        book, budgets, tokens = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        book.settle("m", used, budgets, tokens)
        for counted in {book, self.top}:
            self.settled[counted] = Used(*map(sum, zip(self.settled[counted], used, strict=True)))

    @invariant()
    def no_budget_is_passed(self) -> None:
        """Used and held is never more than the limits, and held is what is under way."""
        for budget in self.budgets:
            limits, used = budget.limits, budget.used
            assert limits.requests is None or used.requests <= limits.requests
            assert limits.tokens is None or used.tokens <= limits.tokens
            held = [tokens for _, budgets, tokens in self.under_way if budget in budgets]
            assert budget.in_flight == Amount(len(held), sum(held))

    @invariant()
    def sums_are_exact(self) -> None:
        """The usage is what has ended."""
        for book, settled in self.settled.items():
            assert book.usage.sum == settled


TestAnyOrder = AnyOrder.TestCase


@given(st.lists(st.tuples(st.sampled_from("abc"), OUTCOMES), max_size=40))
def test_the_sum_is_the_sum_of_the_rows(attempts: list[tuple[str, Used]]) -> None:
    """Whatever was used, the rows add up to the sum, and no row is empty."""
    book = ledger()
    for model, used in attempts:
        spend(book, used, model=model)
    usage = book.usage

    assert usage.sum == Used(*(sum(column) for column in zip(Used(), *usage.values(), strict=True)))
    assert all(row.requests for row in usage.values())


@pytest.mark.parametrize("limit", [0, 1, 500])
def test_threads(limit: int) -> None:
    """Eight threads under one budget make exactly as many requests as it has, and each is counted."""
    book, made = ledger(), []
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        for _ in range(200):
            try:
                spend(book, TEN, 10)
            except BudgetExceededError:
                continue
            made.append(1)

    with Budget(book, requests=limit) as budget:
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(made) == budget.used.requests == book.usage.sum.requests == limit
    assert budget.used.tokens == book.usage.sum.total_tokens == 10 * limit
    assert budget.in_flight == Amount(0, 0)
