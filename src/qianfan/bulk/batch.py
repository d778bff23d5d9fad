"""`batch_do`: a list of inputs, a list of replies, as later SDKs have it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from qianfan.bulk import start

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from qianfan.bulk.outcome import Outcome, Report
    from qianfan.bulk.results import Results
    from qianfan.client import Qianfan
    from qianfan.errors import QianfanError
    from qianfan.response import Response


class Batch:
    """The replies to a list of inputs, in their order: a reply, or the error that came instead.

    Its requests go out at once. Iterate it, or ask for all of them by `results`.
    """

    def __init__(self, results: Results, count: int) -> None:
        self._results = results
        self._count = count
        self._got: list[Response | QianfanError] = []
        self._failure: Exception | None = None
        self._reading = threading.Lock()
        results.begin()

    @property
    def report(self) -> Report:
        """How it stands."""
        return self._results.report

    @property
    def total_count(self) -> int:
        """The number of inputs."""
        return self._count

    @property
    def finished_count(self) -> int:
        """How many have an outcome."""
        return self.report.done + self.report.failed

    @property
    def success_count(self) -> int:
        """How many have a reply."""
        return self.report.done

    @property
    def failed_count(self) -> int:
        """How many have an error."""
        return self.report.failed

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Response | QianfanError]:
        for index in range(self._count):
            with self._reading:  # several threads may
                while len(self._got) <= index:
                    self._more()
            yield self._got[index]

    def _more(self) -> None:
        """Wait for one more, or raise what ended the run early, as often as it is asked for."""
        if self._failure is not None:
            raise self._failure
        try:
            self._got.append(_held(next(self._results)))
        except Exception as error:
            self._failure = error
            raise

    def results(self) -> list[Response | QianfanError]:
        """Wait for all, and return them."""
        return list(self)

    def wait(self) -> None:
        """Wait for all."""
        self.results()


def batch(
    client: Qianfan,
    kind: str,
    inputs: Iterable[Any],
    at_once: int | None,
    parameters: Mapping[str, Any],
) -> Batch:
    """Return the replies to a list of inputs, whose requests go out now."""
    listed, plan = start.listed(kind, inputs, at_once, parameters)
    return Batch(start.mapped(client, listed, plan), len(listed))


async def abatch(
    client: Qianfan,
    kind: str,
    inputs: Iterable[Any],
    at_once: int | None,
    parameters: Mapping[str, Any],
) -> list[Response | QianfanError]:
    """Return the replies to a list of inputs, when all have come."""
    listed, plan = start.listed(kind, inputs, at_once, parameters)
    async with start.amapped(client, listed, plan) as results:
        return [_held(outcome) async for outcome in results]


def _held(outcome: Outcome) -> Response | QianfanError:
    held = outcome.response if outcome.error is None else outcome.error
    assert held is not None, "an outcome has one of the two"
    return held
