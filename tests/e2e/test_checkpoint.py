"""A run that is killed goes on: nothing is lost, and no result is there twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter

import pytest

import qianfan
from qianfan import errors
from qianfan.bulk.checkpoint import Checkpoint
from qianfan.bulk.outcome import Outcome
from qianfan.local import on


@pytest.fixture
def file(tmp_path):
    """Where the checkpoint is to be."""
    return tmp_path / "run.jsonl"


def records(file):
    """Return the results that a checkpoint holds, by their ids; each has to be there once."""
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    ids = Counter(line["id"] for line in lines if "response" in line)
    assert set(ids.values()) <= {1}
    return {line["id"]: line["response"]["result"] for line in lines if "response" in line}


INPUTS = [f"问{number}" for number in range(40)]
ANSWERS = {number: f"答：问{number}" for number in range(40)}


def test_goes_on(echo, many, file):
    """What was recorded comes again and is not asked; the rest is asked."""
    with echo.client() as client:
        first = many(client, INPUTS, checkpoint=file, concurrency=4, until=15)
        asked = len(echo.calls("chat"))
        rest = many(client, INPUTS, checkpoint=file, concurrency=4)

    assert [outcome.id for outcome in first] == list(range(15))
    assert {outcome.id: outcome.response["result"] for outcome in rest} == ANSWERS
    assert all(outcome.recorded for outcome in rest[:15])
    assert many.report.recorded == sum(outcome.recorded for outcome in rest)
    assert asked - many.report.asked_again <= many.report.recorded <= asked
    assert len(echo.calls("chat")) <= 40 + many.report.asked_again
    assert records(file) == ANSWERS


def test_a_finished_run_asks_nothing(echo, many, file):
    """The same call again only reads: replies with their usage, embeddings and parsed values too."""
    form = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    echo.reply("数", with_='{"n": 3}')
    with echo.client(version=2) as client:
        runs = [many(client, ["数"], checkpoint=file, response_format=form) for _ in range(2)]

    assert len(echo.calls("chat")) == 1
    assert [run[0].response.parsed for run in runs] == [{"n": 3}] * 2
    assert runs[0][0].response.body == runs[1][0].response.body
    assert many.report.usage.total_tokens == 0


def test_every_place_a_kill_can_cut(echo, file, tmp_path):
    """However much of the file was written: the next run has every answer, once."""
    with echo.client() as client:
        list(client.map(INPUTS[:4], checkpoint=file, concurrency=2))
        whole = file.read_bytes()
        again = tmp_path / "again.jsonl"
        for end in range(0, len(whole) + 1, 3):
            again.write_bytes(whole[:end])
            got = list(client.map(INPUTS[:4], checkpoint=again, concurrency=2))

            assert [outcome.response["result"] for outcome in got] == list(ANSWERS.values())[:4]
            assert records(again) == {number: ANSWERS[number] for number in range(4)}


def test_failures(start, many, file):
    """A failure of an input is kept and comes again; with `retry_failed` it is asked again."""
    platform = start()
    wrong = {"messages": [{"role": "user", "content": "x"}], "temperature": 7}
    with platform.client() as client:
        first = many(client, ["一", wrong, 5], checkpoint=file)
        second = many(client, ["一", wrong, 5], checkpoint=file)
        calls = len(platform.calls("chat"))
        third = many(client, ["一", wrong, 5], checkpoint=file, retry_failed=True)

    assert calls == 2
    assert len(platform.calls("chat")) == 3
    assert [outcome.recorded for outcome in second] == [
        True,
        True,
        False,
    ]  # what was never sent is not recorded
    assert [outcome.recorded for outcome in third] == [True, False, False]
    kept, told = first[1].error, second[1].error
    assert type(kept) is type(told) is errors.BadRequestError
    for name in ("code", "error_code", "message", "hint", "status", "request_id", "retryable"):
        assert getattr(told, name) == getattr(kept, name)
    assert str(told) == str(kept)


@pytest.mark.parametrize("fault", [on("chat").code(17), on("chat").code(6)], ids=["quota", "permission"])
def test_what_says_nothing_of_an_input(start, many, file, fault):
    """A quota that is used up, or a permission that is missing, is no result: the next run asks again."""
    platform = start(faults=[fault])
    with platform.client(backoff_factor=0, retry_count=1) as client:
        first = many(client, ["一", "二"], checkpoint=file, concurrency=2)
        platform.faults.clear()
        second = many(client, ["一", "二"], checkpoint=file)

    assert [outcome.ok for outcome in first] == [False, False]
    assert [(outcome.ok, outcome.recorded) for outcome in second] == [(True, False)] * 2
    assert many.report.asked_again == 0


def test_own_ids(echo, many, file):
    """With ids of the user's own, inputs may come in another order, and more of them; each id once."""
    with echo.client() as client:
        many(client, ["甲", "乙"], checkpoint=file, ids=str)
        got = many(client, ["丙", "乙", "甲", "丙"], checkpoint=file, ids=str)

    assert [(outcome.id, outcome.ok, outcome.recorded) for outcome in got] == [
        ("丙", True, False),
        ("乙", True, True),
        ("甲", True, True),
        ("丙", False, False),
    ]
    assert "came before" in str(got[3].error)
    assert records(file) == {"甲": "答：甲", "乙": "答：乙", "丙": "答：丙"}


CHANGED = [
    ({}, ["别的", *INPUTS[1:3]]),
    ({"model": "ERNIE-Bot-4"}, INPUTS[:3]),
    ({"temperature": 0.5}, INPUTS[:3]),
    ({"kind": "completion"}, INPUTS[:3]),
]


@pytest.mark.parametrize(("options", "inputs"), CHANGED, ids=["inputs", "model", "parameters", "kind"])
def test_other_questions(echo, many, file, options, inputs):
    """A file of other questions is refused, and is left as it is."""
    with echo.client() as client:
        many(client, INPUTS[:3], checkpoint=file)
        before = file.read_bytes()
        many(client, inputs, checkpoint=file, **options)

    assert len(echo.calls("chat")) == 3
    assert isinstance(many.failure, errors.InvalidArgumentError)
    assert "another question under the id 0" in str(many.failure)
    assert file.read_bytes() == before


@pytest.mark.parametrize("content", [b"my notes", b"my notes\n", b'{"a": 1}\n{"b": 2}\n', b"\xff\xfe\x00"])
def test_no_checkpoint(echo, many, file, content):
    """A file that is something else is refused, and is left as it is."""
    file.write_bytes(content)
    with echo.client() as client:
        got = many(client, INPUTS[:3], checkpoint=file)

    assert got == []
    assert "is no checkpoint" in str(many.failure)
    assert file.read_bytes() == content


def test_damage(echo, many, file):
    """A line in the middle that is none is told by its number."""
    with echo.client() as client:
        many(client, INPUTS[:3], checkpoint=file)
        lines = file.read_bytes().splitlines(keepends=True)
        lines[2] = b"\x00" * 10 + b"\n"
        file.write_bytes(b"".join(lines))
        many(client, INPUTS[:3], checkpoint=file)

    assert "line 3 is none of its lines" in str(many.failure)


@pytest.mark.skipif(sys.platform == "win32", reason="files are not locked there")
def test_two_runs_with_one_file(echo, file):
    """The second is refused while the first goes on."""
    with echo.client() as client, client.map(INPUTS, checkpoint=file) as first:
        next(first)
        with pytest.raises(errors.InvalidArgumentError, match="in use by another run"):
            next(client.map(INPUTS, checkpoint=file))
        assert len(list(first)) == 39


def test_a_folder_that_is_not_there(echo, many, tmp_path):
    """A file that cannot be made is told as the system tells it, before anything is sent."""
    with echo.client() as client:
        many(client, INPUTS, checkpoint=tmp_path / "none" / "run.jsonl")

    assert isinstance(many.failure, FileNotFoundError)
    assert echo.calls("chat") == []


def test_a_budget_leaves_no_doubt(echo, many, file):
    """What a budget stopped was not sent, and counts as such in the next run."""
    with echo.client() as client:
        with client.budget(requests=5):
            many(client, INPUTS, checkpoint=file, concurrency=3)
        assert isinstance(many.failure, errors.BudgetExceededError)
        got = many(client, INPUTS, checkpoint=file)

    assert many.report.asked_again == 0
    assert many.report.recorded == 5
    assert {outcome.id: outcome.response["result"] for outcome in got} == ANSWERS
    assert len(echo.calls("chat")) == 40


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files are set otherwise there")
def test_a_full_disk(echo, file):
    """A result that the disk has no room for ends the run, and is handed on all the same."""
    program = """
import resource, signal, sys
import qianfan

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
client = qianfan.Qianfan(ak="a", sk="s", base_url=sys.argv[1], access_token=sys.argv[3])
got = 0
try:
    for outcome in client.map([f"问{number}" for number in range(40)], checkpoint=sys.argv[2], concurrency=1):
        got += outcome.ok
except OSError as error:
    print(got, error.strerror)
client.close()
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, echo.url, file, token(echo)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    got, _, why = done.stdout.partition(" ")
    assert why in {"No space left on device\n", "File too large\n"}
    assert len(echo.calls("chat")) == int(got)
    with echo.client() as client:
        rest = list(client.map(INPUTS, checkpoint=file))
    assert {outcome.id: outcome.response["result"] for outcome in rest} == ANSWERS
    assert int(got) - 1 <= sum(outcome.recorded for outcome in rest) <= int(got)


def token(platform):
    """Return an access token of the platform."""
    with platform.client() as client:
        return client.access_token()


PROGRAM = """
import sys
import qianfan

url, token, file, count = sys.argv[1:]
with qianfan.Qianfan(access_token=token, base_url=url, backoff_factor=0, retry_count=2) as client:
    with client.map((f"问{n}" for n in range(int(count))), checkpoint=file, concurrency=16, retry_failed=True) as all:
        for outcome in all:
            pass
    print(all.report.asked_again, all.report.failed)
"""

KILLS = int(os.environ.get("QIANFAN_KILLS", "6"))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
@pytest.mark.parametrize("fault", [None, on("chat", p=0.1).status(500)], ids=["sound", "one in ten fails"])
def test_killed_again_and_again(start, file, fault):
    """Killed with -9 at any moment, any number of times: each input has one result in the end, and none is lost."""
    platform = start(faults=[fault] if fault else [], seed=1, journal_size=1_000_000)
    platform.reply(with_=lambda request: "答：" + request.text, first_token=0.02)
    chance = random.Random(KILLS)  # noqa: S311  # when to kill
    count, kills, results = 200 * (KILLS + 6), 0, ""
    command = [sys.executable, "-c", PROGRAM, platform.url, token(platform), str(file), str(count)]
    while not results:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            seconds = chance.uniform(0.2, 0.6) if kills < KILLS else 60
            results, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += 1
        if fault is not None and results and results.split()[1] != "0":
            results = ""  # what failed for good is asked again by the next run

    assert kills >= KILLS // 2  # a fast machine may be done before
    assert records(file) == {number: f"答：问{number}" for number in range(count)}
    answered = Counter(call.messages[-1]["content"] for call in platform.calls("chat") if call.status == 200)
    assert set(answered) == {f"问{number}" for number in range(count)}
    assert sum(answered.values()) - count <= kills * 16  # what was in flight may be asked again, and no more


UNWRITABLE = [
    ("\ud800", {}),
    ({"messages": [{"role": "user", "content": "x"}], "extra": 2**70}, {}),
    ("坏", {"ids": lambda item: "\ud800" if item == "坏" else item}),
    ("坏", {"ids": lambda item: 2**70 if item == "坏" else item}),
]


@pytest.mark.parametrize(("wrong", "options"), UNWRITABLE, ids=["text", "number", "id", "number of an id"])
def test_what_cannot_be_written(echo, many, file, wrong, options):
    """An input or an id that JSON has nothing for fails alone."""
    with echo.client() as client:
        got = many(client, ["一", wrong, "三"], checkpoint=file, **options)

    assert many.failure is None
    assert [outcome.ok for outcome in got] == [True, False, True]
    assert isinstance(got[1].error, errors.InvalidArgumentError)


def test_numbers_of_numpy(echo, many, file):
    """A table's numbers are ids too, the same as Python's."""
    numpy = pytest.importorskip("numpy")
    with echo.client() as client:
        many(client, ["一", "二"], checkpoint=file, ids=lambda item: numpy.int64("一二".index(item)))
        got = many(client, ["一", "二"], checkpoint=file, ids="一二".index)

    assert [outcome.recorded for outcome in got] == [True, True]


def test_what_was_refused_is_not_in_flight(start, file):
    """A call that was refused and waits for its next turn is not counted as lost by the next run."""
    platform = start(faults=[on("chat").status(429)])
    with platform.client(backoff_factor=0, retry_count=1) as client:
        outcomes = client.map(["一", "二"], checkpoint=file, concurrency=1)
        reader = threading.Thread(target=lambda: list(outcomes))
        reader.start()
        while outcomes.report.refusals < 3:
            reader.join(0.01)
        outcomes.stop()
        reader.join()
    with Checkpoint(file) as checkpoint:
        assert checkpoint.lost == 0


class TestFile:
    """The file by itself."""

    @pytest.mark.skipif(sys.platform == "win32", reason="there are neither forks nor locks")
    def test_a_forked_child(self, file):
        """A process that was forked during the run does not keep its file."""
        with Checkpoint(file):
            child = os.fork()
            if not child:
                signal.pause()
        try:
            with Checkpoint(file):
                pass
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)

    def test_changed_by_others(self, file):
        """A file that others cut in mid-run is told in words."""
        with Checkpoint(file) as checkpoint:
            checkpoint.record(Outcome(0, None, qianfan.Response(200, {}, {"result": "好"})), "f")
        with Checkpoint(file) as checkpoint:
            os.truncate(file, 60)
            with pytest.raises(errors.InvalidArgumentError, match="changed by others"):
                checkpoint.record_of(0, "f")

    def test_places(self, file):
        """Ids that are numbers and ids that are names, in any order, far apart and below zero."""
        ids = [5, 0, -3, "甲", 10**12, 3_000_000, 7, "7", 999_999]
        with Checkpoint(file) as checkpoint:
            for id_ in ids:
                checkpoint.asked(id_)
                checkpoint.record(Outcome(id_, None, qianfan.Response(200, {}, {"result": str(id_)})), "f")
        with Checkpoint(file) as checkpoint:
            assert checkpoint.lost == 0
            assert [checkpoint.record_of(id_, "f")["response"]["result"] for id_ in ids] == list(
                map(str, ids)
            )
            assert [checkpoint.record_of(id_, "f") for id_ in (1, 8, "8", -1)] == [None] * 4

    def test_what_was_in_flight(self, file):
        """Asked and neither recorded nor withdrawn: as often as that was, each id counts once."""
        with Checkpoint(file) as checkpoint:
            for id_ in (0, 1, 2, 0):
                checkpoint.asked(id_)
            checkpoint.withdrawn(1)
        with Checkpoint(file) as checkpoint:
            assert checkpoint.lost == 2
