"""Redis lost in mid-run: wait or fail, by choice, never a flood, and as little forgotten as can be."""

from __future__ import annotations

import logging
import re
import threading
from itertools import combinations
from time import monotonic

import pytest
from support.redis_server import RedisServer
from support.replies import answer
from support.server import elapsed
from support.worlds import World

import qianfan
from qianfan.errors import RateLimiterLostError, RateLimitTimeoutError

SECRET = "s3cret-pa55word"


@pytest.fixture
def chat_with(server):
    """Make chats for the scripted server, with a limiter."""
    server.always(answer())
    made = []

    def chat_with(limiter):
        made.append(qianfan.ChatCompletion(access_token="24.mine", base_url=server.url, rate_limiter=limiter))
        return made[-1]

    yield chat_with
    for chat in made:
        chat._client.close()


@pytest.fixture
def closing(world):
    """Close what chats opened in the world's loop when the test is over."""
    chats = []
    yield chats.append
    for chat in chats:
        world.close_client(chat._client)


def meanwhile(act):
    """Do something beside the test, in a thread that ends by itself."""
    thread = threading.Thread(target=act)
    thread.start()
    return thread


def full(redis):
    """Let Redis have no memory to spare."""
    redis.command("CONFIG", "SET", "maxmemory", "1mb")


def replica(redis):
    """Let Redis be a replica, which takes no writes."""
    redis.command("REPLICAOF", "127.0.0.1", "1")


#: How Redis is lost, and how it comes back.
WAYS = {
    "killed": (RedisServer.kill, RedisServer.start),
    "halted": (RedisServer.halt, RedisServer.go_on),
    "full": (full, lambda redis: redis.command("CONFIG", "SET", "maxmemory", "0")),
    "replica": (replica, lambda redis: redis.command("REPLICAOF", "NO", "ONE")),
}
ways = pytest.mark.parametrize(("lose", "bring_back"), WAYS.values(), ids=WAYS)


@ways
def test_wait(redis_server, limiter_for, chat_with, closing, server, world, lose, bring_back):
    """Who waits goes on when Redis is back, and until then nothing leaves."""
    chat = chat_with(limiter_for(redis_server, query_per_second=100, timeout=0.2))
    closing(chat)
    assert world.ask(chat).error is None

    lose(redis_server)
    late = world.ask(chat, request_timeout=0.7)
    assert type(late.error) is RateLimitTimeoutError
    assert "is lost" in str(late.error)
    assert len(server.requests) == 1
    back = meanwhile(lambda: (threading.Event().wait(0.3), bring_back(redis_server)))
    outcomes = world.ask_all([chat] * 4, request_timeout=30)
    back.join()

    assert [outcome.error for outcome in outcomes] == [None] * 4
    assert len(server.requests) == 5


@ways
def test_fail(redis_server, limiter_for, chat_with, closing, server, world, lose, bring_back):
    """Who would rather fail is told at once what is lost, and goes on when it is back."""
    chat = chat_with(limiter_for(redis_server, query_per_second=100, timeout=0.2, when_lost="fail"))
    closing(chat)
    assert world.ask(chat).error is None

    lose(redis_server)
    started = monotonic()
    outcomes = world.ask_all([chat] * 4, request_timeout=300)
    assert {type(outcome.error) for outcome in outcomes} == {RateLimiterLostError}
    assert f"127.0.0.1:{redis_server.port}/0 is lost" in str(outcomes[0].error)
    assert elapsed(started) < 5
    assert len(server.requests) == 1
    bring_back(redis_server)

    deadline = monotonic() + 20
    while world.ask(chat).error is not None:
        assert monotonic() < deadline
    assert len(server.requests) == 2


def test_never_a_flood(redis_server, limiter_for, chat_with, closing, server, world):
    """Through a restart with an empty store, requests keep their distance."""
    chats = [chat_with(limiter_for(redis_server, query_per_second=10, timeout=0.2)) for _ in range(2)]
    for chat in chats:
        closing(chat)

    def restart():
        threading.Event().wait(0.35)
        redis_server.kill()
        redis_server.start()

    back = meanwhile(restart)
    outcomes = world.ask_all(chats * 5, request_timeout=30)
    back.join()

    assert [outcome.error for outcome in outcomes] == [None] * 10
    times = sorted(request.time for request in server.requests)
    for (first, early), (last, late) in combinations(enumerate(times), 2):
        assert last - first + 1 <= 10 * (late - early + 0.1) + 1  # the way may vary by as much


@pytest.mark.parametrize("limits", [{"request_per_minute": 2}, {"token_per_minute": 100}], ids=str)
def test_what_a_minute_held_is_not_forgotten(redis_server, limiter_for, chat_with, closing, world, limits):
    """After FLUSHALL a minute passes in which nothing leaves: what had left before is known to nobody."""
    first, second = (chat_with(limiter_for(redis_server, **limits)) for _ in range(2))
    closing(first)
    closing(second)
    assert world.ask(first, max_output_tokens=2).error is None

    redis_server.command("FLUSHALL")

    for chat in (first, second):
        assert type(world.ask(chat, request_timeout=0.3).error) is RateLimitTimeoutError


def test_known_to_one_is_known_to_all(redis_server, limiter_for, chat_with, closing, world):
    """Where one comes first who knew nothing of the old store, the next who did holds all of them back."""
    first, second = (chat_with(limiter_for(redis_server, request_per_minute=5)) for _ in range(2))
    closing(first)
    closing(second)
    assert world.ask(first).error is None
    redis_server.command("FLUSHALL")

    assert world.ask(second).error is None

    for chat in (first, second):
        assert type(world.ask(chat, request_timeout=0.3).error) is RateLimitTimeoutError


def test_an_older_state_that_comes_back_is_none(redis_server, limiter_for, chat_with, closing, world):
    """A state from before the last departures, as after a restart from a snapshot, counts as lost."""
    limiter = limiter_for(redis_server, request_per_minute=3)
    chat = chat_with(limiter)
    closing(chat)
    state, *_, requests, _ = limiter._courier._store.keys
    assert world.ask(chat).error is None
    seen = redis_server.command("HGETALL", state)
    assert world.ask(chat).error is None
    redis_server.command("HSET", state, *(word for pair in seen.items() for word in pair))
    redis_server.command("LTRIM", requests, 0, 0)

    assert type(world.ask(chat, request_timeout=0.3).error) is RateLimitTimeoutError


def test_a_part_that_was_evicted_is_not_taken_for_nothing(
    redis_server, limiter_for, chat_with, closing, world
):
    """Where Redis dropped one of the keys to save memory, nothing leaves for a minute, whoever asks first."""
    limiter = limiter_for(redis_server, request_per_minute=3)
    first, second = chat_with(limiter), chat_with(limiter_for(redis_server, request_per_minute=3))
    closing(first)
    closing(second)
    assert world.ask(first).error is None

    redis_server.command("DEL", limiter._courier._store.keys[3])

    assert type(world.ask(second, request_timeout=0.3).error) is RateLimitTimeoutError


def test_a_clock_that_is_set_back(redis_server, limiter_for, chat_with, closing, world):
    """Redis' clock may be set back: nobody waits until it shows the old time again."""
    limiter = limiter_for(redis_server, query_per_second=10, request_per_minute=1000)
    chat = chat_with(limiter)
    closing(chat)
    assert world.ask(chat).error is None
    state, *_ = limiter._courier._store.keys
    for name in ("seen", "last"):  # as they would be had the clock shown an hour more until now
        shown = redis_server.command("HGET", state, name)
        redis_server.command("HSET", state, name, repr(float(shown) + 3600))

    outcomes = world.ask_all([chat] * 3, request_timeout=10)

    assert [outcome.error for outcome in outcomes] == [None] * 3


def test_an_idle_connection_that_was_closed_is_no_loss(redis_server, limiter_for, chat_with, closing, world):
    """A server or a firewall closes what is idle: the next call opens another connection and sees nothing of it."""
    chat = chat_with(limiter_for(redis_server, query_per_second=100, when_lost="fail"))
    closing(chat)
    assert world.ask(chat).error is None

    redis_server.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    assert world.ask(chat).error is None


@pytest.mark.parametrize("when_lost", ["wait", "fail"])
def test_a_wrong_password_is_no_loss(tmp_path, limiter_for, chat_with, closing, world, when_lost, caplog):
    """What waiting cannot cure fails at once, by either choice; no password shows anywhere."""
    caplog.set_level(logging.DEBUG)
    with RedisServer(tmp_path, "--requirepass", SECRET) as redis:
        wrong, right = (f"redis://:{word}@127.0.0.1:{redis.port}/0" for word in (f"not-{SECRET}", SECRET))
        redis.url = wrong
        refused = chat_with(limiter_for(redis, query_per_second=100, when_lost=when_lost))
        redis.url = right
        let_in = chat_with(limiter_for(redis, query_per_second=100, when_lost=when_lost))
        closing(refused)
        closing(let_in)

        error = world.ask(refused, request_timeout=300).error
        assert type(error) is RateLimiterLostError
        assert world.ask(let_in).error is None
        redis.kill()
        lost = world.ask(let_in, request_timeout=0.5).error

    for text in (str(error), repr(error), str(lost), repr(lost), caplog.text):
        assert SECRET not in text
    assert "cannot be used" in str(error)


def test_the_log_says_it_once(redis_server, limiter_for, chat_with, caplog):
    """A loss is a warning and its end is told, however many wait and however often is tried."""
    caplog.set_level(logging.INFO, "qianfan")
    limiter = limiter_for(redis_server, query_per_second=100)
    world, chat = World("sync"), chat_with(limiter)
    assert world.ask(chat).error is None
    redis_server.kill()
    for _ in range(2):
        assert world.ask(chat, request_timeout=0.5).error is not None
        while limiter._courier._questions:  # until nobody asks any more, which is no sign that it is back
            threading.Event().wait(0.01)
    redis_server.start()
    assert world.ask(chat, request_timeout=30).error is None

    told = [record.message for record in caplog.records if "the rate limit at" in record.message]
    assert len(told) == 2
    assert re.fullmatch(r"the rate limit at redis://127.0.0.1:\d+/0 is lost: .+", told[0])
    assert told[1].endswith("is back")


def test_a_node_of_a_cluster(tmp_path, limiter_for, chat_with, closing, world):
    """In a cluster the script keeps to its keys, and a URL of any node leads to the one that has them."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    with (
        RedisServer(tmp_path / "a", "--cluster-enabled", "yes") as has_all,
        RedisServer(tmp_path / "b", "--cluster-enabled", "yes") as has_none,
    ):
        has_all.command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        has_none.command("CLUSTER", "MEET", "127.0.0.1", has_all.port)
        deadline = monotonic() + 20
        while any(
            "cluster_state:ok" not in str(node.command("CLUSTER", "INFO")) for node in (has_all, has_none)
        ):
            assert monotonic() < deadline
            threading.Event().wait(0.01)
        chat = chat_with(
            limiter_for(has_none, query_per_second=100, request_per_minute=9, token_per_minute=9999)
        )
        closing(chat)

        outcomes = world.ask_all([chat] * 3)

    assert [outcome.error for outcome in outcomes] == [None] * 3
