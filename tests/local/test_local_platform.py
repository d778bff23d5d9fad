"""The platform as an object: start and stop, journal, several at once, forks, the embedded one."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time

import pytest
import urllib3

import qianfan.local

QUESTION = {"messages": [{"role": "user", "content": "你好"}]}


def test_start_and_stop_leave_nothing():
    """Starting and stopping, twice each, ends with the threads there were before and a closed port."""
    before = set(threading.enumerate())
    platform = qianfan.local.platform()

    first = time.perf_counter()
    assert platform.start() is platform.start()
    second = time.perf_counter()
    port = int(platform.url.rpartition(":")[2])
    assert len(set(threading.enumerate()) - before) == 1
    platform.stop()
    third = time.perf_counter()
    platform.stop()

    # Shown by pytest -s; a bound on it would fail on a busy machine.
    print(f"start {1e3 * (second - first):.1f} ms, stop {1e3 * (third - second):.1f} ms")  # noqa: T201  # a figure to read
    assert set(threading.enumerate()) == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    with pytest.raises(RuntimeError, match="not running"):
        _ = platform.url
    assert "not running" in repr(platform)


def test_restart_keeps_what_is_known():
    """A platform started again knows its tokens and journal."""
    platform = qianfan.local.platform()
    answers = []
    for _ in range(2):
        with platform, urllib3.PoolManager() as http:
            keys = f"grant_type=client_credentials&client_id={platform.ak}&client_secret={platform.sk}"
            answers.append(http.request("POST", f"{platform.url}/oauth/2.0/token?{keys}").status)

    assert answers == [200, 200]
    assert len(platform.calls("token")) == 2


def test_stop_cuts_open_streams(start):
    """A stream that is running when the platform stops is cut at once, and shows so in the journal."""
    caller = start(chunk_delay=30)
    url = f"{caller.platform.url}/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/eb-instant?access_token={caller.token}"
    response = caller.http.request("POST", url, json={**QUESTION, "stream": True}, preload_content=False)
    assert response.read1().startswith(b"data: ")

    began = time.perf_counter()
    caller.platform.stop()
    with pytest.raises(urllib3.exceptions.ProtocolError):
        response.read()
    assert time.perf_counter() - began < 5
    response.close()

    call = caller.platform.calls("chat").last
    assert (len(call.reply), call.duration) == (1, None)


def test_caller_who_leaves_ends_the_stream(start):
    """A stream whose caller has gone sends no more events, and harms nobody else."""
    caller = start(chunk_delay=0.02)
    url = f"{caller.platform.url}/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/eb-instant?access_token={caller.token}"
    response = caller.http.request("POST", url, json={**QUESTION, "stream": True}, preload_content=False)
    response.read1()
    response.close()

    whole = caller.stream("你好")
    left, stayed = caller.platform.calls("chat")
    assert len(stayed.reply) == len(whole) > len(left.reply)
    assert left.duration is None


def test_taken_port_is_a_clear_error(start):
    """A port in use is refused with its number, and starts no thread."""
    taken = int(start().platform.url.rpartition(":")[2])
    before = set(threading.enumerate())

    with pytest.raises(OSError, match=f"cannot listen on port {taken} of 127.0.0.1"):
        qianfan.local.platform(port=taken).start()
    assert set(threading.enumerate()) == before


def test_several_platforms_at_once(start):
    """Platforms share neither tokens nor journals, only the shape of their keys."""
    one, other = start(), start()

    assert one.ask("你好")["result"] == other.ask("你好")["result"]
    assert one.post(QUESTION, token=other.token).json()["error_code"] == 110
    assert [len(caller.platform.calls("chat")) for caller in (one, other)] == [2, 1]


def test_environment(start):
    """The variables of `environment` are all another program needs."""
    platform = start().platform

    assert platform.environment == {
        "QIANFAN_BASE_URL": platform.url,
        "QIANFAN_AK": platform.ak,
        "QIANFAN_SK": platform.sk,
        "QIANFAN_CONSOLE_API_BASE_URL": platform.url,
        "QIANFAN_ACCESS_KEY": platform.access_key,
        "QIANFAN_SECRET_KEY": platform.secret_key,
        "QIANFAN_IAM_BASE_URL": platform.url,
        "QIANFAN_API_VERSION": "1",
    }
    assert platform.url.startswith("http://127.0.0.1:")


def test_all_addresses_only_when_asked(start):
    """Listening on every address is possible, and the URL is one a client can reach."""
    caller = start(host="0.0.0.0", allow_remote=True)

    assert caller.platform.url.startswith("http://127.0.0.1:")
    assert caller.ask("你好")["result"]


def test_journal_tells_what_was_asked_and_answered(start):
    """An entry has the request, the conversation, the model and the answer; `clear` empties the journal."""
    caller = start()
    answer = caller.ask("你好", endpoint="eb-instant")
    events = caller.stream("你好", endpoint="eb-instant")
    caller.ask("你好", endpoint="nowhere")

    unary, stream, refused = caller.platform.calls("chat")
    assert (unary.method, unary.path[-16:], unary.status) == ("POST", "/chat/eb-instant", 200)
    assert (unary.endpoint, unary.model, unary.body, unary.messages) == (
        "eb-instant",
        "ERNIE-Bot-turbo",
        QUESTION,
        QUESTION["messages"],
    )
    assert (unary.reply, stream.reply) == (answer, events)
    assert unary.duration is not None
    assert stream.duration is not None
    assert (refused.reply["error_code"], refused.endpoint, refused.model) == (3, "nowhere", None)
    assert caller.platform.calls().last is refused
    caller.platform.clear()
    assert caller.platform.calls() == []
    with pytest.raises(IndexError, match="no such call"):
        _ = caller.platform.calls().last


def test_journal_holds_no_secret(start):
    """Neither keys, tokens nor signatures are readable in the journal, wherever they were sent."""
    caller = start()
    secrets = [caller.token, caller.platform.sk, "bce-auth-v1/sign", "in-the-body"]
    caller.post({**QUESTION, "sk": "in-the-body"}, headers={"Authorization": "bce-auth-v1/sign"})
    caller.send("/chat/eb-instant", b"not json")

    text = repr(caller.platform.calls())
    assert [secret for secret in secrets if secret in text] == []
    assert caller.platform.calls("chat")[0].query == {"access_token": "***"}
    assert caller.platform.calls("chat")[0].headers["authorization"] == "***"
    assert caller.platform.calls("chat")[1].body == "not json"
    assert caller.platform.calls("token").last.reply["access_token"] == "***"


def test_journal_forgets_the_oldest(start):
    """The journal keeps as many calls as it was told."""
    caller = start(journal_size=2)
    for text in "abc":
        caller.ask(text)

    assert [call.messages[0]["content"] for call in caller.platform.calls()] == ["b", "c"]


def test_fault_of_ours_is_an_answer_of_the_platform(start, caplog):
    """Should the platform itself fail, it answers 336000 and logs why."""
    caller = start()
    assert caller.token
    caller.platform._state.quotas = None  # the one way to break it from outside

    with caplog.at_level(logging.ERROR, "qianfan"):
        response = caller.post(QUESTION)

    assert (response.status, response.json()["error_code"]) == (200, 336000)
    assert "the local platform failed on POST" in caplog.text


def test_many_callers_at_once(start):
    """Thirty threads get their own answers."""
    caller = start()
    caller.http = urllib3.PoolManager(maxsize=30, retries=False)
    token, answers = caller.token, {}

    def ask(number):
        answers[number] = caller.post(
            {"messages": [{"role": "user", "content": f"{number}+1等于多少"}]}, token=token
        ).json()["result"]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(f"{number}+1 = {number + 1}" in answers[number] for number in range(30))


def run(code):
    """Run code in a fresh interpreter and return what it printed."""
    done = subprocess.run(  # our own code
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def test_importing_is_cheap():
    """Importing `qianfan.local` loads neither the server's libraries nor asyncio."""
    loaded = run(
        "import qianfan.local, sys; print({'starlette', 'uvicorn', 'asyncio', 'click'} & set(sys.modules))"
    )

    assert loaded == "set()\n"


def test_missing_extra_is_a_clear_error():
    """Without the extra, starting says what to install."""
    said = run(
        "import sys, qianfan.local\n"
        "sys.modules['uvicorn'] = None\n"
        "try: qianfan.local.platform().start()\n"
        "except ImportError as error: print(error)"
    )

    assert "pip install 'qianfan[local]'" in said


def test_embedded_is_one_for_the_process_and_takes_any_key():
    """The embedded platform starts once, whoever asks, says so once, takes any key, and ends with the process."""
    said = run(
        "import logging, sys, threading, urllib3, qianfan.local\n"
        "logging.basicConfig(stream=sys.stdout, format='%(name)s %(levelname)s %(message)s')\n"
        "found = []\n"
        "threads = [threading.Thread(target=lambda: found.append(qianfan.local.embedded())) for _ in range(8)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
        "print(len(set(found)))\n"
        "with urllib3.PoolManager() as http:\n"
        "    keys = 'grant_type=client_credentials&client_id=...&client_secret=...'\n"
        "    print(http.request('POST', f'{found[0].url}/oauth/2.0/token?{keys}').status)\n"
    )

    lines = said.splitlines()
    assert lines[0].startswith("qianfan WARNING QIANFAN_LOCAL: a local platform answers at http://127.0.0.1:")
    assert lines[1:] == ["1", "200"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_forked_child_gets_its_own_embedded_platform():
    """After a fork the child has a platform of its own, and does not keep its parent's port open."""
    said = run(
        "import json, logging, os, socket, warnings, qianfan.local\n"
        "warnings.simplefilter('ignore', DeprecationWarning)\n"
        "logging.getLogger('qianfan').addHandler(logging.NullHandler())\n"
        "parent = qianfan.local.embedded()\n"
        "to_child, to_parent = os.pipe(), os.pipe()\n"
        "if os.fork() == 0:\n"
        "    own = qianfan.local.embedded()\n"
        "    os.write(to_parent[1], own.url.encode())\n"
        "    os.read(to_child[0], 1)\n"
        "    try: socket.create_connection(('127.0.0.1', int(parent.url.rpartition(':')[2]))); os._exit(1)\n"
        "    except ConnectionRefusedError: own.stop(); os._exit(0)\n"
        "child = os.read(to_parent[0], 100).decode()\n"
        "print(json.dumps([parent.url, child]), flush=True)\n"
        "parent.stop()\n"
        "os.write(to_child[1], b'x')\n"
        "print(os.waitstatus_to_exitcode(os.wait()[1]))\n"
    )

    urls, code = said.splitlines()
    assert len(set(json.loads(urls))) == 2
    assert code == "0"


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize("signal", ["SIGINT", "SIGTERM"])
def test_run_ends_cleanly_on_a_signal(signal):
    """`run` serves in the main thread until Ctrl-C or SIGTERM, then stops and returns."""
    said = run(
        "import os, signal, threading, time, socket, qianfan.local\n"
        "p = qianfan.local.platform().start()\n"
        "port = int(p.url.rpartition(':')[2])\n"
        "def end():\n"
        "    while signal.getsignal(signal.SIGTERM) is signal.SIG_DFL: time.sleep(0.01)\n"
        f"    os.kill(os.getpid(), signal.{signal})\n"
        "threading.Thread(target=end).start()\n"
        "p.run()\n"
        "print(threading.active_count(), signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, p)\n"
    )

    assert said.strip() in {"1 True <Platform not running>", "2 True <Platform not running>"}
