"""Rate limits on the way to a socket: exact, shared, fair, and given back."""

from __future__ import annotations

import asyncio
import os
import pickle
import threading
from itertools import combinations
from time import monotonic

import pytest
from support.processes import python
from support.replies import STALL, answer, events, refusal, stream, vectors
from support.server import elapsed
from support.worlds import MESSAGES, streams

import qianfan.local
from qianfan import Qianfan, RateLimiter
from qianfan.core.effects import Reserve
from qianfan.drivers import aio, sync
from qianfan.errors import InvalidArgumentError, RateLimitError, RateLimitTimeoutError, RequestTimeoutError
from qianfan.response import RateLimits


def leaving(limiter, log, deadline=60.0):
    """Take a place and write down when the request leaves."""
    yield Reserve(limiter, 0, monotonic() + deadline)
    log.append(monotonic())


def in_threads(limiter, log, count, each):
    """Start threads that let requests leave one after another."""

    def work():
        for _ in range(each):
            sync.run(leaving(limiter, log), None)

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


async def in_tasks(limiter, log, count, each):
    """Let requests leave from tasks, each task one after another."""

    async def work():
        for _ in range(each):
            await aio.run(leaving(limiter, log), None)

    await asyncio.gather(*(work() for _ in range(count)))


def times(server):
    """Return when each inference request arrived: some milliseconds after it left, on a busy machine more."""
    return [request.time for request in server.requests]


#: Seconds that a thread may lose the processor before it looks at its clock; tests/unit has the arithmetic.
SLACK = 0.002


@pytest.mark.parametrize(("threads", "tasks"), [(8, 0), (0, 64), (8, 64)])
def test_every_window(threads, tasks):
    """From threads, tasks and both at once: over any window of w seconds at most q * w + 1 leave."""
    limiter, log, rate = RateLimiter(100), [], 100
    started = monotonic()
    working = in_threads(limiter, log, threads, 5)
    if tasks:
        asyncio.run(in_tasks(limiter, log, tasks, 1))
    for thread in working:
        thread.join()

    log.sort()
    assert len(log) == threads * 5 + tasks
    for (first, early), (last, late) in combinations(enumerate(log), 2):
        assert last - first + 1 <= rate * (late - early + SLACK) + 1
    assert log[-1] - started < 5 * len(log) / rate


def test_half_a_request_a_second(make, server, world):
    """A rate below one is seconds between requests: a third one cannot leave within one and a half."""
    server.always(stream(*events("你", "好")) if world.streams else answer())
    chat = make(query_per_second=0.5).chat
    world.ask(chat)

    outcome = world.ask(chat, request_timeout=1.5)

    assert type(outcome.error) is RateLimitTimeoutError
    assert "rate limit" in outcome.error.message
    assert len(server.requests) == 1


def test_what_cannot_leave_in_time_is_told_at_once(make, server, world):
    """Nobody waits for a place that comes after the deadline."""
    server.always(stream(*events("你", "好")) if world.streams else answer())
    chat = make(query_per_second=0.01).chat
    world.ask(chat)
    started = monotonic()

    outcome = world.ask(chat, request_timeout=30)

    assert type(outcome.error) is RateLimitTimeoutError
    assert elapsed(started) < 5


def test_every_attempt_takes_a_place(make, server, world):
    """Attempts of a retry are as far apart as calls are; the token request takes no place."""
    server.answer(refusal(18), refusal(18))
    server.always(stream(*events("你", "好")) if world.streams else answer())
    chat = make(query_per_second=10, backoff_factor=0).chat

    outcome = world.ask(chat)

    assert outcome.error is None
    assert len(server.requests) == 3
    gaps = [later - earlier for earlier, later in zip(times(server), times(server)[1:], strict=False)]
    assert all(gap > 0.04 for gap in gaps)


def test_a_place_that_comes_too_late_tells_what_was_tried(make, server, world):
    """What went wrong before the wait is not lost."""
    server.always(refusal(18))
    chat = make(query_per_second=0.1, backoff_factor=0).chat

    outcome = world.ask(chat, request_timeout=5)

    assert isinstance(outcome.error, RateLimitTimeoutError)
    assert [attempt.outcome for attempt in outcome.error.attempts] == [
        "RateLimitError 18",
        "RateLimitTimeoutError",
    ]


def test_one_limiter_for_several_objects(server, world):
    """Objects with different keys that are given one limiter keep one limit together."""
    server.always(stream(*events("你", "好")) if world.streams else answer())
    limiter = RateLimiter(10)
    chats = [
        qianfan.ChatCompletion(access_token=f"24.mine{number}", base_url=server.url, rate_limiter=limiter)
        for number in range(3)
    ]

    outcomes = world.ask_all(chats)

    assert [outcome.error for outcome in outcomes] == [None] * 3
    arrived = sorted(times(server))
    assert arrived[-1] - arrived[0] > 0.1
    for chat in chats:
        world.close_client(chat._client)


def test_objects_of_their_own_do_not_wait_for_each_other(server, world):
    """A limit given as a number is the object's own."""
    server.always(stream(*events("你", "好")) if world.streams else answer())
    clients = [Qianfan(access_token="24.mine", base_url=server.url, query_per_second=0.1) for _ in range(3)]

    outcomes = world.ask_all([client.chat for client in clients], request_timeout=5)

    assert [outcome.error for outcome in outcomes] == [None] * 3
    for client in clients:
        world.close_client(client)


def test_a_cancelled_waiter_gives_its_place_back():
    """Those behind a cancelled task move up at once, tasks and threads alike."""
    limiter, log = RateLimiter(2), []

    async def main():
        await aio.run(leaving(limiter, log), None)
        gone = [asyncio.ensure_future(aio.run(leaving(limiter, []), None)) for _ in range(20)]
        await asyncio.sleep(0)
        waiting = asyncio.ensure_future(aio.run(leaving(limiter, log), None))
        thread = asyncio.ensure_future(asyncio.to_thread(sync.run, leaving(limiter, log), None))
        await asyncio.sleep(0.05)
        for task in gone:
            task.cancel()
        await asyncio.gather(waiting, thread)

    asyncio.run(main())

    assert log[1] - log[0] == pytest.approx(0.5, abs=0.3)
    assert log[2] - log[1] == pytest.approx(0.5, abs=0.3)


def test_first_come_first_served():
    """Threads and tasks leave in the order in which they came."""
    limiter, order = RateLimiter(50), []

    def noted(name):
        yield Reserve(limiter, 0, monotonic() + 60)
        order.append(name)

    async def main():
        waiting = []
        for number in range(20):
            flow = noted(number)
            if number % 2:
                waiting.append(asyncio.ensure_future(aio.run(flow, None)))
                await asyncio.sleep(0)
            else:
                waiting.append(asyncio.ensure_future(asyncio.to_thread(sync.run, flow, None)))
            while limiter._next_ticket <= number:  # noqa: ASYNC110  # a thread that joins the queue sets no event
                await asyncio.sleep(0.001)
        await asyncio.gather(*waiting)

    asyncio.run(main())

    assert order == list(range(20))


@streams
def test_a_stream_settles_what_it_used(make, server, world):
    """The tokens of a stream count when it ends, and when it is closed before its end."""
    server.always(stream(*events("你", "好")))
    chat = make(token_per_minute=2000).chat

    for _ in range(3):
        assert world.ask(chat, request_timeout=10, max_output_tokens=1500).error is None
        opened = world.open(chat, request_timeout=10, max_output_tokens=1500)
        opened.next()
        opened.close()

    assert len(server.requests) == 6


def test_tokens_are_corrected_by_the_reply(make, server, world):
    """Three calls thought to use most of a minute's tokens leave one after another; what none used is free."""
    server.always(stream(*events("你", "好")) if world.streams else answer())
    chat = make(token_per_minute=2000).chat

    outcomes = [world.ask(chat, request_timeout=10, max_output_tokens=1500) for _ in range(3)]

    assert [outcome.error for outcome in outcomes] == [None] * 3


def test_waiters_for_tokens_go_on_when_a_reply_frees_some(make, server, world):
    """Calls at once, of which the minute holds one by estimate, all go through when replies used little."""
    server.always(stream(*events("你", "好")) if world.streams else answer())
    chat = make(token_per_minute=2000).chat

    outcomes = world.ask_all([chat] * 6, request_timeout=20, max_output_tokens=1500)

    assert [outcome.error for outcome in outcomes] == [None] * 6


def test_a_refusal_uses_no_tokens_and_silence_may_have(make, server, world):
    """A refused request gives its tokens back; one that was never answered keeps them."""
    server.answer(refusal(336003), (STALL,))
    server.always(stream(*events("你", "好")) if world.streams else answer())
    chat = make(token_per_minute=2000, retry_count=1).chat
    ask = {"max_output_tokens": 1500}

    assert world.ask(chat, **ask).error.code == 336003
    assert type(world.ask(chat, request_timeout=0.2, **ask).error) is RequestTimeoutError
    assert "rate limit" in str(world.ask(chat, request_timeout=0.2, **ask).error)


def test_requests_per_minute_never_pass_the_platforms(world):
    """A client with the platform's own limit is never refused, and leaves as soon as the platform lets it."""
    with qianfan.local.platform(rpm=3) as platform:
        client = platform.client(request_per_minute=3, retry_count=1)
        outcomes = [world.ask(client.chat, request_timeout=0.3) for _ in range(4)]
        world.close_client(client)

    assert [outcome.error for outcome in outcomes[:3]] == [None] * 3
    assert isinstance(outcomes[3].error, RateLimitTimeoutError)
    assert len(platform.calls("chat")) == 3


def test_the_services_headers(world):
    """What the service says of its limits reads on replies and errors."""
    with qianfan.local.platform(rpm=2, tpm=5000) as platform:
        client = platform.client(retry_count=1)
        first, _, refused = [world.ask(client.chat) for _ in range(3)]
        world.close_client(client)

    told = first.reply.rate_limit
    assert (told.limit_requests, told.remaining_requests, told.limit_tokens) == (2, 1, 5000)
    assert isinstance(refused.error, RateLimitError)
    assert refused.error.rate_limit[:3] == (2, 5000, 0)


def test_headers_tighten_an_adaptive_limiter(world):
    """An adaptive limiter keeps a limit nobody told it but the service; another does not."""
    with qianfan.local.platform(rpm=2) as platform:
        client = platform.client(rate_limiter=RateLimiter(adaptive=True), retry_count=1)
        outcomes = [world.ask(client.chat, request_timeout=0.3) for _ in range(3)]
        world.close_client(client)

    assert [outcome.error for outcome in outcomes[:2]] == [None] * 2
    assert isinstance(outcomes[2].error, RateLimitTimeoutError)
    assert len(platform.calls("chat")) == 2


def test_no_headers(make, server, world):
    """Where the service says nothing, nothing is known."""
    server.always(stream(*events("你", "好")) if world.streams else answer())

    assert world.ask(make().chat).reply.rate_limit == RateLimits()


def test_parts_of_an_embedding_take_places(server):
    """Each request of a long list takes a place of its own."""
    server.choose = lambda request: vectors(request.json["input"])
    embedding = qianfan.Embedding(access_token="24.mine", base_url=server.url, query_per_second=20)

    embedding.do([f"第{number}段" for number in range(64)])

    arrived = sorted(times(server))
    assert len(arrived) == 4
    assert arrived[-1] - arrived[0] > 0.08
    embedding._client.close()


#: A waiting thread in which, at each line of the waiting once, something else rings for it to wake: as a
#: stream does that the garbage collector finds there and then.
_RUNG_FROM_WITHIN = """
import sys, threading
from time import monotonic, sleep
from qianfan import RateLimiter
from qianfan.core.effects import Reserve
from qianfan.drivers import sync

limiter, left, seen, grown = RateLimiter(token_per_minute=100), [], set(), 0

def flow(tokens):
    left.append((yield Reserve(limiter, tokens, monotonic() + 60)))

def ring(frame, event, argument):
    line = frame.f_code, frame.f_lineno, event
    if line not in seen:
        seen.add(line)
        limiter.abandon(left[0])  # which has left long ago: nothing changes, but the first is rung
    return ring

def wait():
    sys.settrace(ring)
    sync.run(flow(50), None)

sync.run(flow(100), None)
thread = threading.Thread(target=wait)
thread.start()
while not limiter._waiting or grown != len(seen):  # until it sleeps, having been rung at every line
    grown = len(seen)
    sleep(0.05)
limiter.settle(left[0], 0)
thread.join()
print(len(left))
"""


def test_a_bell_may_ring_in_its_own_thread():
    """What is freed in a waiting thread by its garbage collector, at whatever line, never blocks it."""
    assert python(_RUNG_FROM_WITHIN) == "2\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_has_a_queue_of_its_own():
    """A child does not wait behind its parent's callers."""
    client = Qianfan(access_token="24.mine", rate_limiter=(limiter := RateLimiter(2)))
    log = []
    sync.run(leaving(limiter, log), None)
    threads = in_threads(limiter, log, 3, 1)
    while limiter._next_ticket < 4:
        threading.Event().wait(0.001)
    child = os.fork()
    if child == 0:
        try:
            sync.run(leaving(limiter, [], deadline=0.2), None)
        except BaseException:  # noqa: BLE001  # the parent tells
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    for thread in threads:
        thread.join()
    client.close()


def test_a_pickled_client_has_a_limiter_of_its_own(make):
    """The limits travel, the queue does not."""
    client = make(query_per_second=5, request_per_minute=60)
    copy = pickle.loads(pickle.dumps(client))  # noqa: S301  # our own

    assert repr(copy._settings.limiter) == repr(client._settings.limiter)
    assert copy._settings.limiter is not client._settings.limiter
    copy.close()


@pytest.mark.parametrize("limit", ["query_per_second", "request_per_minute", "token_per_minute"])
def test_two_answers_to_one_question(limit):
    """A limiter and a limit beside it do not go together; what is no limiter is none."""
    with pytest.raises(InvalidArgumentError, match=f"rate_limiter and {limit}"):
        Qianfan(access_token="24.mine", rate_limiter=RateLimiter(1), **{limit: 5})
    with pytest.raises(InvalidArgumentError, match=r"qianfan\.RateLimiter, not int"):
        Qianfan(access_token="24.mine", rate_limiter=5)


def test_messages_are_asked_once_they_may_leave(make, server):
    """The call's own messages go out unchanged after the wait."""
    server.always(answer())
    chat = make(query_per_second=50).chat
    chat.do(MESSAGES)
    chat.do(MESSAGES)

    assert [request.json["messages"] for request in server.requests] == [MESSAGES] * 2


def test_limits_of_the_environment_are_the_processes(server, monkeypatch):
    """Objects made one after another under QIANFAN_QPS_LIMIT keep one limit together; an argument is the object's own."""
    monkeypatch.setenv("QIANFAN_QPS_LIMIT", "7.25")
    made = [Qianfan(access_token="24.mine", base_url=server.url) for _ in range(2)]
    own = Qianfan(access_token="24.mine", base_url=server.url, query_per_second=7.25)

    assert made[0]._settings.limiter is made[1]._settings.limiter
    assert own._settings.limiter is not made[0]._settings.limiter
    for client in (*made, own):
        client.close()
