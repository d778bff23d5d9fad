"""One object in many places: loops one after another, threads, forked children, copies."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
import threading
import time

import pytest
from blockbuster import BlockingError, blockbuster_ctx
from support.processes import python
from support.replies import Gate, refusal, whole
from support.worlds import MESSAGES

import qianfan

GREETING = "你好，很高兴见到你。"

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@pytest.mark.parametrize("times", [2, 10])
def test_one_object_serves_loop_after_loop(server, chat, times):
    """One object serves `asyncio.run` after `asyncio.run`; each loop closes what it opened."""
    for _ in range(times):
        assert asyncio.run(chat.ado(MESSAGES))["result"] == GREETING
        server.wait_idle()

    assert (server.connections, len(server.token_requests)) == (times, 1)


def test_one_object_serves_loops_side_by_side(server, chat):
    """One object serves the loops of four threads at once."""
    replies = []

    async def ask():
        return [(await chat.ado(MESSAGES))["result"] for _ in range(3)]

    threads = [threading.Thread(target=lambda: replies.extend(asyncio.run(ask()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert replies == [GREETING] * 12
    server.wait_idle()
    assert len(server.token_requests) == 1


def test_one_object_serves_threads_and_loops_in_turn(server, chat):
    """Sync and async calls may alternate on one object."""
    for _ in range(2):
        assert chat.do(MESSAGES)["result"] == GREETING
        assert asyncio.run(chat.ado(MESSAGES))["result"] == GREETING

    assert len(server.token_requests) == 1


def test_a_client_closed_between_loops_frees_everything(server, make):
    """`close` after the loops are over frees the threads' connections too."""
    client = make()
    asyncio.run(client.chat.ado(MESSAGES))
    client.chat.do(MESSAGES)
    client.close()

    server.wait_idle()


def copies():
    """Return ways to make a copy."""
    return {
        "pickled": lambda thing: pickle.loads(pickle.dumps(thing)),  # noqa: S301  # our own
        "copied deeply": copy.deepcopy,
        "copied": copy.copy,
    }


@pytest.mark.parametrize("way", copies())
def test_a_copy_of_a_client_works(world, server, make, way):
    """A copied or pickled client makes the same calls, and closing it leaves the first one working."""
    first = make(retry_count=2, query_per_second=1000)
    world.ask(first.chat)
    second = copies()[way](first)
    assert world.ask(second.chat).text == GREETING
    world.close_client(second)

    assert world.ask(first.chat).text == GREETING
    assert repr(second) == repr(first)
    assert len(server.token_requests) == 1


@pytest.mark.parametrize("way", copies())
def test_a_copy_of_the_classic_object_works(world, server, network, keys, way):
    """A copied or pickled `ChatCompletion` keeps model, endpoint and credentials."""
    first = qianfan.ChatCompletion(base_url=server.url, endpoint="mine", **keys, **network)
    second = copies()[way](first)

    assert world.ask(second).text == GREETING
    assert server.requests[0].path.endswith("/chat/mine")
    for chat in {id(chat._client): chat for chat in (first, second)}.values():
        world.close_client(chat._client)  # the classic class has no close of its own


@pytest.mark.usefixtures("server")
def test_an_object_travels_to_another_process(make):
    """A pickled client works in a process of its own."""
    pickled = pickle.dumps(make(ca_bundle="").chat)

    out = python(
        f"""
        import pickle
        chat = pickle.loads({pickled!r})
        print(chat.do({MESSAGES!r})["result"])
        """
    )

    assert out == GREETING + "\n"


#: A parent that forks, and a child that calls; both report, the child through its exit status.
_FORK = """
import os, sys, threading, asyncio, warnings, qianfan
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of every fork beside threads
MESSAGES = [{{"role": "user", "content": "你好"}}]
client = qianfan.Qianfan(ak="a", sk="b", base_url={url!r}, ca_bundle={bundle!r})

def child(work):
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    _, status = os.waitpid(pid, 0)
    assert status == 0, status

def ask():
    assert client.chat.do(MESSAGES, request_timeout=10)["result"] == {greeting!r}

def ask_async():
    async def work():
        reply = await client.chat.ado(MESSAGES, request_timeout=10)
        assert reply["result"] == {greeting!r}
    asyncio.run(work())
"""


def fork_scene(server, network, code, **options):
    """Run a scene with a fork in a process of its own."""
    scene = _FORK.format(url=server.url, bundle=network["ca_bundle"], greeting=GREETING) + code
    return python(scene, strict=False, **options)


@needs_fork
def test_forked_children_have_connections_of_their_own(server, network):
    """Children that call after their parent has called use no connection of the parent's, and the parent goes on."""
    fork_scene(
        server,
        network,
        """
for before in (ask, ask_async):
    before()
    for after in (ask, ask_async):
        child(after)
ask()
client.close()
""",
    )

    sync, child1, child2, async_, child3, child4, again = (sent.connection for sent in server.requests)
    assert len({sync, child1, child2, async_, child3, child4}) == 6
    assert again == sync
    assert len(server.token_requests) == 1


@needs_fork
def test_a_child_forked_during_a_token_call_fetches_its_own(server, network):
    """A child forked while a thread of its parent fetches the token does not wait for that thread."""
    gate = Gate()
    server.answer_token((gate, *whole({"access_token": "parents", "expires_in": 1000})))

    def watch() -> int:
        assert gate.reached.wait(20)
        server.wait(lambda server: len(server.requests) == 1)
        gate.open()
        return 0

    fork_scene(
        server,
        network,
        """
thread = threading.Thread(target=ask)
thread.start()
from qianfan.drivers.shared import FLIGHTS
import time
while not FLIGHTS._aloft: time.sleep(0.001)
time.sleep(0.05)
child(ask)
thread.join()
client.close()
""",
        meanwhile=watch,
    )

    assert len(server.token_requests) == 2


@needs_fork
def test_a_child_forked_while_locks_are_held_works(server, network):
    """A child forked while other threads call, and so hold locks, works none the less."""
    fork_scene(
        server,
        network,
        """
ask()  # a module that is just being imported when the fork comes stays locked: Python's own limit
stop = threading.Event()
def busy():
    while not stop.is_set():
        ask()
threads = [threading.Thread(target=busy) for _ in range(4)]
for thread in threads: thread.start()
try:
    for _ in range(5):
        child(ask)
finally:
    stop.set()
for thread in threads: thread.join()
client.close()
""",
    )

    assert len(server.token_requests) == 1


@needs_fork
def test_a_child_forked_inside_a_loop_works(server, network):
    """A child forked inside a running loop calls from a thread and a loop of its own."""
    fork_scene(
        server,
        network,
        """
def both():
    ask()
    thread = threading.Thread(target=ask_async)
    thread.start()
    thread.join()

async def main():
    await client.chat.ado(MESSAGES)
    child(both)
    await client.chat.ado(MESSAGES)
    await client.aclose()

asyncio.run(main())
""",
    )

    assert len(server.requests) == 4
    assert [server.requests[0].connection] == [server.requests[3].connection]


@needs_fork
def test_a_stream_of_the_parent_is_none_of_the_childs_business(server, network):
    """A child that ends while its parent reads a stream leaves that stream whole."""
    fork_scene(
        server,
        network,
        """
stream = client.chat.do(MESSAGES, stream=True)
first = next(stream)["result"]
def leave():
    global stream
    del stream
    import gc
    gc.collect()
child(leave)
rest = [item["result"] for item in stream]
assert "".join([first, *rest]) == "你好，很高兴见到你。", rest
client.close()
""",
    )


def test_async_calls_never_block_their_loop(server, chat):
    """Neither a call, a stream, a retry nor a token call blocks the event loop."""
    server.answer(refusal(18), refusal(111))
    asyncio.run(chat.ado(MESSAGES))  # imports what the first call imports, and reads its files

    async def scene():
        with blockbuster_ctx():
            assert (await chat.ado(MESSAGES))["result"] == GREETING
            stream = await chat.ado(MESSAGES, stream=True)
            assert (await stream.acollect())["result"] == GREETING

    asyncio.run(scene())


def test_blocking_calls_would_be_noticed():
    """The test above can fail: what blocks a loop is noticed."""

    async def scene():
        with blockbuster_ctx():
            time.sleep(0.001)  # noqa: ASYNC251  # the mistake that is to be noticed

    with pytest.raises(BlockingError):
        asyncio.run(scene())
