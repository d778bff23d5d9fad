"""Access keys (安全认证 Access Key): who may sign console calls."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from qianfan.local.console import signature
from qianfan.local.console.store import Table

if TYPE_CHECKING:
    from qianfan.local.console.store import Store
    from qianfan.local.wire import Request


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key of the platform's account.

    Attributes:
        id: Its number.
        uid: Its name among the platform's records.
        name: The Access Key, again: what it is found by.
        sk: The Secret Key.
    """

    id: int
    uid: str
    name: str
    sk: str = field(repr=False)

    @property
    def ak(self) -> str:
        """The Access Key, such as `ALTAK...`."""
        return self.name


class AccessKeys:
    """The access keys of one platform; the first is its own.

    Args:
        store: Where they are kept.
        any_key: Let every signature in that has the form and is not expired; none can be checked, as
            the secrets of strangers are not known.
        secret: What Secret Keys are made from; with "" everybody can make them.
    """

    def __init__(self, store: Store, *, any_key: bool, secret: str = "") -> None:
        self._store = store
        self._any_key = any_key
        self._keys = Table(store, "access key", AccessKey, "key-")
        self._secret = secret
        default = self._keys.get(1) or self.add()
        self.default = replace(default, sk=self._made_sk(1))  # the store's may be of another secret

    def add(self, ak: str | None = None, sk: str | None = None) -> AccessKey:
        """Register an access key; what is not given is made from its number, the same in every run.

        Raises:
            ValueError: A key is empty or has a character it cannot have, or is there already.
        """
        with self._store.transaction():
            number = len(self._keys.all()) + 1
            ak = "ALTAK" + _hex(f"Access Key {number}")[:24] if ak is None else ak
            sk = self._made_sk(number) if sk is None else sk
            if not ak or not sk or not ak.isascii() or not ak.isprintable() or "/" in ak or " " in ak:
                raise ValueError("an access key is printable ASCII without / or space, its secret not empty")
            if self._keys.named(ak) is not None:
                raise ValueError(f"there is an access key {ak!r} already")
            return self._keys.new(name=ak, sk=sk)

    def authenticate(self, request: Request, now: float) -> None:
        """Let a signed request in.

        Raises:
            signature.Denied: Its signature is missing, malformed, expired or wrong, or its key unknown.
        """
        given = signature.read(request, now)
        if self._any_key:
            return
        is_own = given.access_key == self.default.ak
        key = self.default if is_own else self._keys.named(given.access_key)
        if key is None or (not is_own and self._is_everybodys(key)):
            raise signature.Denied(signature.UNKNOWN_KEY)
        if not signature.matches(given, request, key.sk):
            raise signature.Denied(signature.MISMATCH)

    def _made_sk(self, number: int) -> str:
        return _made_sk(self._secret, number)

    def _is_everybodys(self, key: AccessKey) -> bool:
        """Return whether a key is of a run without a secret, so that anybody has it, unlike this one."""
        return bool(self._secret) and key.sk == _made_sk("", key.id)


def _made_sk(secret: str, number: int) -> str:
    return _hex(f"{secret}Access Key's secret {number}")[:32]


def _hex(seed: str) -> str:
    return hashlib.sha256(f"qianfan local platform: {seed}".encode()).hexdigest()
