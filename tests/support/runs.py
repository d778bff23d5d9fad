"""Runs of pytest on tests that call user code: each is a process of its own, in which every warning is an error."""

from __future__ import annotations

import pytest

INI = """
[pytest]
addopts = --strict-markers --strict-config -p no:cacheprovider
filterwarnings = error
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
"""

#: A program that knows nothing of tests, the local platform or its keys.
BOT = """
import qianfan

def answer(question, **options):
    return qianfan.ChatCompletion(**options).do(messages=[{"role": "user", "content": question}])["result"]

async def later(question):
    chat = qianfan.ChatCompletion()
    return (await chat.ado(messages=[{"role": "user", "content": question}]))["result"]

def streamed(question):
    return qianfan.ChatCompletion().do(messages=[{"role": "user", "content": question}], stream=True)
"""

HEAD = "import pytest, qianfan, bot\n"


@pytest.fixture
def run(pytester):
    """Run pytest on a test module that imports the bot; return the result."""
    pytester.makefile(".ini", pytest=INI)
    pytester.makepyfile(bot=BOT)

    def run(code, *arguments):
        pytester.makepyfile(test_it=HEAD + code)
        return pytester.runpytest_subprocess(*arguments)

    return run
