"""API keys and exchanged tokens: who may call v2, and for which application."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from qianfan.local.console.store import Table
from qianfan.local.issued import Issued
from qianfan.local.v2.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qianfan.local.clock import Clock
    from qianfan.local.console.store import Store
    from qianfan.local.issued import Token
    from qianfan.local.oauth import Registry

_FORM = "bce-v3/ALTAK-{}/{}"
_ID = 24  # characters


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key of the platform's account.

    Attributes:
        id: Its number.
        uid: Its name among the platform's records, and in quotas.
        name: The key, again: what it is found by.
    """

    id: int
    uid: str
    name: str = field(repr=False)

    @property
    def key(self) -> str:
        """The key, `bce-v3/ALTAK-<id>/<40 hexadecimal digits>`."""
        return self.name


class Keys:
    """The API keys of one platform, the first its own, and the tokens that were given for access keys.

    Args:
        store: What keeps the keys; tokens end with the process.
        clock: What expiry is measured on.
        registry: The applications.
        any_key: Take every bearer that is not empty, and every `appid`.
        secret: What keys are made from; with "" everybody can make them.
    """

    def __init__(
        self, store: Store, clock: Clock, registry: Registry, *, any_key: bool, secret: str = ""
    ) -> None:
        self._store = store
        self._clock = clock
        self._registry = registry
        self._any_key = any_key
        self._kept = Table(store, "api key", ApiKey, "api-")
        self._keys: dict[str, ApiKey] = {}  # those that have called
        self._tokens = Issued[str](clock)
        self._secret = secret
        default = self._kept.get(1) or self.add()
        self.default = replace(default, name=self._made(1))  # the store's may be of another secret

    def add(self, key: str | None = None) -> ApiKey:
        """Register an API key; one that is not given is made from its number, the same in every run.

        Raises:
            ValueError: It is empty or has a character a header cannot have, or is there already.
        """
        with self._store.transaction():
            key = self._made(self._kept.count() + 1) if key is None else key
            if not key or not key.isascii() or not key.isprintable() or " " in key:
                raise ValueError("an API key is printable ASCII without spaces, and not empty")
            if self._kept.named(key) is not None:
                raise ValueError("there is such an API key already")
            return self._kept.new(name=key)

    def issue(self, access_key: str, lifetime: float) -> tuple[str, float]:
        """Return a token for whoever has an access key, and when it will expire."""
        value = _FORM.format(secrets.token_hex(_ID // 2), secrets.token_hex(20))
        return value, self._tokens.add(value, access_key, lifetime).expires

    def snapshot(self) -> Mapping[str, Token[str]]:
        """Return the exchanged tokens; the store has the keys."""
        return self._tokens.snapshot()

    def restore(self, saved: Mapping[str, Token[str]]) -> None:
        """Know these tokens, and no others; the store is what it was then."""
        self._keys = {}
        self._tokens.restore(saved)

    def revoke(self) -> None:
        """Make every exchanged token unknown; the keys stay."""
        self._tokens.revoke()

    def authenticate(self, headers: Mapping[str, str]) -> str:
        """Return whose quota a call is charged to: its application's, or its key's where it names none.

        Raises:
            Refused: The bearer is missing, unknown, expired or revoked, or there is no such application.
        """
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        owner = self._owner(bearer.strip()) if scheme.lower() == "bearer" else None
        if owner is None:
            raise Refused("invalid_iam_token")
        application = headers.get("appid")
        if not application or (self._any_key and not self._registry.has_app_id(application)):
            return owner
        if not self._registry.has_app_id(application):
            raise Refused("invalid_appid")
        return application

    def _owner(self, bearer: str) -> str | None:
        token = self._tokens.find(bearer)
        if token is not None:
            return token.owner if token.lives(self._clock.now()) else None
        if secrets.compare_digest(bearer.encode(), self.default.key.encode()):
            return self.default.uid
        key = self._keys.get(bearer) or self._kept.named(bearer)
        if key is not None and key.id != self.default.id and not self._is_everybodys(key):
            self._keys[bearer] = key
            return key.uid
        return self.default.uid if self._any_key and bearer else None

    def _made(self, number: int) -> str:
        return _made(self._secret, number)

    def _is_everybodys(self, key: ApiKey) -> bool:
        """Return whether a key is of a run without a secret, so that anybody has it, unlike this one."""
        return bool(self._secret) and key.key == _made("", key.id)


def _made(secret: str, number: int) -> str:
    digits = _hex(f"{secret}API key {number}")
    return _FORM.format(digits[:_ID], digits[_ID : _ID + 40])


def _hex(seed: str) -> str:
    return hashlib.sha512(f"qianfan local platform: {seed}".encode()).hexdigest()
