"""The SDK against every fault: what it tries again, what it raises as what, and what it keeps of a stream."""

from __future__ import annotations

import asyncio

import pytest
from applications import register
from support.worlds import MESSAGES, unary

import qianfan
from qianfan import errors
from qianfan.local import on
from qianfan.local.sweep import Outcome

#: How a call ends: it is answered, or raises; and how many requests that took.
OK, AGAIN = (None, 1), (None, 2)
BROKEN_REPLY = (errors.RequestError, 1)
CUT_STREAM = (errors.StreamIncompleteError, 1)
TOO_LATE = (errors.RequestTimeoutError, 1)

#: What happens to the first call, how a whole reply then ends, how a stream does, and how many of its
#: events came before.
FAULTS = [
    (on("chat", nth=1).status(429, retry_after=0.01), AGAIN, AGAIN, 0),
    (on("chat", nth=1).status(500), AGAIN, AGAIN, 0),
    (on("chat", nth=1).status(503), AGAIN, AGAIN, 0),
    (on("chat", nth=1).status(504), AGAIN, AGAIN, 0),
    (on("chat", nth=1).status(403), (errors.RequestError, 1), (errors.RequestError, 1), 0),
    (on("chat").status(503), (errors.RequestError, 3), (errors.RequestError, 3), 0),
    (on("chat", nth=1).code(336100), AGAIN, AGAIN, 0),
    (on("chat", nth=1).code(18), AGAIN, AGAIN, 0),
    (on("chat", nth=1).code("internal_error"), AGAIN, AGAIN, 0),
    (on("chat").code(336501), (errors.RateLimitError, 3), (errors.RateLimitError, 3), 0),
    (on("chat").code(336003), (errors.BadRequestError, 1), (errors.BadRequestError, 1), 0),
    (on("chat", nth=1).reset(), AGAIN, AGAIN, 0),
    (on("chat", nth=1).delay(0.05), OK, OK, 0),
    (on("chat", nth=1).slow_headers(0.05), OK, OK, 0),
    (on("chat", nth=1).split(1), OK, OK, 0),
    (on("chat", nth=1).stall(0.05, after=1), OK, OK, 0),
    (on("chat", nth=1).cut(after=0), AGAIN, AGAIN, 0),
    (on("chat", nth=1).cut(after=3), AGAIN, CUT_STREAM, 3),
    (on("chat", nth=1).cut(after=3, clean=True), BROKEN_REPLY, CUT_STREAM, 3),
    (on("chat", nth=1).garbage(), BROKEN_REPLY, BROKEN_REPLY, 0),
    (on("chat", nth=1).garbage(after=3), BROKEN_REPLY, BROKEN_REPLY, 3),
    (on("chat", nth=1).delay(60), TOO_LATE, TOO_LATE, 0),
    (on("chat", nth=1).slow_headers(4), TOO_LATE, TOO_LATE, 0),
    (on("chat", nth=1).stall(), TOO_LATE, TOO_LATE, 0),
    (on("chat", nth=1).stall(after=3), TOO_LATE, TOO_LATE, 3),
]


@pytest.fixture
def connect(make):
    """Make clients of a platform for either version, with keys of their own."""

    def connect(platform, version, **settings):
        if version == 1:
            return make(platform, **settings)
        application = register(platform)  # `make` wants keys of v1, which are no use here
        keys = {"ak": application.ak, "sk": application.sk, "api_key": platform.add_api_key().key}
        return make(platform, version=2, **keys, **settings)

    return connect


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(("fault", "whole", "stream", "kept"), FAULTS, ids=[repr(row[0]) for row in FAULTS])
def test_a_fault_in_a_chat(world, start, connect, version, fault, whole, stream, kept):
    """A call is tried again where that helps, else raises what happened, and what came of a stream is kept."""
    platform = start(faults=[fault])
    client = connect(platform, version, request_timeout=0.4 if TOO_LATE in (whole, stream) else 30)

    outcome = world.ask(client.chat)

    error, requests = stream if world.streams else whole
    assert type(outcome.error) is error if error else outcome.error is None
    assert len(platform.calls("chat")) == requests
    if error is None:
        assert outcome.text.startswith("【本地平台】")
        assert outcome.text == world.ask(client.chat).text
    elif world.streams and kept:
        assert len(outcome.events) == kept
        assert outcome.error.partial["result"] == "".join(outcome.events) != ""
    else:
        assert outcome.events == []
        assert outcome.error.partial is None


@pytest.mark.parametrize("version", [1, 2])
def test_a_service_that_is_down(world, start, connect, version):
    """Resets without end exhaust the attempts; one on a connection kept from before costs none of them."""
    platform = start(faults=[on("chat").reset()])

    error = world.ask(connect(platform, version).chat).error

    assert type(error) is errors.ConnectionFailedError
    assert len(platform.calls("chat")) == len(error.attempts)
    assert [attempt.outcome for attempt in error.attempts] == [
        *(["DeadConnectionError"] if platform.calls("token") else []),
        *["ConnectionFailedError"] * 3,
    ]


@unary
@pytest.mark.parametrize("version", [1, 2])
def test_the_pause_the_service_asks_for(world, start, connect, version):
    """A pause that ends after the time of the call is not waited for: the refusal says how long it is."""
    platform = start(faults=[on("chat").status(429, retry_after=3600)])

    error = world.ask(connect(platform, version, request_timeout=30).chat).error

    assert error.retry_after == 3600
    assert error.status == 429
    assert len(platform.calls("chat")) == 1


@unary
def test_a_token_that_is_refused(world, start, make):
    """A token that the service does not take is fetched anew, once."""
    platform = start(faults=[on("chat", nth=1).code(110)])

    assert world.ask(make(platform).chat).text
    assert len(platform.calls("token")) == 2
    platform.faults.clear()
    platform.on("chat").code(111)
    assert type(world.ask(make(platform).chat).error) is errors.AccessTokenExpiredError
    assert len(platform.calls("token")) == 4


@unary
@pytest.mark.parametrize(
    ("fault", "error", "requests"),
    [
        (on("token", nth=1).status(503), None, 2),
        (on("token", nth=1).code("rate_limit_exceeded"), None, 2),
        (on("token", nth=1).code("unknown_error"), None, 2),
        (on("token", nth=1).reset(), None, 2),
        (on("token", nth=1).cut(), None, 2),
        (on("token").split(1), None, 1),
        (on("token").code("invalid_client"), errors.AuthError, 1),
        (on("token").garbage(), errors.RequestError, 1),
        (on("token").status(200, body={}), errors.RequestError, 1),
    ],
    ids=repr,
)
def test_a_fault_of_the_token_endpoint(world, start, make, fault, error, requests):
    """A token is asked for again where that helps; else the call raises what happened, and sends nothing."""
    platform = start(faults=[fault])
    client = make(platform)

    outcome = world.ask(client.chat)

    assert type(outcome.error) is error if error else outcome.error is None
    assert len(platform.calls("token")) == requests
    assert len(platform.calls("chat")) == (0 if error else 1)


@unary
@pytest.mark.parametrize(
    ("fault", "error", "is_done"),
    [
        (on("console").code(500000), errors.InternalError, False),
        (on("console").status(503), errors.RequestError, False),
        (on("console").reset(), errors.ConnectionFailedError, False),
        (on("console").cut(after=0), errors.ConnectionFailedError, True),
        (on("console").garbage(), errors.RequestError, True),
        (on("console").split(1), None, True),
    ],
    ids=repr,
)
def test_a_console_call_is_sent_once(world, start, fault, error, is_done):
    """What may have been done is not done twice: a console call that fails is not repeated by itself."""
    platform = start(faults=[fault])
    client = platform.client()
    try:
        world.call(client.finetune, "create_task", name="task_1")
    except errors.QianfanError as raised:
        assert type(raised) is error  # noqa: PT017  # it may not raise as well
    else:
        assert error is None
    assert len(platform.calls("console")) == 1
    platform.faults.clear()
    try:
        world.call(client.finetune, "create_task", name="task_1")
    except errors.BadRequestError as raised:
        assert (raised.error_code, is_done) == (510201, True)  # noqa: PT017  # the name exists
    else:
        assert not is_done
    world.close_client(client)
    client.close()


@unary
def test_a_part_of_many_texts(world, start, make):
    """Of texts that are sent in parts, a part that fails tells which texts it held, and what the others gave."""
    platform = start(faults=[on("embedding", text="第20条").code(336003)])
    texts = [f"第{number}条" for number in range(40)]

    error = world.ask(make(platform).embeddings, texts).error

    assert type(error) is errors.BadRequestError
    assert 20 in error.inputs
    assert error.partial is not None


@unary
def test_a_run_is_repeated(world, start, make, tmp_path):
    """The faults of a run that failed, saved and loaded, make it fail in the same way again."""
    first = start(faults=[on("chat", p=0.4).status(503), on("chat", p=0.3).code(336003)])
    first.faults.save(tmp_path / "faults.json")
    again = start()
    again.faults.load(tmp_path / "faults.json")

    def errors_of(platform):
        chat = make(platform, retry_count=1).chat
        return [type(world.ask(chat).error) for _ in range(20)]

    seen = errors_of(first)
    assert len(set(seen)) > 1
    assert errors_of(again) == seen


class TestSweep:
    """The SDK itself, swept."""

    def test_nothing_is_lost(self, start, make):
        """Every standard fault, of whole replies and streams, is handled or raises an error of the SDK."""
        platform = start()
        chat = make(platform, request_timeout=1.2).chat

        def both():
            words = [event["result"] for event in chat.do(MESSAGES, stream=True)]
            return "".join(words), chat.do(MESSAGES)["result"]

        report = platform.sweep(both, allowed=errors.QianfanError)

        assert not report.bad, report.bad
        assert {row.outcome for row in report} == {Outcome.HANDLED, Outcome.RAISED}

    def test_coroutines(self, start):
        """Coroutines are swept as functions are; a client of their own ends with each run."""
        platform = start()
        application = register(platform)

        async def stream():
            async with platform.client(
                ak=application.ak, sk=application.sk, request_timeout=1.2, backoff_factor=0
            ) as client:
                words = [event["result"] async for event in await client.chat.ado(MESSAGES, stream=True)]
            return "".join(words)

        report = platform.sweep(stream, allowed=errors.QianfanError)

        assert not report.bad, report.bad

    def test_careless_code_is_found_out(self, start, make):
        """Code that swallows what the SDK raises, or waits for ever, is bad."""
        platform = start()
        chat = make(platform, request_timeout=600).chat

        def careless():
            words = ""
            try:
                for event in chat.do(MESSAGES, stream=True):
                    words += event["result"]
            except qianfan.errors.QianfanError:
                pass
            return words

        faults = [on("chat").cut(after=2), on("chat").stall(after=2), on("chat").split(5)]
        cut, stalled, split = platform.sweep(careless, faults=faults, timeout=0.5)

        assert (cut.outcome, stalled.outcome, split.outcome) == (Outcome.LOST, Outcome.HUNG, Outcome.HANDLED)
        assert not stalled.left_behind


def test_the_clock_releases_a_late_answer(start, make):
    """An answer that is a day late comes at once when the platform's clock is moved."""
    platform = start(faults=[on("chat").delay(86_400)])
    platform.freeze()
    client = make(platform)

    async def late():
        asked = asyncio.ensure_future(client.chat.ado(MESSAGES))
        while not platform.calls("chat"):  # noqa: ASYNC110  # another thread writes the journal
            await asyncio.sleep(0.001)
        platform.advance(days=1)
        reply = await asked
        await client.aclose()
        return reply["result"]

    assert asyncio.run(late()).startswith("【本地平台】")
