"""The script in Redis reckons as the limiter in Python does, whoever asks when."""

from __future__ import annotations

import struct
from math import inf

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qianfan.core.limits import MINUTE, NEAR, OVERDUE, UNEVEN, RateLimiter
from qianfan.drivers.redis_store import Store

LEFT, WAITS, IN_VAIN = 1, 0, -1


class Script:
    """The script, told the time.

    Args:
        redis: Where it runs.
        limits: Requests a second, requests and tokens a minute.
        lead: How long before its time a place is given.
        look: How long who is first may wait before it looks again.
    """

    def __init__(self, redis, *limits, lead=0.0, look=inf, name="arithmetic"):
        rate, *most = limits
        self.store = Store(redis.url, name, 5.0)
        self.fixed = [1 / rate if rate else 0.0, *(limit or "" for limit in most), "these"]
        self.lead, self.look = lead, look

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.store.close()

    def run(self, now, *asked, known="", seen=0):
        """Have one thing done, or several at once; return the answers."""
        constants = [now, MINUTE, NEAR, OVERDUE, *self.fixed, known, seen, self.lead, self.look, self.look]
        self.born, self.now, *answers = self.store.run([*constants, *asked])
        return answers

    def ask(self, now, ticket="", tokens=0, patience=inf, **more):
        """Ask for one place; return the answer, its ticket, its seconds and the number of what it spent."""
        what, ticket, seconds, spend, _ = self.run(now, "ask", ticket, tokens, patience, **more)[0]
        return what, ticket.decode(), float(seconds), spend.decode()

    def key(self, what):
        """Return one of the keys."""
        return next(key for key in self.store.keys if key.endswith(what))


#: Exact fractions, so that limits are met to the bit, and any others. None is when who was told last may ask again.
STEPS = st.one_of(st.sampled_from([None, None, 0.0, 0.0, 0.25, 1.0, 1.5, 7.0, 30.0, 60.0]), st.floats(0, 70))
WHATS = ["enter", "enter", "enter", "ask", "ask", "ask", "ask", "ask", "ask", "abandon", "settle", "leave"]
PATIENCE = st.sampled_from([inf, inf, inf, -1.0, 0.0, 0.25, 10.0, 100.0])

#: Any sequence: what, which place, tokens, patience, and how much later than the one before.
HISTORIES = st.lists(
    st.tuples(st.sampled_from(WHATS), st.integers(0, 99), st.integers(0, 60), PATIENCE, STEPS),
    min_size=30,
    max_size=150,
)


class Both:
    """The limiter in Python and the script, done the same to."""

    def __init__(self, script, limiter, now):
        self.script, self.limiter = script, limiter
        self.now = self.told = now
        self.places, self.tickets, self.waiting = [], [], []
        self.spends = {}

    def do(self, what, which, tokens, patience, step):
        """Do one thing to both; they must answer alike."""
        self.now = max(self.now, self.told) if step is None else self.now + step
        if what == "enter" or (what in {"ask", "abandon"} and not self.waiting):
            self.waiting.append(len(self.places))
            self.places.append(self.limiter.enter(tokens))
            self.tickets.append(self.script.run(self.now, "enter", "", tokens, 0)[0][1].decode())
        elif what == "leave":
            self.limiter.leave(self.now)
            self.script.run(self.now, "leave", "", 0, self.now + UNEVEN * self.limiter._interval)
        elif what == "settle":
            if self.spends:
                number = list(self.spends)[which % len(self.spends)]
                self.limiter.settle(self.places[number], tokens)
                self.script.run(self.now, "settle", self.spends[number], tokens, 0)
        elif what == "abandon":
            number = self.waiting.pop(which % len(self.waiting))
            self.limiter.abandon(self.places[number])
            self.script.run(self.now, "abandon", self.tickets[number], 0, 0)
        else:
            self.ask(self.waiting[which % len(self.waiting)], patience)

    def ask(self, number, patience):
        """Let a place ask in both."""
        place, now = self.places[number], self.now
        expected = self.limiter.ask(place, now, now + patience)
        what, _, seconds, spend = self.script.ask(now, self.tickets[number], place.tokens, patience)
        if what == LEFT:
            assert (expected, seconds) == (0, 0)
            self.waiting.remove(number)
            self.spends[number] = spend
        elif what == WAITS:
            assert expected == (min(seconds, now + patience - now) or inf)
            self.told = now + seconds
        else:
            assert (what, expected) == (IN_VAIN, inf)

    def same(self, redis):
        """What both remember is the same too: last, the queue, and what the last minute used."""
        now = self.now
        place = self.limiter.enter()  # words are read by who asks
        self.limiter.ask(place, now, -inf)
        self.limiter.abandon(place)
        ticket = self.script.ask(now, "", 0, -inf)[1]
        self.script.run(now, "abandon", ticket, 0, 0)
        self.limiter._read()

        state = redis.hgetall(self.script.key("state"))
        queue = redis.zrange(self.script.key("queue"), 0, -1)
        assert float(state[b"last"]) == self.limiter._last
        assert [self.tickets.index(ticket.decode()) for ticket in queue] == [
            self.places.index(place) for place in self.limiter._waiting
        ]
        assert float(state[b"used"]) == self.limiter._tokens._used
        for minute, key, form in (("_requests", "requests", "<d"), ("_tokens", "tokens", "<dd")):
            kept = [struct.unpack(form, raw) for raw in redis.lrange(self.script.key(key), 0, -1)]
            spent = getattr(self.limiter, minute)._spent
            assert kept == [(old.time, float(old.amount))[: len(form) - 1] for old in spent]


@pytest.fixture(scope="module")
def raw(shared_redis):
    """A client of the Redis, whose answers are bytes."""
    import redis

    with redis.Redis(port=shared_redis.port) as client:
        yield client


@given(
    st.sampled_from([None, 0.1, 0.5, 1, 4, 7.5, 1000]),
    st.sampled_from([None, 1, 3, 10.5]),
    st.sampled_from([None, 1, 50, 100]),
    st.one_of(st.integers(0, 1000).map(float), st.floats(0, 1e9)),
    HISTORIES,
)
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_script_and_python_agree(shared_redis, raw, rate, requests, tokens, start, calls):
    """Whatever is done in whatever order at whatever times, both answer and remember the same."""
    raw.flushdb()
    with Script(shared_redis, rate, requests, tokens) as script:
        both = Both(script, RateLimiter(rate, requests, tokens), start)
        for call in calls:
            both.do(*call)

        both.same(raw)
