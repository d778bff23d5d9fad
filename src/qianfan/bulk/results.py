"""What users iterate: the outcomes of a run, async or plain."""

from __future__ import annotations

import asyncio
import threading
import weakref
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple

from qianfan.bulk.source import Feed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

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

    def __init__(self, begin: Callable[[Feed], Run], inputs: Iterable[Any], ahead: int) -> None:
        self._inputs: Iterator[Any] | None = iter(inputs)
        self._ahead = ahead  # how many inputs may be read before the outcome of the first is taken
        self._waiting = 0  # how many are
        self._failure: BaseException | None = None  # of the inputs
        self._ended = False
        feed = Feed()
        self._loop = _Loop(begin(feed))
        self._feed = feed
        weakref.finalize(self, self._loop.close)

    @property
    def report(self) -> Report:
        """How the run stands."""
        return self._loop.run.report

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Outcome:
        if self._ended:
            raise StopIteration
        self._loop.start()
        self._read()
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
            except BaseException as error:  # noqa: BLE001  # raised when what is in flight has come in
                self._inputs, self._failure = None, error
            else:
                self._feed.put(item)
                self._waiting += 1
        if self._inputs is None:
            self._feed.end()


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

    def start(self) -> None:
        """Begin, unless it has."""
        if self._thread is None:
            # A daemon: an exit without `close` waits for no reply.
            self._thread = threading.Thread(target=self._main, name="qianfan-map", daemon=True)
            self._thread.start()
            self._begun.wait()

    def stop(self) -> None:
        """Take no more inputs."""
        self._call(self.run.stop)

    def close(self) -> None:
        """Give up what is in flight, and wait until the thread has ended."""
        thread, task = self._thread, self._task
        if thread is None or task is None:
            return
        self._call(task.cancel)
        if thread is not threading.current_thread():  # as a finalizer may be
            thread.join()

    def _call(self, function: Callable[[], object]) -> None:
        if self._task is not None:
            with suppress(RuntimeError):  # the loop is closed: the run has ended
                self._task.get_loop().call_soon_threadsafe(function)

    def _main(self) -> None:
        try:
            asyncio.run(self._drain())
        except asyncio.CancelledError:
            self.outcomes.put(_End(None))

    async def _drain(self) -> None:
        self._task = asyncio.current_task()
        self._begun.set()
        failure: BaseException | None = None
        try:
            while (outcome := await self.run.outcome()) is not None:
                self.outcomes.put(outcome)
        except Exception as error:  # noqa: BLE001  # raised to who iterates
            failure = error
        finally:
            await self.run.aclose()
        self.outcomes.put(_End(failure))
