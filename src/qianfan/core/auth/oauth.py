"""An application's API Key and Secret Key, exchanged for an access token (platform doc: 获取 access_token)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlencode

from qianfan.codes import CODES, Kind
from qianfan.core.auth.fetched import FetchedAuth
from qianfan.core.auth.static import NoAuth
from qianfan.core.codec import read_json
from qianfan.core.flow import Exchange
from qianfan.core.http import Reply, Request, described
from qianfan.core.v1 import failure
from qianfan.errors import APIError, AuthError, InternalError, RateLimitError, RequestError

if TYPE_CHECKING:
    from qianfan.core.auth.fetched import Token, TokenStore
    from qianfan.core.retry import RetryPolicy
    from qianfan.errors import QianfanError


class ApplicationAuth(FetchedAuth):
    """The access token of an application, in the query as v1 wants it.

    Args:
        url: The token address, such as `https://aip.baidubce.com/oauth/2.0/token`.
        ak: The application's API Key.
        sk: The application's Secret Key.
        store: Where tokens are kept; clients with equal credentials share it.
        policy: How often the token is tried for where no call asks for it.
        timeout: Seconds an attempt at the token call may take.
    """

    __slots__ = ("_request",)

    def __init__(
        self, url: str, ak: str, sk: str, *, store: TokenStore, policy: RetryPolicy, timeout: float
    ) -> None:
        super().__init__((url, ak, sk), store=store, policy=policy, timeout=timeout)
        query = urlencode({"grant_type": "client_credentials", "client_id": ak, "client_secret": sk})
        self._request = Request("POST", f"{url}?{query}", {})

    def _put(self, request: Request, token: Token) -> Request:
        return request.with_query(token.written)

    def _written(self, token: str) -> str:
        return urlencode({"access_token": token})

    def _refuses(self, error: QianfanError) -> bool:
        return error.code in _REFUSED

    def _exchange(self, policy: RetryPolicy) -> Exchange:
        return Exchange(self._request, NoAuth(self._key[2]), policy, self._timeout)

    def _decode(self, reply: Reply) -> tuple[str, float]:
        """Return the token and its lifetime; an `error` in the reply decides, not its status."""
        body = read_json(reply)
        if "error" in body:
            _refuse(str(body["error"]), str(body.get("error_description", "")), reply)
        error = failure(body, reply)
        if error is not None:
            raise error
        try:
            token, lifetime = body["access_token"], float(body["expires_in"])
        except (KeyError, TypeError, ValueError):
            token, lifetime = None, 0.0
        if isinstance(token, str) and token:
            return token, lifetime
        raise described(RequestError("the token reply holds no access_token and expires_in"), reply)


def _refuse(code: str, description: str, reply: Reply) -> NoReturn:
    kind = _OAUTH_ERRORS.get(code, APIError)
    error = kind(code, description)
    if kind is AuthError:
        error.hint = (
            "请检查 ak/sk：须为千帆应用的 API Key 与 Secret Key，而非 IAM 的 Access Key "
            "(ak and sk must be the application's API Key and Secret Key, not an IAM Access Key)"
        )
    raise described(error, reply)


_OAUTH_ERRORS: dict[str, type[APIError]] = {
    "invalid_client": AuthError,
    "rate_limit_exceeded": RateLimitError,
    "unknown_error": InternalError,
}

#: Codes that a new token cures.
_REFUSED = frozenset(code.number for code in CODES.values() if code.kind is Kind.TOKEN)
