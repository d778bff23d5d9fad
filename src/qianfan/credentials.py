"""The kinds of credential, told apart by shape. No repr shows a secret."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from qianfan.core.http import in_header
from qianfan.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

#: Where keys are made, and the ways to give them.
_WHERE = (
    "传入 api_key=，或设置 QIANFAN_API_KEY（bce-v3/…，见 https://console.bce.baidu.com/iam/#/iam/apikey/list）；"
    "或 access_key= 与 secret_key=（QIANFAN_ACCESS_KEY、QIANFAN_SECRET_KEY）；v1（私有化部署、本地平台）用应用的 ak= 与 sk=；"
    "没有账号时设置 QIANFAN_LOCAL=1 使用本地平台 "
    "(pass api_key= or set QIANFAN_API_KEY; or access_key= and secret_key=, an IAM Access Key pair; ak= and sk= of an "
    "application, or QIANFAN_AK and QIANFAN_SK, serve v1 only: private deployments, the local platform; without an "
    "account set QIANFAN_LOCAL=1)"
)

_WHERE_PAIR = (
    "应用的 API Key 与 Secret Key 须成对：ak= 与 sk=，或 QIANFAN_AK 与 QIANFAN_SK；它们只用于 v1，v2 用 api_key= "
    "(an application's API Key and Secret Key: ak= and sk=, or QIANFAN_AK and QIANFAN_SK; they serve v1, api_key= serves v2)"
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


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key of v2 (`bce-v3/…`), or a bearer that was exchanged for one."""

    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenProvider:
    """A function of the user's, plain or a coroutine function, that gives the bearer of the moment."""

    provide: Callable[[], str | Awaitable[str]] = field(
        repr=False
    )  # the repr of a partial shows its arguments


Credential = ApplicationKey | AccessToken | AccessCode | NoCredential | IamKey | ApiKey | TokenProvider

#: Where IAM keys are made, and what the ways to give them are.
_WHERE_IAM = (
    "设置 QIANFAN_ACCESS_KEY 与 QIANFAN_SECRET_KEY，或调用 qianfan.AccessKey()/qianfan.SecretKey()，或在调用时传入 ak= 与 sk= "
    "(set QIANFAN_ACCESS_KEY and QIANFAN_SECRET_KEY, call qianfan.AccessKey()/SecretKey(), or pass ak= and sk= to the "
    "call: the Access Key pair from https://console.bce.baidu.com/iam/#/iam/accesslist; without an account set "
    "QIANFAN_LOCAL=1)"
)


class Shape(NamedTuple):
    """What a value looks like: the kind of credential, and what to do with that kind."""

    kind: str
    advice: str


_API_KEY = Shape("a v2 API key (bce-v3/…)", "it belongs in api_key= or QIANFAN_API_KEY")
_ACCESS_KEY = Shape(
    "an IAM Access Key (ALTAK…)", "it belongs in access_key= or QIANFAN_ACCESS_KEY, beside its secret_key="
)
_ACCESS_TOKEN = Shape("an access token (24.…)", "it belongs in access_token= or QIANFAN_ACCESS_TOKEN")
_APP_ID = Shape("an application's id (app-…)", "it belongs in app_id= or QIANFAN_APP_ID, beside a key")
_MASKED = Shape("a masked key (***), such as str() makes of a SecretStr", "pass its get_secret_value()")

_SHAPES = (
    (re.compile(r"bce-v3/"), _API_KEY),
    (re.compile(r"ALTAK\w{8,}\Z"), _ACCESS_KEY),
    (re.compile(r"24\.[0-9a-f]{32}\."), _ACCESS_TOKEN),
    (re.compile(r"app-\w+\Z"), _APP_ID),
    (re.compile(r"\*+\Z"), _MASKED),
)

#: What belongs in an argument, where that has a form of its own.
_PROPER = {
    "api_key": _API_KEY,
    "bearer_token": _API_KEY,
    "access_key": _ACCESS_KEY,
    "access_token": _ACCESS_TOKEN,
    "app_id": _APP_ID,
}


def shape(value: str) -> Shape | None:
    """Return what a value looks like by its form alone, or None."""
    return next((shape for form, shape in _SHAPES if form.match(value)), None)


def misplaced(name: str, value: str) -> Shape | None:
    """Return what a value looks like where that does not belong in the argument, or None."""
    looks = shape(value)
    return None if looks == _PROPER.get(name) else looks


def _placed(name: str, value: str) -> str:
    """Return a value, or raise `InvalidArgumentError` where it looks like a credential of another kind."""
    looks = misplaced(name, value)
    if looks is not None:
        raise InvalidArgumentError(
            f"{name}= holds {looks.kind}: {looks.advice}",
            hint=_WHERE,
        )
    return value


def application_key(ak: str | None, sk: str | None) -> ApplicationKey:
    """Return the pair, or raise `InvalidArgumentError` that says which half is missing or misplaced."""
    _placed("ak", ak or "")
    _placed("sk", sk or "")
    if not ak or not sk:
        missing, given = ("ak", "sk") if not ak else ("sk", "ak")
        raise InvalidArgumentError(
            f"{given} is given, {missing} is not: they work only as a pair", hint=_WHERE_PAIR
        )
    return ApplicationKey(ak, sk)


def iam_key(key: IamKey) -> IamKey:
    """Return the pair, or raise `InvalidArgumentError` where there is none, half of one, or one misplaced."""
    _placed("access_key", key.access_key)
    _placed("secret_key", key.secret_key)
    if key.access_key and key.secret_key:
        in_header("access_key=", key.access_key)
        in_header("secret_key=", key.secret_key)  # or nothing it signs would ever fit
        return key
    if not key.access_key and not key.secret_key:
        raise InvalidArgumentError(
            "no Access Key found: console calls are signed with an IAM Access Key and Secret Key",
            hint=_WHERE_IAM,
        )
    lacking = "secret_key" if key.access_key else "access_key"
    raise InvalidArgumentError(f"{lacking} is missing: the IAM keys work only as a pair", hint=_WHERE_IAM)


def api_key(key: str) -> ApiKey:
    """Return the key, or raise `InvalidArgumentError` where it is one of another kind."""
    return ApiKey(in_header("api_key=", _placed("api_key", key)))


def access_token(token: str) -> AccessToken:
    """Return the token, or raise `InvalidArgumentError` where it is a key of another kind."""
    return AccessToken(_placed("access_token", token))


def access_code(code: str) -> AccessCode:
    """Return the code, or raise `InvalidArgumentError` where no header can carry it."""
    return AccessCode(in_header("access_code=", code))


def missing() -> InvalidArgumentError:
    """Return the error for a client that found no credential."""
    return InvalidArgumentError("no credential found", hint=_WHERE)


def unfit(version: int) -> InvalidArgumentError:
    """Return the error for a client whose credentials do not serve the version that was asked for."""
    takes = "ak= and sk=, access_token=, or access_key= and secret_key="
    if version == 2:
        takes = "api_key=, access_key= and secret_key=, or token_provider="
    return InvalidArgumentError(
        f"version={version} is asked for, and no credential that serves it was found: it takes {takes}",
        hint=_WHERE,
    )
