"""The platform's clock: moved, stopped, let go; and what waits for it."""

from __future__ import annotations

import asyncio
import time

import pytest
import urllib3
from asker import Asker

from qianfan.local import Clock

NOW = 1_700_000_000.0
QUESTION = {"messages": [{"role": "user", "content": "你好"}]}


@pytest.fixture
def source():
    """A time that the test sets, as the source of clocks."""
    return [NOW]


@pytest.fixture
def clock(source):
    """A clock that follows the test's time."""
    return Clock(lambda: source[0])


def test_a_frozen_clock_stands_still(clock, source):
    """While it is frozen only advance moves it; afterwards it runs on from where it stood."""
    clock.freeze()
    source[0] += 100
    clock.freeze()

    assert (clock.now(), clock.frozen) == (NOW, True)
    clock.advance(5)
    assert clock.now() == NOW + 5

    clock.unfreeze()
    clock.unfreeze()
    assert (clock.now(), clock.frozen) == (NOW + 5, False)
    source[0] += 1
    assert clock.now() == NOW + 6


def test_time_never_runs_backwards_over_a_restart(clock, source):
    """A clock that catches up with what was saved shows no earlier time, be it frozen or not at the end."""
    clock.advance(50)
    clock.freeze()
    source[0] += 100
    saved = clock.offset
    clock.unfreeze()

    for offset in (saved, clock.offset):
        later = Clock(lambda: source[0])
        later.catch_up(offset)
        assert later.now() >= clock.now()


@pytest.mark.parametrize("step", [-1, float("nan"), float("inf"), 1e12])
@pytest.mark.parametrize("frozen", [False, True])
def test_impossible_steps_are_refused(clock, step, frozen):
    """Time goes neither backwards nor beyond the dates that can be written, and a refusal moves nothing."""
    if frozen:
        clock.freeze()

    with pytest.raises(ValueError, match="the clock"):
        clock.advance(step)
    assert clock.now() == NOW


async def test_advance_ends_a_wait():
    """Who waits for a frozen clock goes on when it is advanced far enough, by whichever thread; not before."""
    clock = Clock()
    clock.freeze()
    start = clock.now()
    waits = [asyncio.ensure_future(clock.wait_until(start + seconds)) for seconds in (0, 10, 20, 30)]

    done = []
    for _ in range(3):
        await asyncio.wait(waits[: len(done) + 1])
        done.append([wait.done() for wait in waits])
        await asyncio.to_thread(clock.advance, 10)
    await waits[-1]

    assert done == [[True, False, False, False], [True, True, False, False], [True, True, True, False]]


async def test_small_steps_reach_a_sum():
    """Steps whose sum is the time but for the rounding of floats end the wait for it."""
    clock = Clock(lambda: NOW)
    wait = asyncio.ensure_future(clock.wait_until(NOW + 0.1 * 3 + 0.7))
    for _ in range(10):
        clock.advance(0.1)

    await wait


@pytest.mark.parametrize("change", [Clock.unfreeze, lambda clock: clock.catch_up(60)])
async def test_every_change_is_looked_at(change):
    """A wait ends when the clock runs again or catches up, too."""
    clock = Clock()
    clock.freeze()
    wait = asyncio.ensure_future(clock.wait_until(clock.now() + 0.01))
    await asyncio.sleep(0)
    assert not wait.done()

    change(clock)

    await wait


async def test_freezing_holds_a_wait():
    """A clock that is frozen while somebody waits for it holds them, for as long as it stands."""
    clock = Clock()
    wait = asyncio.ensure_future(clock.wait_until(clock.now() + 0.05))
    await asyncio.sleep(0)
    clock.freeze()

    done, _ = await asyncio.wait([wait], timeout=0.2)
    assert done == set()
    clock.advance(1)
    await wait


async def test_a_wait_can_be_ended_otherwise():
    """A wait ends with what it was told to end with, and a cancelled one leaves nothing behind."""
    clock = Clock()
    clock.freeze()
    other = asyncio.get_running_loop().create_future()
    ended = asyncio.ensure_future(clock.wait_until(clock.now() + 1, unless=other))
    cancelled = asyncio.ensure_future(clock.wait_until(clock.now() + 1))
    await asyncio.sleep(0)

    other.set_result(None)
    cancelled.cancel()
    await asyncio.wait([ended, cancelled])
    await clock.wait_until(clock.now() + 1, unless=other)

    assert (ended.exception(), cancelled.cancelled()) == (None, True)
    assert clock._waiting == set()  # a leak could be seen nowhere else


@pytest.mark.parametrize("version", [1, 2])
def test_advance_sends_what_is_due(start, version):
    """Of a stream that waits for a frozen clock, advance sends just what that time would have brought."""
    caller = start(chunk_delay=1)
    caller.platform.freeze()
    stream = Asker(caller.platform, version).open("你好")

    assert stream.events(1) == 1
    caller.platform.advance(seconds=1)
    assert stream.events(1) == 2
    caller.platform.advance(seconds=0.5)
    caller.platform.advance(seconds=0.5)
    assert stream.events(1) == 3
    caller.platform.advance(seconds=3)
    assert stream.events(3) == 6
    caller.platform.advance(hours=1)
    assert b"data: " in stream.response.read()
    assert caller.platform.calls("chat").last.duration is not None


@pytest.mark.parametrize("version", [1, 2])
def test_a_stream_that_waits_is_cut_by_stop(start, version):
    """A stream that waits for a frozen clock does not hold up the platform's end, and shows in the journal."""
    caller = start(chunk_delay=1)
    caller.platform.freeze()
    stream = Asker(caller.platform, version).open("你好")
    stream.events(1)

    caller.platform.stop()

    with pytest.raises(urllib3.exceptions.ProtocolError):
        stream.response.read()
    call = caller.platform.calls("chat").last
    assert (len(call.reply), call.duration) == (1, None)


def test_a_caller_who_leaves_is_not_waited_for(start):
    """A stream whose caller has gone while it waited is forgotten; others go on."""
    caller = start(chunk_delay=1)
    caller.platform.freeze()
    left, stays = (Asker(caller.platform, version).open("你好") for version in (1, 2))
    wait_for_waiting(caller.platform, 2)

    left.response.close()
    wait_for_waiting(caller.platform, 1)
    caller.platform.advance(hours=1)

    assert stays.response.read().endswith(b"data: [DONE]\n\n")
    gone, stayed = caller.platform.calls("chat")
    assert (len(gone.reply), gone.duration) == (1, None)
    assert stayed.duration is not None


def wait_for_waiting(platform, many):
    """Wait until so many streams wait for a platform's clock, which nothing public tells."""
    while len(platform._state.clock._waiting) != many:
        time.sleep(0.001)


def test_what_follows_the_clock_stands_with_it(start):
    """On a frozen clock dates and `created` stand, quotas do not refill and tokens live, until it is advanced."""
    caller = start(qps=1, token_lifetime=60)
    caller.platform.freeze()
    first = caller.post(QUESTION)
    date, created = first.headers["Date"], first.json()["created"]

    assert caller.post(QUESTION).json()["error_code"] == 18
    caller.platform.advance(seconds=59)
    second = caller.post(QUESTION)
    assert second.json()["created"] == created + 59
    assert second.headers["Date"] != date == first.headers["Date"]
    assert caller.post(QUESTION).json()["error_code"] == 18
    caller.platform.advance(seconds=1)
    assert caller.post(QUESTION).json()["error_code"] == 111
    assert [call.time for call in caller.platform.calls("chat")] == pytest.approx(
        [created, created, created + 59, created + 59, created + 60], abs=1
    )


def test_the_state_file_keeps_how_far_the_clock_is(start, tmp_path):
    """A platform on a state file finds the clock no earlier than another left it, and running."""
    platform = start(state=tmp_path / "state.db").platform
    platform.freeze()
    platform.advance(days=3)
    left = platform._state.clock.now()  # which a call's `created` would tell only in whole seconds
    platform.stop()

    again = start(state=tmp_path / "state.db").platform
    assert again._state.clock.now() >= left
    assert not again._state.clock.frozen
