"""What the programs start from; run by the Python of .venv-compat, not by the tests'.

What langchain-community 0.4 touches of `qianfan`, and the programs that go through it:

| Where        | What                                                                | Programs             |
|--------------|---------------------------------------------------------------------|----------------------|
| module       | `ChatCompletion`, `Completion`, `Embedding`; nothing else           | all                  |
| made with    | `model=` (None too), `ak=`, `sk=`, `endpoint=`, all of `init_kwargs`| test_keys, test_chat |
|              | chat also `stream=`; keys only where they are not empty             | test_chat            |
| `do`, `ado`  | `messages=` or `prompt=`, `model=`, `endpoint=`, `stream=`, `stop=`, | test_chat,          |
|              | `request_timeout=`, `top_p=`, `temperature=`, `penalty_score=` (None| test_completion      |
|              | too), `system=`, `functions=`, all of `model_kwargs`                |                      |
| embeddings   | `texts=` and `model_kwargs`; no `model=`: the object's own          | test_embedding       |
| messages     | roles `user`, `assistant` with `function_call` and `content` None,  | test_tools           |
|              | `function` with `name` and `content` of JSON                        |                      |
| a reply      | `["result"]`, `["data"][i]["embedding"]`, `.get` of `result`,       | all                  |
|              | `function_call`, `usage` and `body`, its truth value                |                      |
| its `body`   | `id` must be there; `finish_reason`, `object`, `search_info`,       | test_chat            |
|              | `function_call` and `usage` may be                                  |                      |
| a stream     | `for` over `do(...)`, `async for` over `await ado(...)`             | all but embeddings   |
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import itertools
from functools import partial, reduce
from operator import add

import pytest
from openai_worlds import WORLDS

import qianfan


@pytest.fixture(scope="session", autouse=True)
def _few_objects_to_look_at():
    """Keep LangChain's modules out of the collections after every test."""
    for module in (
        "langchain_community.chat_models.baidu_qianfan_endpoint",
        "langchain_community.embeddings.baidu_qianfan_endpoint",
        "langchain_community.llms.baidu_qianfan_endpoint",
        "langchain_openai",
    ):
        importlib.import_module(module)

    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _nothing_left():
    """Collect what a program left behind while its name still stands in the report."""
    yield
    gc.collect()


_numbers = itertools.count(1)


@pytest.fixture
def keys():
    """An API Key and a Secret Key that no other test has: tokens are kept by address and key.

    A platform may get the port of one before it; with the same keys its first calls would come with
    that one's token, be refused and be repeated.
    """
    number = next(_numbers)
    return f"ak-{number:08d}", f"sk-5up3r53cr3t-{number:08d}"


@pytest.fixture
def platform(keys, monkeypatch):
    """A platform that the environment leads to, keys included."""
    with qianfan.local.platform() as platform:
        platform.add_application(*keys)
        environment = {**platform.environment, "QIANFAN_AK": keys[0], "QIANFAN_SK": keys[1]}
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield platform


@pytest.fixture
def no_keys(platform, monkeypatch):
    """A platform that the environment leads to, without keys for it."""
    for name in ("QIANFAN_AK", "QIANFAN_SK", "QIANFAN_ACCESS_KEY", "QIANFAN_SECRET_KEY"):
        monkeypatch.delenv(name)
    return platform


@pytest.fixture
def settings(platform):
    """What brings a client of OpenAI's protocol to the platform."""
    return {"base_url": f"{platform.url}/v2", "api_key": platform.api_key}


@pytest.fixture(params=WORLDS)
def connect(request, settings):
    """Make openai's clients, of either world, with more settings; all are closed at the end."""
    clients = []

    def connect(**more):
        clients.append(WORLDS[request.param]({**settings, **more}))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


@pytest.fixture
def client(connect):
    """One of openai's clients, with its default settings."""
    return connect()


@pytest.fixture
def run():
    """Run a coroutine, each in an event loop of its own."""
    return asyncio.run


def invoke(run, runnable, given, **options):  # noqa: ARG001  # one shape for all ways
    """Ask and wait for the whole answer."""
    return runnable.invoke(given, **options)


def ainvoke(run, runnable, given, **options):
    """Ask in an event loop."""
    return run(runnable.ainvoke(given, **options))


def stream(run, runnable, given, **options):  # noqa: ARG001  # one shape for all ways
    """Ask for a stream and add up its parts."""
    return reduce(add, runnable.stream(given, **options))


def astream(run, runnable, given, **options):
    """Ask for a stream in an event loop and add up its parts."""

    async def parts():
        return [part async for part in runnable.astream(given, **options)]

    return reduce(add, run(parts()))


@pytest.fixture(params=[invoke, ainvoke, stream, astream], ids=lambda way: way.__name__)
def ask(request, run):
    """Each of the four ways in which LangChain asks a model."""
    return partial(request.param, run)
