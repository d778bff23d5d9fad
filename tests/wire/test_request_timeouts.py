"""That no call outlives its time, however slowly the service goes about it."""

from __future__ import annotations

import threading
from time import monotonic, sleep

import pytest
from support.replies import STALL, Gate, Pause, answer, drip, event, events, head, stream
from support.server import elapsed
from support.worlds import streams, unary

from qianfan.errors import InvalidArgumentError, RequestTimeoutError

#: Time enough for nothing, where nothing is expected to succeed.
SHORT = 0.05

#: Time enough for one event, also on a busy machine.
ENOUGH = 0.3

#: Far more than both, and far less than what these scripts would take.
SOON = 3.0

#: Ways not to answer in time, for any call.
SLOW = {
    "no answer": (STALL,),
    "half a head": (b"HTTP/1.1 200 OK\r\nConte", STALL),
    "a dripping head": (*drip(head(200, X_Long="x" * 500), 0.02), STALL),
    "a dripping body": (
        head(200, Content_Type="application/json", Content_Length="500"),
        *drip(b" " * 500, 0.02),
    ),
    "a dripping body in chunks": (
        head(200, Content_Type="application/json", Transfer_Encoding="chunked"),
        *[step for _ in range(500) for step in (b"1\r\n \r\n", Pause(0.02))],
    ),
    "no body": (head(200, Content_Type="application/json", Content_Length="5"), STALL),
}

#: Ways not to begin a stream in time.
SLOW_STREAMS = {
    "no event": stream(STALL),
    "half an event": stream(b'data: {"resu', STALL),
    "a dripping event": stream(*drip(event({"result": "x" * 500}), 0.02)),
    "comments": stream(*[step for _ in range(500) for step in (b": keep-alive\n\n", Pause(0.02))]),
}


def assert_timed_out(world, server, error, began, time=SHORT):
    """Assert that a call ended near its time and freed its connection."""
    assert type(error) is RequestTimeoutError
    assert isinstance(error, TimeoutError)
    assert "request_timeout" in str(error)
    assert time * 0.9 < elapsed(began) < SOON
    world.wait_idle(server)


@pytest.fixture
def chat(make):
    """Return a chat with a token, so that all its time is the call's own."""
    return make(ak="", sk="", access_token="24.mine").chat


@pytest.mark.parametrize("kind", SLOW)
def test_a_call_ends_when_its_time_is_over(world, server, chat, kind):
    """However a service keeps a call waiting, it ends at `request_timeout` and frees its connection."""
    server.always(SLOW[kind])
    began = monotonic()

    assert_timed_out(world, server, world.ask(chat, request_timeout=SHORT).error, began)
    assert len(server.requests) <= 1


@streams
@pytest.mark.parametrize("kind", SLOW_STREAMS)
def test_a_stream_that_does_not_begin_ends(world, server, chat, kind):
    """The wait for the first event ends at `request_timeout`, comments and half events notwithstanding."""
    server.always(SLOW_STREAMS[kind])
    began = monotonic()

    assert_timed_out(world, server, world.ask(chat, request_timeout=SHORT).error, began)


@streams
@pytest.mark.parametrize("kind", SLOW_STREAMS)
def test_a_stream_that_stalls_ends(world, server, chat, kind):
    """The wait for any later event ends at `request_timeout`; what came before is kept in the error."""
    _, *rest = SLOW_STREAMS[kind]
    first, _ = events("你", "好")
    begin = stream(first, ended=False)
    server.always((*begin, *rest))
    opened = world.open(chat, request_timeout=ENOUGH)
    assert opened.next() == "你"
    began = monotonic()

    with pytest.raises(RequestTimeoutError) as caught:
        opened.next()

    assert_timed_out(world, server, caught.value, began, ENOUGH)
    assert caught.value.partial["result"] == "你"


@streams
def test_a_long_stream_may_take_longer_than_request_timeout(world, server, chat):
    """Of a stream, `request_timeout` bounds each wait and not the whole."""
    parts = events(*"一二三四五六七八")
    server.answer(stream(*[step for part in parts for step in (Pause(0.05), part)]))
    began = monotonic()

    assert world.ask(chat, request_timeout=ENOUGH).text == "一二三四五六七八"
    assert elapsed(began) > ENOUGH


@streams
def test_time_the_caller_takes_does_not_count(world, server, chat):
    """A caller who looks at an event for longer than `request_timeout` still gets the next one."""
    gate = Gate()
    first, second = events("你", "好")
    server.answer(stream(first, gate, second))
    opened = world.open(chat, request_timeout=ENOUGH)
    assert opened.next() == "你"
    sleep(ENOUGH * 1.2)
    gate.open()

    assert opened.rest() == ["好"]


@unary
def test_a_request_that_is_not_read_ends(world, server, chat):
    """A service that does not even read the request ends the call in time, as a timeout."""
    assert world.ask(chat).text == "你好，很高兴见到你。"
    server.hold_reading()
    large = [{"role": "user", "content": "x" * 20_000_000}]
    began = monotonic()
    error = world.ask(chat, large, request_timeout=ENOUGH).error

    assert type(error) is RequestTimeoutError
    assert ENOUGH * 0.9 < elapsed(began) < SOON


@unary
def test_a_request_that_is_read_slowly_has_the_calls_time(world, server, chat):
    """The time a call may take is its own, not what the call before it on the same connection had left."""
    assert world.ask(chat, request_timeout=ENOUGH).text == "你好，很高兴见到你。"
    server.hold_reading()
    reader = threading.Timer(ENOUGH * 1.5, server.go_on_reading)
    reader.start()
    large = [{"role": "user", "content": "x" * 20_000_000}]
    outcome = world.ask(chat, large, request_timeout=10, retry_count=1)
    reader.join()

    assert outcome.text == "你好，很高兴见到你。"
    assert server.requests[1].connection == 1


@unary
def test_the_clients_request_timeout_holds_for_its_calls(world, server, make):
    """What the constructor says holds where a call says nothing."""
    server.always((STALL,))
    began = monotonic()
    error = world.ask(make(ak="", sk="", access_token="t", request_timeout=SHORT).chat).error

    assert_timed_out(world, server, error, began)


@unary
@pytest.mark.parametrize("timeout", [0, -1, float("nan"), "soon", True])
def test_a_time_that_is_none_is_the_callers_mistake(world, server, chat, timeout):
    """A `request_timeout` that is no positive number is refused before anything is sent."""
    assert isinstance(world.ask(chat, request_timeout=timeout).error, InvalidArgumentError)
    assert server.requests == []


@unary
@pytest.mark.parametrize("timeout", [float("inf"), 10**9, 10**15])
def test_a_time_without_end_is_allowed(world, chat, timeout):
    """Who wants to wait for ever may."""
    assert world.ask(chat, request_timeout=timeout).text == "你好，很高兴见到你。"


@unary
def test_a_quick_answer_after_a_timeout_comes_by_a_connection_of_its_own(world, server, chat):
    """After a timeout the next call is not given the late reply to the one before."""
    gate = Gate()
    server.answer((gate, *answer("late")))
    assert type(world.ask(chat, request_timeout=SHORT).error) is RequestTimeoutError
    gate.open()

    assert world.ask(chat).text == "你好，很高兴见到你。"
    assert server.requests[-1].connection == 2
