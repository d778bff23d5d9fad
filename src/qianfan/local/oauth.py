"""Applications and their access tokens: who may call, and for how long.

The exchange of an API Key and Secret Key for a token, and the judgement of that token on a call.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from qianfan.local.console.store import Table
from qianfan.local.faults import codes
from qianfan.local.issued import Issued
from qianfan.local.recent import Recent
from qianfan.local.wire import Refusal, Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qianfan.local.clock import Clock
    from qianfan.local.console.store import Store
    from qianfan.local.issued import Token
    from qianfan.local.wire import Request

PATH = "/oauth/2.0/token"

_SCOPE = "public ai_custom_qianfan_bloomz_7b_compressed wenxinworkshop_mgr ai_custom_yiyan_com"
_PREFIX = "app-"
_FIRST_APPLICATION, _FIRST_GUEST = 36_000_000, 37_000_000
MOST = 10_000  # applications that are remembered, and looked up no more
_LONGEST = 1024  # characters of a stranger's keys or token
_CLIENT_NUMBER = "282335"  # the platform's own client number, constant in every token
_UNKNOWN_CLIENT = "unknown client id"
_UNAUTHORIZED, _BAD_REQUEST, _BAD_METHOD = 401, 400, 405

INVALID, EXPIRED, MALFORMED = 110, 111, 100


@dataclass(frozen=True, slots=True)
class Application:
    """An application of the platform (应用): the owner of keys, tokens and quotas.

    Attributes:
        id: Its number, the last part of its tokens.
        ak: The API Key, 24 letters and digits.
        sk: The Secret Key, 32 letters and digits.
        app_id: What the header `appid` of v2 names it by, `app-...`.
    """

    id: int
    ak: str
    sk: str = field(repr=False)
    app_id: str = ""


@dataclass(frozen=True, slots=True)
class _Kept:
    """An application as the store keeps it; `name` is its API Key."""

    id: int
    uid: str
    name: str
    sk: str = field(repr=False)


class _Saved(NamedTuple):
    """What a registry knows beside the store."""

    applications: Mapping[str, Application]
    tokens: Mapping[str, Token[Application]]


class Registry:
    """The applications and tokens of one platform; the first application is its own.

    Args:
        store: What keeps the applications; their tokens end with the process.
        clock: What expiry is measured on.
        lifetime: Seconds a token lives; 2592000 (30 days) on the real platform.
        any_key: Take every non-empty API Key, Secret Key and access token.
        secret: What Secret Keys are made from; with "" everybody can make them.
    """

    def __init__(self, store: Store, clock: Clock, lifetime: int, *, any_key: bool, secret: str = "") -> None:
        self._kept = Table(store, "application", _Kept, _PREFIX)
        self._store = store
        self._clock = clock
        self._lifetime = lifetime
        self._any_key = any_key
        self._secret = secret
        self._applications = Recent[str, Application](MOST)  # those that have called, by their API Key
        self._guests = count(_FIRST_GUEST)
        self._app_ids: set[str] = set()  # those that have called
        self._tokens = Issued[Application](clock)
        first = self._kept.get(1)
        default = _application(first) if first else self.add()
        self.default = replace(default, sk=self._made_sk(1))  # the store's may be of another secret

    def add(self, ak: str | None = None, sk: str | None = None) -> Application:
        """Register an application; keys not given are derived from its number, the same in every run.

        Raises:
            ValueError: A key is empty, or another application has this API Key.
        """
        with self._store.transaction():
            number = self._kept.count() + 1
            ak = _letters(f"API Key {number}", 24) if ak is None else ak
            sk = self._made_sk(number) if sk is None else sk
            if not ak or not sk:
                raise ValueError("an application's ak and sk must not be empty")
            if self._applications.get(ak) is not None or self._kept.named(ak) is not None:
                raise ValueError(f"an application with ak {ak!r} exists already")
            return _application(self._kept.new(name=ak, sk=sk))

    def snapshot(self) -> _Saved:
        """Return the applications that have called, strangers too, and the tokens."""
        return _Saved(self._applications.copies(lambda it: it), self._tokens.snapshot())

    def restore(self, saved: _Saved) -> None:
        """Know these, and no others; the store is what it was then."""
        self._applications.replace(saved.applications)
        self._app_ids = set()
        self._tokens.restore(saved.tokens)

    def revoke(self) -> None:
        """Make every token issued so far unknown (code 110 from now on)."""
        self._tokens.revoke()

    def exchange(self, request: Request) -> Reply:
        """Answer a call of the token endpoint: a new token, or the OAuth error."""
        query = request.query
        if request.method not in {"POST", "GET"}:
            return _error(_BAD_METHOD, "invalid_request", f"method {request.method} is not supported")
        grant = query.get("grant_type")
        if not grant:
            return _error(_BAD_REQUEST, "invalid_request", "grant_type is required")
        if grant != "client_credentials":
            return _error(
                _BAD_REQUEST, "unsupported_grant_type", "The authorization grant type is not supported"
            )
        ak, sk = query.get("client_id", ""), query.get("client_secret", "")
        application = self._application(ak, sk)
        if application is None:
            return _error(_UNAUTHORIZED, "invalid_client", _UNKNOWN_CLIENT)
        if not sk or not (self._any_key or secrets.compare_digest(application.sk.encode(), sk.encode())):
            return _error(_UNAUTHORIZED, "invalid_client", "Client authentication failed")
        return self._issue(application)

    def authenticate(self, query: Mapping[str, str]) -> Application:
        """Return the application whose access token the call carries.

        Raises:
            Refusal: 100 empty, 110 missing, unknown or revoked, 111 expired.
        """
        value = query.get("access_token")
        if value is None:
            raise Refusal(INVALID)
        if not value:
            raise Refusal(MALFORMED)
        token = self._tokens.find(value)
        if token is None and self._any_key and len(value) <= _LONGEST:
            token = self._tokens.add(value, self.default, self._lifetime)
        if token is None or token.revoked:
            raise Refusal(INVALID)
        if self._clock.now() >= token.expires:
            raise Refusal(EXPIRED)
        return token.owner

    def has_app_id(self, app_id: str) -> bool:
        """Return whether an application goes by this name on v2."""
        if app_id not in self._app_ids and app_id.startswith(_PREFIX) and self._kept.get(app_id) is not None:
            self._app_ids.add(app_id)
        return app_id in self._app_ids

    def _application(self, ak: str, sk: str) -> Application | None:
        if ak == self.default.ak:
            return self.default
        known = self._applications.get(ak)
        if known is not None:
            return known
        kept = self._kept.named(ak)
        if kept is not None and not self._is_everybodys(kept):
            return self._applications.setdefault(ak, _application(kept))
        if not (self._any_key and ak and sk) or len(ak) + len(sk) > _LONGEST:
            return None
        # A stranger's keys may be real: they do not enter the store.
        return self._applications.setdefault(ak, Application(next(self._guests), ak, sk))

    def _made_sk(self, number: int) -> str:
        return _made_sk(self._secret, number)

    def _is_everybodys(self, kept: _Kept) -> bool:
        """Return whether an application is of a run without a secret, so that anybody has its keys, unlike this one."""
        return bool(self._secret) and kept.sk == _made_sk("", kept.id)

    def _issue(self, application: Application) -> Reply:
        expires = int(self._clock.now() + self._lifetime)
        tail = f"{self._lifetime}.{expires}.{_CLIENT_NUMBER}-{application.id}"
        value = f"24.{secrets.token_hex(16)}.{tail}"
        self._tokens.add(value, application, self._lifetime)
        return Reply(
            {
                "refresh_token": f"25.{secrets.token_hex(16)}.{tail}",
                "expires_in": self._lifetime,
                "session_key": secrets.token_urlsafe(48),
                "access_token": value,
                "scope": _SCOPE,
                "session_secret": secrets.token_hex(16),
            }
        )


def _application(kept: _Kept) -> Application:
    return Application(_FIRST_APPLICATION + kept.id, kept.name, kept.sk, kept.uid)


def _error(status: int, error: str, description: str) -> Reply:
    return Reply({"error": error, "error_description": description}, status=status)


def coded(code: int | str, message: str) -> Reply:
    """Return the answer with an error code, by OAuth's word for it."""
    status, error = codes.of_gateway(code, codes.OAUTH)
    words = _UNKNOWN_CLIENT if error == "invalid_client" else codes.text(code)
    return _error(status, error, message or words)


def _made_sk(secret: str, number: int) -> str:
    return _letters(f"{secret}Secret Key {number}", 32)


def _letters(seed: str, length: int) -> str:
    """Return letters and digits that look like a key and are the same for the same seed."""
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    number = int.from_bytes(hashlib.sha512(f"qianfan local platform: {seed}".encode()).digest(), "big")
    letters: list[str] = []
    for _ in range(length):
        number, index = divmod(number, len(alphabet))
        letters.append(alphabet[index])
    return "".join(letters)
