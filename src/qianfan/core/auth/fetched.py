"""Tokens that are fetched with a key: once for all who ask, ahead of their end, anew when refused."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from qianfan.core.effects import NOW, Flow, Once
from qianfan.core.flow import unary
from qianfan.errors import QianfanError

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

    from qianfan.core.flow import Exchange
    from qianfan.core.http import Reply, Request
    from qianfan.core.retry import RetryPolicy

#: Renew when this part of a token's life is left, but at most so many seconds ahead.
_AHEAD_PART, _AHEAD_SECONDS = 0.1, 300.0

#: Seconds after which a renewal ahead of time that failed is tried again.
_AGAIN = 15.0


class Token(NamedTuple):
    """A token as it stands in a request, and the moments from which it is to be renewed and of no use."""

    written: str
    secret: str
    renew_at: float
    expires_at: float = inf


#: Tokens by the address that gives them, the key and its secret. One store serves all clients of a process.
TokenStore: TypeAlias = "MutableMapping[tuple[str, str, str], Token]"


class FetchedAuth:
    """Fetches a token when one is needed, once for all who ask, and keeps it in a store.

    Args:
        key: The address that gives tokens, the key, and its secret.
        store: Where tokens are kept; clients with equal credentials share it.
        policy: How often the token is tried for where no call asks for it.
        timeout: Seconds an attempt at the token call may take.
    """

    __slots__ = ("_key", "_policy", "_store", "_timeout")

    ages = True

    def __init__(
        self, key: tuple[str, str, str], *, store: TokenStore, policy: RetryPolicy, timeout: float
    ) -> None:
        self._key = key
        self._store = store
        self._policy = policy
        self._timeout = timeout

    @property
    def secrets(self) -> Sequence[str]:
        """The key's secret, and the token of the moment."""
        token = self._store.get(self._key)
        return (self._key[2], token.secret) if token else (self._key[2],)

    def authorise(self, request: Request, deadline: float, policy: RetryPolicy) -> Flow[Request]:
        """Return the request with the token, fetched by the deadline and policy where needed."""
        return self._put(request, (yield from self.token(deadline, policy)))

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
        """Forget the token where the service refuses it, unless another call has renewed it already."""
        if not self._refuses(error):
            return False
        token = self._store.get(self._key)
        if token and (request.headers.get("Authorization") or request.url).endswith(token.written):
            self._store.pop(self._key, None)
        return True

    def _fetch(self, deadline: float, policy: RetryPolicy) -> Flow[Token]:
        started: float = yield NOW
        kept = self._store.get(self._key)
        if kept is not None and kept.renew_at > started:
            return kept  # fetched between our look and our turn
        exchange = self._exchange(policy._replace(timeouts=True))
        token, lifetime = yield from unary(exchange, self._decode, deadline)
        ahead = min(_AHEAD_SECONDS, lifetime * _AHEAD_PART)
        now: float = yield NOW
        kept = Token(self._written(token), token, now + lifetime - ahead, now + lifetime)
        self._store[self._key] = kept
        return kept

    def _put(self, request: Request, token: Token) -> Request:
        """Return the request with the token in its place."""
        raise NotImplementedError

    def _written(self, token: str) -> str:
        """Return a token as it stands in a request."""
        raise NotImplementedError

    def _refuses(self, error: QianfanError) -> bool:
        """Say whether an error is a refusal that a new token cures."""
        raise NotImplementedError

    def _exchange(self, policy: RetryPolicy) -> Exchange:
        """Return the call that gives a token."""
        raise NotImplementedError

    def _decode(self, reply: Reply) -> tuple[str, float]:
        """Return the token and its lifetime in seconds that a reply gives."""
        raise NotImplementedError
