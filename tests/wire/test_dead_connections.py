"""What happens when a kept connection turns out to be dead."""

from __future__ import annotations

import asyncio
import threading
from time import sleep

import pytest
from support.replies import CLOSE, RESET, Gate, answer, streamed
from support.worlds import unary

from qianfan.errors import ConnectionFailedError

GREETING = "你好，很高兴见到你。"

deaths = pytest.mark.parametrize("death", [(CLOSE,), (RESET,)], ids=["closed", "reset"])


def open_when_reached(gates):
    """Open gates when the server stands before all of them."""
    for gate in gates:
        gate.reached.wait(5)
    for gate in gates:
        gate.open()


@pytest.fixture
def chat(make):
    """Return a chat with a token, so that its first call makes a connection of its own."""
    return make(ak="", sk="", access_token="24.mine", retry_count=1).chat


@deaths
def test_a_reused_connection_found_dead_is_replaced_for_free(world, server, chat, death):
    """A request lost on a reused connection is sent once more on another, even where no retry is allowed."""
    assert world.ask(chat).text == GREETING
    server.answer(death)

    assert world.ask(chat).text == GREETING
    assert [sent.connection for sent in server.requests] == [1, 1, 2]
    assert server.requests[1].body == server.requests[2].body


@deaths
def test_a_fresh_connection_that_dies_is_a_failure(world, server, chat, death):
    """A request lost on a fresh connection may have been served: it counts as an attempt."""
    server.answer(death)
    error = world.ask(chat).error

    assert type(error) is ConnectionFailedError
    assert len(server.requests) == len(error.attempts) == 1


@deaths
def test_the_replay_is_one(world, server, chat, death):
    """When the replay dies too, the call has failed, and the replay is among what was tried."""
    assert world.ask(chat).text == GREETING
    server.always(death)
    error = world.ask(chat).error

    assert isinstance(error, ConnectionFailedError)
    assert [attempt.outcome for attempt in error.attempts] == ["DeadConnectionError", "ConnectionFailedError"]
    assert len(server.requests) == 3


@unary
@deaths
def test_the_replay_is_not_lost_on_another_dead_connection(world, server, chat, death):
    """Where a service has dropped all idle connections, the one replay is sent on a fresh one."""
    all_asked = [Gate() for _ in range(5)]
    server.answer(*[(gate, *answer()) for gate in all_asked])
    threading.Thread(target=open_when_reached, args=(all_asked,)).start()
    assert {outcome.text for outcome in world.ask_all([chat] * 5)} == {GREETING}
    assert server.connections == 5
    server.choose = lambda request: death if request.connection <= 5 else None

    assert world.ask(chat).text == GREETING
    assert len(server.requests) == 7


@deaths
def test_a_connection_that_dies_after_the_first_byte_is_no_free_replay(world, server, chat, death):
    """Once a byte of the reply has come, the service has seen the request: no free replay."""
    assert world.ask(chat).text == GREETING
    server.answer((b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", *death))
    error = world.ask(chat).error

    assert type(error) is ConnectionFailedError
    assert len(server.requests) == 2


def test_a_connection_closed_while_idle_is_not_used(world, server, chat):
    """A connection the service closed in good time is noticed before anything is sent on it."""
    assert world.ask(chat).text == GREETING
    server.drop_connections()
    world.wait_idle(server)

    assert world.ask(chat).text == GREETING
    assert len(server.requests) == 2


def test_a_connection_announced_to_close_is_not_used(world, server, chat):
    """After `Connection: close` the next call makes a connection of its own."""
    last = (streamed() if world.streams else answer())[0].replace(
        b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1
    )
    server.answer((last, *(streamed()[1:] if world.streams else ()), CLOSE))

    assert [world.ask(chat).text for _ in range(2)] == [GREETING] * 2
    assert [sent.connection for sent in server.requests] == [1, 2]


@unary
@pytest.mark.parametrize("together", [True, False], ids=["together", "after"])
def test_bytes_nobody_asked_for_spoil_a_connection(world, server, chat, together):
    """A reply that comes without a question is never taken for the answer to the next one."""
    stray = answer("stray")[0]
    gate = Gate()
    server.answer((answer()[0] + stray,) if together else (*answer(), gate, stray))
    first = world.ask(chat).text
    gate.open()
    if not together:
        world.run(asyncio.sleep(0.05)) if world.is_async else sleep(0.05)

    assert [first, world.ask(chat).text] == [GREETING] * 2
