"""A call under rate limits, driven by hand: its places, what it really used, what the service says."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from qianfan.core.auth.oauth import ApplicationAuth
from qianfan.core.auth.static import NoAuth
from qianfan.core.effects import Emit, Reserve, Send, Together
from qianfan.core.flow import later, stream, unary
from qianfan.core.ledger import Used
from qianfan.core.limits import RateLimiter
from qianfan.core.retry import RetryPolicy
from qianfan.core.v1 import V1
from qianfan.errors import (
    ConnectionFailedError,
    DeadConnectionError,
    QianfanError,
    RequestTimeoutError,
)

from .interpreter import After, Script
from .test_flow import (
    ANSWER,
    ANSWER_STREAM,
    CALL,
    HEAD,
    TIMEOUT,
    call,
    error_event,
    event,
    exchange,
    failing,
    listen,
    refusal,
    reply,
)

ONCE = RetryPolicy(attempts=1)


class Watched(NoAuth):
    """An auth that writes down when it is asked."""

    def __init__(self, script: Script) -> None:
        super().__init__()
        self.script = script

    def authorise(self, *arguments: Any) -> Any:
        """Write it down among the effects."""
        self.script.asked.append("authorise")  # type: ignore[arg-type]  # a note between the effects
        return super().authorise(*arguments)


def steps(script: Script) -> list[str]:
    """Return the effects and the notes between them, in their order."""
    return [asked if isinstance(asked, str) else type(asked).__name__ for asked in script.asked]


class TestPlaces:
    """Each attempt takes a place before it is sent."""

    @pytest.mark.parametrize(
        ("act", "failure", "success", "ask"),
        [(call, (refusal(18),), (ANSWER,), "Send"), (listen, (HEAD, error_event(18)), ANSWER_STREAM, "Open")],
        ids=["unary", "stream"],
    )
    def test_order(self, act: Any, failure: Any, success: Any, ask: str) -> None:
        """Each attempt fetches its credential, waits for its place, signs anew, and is sent."""
        script = Script(*failure, *success)

        act(script, Watched(script), limiter=RateLimiter(5))

        assert [step for step in steps(script) if step not in {"Receive", "Emit"}] == [
            *("authorise", "Reserve", "authorise", ask),
            "Sleep",
            *("authorise", "Reserve", "authorise", ask),
        ]

    @pytest.mark.parametrize(
        ("act", "success", "ask"), [(call, (ANSWER,), "Send"), (listen, ANSWER_STREAM, "Open")]
    )
    def test_none_without_a_limiter(self, act: Any, success: Any, ask: str) -> None:
        """Without a limiter nothing is reserved, and the credential is asked for once."""
        script = Script(*success)

        act(script, Watched(script))

        assert steps(script)[:2] == ["authorise", ask]

    @pytest.mark.parametrize("failure", [DeadConnectionError("dead"), refusal(110)], ids=["dead", "renewed"])
    def test_what_is_tried_again_for_free_takes_a_place_too(self, failure: Any) -> None:
        """A replay counts as no attempt, but the service may see it as a request."""
        script = Script(failure, ANSWER)

        class Renewing(NoAuth):
            def renew(self, *_: Any) -> bool:
                return True

        call(script, Renewing(), policy=ONCE, limiter=RateLimiter(5))

        assert len(script.seen(Reserve)) == len(script.seen(Send)) == 2

    def test_a_token_request_takes_none(self) -> None:
        """What fetches a token is no request to the model."""
        script = Script(reply(access_token="24.token", expires_in=1000), ANSWER)
        auth = ApplicationAuth("http://service/token", "ak", "sk", store={}, policy=ONCE, timeout=5)

        call(script, auth, limiter=RateLimiter(5))

        assert script.kinds == ["Once", "Send", "Reserve", "Send"]

    def test_what_is_asked_for(self) -> None:
        """The place is asked for with the tokens of the call, by the deadline of the attempt."""
        script, limiter = Script(ANSWER), RateLimiter(5)

        call(script, limiter=limiter, tokens=77)

        assert script.seen(Reserve) == [Reserve(limiter, 77, 1000.0 + TIMEOUT)]

    def test_calls_wait_for_each_other(self) -> None:
        """Calls that share a limiter leave an interval apart."""
        script, limiter = Script(ANSWER, ANSWER, *ANSWER_STREAM), RateLimiter(0.5)

        for act in (call, call, listen):
            act(script, limiter=limiter)

        assert script.now == pytest.approx(1004.0, abs=0.1)

    def test_parts_of_a_call_each_take_a_place(self) -> None:
        """What is sent in several requests keeps the limits as if each were a call."""
        script, limiter = Script(ANSWER, ANSWER, ANSWER), RateLimiter(1)

        def parts() -> Any:
            return (
                yield Together(
                    [later(lambda: unary(exchange(limiter=limiter), V1(CALL).decode)) for _ in range(3)], 3
                )
            )

        assert [part["result"] for part in script.run(parts())] == ["你好"] * 3
        assert script.now == pytest.approx(1002.0, abs=0.1)

    def test_no_place_in_time(self) -> None:
        """A call whose turn does not come in time ends as timed out; nothing was sent."""
        script, limiter = Script(ANSWER, ANSWER), RateLimiter(request_per_minute=1)
        call(script, limiter=limiter)

        with pytest.raises(RequestTimeoutError):
            call(script, limiter=limiter, timeout=30)

        assert len(script.seen(Send)) == 1
        assert script.now == 1030.0

    def test_a_place_that_was_given_up_blocks_nobody(self) -> None:
        """After a call that could not wait, the next one gets its place."""
        script, limiter = Script(ANSWER, ANSWER), RateLimiter(request_per_minute=1)
        call(script, limiter=limiter)
        with pytest.raises(RequestTimeoutError):
            call(script, limiter=limiter, timeout=30)

        call(script, limiter=limiter)

        assert script.now == 1060.0

    def test_attempts_before_the_wait_are_told(self) -> None:
        """A call that fails, and whose next attempt finds no place in time, tells what was tried."""
        script, limiter = Script(refusal(336501)), RateLimiter(request_per_minute=1)

        error = failing(call, script, QianfanError, limiter=limiter, timeout=30)

        assert [attempt.outcome for attempt in error.attempts][:1] == ["RateLimitError 336501"]


LIMIT = 1000
ESTIMATE = 400


def assert_used(limiter: RateLimiter, used: int, now: float) -> None:
    """Assert that of a limit of 1000 tokens so many are used: the rest leaves, and not one more."""
    rest, one_more = limiter.enter(LIMIT - used), limiter.enter(1)
    assert limiter.ask(rest, now) == 0
    assert limiter.ask(one_more, now) > 0


def used(tokens: Any) -> dict[str, Any]:
    """Return the usage field of a reply."""
    return {"usage": {"total_tokens": tokens}}


def outcome(act: Any, script: Script, **rules: Any) -> None:
    """Make a call, whether it succeeds or not."""
    with suppress(QianfanError):
        act(script, policy=ONCE, **rules)


class TestTokens:
    """What a call used is an estimate until the reply says it."""

    @pytest.mark.parametrize(
        ("answer", "tokens"),
        [
            (reply(result="a", **used(10)), 10),
            (reply(result="a", **used(700)), 700),
            (reply(result="a"), ESTIMATE),
            (reply(result="a", usage=None), ESTIMATE),
            (reply(result="a", usage="many"), ESTIMATE),
            (reply(result="a", usage=7), ESTIMATE),
            (reply(result="a", **used("many")), ESTIMATE),
            (refusal(336003), 0),
            (refusal(336502), 0),
            (reply(500), ESTIMATE),
            (ConnectionFailedError("reset"), ESTIMATE),
            (RequestTimeoutError("late"), ESTIMATE),
        ],
        ids=[
            *("less", "more", "not said", "null", "text", "a number", "a text in it"),
            *("refused", "limited", "HTTP 500", "broken", "late"),
        ],
    )
    def test_unary(self, answer: Any, tokens: int) -> None:
        """A reply says what it used, a refusal used nothing, and silence may have used all."""
        limiter, script = RateLimiter(token_per_minute=LIMIT), Script(answer)

        outcome(call, script, limiter=limiter, tokens=ESTIMATE)

        assert_used(limiter, tokens, script.now)

    @pytest.mark.parametrize(
        ("answers", "tokens"),
        [
            ((HEAD, event("a", **used(10)), event("b", end=True, **used(30)), b""), 30),
            ((HEAD, event("a", **used(10)), event("b", end=True), b""), 10),
            ((HEAD, event("a"), event("b", end=True), b""), ESTIMATE),
            ((HEAD, event("a", **used(10)), error_event(336000)), 10),
            ((HEAD, event("a", **used(10)), b""), 10),
            ((HEAD, event("a"), ConnectionFailedError("reset")), ESTIMATE),
            ((HEAD, error_event(336000)), 0),
            ((HEAD, b""), ESTIMATE),
            ((ConnectionFailedError("refused"),), ESTIMATE),
            ((reply(result="whole", **used(20)), reply(result="whole", **used(20)).body, b""), 20),
        ],
        ids=[
            *("to its end", "an end without", "not said", "failed amid", "cut", "broken"),
            *("refused", "empty", "no connection", "a whole answer"),
        ],
    )
    def test_streams(self, answers: Any, tokens: int) -> None:
        """The last event that says it counts, also of a stream that fails."""
        limiter, script = RateLimiter(token_per_minute=LIMIT), Script(*answers)

        outcome(listen, script, limiter=limiter, tokens=ESTIMATE)

        assert_used(limiter, tokens, script.now)

    @pytest.mark.parametrize(("fields", "tokens"), [(used(10), 10), ({}, ESTIMATE)], ids=["said", "not said"])
    def test_a_stream_that_is_closed(self, fields: dict[str, Any], tokens: int) -> None:
        """A stream that is closed early used what its events so far say."""
        limiter = RateLimiter(token_per_minute=LIMIT)
        place = limiter.enter(ESTIMATE)
        assert limiter.ask(place, 1000.0) == 0
        flow = stream(exchange(limiter=limiter, tokens=ESTIMATE), V1(CALL))
        effect: Any = next(flow)
        while not isinstance(effect, Emit):
            answers = {"Now": 1000.0, "Reserve": place, "Open": HEAD, "Receive": event("a", **fields)}
            effect = flow.send(answers[type(effect).__name__])

        flow.close()

        assert_used(limiter, tokens, 1000.0)

    @pytest.mark.parametrize(
        ("failure", "tokens"),
        [(refusal(18), 10), (ConnectionFailedError("reset"), ESTIMATE + 10)],
        ids=["refused", "broken"],
    )
    def test_each_attempt_for_itself(self, failure: Any, tokens: int) -> None:
        """What a call used is what its attempts used, each by what is known of it."""
        limiter, script = RateLimiter(token_per_minute=LIMIT), Script(failure, reply(result="a", **used(10)))

        call(script, limiter=limiter, tokens=ESTIMATE)

        assert_used(limiter, tokens, script.now)

    def test_without_a_limiter(self) -> None:
        """Where nobody limits, nobody is told."""
        made = exchange()
        made.answered(Used(total_tokens=10), reply())
        made.missed(ConnectionFailedError("reset"), sent=True)

        assert made.place is None

    def test_what_is_no_model_reply_settles_nothing(self) -> None:
        """A call that returns something else than a reply keeps its estimate."""
        limiter, script = RateLimiter(token_per_minute=LIMIT), Script(ANSWER)

        script.run(unary(exchange(limiter=limiter, tokens=ESTIMATE), lambda reply: reply.status))

        assert_used(limiter, ESTIMATE, script.now)


def headers(**said: int) -> dict[str, str]:
    """Return the headers that tell of limits; `Limit_Requests` stands for `X-Ratelimit-Limit-Requests`."""
    return {f"X-Ratelimit-{name.replace('_', '-')}": str(value) for name, value in said.items()}


FULL = headers(Limit_Requests=2, Remaining_Requests=0)
FULL_HEAD = HEAD._replace(headers={**HEAD.headers, **FULL})


class TestLearning:
    """An adaptive limiter takes in what the service says of its limits."""

    @pytest.mark.parametrize(
        ("act", "answers"),
        [
            (call, (reply(200, FULL, result="a"),)),
            (call, (reply(200, FULL, error_code=336501, error_msg="RPM"),)),
            (call, (reply(429, FULL),)),
            (listen, (FULL_HEAD, *ANSWER_STREAM[1:])),
            (listen, (FULL_HEAD, error_event(336501))),
            (listen, (FULL_HEAD, event("a"), b"")),
        ],
        ids=["reply", "refusal", "HTTP 429", "stream", "refused stream", "cut stream"],
    )
    def test_from_whatever_comes_back(self, act: Any, answers: Any) -> None:
        """Where a reply or an error says that nothing is left, the next request waits a minute."""
        limiter, script = RateLimiter(adaptive=True), Script(*answers, ANSWER)

        outcome(act, script, limiter=limiter)
        call(script, limiter=limiter, timeout=100)

        assert script.now == pytest.approx(1060.0)

    def test_not_where_it_is_not_adaptive(self) -> None:
        """A limiter that was given its limits keeps to them."""
        limiter, script = RateLimiter(request_per_minute=5), Script(reply(200, FULL, result="a"), ANSWER)

        call(script, limiter=limiter)
        call(script, limiter=limiter)

        assert script.now == 1000.0

    def test_as_of_when_it_was_said(self) -> None:
        """What was said five minutes ago holds nobody up."""
        limiter, script = RateLimiter(adaptive=True), Script(reply(200, FULL, result="a"), ANSWER)
        call(script, limiter=limiter)
        script.now += 300

        call(script, limiter=limiter)

        assert script.now == 1300.0

    def test_a_slow_reply_counts_from_when_it_came(self) -> None:
        """The minute of what others used begins with the reply that tells of it."""
        limiter, script = RateLimiter(adaptive=True), Script(After(50, reply(200, FULL, result="a")), ANSWER)

        call(script, limiter=limiter)
        call(script, limiter=limiter, timeout=100)

        assert 1060.0 <= script.now <= 1110.0

    @pytest.mark.parametrize(("tokens", "waits"), [(500, False), (501, True)])
    def test_what_others_used_of_the_tokens(self, tokens: int, waits: bool) -> None:
        """What is left by the service's account is what may leave, whatever the estimate had been."""
        said = headers(Limit_Tokens=2000, Remaining_Tokens=500)
        limiter, script = RateLimiter(adaptive=True), Script(reply(200, said, result="a", **used(10)))
        call(script, limiter=limiter, tokens=1034)

        assert bool(limiter.ask(limiter.enter(tokens), script.now)) is waits

    def test_a_refusal_that_says_the_limit_is_waited_for(self) -> None:
        """The second attempt after "too many requests" leaves when there is room, not with the backoff."""
        limiter = RateLimiter(adaptive=True)
        script = Script(reply(200, FULL, error_code=336501, error_msg="RPM"), ANSWER)

        call(script, limiter=limiter, timeout=100)

        assert script.now == pytest.approx(1060.0, abs=1)
