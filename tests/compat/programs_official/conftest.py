"""What the programs of the official SDK's users start from; run by the Python of .venv-official.

The platform runs in a process of the Python of the tests, since it comes with our package of the same name.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

import qianfan
from qianfan import config

SAMPLES = [{"prompt": f"第{number}号商品多少钱", "response": f"{number}元。"} for number in range(40)]

QUESTION = [{"role": "user", "content": "第7号商品多少钱"}]

#: What a job trains with.
NUMBERS = {"epoch": 1, "learningRate": 0.00002, "maxSeqLen": 4096}

HOST = Path(__file__).parents[1] / "platform_host.py"


class Platform:
    """A local platform in another process: the methods of ours, called by name, and its attributes."""

    def __init__(self, ask, options):
        self._ask = ask
        for name, value in ask("start", **options).items():
            setattr(self, name, value)

    def do(self, method, **arguments):
        """Call a method."""
        return self._ask(method, **arguments)

    def calls(self, route=None):
        """Return the calls so far."""
        return [SimpleNamespace(**call) for call in self._ask("calls", route=route)]


@pytest.fixture(scope="session")
def ask_host():
    """Call a method of the platform that runs now."""
    with subprocess.Popen(
        [os.environ["HOST_PYTHON"], HOST], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:

        def ask_host(method, **arguments):
            process.stdin.write(json.dumps([method, arguments]) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield ask_host
        process.stdin.close()


@pytest.fixture
def start(ask_host, monkeypatch):
    """Start a platform that the environment of a new process leads to, without keys for it."""

    def start(**options):
        platform = Platform(ask_host, options)
        for name in ("QIANFAN_BASE_URL", "QIANFAN_CONSOLE_API_BASE_URL", "QIANFAN_IAM_BASE_URL"):
            monkeypatch.setenv(name, platform.url)
        monkeypatch.setenv("QIANFAN_LLM_API_RETRY_BACKOFF_FACTOR", "0")
        monkeypatch.setenv("QIANFAN_LLM_API_RETRY_JITTER", "0")
        monkeypatch.setattr(config, "_GLOBAL_CONFIG", None)  # as it is in a new process
        return platform

    return start


@pytest.fixture
def platform(start):
    """A platform with the usual options."""
    return start()


def by_application(platform):
    """Return the variables of the application's keys."""
    return {"QIANFAN_AK": platform.ak, "QIANFAN_SK": platform.sk}


def by_access_token(platform):
    """Return the variable of a token that somebody fetched before."""
    fetched = qianfan.ChatCompletion(ak=platform.ak, sk=platform.sk).access_token()
    return {"QIANFAN_ACCESS_TOKEN": fetched}


def by_access_keys(platform):
    """Return the variables of the account's keys, which sign."""
    return {"QIANFAN_ACCESS_KEY": platform.access_key, "QIANFAN_SECRET_KEY": platform.secret_key}


def by_bearer(platform):
    """Return the variable of the API key of v2."""
    return {"QIANFAN_BEARER_TOKEN": platform.api_key}


@pytest.fixture
def give(monkeypatch):
    """Give keys by the environment."""

    def give(variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(config, "_GLOBAL_CONFIG", None)

    return give


@pytest.fixture
def console(platform, give):
    """A platform, with the account's keys for it in the environment, and an application's for what is deployed."""
    give({**by_access_keys(platform), **by_application(platform)})
    return platform


@pytest.fixture
def dataset(console):
    """A dataset of forty samples."""
    return console.do("add_dataset", source=SAMPLES, name="goods")


def do(caller, **arguments):
    """Wait for the whole reply."""
    return [caller.do(**arguments)]


def ado(caller, **arguments):
    """Await the whole reply."""
    return [asyncio.run(caller.ado(**arguments))]


def stream(caller, **arguments):
    """Iterate over a stream."""
    return list(caller.do(**arguments, stream=True))


def astream(caller, **arguments):
    """Iterate over a stream in an event loop."""

    async def replies():
        return [reply async for reply in await caller.ado(**arguments, stream=True)]

    return asyncio.run(replies())


@pytest.fixture(params=[do, ado, stream, astream], ids=lambda way: way.__name__)
def ask(request):
    """Each of the four ways of calling; all give a list of replies."""
    return request.param


@pytest.fixture(params=[do, ado], ids=lambda way: way.__name__)
def ask_whole(request):
    """The two ways of calling where nothing streams; both give a list of one reply."""
    return request.param
