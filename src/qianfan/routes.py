"""How a client reaches an API: what writes its requests, what reads its replies, and what authorises them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from qianfan import catalog
from qianfan.core.auth.static import CodeAuth, NoAuth, TokenAuth
from qianfan.credentials import AccessCode, AccessToken, ApiKey, ApplicationKey, IamKey, TokenProvider, unfit
from qianfan.drivers.shared import TOKENS

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from qianfan.core.auth.iam import IamAuth
    from qianfan.core.call import Call
    from qianfan.core.flow import Auth, Dialect
    from qianfan.core.http import Request
    from qianfan.credentials import Credential
    from qianfan.settings import Settings


class Route(NamedTuple):
    """One way to the service.

    Attributes:
        kinds: The kinds of calls that go this way.
        encode: Writes the request of a call.
        dialect: Reads the replies to a call.
        service: Says the name of the model or service that a call asks.
        auth: Authorises each attempt.
    """

    kinds: Container[str]
    encode: Callable[[Call], Request]
    dialect: Callable[[Call], Dialect]
    service: Callable[[Call], str]
    auth: Auth


def chosen(settings: Settings) -> Route:
    """Return the way to the version that a client is for."""
    return to_v2(settings) if settings.version == 2 else to_v1(settings)


def to_v1(settings: Settings) -> Route:
    """Return the way to v1.

    Raises:
        InvalidArgumentError: No credential serves it.
    """
    from qianfan.core import v1

    credential = settings.v1_credential
    if credential is None:
        raise unfit(1)
    host = _host(settings, settings.base_url)
    encode = partial(v1.encode, prefix=host + settings.model_prefix, verbatim=settings.verbatim_endpoint)
    return Route(catalog.paths(), encode, v1.V1, v1.service, _v1_auth(settings, credential, host))


def to_v2(settings: Settings) -> Route:
    """Return the way to v2; what exists on v1 only does not go it where a credential serves v1."""
    from qianfan.core import v2

    url = f"{_host(settings, '')}/v2" if settings.local else settings.v2_url
    own = catalog.paths_v2().keys()
    kinds = own if settings.v1_credential is not None else own | catalog.paths().keys()
    return Route(kinds, partial(v2.encode, base_url=url), v2.V2, v2.service, _v2_auth(settings))


def _host(settings: Settings, otherwise: str) -> str:
    """Return the address of the platform in this process where it is the one to call."""
    if not settings.local:
        return otherwise
    from qianfan import local

    return local.embedded().url


def _v1_auth(settings: Settings, credential: Credential, host: str) -> Auth:
    match credential:
        case ApplicationKey(ak, sk):
            from qianfan.core.auth.oauth import ApplicationAuth

            url = f"{host}/oauth/2.0/token"
            return ApplicationAuth(
                url, ak, sk, store=TOKENS, policy=settings.retry, timeout=settings.auth_timeout
            )
        case AccessToken(token):
            return TokenAuth(token)
        case AccessCode(code):
            return CodeAuth(code)
        case IamKey():
            return _signer(settings, credential)
        case _:
            return NoAuth()


def _v2_auth(settings: Settings) -> Auth:
    from qianfan.core.auth import bearer

    match settings.credential:
        case ApiKey(key):
            return bearer.KeyAuth(key, settings.app_id)
        case TokenProvider(provide):
            return bearer.ProviderAuth(provide, settings.app_id)
        case IamKey(access_key, secret_key) as key:
            return bearer.ExchangedAuth(
                f"{_host(settings, settings.iam_url)}/v1/BCE-BEARER/token",
                _signer(settings, key),
                (access_key, secret_key),
                lifetime=settings.bearer_lifetime,
                app_id=settings.app_id,
                store=TOKENS,
                policy=settings.retry,
                timeout=settings.auth_timeout,
            )
        case _:
            return NoAuth()


def _signer(settings: Settings, key: IamKey) -> IamAuth:
    from qianfan.core.auth.iam import IamAuth

    return IamAuth(key.access_key, key.secret_key, settings.console.expiration)
