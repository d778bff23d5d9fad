"""QIANFAN_LOCAL=1: any program of this SDK runs unchanged, without a key, on a platform in its own process."""

from __future__ import annotations

import socket
import subprocess
import sys
import textwrap
from urllib.parse import urlsplit

import pytest
from support.processes import PATIENCE, _bare_environment, python

ASK = """
import qianfan
chat = qianfan.ChatCompletion()
print(chat.do(messages=[{"role": "user", "content": "你好"}])["result"])
"""

ASK_STREAM = """
import qianfan
for r in qianfan.ChatCompletion().do(messages=[{"role": "user", "content": "你好"}], stream=True):
    print(r["result"], end="")
print()
"""

ASK_ASYNC = """
import asyncio, qianfan
async def main():
    resp = await qianfan.ChatCompletion().ado(messages=[{"role": "user", "content": "你好"}])
    print(resp["result"])
asyncio.run(main())
"""

ASK_ASYNC_STREAM = """
import asyncio, qianfan
async def main():
    async for r in await qianfan.ChatCompletion().ado(messages=[{"role": "user", "content": "你好"}], stream=True):
        print(r["result"], end="")
    print()
asyncio.run(main())
"""

PROGRAMS = {
    "sync": ASK,
    "sync-stream": ASK_STREAM,
    "async": ASK_ASYNC,
    "async-stream": ASK_ASYNC_STREAM,
}


def refuses(url):
    """Say whether nobody listens at an address."""
    parts = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((parts.hostname, parts.port)) != 0


def plainly(program):
    """Run a program as a user does, with all that may be logged, and return its output and its stderr."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        env={**_bare_environment(), "QIANFAN_LOCAL": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_without_keys_is_answered(program):
    """Each way of calling is answered without a key; the process ends well and says nothing on stderr."""
    printed = python(program, QIANFAN_LOCAL="1")

    assert printed.startswith("【本地平台】")
    assert printed.count("\n") == 1


def test_the_spellings_of_the_variable():
    """It takes the spellings that all flags take; off leaves a program without keys, nonsense is named."""
    program = """
    import os, qianfan
    for value in ("1", "true", "YES", "on", "0", "no", "", "perhaps"):
        os.environ["QIANFAN_LOCAL"] = value
        try:
            reply = qianfan.ChatCompletion().do([{"role": "user", "content": "你好"}])
        except qianfan.errors.InvalidArgumentError as error:
            print(value, "none" if "no credential" in str(error) else "nonsense" if value in str(error) else error)
        else:
            print(value, bool(reply["result"]))
    """
    lines = python(program).splitlines()

    assert lines == [
        "1 True",
        "true True",
        "YES True",
        "on True",
        "0 none",
        "no none",
        " none",
        "perhaps nonsense",
    ]


def test_the_platform_lives_from_the_first_call_to_the_end():
    """Making an object starts nothing; the first call starts one thread and port; the end leaves none."""
    program = """
    import threading, qianfan
    chats = [qianfan.ChatCompletion() for _ in range(3)]
    print(threading.active_count())
    for chat in chats:
        chat.do(messages=[{"role": "user", "content": "你好"}])
    print(threading.active_count())
    print(qianfan.local.embedded().url)
    """
    before, after, url = python(program, QIANFAN_LOCAL="1").splitlines()

    assert (before, after) == ("1", "2")
    assert url.startswith("http://127.0.0.1:")
    assert refuses(url)


@pytest.mark.parametrize(
    "prelude", ["import logging; logging.basicConfig()", "import qianfan; qianfan.enable_log()"]
)
def test_it_says_so_once(prelude):
    """Where the log is on, one line says that a local platform answers, and where; however many calls."""
    printed, err = plainly(f"""
    {prelude}
    import qianfan
    for _ in range(3):
        qianfan.ChatCompletion().do(messages=[{{"role": "user", "content": "你好"}}])
    print(qianfan.local.embedded().url)
    """)

    lines = err.splitlines()
    assert len(lines) == 1, err
    assert "QIANFAN_LOCAL" in lines[0]
    assert printed.strip() in lines[0]


def test_a_program_that_ends_early_ends_well():
    """A program that exits with a stream still open ends without a word."""
    end = """
stream = chat.do(messages=[{"role": "user", "content": "请介绍杭州"}], stream=True)
raise SystemExit(0)
"""
    assert python(ASK + end, QIANFAN_LOCAL="1").startswith("【本地平台】")


def test_a_program_that_leaves_streams():
    """A program that breaks out of streams is told nothing about it on stderr."""
    printed, err = plainly("""
    import qianfan
    chat = qianfan.ChatCompletion(model="ERNIE-Bot")
    question = [{"role": "user", "content": "请介绍杭州" * 600}]  # comes back in a thousand events
    for _ in range(10):
        for r in chat.do(question, stream=True, response_format="json_object", max_output_tokens=2048):
            break
    print("done")
    """)

    assert (printed, err) == ("done\n", "")


def test_threads_share_the_platform():
    """Threads that all make the first call at once share one platform."""
    program = """
    import threading, qianfan
    answers, start = [], threading.Barrier(8)
    def ask():
        start.wait()
        answers.append(qianfan.ChatCompletion().do(messages=[{"role": "user", "content": "你好"}])["result"])
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    print(len(answers), len(set(answers)), len(qianfan.local.embedded().calls("chat")))
    """
    assert python(program, QIANFAN_LOCAL="1") == "8 1 8\n"


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="this system does not fork")
@pytest.mark.parametrize("before", ["", ASK], ids=["fork first", "fork later"])
def test_a_forked_child_is_answered(before):
    """A child is answered, and so is its parent, whether the platform ran at the fork or not."""
    program = before + textwrap.dedent("""
    import os, warnings, qianfan
    def ask(who):
        for chat in (qianfan.ChatCompletion(), globals().get("chat")):
            if chat is not None:
                print(who, chat.do(messages=[{"role": "user", "content": "你好"}])["result"], flush=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of forks beside threads
        pid = os.fork()
    if pid == 0:
        ask("child")
        raise SystemExit(0)
    _, status = os.waitpid(pid, 0)
    ask("parent")
    print("ended with", status)
    """)
    printed = python(program, QIANFAN_LOCAL="1").splitlines()

    objects = 2 if before else 1
    assert sum(line.startswith("child 【本地平台】") for line in printed) == objects
    assert sum(line.startswith("parent 【本地平台】") for line in printed) == objects
    assert printed[-1] == "ended with 0"


def test_worker_processes_are_answered():
    """Spawned workers, which inherit nothing but the environment, are answered as well."""
    program = """
    import concurrent.futures, multiprocessing, qianfan
    from support import processes

    if __name__ == "__main__":
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            chat = qianfan.ChatCompletion()
            reply = pool.submit(chat.do, [{"role": "user", "content": "你好"}]).result()
            print(reply["result"])
    """
    assert python(program, QIANFAN_LOCAL="1").startswith("【本地平台】")


def test_a_base_url_wins_over_it(platform):
    """An object that is given an address talks to that address, and needs keys of its own as ever."""
    program = f"""
    import qianfan
    try:
        qianfan.ChatCompletion(base_url={platform.url!r})
    except qianfan.errors.InvalidArgumentError as error:
        print("no credential" in str(error))
    chat = qianfan.ChatCompletion(ak={platform.ak!r}, sk={platform.sk!r}, base_url={platform.url!r})
    print(chat.do(messages=[{{"role": "user", "content": "你好"}}])["result"][:6])
    """
    assert python(program, QIANFAN_LOCAL="1") == "True\n【本地平台】\n"
    assert len(platform.calls("chat")) == 1


def test_it_wins_over_the_environments_address(platform):
    """QIANFAN_LOCAL wins over keys and an address that the environment still holds."""
    printed = python(ASK, QIANFAN_LOCAL="1", **platform.environment)

    assert printed.startswith("【本地平台】")
    assert platform.calls() == []


def test_without_the_extra_it_says_what_to_install():
    """Where the server's packages are missing, the first call says which extra to install."""
    program = """
    import sys
    sys.modules["uvicorn"] = None
    import qianfan
    try:
        qianfan.ChatCompletion().do([{"role": "user", "content": "你好"}])
    except ImportError as error:
        print("pip install 'qianfan[local]'" in str(error))
    """
    assert python(program, QIANFAN_LOCAL="1") == "True\n"


def test_the_embedded_platform_keeps_the_rules():
    """It takes any key and any endpoint, but judges messages and parameters as every platform does."""
    program = """
    import qianfan
    chat = qianfan.ChatCompletion(ak="any", sk="thing", endpoint="my_service")
    print(bool(chat.do([{"role": "user", "content": "你好"}])["result"]))
    try:
        chat.do([{"role": "user", "content": "你好"}], temperature=0)
    except qianfan.errors.APIError as error:
        print(error.error_code)
    """
    assert python(program, QIANFAN_LOCAL="1") == "True\n336003\n"
