"""One run in one event loop: reads inputs, asks, records, and puts the outcomes in order."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from qianfan.bulk.checkpoint import Checkpoint, failure
from qianfan.bulk.gate import Gate
from qianfan.bulk.outcome import Outcome, Report
from qianfan.bulk.source import END, LATER
from qianfan.errors import (
    AuthError,
    BadRequestError,
    BudgetExceededError,
    BulkStoppedError,
    InvalidArgumentError,
    ParseError,
    QianfanError,
    QuotaError,
    RateLimiterLostError,
    RateLimitError,
    WorkerLostError,
    WorkersLostError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from qianfan.bulk.job import Job
    from qianfan.bulk.source import Source
    from qianfan.bulk.start import Here
    from qianfan.client import Qianfan
    from qianfan.response import Response

#: Runs that close, since their results were dropped: an event loop itself holds no task.
_CLOSING: set[asyncio.Future[None]] = set()

#: Calls of one input that are refused for being too many; each has its attempts and pauses.
_PATIENCE = 20

#: Failures in a row that are no input's own fault, after which asking on would only burn the rest.
_STREAK = 100

#: Failures that an input itself is to blame for, or its answer.
_OWN = (InvalidArgumentError, BadRequestError, ParseError)

#: Failures that leave no trace in the checkpoint, since they say nothing of an input's answer.
_FOREIGN = (AuthError, QuotaError, InvalidArgumentError, BudgetExceededError, RateLimiterLostError)


def _too_fast(error: QianfanError) -> bool:
    """Say whether the service means that it is asked too much at once."""
    return isinstance(error, RateLimitError) or error.status == 429


class Plan(NamedTuple):
    """How a run is to go.

    Attributes:
        job: What is asked.
        most: Most requests at once.
        ordered: Whether outcomes come in the order of the inputs, or as they come.
        checkpoint: The file to survive by, or None.
        retry_failed: Whether failures that it records are asked again.
        ahead: How many inputs may be read before the outcome of the first is taken.
        engine: What makes who carries the calls out, told whose they are, their kind, and `most`.
    """

    job: Job
    most: int
    ordered: bool
    checkpoint: str | None
    retry_failed: bool
    ahead: int
    engine: Callable[[Qianfan, str, int], Here]


class Asker(Protocol):
    """Who carries calls out, wherever that is."""

    @property
    def ask(self) -> Callable[[dict[str, Any]], Awaitable[Response]]:
        """What returns the reply to a call, or raises a `QianfanError`."""
        ...

    async def aclose(self) -> None:
        """Let go of what it holds; safe to repeat."""
        ...


@dataclass(slots=True)
class _Item:
    """An input on its way, and how often it went out: was found too fast, or too much for a budget."""

    number: int
    id: int | str
    input: Any
    arguments: dict[str, Any]
    fingerprint: str
    out: int = 0
    refused: int = 0


class Run:
    """One run, begun by the first `outcome`.

    Args:
        plan: How it is to go.
        source: The inputs; read one at a time, and no faster than outcomes are taken.
        asker: Who carries the calls out.

    Attributes:
        report: How it stands.
    """

    def __init__(self, plan: Plan, source: Source, asker: Asker) -> None:
        self._plan = plan
        self._asker = asker
        self._ask = asker.ask
        self._gate = Gate(plan.most)
        self._checkpoint: Checkpoint | None = None
        self._source = source
        self._names: set[int | str] = set()  # ids of the user's own
        self._workers: set[asyncio.Task[None]] = set()
        self._reading = asyncio.Lock()
        self._reader: asyncio.Task[None] | None = None  # who waits for an input
        self._ready: dict[int, Outcome] = {}
        self._next = 0  # the number whose outcome is next in order
        self._given = 0  # outcomes taken
        self._room = asyncio.Event()  # an outcome was taken
        self._changed = asyncio.Event()  # an outcome is ready, or none will come
        self._exhausted = self._stopping = self._ended = False
        self._failure: BaseException | None = None
        self._streak = 0
        self._started = 0.0
        self._home: asyncio.AbstractEventLoop | None = None
        self.report = Report()

    async def outcome(self) -> Outcome | None:
        """Return the next outcome, or None where there is none.

        Raises:
            QianfanError: What ended the run early; it comes after all that was in flight.
        """
        if not (self._started or self._ended):
            self._start()
        while not self._ended:
            found = self._take()
            if found is not None:
                return found
            if not self._workers:
                await self._end()
                if self._failure is not None:
                    raise self._failure
                break
            self._changed.clear()
            await self._changed.wait()
        return None

    def stop(self) -> None:
        """Take no more inputs; what is in flight is finished."""
        self._stopping = True
        self._gate.close()
        if self._reader is not None:
            self._reader.cancel()

    def notice(self, error: QianfanError) -> None:
        """Learn from an attempt that failed."""
        if _too_fast(error):
            self.report.refusals += 1
            self._gate.refused(error.retry_after)
        elif isinstance(error, WorkerLostError) and error.sent:
            self.report.asked_again += 1

    async def aclose(self) -> None:
        """Give up what is in flight; safe to repeat."""
        self.stop()
        workers = list(self._workers)
        for worker in workers:
            worker.cancel()
        try:
            await asyncio.gather(*workers, return_exceptions=True)
        finally:
            await self._end()

    def abandon(self) -> None:
        """Have it closed by its event loop, from any thread."""
        if self._home is not None and not self._ended:
            with suppress(RuntimeError):  # the loop is closed
                self._home.call_soon_threadsafe(self._close_later)

    def _close_later(self) -> None:
        closing = asyncio.ensure_future(self.aclose())
        _CLOSING.add(closing)
        closing.add_done_callback(_CLOSING.discard)

    def _start(self) -> None:
        self._started = monotonic()
        self._home = asyncio.get_running_loop()
        if self._plan.checkpoint is not None:
            self._checkpoint = Checkpoint(self._plan.checkpoint, retry_failed=self._plan.retry_failed)
            self.report.asked_again = self._checkpoint.lost
        for _ in range(self._plan.most):
            worker = asyncio.ensure_future(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._done)

    def _done(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        if worker.cancelled():
            if not self._stopping:  # nobody here did it, and the worker's input is lost
                self._fail(RuntimeError("a request was cancelled by others"))
        elif (error := worker.exception()) is not None:
            self._fail(error)
        if not self._workers and self._checkpoint is not None:
            self._checkpoint.close()  # here, since a loop that ends asks for no outcome any more
        self._changed.set()

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error
        self.stop()

    async def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._tick()
            await self._asker.aclose()

    def _tick(self) -> None:
        report, gate = self.report, self._gate
        report.seconds = monotonic() - self._started if self._started else 0.0
        report.in_flight, report.level = gate.inside, gate.level

    def _take(self) -> Outcome | None:
        """Return an outcome that is ready: the next in order, where order is asked for."""
        ready, number = self._ready, self._next
        if number not in ready:
            if not ready or (self._plan.ordered and self._workers):
                return None
            number = (
                min(ready) if self._plan.ordered else next(iter(ready))
            )  # after an early end some are missing
        outcome = ready.pop(number)
        self._next = number + 1
        self._given += 1
        self._room.set()
        self._tick()
        return outcome

    async def _work(self) -> None:
        """Ask for one input after another, while there are any."""
        while (item := await self._read()) is not None:
            while await self._gate.enter(first=item.out > 0):
                outcome = await self._asked(item)
                if outcome is not None:
                    self._finish(item.number, outcome)
                    break

    async def _read(self) -> _Item | None:
        """Return the next input that is to be asked, or None where there is none."""
        while not (self._exhausted or self._stopping):
            item = self._source.now() if self._has_room() else LATER
            if item is LATER:
                async with self._reading:
                    item = await self._wait()
            if item is END:
                self._exhausted = True
            elif item is not LATER and (fresh := self._prepared(item)) is not None:
                return fresh
        return None

    def _has_room(self) -> bool:
        return self.report.taken - self._given < self._plan.ahead

    async def _wait(self) -> Any:
        """Return an input when there is one; `LATER` when there is only room for one."""
        if self._exhausted or self._stopping:
            return END
        self._reader = asyncio.current_task()
        try:
            if self._has_room():
                return await self._source.later()
            self._room.clear()
            await self._room.wait()
        except asyncio.CancelledError:
            if self._stopping:
                return END
            raise
        finally:
            self._reader = None
        return LATER

    def _prepared(self, item: Any) -> _Item | None:
        """Return an input ready to be asked, or None where what becomes of it is known already."""
        job, number = self._plan.job, self.report.taken
        self.report.taken += 1
        id_: int | str = number
        try:
            id_ = job.id_of(item, number)
            arguments = job.arguments(item)
            if self._checkpoint is None:
                return _Item(number, id_, item, arguments, "")
            fingerprint = job.fingerprint(arguments)
            if job.ids is not None:
                self._claim(id_)
        except QianfanError as error:
            self._finish(number, Outcome(id_, item, error=error))
            return None
        record = self._checkpoint.record_of(id_, fingerprint)
        if record is None:
            return _Item(number, id_, item, arguments, fingerprint)
        if "error" in record:
            outcome = Outcome(id_, item, error=failure(record["error"]), recorded=True)
        else:
            outcome = Outcome(id_, item, job.reply(arguments, record["response"]), recorded=True)
        self._finish(number, outcome)
        return None

    def _claim(self, id_: int | str) -> None:
        """Keep an id of the user's own from coming twice: a checkpoint has one result for each."""
        if id_ in self._names:
            raise InvalidArgumentError(
                f"the id {id_!r} came before", hint="ids= must return another one for each input"
            )
        self._names.add(id_)

    async def _asked(self, item: _Item) -> Outcome | None:
        """Ask for an input and record what becomes of it; None where it is to be asked later."""
        checkpoint, failure = self._checkpoint, None
        try:
            if checkpoint is not None:
                checkpoint.asked(item.id)
            item.out += 1
            outcome = Outcome(item.id, item.input, await self._ask(item.arguments))
            self._gate.answered()
            self._streak = 0
        except WorkersLostError:  # it ends the run; whether the service has the call, nobody knows
            raise
        except QianfanError as error:
            failure = error
            outcome = Outcome(item.id, item.input, error=error)
        finally:
            self._gate.leave()
        passing = failure is not None and self._is_passing(failure, item)
        if checkpoint is not None:
            try:
                if failure is not None and (isinstance(failure, _FOREIGN) or _too_fast(failure)):
                    checkpoint.withdrawn(item.id)  # where it is asked again, that is told anew
                else:
                    checkpoint.record(outcome, item.fingerprint)
            except OSError as error:  # the disk is full: no more is asked, and this is handed on all the same
                self._fail(error)
        if passing:
            return None
        if failure is not None:
            self._judge(failure)
        return None if isinstance(failure, BudgetExceededError) else outcome

    def _is_passing(self, error: QianfanError, item: _Item) -> bool:
        """Say whether an input is to be asked again later: others have to come back first."""
        if isinstance(error, BudgetExceededError) and error.retryable:
            self._gate.filled()
            return True
        if not _too_fast(error):
            return False
        item.refused += 1
        return item.refused < _PATIENCE

    def _judge(self, error: QianfanError) -> None:
        """End the run where the money is spent, or failure follows failure and no input is to blame."""
        if isinstance(error, BudgetExceededError):
            self._fail(error)
        elif not isinstance(error, _OWN):
            self._streak += 1
            if self._streak >= _STREAK:
                self._fail(BulkStoppedError(self._streak, error))

    def _finish(self, number: int, outcome: Outcome) -> None:
        self._ready[number] = outcome
        self.report.count(outcome)
        if number == self._next or not self._plan.ordered:
            self._changed.set()
