"""Workers that are lost, hang, or never come."""

from __future__ import annotations

import os
import signal
from collections import Counter

import pytest
from support.many import Many
from support.workers import workers

import qianfan
from qianfan import errors

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


NOWHERE = {"resources": {"a machine that is not there": 1}}


@pytest.mark.usefixtures("cluster")
class TestNone:
    """No worker is there."""

    @pytest.mark.parametrize("way", ["map", "amap"])
    def test_none_comes(self, platform, file, way):
        """A cluster that has no place for one: the run ends after a while, and says so."""
        engine = qianfan.RayEngine(workers=1, timeout=0.5, options=NOWHERE)
        many = Many(way)
        with platform.client() as client:
            assert many(client, INPUTS, engine=engine, checkpoint=file) == []
            assert isinstance(many.failure, errors.WorkersLostError)
            assert "0.5 s" in str(many.failure)
            assert platform.calls("chat") == []
            assert len(many(client, INPUTS, checkpoint=file)) == 60  # the file is let go of

    def test_none_can_be(self, platform):
        """Workers that cannot be made are not waited for."""
        engine = qianfan.RayEngine(options={"runtime_env": {"working_dir": "/nowhere"}})
        with platform.client() as client, pytest.raises(errors.WorkersLostError):
            list(client.map(INPUTS, engine=engine))

    def test_another_cluster(self, platform):
        """A process is in one cluster, and says so when it is sent to another."""
        with platform.client() as client, pytest.raises(errors.WorkersLostError, match="another Ray cluster"):
            list(client.map(INPUTS, engine=qianfan.RayEngine("10.0.0.1:6379")))


BAD = [
    ({"workers": 0}, "workers"),
    ({"workers": True}, "workers"),
    ({"workers": 1.5}, "workers"),
    ({"timeout": 0}, "timeout"),
    ({"address": "ray://10.0.0.1:10001"}, "Ray Client"),
]


@pytest.mark.parametrize(("wrong", "said"), BAD, ids=[str(case[0]) for case in BAD])
def test_bad_arguments(wrong, said):
    """What cannot be right is refused before anything starts."""
    with pytest.raises(errors.InvalidArgumentError, match=said):
        qianfan.RayEngine(**wrong)
