"""What authorises calls of v2: an API key, a token provider, an exchanged bearer; driven by hand."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest
from baidubce.auth import bce_v1_signer
from baidubce.auth.bce_credentials import BceCredentials
from support.v2 import chat_body, chunk, error_body, exchange_body

from qianfan.core.auth.bearer import ExchangedAuth, KeyAuth, ProviderAuth
from qianfan.core.auth.fetched import Token
from qianfan.core.auth.iam import IamAuth
from qianfan.core.call import Call
from qianfan.core.codec import headed
from qianfan.core.effects import Once, Open, Provide, Send
from qianfan.core.flow import Exchange, stream, unary
from qianfan.core.http import Reply, Request
from qianfan.core.limits import RateLimiter
from qianfan.core.refusals import status_error
from qianfan.core.retry import RetryPolicy
from qianfan.core.v2 import V2
from qianfan.errors import (
    AuthError,
    ConnectionFailedError,
    InternalError,
    InvalidArgumentError,
    QianfanError,
    RateLimitError,
    RequestError,
)

from .interpreter import Script

KEY = "bce-v3/ALTAK-k3y/0123456789abcdef0123456789abcdef01234567"
OTHER = "bce-v3/ALTAK-0th3r/fedcba9876543210fedcba9876543210fedcba98"
PAIR = ("ALTAKFAKEfake0123456789abcd", "FAKEsecretFAKEsecretFAKEsecret00")
URL = "https://iam.bj.baidubce.com/v1/BCE-BEARER/token"
STORED = (URL, *PAIR)
POLICY = RetryPolicy(backoff_factor=0)
REQUEST = Request("POST", "https://host/v2/chat/completions", headed(None), b"{}")
CALL = Call("chat", None, None, {"messages": []})
SSE = Reply(200, {"Content-Type": "text/event-stream"})


def reply(body: Any, status: int = 200, **headers: str) -> Reply:
    """Return a JSON reply; `X_A` stands for `X-A`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"Content-Type": "application/json", **named}, orjson.dumps(body))


ANSWER = reply(chat_body())
REFUSED = reply(error_body("invalid_iam_token", "IAM Certification failed"), 401)


def authorised(auth: Any, request: Request = REQUEST, script: Script | None = None) -> Request:
    """Return a request with its credential."""
    return (script or Script()).run(auth.authorise(request, 2000.0, POLICY))


def call(auth: Any, script: Script, **rules: Any) -> Any:
    """Make a unary call against a script."""
    exchange = Exchange(REQUEST, auth, **{"policy": POLICY, "timeout": 60.0, **rules})
    return script.run(unary(exchange, V2(CALL).decode))


def listen(auth: Any, script: Script, **rules: Any) -> None:
    """Make a stream call against a script."""
    exchange = Exchange(REQUEST, auth, **{"policy": POLICY, "timeout": 60.0, **rules})
    script.run(stream(exchange, V2(CALL)))


def bearers(script: Script) -> list[str]:
    """Return the bearers of the calls that were sent, in their order."""
    sent = [effect.request for effect in script.asked if isinstance(effect, Send | Open)]
    return [request.token for request in sent if request.url == REQUEST.url]


class TestKey:
    """An API key, as it is."""

    @pytest.mark.parametrize(("app_id", "more"), [(None, {}), ("", {}), ("app-x", {"appid": "app-x"})])
    def test_headers(self, app_id: str | None, more: dict[str, str]) -> None:
        """The key goes in its header, the application beside it where there is one."""
        sent = authorised(KeyAuth(KEY, app_id))

        assert sent.headers == {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}", **more}
        assert sent == REQUEST._replace(headers=sent.headers)
        assert REQUEST.headers == {"Content-Type": "application/json"}

    @pytest.mark.parametrize(
        ("own", "sent"),
        [
            ({"X-A": "b"}, {"X-A": "b", "Authorization": f"Bearer {KEY}", "appid": "app-x"}),
            ({"appid": "app-y"}, {"appid": "app-y", "Authorization": f"Bearer {KEY}"}),
            ({"AppID": "app-y"}, {"AppID": "app-y", "Authorization": f"Bearer {KEY}"}),
            ({"authorization": "Bearer mine"}, {"authorization": "Bearer mine", "appid": "app-x"}),
        ],
        ids=str,
    )
    def test_the_calls_own_headers_count(self, own: dict[str, str], sent: dict[str, str]) -> None:
        """A header that the call itself names is kept, and goes out once."""
        request = REQUEST._replace(headers=headed(own))

        assert authorised(KeyAuth(KEY, "app-x"), request).headers == {
            "Content-Type": "application/json",
            **sent,
        }

    def test_nothing_can_renew_it(self) -> None:
        """A key that is refused is refused for good, at once and in the platform's words."""
        script = Script(REFUSED)
        with pytest.raises(AuthError, match="IAM Certification failed") as caught:
            call(KeyAuth(KEY), script)

        assert len(caught.value.attempts) == 1
        assert "api_key=" in caught.value.hint

    def test_access_token(self) -> None:
        """The key is what calls carry, and a secret."""
        auth = KeyAuth(KEY)

        assert Script().run(auth.access_token(1.0)) == KEY
        assert tuple(auth.secrets) == (KEY,)


class Provider:
    """A function that gives one bearer after the other, and counts."""

    def __init__(self, *bearers: Any) -> None:
        self.bearers = bearers
        self.asked = 0

    def __call__(self) -> Any:
        """Return the next bearer, the last again and again."""
        self.asked += 1
        return self.bearers[min(self.asked, len(self.bearers)) - 1]


class TestProvider:
    """A function of the user's that gives the bearer."""

    def test_headers(self) -> None:
        """What it gives goes in the header, the application beside it."""
        script, provider = Script(), Provider(KEY)
        sent = authorised(ProviderAuth(provider, "app-x"), script=script)

        assert (sent.headers["Authorization"], sent.headers["appid"]) == (f"Bearer {KEY}", "app-x")
        assert script.asked == [Provide(provider, 2000.0)]

    def test_asked_by_the_deadline_of_the_call(self) -> None:
        """It has the time that the call has, or that asking for the token alone has."""
        script, auth = Script(ANSWER), ProviderAuth(Provider(KEY))
        call(auth, script)
        script.run(auth.access_token(5.0))

        assert [effect.deadline for effect in script.seen(Provide)] == [1060.0, 1005.0]

    def test_asked_anew_by_every_attempt(self) -> None:
        """Every attempt carries what the function gives at that moment."""
        provider = Provider("b1", "b2", "b3")
        script = Script(ConnectionFailedError("down"), reply(error_body("internal_error"), 500), ANSWER)
        call(ProviderAuth(provider), script)

        assert bearers(script) == ["b1", "b2", "b3"]

    def test_asked_once_an_attempt_under_a_limit(self) -> None:
        """Waiting for a place in a rate limit asks it no second time."""
        provider, script = Provider("b1", "b2"), Script(ConnectionFailedError("down"), ANSWER)
        call(ProviderAuth(provider), script, limiter=RateLimiter(5))

        assert bearers(script) == ["b1", "b2"]
        assert provider.asked == 2

    @pytest.mark.parametrize(
        ("given", "says"),
        [
            (None, "not NoneType"),
            ("", "not an empty one"),
            (b"bytes", "not bytes"),
            (7, "not int"),
            (["x"], "not list"),
            (f"{KEY}\n", "white space"),
            (f"Bearer {KEY}", "white space"),
            ("密钥", "characters that no key has"),
        ],
        ids=["None", "empty", "bytes", "int", "list", "line break", "with Bearer", "Chinese"],
    )
    def test_what_is_no_bearer(self, given: Any, says: str) -> None:
        """What cannot stand in the header is refused before anything is sent, and is not quoted."""
        with pytest.raises(InvalidArgumentError, match="token_provider") as caught:
            call(ProviderAuth(Provider(given)), Script())

        assert says in str(caught.value)
        assert KEY not in str(caught.value)

    def test_what_it_raises(self) -> None:
        """Its own failure is the caller's, and is not tried again."""
        with pytest.raises(ZeroDivisionError):
            call(ProviderAuth(lambda: str(1 // 0)), Script())

    @pytest.mark.parametrize(
        ("act", "success"),
        [(call, (ANSWER,)), (listen, (SSE, b"data: [DONE]\n\n", b""))],
        ids=["unary", "stream"],
    )
    def test_a_refused_bearer(self, act: Any, success: Any) -> None:
        """A refusal asks the function once more, even where no retry is allowed; a second one is final."""
        whole = (REFUSED,) if act is call else (REFUSED._replace(body=b""), REFUSED.body, b"")
        script = Script(*whole, *success)
        act(ProviderAuth(Provider("old", "new")), script, policy=RetryPolicy(attempts=1))
        assert bearers(script) == ["old", "new"]

        with pytest.raises(AuthError) as caught:
            act(ProviderAuth(Provider("old", "new")), Script(*whole * 2), policy=RetryPolicy(attempts=1))
        assert len(caught.value.attempts) == 2

    def test_only_that_refusal(self) -> None:
        """No other refusal asks it again."""
        with pytest.raises(AuthError) as caught:
            call(ProviderAuth(Provider("b1")), Script(reply(error_body("invalid_appid"), 401)))

        assert len(caught.value.attempts) == 1

    @pytest.mark.parametrize("act", [call, listen], ids=["unary", "stream"])
    def test_its_bearer_is_a_secret(self, act: Any) -> None:
        """A service that echoes the bearer finds it masked, within a stream too."""
        echo = reply(error_body("brand_new", "no such key: b3ar3r of 2023"), 400)
        script = Script(echo)
        if act is listen:
            events = [orjson.dumps(chunk("你")), echo.body]
            script = Script(SSE, b"".join(b"data: " + event + b"\n\n" for event in events))
        with pytest.raises(QianfanError, match=r"no such key: \*\*\*") as caught:
            act(ProviderAuth(Provider("b3ar3r of 2023".partition(" ")[0])), script)

        assert "b3ar3r" not in str(vars(caught.value))


def exchanged(store: dict[Any, Token] | None = None, **rules: Any) -> ExchangedAuth:
    """Return a key pair that is exchanged, with a store of its own."""
    rules = {"lifetime": 43200, "app_id": None, "policy": POLICY, "timeout": 5.0, **rules}
    return ExchangedAuth(URL, IamAuth(*PAIR), PAIR, store={} if store is None else store, **rules)


def kept(token: str = KEY, renew_at: float = 5000.0, expires_at: float = 6000.0) -> Token:
    """Return a bearer as it stands in a store."""
    return Token(f"Bearer {token}", token, renew_at, expires_at)


def issued(token: str = KEY, expires: str = "2024-11-05T15:04:05.678Z") -> Reply:
    """Return what the exchange answers; it made the token at 03:04:05.678."""
    return reply(exchange_body(token, expires))


class TestExchange:
    """The exchange of a key pair for a bearer."""

    def test_the_request(self) -> None:
        """It is the documented one, signed over host, date, type and query."""
        script = Script(issued(), now=1698135829.0)
        sent = authorised(exchanged(), script=script)
        asked = script.seen(Send)[0].request
        prefix, signed, _ = asked.headers["Authorization"].rsplit("/", 2)

        assert (asked.method, asked.url, asked.body) == ("GET", f"{URL}?expireInSeconds=43200", b"")
        assert prefix == f"bce-auth-v1/{PAIR[0]}/2023-10-24T08:23:49Z/300"
        assert signed == "content-type;host;x-bce-date"
        assert asked.headers["Host"] == "iam.bj.baidubce.com"
        assert sent.headers["Authorization"] == f"Bearer {KEY}"

    @pytest.mark.parametrize("url", [URL, "http://127.0.0.1:8866/v1/BCE-BEARER/token"])
    def test_the_signature(self, url: str) -> None:
        """It is the one that Baidu's own signer makes of the same request."""
        auth = ExchangedAuth(
            url, IamAuth(*PAIR), PAIR, lifetime=7, app_id=None, store={}, policy=POLICY, timeout=5
        )
        script = Script(issued(), now=1698135829.0)
        authorised(auth, script=script)
        asked = script.seen(Send)[0].request
        headers = {name.lower(): value for name, value in asked.headers.items() if name != "Authorization"}
        parts = urlsplit(asked.url)
        theirs = bce_v1_signer.sign(
            BceCredentials(*PAIR),
            b"GET",
            parts.path.encode(),
            {name.encode(): value.encode() for name, value in headers.items()},
            {name.encode(): value.encode() for name, value in parse_qsl(parts.query)},
            1698135829,
            300,
            {name.encode() for name in headers},
        ).decode()

        assert asked.headers["Authorization"].rpartition("/")[2] == theirs.rpartition("/")[2]

    def test_once(self) -> None:
        """All who ask meanwhile share one exchange, known by its address and the keys; later ones find it kept."""
        store: dict[Any, Token] = {}
        script = Script(issued())
        for _ in range(3):
            authorised(exchanged(store), script=script)

        assert [(effect.key, effect.deadline) for effect in script.seen(Once)] == [(STORED, 2000.0)]
        assert list(store) == [STORED]

    @pytest.mark.parametrize(
        ("expires", "renew_after"),
        [
            ("2024-11-05T15:04:05.678Z", 43200 - 300),
            ("2024-11-05T04:04:05.678Z", 3300),
            ("2024-11-05T03:14:05.678Z", 540),
            ("2024-11-05T03:04:15Z", 9),
            ("2024-11-05T11:04:15+08:00", 9),
            ("2024-11-05T03:04:15.6Z", 9),
            ("2024-11-05T03:04:15.678901234Z", 9),
            ("2024-11-05T03:04:05.678Z", 0),
            ("2024-11-05T03:04:04Z", 0),
        ],
    )
    def test_its_life(self, expires: str, renew_after: float) -> None:
        """It serves until five minutes, or a tenth of its life, before its end, by the exchange's own clock."""
        script = Script(issued("b1", expires), issued("b2"))
        auth = exchanged()
        authorised(auth, script=script)
        if renew_after:
            script.now += renew_after - 0.001
            assert authorised(auth, script=script).token == "b1"

        script.now += 0.001

        assert authorised(auth, script=script).token == "b2"

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {**exchange_body(KEY), "token": ""},
            {**exchange_body(KEY), "token": None},
            {**exchange_body(KEY), "token": 7},
            {**exchange_body(KEY), "token": "with a\nbreak"},
            {**exchange_body(KEY), "expireTime": None},
            {**exchange_body(KEY), "expireTime": "soon"},
            {**exchange_body(KEY), "createTime": 7},
            {**exchange_body(KEY), "createTime": "2024-11-05T03:04:05"},
            {name: value for name, value in exchange_body(KEY).items() if name != "createTime"},
        ],
        ids=str,
    )
    def test_what_gives_no_token(self, body: Any) -> None:
        """A reply without a usable token and its times is told as that, without the token."""
        with pytest.raises(RequestError, match="holds no token") as caught:
            authorised(exchanged(), script=Script(reply(body)))

        assert KEY not in str(caught.value) + str(vars(caught.value))

    @pytest.mark.parametrize(
        ("answer", "kind", "code"),
        [
            (reply({"code": "NotFound", "message": "m", "requestId": "r"}, 403), AuthError, "NotFound"),
            (
                Reply(403, {"X-Bce-Error-Code": "SignatureDoesNotMatch", "X-Bce-Error-Message": "m"}),
                AuthError,
                "SignatureDoesNotMatch",
            ),
            (reply({"error_code": 14, "error_msg": "m"}), AuthError, 14),
            (Reply(200, {"Content-Type": "text/html"}, f"<p>{KEY}</p>".encode()), RequestError, None),
            (Reply(404, {}, b"nothing here"), RequestError, None),
        ],
        ids=["in the body", "in the head", "as v1", "a page", "a page with 404"],
    )
    def test_failures_for_good(self, answer: Reply, kind: type[QianfanError], code: Any) -> None:
        """A refusal is final, in the platform's own words, with what to check; no bearer shows."""
        store: dict[Any, Token] = {}
        script = Script(answer)
        with pytest.raises(kind) as caught:
            call(exchanged(store), script)
        error = caught.value

        assert (error.code, error.status, store) == (code, answer.status, {})
        assert error.hint
        assert KEY not in str(error) + str(vars(error))
        assert PAIR[1] not in str(error) + str(vars(error))

    def test_the_hint(self) -> None:
        """Refused keys are told apart from an application's."""
        with pytest.raises(AuthError) as caught:
            call(exchanged(), Script(reply({"code": "NotFound", "message": "m"}, 403)))

        assert "Access Key" in caught.value.hint

    def test_a_wrong_clock(self) -> None:
        """Where the exchange's date is far away, the clock is to blame."""
        answer = reply({"code": "RequestExpired", "message": "m"}, 403, Date="Thu, 01 Jan 1970 00:40:00 GMT")
        with pytest.raises(AuthError) as caught:
            call(exchanged(), Script(answer))

        assert "1400 s behind" in caught.value.hint

    @pytest.mark.parametrize(
        "failure",
        [
            ConnectionFailedError("down"),
            reply({"code": "InternalError", "message": "m"}, 500),
            Reply(502, {"Content-Type": "text/html"}, b"<html>"),
            reply({"code": "TooManyRequests", "message": "m"}, 429),
        ],
        ids=["connection", "500", "502", "429"],
    )
    def test_failures_that_pass(self, failure: Any) -> None:
        """What passes with time is tried again by the policy of the call, and its attempts do not multiply."""
        script = Script(failure, failure, issued(), ANSWER)
        call(exchanged(), script)
        assert bearers(script) == [KEY]

        with pytest.raises((RequestError, InternalError, RateLimitError)) as caught:
            call(exchanged(), Script(*[failure] * 3))
        assert len(caught.value.attempts) == 3

    def test_an_early_renewal_that_fails(self) -> None:
        """While the old bearer lives it serves on, and the renewal is tried again a little later."""
        store: dict[Any, Token] = {STORED: kept("old", renew_at=900.0)}
        script = Script(*[ConnectionFailedError("down")] * 3, issued("new"))
        auth = exchanged(store)

        assert authorised(auth, script=script).token == "old"
        script.now += 14
        assert authorised(auth, script=script).token == "old"
        script.now += 1
        assert authorised(auth, script=script).token == "new"

    def test_the_application(self) -> None:
        """The application goes beside the bearer."""
        sent = authorised(exchanged(app_id="app-x"), script=Script(issued()))

        assert sent.headers["appid"] == "app-x"

    def test_secrets(self) -> None:
        """The Secret Key and the bearer of the moment are secrets."""
        assert exchanged().secrets == (PAIR[1],)
        assert exchanged({STORED: kept()}).secrets == (PAIR[1], KEY)

    def test_access_token(self) -> None:
        """The bearer of the moment can be asked for, and is exchanged first where needed."""
        assert Script(issued()).run(exchanged().access_token(5.0)) == KEY


class TestRefusedBearer:
    """A bearer that the service refuses."""

    @pytest.mark.parametrize(
        ("status", "code", "renews"),
        [
            (401, "invalid_iam_token", True),
            (401, "invalid_appid", False),
            (401, "invalid_model", False),
            (403, "AccessDenied", False),
            (429, "rpm_rate_limit_exceeded", False),
        ],
    )
    def test_which_refusal(self, status: int, code: str, renews: bool) -> None:
        """Only the documented code is one that a new bearer cures."""
        store = {STORED: kept()}
        auth = exchanged(store)

        assert auth.renew(status_error(status, code, ""), authorised(auth)) is renews
        assert (STORED in store) is not renews

    def test_not_anothers(self) -> None:
        """A bearer that another call has renewed already is kept, and used for the second try."""
        store = {STORED: kept("new")}
        auth = exchanged(store)
        request = REQUEST._replace(headers={"Authorization": "Bearer old"})

        assert auth.renew(status_error(401, "invalid_iam_token", ""), request)
        assert store == {STORED: kept("new")}

    @pytest.mark.parametrize("act", [call, listen], ids=["unary", "stream"])
    def test_renewed_once(self, act: Any) -> None:
        """A refusal costs one exchange and one more call, even where no retry is allowed."""
        whole = (REFUSED,) if act is call else (REFUSED._replace(body=b""), REFUSED.body, b"")
        success = (ANSWER,) if act is call else (SSE, b"data: [DONE]\n\n", b"")
        script = Script(*whole, issued("new"), *success)
        act(exchanged({STORED: kept("old")}), script, policy=RetryPolicy(attempts=1))

        assert bearers(script) == ["old", "new"]

    @pytest.mark.parametrize("act", [call, listen], ids=["unary", "stream"])
    def test_a_second_refusal_is_final(self, act: Any) -> None:
        """A bearer that was just exchanged and is refused too is the platform's last word."""
        whole = (REFUSED,) if act is call else (REFUSED._replace(body=b""), REFUSED.body, b"")
        script = Script(*whole, issued("new"), *whole)
        with pytest.raises(AuthError) as caught:
            act(exchanged({STORED: kept("old")}), script, policy=POLICY)

        assert caught.value.code == "invalid_iam_token"
        assert len(caught.value.attempts) == 2
        assert not script.answers

    def test_the_bearer_of_a_stream_is_masked_after_it_was_renewed(self) -> None:
        """A stream whose bearer was replaced meanwhile still shows none of them."""
        store = {STORED: kept(KEY)}
        events = [
            orjson.dumps(chunk("你")),
            orjson.dumps(error_body("brand_new", f"refused: {KEY}, {OTHER}")),
        ]
        script = Script(SSE, b"".join(b"data: " + event + b"\n\n" for event in events))

        class Replacing(V2):
            """A dialect during whose reading another call renews the bearer."""

            def failure(self, *arguments: Any) -> QianfanError:
                """Replace it."""
                store[STORED] = kept(OTHER)
                return super().failure(*arguments)

        with pytest.raises(QianfanError) as caught:
            script.run(stream(Exchange(REQUEST, exchanged(store), POLICY, 60.0), Replacing(CALL)))

        assert "k3y" not in str(caught.value)
        assert "0th3r" not in str(caught.value)
