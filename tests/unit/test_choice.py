"""Which credential answers, where several are found on several levels: argument, setter, environment."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

import qianfan
from qianfan.credentials import (
    AccessCode,
    AccessToken,
    ApiKey,
    ApplicationKey,
    Credential,
    IamKey,
    TokenProvider,
)
from qianfan.errors import InvalidArgumentError
from qianfan.settings import resolve

KEY = {"api_key": "bce-v3/k"}
IAM = {"access_key": "k", "secret_key": "s"}
PAIR = {"ak": "a", "sk": "s"}
TOKEN = {"access_token": "t"}

ENV_KEY = {"QIANFAN_API_KEY": "env-k"}
ENV_IAM = {"QIANFAN_ACCESS_KEY": "env-k", "QIANFAN_SECRET_KEY": "env-s"}
ENV_PAIR = {"QIANFAN_AK": "env-a", "QIANFAN_SK": "env-s"}


def provide() -> str:
    """Give a bearer."""
    return "b"


def chosen(arguments: dict[str, Any], environment: dict[str, str]) -> tuple[int, Credential, Any]:
    """Return the version that answers, its credential, and the one of what exists on v1 only."""
    made = resolve(arguments, environment)  # type: ignore[arg-type]  # the tables' own
    return made.version, made.credential, made.v1_credential


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        # an argument comes before anything of the environment's, on either version
        (IAM, {**ENV_PAIR, **ENV_KEY}, (2, IamKey("k", "s"), IamKey("k", "s"))),
        ({**IAM, "version": 1}, ENV_PAIR, (1, IamKey("k", "s"), IamKey("k", "s"))),
        ({**TOKEN, "version": 1}, ENV_PAIR, (1, AccessToken("t"), AccessToken("t"))),
        ({"token_provider": provide}, {**ENV_IAM, **ENV_KEY}, (2, TokenProvider(provide), None)),
        ({**KEY, "version": 2}, ENV_IAM, (2, ApiKey("bce-v3/k"), None)),
        # on one level a token comes before a signature on v1
        ({**IAM, **TOKEN, "version": 1}, {}, (1, AccessToken("t"), AccessToken("t"))),
        ({"version": 1}, {**ENV_IAM, **ENV_PAIR}, (1, *[ApplicationKey("env-a", "env-s")] * 2)),
        # and of v2's the provider, then the key, then the pair
        ({**IAM, **KEY, "token_provider": provide}, {}, (2, TokenProvider(provide), IamKey("k", "s"))),
        # what exists on v1 only is called with what stands beside the key, or before it
        ({**KEY, **PAIR}, {}, (2, ApiKey("bce-v3/k"), ApplicationKey("a", "s"))),
        ({**KEY, **IAM, **PAIR}, {}, (2, ApiKey("bce-v3/k"), ApplicationKey("a", "s"))),
        ({**KEY, **IAM}, ENV_PAIR, (2, ApiKey("bce-v3/k"), IamKey("k", "s"))),
        ({"version": 2, **PAIR}, ENV_KEY, (2, ApiKey("env-k"), ApplicationKey("a", "s"))),
        ({}, {**ENV_KEY, **ENV_IAM}, (2, ApiKey("env-k"), IamKey("env-k", "env-s"))),
        ({}, {**ENV_KEY, "QIANFAN_ACCESS_CODE": "c"}, (2, ApiKey("env-k"), AccessCode("c"))),
        # and never with a key that was meant for another client
        (KEY, ENV_PAIR, (2, ApiKey("bce-v3/k"), None)),
        (KEY, ENV_IAM, (2, ApiKey("bce-v3/k"), None)),
        ({"token_provider": provide}, {**ENV_PAIR, **ENV_IAM}, (2, TokenProvider(provide), None)),
    ],
)  # fmt: skip
def test_levels(arguments: dict[str, Any], environment: dict[str, str], expected: Any) -> None:
    """The strongest level decides, also over what the version that is asked for takes."""
    assert chosen(arguments, environment) == expected


def test_setters_stand_between() -> None:
    """What a setter was told comes after an argument and before the environment."""
    qianfan.AK("set-a")
    qianfan.SK("set-s")

    assert chosen({}, ENV_KEY) == (1, ApplicationKey("set-a", "set-s"), ApplicationKey("set-a", "set-s"))
    assert chosen(KEY, {}) == (2, ApiKey("bce-v3/k"), None)
    assert chosen({"version": 2}, ENV_KEY) == (2, ApiKey("env-k"), ApplicationKey("set-a", "set-s"))


@pytest.mark.parametrize(
    "stray",
    [
        {"QIANFAN_AK": "half"},
        {"QIANFAN_SK": "half"},
        {"QIANFAN_AK": "ALTAKabcdefgh1234", "QIANFAN_SK": "s"},
        {"QIANFAN_ACCESS_TOKEN": "bce-v3/ALTAK-abc/0123"},
        {"QIANFAN_ACCESS_CODE": "two words"},
    ],
    ids=["ak", "sk", "misplaced", "a key as token", "no header"],
)
def test_a_stray_key_of_v1_breaks_no_client_of_v2(stray: dict[str, str]) -> None:
    """What is no good in the environment, and is not needed, is left alone."""
    assert chosen({}, {**ENV_KEY, **stray}) == (2, ApiKey("env-k"), None)


@pytest.mark.parametrize(
    "stray", [{"ak": "half"}, {"ak": "ALTAKabcdefgh1234", "sk": "s"}], ids=["half", "misplaced"]
)
def test_a_stray_argument_does(stray: dict[str, str]) -> None:
    """What was passed to the client itself is a mistake, needed or not."""
    with pytest.raises(InvalidArgumentError):
        chosen({**KEY, **stray}, {})


@pytest.mark.parametrize(
    "arguments",
    [
        {"api_key": "bce-v3/ALTAK-x/y\n"},
        {"api_key": "Bearer bce-v3/ALTAK-x/y"},
        {"api_key": "密钥在此处"},
        {**KEY, "app_id": "app-x\r\nX-Evil: 1"},
        {**IAM, "secret_key": "s3cr3t\n"},
    ],
    ids=["line break", "with Bearer", "Chinese", "app_id", "secret_key"],
)
def test_what_no_header_can_carry(arguments: dict[str, Any]) -> None:
    """It is told when the client is made, without the value."""
    with pytest.raises(InvalidArgumentError, match="holds white space or characters") as caught:
        chosen(arguments, {})

    assert not [
        value for value in arguments.values() if len(value) > 4 and value.strip() in str(caught.value)
    ]


def test_an_access_code_that_no_header_can_carry() -> None:
    """The same of a private deployment's code."""
    with pytest.raises(InvalidArgumentError, match="access_code= holds white space"):
        chosen({}, {"QIANFAN_ACCESS_CODE": "c0de\n"})


def test_the_repr_of_a_provider() -> None:
    """A provider may hold a secret itself: its repr is not shown."""
    credential = TokenProvider(partial(str, "s3cret"))

    assert "s3cret" not in repr(credential)
    assert "s3cret" not in repr(resolve({"token_provider": partial(str, "s3cret")}, {}))


def test_where_v1_is_beside_a_gateway() -> None:
    """Where `base_url=` is a whole URL of v2, v1 is where the setter or the environment says."""
    arguments: Any = {**KEY, "base_url": "http://gateway/llm/v2"}
    assert resolve(arguments, {"QIANFAN_BASE_URL": "http://v1"}).base_url == "http://v1"

    qianfan.get_config().BASE_URL = "http://set"
    try:
        made = resolve(arguments, {"QIANFAN_BASE_URL": "http://v1"})
    finally:
        qianfan.get_config().BASE_URL = None
    assert (made.base_url, made.v2_url) == ("http://set", "http://gateway/llm/v2")
