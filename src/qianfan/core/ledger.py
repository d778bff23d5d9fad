"""What the calls of a client used, by model, and the budgets they keep: arithmetic, told what happened.

Threads, event loops, finalizers and signal handlers may all tell at any moment. So what an attempt
used is left as word in a deque, which takes no lock, and whoever next holds the guard reads it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from math import inf
from operator import add
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from qianfan.errors import BudgetExceededError, InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_MANY = 256  # words that may wait to be read


class Guard(Protocol):
    """What keeps threads apart: a lock that lets the thread which has it in again, for signal handlers."""

    @property
    def lock(self) -> Any:
        """The lock, to be asked for anew each time: a forked child has another."""
        ...


class Used(NamedTuple):
    """What requests used.

    Attributes:
        requests: Those that were sent; each attempt of a call is one.
        prompt_tokens: Tokens of the input, as the service told them.
        completion_tokens: Tokens of the answers, as the service told them.
        total_tokens: Tokens of both, as the service told them.
        failed: Those of the requests that failed.
        untold: Those of the requests that may have used more: no answer came, it told no tokens, or a
            stream did not come to its end.
    """

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    failed: int = 0
    untold: int = 0


UNSENT = Used()
REFUSED = Used(requests=1, failed=1)
SILENT = Used(requests=1, failed=1, untold=1)
UNTOLD = Used(requests=1, untold=1)


def told(usage: Any, *, whole: bool = True, failed: bool = False) -> Used:
    """Return what a request used, by the `usage` in its reply, or in what came of it."""
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    if type(total) is not int or total < 0:
        return SILENT if failed else UNTOLD
    prompt, completion = _number(usage, "prompt_tokens"), _number(usage, "completion_tokens")
    return Used(1, prompt, completion, total, int(failed), int(not whole))


def _number(usage: dict[str, Any], name: str) -> int:
    number = usage.get(name)
    return number if type(number) is int and number > 0 else 0


class UsageByModel(Mapping[str, Used]):
    """What calls used up to a moment, by the model or service that was asked.

    Reads as a mapping (`client.usage["ernie-4.5-turbo-128k"].total_tokens`); printed it is a table.

    Attributes:
        sum: What all of them used together.
    """

    __slots__ = ("_models", "sum")

    def __init__(self, models: Mapping[str, Used]) -> None:
        self._models = dict(sorted(models.items()))
        self.sum = Used(*map(sum, zip(UNSENT, *models.values(), strict=True)))

    def __getitem__(self, model: str) -> Used:
        return self._models[model]

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def __repr__(self) -> str:
        return f"UsageByModel({self._models!r})"

    def __str__(self) -> str:
        rows = [("", *Used._fields), *((model, *used) for model, used in (*self.items(), ("sum", self.sum)))]
        widths = [max(len(str(cell)) for cell in column) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join(
                [
                    f"{row[0]:<{widths[0]}}",
                    *(f"{cell:>{w}}" for cell, w in zip(row[1:], widths[1:], strict=True)),
                ]
            )
            for row in rows
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._models,)


class Amount(NamedTuple):
    """Requests and tokens."""

    requests: int
    tokens: int


class Limits(NamedTuple):
    """Requests and tokens; None where there is no limit."""

    requests: int | None
    tokens: int | None


class Books:
    """What a client and those derived from it have in common: the guard, and the word left for its holder."""

    __slots__ = ("_reading", "_word", "guard")

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self._reading = False
        self._word: deque[tuple[Ledger, str, Used, tuple[Budget, ...], int]] = deque()

    def leave(self, ledger: Ledger, model: str, used: Used, budgets: tuple[Budget, ...], held: int) -> None:
        """Leave word of what an attempt used, of which budgets hold so many tokens."""
        self._word.append((ledger, model, used, budgets, held))
        if len(self._word) >= _MANY:
            lock = self.guard.lock
            if lock.acquire(blocking=False):  # else who has it reads
                try:
                    self.read()
                finally:
                    lock.release()

    def read(self) -> None:
        """Take in all word; whoever calls it holds the guard."""
        if self._reading:  # a signal handler's call: what it interrupted reads on
            return
        self._reading = True
        try:
            while self._word:
                ledger, model, used, budgets, held = self._word.popleft()
                ledger.add(model, used)
                for budget in budgets:
                    budget.settle(used, held)
        finally:
            self._reading = False

    def forget(self) -> None:
        """Start anew in a forked child, where nobody else can hold the guard."""
        self._reading = False
        self.read()


class Ledger:
    """What the calls of one client used, and the budgets that it and those it comes from must keep.

    Args:
        guard: What keeps threads apart.
        parent: The ledger of the client that this one's was derived from; what is used counts in both.

    Attributes:
        books: What it has in common with its kin.
        accounts: By model what was used: by its own client, and by each above.
    """

    __slots__ = ("__weakref__", "_budgets", "_parent", "accounts", "books")

    def __init__(self, guard: Guard, parent: Ledger | None = None) -> None:
        self.books: Books = Books(guard) if parent is None else parent.books
        self._parent = parent
        self.accounts: tuple[dict[str, tuple[int, ...]], ...] = (
            {},
            *(parent.accounts if parent is not None else ()),
        )
        self._budgets: tuple[Budget, ...] = ()

    def forget(self) -> None:
        """Start anew in a forked child: what its parent used, its parent tells. Budgets go on."""
        self.books.forget()
        self.accounts[0].clear()

    @property
    def usage(self) -> UsageByModel:
        """What was used up to now."""
        return self.look(lambda: UsageByModel({name: Used(*sums) for name, sums in self.accounts[0].items()}))

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """The open budgets that a call which begins now must keep."""
        if self._parent is None:
            return self._budgets
        return (*self._parent.budgets, *self._budgets)

    def reserve(self, budgets: tuple[Budget, ...], tokens: int) -> None:
        """Hold an attempt's request and the tokens it may take, in all budgets or in none.

        Raises:
            BudgetExceededError: It may pass one of them.
        """
        with self.books.guard.lock:
            self.books.read()
            # Held first and judged after, so that no signal handler's call comes between the two.
            for budget in budgets:
                budget.hold(1, tokens)
            passed = next((budget for budget in budgets if budget.passed), None)
            if passed is None:
                return
            for budget in budgets:
                budget.hold(-1, -tokens)
            raise passed.exceeded(tokens)

    def settle(self, model: str, used: Used, budgets: tuple[Budget, ...], held: int) -> None:
        """Say what an attempt used, in place of the tokens that the budgets hold for it."""
        if budgets or used.requests:
            self.books.leave(self, model, used, budgets, held)

    def add(self, model: str, used: Used) -> None:
        """Count what was used, here and in all ledgers above; whoever calls it holds the guard."""
        for models in self.accounts if used.requests else ():
            before = models.get(model)
            models[model] = used if before is None else tuple(map(add, before, used))

    def open(self, budget: Budget) -> None:
        """Have calls that begin from now on keep a budget."""
        with self.books.guard.lock:
            if budget in self._budgets:
                raise InvalidArgumentError("this budget is open already")
            self._budgets += (budget,)

    def close(self, budget: Budget) -> None:
        """Have calls that begin from now on go without a budget."""
        with self.books.guard.lock:
            self._budgets = tuple(other for other in self._budgets if other is not budget)

    def look(self, at: Callable[[], T]) -> T:
        """Return what something says when all word is read and nobody else writes."""
        with self.books.guard.lock:
            self.books.read()
            return at()


class Budget:
    """What calls may use while a `with` block is open; `Qianfan.budget` makes it.

    It can be read at any time, also after the block, and opened again: then it goes on where it stood.

    Args:
        ledger: The ledger of the client whose calls it is for.
        tokens: Most tokens, from 0; None is no limit.
        requests: Most requests, from 0; None is no limit.

    Attributes:
        limits: What may be used.

    Raises:
        InvalidArgumentError: A limit is no whole number from 0.
    """

    # The ledger calls what stands below `__repr__`, and has the guard then.
    __slots__ = ("_held_requests", "_held_tokens", "_ledger", "_requests", "_tokens", "limits")

    def __init__(self, ledger: Ledger, tokens: int | None = None, requests: int | None = None) -> None:
        self.limits = Limits(_limit("requests", requests), _limit("tokens", tokens))
        self._ledger = ledger
        self._requests = self._tokens = self._held_requests = self._held_tokens = 0

    @property
    def used(self) -> Amount:
        """What was used, and what requests under way may use.

        Of tokens that nobody told it is the estimate.
        """
        return self._ledger.look(
            lambda: Amount(self._requests + self._held_requests, self._tokens + self._held_tokens)
        )

    @property
    def in_flight(self) -> Amount:
        """What of it requests under way may use: part of it may come back."""
        return self._ledger.look(lambda: Amount(self._held_requests, self._held_tokens))

    @property
    def remaining(self) -> Limits:
        """What is left; None where there is no limit."""
        pairs = zip(self.limits, self.used, strict=True)
        return Limits(*(None if limit is None else max(0, limit - used) for limit, used in pairs))

    def __enter__(self) -> Budget:  # noqa: PYI034  # typing_extensions is none of the core's imports
        self._ledger.open(self)
        return self

    def __exit__(self, *error: object) -> None:
        self._ledger.close(self)

    def __repr__(self) -> str:
        return f"Budget(limits={self.limits}, used={self.used})"

    def hold(self, requests: int, tokens: int) -> None:
        """Hold so much more, or less, for requests under way."""
        self._held_requests += requests
        self._held_tokens += tokens

    def settle(self, used: Used, held: int) -> None:
        """Take what a request used in the place of what was held for it."""
        self.hold(-1, -held)
        self._requests += used.requests
        self._tokens += max(held, used.total_tokens) if used.untold else used.total_tokens

    @property
    def passed(self) -> bool:
        """Whether more is used and held than may be."""
        most = self.limits
        return (most.requests is not None and self._requests + self._held_requests > most.requests) or (
            most.tokens is not None and self._tokens + self._held_tokens > most.tokens
        )

    def exceeded(self, tokens: int) -> BudgetExceededError:
        """Return the error for a request that may use so many tokens."""
        limits, used, held = self.limits, self.used, self._held_tokens
        told = [
            f"{number} of {most} {name}"
            for number, most, name in zip(used, limits, Limits._fields, strict=True)
            if most is not None
        ]
        error = BudgetExceededError(
            f"no room in the budget for a request of up to {tokens} tokens: {' and '.join(told)} are used"
            + (f", {held} tokens of it held for requests under way" if held else ""),
            hint="调高 client.budget(...) 的限额；写明 max_output_tokens，每次调用占用的估计会更少 "
            "(raise the limits of client.budget(...); with max_output_tokens= a call is thought to use less)",
        )
        error.limits, error.used, error.in_flight = limits, used, self.in_flight
        error.call = Amount(1, tokens)
        error.passing = (limits.requests is None or used.requests < limits.requests) and (
            limits.tokens is None or used.tokens - held + tokens <= limits.tokens
        )
        return error


def _limit(name: str, value: Any) -> int | None:
    """Return a limit as an int, or raise `InvalidArgumentError` where it is none."""
    if value is None:
        return None
    whole = isinstance(value, (int, float)) and not isinstance(value, bool) and value == value // 1
    if not whole or not 0 <= value < inf:
        raise InvalidArgumentError(f"{name} must be a whole number from 0, not {value!r}")
    return int(value)
