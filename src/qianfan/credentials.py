"""The kinds of credential, told apart by shape. No repr shows a secret."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from qianfan.errors import InvalidArgumentError

#: Where an application's keys are made, and what the three ways to give them are.
_WHERE = (
    "传入 ak= 与 sk=，或调用 qianfan.AK()/qianfan.SK()，或设置 QIANFAN_AK 与 QIANFAN_SK；"
    "没有账号时设置 QIANFAN_LOCAL=1 使用本地平台 "
    "(pass ak= and sk=, call qianfan.AK()/SK(), or set QIANFAN_AK and QIANFAN_SK: the API Key and Secret Key of an "
    "application, from https://console.bce.baidu.com/qianfan/ais/console/applicationConsole/application; "
    "without an account set QIANFAN_LOCAL=1)"
)


@dataclass(frozen=True, slots=True)
class ApplicationKey:
    """An application's API Key and Secret Key (应用 AK/SK), exchanged for an access token on v1."""

    ak: str
    sk: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A ready-made access token for v1."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccessCode:
    """The access code of a private deployment."""

    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NoCredential:
    """None at all: the deployment asks for none."""


@dataclass(frozen=True, slots=True)
class IamKey:
    """An IAM Access Key and its Secret Key (安全认证 Access Key/Secret Key), which sign console calls."""

    access_key: str
    secret_key: str = field(repr=False)


Credential = ApplicationKey | AccessToken | AccessCode | NoCredential | IamKey

#: Where IAM keys are made, and what the ways to give them are.
_WHERE_IAM = (
    "设置 QIANFAN_ACCESS_KEY 与 QIANFAN_SECRET_KEY，或调用 qianfan.AccessKey()/qianfan.SecretKey()，或在调用时传入 ak= 与 sk= "
    "(set QIANFAN_ACCESS_KEY and QIANFAN_SECRET_KEY, call qianfan.AccessKey()/SecretKey(), or pass ak= and sk= to the "
    "call: the Access Key pair from https://console.bce.baidu.com/iam/#/iam/accesslist; without an account set "
    "QIANFAN_LOCAL=1)"
)

_IAM_KEY = re.compile(r"ALTAK\w{8,}\Z")
_API_KEY = re.compile(r"bce-v3/ALTAK-")
_TOKEN = re.compile(r"24\.[0-9a-f]{32}\.")


def application_key(ak: str | None, sk: str | None) -> ApplicationKey:
    """Return the pair, or raise `InvalidArgumentError` that says which half is missing or misplaced."""
    for value, name in ((ak, "ak"), (sk, "sk")):
        kind = shape(value or "")
        if kind:
            raise InvalidArgumentError(
                f"{name}= holds {kind}, where chat over v1 takes the API Key and Secret Key of an application",
                hint=_WHERE,
            )
    if not ak or not sk:
        missing, given = ("ak", "sk") if not ak else ("sk", "ak")
        raise InvalidArgumentError(
            f"{given} is given, {missing} is not: they work only as a pair", hint=_WHERE
        )
    return ApplicationKey(ak, sk)


def iam_key(key: IamKey) -> IamKey:
    """Return the pair, or raise `InvalidArgumentError` where there is none, or half of one."""
    if key.access_key and key.secret_key:
        return key
    if not key.access_key and not key.secret_key:
        raise InvalidArgumentError(
            "no Access Key found: console calls are signed with an IAM Access Key and Secret Key",
            hint=_WHERE_IAM,
        )
    lacking = "secret_key" if key.access_key else "access_key"
    raise InvalidArgumentError(f"{lacking} is missing: the IAM keys work only as a pair", hint=_WHERE_IAM)


def access_token(token: str) -> AccessToken:
    """Return the token, or raise `InvalidArgumentError` where it is a key of another kind."""
    kind = shape(token)
    if kind and not _TOKEN.match(token):
        raise InvalidArgumentError(f"access_token= holds {kind}", hint=_WHERE)
    return AccessToken(token)


def shape(value: str) -> str:
    """Name the other kind of credential that a value looks like, or return an empty string."""
    if _IAM_KEY.match(value):
        return "an IAM Access Key (ALTAK…)"
    if _API_KEY.match(value):
        return "a v2 API key (bce-v3/…)"
    if _TOKEN.match(value):
        return "an access token (24.…), which belongs in access_token="
    if value and set(value) == {"*"}:
        return "a masked key (***), such as str() makes of a SecretStr: pass its get_secret_value()"
    return ""


def missing(*, iam: bool) -> InvalidArgumentError:
    """Return the error for a client that found no credential it can use."""
    also = (
        "; an IAM Access Key is set, which signs console calls and does not serve chat over v1" if iam else ""
    )
    return InvalidArgumentError(f"no credential found{also}", hint=_WHERE)
