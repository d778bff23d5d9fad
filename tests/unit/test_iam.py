"""Signatures of `bce-auth-v1`, beside vectors of the platform and beside Baidu's own signer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from baidubce.auth import bce_v1_signer as auth
from baidubce.auth.bce_credentials import BceCredentials
from hypothesis import given
from hypothesis import strategies as st

from qianfan.core.auth.iam import IamAuth, authorization
from qianfan.core.effects import Date
from qianfan.core.http import Request
from qianfan.core.refusals import api_error
from qianfan.core.retry import RetryPolicy
from qianfan.response import Headers
from unit.interpreter import Script

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "bce_v1_signing.json").read_text("utf-8"))[
    "vectors"
]
KEYS = ("ALTAKFAKEfake0123456789abcd", "FAKEsecretFAKEsecretFAKEsecret00")


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vectors(vector: dict[str, Any]) -> None:
    """Every vector gives the platform's own header."""
    made = authorization(
        vector["method"],
        vector["path"],
        [(name, value or "") for name, value in vector["query"].items()],
        {name: str(value) for name, value in vector["headers"].items()},
        vector["ak"],
        vector["sk"],
        vector["timestamp"],
        expiration=vector["expiration_in_seconds"],
        signed=vector["headers_to_sign"],
    )

    assert made == vector["expected_authorization"]


NAMES = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)
TEXTS = st.text(max_size=12)


@given(
    st.sampled_from(["GET", "POST"]),
    st.lists(NAMES, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts)),
    st.dictionaries(NAMES, TEXTS, max_size=4),
    st.dictionaries(
        NAMES.map(lambda name: f"x-bce-{name.lower()}"), st.text("abc /:%=&中", min_size=1), max_size=3
    ),
    st.integers(1, 2**32),  # Baidu's signer takes 0 for now
    st.integers(1, 100_000),
)
def test_beside_baidus_own_signer(
    method: str, path: str, query: dict[str, str], more: dict[str, str], now: int, expiration: int
) -> None:
    """Any request is signed as Baidu's own package signs it."""
    timestamp = IamAuth(*KEYS).timestamp(now)
    headers = {
        "Host": "qianfan.baidubce.com",
        "Content-Type": "application/json",
        "x-bce-date": timestamp,
        **more,
    }
    names = sorted(name.lower() for name in headers)

    theirs = auth.sign(
        BceCredentials(*KEYS),
        method.encode(),
        path.encode(),
        {name.encode(): value.encode() for name, value in headers.items()},
        {name.encode(): value.encode() for name, value in query.items()},
        now,
        expiration,
        {name.encode() for name in names},
    )
    ours = authorization(
        method, path, query.items(), headers, *KEYS, timestamp, expiration=expiration, signed=names
    )

    assert ours.rpartition("/")[2] == theirs.decode().rpartition("/")[2]


def signed(url: str, now: float = 1698135829.0) -> Request:
    """Return a request to a URL, signed at a time."""
    script = Script(now=now)
    return script.run(
        IamAuth(*KEYS).authorise(Request("POST", url, {"Content-Type": "application/json"}), 0, RetryPolicy())
    )


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://qianfan.baidubce.com/x", "qianfan.baidubce.com"),
        ("https://qianfan.baidubce.com:443/x", "qianfan.baidubce.com"),
        ("http://127.0.0.1:8866/x", "127.0.0.1:8866"),
        ("http://host:80/x?Action=Y", "host"),
    ],
)
def test_host(url: str, host: str) -> None:
    """The host that is signed is the one that is sent, without a scheme's own port."""
    assert signed(url).headers["Host"] == host


def test_each_attempt_is_signed_anew() -> None:
    """A signature says when it was made."""
    first, second = signed("http://host/x"), signed("http://host/x", 1698135830.0)

    assert first.headers["x-bce-date"] == "2023-10-24T08:23:49Z"
    assert second.headers["x-bce-date"] == "2023-10-24T08:23:50Z"
    assert first.headers["Authorization"] != second.headers["Authorization"]


@pytest.mark.parametrize(
    ("date", "says"),
    [
        ("Tue, 24 Oct 2023 08:33:49 GMT", "600 s behind"),
        ("Tue, 24 Oct 2023 08:13:49 GMT", "600 s ahead"),
        ("Tue, 24 Oct 2023 08:25:49 GMT", ""),
        ("no date", ""),
        ("Tue, 24 Oct 99999999999999999999 08:33:49 GMT", ""),
        ("", ""),
    ],
)
def test_a_wrong_clock_is_told(date: str, says: str) -> None:
    """Where the service's date is further away than a signature lives, the clock is to blame."""
    error = api_error("SignatureDoesNotMatch", "refused", None)
    error.status, error.headers, error.hint = 403, Headers({"Date": date}), ""

    assert IamAuth(*KEYS).renew(error, signed("http://host/x")) is False
    assert says in error.hint
    assert bool(error.hint) == bool(says)


def test_no_secret() -> None:
    """The Secret Key is known as one, and no token is used."""
    auth = IamAuth(*KEYS)

    assert auth.secrets == (KEYS[1],)
    assert Script().run(auth.access_token(1.0)) == ""
    assert Date() == ()
