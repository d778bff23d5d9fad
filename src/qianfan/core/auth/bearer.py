"""What v2 takes: a bearer, which is an API key, a token exchanged for an IAM key pair, or one that is provided.

See https://cloud.baidu.com/doc/qianfan-api/s/ym9chdsy5.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from qianfan.core import console
from qianfan.core.auth.fetched import FetchedAuth
from qianfan.core.auth.static import NoAuth
from qianfan.core.codec import merged
from qianfan.core.effects import NOW, Provide
from qianfan.core.flow import Exchange
from qianfan.core.http import Reply, Request, described, in_header
from qianfan.errors import InvalidArgumentError, RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qianfan.core.auth.fetched import Token, TokenStore
    from qianfan.core.auth.iam import IamAuth
    from qianfan.core.effects import Flow, Provider
    from qianfan.core.retry import RetryPolicy
    from qianfan.errors import QianfanError

#: The code that says a bearer is not, or no longer, valid.
_REFUSED = "invalid_iam_token"


def _with(request: Request, headers: Mapping[str, str]) -> Request:
    """Return a request with the headers of a credential; those that the call itself names are kept."""
    own = request.headers
    both = {**own, **headers} if len(own) == 1 else merged(headers, own)  # one: the type of the content
    return Request(request.method, request.url, both, request.body)


def _headers(bearer: str, app_id: str | None) -> dict[str, str]:
    """Return the headers that say who calls, and for which application."""
    headers = {"Authorization": f"Bearer {bearer}"}
    return {**headers, "appid": app_id} if app_id else headers


class KeyAuth(NoAuth):
    """An API key, as it is."""

    __slots__ = ("_headers",)

    def __init__(self, api_key: str, app_id: str | None = None) -> None:
        super().__init__(api_key)
        self._headers = _headers(api_key, app_id)

    def authorise(self, request: Request, deadline: float, policy: RetryPolicy) -> Flow[Request]:  # noqa: ARG002  # the protocol's signature
        """Return the request with the key in its header."""
        return _with(request, self._headers)
        yield  # a flow without an effect

    def access_token(self, timeout: float) -> Flow[str]:  # noqa: ARG002  # the protocol's signature
        """Return the key."""
        return self.secrets[0]
        yield  # a flow without an effect


class ProviderAuth(NoAuth):
    """A function of the user's that gives the bearer, asked before every attempt."""

    __slots__ = ("_app_id", "_provider")

    ages = False  # asked once an attempt

    def __init__(self, provider: Provider, app_id: str | None = None) -> None:
        super().__init__()
        self._provider = provider
        self._app_id = app_id

    def authorise(self, request: Request, deadline: float, policy: RetryPolicy) -> Flow[Request]:  # noqa: ARG002  # the protocol's signature
        """Return the request with what the provider gives in its header."""
        bearer = yield from self._provided(deadline)
        return _with(request, _headers(bearer, self._app_id))

    def access_token(self, timeout: float) -> Flow[str]:
        """Return what the provider gives."""
        now: float = yield NOW
        return (yield from self._provided(now + timeout))

    def _provided(self, deadline: float) -> Flow[str]:
        bearer: object = yield Provide(self._provider, deadline)
        if isinstance(bearer, str) and bearer:
            return in_header("the bearer that token_provider returned", bearer)
        raise InvalidArgumentError(
            "token_provider must return a bearer, a str that is not empty, not "
            + ("an empty one" if bearer == "" else type(bearer).__name__)
        )

    def renew(self, error: QianfanError, request: Request) -> bool:  # noqa: ARG002  # the protocol's signature
        """Say that another token may cure a refusal: the provider is asked anew."""
        return error.code == _REFUSED


class ExchangedAuth(FetchedAuth):
    """An IAM key pair, exchanged for a bearer that lives some hours.

    Args:
        url: The address that exchanges, such as `https://iam.bj.baidubce.com/v1/BCE-BEARER/token`.
        signer: What signs the exchange with the key pair.
        key: The key pair: Access Key and Secret Key.
        lifetime: Seconds the bearer is to live.
        app_id: The application to call for, or None.
        store: Where bearers are kept; clients with equal credentials share it.
        policy: How often the bearer is tried for where no call asks for it.
        timeout: Seconds an attempt at the exchange may take.
    """

    __slots__ = ("_app_id", "_request", "_signer")

    def __init__(
        self,
        url: str,
        signer: IamAuth,
        key: tuple[str, str],
        *,
        lifetime: int,
        app_id: str | None,
        store: TokenStore,
        policy: RetryPolicy,
        timeout: float,
    ) -> None:
        super().__init__((url, *key), store=store, policy=policy, timeout=timeout)
        self._signer = signer
        self._app_id = app_id
        self._request = Request(
            "GET", f"{url}?expireInSeconds={lifetime}", {"Content-Type": "application/json"}
        )

    def _put(self, request: Request, token: Token) -> Request:
        headers = {"Authorization": token.written}
        return _with(request, {**headers, "appid": self._app_id} if self._app_id else headers)

    def _written(self, token: str) -> str:
        return f"Bearer {token}"

    def _refuses(self, error: QianfanError) -> bool:
        return error.code == _REFUSED

    def _exchange(self, policy: RetryPolicy) -> Exchange:
        return Exchange(self._request, self._signer, policy, self._timeout)

    def _decode(self, reply: Reply) -> tuple[str, float]:
        """Return the bearer and its lifetime, told by the exchange's own clock."""
        body = console.decode(reply).body
        try:
            token = in_header("the token", body["token"])
            lifetime = (_moment(body["expireTime"]) - _moment(body["createTime"])).total_seconds()
        except (KeyError, TypeError, ValueError, AttributeError):
            token, lifetime = "", 0.0
        if token:
            return token, lifetime
        raise described(RequestError("the exchange's reply holds no token, createTime and expireTime"), reply)


def _moment(text: str) -> datetime:
    """Return a time of RFC 3339, to the second: Python 3.10 reads only some fractions."""
    return datetime.fromisoformat(_FRACTION.sub("", text).replace("Z", "+00:00"))


_FRACTION = re.compile(r"\.\d+")
