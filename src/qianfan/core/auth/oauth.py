"""An application's API Key and Secret Key, exchanged for an access token (platform doc: 获取 access_token)."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, NamedTuple, NoReturn, TypeAlias
from urllib.parse import urlencode

from qianfan.codes import CODES, Kind
from qianfan.core.auth.static import NoAuth
from qianfan.core.effects import NOW, Flow, Once
from qianfan.core.flow import Exchange, unary
from qianfan.core.http import Reply, Request, described
from qianfan.core.v1 import failure, read_json
from qianfan.errors import APIError, AuthError, InternalError, QianfanError, RateLimitError, RequestError

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from qianfan.core.retry import RetryPolicy

#: Renew when this part of a token's life is left, but at most so many seconds ahead.
_AHEAD_PART, _AHEAD_SECONDS = 0.1, 300.0

#: Seconds after which a renewal ahead of time that failed is tried again.
_AGAIN = 15.0


class Token(NamedTuple):
    """A token as it stands in a query, and the moments from which it is to be renewed and of no use."""

    query: str
    secret: str
    renew_at: float
    expires_at: float = inf


#: Tokens by token address, API Key and Secret Key. One store serves all clients of a process.
TokenStore: TypeAlias = "MutableMapping[tuple[str, str, str], Token]"


class ApplicationAuth:
    """Fetches an access token when one is needed, once for all who ask, and keeps it in a store.

    Args:
        url: The token address, such as `https://aip.baidubce.com/oauth/2.0/token`.
        ak: The application's API Key.
        sk: The application's Secret Key.
        store: Where tokens are kept; clients with equal credentials share it.
        policy: How often the token is tried for where no call asks for it.
        timeout: Seconds an attempt at the token call may take.
    """

    __slots__ = ("_key", "_policy", "_request", "_sk", "_store", "_timeout")

    def __init__(
        self,
        url: str,
        ak: str,
        sk: str,
        *,
        store: TokenStore,
        policy: RetryPolicy,
        timeout: float,
    ) -> None:
        self._key = (url, ak, sk)
        self._sk = sk
        self._store = store
        self._policy = policy
        self._timeout = timeout
        query = urlencode({"grant_type": "client_credentials", "client_id": ak, "client_secret": sk})
        self._request = Request("POST", f"{url}?{query}", {})

    @property
    def secrets(self) -> tuple[str, ...]:
        """The Secret Key, and the token of the moment."""
        token = self._store.get(self._key)
        return (self._sk, token.secret) if token else (self._sk,)

    def authorise(self, request: Request, deadline: float, policy: RetryPolicy) -> Flow[Request]:
        """Return the request with the access token in its query."""
        token = yield from self.token(deadline, policy)
        return request.with_query(token.query)

    def token(self, deadline: float, policy: RetryPolicy) -> Flow[Token]:
        """Return the token of the moment, fetched first where there is none or its time is near."""
        token = self._store.get(self._key)
        now: float = yield NOW
        if token is not None and now < token.renew_at:
            return token
        try:
            fetched: Token = yield Once(self._key, lambda: self._fetch(deadline, policy), deadline)
        except QianfanError:
            if token is None or now >= token.expires_at:
                raise
            # It was early: the old token serves on, and the renewal is tried again a little later.
            fetched = self._store[self._key] = token._replace(renew_at=now + _AGAIN)
        return fetched

    def access_token(self, timeout: float) -> Flow[str]:
        """Return the token of the moment, fetched within so many seconds where needed."""
        now: float = yield NOW
        token = yield from self.token(now + timeout, self._policy)
        return token.secret

    def renew(self, error: QianfanError, request: Request) -> bool:
        """Forget the token when the service refuses it (110, 111)."""
        if error.code not in _REFUSED:
            return False
        token = self._store.get(self._key)
        if token and request.url.endswith(token.query):  # else another call has renewed it already
            self._store.pop(self._key, None)
        return True

    def _fetch(self, deadline: float, policy: RetryPolicy) -> Flow[Token]:
        started: float = yield NOW
        kept = self._store.get(self._key)
        if kept is not None and kept.renew_at > started:
            return kept  # fetched between our look and our turn
        exchange = Exchange(self._request, NoAuth(self._sk), policy._replace(timeouts=True), self._timeout)
        token, lifetime = yield from unary(exchange, _decode, deadline)
        ahead = min(_AHEAD_SECONDS, lifetime * _AHEAD_PART)
        now: float = yield NOW
        kept = Token(urlencode({"access_token": token}), token, now + lifetime - ahead, now + lifetime)
        self._store[self._key] = kept
        return kept


def _decode(reply: Reply) -> tuple[str, float]:
    """Return the token and its lifetime in seconds; an `error` in the reply decides, not its status."""
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
