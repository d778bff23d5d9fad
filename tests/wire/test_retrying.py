"""When a call is tried again, when not, and what is told about it."""

from __future__ import annotations

from time import monotonic

import pytest
from support.replies import (
    CLOSE,
    RESET,
    STALL,
    answer,
    event,
    events,
    head,
    page,
    refusal,
    stream,
    whole,
)
from support.server import closed_port, elapsed
from support.worlds import crosswise, streams, unary

from qianfan.errors import (
    APIError,
    AuthError,
    BadRequestError,
    ConnectionFailedError,
    InternalError,
    QuotaError,
    RateLimitError,
    RequestError,
    RequestTimeoutError,
    StreamIncompleteError,
)

GREETING = "你好，很高兴见到你。"

#: What passes with time: the script, the error when it does not pass, its code or status.
PASSING = {
    "18": (refusal(18), RateLimitError, 18),
    "336100": (refusal(336100), RateLimitError, 336100),
    "336501": (refusal(336501), RateLimitError, 336501),
    "336501 in the other spelling": (whole({"code": 336501, "msg": "Rate limit"}), RateLimitError, 336501),
    "336502": (refusal(336502), RateLimitError, 336502),
    "2": (refusal(2), InternalError, 2),
    "336000": (refusal(336000), InternalError, 336000),
    "429": (page(429, Retry_After="0"), RequestError, 429),
    "500": (page(500), RequestError, 500),
    "502": (page(502), RequestError, 502),
    "503 with JSON": (whole({"message": "busy"}, 503), RequestError, 503),
    "504 with nothing": (page(504, ""), RequestError, 504),
    "reset": ((RESET,), ConnectionFailedError, None),
    "closed": ((CLOSE,), ConnectionFailedError, None),
    "half a head": ((b"HTTP/1.1 200 OK\r\nContent-Ty", CLOSE), ConnectionFailedError, None),
    "half a body": ((answer()[0][:-5], CLOSE), ConnectionFailedError, None),
}

#: What does not pass.
LASTING = {
    "3": (refusal(3), BadRequestError),
    "6": (refusal(6), AuthError),
    "14": (refusal(14), AuthError),
    "17": (refusal(17), QuotaError),
    "336003": (refusal(336003), BadRequestError),
    "999999": (refusal(999999), APIError),
    "400": (page(400), RequestError),
    "404": (page(404), RequestError),
    "302": (page(302, Location="/elsewhere"), RequestError),
    "a page": (page(200), RequestError),
    "a list": (whole([]), RequestError),
    "nothing": (page(200, ""), RequestError),
    "no words": (whole({}), RequestError),
}


@pytest.fixture
def no_token_call(make):
    """Return a chat with a token, so that its first call makes a connection of its own."""
    return make(ak="", sk="", access_token="24.mine").chat


passing = pytest.mark.parametrize("kind", PASSING)


@passing
def test_what_fails_once_succeeds_unseen(world, server, chat, kind):
    """A failure that passes is not seen by the caller: the call is sent a second time, unchanged."""
    server.answer(PASSING[kind][0])

    assert world.ask(chat).text == GREETING
    first, second = server.requests
    assert (first.target, first.body) == (second.target, second.body)


@unary
@pytest.mark.parametrize("kind", ["18", "502", "reset"])
def test_what_fails_twice_succeeds_unseen(world, server, chat, kind):
    """By default a call is tried three times."""
    server.answer(PASSING[kind][0], PASSING[kind][0])

    assert world.ask(chat).text == GREETING
    assert len(server.requests) == 3


@crosswise
@passing
def test_what_fails_for_ever_is_told(world, server, no_token_call, kind):
    """After three attempts the failure is raised, with what was tried."""
    script, expected, code = PASSING[kind]
    server.always(script)
    error = world.ask(no_token_call).error

    assert type(error) is expected
    assert (error.code or error.status) == code
    assert len(server.requests) == len(error.attempts) == 3
    assert {attempt.outcome.split(" ")[0] for attempt in error.attempts} == {expected.__name__}
    assert "3 attempts" in str(error)


@crosswise
@pytest.mark.parametrize("kind", LASTING)
def test_what_cannot_pass_is_told_at_once(world, server, chat, kind):
    """A failure that the same call would meet again is raised after one attempt."""
    script, expected = LASTING[kind]
    server.always(script)
    error = world.ask(chat).error

    assert type(error) is expected
    assert len(server.requests) == len(error.attempts) == 1


@pytest.mark.parametrize(("count", "sent"), [(0, 1), (1, 1), (2, 2), (5, 5)])
def test_retry_count_is_the_number_of_attempts(world, server, chat, count, sent):
    """`retry_count` counts all attempts; 0 means 1."""
    server.always(refusal(18))
    error = world.ask(chat, retry_count=count).error

    assert type(error) is RateLimitError
    assert len(server.requests) == sent


@unary
def test_retry_count_of_the_client_holds_for_its_calls(world, server, make):
    """What the constructor says holds where a call says nothing."""
    server.always(refusal(18))
    world.ask(make(retry_count=2).chat)

    assert len(server.requests) == 2


@unary
def test_the_platforms_words_id_and_hint_are_told(world, server, chat):
    """An error carries code, words, request id and status, and says what to do next."""
    server.always(refusal(336003, "temperature out of range"))
    error = world.ask(chat).error

    assert (error.error_code, error.error_msg, error.request_id, error.status) == (
        336003,
        "temperature out of range",
        "as-0000000000",
        200,
    )
    assert "[336003] temperature out of range (request id as-0000000000) →" in str(error)


def test_a_refused_connection_is_tried_again_and_told(world, make):
    """Where nothing listens, three attempts are made and the address is named."""
    port = closed_port()
    error = world.ask(make(ak="", sk="", access_token="t", base_url=f"http://127.0.0.1:{port}").chat).error

    assert type(error) is ConnectionFailedError
    assert f"http://127.0.0.1:{port}" in str(error)
    assert "refused" in str(error)
    assert len(error.attempts) == 3


def test_no_backoff_means_no_wait(world, server, chat):
    """With `backoff_factor=0` attempts follow each other at once."""
    server.always(refusal(18))
    error = world.ask(chat, retry_count=20, backoff_factor=0).error

    assert {attempt.paused for attempt in error.attempts} == {0.0}
    assert len(server.requests) == 20


@unary
def test_backoff_is_drawn_from_growing_ranges(world, server, chat):
    """The pause after attempt n is at most `backoff_factor * 2 ** (n - 1)` seconds."""
    server.always(refusal(18))
    error = world.ask(chat, retry_count=4, backoff_factor=0.01).error

    pauses = [attempt.paused for attempt in error.attempts]
    assert [0 <= pause <= limit for pause, limit in zip(pauses, (0.01, 0.02, 0.04), strict=False)] == [
        True
    ] * 3
    assert pauses[3] == 0


def test_retry_after_decides_over_backoff(world, server, chat):
    """A service that says when to come again is taken at its word."""
    server.answer(page(429, Retry_After="0"), page(503, Retry_After="0"))
    began = monotonic()

    assert world.ask(chat, backoff_factor=1000).text == GREETING
    assert elapsed(began) < 5


@pytest.mark.parametrize("world", ["async-stream"], indirect=True)
def test_retry_after_is_waited_for(world, server, chat):
    """A service that asks for a second is given a second."""
    server.answer(page(429, Retry_After="1"))
    began = monotonic()

    assert world.ask(chat).text == GREETING
    assert elapsed(began) >= 1


@unary
def test_a_pause_beyond_the_calls_time_is_not_begun(world, server, chat):
    """Where the service asks for more time than the call has, its refusal is told at once."""
    server.always(page(429, Retry_After="60"))
    error = world.ask(chat, request_timeout=5).error

    assert (type(error), error.status, error.retry_after) == (RequestError, 429, 60)
    assert len(server.requests) == 1


@unary
def test_request_timeout_bounds_a_call_with_its_retries(world, server, chat):
    """The attempts of a unary call share one time: here the second has what the first left over."""
    server.answer(refusal(18), (STALL,))
    began = monotonic()
    error = world.ask(chat, request_timeout=0.3, retry_count=100).error

    assert type(error) is RequestTimeoutError
    assert 0.25 < elapsed(began) < 3
    assert len(server.requests) == len(error.attempts) == 2


@unary
def test_request_timeout_bounds_many_quick_failures(world, server, chat):
    """A call that is refused for ever ends near its time, with the last refusal or as a timeout."""
    server.always(refusal(18))
    began = monotonic()
    error = world.ask(chat, request_timeout=0.3, retry_count=10**6, backoff_factor=0.02).error

    assert isinstance(error, RateLimitError | RequestTimeoutError)
    assert elapsed(began) < 3


#: What can end a stream after its first event.
BROKEN = {
    "reset": (stream(events("你", "好")[0], RESET), StreamIncompleteError),
    "closed": (stream(events("你", "好")[0], CLOSE), StreamIncompleteError),
    "18": (stream(events("你", "好")[0], event({"error_code": 18, "error_msg": "qps"})), RateLimitError),
    "111": (
        stream(events("你", "好")[0], event({"error_code": 111, "error_msg": "expired"})),
        AuthError,
    ),
}


@streams
@pytest.mark.parametrize("kind", BROKEN)
def test_a_stream_is_never_tried_again_after_its_first_event(world, server, chat, kind):
    """What fails after the first event is told, not repeated: the caller has seen a part already."""
    script, expected = BROKEN[kind]
    server.always(script)
    outcome = world.ask(chat)

    assert isinstance(outcome.error, expected)
    assert outcome.events == ["你"]
    assert outcome.error.partial["result"] == "你"
    assert (len(server.requests), len(server.token_requests)) == (1, 1)


#: What can end a stream before its first event, and passes.
STILLBORN = {
    "nothing": stream(),
    "nothing but comments": stream(b": hello\n\n"),
    "reset": stream(RESET),
    "closed": stream(b": hello\n\n", CLOSE),
    "18": stream(event({"error_code": 18, "error_msg": "qps"})),
    "18 as a bare line": stream(b'{"error_code":18,"error_msg":"qps"}\n'),
    "111": stream(event({"error_code": 111, "error_msg": "expired"})),
    "18 as JSON": refusal(18),
    "502": page(502),
    "half a head": (head(200)[:-4], CLOSE),
}


@streams
@pytest.mark.parametrize("kind", STILLBORN)
def test_a_stream_is_tried_again_before_its_first_event(world, server, chat, kind):
    """What fails before the first event is tried again like any call."""
    server.answer(STILLBORN[kind])

    assert world.ask(chat).text == GREETING
    assert len(server.requests) == 2


@streams
def test_a_stream_that_fails_at_its_start_fails_in_the_call(world, server, chat):
    """What fails before the first event is raised by the call itself, not by the iteration."""
    server.always(refusal(336003))

    with pytest.raises(BadRequestError):
        world.open(chat)
