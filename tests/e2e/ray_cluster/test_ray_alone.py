"""Programs that are in no cluster: Ray is started for a run, and nothing of it is left after."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

import pytest
from support.commands import run
from support.workers import processes

INPUTS = [f"问{number}" for number in range(60)]

HEAD = """
import sys
import qianfan
url, token, file = sys.argv[1:]
client = qianfan.Qianfan(access_token=token, base_url=url)
texts = [f"问{number}" for number in range(60)]
engine = qianfan.RayEngine(workers=1)
"""

WHOLE = """
import asyncio
print([outcome.unwrap()["result"] for outcome in client.map(texts[:3], engine=engine)])
async def run():  # Ray is started anew
    async with client, client.amap(texts, engine=engine, concurrency=4) as outcomes:
        print((await anext(outcomes)).unwrap()["result"])
asyncio.run(run())
"""

HALF = """
outcomes = client.map(texts, engine=engine, concurrency=4)
print(next(outcomes).unwrap()["result"])
"""  # and it ends without closing anything

NOWHERE = """
try:
    next(client.map(texts, engine=qianfan.RayEngine(file)))
except qianfan.errors.WorkersLostError as error:
    print(error)
"""

RECORDED = """
for outcome in client.map(texts, engine=engine, checkpoint=file, concurrency=4):
    pass
"""


def command(platform, code, argument=""):
    """Return the command of a program with the keys to a platform."""
    with platform.client() as client:
        token = client.access_token()
    return [sys.executable, "-W", "error", "-c", HEAD + code, platform.url, token, str(argument)]


def wait_until_gone(started):
    """Wait until processes have ended."""
    end = monotonic() + 30
    while any(Path(f"/proc/{process}").exists() for process in started):
        assert monotonic() < end, "processes of Ray are left"
        sleep(0.05)


@pytest.mark.parametrize("code", [WHOLE, HALF], ids=["to the end", "dropped"])
def test_ray_of_its_own(echo, code):
    """Without a cluster Ray is started, quietly, and ended with the run, or with the program."""
    with subprocess.Popen(
        command(echo, code), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        while process.poll() is None and not echo.calls("chat"):
            sleep(0.01)
        started = processes("ray", process.pid)
        out, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (0, "")
    assert "答：问0" in out
    assert started
    wait_until_gone(started)


def test_no_cluster(platform):
    """Where no cluster is, that is said soon, and nothing is sent."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
    done = subprocess.run(
        command(platform, NOWHERE, address), capture_output=True, text=True, timeout=60, check=True
    )

    assert "refused" in done.stdout
    assert done.stderr == ""
    assert platform.calls("chat") == []


def test_killed_and_gone_on(echo, cluster, file):  # noqa: ARG001  # it has to be there
    """After kill -9 its workers end too, the next run goes on, and only what was in flight is asked twice."""
    echo.on("chat").delay(0.1)
    with subprocess.Popen(command(echo, RECORDED, file)) as process:
        while not file.exists() or file.read_text("utf-8").count('"response"') < 10:
            assert process.poll() is None
            sleep(0.01)
        started = processes("ray", process.pid)
        working = processes("ray::Worker", process.pid)
        process.kill()
    wait_until_gone(working)
    for process in started:  # Ray's own agents stay for a minute
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    asked = len(echo.calls("chat"))
    with echo.client() as client, client.map(INPUTS, engine="ray", checkpoint=file) as run:
        got = list(run)

    assert working
    assert [outcome.unwrap()["result"] for outcome in got] == [f"答：问{number}" for number in range(60)]
    assert run.report.recorded >= 10
    assert 0 <= run.report.asked_again <= 4
    assert len(echo.calls("chat")) - asked == 60 - run.report.recorded
    ids = [json.loads(line)["id"] for line in file.read_text("utf-8").splitlines() if '"response"' in line]
    assert sorted(ids) == list(range(60))


def test_the_command(echo, tmp_path):
    """`qianfan batch --engine ray` writes what it writes without."""
    source = tmp_path / "in.jsonl"
    source.write_text("".join(f'{{"text": "{text}"}}\n' for text in INPUTS), "utf-8")
    written = []
    for more in ((), ("--engine", "ray", "--workers", "1")):
        out = tmp_path / f"out{len(more)}.jsonl"
        prompt = ("--prompt", "答：{text}", "--json")
        done = run("batch", str(source), "-o", str(out), *prompt, *more, **echo.environment)

        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout)["done"] == 60
        written.append(out.read_bytes())

    assert written[0] == written[1]


def test_the_command_without_a_cluster(echo, tmp_path):
    """It says that no cluster is there, sends nothing, and goes on later."""
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"prompt": "早"}\n', "utf-8")
    command = ("batch", str(source), "-o", str(out))
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
    none = run(*command, "--engine", "ray", "--address", address, **echo.environment)
    later = run(*command, "--resume", **echo.environment)

    assert none.returncode == 3
    assert "refused" in none.stderr
    assert later.returncode == 0
    assert len(echo.calls("chat")) == 1
    assert run(*command, "--overwrite", "--restart", "--workers", "2", **echo.environment).returncode == 2
