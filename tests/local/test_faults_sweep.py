"""Sweeps: code of all sorts against faults, without the SDK."""

from __future__ import annotations

import asyncio
import json
import threading

import numpy as np
import pytest
import urllib3
from console_caller import Console
from v2_caller import V2

from qianfan.local import on
from qianfan.local.sweep import Outcome

HANDLED, RAISED, HUNG, LOST, MISSED = Outcome


@pytest.fixture
def caller(start):
    """A caller who has a token already."""
    caller = start()
    assert caller.token
    return caller


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    """See that no run goes on after a test."""
    yield
    assert runs() == []


def runs():
    """Return the threads of runs that go on."""
    return [thread for thread in threading.enumerate() if thread.name == "qianfan-sweep"]


def words(caller):
    """Return code that trusts whatever comes back."""
    return lambda: caller.ask("你好").get("result", "")


def streamed(caller):
    """Return code that takes what there is of a stream for the whole."""

    def read():
        response = caller.post({"messages": [{"role": "user", "content": "你好"}], "stream": True})
        events = [event for event in response.data.decode("utf-8", "replace").split("\n\n") if event]
        return "".join(json.loads(event[6:])["result"] for event in events)

    return read


@pytest.mark.parametrize(
    ("fault", "outcome", "error", "bad"),
    [
        (on("chat").delay(0), HANDLED, None, False),
        (on("chat").split(1), HANDLED, None, False),
        (on("chat", nth=2).reset(), MISSED, None, False),
        (on("embedding").reset(), MISSED, None, False),
        (on("chat").reset(), RAISED, urllib3.exceptions.ProtocolError, False),
        (on("chat").garbage(), RAISED, UnicodeDecodeError, False),
        (on("chat").status(503), RAISED, json.JSONDecodeError, False),
        (on("chat").code(336100), LOST, None, True),
        (on("chat").stall(), HUNG, None, True),
    ],
    ids=repr,
)
def test_how_code_fares(caller, fault, outcome, error, bad):
    """A run is handled, raised, hung, lost data, or met no fault."""
    (row,) = caller.platform.sweep(words(caller), faults=[fault], timeout=0.5)

    assert (row.outcome, type(row.error) if row.error else None, row.bad) == (outcome, error, bad)
    assert row.fault == fault
    assert row.requests == 1
    assert not row.left_behind


def test_a_stream_that_ends_too_early_unseen(caller):
    """Code that takes a part of a stream for the whole has lost data."""
    cuts = [on("chat").cut(after=2, clean=True), on("chat").cut(after=2)]
    hidden, seen = caller.platform.sweep(streamed(caller), faults=cuts)

    assert (hidden.outcome, hidden.bad) == (LOST, True)
    assert hidden.value == "【本地平台】"[: len(hidden.value)]
    assert (seen.outcome, seen.bad) == (RAISED, False)


def test_assertions_of_the_code(caller):
    """An assertion of the code's own that fails means lost data, whatever it may raise."""

    def check():
        assert "result" in caller.ask("你好")

    (row,) = caller.platform.sweep(check, faults=[on("chat").code(18)])

    assert (row.outcome, row.bad) == (LOST, True)


@pytest.mark.parametrize(
    ("allowed", "bad"), [(KeyError, True), (OSError, False), ((KeyError, OSError), False)]
)
def test_what_code_may_raise(caller, allowed, bad):
    """Whoever names what the code may raise finds all else bad."""

    def call():
        try:
            return caller.ask("你好")["result"]
        except urllib3.exceptions.HTTPError as error:
            raise OSError from error

    report = caller.platform.sweep(call, faults=[on("chat").reset()], allowed=allowed)

    assert report[0].outcome is RAISED
    assert (report.bad == report) == bad


class TestHanging:
    """Runs that do not end by themselves."""

    def test_a_function_is_ended_by_its_connections(self, caller):
        """A function that waits for a silent platform gets its connection broken, and each one after it."""

        def stubborn():
            try:
                return caller.ask("你好")["result"]
            except urllib3.exceptions.HTTPError:
                return caller.ask("你好")["result"]

        (row,) = caller.platform.sweep(stubborn, faults=[on("chat").stall(after=1)], timeout=0.3)

        assert (row.outcome, row.requests, row.left_behind) == (HUNG, 1, False)
        assert row.seconds >= 0.3

    def test_a_coroutine_is_cancelled(self, caller):
        """A coroutine that waits for anything at all is cancelled, and cleans up."""
        cleaned = []

        async def waits():
            answer = await asyncio.to_thread(caller.ask, "你好")
            try:
                await asyncio.sleep(0 if "result" in answer else 3600)
            finally:
                cleaned.append(answer)
            return answer["result"]

        (row,) = caller.platform.sweep(waits, faults=[on("chat").code(18)], timeout=0.3)

        assert (row.outcome, row.left_behind, len(cleaned)) == (HUNG, False, 3)

    def test_what_cannot_be_ended_is_told(self, caller):
        """A function that waits for something else goes on, and the report says so."""
        go_on = threading.Event()

        def waits():
            answer = caller.ask("你好")
            if "result" not in answer:
                go_on.wait()
            return "done"

        report = caller.platform.sweep(waits, faults=[on("chat").code(18)], timeout=0.2)
        (left,) = runs()
        go_on.set()
        left.join()

        assert (report[0].outcome, report[0].left_behind) == (HUNG, True)
        assert "线程未能结束" in repr(report)

    def test_undisturbed_code_must_end(self, caller):
        """Code that hangs without a fault cannot be swept."""

        async def waits():
            await asyncio.sleep(3600)

        with pytest.raises(TimeoutError, match="without a fault"):
            caller.platform.sweep(waits, timeout=0.1)

    def test_a_clock_that_stands_still_goes_on(self, caller):
        """On a frozen platform the sweep moves the clock, and the code need not."""
        caller.platform.freeze()
        delay = on("chat").delay(0.2)

        (row,) = caller.platform.sweep(words(caller), faults=[delay])

        assert row.outcome is HANDLED
        assert 0.2 <= row.seconds < 2


class TestUndisturbed:
    """What is found before the first fault."""

    def test_what_it_raises(self, caller):
        """Code that fails by itself fails as it does without a sweep."""

        def fails():
            raise LookupError("of the code's own")

        with pytest.raises(LookupError, match="own"):
            caller.platform.sweep(fails)

    def test_nothing_to_disturb(self, caller):
        """Code that does not call the route cannot be swept."""
        with pytest.raises(ValueError, match="'embedding'"):
            caller.platform.sweep(words(caller), "embedding")

    def test_ids_and_times_are_not_compared(self, caller):
        """What differs between undisturbed runs is no lost data; what is the same in them is compared."""
        faults = [
            on("chat").delay(1.2),
            on("chat").status(200, body={"id": "as-1", "created": 1, "result": ""}),
        ]
        same, other = caller.platform.sweep(lambda: [caller.ask("你好")], faults=faults)

        assert (same.outcome, other.outcome) == (HANDLED, LOST)

    @pytest.mark.parametrize(
        ("spoilt", "outcome"),
        [
            ({}, LOST),
            ({"a": 1}, LOST),
            ({"a": 1, "b": [2, 0]}, HANDLED),
            ({"a": 1, "b": [2]}, LOST),
            ({"a": 1, "b": [3, 0]}, LOST),
            ({"a": 1, "b": None}, LOST),
            (None, LOST),
        ],
        ids=repr,
    )
    def test_parts_of_values(self, caller, spoilt, outcome):
        """Mappings and lists are compared part by part where the undisturbed ones differ."""
        numbers = iter(range(100))

        def call():
            number = next(numbers)
            return {"a": 1, "b": [2, number]} if "result" in caller.ask("你好") else spoilt

        (row,) = caller.platform.sweep(call, faults=[on("chat").code(18)])

        assert row.outcome is outcome

    def test_values_that_are_not_simply_equal(self, caller):
        """Values that cannot be compared are taken as they are."""
        (row,) = caller.platform.sweep(
            lambda: caller.ask("你好") and np.zeros(3), faults=[on("chat").code(18)]
        )

        assert row.outcome is HANDLED


class TestPlatform:
    """What becomes of the platform."""

    def test_each_run_finds_it_as_it_was(self, caller):
        """What a run made is gone in the next, so that it can make it again; the quota is whole."""
        console = Console(caller.platform)

        def create():
            body = json.dumps({"name": "task_1"}).encode()
            return console.send("/wenxinworkshop/finetune/createTask", body).json().get("error_code")

        report = caller.platform.sweep(create, "console", [on("console").delay(0), on("console").split(3)])

        assert [row.outcome for row in report] == [HANDLED, HANDLED]
        console.http.clear()

    def test_a_token_of_before_stays_good(self, caller):
        """A client that was there before the sweep keeps its token."""
        caller.platform.sweep(words(caller), faults=[on("chat").delay(0)])

        assert "result" in caller.ask("你好")
        assert len(caller.platform.calls("token")) == 1

    def test_faults_of_before_come_back(self, caller):
        """Faults that were set are away in the meantime, and then there again with their counts."""
        placed = caller.platform.on("chat", nth=2).code(18)
        caller.ask("你好")
        (row,) = caller.platform.sweep(words(caller), faults=[on("chat").delay(0)])

        assert row.outcome is HANDLED
        assert caller.ask("你好")["error_code"] == 18
        assert (placed.met, placed.hits) == (2, 1)


class TestStandard:
    """The standard faults."""

    def test_one_call(self, caller):
        """Each kind happens to the only call, and some to every call."""
        report = caller.platform.sweep(words(caller), timeout=0.2)

        assert {"code", "status", "reset", "delay", "slow_headers", "garbage", "cut", "stall", "split"} == {
            name.partition("(")[0] for row in report for name in [repr(row.fault).split(").")[1]]
        }
        assert [row for row in report if row.outcome is MISSED] == []

    def test_first_and_last_call(self, caller):
        """Of several calls the first and the last are disturbed, of each kind of answer its own way."""
        faults = set()

        def two():
            faults.update(map(repr, (placed.fault for placed in caller.platform.faults)))
            return caller.ask("一").get("result"), caller.ask("二").get("result"), streamed(caller)()

        caller.platform.sweep(two, timeout=0.2)

        assert 'on("chat", nth=1).cut()' in faults
        assert 'on("chat", nth=3).cut()' in faults
        assert not any("nth=2" in fault for fault in faults)
        assert 'on("chat", nth=3).garbage(after=1)' in faults
        assert 'on("chat", nth=1).garbage(after=1)' not in faults

    def test_other_routes(self, caller):
        """Whatever route is named is disturbed, of v2 too."""
        v2 = V2(caller)
        report = caller.platform.sweep(lambda: v2.get("/models").json()["object"], "models", timeout=0.2)

        assert {row.fault.when.route for row in report} == {"models"}
        assert {row.outcome for row in report} >= {HANDLED, RAISED, HUNG}


def test_the_table(caller):
    """A report prints as a table whose columns stand one under the other."""
    faults = [on("chat", text="你好").split(1), on("chat").code(18), on("embedding").reset()]
    report = caller.platform.sweep(words(caller), faults=faults)
    table = [line.split("  ") for line in repr(report).splitlines()]

    assert [[cell.strip() for cell in line if cell.strip()] for line in table] == [
        ["故障", "结果", "秒", "请求"],
        ['on("chat", text="你好").split(1)', "正常", "0.0", "1"],
        ['on("chat").code(18)', "✗", "丢数据", "0.0", "1"],
        ['on("embedding").reset()', "未遇到", "0.0", "1"],
    ]
    assert [repr(row.fault) for row in report.bad] == ['on("chat").code(18)']
    assert str(report) == repr(report)
