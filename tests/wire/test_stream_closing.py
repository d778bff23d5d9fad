"""That a stream's connection is freed at once, however the caller leaves it."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading

import pytest
from support.processes import python
from support.replies import Gate, answer, events, stream, streamed
from support.worlds import MESSAGES, streams

from qianfan.errors import QianfanError

TEXTS = ["你好", "，很高兴", "见到你。"]


@pytest.fixture
def chat(make):
    """Return a chat with a token, so that the stream's connection is the only one."""
    return make(ak="", sk="", access_token="24.mine").chat


@pytest.fixture
def gate(server):
    """Return the gate behind which the service keeps the rest of every stream."""
    gate = Gate()
    first, *rest = events(*TEXTS)
    server.always(stream(first, gate, *rest))
    return gate


@streams
@pytest.mark.usefixtures("gate")
@pytest.mark.parametrize("read", [0, 1], ids=["unread", "read"])
def test_close_frees_the_connection(world, server, chat, read):
    """`close` frees the connection at once, and may be repeated."""
    opened = world.open(chat)
    for _ in range(read):
        opened.next()
    opened.close()
    opened.close()

    world.wait_idle(server)


@streams
@pytest.mark.usefixtures("gate")
def test_leaving_a_with_block_frees_the_connection(world, server, chat):
    """Leaving the `with` block frees the connection at once."""
    assert world.open(chat).use_and_leave() == TEXTS[0]

    world.wait_idle(server)


@streams
@pytest.mark.usefixtures("gate")
def test_forgetting_a_stream_frees_the_connection(world, server, chat):
    """A stream that is left by `break` and forgotten frees its connection."""
    world.open(chat).break_off()

    world.wait_idle(server)


@streams
@pytest.mark.usefixtures("gate")
def test_forgetting_a_stream_needs_no_collector(world, server, chat):
    """A forgotten stream is freed when its last reference goes, not when the collector runs."""
    gc.disable()
    try:
        opened = world.open(chat)
        opened.next()
        del opened
        world.wait_idle(server)
    finally:
        gc.enable()


@streams
@pytest.mark.usefixtures("gate")
def test_a_closed_stream_has_ended(world, chat):
    """After `close` the iteration ends."""
    opened = world.open(chat)
    opened.close()

    assert opened.rest() == []


@streams
@pytest.mark.usefixtures("gate")
def test_a_closed_stream_does_not_pass_for_a_whole_reply(world, chat):
    """What a closed stream collects is not mistaken for the whole reply."""
    opened = world.open(chat)
    opened.next()
    opened.close()

    with pytest.raises(QianfanError):
        opened.collect()


@streams
def test_a_stream_read_to_its_end_leaves_its_connection_for_the_next(world, server, chat):
    """After the last event the connection serves the next call."""
    for _ in range(3):
        assert world.ask(chat).events == TEXTS

    assert server.connections == 1


@streams
def test_an_error_instead_of_a_stream_leaves_its_connection_for_the_next(world, server, chat):
    """A whole reply to a stream request leaves the connection for the next call."""
    server.answer(answer(), streamed())
    for _ in range(2):
        world.ask(chat).text  # noqa: B018  # raises what the call raised

    assert server.connections == 1


@streams
def test_a_closed_streams_connection_is_not_used_again(world, server, chat, gate):
    """The rest of a stream that was left never reaches the next call."""
    world.open(chat).close()
    gate.open()
    server.answer(streamed("新"))

    assert world.ask(chat).text == "新"
    assert server.requests[1].connection == 2


def test_a_task_cancelled_in_mid_stream_frees_the_connection(server, chat, gate):
    """Cancellation in mid-stream is raised as such and frees the connection at once."""

    async def scene():
        async def read():
            async for _ in await chat.ado(MESSAGES, stream=True):
                pass

        task = asyncio.create_task(read())
        await asyncio.to_thread(gate.reached.wait, 5)
        await asyncio.sleep(0.01)  # the task is in its second read
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(server.wait_idle)

    asyncio.run(scene())


@pytest.mark.parametrize("stream_", [False, True], ids=["unary", "stream"])
def test_a_task_cancelled_while_it_waits_for_the_head_frees_the_connection(server, chat, stream_):
    """Cancellation before the reply began is raised as such and frees the connection at once."""
    gate = Gate()
    server.answer((gate, *answer()))

    async def scene():
        task = asyncio.create_task(chat.ado(MESSAGES, stream=stream_))
        await asyncio.to_thread(gate.reached.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(server.wait_idle)

    asyncio.run(scene())


@pytest.mark.parametrize("stream_", [False, True], ids=["unary", "stream"])
def test_a_task_cancelled_while_it_connects_frees_the_connection(server, make, stream_):
    """Cancellation during a TLS handshake that never ends is raised as such and frees the connection."""
    server.ignores_greetings = True
    chat = make(ak="", sk="", access_token="t", base_url=server.url.replace("http:", "https:")).chat

    async def scene():
        task = asyncio.create_task(chat.ado(MESSAGES, stream=stream_))
        await asyncio.to_thread(server.wait, lambda server: server.open_connections)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(server.wait_idle)

    asyncio.run(scene())


def test_a_wait_for_around_a_stream_frees_the_connection(server, chat, gate):
    """A caller's own `asyncio.wait_for` ends a stream like any cancellation."""

    async def scene():
        stream = await chat.ado(MESSAGES, stream=True)
        await stream.__anext__()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(stream.__anext__(), 0.05)
        await asyncio.to_thread(server.wait_idle)

    asyncio.run(scene())
    assert gate.reached.is_set()


def test_another_thread_may_close_a_stream_that_a_thread_reads(server, chat, gate):
    """Closing a stream from another thread wakes the reader at once and frees the connection."""
    stream = chat.do(MESSAGES, stream=True, request_timeout=60)
    read: list[object] = []

    def reader():
        try:
            read.extend(item["result"] for item in stream)
            read.append("ended")
        except QianfanError as error:
            read.append(type(error))

    thread = threading.Thread(target=reader)
    thread.start()
    assert gate.reached.wait(5)
    stream.close()
    thread.join(5)

    assert not thread.is_alive()
    assert read[:1] in ([TEXTS[0]], ["ended"], [])
    server.wait_idle()


@streams
@pytest.mark.usefixtures("gate")
def test_a_client_may_be_closed_while_a_stream_is_open(world, server, make):
    """Closing the client leaves an open stream its connection; closing the stream then frees it."""
    client = make(ak="", sk="", access_token="24.mine")
    opened = world.open(client.chat)
    world.close_client(client)
    opened.close()

    world.wait_idle(server)


def test_a_stream_outlives_its_client_in_threads(server, make, gate):
    """A stream that was open when its client was closed is read to its end, and its connection closed."""
    client = make(ak="", sk="", access_token="24.mine")
    stream = client.chat.do(MESSAGES, stream=True)
    client.close()
    gate.open()

    assert [item["result"] for item in stream] == TEXTS
    server.wait_idle()


def test_an_interrupt_in_mid_read_ends_cleanly(server):
    """Ctrl-C while a thread waits for an event is raised as such, and frees the connection at once."""
    gate = Gate()
    first, *rest = events(*TEXTS)
    server.always(stream(first, gate, *rest))

    def interrupt() -> int:
        assert gate.reached.wait(20)
        return signal.SIGINT

    out = python(
        f"""
        import sys, qianfan
        chat = qianfan.ChatCompletion(access_token="t", base_url={server.url!r})
        try:
            for item in chat.do({MESSAGES!r}, stream=True):
                pass
        except KeyboardInterrupt:
            print("interrupted")
        """,
        meanwhile=interrupt,
    )

    assert out == "interrupted\n"
    server.wait_idle()


def test_an_interrupt_in_asyncio_ends_cleanly(server):
    """Ctrl-C while a task waits for an event is raised as such, and frees the connection at once."""
    gate = Gate()
    first, *rest = events(*TEXTS)
    server.always(stream(first, gate, *rest))

    def interrupt() -> int:
        assert gate.reached.wait(20)
        return signal.SIGINT

    out = python(
        f"""
        import asyncio, qianfan
        chat = qianfan.ChatCompletion(access_token="t", base_url={server.url!r})
        async def main():
            async for item in await chat.ado({MESSAGES!r}, stream=True):
                pass
        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            print("interrupted")
        """,
        meanwhile=interrupt,
    )

    assert out == "interrupted\n"
    server.wait_idle()
