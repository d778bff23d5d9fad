"""The way of a call, driven by hand: attempts, pauses, deadlines, streams, secrets."""

from __future__ import annotations

import pickle
import traceback
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from qianfan.core.auth.fetched import Token
from qianfan.core.auth.oauth import ApplicationAuth
from qianfan.core.auth.static import NoAuth, TokenAuth
from qianfan.core.call import Call
from qianfan.core.effects import Emit, Open, Receive, Send
from qianfan.core.flow import Exchange, stream, unary
from qianfan.core.http import Reply, Request, redact
from qianfan.core.retry import RetryPolicy
from qianfan.core.v1 import V1
from qianfan.errors import (
    AccessTokenExpiredError,
    APIError,
    Attempt,
    BadRequestError,
    ConnectionFailedError,
    DeadConnectionError,
    InternalError,
    QianfanError,
    RateLimitError,
    RequestError,
    RequestTimeoutError,
    StreamIncompleteError,
)

from .interpreter import After, Script

if TYPE_CHECKING:
    from qianfan.response import Response

CALL = Call("chat", None, None, {"messages": []})
REQUEST = Request("POST", "http://service/chat/eb-instant", {}, b"{}")
TOKEN = "24.0123456789abcdef0123456789abcdef.2592000.1700000000.282335-1"
HEAD = Reply(200, {"Content-Type": "text/event-stream; charset=utf-8"})
TIMEOUT = 60.0


def exchange(auth: Any = None, **rules: Any) -> Exchange:
    """Return an exchange whose pauses are half of what they may be at most."""
    rules = {"policy": RetryPolicy(), "timeout": TIMEOUT, "chance": lambda: 0.5, **rules}
    return Exchange(REQUEST, auth or NoAuth(), **rules)


def call(script: Script, auth: Any = None, **rules: Any) -> Response:
    """Make a unary call against a script."""
    return script.run(unary(exchange(auth, **rules), V1(CALL).decode))


def listen(script: Script, auth: Any = None, **rules: Any) -> None:
    """Make a stream call against a script and read it to its end."""
    script.run(stream(exchange(auth, **rules), V1(CALL)))


def failing(act: Any, script: Script, kind: type[QianfanError], *args: Any, **rules: Any) -> Any:
    """Return the error that a call must end in."""
    with pytest.raises(kind) as caught:
        act(script, *args, **rules)
    assert not script.answers, "the call took fewer attempts than the script has"
    return caught.value


def reply(status: int = 200, headers: dict[str, str] | None = None, **body: Any) -> Reply:
    """Return a JSON reply."""
    return Reply(status, {"Content-Type": "application/json", **(headers or {})}, orjson.dumps(body))


def refusal(code: int, text: str = "no") -> Reply:
    """Return the platform's error with a code."""
    return reply(error_code=code, error_msg=text)


def event(text: str, *, end: bool = False, **fields: Any) -> bytes:
    """Return an event of a stream."""
    return b"data: " + orjson.dumps({"result": text, "is_end": end, **fields}) + b"\n\n"


def error_event(code: int, text: str = "no") -> bytes:
    """Return an error in the midst of a stream, bare as the platform sends it."""
    return orjson.dumps({"error_code": code, "error_msg": text}) + b"\n"


ANSWER = reply(result="你好", id="as-1")
ANSWER_STREAM = (HEAD, event("你"), event("好", end=True), b"")


class TestUnary:
    """A call that is answered as a whole."""

    def test_success(self) -> None:
        """One request, one reply, no pause."""
        script = Script(ANSWER)

        response = call(script)

        assert (response["result"], response.code) == ("你好", 200)
        assert script.asked == [Send(REQUEST, 1000.0 + TIMEOUT)]

    @pytest.mark.parametrize(
        "failure",
        [
            refusal(18),
            refusal(336100),
            refusal(336501),
            refusal(336502),
            refusal(2),
            reply(429),
            reply(500),
            Reply(502, {"Content-Type": "text/html"}, b"<html>Bad Gateway</html>"),
            reply(503),
            reply(504),
            ConnectionFailedError("refused"),
        ],
        ids=str,
    )
    def test_passing_failures_are_tried_again(self, failure: Any) -> None:
        """A failure that passes with time costs a pause, and the third attempt may still succeed."""
        script = Script(failure, failure, ANSWER)

        assert call(script)["result"] == "你好"
        assert script.pauses == [0.5, 1.0]
        assert script.kinds == ["Send", "Sleep", "Send", "Sleep", "Send"]

    @pytest.mark.parametrize(
        ("failure", "kind"),
        [
            (refusal(336003), BadRequestError),
            (refusal(6), APIError),
            (refusal(17), APIError),
            (refusal(110), AccessTokenExpiredError),
            (refusal(999999), APIError),
            (reply(400), RequestError),
            (reply(404), RequestError),
            (Reply(200, {}, b"<html>"), RequestError),
            (RequestTimeoutError("late"), RequestTimeoutError),
        ],
        ids=str,
    )
    def test_lasting_failures_are_final(self, failure: Any, kind: type[QianfanError]) -> None:
        """A failure that no waiting cures is raised at once."""
        script = Script(failure)

        error = failing(call, script, kind)

        assert script.pauses == []
        assert len(error.attempts) == 1

    def test_untrusted_certificate_is_final(self) -> None:
        """A connection failure that the transport marks as lasting is not tried again."""
        failure = ConnectionFailedError("not trusted")
        failure.transient = False

        assert failing(call, Script(failure), ConnectionFailedError) is failure

    @pytest.mark.parametrize(("retry_count", "sent"), [(0, 1), (1, 1), (2, 2), (3, 3), (5, 5)])
    def test_retry_count_is_attempts_in_all(self, retry_count: int, sent: int) -> None:
        """`retry_count` counts every attempt; 0 counts as 1."""
        script = Script(*[refusal(18)] * sent)

        error = failing(call, script, RateLimitError, policy=RetryPolicy(attempts=retry_count))

        assert len(script.seen(Send)) == len(error.attempts) == sent

    def test_attempts_tell_what_was_tried(self) -> None:
        """`error.attempts` names how each attempt ended, how long it took and the pause that followed."""
        script = Script(After(2.0, refusal(18)), After(0.25, reply(503)), After(1.0, refusal(336003, "bad")))

        error = failing(call, script, BadRequestError)

        assert error.attempts == (
            Attempt("RateLimitError 18", 2.0, 0.5),
            Attempt("RequestError HTTP 503", 0.25, 1.0),
            Attempt("BadRequestError 336003", 1.0, 0.0),
        )
        assert "(after 3 attempts)" in str(error)

    def test_attempts_name_a_failure_without_reply(self) -> None:
        """An attempt that no reply came of is named by its error alone."""
        error = failing(
            call, Script(ConnectionFailedError("refused")), QianfanError, policy=RetryPolicy(attempts=1)
        )

        assert error.attempts == (Attempt("ConnectionFailedError", 0.0, 0.0),)

    def test_every_attempt_starts_from_the_same_request(self) -> None:
        """Attempts are authorised anew from one immutable request: nothing piles up in the URL."""
        script = Script(refusal(18), refusal(18), ANSWER)

        call(script, TokenAuth(TOKEN))

        assert [effect.request.url for effect in script.seen(Send)] == [
            f"{REQUEST.url}?access_token={TOKEN}"
        ] * 3

    def test_errors_drag_no_earlier_one_along(self) -> None:
        """The final error's traceback shows it alone, not the attempts before it."""
        error = failing(call, Script(refusal(18), refusal(18), refusal(18)), RateLimitError)

        assert (error.__context__, error.__cause__) == (None, None)


@pytest.mark.parametrize(
    ("act", "failures", "success"),
    [
        (call, (refusal(18), ConnectionFailedError("reset")), (ANSWER,)),
        (listen, (HEAD, error_event(18), ConnectionFailedError("reset")), ANSWER_STREAM),
    ],
    ids=["unary", "stream"],
)
@pytest.mark.parametrize("attempts", [3, 2], ids=["cured", "final"])
def test_every_failed_attempt_is_told(act: Any, failures: Any, success: Any, attempts: int) -> None:
    """Who asked for notice hears of each failed attempt, whether another follows or not."""
    heard: list[QianfanError] = []

    with suppress(ConnectionFailedError):
        act(Script(*failures, *success), policy=RetryPolicy(attempts), notice=heard.append)

    assert [type(error) for error in heard] == [RateLimitError, ConnectionFailedError]


class TestPauses:
    """How long a call waits before the next attempt, and when it stops waiting."""

    @pytest.mark.parametrize(
        ("seconds", "policy", "pauses"),
        [
            ("7", RetryPolicy(), [7.0]),
            ("0", RetryPolicy(), [0.0]),
            ("soon", RetryPolicy(), [0.5]),
            ("-1", RetryPolicy(), [0.5]),
            ("", RetryPolicy(backoff_factor=8), [4.0]),
            ("", RetryPolicy(backoff_factor=0), [0.0]),
            ("", RetryPolicy(backoff_factor=100, max_wait=30), [15.0]),
        ],
    )
    def test_retry_after_decides_over_backoff(
        self, seconds: str, policy: RetryPolicy, pauses: list[float]
    ) -> None:
        """A `Retry-After` in seconds is honoured as it is; without one the backoff decides."""
        script = Script(reply(429, {"Retry-After": seconds}), ANSWER)

        call(script, policy=policy)

        assert script.pauses == pauses

    def test_retry_after_with_a_platform_code(self) -> None:
        """`Retry-After` counts for the platform's codes too, whatever the HTTP status."""
        script = Script(reply(200, {"Retry-After": "3"}, error_code=336501, error_msg="RPM"), ANSWER)

        call(script)

        assert script.pauses == [3.0]

    @pytest.mark.parametrize(("draw", "pauses"), [(0.0, [0.0, 0.0, 0.0]), (0.999, [0.999, 1.998, 3.996])])
    def test_chance_is_an_argument(self, draw: float, pauses: list[float]) -> None:
        """Each pause is the drawn part of a bound that doubles."""
        script = Script(refusal(18), refusal(18), refusal(18), ANSWER)

        call(script, policy=RetryPolicy(attempts=4), chance=lambda: draw)

        assert script.pauses == pytest.approx(pauses)

    def test_no_attempt_outlives_the_call(self) -> None:
        """`request_timeout` bounds the call with all its attempts: each has what is left."""
        script = Script(After(20.0, refusal(18)), After(20.0, refusal(18)), ANSWER)

        call(script)

        assert [effect.deadline for effect in script.seen(Send)] == [1000.0 + TIMEOUT] * 3

    @pytest.mark.parametrize(
        "failure",
        [After(59.6, refusal(18)), reply(429, {"Retry-After": "60"}), reply(429, {"Retry-After": "86400"})],
        ids=["no time left", "too long a wait", "a day"],
    )
    def test_no_pause_beyond_the_deadline(self, failure: Any) -> None:
        """Where the pause would end after the deadline, the failure itself is raised, not a timeout."""
        script = Script(failure)

        error = failing(call, script, QianfanError)

        assert script.pauses == []
        assert not isinstance(error, RequestTimeoutError)

    def test_no_endless_pause_before_a_stream(self) -> None:
        """A stream has no deadline as a whole, yet no `Retry-After` may hold it for a day."""
        script = Script(*_in_pieces((reply(429, {"Retry-After": "86400"}), b"")))

        assert failing(listen, script, RequestError).status == 429
        assert script.pauses == []


class TestDeadConnections:
    """A reused connection that the other side had closed."""

    def test_replayed_once_for_free(self) -> None:
        """The first is replayed at once and counts as no attempt."""
        script = Script(DeadConnectionError("dead"), refusal(18), refusal(18), ANSWER)

        assert call(script)["result"] == "你好"
        assert script.pauses == [0.0, 0.5, 1.0]

    def test_the_second_counts(self) -> None:
        """The second one is an ordinary connection failure, with its pause."""
        script = Script(*[DeadConnectionError("dead")] * 4)

        error = failing(call, script, ConnectionFailedError)

        assert script.pauses == [0.0, 0.5, 1.0]
        assert len(error.attempts) == 4

    def test_free_even_where_nothing_is_tried_again(self) -> None:
        """With `retry_count=1` the replay is still free."""
        script = Script(DeadConnectionError("dead"), ANSWER)

        call(script, policy=RetryPolicy(attempts=1))

        assert script.pauses == [0.0]

    def test_streams_too(self) -> None:
        """A stream is replayed like any other call."""
        script = Script(DeadConnectionError("dead"), *ANSWER_STREAM)

        listen(script, policy=RetryPolicy(attempts=1))

        assert script.emitted == [["你"], ["好"]]


class Renewable:
    """A credential of numbered tokens, each renewed when it is refused."""

    def __init__(self) -> None:
        self.number = 1
        self.refused: list[str] = []

    @property
    def secrets(self) -> tuple[str, ...]:
        """What is to be masked."""
        return (f"token-{self.number}",)

    def authorise(self, request: Request, *_: Any) -> Any:
        """Add the token of the moment."""
        yield from ()
        return request.with_query(f"t={self.number}")

    def renew(self, error: QianfanError, request: Request) -> bool:
        """Count on where the token is refused."""
        if error.code not in {110, 111}:
            return False
        self.refused.append(request.url.rpartition("?")[2])
        self.number += 1
        return True


class TestRenewal:
    """A token that the service refuses."""

    @pytest.mark.parametrize("code", [110, 111])
    def test_once(self, code: int) -> None:
        """A refused token is renewed and the call repeated at once, at no attempt's cost."""
        script, auth = Script(refusal(code), ANSWER), Renewable()

        call(script, auth, policy=RetryPolicy(attempts=1))

        assert [effect.request.url[-3:] for effect in script.seen(Send)] == ["t=1", "t=2"]
        assert (auth.refused, script.pauses) == (["t=1"], [0.0])

    @pytest.mark.parametrize("code", [110, 111])
    def test_a_second_refusal_is_final(self, code: int) -> None:
        """The second refusal is raised, and its token forgotten as well."""
        script, auth = Script(refusal(code), refusal(code)), Renewable()

        error = failing(call, script, AccessTokenExpiredError, auth)

        assert (error.code, len(error.attempts)) == (code, 2)
        assert auth.refused == ["t=1", "t=2"]

    def test_a_second_refusal_is_final_whatever_came_between(self) -> None:
        """Another failure between the two gives no second renewal."""
        script = Script(refusal(110), refusal(18), refusal(110))

        failing(call, script, AccessTokenExpiredError, Renewable())

    @pytest.mark.parametrize(
        "refused",
        [(refusal(110), b""), (HEAD, error_event(111))],
        ids=["a JSON answer", "an event"],
    )
    def test_streams_too(self, refused: tuple[Any, ...]) -> None:
        """A stream whose token is refused before its first event is opened again with a new one."""
        script, auth = Script(*_in_pieces(refused), *ANSWER_STREAM), Renewable()

        listen(script, auth)

        assert [effect.request.url[-3:] for effect in script.seen(Open)] == ["t=1", "t=2"]
        assert script.emitted == [["你"], ["好"]]


def _in_pieces(answer: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a reply as an open stream gives it: its head, then its body."""
    head, *rest = answer
    return (Reply(head.status, head.headers), *([head.body] if head.body else []), *rest)


class TestStream:
    """A call that is answered in events."""

    def test_success(self) -> None:
        """Every event is handed out as it comes, and the body read to its end."""
        script = Script(*ANSWER_STREAM)

        listen(script)

        assert script.emitted == [["你"], ["好"]]
        assert script.kinds == ["Open", "Receive", "Emit", "Receive", "Emit", "Receive"]
        assert not script.answers

    def test_events_of_one_chunk_come_together(self) -> None:
        """What one read brings is one batch."""
        script = Script(HEAD, event("a") + event("b"), event("c") + event("d", end=True) + event("e"), b"")

        listen(script)

        assert script.emitted == [["a", "b"], ["c", "d"]]

    def test_the_sum_is_the_unary_reply(self) -> None:
        """The merger that goes with the events holds what the unary call would have returned."""
        script = Script(*ANSWER_STREAM)

        listen(script)

        assert script.seen(Emit)[-1].sum.reply().body == {"result": "你好"}

    @pytest.mark.parametrize(
        "failure",
        [
            _in_pieces((refusal(18), b"")),
            _in_pieces((reply(503), b"")),
            (HEAD, error_event(336100)),
            (HEAD, b"data: " + error_event(18) + b"\n"),
            (HEAD, b""),
            (HEAD, b": hello\n\n", b""),
            (HEAD, b'data: {"resu', b""),
            (HEAD, ConnectionFailedError("reset")),
            (ConnectionFailedError("refused"),),
        ],
        ids=[
            "JSON with a code",
            "HTTP status",
            "bare error",
            "error as data",
            "empty",
            "only a comment",
            "cut in the event",
            "broken body",
            "refused",
        ],
    )
    def test_what_fails_before_the_first_event_is_tried_again(self, failure: tuple[Any, ...]) -> None:
        """Nothing was handed out yet, so the call is repeated and nobody sees a difference."""
        script = Script(*failure, *ANSWER_STREAM)

        listen(script)

        assert script.pauses == [0.5]
        assert script.emitted == [["你"], ["好"]]

    @pytest.mark.parametrize(
        ("failure", "kind"),
        [
            (_in_pieces((refusal(336003), b"")), BadRequestError),
            ((HEAD, error_event(336003)), BadRequestError),
            ((HEAD, b"data: no json\n\n"), RequestError),
            ((HEAD, b"data: [1]\n\n"), RequestError),
            (_in_pieces((Reply(200, {}, b"<html>"), b"")), RequestError),
            ((HEAD, RequestTimeoutError("late")), RequestTimeoutError),
        ],
        ids=["JSON with a code", "bare error", "no JSON", "no object", "HTML", "timeout"],
    )
    def test_what_lasts_is_raised_before_the_first_event(
        self, failure: tuple[Any, ...], kind: type[QianfanError]
    ) -> None:
        """A lasting failure is raised from the call itself, with no event and nothing partial."""
        script = Script(*failure)

        error = failing(listen, script, kind)

        assert (script.emitted, error.partial, len(error.attempts)) == ([], None, 1)

    def test_no_first_event_at_all(self) -> None:
        """A service that closes every stream before its first event is told as such."""
        error = failing(listen, Script(*(HEAD, b"") * 3), ConnectionFailedError)

        assert "before its first event" in str(error)
        assert (error.status, len(error.attempts)) == (200, 3)

    @pytest.mark.parametrize(
        ("after", "kind", "code"),
        [
            ((error_event(18),), RateLimitError, 18),
            ((error_event(110),), AccessTokenExpiredError, 110),
            ((b"data: " + error_event(336000) + b"\n",), InternalError, 336000),
            ((b'{"code":336501,"msg":"Rate limit reached for RPM"}\n',), RateLimitError, 336501),
            ((b"data: no json\n\n",), RequestError, None),
            ((b"",), StreamIncompleteError, None),
            ((b'data: {"result": "cut', b""), StreamIncompleteError, None),
            ((ConnectionFailedError("reset"),), StreamIncompleteError, None),
            ((DeadConnectionError("dead"),), StreamIncompleteError, None),
            ((RequestTimeoutError("late"),), RequestTimeoutError, None),
        ],
        ids=[
            "bare error",
            "refused token",
            "error as data",
            "the other spelling",
            "no JSON",
            "no end mark",
            "cut in an event",
            "connection reset",
            "connection dead",
            "timeout",
        ],
    )
    @pytest.mark.parametrize("together", [False, True], ids=["apart", "in one chunk"])
    def test_what_fails_after_it_is_raised(
        self, together: bool, after: tuple[Any, ...], kind: type[QianfanError], code: int | None
    ) -> None:
        """After the first event nothing is tried again: the error is raised with what had arrived."""
        first = event("你好", id="as-1")
        if together and after[0] and isinstance(after[0], bytes):
            script = Script(HEAD, first + after[0], *after[1:])
        else:
            script = Script(HEAD, first, *after)

        error = failing(listen, script, kind, Renewable())

        assert (script.emitted, len(script.seen(Open)), script.pauses) == ([["你好"]], 1, [])
        assert error.partial.body == {"result": "你好", "id": "as-1"}
        assert error.code == code

    def test_an_incomplete_stream_says_so(self) -> None:
        """The error for a stream without its end names the cause and where the rest is."""
        error = failing(
            listen, Script(HEAD, event("你"), ConnectionFailedError("reset by peer")), StreamIncompleteError
        )

        assert "reset by peer" in str(error)
        assert "error.partial" in str(error)
        assert error.status == 200

    def test_errors_amid_a_stream_have_the_request_id(self) -> None:
        """A failure after the first event carries the id that the reply's head gave."""
        head = Reply(200, {**HEAD.headers, "X-Baidu-Request-Id": "r-1"})

        assert failing(listen, Script(head, event("你"), error_event(18)), APIError).request_id == "r-1"
        assert failing(listen, Script(head, event("你"), b""), StreamIncompleteError).request_id == "r-1"

    def test_attempts_of_a_stream(self) -> None:
        """A failure after the first event still tells what was tried before it."""
        script = Script(
            ConnectionFailedError("refused"), After(2.0, HEAD), event("你"), After(3.0, error_event(336000))
        )

        error = failing(listen, script, InternalError)

        assert error.attempts[-1].seconds == 5.0
        assert [attempt.outcome for attempt in error.attempts] == [
            "ConnectionFailedError",
            "InternalError 336000",
        ]

    def test_an_event_waits_the_timeout_each(self) -> None:
        """`request_timeout` bounds the wait for each next event, counted from when it is asked for."""
        script = Script(HEAD, event("a"), event("b"), event("c", end=True), b"")

        listen(script)

        assert script.seen(Open)[0].deadline == 1000.0 + TIMEOUT
        assert [effect.timeout for effect in script.seen(Receive)][:3] == [None, TIMEOUT, TIMEOUT]

    def test_comments_do_not_prolong_the_wait(self) -> None:
        """Bytes that complete no event keep the deadline of the wait they came in."""
        half = event("b")
        script = Script(
            HEAD, b": ping\n\n", event("a"), b": ping\n\n", half[:9], half[9:], event("c", end=True), b""
        )

        listen(script)

        assert [effect.timeout for effect in script.seen(Receive)][:6] == [
            None,
            None,
            TIMEOUT,
            None,
            None,
            TIMEOUT,
        ]

    def test_the_first_event_is_waited_for_once(self) -> None:
        """The wait for the first event is one, whatever the attempts in it; each later event has its own."""
        script = Script(After(50.0, ConnectionFailedError("reset")), *ANSWER_STREAM)

        listen(script)

        assert [effect.deadline for effect in script.seen(Open)] == [1000.0 + TIMEOUT] * 2

    @pytest.mark.parametrize(
        "rest",
        [(b"",), (b"\n", b""), (ConnectionFailedError("reset"),), (RequestTimeoutError("late"),)],
        ids=["at once", "after more bytes", "reset", "not near"],
    )
    def test_the_end_of_the_body_is_read(self, rest: tuple[Any, ...]) -> None:
        """After the end mark the body's end is awaited for a moment; its failure is nobody's business."""
        script = Script(HEAD, event("a", end=True), *rest)

        listen(script)

        assert script.emitted == [["a"]]
        assert not script.answers
        assert script.seen(Receive)[1].timeout < 1

    def test_the_end_of_the_body_is_not_awaited_for_ever(self) -> None:
        """A service that keeps sending after the end mark does not prolong that moment."""
        script = Script(HEAD, event("a", end=True), b": ping\n\n", b": ping\n\n", b"")

        listen(script)

        assert [effect.timeout for effect in script.seen(Receive)][2:] == [None, None]

    def test_a_whole_answer(self) -> None:
        """A service that ignores `stream` answers as a whole: that is the one event."""
        script = Script(*_in_pieces((ANSWER, b"")))

        listen(script)

        assert script.emitted == [["你好"]]
        assert script.seen(Emit)[0].sum.reply().body == {"result": "你好", "id": "as-1"}

    def test_a_whole_answer_in_pieces(self) -> None:
        """The body of a whole answer may come in pieces."""
        head, body = _in_pieces((ANSWER,))
        script = Script(head, body[:5], body[5:], b"")

        listen(script)

        assert script.emitted == [["你好"]]

    def test_closed_amid_events(self) -> None:
        """A flow that is closed while it holds events ends without a word."""
        flow = stream(exchange(), V1(CALL))
        effect: Any = flow.send(None)
        for answer in (1000.0, HEAD, event("a")):
            effect = flow.send(answer)
        assert isinstance(effect, Emit)

        flow.close()

        assert flow.gi_frame is None


SECRET = "sk-0123456789"
ECHOES = [
    ("exact", TOKEN),
    ("in a query", f"/chat?access_token={TOKEN}&x=1"),
    ("in JSON", f'{{"access_token": "{TOKEN}"}}'),
]


class TestSecrets:
    """What a service echoes of a credential reaches nobody."""

    @pytest.mark.parametrize("text", [text for _, text in ECHOES], ids=[name for name, _ in ECHOES])
    @pytest.mark.parametrize(
        ("act", "answers"),
        [
            (call, lambda text: [refusal(6, text)]),
            (call, lambda text: [reply(400, message=text)]),
            (call, lambda text: [Reply(404, {}, text.encode())]),
            (call, lambda text: [ConnectionFailedError(f"no {text}")] * 3),
            (listen, lambda text: [HEAD, event("a"), error_event(6, text)]),
            (listen, lambda text: [HEAD, event("a"), f"data: [{text}\n\n".encode()]),
            (listen, lambda text: [HEAD, event("a"), ConnectionFailedError(text)]),
            (listen, lambda text: _in_pieces((refusal(6, text), b""))),
        ],
        ids=["code", "status", "no JSON", "connection", "event", "no event", "broken", "JSON to a stream"],
    )
    def test_no_error_shows_the_token(self, text: str, act: Any, answers: Any) -> None:
        """An echoed token is masked in text, repr, arguments, body, traceback and pickle."""
        error = failing(act, Script(*answers(text)), QianfanError, TokenAuth(TOKEN))
        error.partial = None  # what the service said as an answer is not ours to change

        shown = [
            str(error),
            repr(error),
            str(error.args),
            str(vars(error)),
            "".join(traceback.format_exception(error)),
        ]

        assert not [place for place in shown if TOKEN in place]
        assert TOKEN.encode() not in pickle.dumps(error)

    def test_nor_a_token_that_was_renewed_meanwhile(self) -> None:
        """The token a request carried is masked also when another call has renewed it since."""
        key = ("http://service/oauth/2.0/token", "ak", SECRET)
        store = {key: Token(f"access_token={TOKEN}", TOKEN, inf)}
        auth = ApplicationAuth(*key, store=store, policy=RetryPolicy(), timeout=5)

        def renewed_meanwhile(answered: Reply) -> Response:
            store[key] = Token("access_token=new-token", "new-token", inf)
            return V1(CALL).decode(answered)

        script = Script(refusal(6, f"token {TOKEN} may not"))
        with pytest.raises(APIError) as caught:
            script.run(unary(exchange(auth), renewed_meanwhile))

        assert TOKEN not in str(caught.value)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("access_token=24.abc&x=1", "access_token=***&x=1"),
            ("client_id=a&client_secret=b", "client_id=***&client_secret=***"),
            ('{"refresh_token": "25.x", "a": 1}', '{"refresh_token": "***", "a": 1}'),
            ("{'session_key':'x'}", "{'session_key':'***'}"),
            ("Authorization: Bearer bce-v3/ALTAK-x/y rest", "Authorization: Bearer *** rest"),
            ("bce-auth-v1/ak/2023/300/host/sig rest", "bce-auth-v1/*** rest"),
            ("ACCESSCODE abc rest", "ACCESSCODE *** rest"),
            (f"{SECRET} and {SECRET}", "*** and ***"),
            ("the three dots of the README ...", "the three dots of the README ..."),
            ("nothing of the kind", "nothing of the kind"),
        ],
    )
    def test_redact(self, text: str, expected: str) -> None:
        """Given secrets, and whatever looks like one, are masked; what is too short for one is not."""
        assert redact(text, [SECRET, "..."]) == expected

    def test_a_request_shows_no_query(self) -> None:
        """The repr of a request, which a traceback may show, ends before the query."""
        request = REQUEST.with_query(f"access_token={TOKEN}")

        assert repr(request) == "Request(POST http://service/chat/eb-instant)"
        assert request.with_query("a=1").url.endswith(f"?access_token={TOKEN}&a=1")
