"""Tokens: who gets one, what it looks like, when it stops to work."""

from __future__ import annotations

import re

import pytest

import qianfan.local

QUESTION = {"messages": [{"role": "user", "content": "你好"}]}


def refused(caller, **options):
    """Return the code that a question is refused with, or None."""
    return caller.post(QUESTION, **options).json().get("error_code")


def test_token_has_the_platform_s_shape(start):
    """A token, its refresh token and the session's keys look like the platform's."""
    caller = start(clock=qianfan.local.Clock(lambda: 1_700_000_000.0))
    response = caller.authorise()

    body = response.json()
    assert response.status == 200
    assert response.headers["Date"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert set(body) == {
        "access_token", "refresh_token", "expires_in", "session_key", "session_secret", "scope",
    }  # fmt: skip
    assert body["expires_in"] == 2592000
    assert re.fullmatch(r"24\.[0-9a-f]{32}\.2592000\.1702592000\.282335-\d{8}", body["access_token"])
    assert re.fullmatch(r"25\.[0-9a-f]{32}\.2592000\.1702592000\.282335-\d{8}", body["refresh_token"])
    assert " " in body["scope"]


def test_get_does_as_well_as_post(shared):
    """The token endpoint takes GET too."""
    url = f"{shared.platform.url}/oauth/2.0/token"
    keys = {
        "grant_type": "client_credentials",
        "client_id": shared.platform.ak,
        "client_secret": shared.platform.sk,
    }

    assert shared.http.request("GET", url, fields=keys).json()["access_token"].startswith("24.")
    assert shared.http.request("PUT", url).status == 405


@pytest.mark.parametrize(
    ("changes", "status", "error", "description"),
    [
        ({"client_id": "unheard-of"}, 401, "invalid_client", "unknown client id"),
        ({"client_id": None}, 401, "invalid_client", "unknown client id"),
        ({"client_id": ""}, 401, "invalid_client", "unknown client id"),
        ({"client_secret": "wrong"}, 401, "invalid_client", "Client authentication failed"),
        ({"client_secret": "错"}, 401, "invalid_client", "Client authentication failed"),
        ({"client_secret": None}, 401, "invalid_client", "Client authentication failed"),
        ({"grant_type": None}, 400, "invalid_request", "grant_type is required"),
        (
            {"grant_type": "password"},
            400,
            "unsupported_grant_type",
            "The authorization grant type is not supported",
        ),
    ],
)
def test_bad_keys_get_the_oauth_error(shared, changes, status, error, description):
    """Each wrong or missing part of the query has its own answer."""
    response = shared.authorise(**changes)

    assert (status, {"error": error, "error_description": description}) == (response.status, response.json())


def test_keys_have_the_platform_s_shape_and_stay_the_same():
    """The default keys are 24 and 32 letters or digits, the same on every platform, and in no repr."""
    one, other = qianfan.local.platform(), qianfan.local.platform()

    assert re.fullmatch(r"[0-9A-Za-z]{24}", one.ak)
    assert re.fullmatch(r"[0-9A-Za-z]{32}", one.sk)
    assert (one.ak, one.sk) == (other.ak, other.sk)
    assert one.add_application().sk not in repr(one.add_application())


def test_more_applications(start):
    """An added application gets its own tokens; a second one with the same key is refused."""
    caller = start()
    application = caller.platform.add_application("my-ak", "my-sk")

    token = caller.authorise(client_id="my-ak", client_secret="my-sk").json()["access_token"]
    assert token.endswith(f"-{application.id}")
    assert refused(caller, token=token) is None
    with pytest.raises(ValueError, match="exists already"):
        caller.platform.add_application("my-ak", "other")
    with pytest.raises(ValueError, match="empty"):
        caller.platform.add_application("", "x")


def test_token_expires_on_the_platform_s_clock(start):
    """A token works until its lifetime is over on the platform's clock, then answers 111."""
    caller = start(token_lifetime=3600)
    assert refused(caller) is None

    caller.platform.advance(minutes=59)
    assert refused(caller) is None

    caller.platform.advance(minutes=1)
    assert refused(caller) == 111

    caller.saved = None
    assert refused(caller) is None


def test_revoked_tokens_are_unknown(start):
    """After `revoke_tokens` every earlier token answers 110, and a new one works."""
    caller = start()
    assert refused(caller) is None

    caller.platform.revoke_tokens()
    assert refused(caller) == 110

    caller.saved = None
    assert refused(caller) is None


def test_unknown_empty_and_missing_tokens(shared):
    """A token nobody issued and none at all answer 110, an empty one 100, a signature 14; gateway errors have no id."""
    url = f"{shared.platform.url}/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/completions"

    assert shared.post(QUESTION, token="24.x").json() == {
        "error_code": 110,
        "error_msg": "Access token invalid or no longer valid",
    }
    assert shared.http.request("POST", url, json=QUESTION).json()["error_code"] == 110
    assert shared.http.request("POST", url + "?access_token=", json=QUESTION).json()["error_code"] == 100
    signed = shared.http.request("POST", url, json=QUESTION, headers={"Authorization": "bce-auth-v1/a/b"})
    assert signed.json()["error_code"] == 14


def test_any_key(start):
    """With `any_key` every non-empty key and token will do; revoking and expiry work all the same."""
    caller = start(any_key=True)

    assert caller.authorise(client_id="...", client_secret="...").status == 200
    assert caller.authorise(client_id="...", client_secret="another").status == 200
    assert caller.authorise(client_id="", client_secret="").json()["error"] == "invalid_client"
    assert refused(caller, token="mine") is None

    caller.platform.advance(days=30)
    assert refused(caller, token="mine") == 111
    caller.platform.revoke_tokens()
    assert refused(caller, token="mine") == 110


def test_clock_never_runs_backwards(start):
    """`advance` takes no step back."""
    with pytest.raises(ValueError, match="only moves forward"):
        start().platform.advance(hours=-1)
