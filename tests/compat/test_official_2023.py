"""The official SDK of 2023 runs the README of its time on the local platform, and prints what ours does."""

from __future__ import annotations

import ast
import itertools
import re
import subprocess
import sys

import pytest
import suites
from support.processes import PATIENCE
from support.readme_2023 import (
    ASYNC,
    BY_CONSTRUCTOR,
    BY_ENVIRONMENT,
    BY_FUNCTION,
    CALL,
    CALLS,
    COMPLETION,
    CONSOLE,
    CREATE_SERVICE,
    DETAIL,
    EMBEDDING,
    GET_SERVICE,
    JOB_ID,
    KEYS_BY_CALL,
    KEYS_BY_ENVIRONMENT,
    KEYS_BY_FUNCTION,
    LIST,
    LOOP,
    MODELS,
    PASS_TIME,
    PLUGIN,
    PUBLISH,
    RATE,
    RUNNER,
    STOP,
    TUNE,
    VECTOR_MODELS,
)

import qianfan


@pytest.fixture
def platform():
    """A platform that knows the README's services and datasets."""
    with qianfan.local.platform(any_endpoint=True, any_dataset=True) as platform:
        yield platform


def with_keys(program, *pair):
    """Return a program in which a pair of keys stands where the README has dots."""
    keys = itertools.cycle(pair)
    return re.sub(r'"\.\.\."', lambda _: repr(next(keys)), program)


@pytest.fixture
def start(platform, tmp_path):
    """Start a program under a Python, by default that of the SDK of 2023."""
    running = []

    def start(program, python=None, **more):
        variables = {
            "QIANFAN_BASE_URL": platform.url,
            "QIANFAN_CONSOLE_API_BASE_URL": platform.url,
            "QIANFAN_AK": platform.ak,
            "QIANFAN_SK": platform.sk,
            "PYTHONIOENCODING": "utf-8",
        }
        process = subprocess.Popen(
            [python or suites.python("official-2023"), "-u", "-c", RUNNER, program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env={**suites.bare_environment(), **variables, **more},
            cwd=tmp_path,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        with process:
            process.kill()


@pytest.fixture
def run(start):
    """Run a program and return the lines it printed."""

    def run(program, typed="", python=None, **more):
        process = start(program, python, **more)
        out, err = process.communicate(typed, timeout=PATIENCE)
        assert process.returncode == 0, err
        return out.splitlines()

    return run


def bare(line):
    """Return a line without what no two calls have in common."""
    return "QfResponse(code=200, …" if line.startswith("QfResponse(code=200, ") else line


@pytest.mark.parametrize(
    ("program", "typed"),
    [
        pytest.param(CALLS, "", id="calls"),
        pytest.param(LOOP, "我叫小明\n今天过得很开心\n我叫什么名字？\n", id="loop"),
        pytest.param(ASYNC, "", id="async"),
        pytest.param(COMPLETION, "", id="completion"),
        pytest.param(EMBEDDING, "", id="embedding"),
        pytest.param(PLUGIN, "", id="plugin"),
        pytest.param(RATE, "", id="rate"),
        pytest.param(BY_ENVIRONMENT + CALL + BY_FUNCTION + CALL + BY_CONSTRUCTOR + CALL, "", id="keys"),
    ],
)
def test_the_readme_prints_the_same(run, platform, program, typed):
    """A program of the README runs on the SDK it was written for, and ours prints the same."""
    program = with_keys(program, platform.ak, platform.sk)
    theirs, ours = run(program, typed), run(program, typed, sys.executable)

    assert theirs
    assert [bare(line) for line in theirs] == [bare(line) for line in ours]


EVERY_MODEL = f"""
import qianfan
messages = [{{"role": "user", "content": "3 + 4 等于多少"}}]
for model in {MODELS}:
    print(qianfan.ChatCompletion().do(model=model, messages=messages)["result"])
for model in {VECTOR_MODELS}:
    print(len(qianfan.Embedding().do(model=model, texts=["山"])["data"][0]["embedding"]))
"""


def test_every_model(run):
    """Each model of the README answers the SDK of 2023."""
    *answers, small, large, same = run(EVERY_MODEL)

    assert ["3 + 4 = 7" in answer for answer in answers] == [True] * 11
    assert (small, large, same) == ("384", "1024", "1024")


@pytest.mark.parametrize("given", [KEYS_BY_ENVIRONMENT, KEYS_BY_FUNCTION], ids=["environment", "setters"])
def test_the_console(start, platform, given):
    """A task, a job on its way and at its end, a model, its version, a service: all as the README prints them."""
    # The program waits for a line where the README says nothing of the hours that training takes.
    keys = with_keys(given, platform.access_key, platform.secret_key)
    process = start(f"{keys}\n{CONSOLE.replace(PASS_TIME, 'input()')}")
    task, job, running = (process.stdout.readline() for _ in range(3))
    assert "RUNNING" in running, process.communicate(timeout=PATIENCE)[1]
    platform.advance(hours=6)
    out, err = process.communicate("\n", timeout=PATIENCE)

    assert process.returncode == 0, err
    finished, model, name, same, created, service = out.splitlines()
    assert task.strip().isdigit()
    assert job.strip().isdigit()
    assert ast.literal_eval(finished)["trainStatus"] == "FINISH"
    assert model.isdigit()
    assert name == same == "sdk_test_1"
    assert ast.literal_eval(created)["result"] is True
    assert int(service) == ast.literal_eval(created)["serviceId"]


@pytest.fixture
def keys(platform):
    """Lines that give the account's keys."""
    return with_keys(KEYS_BY_ENVIRONMENT, platform.access_key, platform.secret_key)


def test_stopping(run, keys):
    """A job that runs is stopped, and says True."""
    assert run(f"{keys}\n{TUNE}\n{JOB_ID}\n{STOP}")[-1] == "True"


@pytest.mark.parametrize("seed", range(4))
def test_signed_headers_in_any_order(run, keys, seed):
    """The SDK lists the headers it signs in the order of a set, which no two processes have in common."""
    program = f"{keys}\nimport qianfan\nprint(qianfan.FineTune.create_task(name='task')['result']['name'])"

    assert run(program, PYTHONHASHSEED=str(seed)) == ["task"]


def test_keys_of_a_call(run, platform):
    """The README's third way: the SDK of 2023 sends the keys in the body too, and no journal shows them."""
    call = with_keys(KEYS_BY_CALL, platform.access_key, platform.secret_key)
    made = run(call.replace("ak=", "name='by call', ak=") + "print(task['result']['name'])")

    assert made == ["by call"]
    assert platform.calls("console").last.body["sk"] == "***"


@pytest.mark.parametrize(
    ("program", "code"),
    [(PUBLISH, 510202), (LIST, 500001), (DETAIL, 500001), (CREATE_SERVICE, 500001), (GET_SERVICE, 500001)],
)
def test_ids_of_another_account(run, keys, program, code):
    """The README's own ids are none of this platform's: the SDK of 2023 raises its APIError with the code."""
    indented = program.strip().replace("\n", "\n    ")
    printed = run(
        f"{keys}\nimport qianfan\n"
        f"try:\n    {indented}\nexcept qianfan.errors.APIError as error:\n    print(error.error_code)"
    )

    assert printed == [str(code)]
