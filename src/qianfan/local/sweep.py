"""A sweep: one piece of the user's code against every fault, and a table of how it fared."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from qianfan.local import snapshots
from qianfan.local.faults import Fault, on
from qianfan.local.faults.condition import is_stream
from qianfan.local.faults.effects import Code, Cut, Delay, Garbage, Reset, SlowHeaders, Split, Stall, Status
from qianfan.local.runs import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from qianfan.local.faults.effects import Effect
    from qianfan.local.journal import Call
    from qianfan.local.state import State

Raises: TypeAlias = "type[BaseException] | tuple[type[BaseException], ...]"

#: What happens once, to the first call and to the last.
_ONCE: tuple[Effect, ...] = (
    Code(336100),
    Status(429, retry_after=1),
    Status(503),
    Reset(),
    Delay(0.5),
    SlowHeaders(0.5),
    Garbage(),
    Cut(after=0),
    Cut(after=1),
    Cut(after=1, clean=True),
    Stall(),
    Stall(after=1),
    Split(1),
)
_ONCE_IN_STREAMS: tuple[Effect, ...] = (Garbage(after=1),)

#: What happens to all calls.
_ALWAYS: tuple[Effect, ...] = (Status(503), Code(17))

#: What each run finds as the first did. Tokens are not among it: code may have fetched its own before.
_FRESH = ("store", "account", "quotas", "plugins", "knowledge", "endpoints", "script")

_TICK = 0.05  # seconds between looks at the time


class Outcome(Enum):
    """How a run fared."""

    HANDLED = "正常"  # it returned what it returns without a fault
    RAISED = "抛出"  # it raised an exception
    HUNG = "挂起"  # it had not ended when its time was over
    LOST = "丢数据"  # it returned something else, or its own assertions failed
    MISSED = "未遇到"  # it made no call that the fault is for


@dataclass(frozen=True)
class Row:
    """One run.

    Attributes:
        fault: What went wrong.
        outcome: How the run fared.
        error: What it raised, or None.
        value: What it returned.
        seconds: How long it took, by the platform's clock.
        requests: How many requests the platform got from it, those for tokens too.
        bad: Whether it hung, lost data, or raised what it must not.
        left_behind: Whether the thread of a run that hung could not be ended.
    """

    fault: Fault
    outcome: Outcome
    error: BaseException | None
    value: Any
    seconds: float
    requests: int
    bad: bool
    left_behind: bool

    @property
    def told(self) -> str:
        """The outcome in words."""
        error = f" {type(self.error).__name__}" if self.error else ""
        return self.outcome.value + error + ("，线程未能结束" if self.left_behind else "")


class Report(list[Row]):
    """The rows of a sweep; prints as a table."""

    @property
    def bad(self) -> Report:
        """The runs that hung, lost data or raised what they must not: `assert not report.bad, report.bad`."""
        return Report(row for row in self if row.bad)

    def __repr__(self) -> str:
        rows = [
            (repr(row.fault), "✗" if row.bad else "", row.told, f"{row.seconds:.1f}", str(row.requests))
            for row in self
        ]
        return _table([("故障", "", "结果", "秒", "请求"), *rows])


class _Measured(NamedTuple):
    """A run as it was measured.

    Attributes:
        run: The run.
        has_ended: Whether it ended in time.
        left_behind: Whether it goes on.
        seconds: By the platform's clock.
        calls: What it asked, as far as the journal has it.
        hits: How many of its calls the fault struck.
    """

    run: Run
    has_ended: bool
    left_behind: bool
    seconds: float
    calls: list[Call]
    hits: int


class Sweep:
    """What the runs of a sweep have in common.

    Args:
        state: The platform's.
        settle: Cuts the calls that are still being answered.
        test: The user's code.
        timeout: The real seconds a run may take.
    """

    def __init__(
        self, state: State, settle: Callable[[], None], test: Callable[[], Any], timeout: float
    ) -> None:
        self._state = state
        self._settle = settle
        self._test = test
        self._timeout = timeout
        self._parts = {name: state.parts[name] for name in _FRESH}
        self._begin = snapshots.take(self._parts)

    def run(self, route: str, faults: Iterable[Fault] | None, allowed: Raises) -> Report:
        """Run the code twice without a fault, then once with each.

        Args:
            route: Which calls the standard faults are for.
            faults: The faults; None for the standard ones.
            allowed: What the code may raise.
        """
        one = self._undisturbed(route)
        self._advance(1)  # so that times, too, are seen to differ from run to run
        other = self._undisturbed(route)
        if faults is None:
            faults = standard(route, [call for call in other.calls if call.fault])
        return Report(self._row(fault, one.run.value, other.run.value, allowed) for fault in faults)

    def _undisturbed(self, route: str) -> _Measured:
        measured = self._measure(on(route).delay(0))  # which only marks the calls that faults can be for
        if not measured.has_ended:
            raise TimeoutError(f"without a fault the code does not end within {self._timeout} s")
        if measured.run.error is not None:
            raise measured.run.error
        if not measured.hits:
            raise ValueError(
                f"without a fault the code makes no call of {route!r}: there is nothing to disturb"
            )
        return measured

    def _row(self, fault: Fault, one: Any, other: Any, allowed: Raises) -> Row:
        measured = self._measure(fault)
        run, error = measured.run, measured.run.error if measured.has_ended else None
        bad = False
        if not measured.has_ended:
            outcome, bad = Outcome.HUNG, True
        elif isinstance(error, AssertionError):
            outcome, bad = Outcome.LOST, True
        elif error is not None:
            outcome, bad = Outcome.RAISED, not isinstance(error, allowed)
        elif not measured.hits:
            outcome = Outcome.MISSED
        elif _alike(run.value, one, other):
            outcome = Outcome.HANDLED
        else:
            outcome, bad = Outcome.LOST, True
        requests = len(measured.calls)
        return Row(fault, outcome, error, run.value, measured.seconds, requests, bad, measured.left_behind)

    def _measure(self, fault: Fault) -> _Measured:
        state = self._state
        self._settle()
        with state.store.transaction():
            snapshots.put_back(self._parts, self._begin)
        began, before = state.clock.now(), state.journal.calls()[-1:]
        with state.faults.replaced([fault]) as placed:
            run = Run(self._test)
            try:
                has_ended = self._wait(run)
                seconds, calls = state.clock.now() - began, self._calls_since(before)
            finally:
                left_behind = not self._end(run)
        return _Measured(run, has_ended, left_behind, seconds, calls, placed[0].hits)

    def _wait(self, run: Run) -> bool:
        """Wait for the end of a run; return whether it came in time."""
        clock, began, real = self._state.clock, self._state.clock.now(), time.monotonic()
        while not run.wait(_TICK):
            elapsed = time.monotonic() - real
            if elapsed >= self._timeout:
                return False
            behind = elapsed - (clock.now() - began)
            if behind > _TICK:  # it stands still, and nobody else can move it
                self._advance(behind)
        return True

    def _advance(self, seconds: float) -> None:
        with self._state.store.transaction():  # which keeps the clock
            self._state.clock.advance(seconds)

    def _end(self, run: Run) -> bool:
        """End a run that hangs, by breaking its connections now and later; return whether it ended."""
        deadline = time.monotonic() + self._timeout
        with self._state.faults.replaced([on("*").reset()]):
            while not run.wait(0):
                if time.monotonic() >= deadline:
                    return False
                run.cancel()
                self._settle()
                run.wait(_TICK)
        return True

    def _calls_since(self, before: list[Call]) -> list[Call]:
        calls = self._state.journal.calls()
        known = (index for index, call in enumerate(calls, 1) if before and call is before[0])
        return calls[next(known, 0) :]


def standard(route: str, calls: Sequence[Call]) -> list[Fault]:
    """Return the standard faults for code that makes some calls of a route: to the first, the last, to all."""
    faults: list[Fault] = []
    for number in sorted({1, len(calls)}):
        effects = _ONCE + (_ONCE_IN_STREAMS if is_stream(calls[number - 1]) else ())
        faults += (on(route, nth=number).with_effect(effect) for effect in effects)
    return faults + [on(route).with_effect(effect) for effect in _ALWAYS]


def _alike(value: Any, one: Any, other: Any) -> bool:
    """Return whether a value is the one of two undisturbed runs; where they differ, nobody can tell."""
    if _equal(one, other):
        return _equal(value, one)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return isinstance(value, Mapping) and all(
            key in value and _alike(value[key], one[key], other[key]) for key in one if key in other
        )
    if isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        return (
            isinstance(value, list | tuple)
            and len(value) == len(one)
            and all(_alike(*items) for items in zip(value, one, other, strict=True))
        )
    return True


def _equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except Exception:  # noqa: BLE001  # of the user's own class; arrays, too, are not simply equal
        return False


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of cells in columns, of which Chinese characters take two."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    )


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
