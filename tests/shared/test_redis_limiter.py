"""One limit for many: what `RedisRateLimiter` holds in threads, loops and processes."""

from __future__ import annotations

import asyncio
import os
import pickle
import subprocess
import sys
import threading
from contextlib import suppress
from itertools import combinations, pairwise
from time import monotonic

import pytest
from support.processes import _bare_environment, python
from support.replies import answer
from support.server import elapsed

import qianfan
from qianfan.core.effects import Reserve
from qianfan.drivers import aio, sync
from qianfan.errors import InvalidArgumentError, RateLimitTimeoutError


def leaving(limiter, log=None, tokens=0, patience=20.0):
    """Take a place, write down when the request leaves, and return the place."""
    place = yield Reserve(limiter, tokens, monotonic() + patience)
    if log is not None:
        log.append(monotonic())
    return place


def leave(world, limiter, log=None, tokens=0, patience=20.0):
    """Let one request leave."""
    flow = leaving(limiter, log, tokens, patience)
    return world.run(aio.run(flow, None)) if world.is_async else sync.run(flow, None)


def leave_all(world, limiters, log, **options):
    """Let requests leave that all come at once, one by each limiter."""
    if world.is_async:

        async def all_at_once():
            await asyncio.gather(*(aio.run(leaving(limiter, log, **options), None) for limiter in limiters))

        world.run(all_at_once())
        return
    threads = [
        threading.Thread(target=sync.run, args=(leaving(limiter, log, **options), None))
        for limiter in limiters
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


#: Seconds that the way from the moment a request is let go may be longer one time than another: to a thread that
#: waits for the interpreter's lock, over a new connection, to a server in Python that has read it, all on what may
#: be one busy processor. The limiter's own precision, two hundredths of a request, is measured in benchmarks.
WAY = 0.1


def test_objects_keep_one_limit(shared_redis, limiter_for, world):
    """Limiters that know nothing of each other but the name keep one limit, spaced evenly."""
    limiters = [limiter_for(shared_redis, query_per_second=50) for _ in range(3)]
    log = []

    leave_all(world, limiters * 5, log)

    log.sort()
    for (first, early), (last, late) in combinations(enumerate(log), 2):
        assert last - first + 1 <= 50 * (late - early + WAY) + 1


def test_other_names_do_not_wait_for_each_other(shared_redis, limiter_for, world):
    """A name is a limit."""
    mine = limiter_for(shared_redis, query_per_second=0.01)
    other = limiter_for(shared_redis, query_per_second=0.01, name=f"{mine.name}-other")

    leave(world, mine)
    leave(world, other)

    with pytest.raises(RateLimitTimeoutError):
        leave(world, mine)


def test_what_cannot_leave_in_time_is_told_at_once(shared_redis, limiter_for, world):
    """Nobody waits for a place that comes after the deadline, whoever took the one before."""
    leave(world, limiter_for(shared_redis, query_per_second=0.01))
    started = monotonic()

    with pytest.raises(RateLimitTimeoutError, match="no place in the rate limit in time"):
        leave(world, limiter_for(shared_redis, query_per_second=0.01), patience=30)

    assert elapsed(started) < 5


def test_requests_of_a_minute(shared_redis, limiter_for, world):
    """What others took of a minute is taken."""
    first, second = (limiter_for(shared_redis, request_per_minute=3) for _ in range(2))
    for limiter in (first, second, first):
        leave(world, limiter)

    with pytest.raises(RateLimitTimeoutError):
        leave(world, second, patience=0.3)


def test_waiters_for_tokens_go_on_when_a_reply_frees_some(shared_redis, limiter_for, world, server):
    """Calls of two objects at once, of which the minute holds one by estimate, all go through in turn."""
    server.always(answer())
    chats = [
        qianfan.ChatCompletion(
            access_token="24.mine",
            base_url=server.url,
            rate_limiter=limiter_for(shared_redis, token_per_minute=2000),
        )
        for _ in range(2)
    ]

    outcomes = world.ask_all(chats * 4, request_timeout=20, max_output_tokens=1500)

    assert [outcome.error for outcome in outcomes] == [None] * 8
    for chat in chats:
        world.close_client(chat._client)


def test_tokens_that_are_used_stay_used(shared_redis, limiter_for, world):
    """What one says it has used another waits for."""
    first, second = (limiter_for(shared_redis, token_per_minute=100) for _ in range(2))
    first.settle(leave(world, first, tokens=10), 90)
    leave(world, first, tokens=10)

    with pytest.raises(RateLimitTimeoutError):
        leave(world, second, tokens=10, patience=0.3)


def test_first_come_first_served(shared_redis, limiter_for, world):
    """Who came first leaves first, by whichever object."""
    limiters = [limiter_for(shared_redis, query_per_second=20) for _ in range(2)]
    order = []

    def noted(number):
        yield Reserve(limiters[number % 2], 0, monotonic() + 20)
        order.append(number)

    def waiting():
        return int(shared_redis.command("ZCARD", limiters[0]._courier._store.keys[1]))

    async def tasks():
        made = []
        for number in range(10):
            made.append(asyncio.ensure_future(aio.run(noted(number), None)))
            while len(order) + waiting() <= number:  # noqa: ASYNC110  # Redis sets no event
                await asyncio.sleep(0.001)
        await asyncio.gather(*made)

    if world.is_async:
        world.run(tasks())
    else:
        threads = [threading.Thread(target=sync.run, args=(noted(number), None)) for number in range(10)]
        for number, thread in enumerate(threads):
            thread.start()
            while len(order) + waiting() <= number:
                threading.Event().wait(0.001)
        for thread in threads:
            thread.join()

    assert order == list(range(10))


def test_a_cancelled_waiter_gives_its_place_back(shared_redis, limiter_for):
    """Those behind cancelled tasks move up: without that the last would wait for ten seconds more."""
    limiter, other = (limiter_for(shared_redis, query_per_second=2) for _ in range(2))

    async def main():
        await aio.run(leaving(limiter), None)
        gone = [asyncio.ensure_future(aio.run(leaving(limiter), None)) for _ in range(20)]
        while int(shared_redis.command("ZCARD", limiter._courier._store.keys[1])) < 20:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        waiting = asyncio.ensure_future(aio.run(leaving(other), None))
        await asyncio.sleep(0)
        for task in gone:
            task.cancel()
        await asyncio.wait_for(waiting, 8)

    asyncio.run(main())


#: A process with callers of a shared limit, in threads or tasks.
_CALLERS = """
import asyncio, sys, threading
import qianfan

url, base_url, way, count = sys.argv[1:]
limiter = qianfan.RedisRateLimiter(url, query_per_second=50, name="together")
chat = qianfan.ChatCompletion(access_token="24.mine", base_url=base_url, rate_limiter=limiter)
question = [{"role": "user", "content": "你好"}]
left = iter(range(int(count)))
chat.models()
print("ready", flush=True)
sys.stdin.readline()

def work():
    for _ in left:
        chat.do(question, request_timeout=60)

async def awork():
    for _ in left:
        await chat.ado(question, request_timeout=60)

async def main():
    await asyncio.gather(*(awork() for _ in range(16)))

if way == "async":
    asyncio.run(main())
else:
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


def together(redis, server, ways, count):
    """Let processes make so many calls each, all at once."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _CALLERS, redis.url, server.url, way, str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_bare_environment(),
        )
        for way in ways
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0


@pytest.mark.parametrize("ways", [("sync", "sync"), ("async", "async"), ("sync", "async")])
def test_two_processes(redis_server, server, ways):
    """Two processes at 50 calls a second together: at most 50 * w + 1 in any window, and nearly as many."""
    server.always(answer())

    together(redis_server, server, ways, 75)

    times = sorted(request.time for request in server.requests)
    assert len(times) == 150
    for (first, early), (last, late) in combinations(enumerate(times), 2):
        assert last - first + 1 <= 50 * (late - early + WAY) + 1
    gaps = sorted(later - earlier for earlier, later in pairwise(times))
    assert gaps[len(gaps) // 2] <= 0.02 / 0.95  # the middle one: others may have the processor for a while


def test_the_waiters_of_a_killed_process_stand_in_nobodys_way(shared_redis, limiter_for, world):
    """Whoever was killed while waiting is passed over a second after its time."""
    limiter = limiter_for(shared_redis, query_per_second=10)
    code = f"""
import qianfan, threading
from time import monotonic
from qianfan.core.effects import Reserve
from qianfan.drivers import sync

limiter = qianfan.RedisRateLimiter({shared_redis.url!r}, query_per_second=10, name={limiter.name!r})

def flow():
    yield Reserve(limiter, 0, monotonic() + 60)

for _ in range(15):
    threading.Thread(target=sync.run, args=(flow(), None), daemon=True).start()
print("waiting", flush=True)
threading.Event().wait()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env=_bare_environment()
    ) as process:
        process.stdout.readline()
        while int(shared_redis.command("ZCARD", limiter._courier._store.keys[1])) < 12:
            threading.Event().wait(0.001)
        process.kill()

    for _ in range(3):
        leave(world, limiter, patience=10)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_shares_the_limit_by_a_connection_of_its_own(redis_server, limiter_for):
    """Parent and child both go on, and one takes what the other wanted."""
    limiter = limiter_for(redis_server, request_per_minute=3)
    sync.run(leaving(limiter), None)
    child = os.fork()
    if child == 0:
        code = 1
        with suppress(BaseException):
            sync.run(leaving(limiter), None)
            code = 0 if redis_server.connections() == 2 else 2
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

    sync.run(leaving(limiter), None)

    with pytest.raises(RateLimitTimeoutError):
        sync.run(leaving(limiter, patience=0.3), None)


def test_a_pickled_limiter_shares_the_limit(shared_redis, limiter_for, world):
    """A copy for another machine keeps the same limit."""
    limiter = limiter_for(shared_redis, request_per_minute=1, when_lost="fail", timeout=1.5)
    copy = pickle.loads(pickle.dumps(limiter))  # noqa: S301  # our own
    leave(world, limiter)

    with pytest.raises(RateLimitTimeoutError):
        leave(world, copy, patience=0.3)
    assert repr(copy) == repr(limiter)
    copy.close()


def test_loops_one_after_another(shared_redis, limiter_for):
    """One limiter serves threads and one loop after the other."""
    limiter, log = limiter_for(shared_redis, query_per_second=100), []

    for _ in range(3):
        asyncio.run(aio.run(leaving(limiter, log), None))
        sync.run(leaving(limiter, log), None)

    assert len(log) == 6


def test_one_connection_and_none_after_close(redis_server, limiter_for, world):
    """However many callers, there is one connection; `close` closes it, and the next call opens one."""
    limiter, log = limiter_for(redis_server, query_per_second=500), []

    leave_all(world, [limiter] * 30, log)
    assert redis_server.connections() == 1

    limiter.close()
    assert redis_server.connections() == 0
    leave(world, limiter)
    assert redis_server.connections() == 1


_DROPPED = """
import asyncio, sys
import qianfan
from time import monotonic
from qianfan.core.effects import Reserve
from qianfan.drivers import aio, sync

def flow(limiter):
    yield Reserve(limiter, 0, monotonic() + 10)

for way in range(2):
    limiter = qianfan.RedisRateLimiter(sys.argv[1] if sys.argv[1:] else URL, query_per_second=100)
    sync.run(flow(limiter), None)
    asyncio.run(aio.run(flow(limiter), None))
del limiter
"""


def test_nothing_is_left_open(shared_redis):
    """Who drops a limiter, or ends the program with one, gets no warning of what was left open."""
    python(_DROPPED.replace("sys.argv[1] if sys.argv[1:] else URL", repr(shared_redis.url)))


def test_all_keys_expire(redis_server, limiter_for, world):
    """What nobody uses any more disappears by itself."""
    limiter = limiter_for(redis_server, query_per_second=5, request_per_minute=5, token_per_minute=5)
    for _ in range(2):
        leave(world, limiter)

    keys = redis_server.command("KEYS", "*")

    assert keys
    assert all(60 < int(redis_server.command("TTL", key)) < 180 for key in keys)


def test_other_limits_under_one_name(shared_redis, limiter_for, world):
    """Where processes disagree about the limits, the later one is told, and sends nothing."""
    leave(world, limiter_for(shared_redis, query_per_second=5))

    with pytest.raises(InvalidArgumentError, match="under this name"):
        leave(world, limiter_for(shared_redis, query_per_second=50))


@pytest.mark.parametrize(
    ("url", "arguments", "words"),
    [
        ("http://:s3cret@host", {"query_per_second": 1}, "no URL of Redis"),
        ("redis://:s3cret/x@host", {"query_per_second": 1}, "no URL of Redis"),
        ("redis://:s3cret@", {"query_per_second": 1}, "no URL of Redis"),
        (None, {"query_per_second": 1}, "no URL of Redis"),
        ("redis://:s3cret@host", {}, "needs a limit"),
        ("redis://:s3cret@host", {"query_per_second": 0}, "above 0"),
        ("redis://:s3cret@host", {"request_per_minute": 0.5}, "at least 1"),
        ("redis://:s3cret@host", {"query_per_second": 1, "name": "a{b}"}, "braces"),
        ("redis://:s3cret@host", {"query_per_second": 1, "name": ""}, "braces"),
        ("redis://:s3cret@host", {"query_per_second": 1, "when_lost": "go"}, '"wait" or "fail"'),
        ("redis://:s3cret@host", {"query_per_second": 1, "timeout": 0}, "above 0"),
    ],
)
def test_arguments_that_do_not_fit(url, arguments, words):
    """What does not fit is refused when the limiter is made, without the password."""
    with pytest.raises(InvalidArgumentError, match=words) as caught:
        qianfan.RedisRateLimiter(url, **arguments)

    assert "s3cret" not in str(caught.value)


def test_how_it_prints():
    """A limiter shows where it is and what it limits, and no password."""
    url = "redis://user:s3cret@host:6380/2?password=s3cret"
    limiter = qianfan.RedisRateLimiter(url, query_per_second=5)

    assert repr(limiter) == (
        "RedisRateLimiter('redis://host:6380/2', query_per_second=5.0, name='default', when_lost='wait', timeout=2.0)"
    )


def test_a_limit_beside_it(shared_redis, limiter_for):
    """It is a rate limiter like the other: a limit beside it is one answer too many."""
    limiter = limiter_for(shared_redis, query_per_second=5)

    with pytest.raises(InvalidArgumentError, match="rate_limiter and query_per_second"):
        qianfan.Qianfan(access_token="24.mine", rate_limiter=limiter, query_per_second=5)
