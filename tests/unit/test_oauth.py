"""The access token: fetched when needed, kept, renewed ahead of its end, forgotten when refused."""

from __future__ import annotations

from math import inf
from typing import Any

import orjson
import pytest

from qianfan.core.auth.fetched import Token
from qianfan.core.auth.oauth import ApplicationAuth
from qianfan.core.auth.static import CodeAuth, NoAuth, TokenAuth
from qianfan.core.effects import Once, Send
from qianfan.core.flow import Exchange, unary
from qianfan.core.http import Reply, Request
from qianfan.core.refusals import api_error
from qianfan.core.retry import RetryPolicy
from qianfan.errors import (
    APIError,
    AuthError,
    BadRequestError,
    ConnectionFailedError,
    InternalError,
    QianfanError,
    RateLimitError,
    RequestError,
    RequestTimeoutError,
)

from .interpreter import After, Script

URL = "http://service/oauth/2.0/token"
AK, SK = "application-key", "secret-key/+"
KEY = (URL, AK, SK)
REQUEST = Request("POST", "http://service/chat/eb-instant", {"A": "b"}, b"{}")
MONTH = 2_592_000
POLICY = RetryPolicy(backoff_factor=0)


def application(store: dict[Any, Token] | None = None, **rules: Any) -> ApplicationAuth:
    """Return an application's credential with a store of its own."""
    rules = {"policy": POLICY, "timeout": 5.0, **rules}
    return ApplicationAuth(*KEY, store={} if store is None else store, **rules)


def reply(status: int = 200, /, **body: Any) -> Reply:
    """Return a JSON reply of the token address."""
    return Reply(status, {"Content-Type": "application/json"}, orjson.dumps(body))


def token(name: str = "t1", lifetime: float = MONTH) -> Reply:
    """Return a fresh token."""
    return reply(
        access_token=name,
        expires_in=lifetime,
        refresh_token="r",
        session_key="k",
        session_secret="s",
        scope="public",
    )


def kept(name: str, renew_at: float = inf) -> Token:
    """Return a token as it stands in a store."""
    return Token(f"access_token={name}", name, renew_at)


class TestFetching:
    """When a token is asked for."""

    def test_the_request(self) -> None:
        """The pair goes in the query, as the platform documents it; the token in the query of the call."""
        script = Script(token("t/1"))

        request = script.run(application().authorise(REQUEST, 2000.0, POLICY))

        assert script.seen(Send)[0].request == Request(
            "POST",
            f"{URL}?grant_type=client_credentials&client_id={AK}&client_secret=secret-key%2F%2B",
            {},
        )
        assert request == REQUEST._replace(url=f"{REQUEST.url}?access_token=t%2F1")

    def test_once(self) -> None:
        """All who ask meanwhile share one fetch, known by address and keys."""
        script = Script(token())

        script.run(application().authorise(REQUEST, 2000.0, POLICY))

        assert [(effect.key, effect.deadline) for effect in script.seen(Once)] == [(KEY, 2000.0)]

    def test_kept(self) -> None:
        """A second call finds the token in the store, as does another client with equal keys."""
        store: dict[Any, Token] = {}
        script = Script(token())

        requests = [script.run(application(store).authorise(REQUEST, 2000.0, POLICY)) for _ in range(3)]

        assert len(script.seen(Send)) == 1
        assert len(set(map(repr, requests))) == 1
        assert list(store) == [KEY]

    def test_fetched_meanwhile(self) -> None:
        """Whoever gets its turn after another has fetched looks again, and sends nothing."""
        store: dict[Any, Token] = {}
        script = Script()
        flow = application(store).authorise(REQUEST, 2000.0, POLICY)
        flow.send(None)
        once = flow.send(1000.0)
        assert isinstance(once, Once)

        store[KEY] = kept("theirs")

        assert script.run(once.flow()) == kept("theirs")
        assert script.asked == []

    @pytest.mark.parametrize(
        ("lifetime", "renew_after"),
        [(MONTH, MONTH - 300), (3600, 3300), (3000, 2700), (600, 540), (10, 9), ("60", 54), (0, 0)],
    )
    def test_renewed_ahead_of_its_end(self, lifetime: Any, renew_after: float) -> None:
        """A token serves until five minutes, or a tenth of its life, before its end; then comes the next."""
        script = Script(token("t1", lifetime), token("t2"))
        auth = application()
        script.run(auth.authorise(REQUEST, 1e9, POLICY))
        if renew_after:
            script.now += renew_after - 0.001
            assert script.run(auth.authorise(REQUEST, 1e9, POLICY)).url.endswith("t1")

        script.now += 0.001

        assert script.run(auth.authorise(REQUEST, 1e9, POLICY)).url.endswith("t2")

    def test_its_life_counts_from_the_reply(self) -> None:
        """The seconds a slow reply took are not taken off the token's life twice."""
        store: dict[Any, Token] = {}

        Script(After(4.0, token("t1", 1000))).run(application(store).authorise(REQUEST, 2000.0, POLICY))

        assert store[KEY].renew_at == 1000.0 + 4.0 + 900.0

    @pytest.mark.parametrize(("deadline", "by"), [(2000.0, 1005.0), (1002.0, 1002.0)])
    def test_its_own_timeout(self, deadline: float, by: float) -> None:
        """The token call has its own timeout, within the deadline of the call that needs it."""
        script = Script(token())

        script.run(application().authorise(REQUEST, deadline, POLICY))

        assert script.seen(Send)[0].deadline == by

    def test_access_token(self) -> None:
        """The token of the moment can be had by itself, fetched within a timeout."""
        script, auth = Script(token("t1")), application()

        assert [script.run(auth.access_token(7.0)) for _ in range(2)] == ["t1", "t1"]
        assert script.seen(Once)[0].deadline == 1007.0


class TestFailures:
    """What the token address answers when it gives no token."""

    @pytest.mark.parametrize(
        ("answer", "kind", "code"),
        [
            (
                reply(error="invalid_client", error_description="unknown client id"),
                AuthError,
                "invalid_client",
            ),
            (reply(401, error="invalid_client", error_description="wrong"), AuthError, "invalid_client"),
            (reply(error="invalid_request", error_description="x"), APIError, "invalid_request"),
            (reply(error_code=336003, error_msg="x"), BadRequestError, 336003),
            (reply(404), RequestError, None),
            (Reply(200, {}, b"<html>"), RequestError, None),
            (reply(), RequestError, None),
            (reply(access_token="t"), RequestError, None),
            (reply(expires_in=10), RequestError, None),
            (reply(access_token="t", expires_in="soon"), RequestError, None),
            (reply(access_token="t", expires_in=None), RequestError, None),
            (reply(access_token=None, expires_in=10), RequestError, None),
            (reply(access_token="", expires_in=10), RequestError, None),
        ],
        ids=lambda value: value.body.decode() or None if isinstance(value, Reply) else "",
    )
    def test_final(self, answer: Reply, kind: type[QianfanError], code: int | str | None) -> None:
        """The platform's own words decide, not the HTTP status; nothing is kept, nothing sent again."""
        store: dict[Any, Token] = {}
        script = Script(answer)

        with pytest.raises(kind) as caught:
            script.run(application(store).authorise(REQUEST, 2000.0, POLICY))

        assert (caught.value.code, caught.value.status, store) == (code, answer.status, {})

    def test_the_hint(self) -> None:
        """Refused keys bring the words of the platform and what to look at."""
        script = Script(reply(error="invalid_client", error_description="unknown client id"))

        with pytest.raises(AuthError) as caught:
            script.run(application().authorise(REQUEST, 2000.0, POLICY))

        assert str(caught.value).startswith("[invalid_client] unknown client id → ")
        assert "API Key" in caught.value.hint
        assert "IAM" in caught.value.hint

    @pytest.mark.parametrize(
        "failure",
        [
            ConnectionFailedError("refused"),
            reply(503),
            reply(error="rate_limit_exceeded"),
            reply(error="unknown_error"),
        ],
        ids=["refused", "503", "rate limit", "unknown"],
    )
    def test_tried_again(self, failure: Any) -> None:
        """A failure that passes is tried again, like that of any call."""
        script = Script(failure, failure, token("t1"))

        assert script.run(application().authorise(REQUEST, 2000.0, POLICY)).url.endswith("t1")

    @pytest.mark.parametrize(
        "failure", [ConnectionFailedError("refused"), reply(503)], ids=["refused", "503"]
    )
    def test_attempts_do_not_multiply(self, failure: Any) -> None:
        """A token address that stays away is tried `retry_count` times by a call, not its square."""
        script = Script(*[failure] * 9)
        auth = application()
        exchange = Exchange(REQUEST, auth, POLICY, 60.0)

        with pytest.raises(RequestError):
            script.run(unary(exchange, lambda answer: answer))

        assert len(script.seen(Send)) == 3

    @pytest.mark.parametrize(("attempts", "sent"), [(0, 1), (1, 1), (2, 2), (5, 5)])
    def test_by_the_policy_of_the_call(self, attempts: int, sent: int) -> None:
        """How often a token is tried for, the call that needs it says, not who made the client."""
        script = Script(*[reply(503)] * sent)
        policy = POLICY._replace(attempts=attempts)

        with pytest.raises(RequestError) as caught:
            script.run(application().authorise(REQUEST, 2000.0, policy))

        assert len(script.seen(Send)) == len(caught.value.attempts) == sent

    def test_by_the_policy_of_the_client(self) -> None:
        """Who asks for the token itself has the client's policy."""
        script = Script(*[reply(503)] * 2)

        with pytest.raises(RequestError):
            script.run(application(policy=POLICY._replace(attempts=2)).access_token(60.0))

        assert not script.answers

    def test_a_slow_attempt_is_tried_again(self) -> None:
        """An attempt that its own timeout ends is not the end of the call's time."""
        script = Script(After(5.0, RequestTimeoutError("late")), token("t1"))

        assert script.run(application().authorise(REQUEST, 2000.0, POLICY)).url.endswith("t1")
        assert [effect.deadline for effect in script.seen(Send)] == [1005.0, 1010.0]

    def test_no_secret_in_errors(self) -> None:
        """A token address that echoes the Secret Key finds it masked."""
        script = Script(reply(error="invalid_client", error_description=f"bad secret {SK}"))

        with pytest.raises(AuthError) as caught:
            script.run(application().authorise(REQUEST, 2000.0, POLICY))

        assert SK not in str(caught.value) + repr(caught.value) + str(vars(caught.value))

    def test_late(self) -> None:
        """No time left means no token: the timeout is the caller's."""
        with pytest.raises(RequestTimeoutError):
            Script(RequestTimeoutError("late")).run(application().authorise(REQUEST, 1000.0, POLICY))


class TestRenewal:
    """What happens to a token that the service refuses."""

    @pytest.mark.parametrize(
        ("code", "store", "carried", "renews", "left"),
        [
            (110, {KEY: kept("t1")}, "t1", True, {}),
            (111, {KEY: kept("t1")}, "t1", True, {}),
            (110, {KEY: kept("t2")}, "t1", True, {KEY: kept("t2")}),
            (110, {}, "t1", True, {}),
            (100, {KEY: kept("t1")}, "t1", False, {KEY: kept("t1")}),
            (18, {KEY: kept("t1")}, "t1", False, {KEY: kept("t1")}),
            ("invalid_client", {KEY: kept("t1")}, "t1", False, {KEY: kept("t1")}),
        ],
        ids=["110", "111", "renewed by another", "forgotten by another", "100", "18", "keys"],
    )
    def test_only_the_refused_token_is_forgotten(
        self, code: int | str, store: dict[Any, Token], carried: str, renews: bool, left: dict[Any, Token]
    ) -> None:
        """A refusal forgets the token that the request carried, never a newer one."""
        request = REQUEST.with_query(f"access_token={carried}")

        assert application(store).renew(api_error(code, ""), request) is renews
        assert store == left

    def test_through_a_call(self) -> None:
        """A refused token leads to one fetch and one more request, with the new token."""
        store = {KEY: kept("old")}
        answers = [
            reply(error_code=110, error_msg="Access token invalid"),
            token("new"),
            reply(result="你好"),
        ]
        script = Script(*answers)

        def decode(answer: Reply) -> bytes:
            if b"error_code" in answer.body:
                raise api_error(110, "")
            return answer.body

        script.run(unary(Exchange(REQUEST, application(store), POLICY, 60.0), decode))

        assert [effect.request.url.rpartition("=")[2] for effect in script.seen(Send)] == [
            "old",
            "secret-key%2F%2B",
            "new",
        ]

    def test_secrets(self) -> None:
        """Both the Secret Key and the token of the moment are to be masked."""
        assert application().secrets == (SK,)
        assert application({KEY: kept("t1")}).secrets == (SK, "t1")


class TestStatic:
    """Credentials that are used as they are."""

    @pytest.mark.parametrize(
        ("auth", "sent", "token_itself"),
        [
            (NoAuth(), REQUEST, ""),
            (TokenAuth("24.a/b"), REQUEST._replace(url=f"{REQUEST.url}?access_token=24.a%2Fb"), "24.a/b"),
            (
                CodeAuth("code"),
                REQUEST._replace(headers={"A": "b", "Authorization": "ACCESSCODE code"}),
                "",
            ),
        ],
        ids=["none", "token", "code"],
    )
    def test_authorise(self, auth: NoAuth, sent: Request, token_itself: str) -> None:
        """They ask for nothing, change only a copy of the request, and nothing can renew them."""
        script = Script()

        assert script.run(auth.authorise(REQUEST, 0.0, POLICY)) == sent
        assert script.run(auth.access_token(1.0)) == token_itself
        assert script.asked == []
        assert not auth.renew(api_error(110, ""), sent)
        assert REQUEST.headers == {"A": "b"}

    @pytest.mark.parametrize(
        ("auth", "secrets"), [(NoAuth(), ()), (TokenAuth("t"), ("t",)), (CodeAuth("c"), ("c",))], ids=str
    )
    def test_secrets(self, auth: NoAuth, secrets: tuple[str, ...]) -> None:
        """What they hold is to be masked in errors."""
        assert tuple(auth.secrets) == secrets


@pytest.mark.parametrize(
    ("word", "kind"), [("rate_limit_exceeded", RateLimitError), ("unknown_error", InternalError)]
)
def test_what_passes_is_told_by_its_kind(word: str, kind: type[QianfanError]) -> None:
    """What the token address says of its own state becomes the error of that kind, after all attempts."""
    script = Script(*[reply(error=word)] * 3)

    with pytest.raises(kind) as caught:
        script.run(application().authorise(REQUEST, 2000.0, POLICY))

    assert len(caught.value.attempts) == 3


class TestEarlyRenewal:
    """A renewal ahead of time that fails does no harm while the old token lives."""

    def test_the_old_token_serves_on(self) -> None:
        """A token that still lives is used, and the renewal waits a while before it is tried again."""
        old = Token("access_token=old", "old", renew_at=1000.0, expires_at=1300.0)
        store = {KEY: old}
        script = Script(ConnectionFailedError("down"))
        auth = application(store, policy=RetryPolicy(attempts=1))

        request = script.run(auth.authorise(REQUEST, 2000.0, RetryPolicy(attempts=1)))

        assert request.url.endswith("access_token=old")
        assert store[KEY].renew_at > script.now

    def test_an_old_token_that_is_over_does_not(self) -> None:
        """A token whose time is over is not used, and the failure is told."""
        store = {KEY: Token("access_token=old", "old", renew_at=900.0, expires_at=1000.0)}
        script = Script(ConnectionFailedError("down"))
        auth = application(store, policy=RetryPolicy(attempts=1))

        with pytest.raises(ConnectionFailedError, match="down"):
            script.run(auth.authorise(REQUEST, 2000.0, RetryPolicy(attempts=1)))
