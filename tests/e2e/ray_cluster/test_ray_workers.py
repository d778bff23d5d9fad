"""Workers that are lost, hang, or never come."""

from __future__ import annotations

import os
import signal
from collections import Counter

import pytest
from support.workers import workers

import qianfan

INPUTS = [f"问{number}" for number in range(60)]
ANSWERS = [f"答：问{number}" for number in range(60)]


def answers(outcomes):
    """Return the answers, of which all have to be there."""
    return [outcome.unwrap()["result"] for outcome in outcomes]


def asked(platform):
    """Return how often each text was asked."""
    return Counter(call.messages[-1]["content"] for call in platform.calls("chat"))


@pytest.mark.usefixtures("cluster")
class TestLost:
    """A worker is lost in mid-run."""

    def test_killed(self, echo, file):
        """Killed with -9: what it had is asked again elsewhere; each input has one result."""
        echo.on("chat").delay(0.2)
        engine = qianfan.RayEngine(workers=2)
        with (
            echo.client() as client,
            client.map(INPUTS, engine=engine, checkpoint=file, concurrency=8) as run,
        ):
            got = [next(run) for _ in range(10)]
            os.kill(workers()[0], signal.SIGKILL)
            got += run
            again = run.report.asked_again

        assert answers(got) == ANSWERS
        assert [outcome.id for outcome in got] == list(range(60))
        assert 1 <= again <= 8
        assert sum(asked(echo).values()) <= 60 + again
        with echo.client() as client:
            recorded = list(client.map(INPUTS, checkpoint=file))
        assert all(outcome.recorded for outcome in recorded)
        assert answers(recorded) == ANSWERS

    def test_all_killed(self, echo):
        """With none left, the run waits for Ray to start them anew."""
        echo.on("chat").delay(0.1)
        with echo.client() as client, client.map(INPUTS, engine="ray", concurrency=8) as run:
            got = [next(run) for _ in range(4)]
            first = workers()
            for process in first:
                os.kill(process, signal.SIGKILL)
            got += run
            assert not {*first} & {*workers()}

        assert answers(got) == ANSWERS

    def test_silent(self, echo):
        """One that is there and says nothing is replaced."""
        echo.on("chat").delay(0.1)
        engine = qianfan.RayEngine(workers=1, timeout=4)
        with echo.client(request_timeout=1) as client, client.map(INPUTS, engine=engine) as run:
            got = [next(run)]
            (silent,) = workers()
            os.kill(silent, signal.SIGSTOP)
            try:
                got += run
            finally:
                os.kill(silent, signal.SIGKILL)

        assert answers(got) == ANSWERS
