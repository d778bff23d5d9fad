"""Who may call v2: API keys, applications, tokens exchanged for access keys; and signed calls of v1."""

from __future__ import annotations

import re
from datetime import datetime, timezone

import pytest
from console_caller import Console
from local_caller import PREFIX, Caller
from v2_caller import QUESTION, V2, code, refusal

import qianfan.local
from qianfan.local import issued

EXCHANGE = "/v1/BCE-BEARER/token"
DENIED = (401, "invalid_request_error", "invalid_iam_token", "IAM Certification failed")


@pytest.fixture
def signer(start):
    """Start a platform and return its caller, which signs, knows v1, and v2; `late` ages signatures."""
    made = []

    def signed(**options):
        caller = start(**options)
        made.append(Console(caller.platform))
        return made[-1], caller, V2(caller)

    yield signed
    for console in made:
        console.http.clear()


def exchange(console, lifetime=None, **options):
    """Ask for a token."""
    query = {} if lifetime is None else {"expireInSeconds": str(lifetime)}
    return console.send(EXCHANGE, None, query, "GET", **options)


def test_the_default_key(start):
    """The default key has the documented form and is the same on every platform."""
    first, second = start(), start()

    key = first.platform.api_key
    assert re.fullmatch(r"bce-v3/ALTAK-[0-9a-f]{24}/[0-9a-f]{40}", key)
    assert key == second.platform.api_key
    assert code(V2(first).post(QUESTION)) is None


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer bce-v3/ALTAK-unknown/0",
        "Basic {key}",
        "{key}",
        "Bearer {key}x",
        "Bearer {token}",
        "bce-auth-v1/a/2023-11-15T06:13:20Z/1800/host/" + "0" * 64,
    ],
)
@pytest.mark.parametrize("method_and_path", [("POST", "/chat/completions"), ("GET", "/models")])
def test_bearers_that_are_no_keys(shared, header, method_and_path):
    """Without a bearer that is a key, nobody is let in; an access token of v1 is none."""
    method, path = method_and_path
    headers = (
        {}
        if header is None
        else {"Authorization": header.format(key=shared.platform.api_key, token=shared.token)}
    )

    assert refusal(V2(shared).send(path, b"{", method=method, key="", headers=headers)) == DENIED


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
def test_the_schemes_case_does_not_matter(shared, scheme):
    """The word Bearer is taken in any case."""
    headers = {"Authorization": f"{scheme} {shared.platform.api_key}"}

    assert code(V2(shared).post(QUESTION, key="", headers=headers)) is None


def test_more_keys(start):
    """Keys can be added, made up or given; a bad one is refused, and no repr shows one."""
    v2 = V2(start())
    made, given = v2.platform.add_api_key(), v2.platform.add_api_key("bce-v3/ALTAK-mine/secret")

    assert made.key != v2.platform.api_key
    assert [code(v2.post(QUESTION, key=key.key)) for key in (made, given)] == [None, None]
    assert "secret" not in repr(given)
    for bad in ("", "a b", "é", "line\nbreak"):
        with pytest.raises(ValueError, match="printable ASCII"):
            v2.platform.add_api_key(bad)
    with pytest.raises(ValueError, match="already"):
        v2.platform.add_api_key(given.key)


def test_keys_and_applications_outlive_the_process(tmp_path):
    """A state file keeps API keys and applications; exchanged tokens end with the process."""
    with qianfan.local.platform(state=tmp_path / "state") as platform:
        console = Console(platform)
        key, application = platform.add_api_key("mine").key, platform.add_application()
        token = exchange(console).json()["token"]
        console.http.clear()
    with qianfan.local.platform(state=tmp_path / "state") as platform:
        v2 = V2(Caller(platform))
        assert code(v2.post(QUESTION, key=key)) is None
        assert code(v2.post(QUESTION, headers={"appid": application.app_id})) is None
        assert code(v2.post(QUESTION, key=token)) == "invalid_iam_token"
        assert platform.add_api_key().id == 3
        v2.http.clear()


def test_applications(start):
    """`appid` may name any application of the account, and no other; empty is the same as none."""
    v2 = V2(start())
    other = v2.platform.add_application()

    assert re.fullmatch(r"app-[0-9a-z]{12}", v2.platform.app_id)
    for appid in (v2.platform.app_id, other.app_id, ""):
        assert code(v2.post(QUESTION, headers={"appid": appid})) is None
    for appid in ("app-unknown", str(other.id), "1", "x"):
        assert refusal(v2.post(QUESTION, headers={"appid": appid})) == (
            *(401, "invalid_request_error", "invalid_appid"),
            "No permission to use the appid",
        )


def test_any_key(start):
    """With `any_key` every bearer that is not empty is let in, and every appid."""
    v2 = V2(start(any_key=True))

    assert code(v2.post(QUESTION, key="anything", headers={"appid": "app-whatever"})) is None
    assert code(v2.post(QUESTION, key="", headers={"Authorization": "Bearer "})) == "invalid_iam_token"
    assert code(v2.post(QUESTION, key="")) == "invalid_iam_token"


def test_exchange(signer):
    """A signed call gets a token of the form of a key, with its times, which then calls v2."""
    console, caller, v2 = signer(clock=qianfan.local.Clock(lambda: 1_700_000_000.25))

    response = exchange(console, 1800)

    body = response.json()
    token = body.pop("token")
    assert response.status == 200
    assert re.fullmatch(r"bce-v3/ALTAK-[0-9a-f]{24}/[0-9a-f]{40}", token)
    assert re.fullmatch(r"[0-9a-f]{32}", body.pop("userId"))
    assert body == {
        "status": "enable",
        "createTime": "2023-11-14T22:13:20.250Z",
        "expireTime": "2023-11-14T22:43:20.250Z",
    }
    assert code(v2.post(QUESTION, key=token)) is None
    assert exchange(console, 1800).json()["token"] != token
    call = caller.platform.calls("exchange")[0]
    assert (call.reply["token"], call.headers["authorization"], call.version) == ("***", "***", None)


def test_exchanged_tokens_expire_on_the_platforms_clock(signer):
    """A token lives as long as was asked for, or an hour; then it is refused."""
    console, caller, v2 = signer()
    short, usual = exchange(console, 60).json()["token"], exchange(console).json()["token"]

    caller.platform.advance(seconds=59)
    assert code(v2.post(QUESTION, key=short)) is None
    caller.platform.advance(seconds=1)
    assert refusal(v2.post(QUESTION, key=short)) == DENIED
    caller.platform.advance(seconds=3500)
    assert code(v2.post(QUESTION, key=usual)) is None
    caller.platform.advance(seconds=40)
    assert code(v2.post(QUESTION, key=usual)) == "invalid_iam_token"


def test_tokens_can_be_revoked(signer):
    """`revoke_tokens` ends exchanged tokens, with `any_key` too; API keys stay, and new tokens live."""
    for options in ({}, {"any_key": True}):
        console, caller, v2 = signer(**options)
        token = exchange(console).json()["token"]
        caller.platform.revoke_tokens()

        assert code(v2.post(QUESTION, key=token)) == "invalid_iam_token"
        assert code(v2.post(QUESTION)) is None
        assert code(v2.post(QUESTION, key=exchange(console).json()["token"])) is None


def test_the_oldest_tokens_are_forgotten(signer, monkeypatch):
    """A program that exchanges in a loop does not fill the memory."""
    monkeypatch.setattr(issued, "MOST", 3)
    console, _, v2 = signer()
    tokens = [exchange(console).json()["token"] for _ in range(5)]

    codes = [code(v2.post(QUESTION, key=token)) for token in tokens]
    assert codes == ["invalid_iam_token", "invalid_iam_token", None, None, None]


@pytest.mark.parametrize("lifetime", ["0", "-1", "x", "", "1.5", "2592001", "9" * 30, "１"])
def test_lifetimes_that_do_not_fit(signer, lifetime):
    """A lifetime is an integer from a second to thirty days."""
    console, _, _ = signer()

    response = exchange(console, lifetime)
    assert (response.status, response.json()["code"]) == (400, "InvalidParameter")


def test_exchange_for_whom_it_does_not_know(signer):
    """Without a good signature of a known access key there is no token; IAM says why, in headers too."""
    console, caller, _ = signer()
    url = caller.platform.url + EXCHANGE
    refused = {
        "AccessDenied": caller.http.request("GET", url),
        "InvalidHTTPAuthHeader": caller.http.request("GET", url, headers={"Authorization": "Bearer x"}),
        "NotFound": exchange(console, keys=("ALTAKunknown", "x")),
        "SignatureDoesNotMatch": exchange(console, keys=(console.keys[0], "wrong")),
        "RequestExpired": exchange(console, late=301),
    }
    for name, response in refused.items():
        body = response.json()
        assert (response.status, body["code"], response.headers["X-Bce-Error-Code"]) == (403, name, name)
        assert set(body) == {"code", "message", "requestId"}
        assert response.headers["X-Bce-Error-Message"] == body["message"]
    headers = console.sign("POST", EXCHANGE)
    assert caller.http.request("POST", url, headers=headers).status == 405


def test_exchange_with_any_key(signer):
    """With `any_key` a stranger's signature is exchanged too."""
    console, _, v2 = signer(any_key=True)

    assert code(v2.post(QUESTION, key=exchange(console, keys=("ALTAKme", "me")).json()["token"])) is None


def test_exchange_of_more_access_keys(signer):
    """Every access key of the account can be exchanged."""
    console, caller, v2 = signer()
    other = caller.platform.add_access_key()

    token = exchange(console, keys=(other.ak, other.sk)).json()["token"]
    assert code(v2.post(QUESTION, key=token)) is None


def test_the_exchange_is_dated_by_the_machine(signer):
    """The Date header is the machine's, by which signatures are judged; the token's times the platform's."""
    console, caller, _ = signer()
    caller.platform.advance(days=400)

    response = exchange(console)
    dated = datetime.strptime(response.headers["Date"], "%a, %d %b %Y %H:%M:%S GMT").replace(
        tzinfo=timezone.utc
    )
    created = datetime.strptime(response.json()["createTime"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(
        tzinfo=timezone.utc
    )
    assert 399 < (created - dated).days < 401


V1_BODY = b'{"messages": [{"role": "user", "content": "hi"}]}'
V1_PATH = f"{PREFIX}/chat/eb-instant"


def test_signed_calls_of_v1(signer):
    """v1 inference takes a signature in place of a token, unary and stream; each service does."""
    console, _, _ = signer()

    assert console.send(V1_PATH, V1_BODY).json()["result"]
    assert b'"is_end":true' in console.send(V1_PATH, V1_BODY[:-1] + b', "stream": true}').data
    assert console.send(f"{PREFIX}/embeddings/embedding-v1", b'{"input": ["x"]}').json()["data"]
    assert console.send(V1_PATH, V1_BODY, {"a": "b c"}).json()["result"]


def test_signatures_of_v1_that_are_not_good(signer):
    """A bad signature on v1 inference is HTTP 200 with code 14; headers say what is wrong with it."""
    console, caller, _ = signer()
    url = caller.platform.url + V1_PATH
    altered = console.sign("POST", V1_PATH, {"a": "b"})
    refused = {
        "InvalidHTTPAuthHeader": console.send(V1_PATH, V1_BODY, headers={"Authorization": "Bearer x"}),
        "NotFound": console.send(V1_PATH, V1_BODY, keys=("ALTAKunknown", "x")),
        "SignatureDoesNotMatch": console.send(V1_PATH, V1_BODY, headers=altered),
        "RequestExpired": console.send(V1_PATH, V1_BODY, late=301),
    }
    for name, response in refused.items():
        assert response.status == 200
        assert response.json() == {"error_code": 14, "error_msg": "IAM Certification failed"}
        assert response.headers["X-Bce-Error-Code"] == name
    assert caller.http.request("POST", url, body=V1_BODY).json()["error_code"] == 110


def test_a_token_decides_where_both_are_there(signer):
    """A call of v1 with a token is judged by it, whatever its Authorization header says."""
    console, caller, _ = signer()
    headers = console.sign("POST", V1_PATH)
    url = f"{caller.platform.url}{V1_PATH}?access_token="

    assert caller.http.request(
        "POST", url + caller.token, body=V1_BODY, headers={"Authorization": "x"}
    ).json()["result"]
    assert (
        caller.http.request("POST", url + "unknown", body=V1_BODY, headers=headers).json()["error_code"]
        == 110
    )


def test_signed_calls_of_v1_with_any_key(signer):
    """With `any_key` a stranger's signature is taken, a malformed one is not."""
    console, _, _ = signer(any_key=True)

    assert console.send(V1_PATH, V1_BODY, keys=("ALTAKme", "me")).json()["result"]
    assert console.send(V1_PATH, V1_BODY, headers={"Authorization": "x"}).json()["error_code"] == 14


def test_signed_calls_of_v1_are_the_default_applications(signer):
    """A signed call is charged to the default application, as one with its token is."""
    console, caller, _ = signer(rpm=1)

    assert console.send(V1_PATH, V1_BODY).json()["result"]
    assert caller.ask("hi", endpoint="eb-instant")["error_code"] == 336501


def test_the_journal_shows_no_bearer(signer):
    """Neither keys nor tokens are readable in the journal."""
    console, caller, v2 = signer()
    token = exchange(console).json()["token"]
    for key in (token, caller.platform.api_key):
        v2.post({**QUESTION, "api_key": key}, key=key)

    text = repr(caller.platform.calls())
    assert token not in text
    assert caller.platform.api_key not in text
    assert [call.headers["authorization"] for call in caller.platform.calls("chat")] == ["***", "***"]
