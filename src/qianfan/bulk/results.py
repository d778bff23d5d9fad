"""What users iterate: the outcomes of a run, async or plain."""

from __future__ import annotations

import asyncio
import threading
import weakref
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple

from qianfan.bulk.source import Feed
from qianfan.drivers.shared import after_fork
from qianfan.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

    from qianfan.bulk.outcome import Outcome, Report
    from qianfan.bulk.run import Run


class AsyncResults:
    """The outcomes of many calls: `async for outcome in client.amap(...)`.

    Inputs are read, and requests go out, from the first `async for` on, and no faster than outcomes are taken.
    Leave it early by `async with` or `aclose`.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        weakref.finalize(self, run.abandon).atexit = False

    @property
    def report(self) -> Report:
        """How the run stands."""
        return self._run.report

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Outcome:
        outcome = await self._run.outcome()
        if outcome is None:
            raise StopAsyncIteration
        return outcome

    def stop(self) -> None:
        """Take no more inputs; what is in flight is finished, and its outcomes still come."""
        self._run.stop()

    async def aclose(self) -> None:
        """Give up what is in flight; safe to repeat."""
        await self._run.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()


class Results:
    """The outcomes of many calls: `for outcome in client.map(...)`.

    Inputs are read in the thread that iterates, and requests go out from an event loop in a thread of its own; from
    the first `for` on, and no faster than outcomes are taken. Leave it early by `with` or `close`.
    """

    def __init__(self, begin: Callable[[Feed], Run], inputs: Iterator[Any], ahead: int) -> None:
        self._inputs: Iterator[Any] | None = inputs
        self._ahead = ahead  # how many inputs may be read before the outcome of the first is taken
        self._waiting = 0  # how many are
        self._failure: BaseException | None = None  # of the inputs
        self._ended = False
        self._turn = threading.RLock()  # of the threads that iterate
        feed = Feed()
        self._loop = _Loop(begin(feed))
        self._feed = feed
        # It may be run amid anything, by a thread that holds what the loop waits for.
        weakref.finalize(self, self._loop.close, _PATIENCE)

    @property
    def report(self) -> Report:
        """How the run stands."""
        return self._loop.run.report

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Outcome:
        with self._turn:
            if self._ended:
                raise StopIteration
            self.begin()
            told = self._loop.outcomes.get()
            if not isinstance(told, _End):
                self._waiting -= 1
                return told
            self.close()
        failure = told.failure or self._failure
        if failure is not None:
            raise failure
        raise StopIteration

    def begin(self) -> None:
        """Let requests go out before the first outcome is asked for."""
        self._loop.start()
        self._read()

    def stop(self) -> None:
        """Take no more inputs; what is in flight is finished, and its outcomes still come."""
        self._loop.stop()

    def close(self) -> None:
        """Give up what is in flight; safe to repeat."""
        self._ended = True
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _read(self) -> None:
        """Read inputs ahead: as many as may be while nothing else is to be done, else as many as are taken."""
        some = 2
        while self._inputs is not None and self._waiting < self._ahead:
            if not self._loop.outcomes.empty() and not (some := some - 1):
                return
            try:
                item = next(self._inputs)
            except StopIteration:
                self._inputs = None
            except BaseException as error:  # raised when what is in flight has come in
                self._inputs, self._failure = None, error
                if not isinstance(error, Exception):  # Ctrl-C waits for nothing
                    raise
            else:
                self._feed.put(item)
                self._waiting += 1
        if self._inputs is None:
            self._feed.end()


#: Seconds that a finalizer waits for the end of a run.
_PATIENCE = 1.0


class _End(NamedTuple):
    """What follows the last outcome: what ended the run early, or nothing."""

    failure: BaseException | None


class _Loop:
    """The event loop of a run, in a thread of its own."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.outcomes: SimpleQueue[Outcome | _End] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._task: asyncio.Task[None] | None = None
        self._begun = threading.Event()
        after_fork(self)

    def start(self) -> None:
        """Begin, unless it has."""
        if self._thread is None:
            # A daemon: an exit without `close` waits for no reply.
            self._thread = threading.Thread(target=self._main, name="qianfan-map", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # the system has no more of them
                self._thread = None
                raise
            self._begun.wait()

    def stop(self) -> None:
        """Take no more inputs."""
        if self._thread is None:
            self.run.stop()
        else:
            self._call(self.run.stop)

    def close(self, patience: float | None = None) -> None:
        """Give up what is in flight, and wait until the thread has ended, for so many seconds at most."""
        if self._thread is None:
            return
        self._call(self._cancel)
        if self._thread is not threading.current_thread():  # as a finalizer may be
            self._thread.join(patience)

    def forget(self) -> None:
        """Start anew in a forked child: the thread is not there."""
        if self._thread is not None:
            self.outcomes = SimpleQueue()
            self.outcomes.put(
                _End(InvalidArgumentError("a run of many requests goes on in the parent of a forked process"))
            )

    def _cancel(self) -> None:
        assert self._task is not None, "the loop runs"
        self._task.cancel()

    def _call(self, function: Callable[[], object]) -> None:
        self._begun.wait()
        if self._task is not None:
            with suppress(RuntimeError):  # the loop is closed: the run has ended
                self._task.get_loop().call_soon_threadsafe(function)

    def _main(self) -> None:
        failure: BaseException | None = None
        try:
            asyncio.run(self._drain())
        except asyncio.CancelledError:  # closed
            pass
        except BaseException as error:  # noqa: BLE001  # raised to who iterates
            failure = error
        self._begun.set()  # should there not even be a loop
        self.outcomes.put(_End(failure))

    async def _drain(self) -> None:
        self._task = asyncio.current_task()
        self._begun.set()
        try:
            while (outcome := await self.run.outcome()) is not None:
                self.outcomes.put(outcome)
        finally:
            await self.run.aclose()
