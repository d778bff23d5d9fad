"""How connections are kept, shared and closed."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest
from support.replies import Gate, answer
from support.worlds import MESSAGES, unary

import qianfan
from qianfan.errors import InvalidArgumentError

GREETING = "你好，很高兴见到你。"


def test_calls_one_after_another_share_a_connection(world, server, chat):
    """Ten calls, and the token before them, need one connection."""
    assert {world.ask(chat).text for _ in range(10)} == {GREETING}

    assert {sent.connection for sent in server.token_requests + server.requests} == {1}
    assert server.connections == 1


@pytest.mark.parametrize("world", ["sync"], indirect=True)
def test_twenty_threads_need_twenty_connections_at_most(world, server, chat):
    """Threads that call again and again use the connections that are there."""
    for _ in range(3):
        assert {outcome.text for outcome in world.ask_all([chat] * 20)} == {GREETING}

    assert len(server.requests) == 60
    assert server.connections <= 20


@pytest.mark.parametrize("world", ["async"], indirect=True)
def test_a_hundred_tasks_keep_their_connections(world, server, chat):
    """Tasks that call again and again use the connections that are there."""
    for _ in range(3):
        assert {outcome.text for outcome in world.ask_all([chat] * 100)} == {GREETING}

    assert len(server.requests) == 300
    assert server.connections <= 100


def test_sync_streams_and_calls_share_connections(world, server, chat):
    """A stream read to its end and a whole call use one connection in turn."""
    for streams in (True, False, True):
        world.streams = streams
        assert world.ask(chat).text == GREETING

    assert server.connections == 1


def test_clients_with_equal_settings_share_connections(world, server, make):
    """Two clients with equal network settings use one connection in turn, whatever their keys."""
    for ak in ("one", "two"):
        assert world.ask(make(ak=ak).chat).text == GREETING

    assert server.connections == 1


def test_clients_with_other_settings_have_their_own(world, server, make):
    """A client that verifies otherwise does not borrow a connection."""
    for verify in (True, False):
        assert world.ask(make(verify=verify).chat).text == GREETING

    assert server.connections == 2


def test_the_last_client_to_close_closes_the_connections(world, server, make):
    """Closing one of two clients leaves the other working; closing the second frees everything."""
    one, two = make(), make()
    assert world.ask(one.chat).text == GREETING
    world.close_client(one)
    assert world.ask(two.chat).text == GREETING
    assert (server.connections, server.open_connections) == (1, 1)
    world.close_client(two)

    world.wait_idle(server)


def test_close_may_be_repeated(world, server, make):
    """Closing twice is closing once: the lease of another client is not given back by mistake."""
    one, two = make(), make()
    world.close_client(one)
    world.close_client(one)

    assert world.ask(two.chat).text == GREETING
    assert world.ask(two.chat).text == GREETING
    assert server.connections == 1


def test_a_closed_client_says_so(world, server, make):
    """A call on a closed client is a mistake that is told, and sends nothing."""
    client = make()
    world.close_client(client)
    error = world.ask(client.chat).error

    assert type(error) is InvalidArgumentError
    assert "closed" in str(error)
    assert server.connections == 0


def test_a_closed_client_fetches_no_token(server, make):
    """`access_token()` on a closed client is a mistake that is told, and sends nothing."""
    client = make()
    client.close()

    with pytest.raises(InvalidArgumentError, match="closed"):
        client.access_token()
    assert server.connections == 0


def test_a_with_block_closes_what_it_opened(server, make):
    """Leaving the `with` block closes the connections."""
    with make() as client:
        assert client.chat.do(MESSAGES)["result"] == GREETING
        assert server.open_connections == 1

    server.wait_idle()


def test_an_async_with_block_closes_what_it_opened(server, make):
    """Leaving the `async with` block closes the connections, of threads and of the loop."""

    async def scene():
        async with make() as client:
            assert (await client.chat.ado(MESSAGES))["result"] == GREETING
            assert client.chat.do(MESSAGES)["result"] == GREETING
            assert server.open_connections == 2
        await asyncio.to_thread(server.wait_idle)

    asyncio.run(scene())


def test_what_a_loop_has_open_closes_with_it(server, network, keys):
    """A client that was closed outside its loop, and forgotten, leaves the loop's connections to the loop."""
    loop = asyncio.new_event_loop()
    client = qianfan.Qianfan(base_url=server.url, **keys, **network)
    assert loop.run_until_complete(client.chat.ado(MESSAGES))["result"] == GREETING
    client.close()
    del client
    gc.collect()
    assert server.open_connections == 1

    loop.run_until_complete(loop.shutdown_asyncgens())
    server.wait_idle()
    loop.close()


def test_a_client_closed_in_another_thread_frees_a_call_under_way_when_it_is_done(server, make):
    """A call that is under way when its client is closed is answered, and its connection closed then."""
    gate = Gate()
    server.answer((gate, *answer()))
    client = make(ak="", sk="", access_token="t")
    replies = []
    thread = threading.Thread(target=lambda: replies.append(client.chat.do(MESSAGES)["result"]))
    thread.start()
    gate.reached.wait(5)
    client.close()
    gate.open()
    thread.join()

    assert replies == [GREETING]
    server.wait_idle()


@unary
def test_a_client_made_after_the_last_was_closed_opens_anew(world, server, make):
    """Closing the last client does not spoil the settings for the next one."""
    for number in (1, 2):
        client = make()
        assert world.ask(client.chat).text == GREETING
        world.close_client(client)
        world.wait_idle(server)
        assert server.connections == number


@unary
def test_http_and_https_of_one_host_are_two_places(world, server, make):
    """A client that asks for TLS never sends over another client's plain connections to the same host and port."""
    assert world.ask(make().chat).text == GREETING
    secure = make(base_url=server.url.replace("http:", "https:"), ak="", sk="", access_token="secret-token")
    outcome = world.ask(secure.chat, retry_count=1)

    assert outcome.error is not None
    assert [sent for sent in server.requests if sent.query["access_token"] == "secret-token"] == []
