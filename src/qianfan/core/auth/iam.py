"""Requests signed with an IAM key pair: `bce-auth-v1`, the way of all console calls.

The signature covers method, path, query and chosen headers; not the body. See
https://cloud.baidu.com/doc/Reference/s/njwvz1yfu.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlsplit

from qianfan.core.effects import DATE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from qianfan.core.effects import Flow
    from qianfan.core.http import Request
    from qianfan.core.retry import RetryPolicy
    from qianfan.errors import QianfanError

EXPIRATION = 300  # seconds a signature is valid

_ALWAYS_SIGNED = frozenset({"host", "content-length", "content-type", "content-md5"})


def authorization(
    method: str,
    path: str,
    query: Iterable[tuple[str, str]],
    headers: Mapping[str, str],
    access_key: str,
    secret_key: str,
    timestamp: str,
    *,
    expiration: int = EXPIRATION,
    signed: Collection[str] | None = None,
) -> str:
    """Return the value of the `Authorization` header.

    Args:
        method: The HTTP method, in capitals.
        path: The URL's path, encoded as it is sent.
        query: The query's parameters, decoded; "" for one without a value.
        headers: The headers that are sent.
        access_key: The Access Key.
        secret_key: The Secret Key.
        timestamp: The time in UTC, such as `2023-10-24T08:23:49Z`.
        expiration: Seconds the signature is valid.
        signed: The lower-case names of the headers to sign; None for the platform's default set.
    """
    names = None if signed is None else set(signed)
    lines = []
    for name, value in headers.items():
        name, value = name.strip().lower(), value.strip()  # noqa: PLW2901  # as the platform normalises them
        wanted = name.startswith("x-bce-") or name in (_ALWAYS_SIGNED if names is None else names)
        if wanted and value:
            lines.append(f"{_encoded(name)}:{_encoded(value)}")
    parameters = sorted(
        f"{_encoded(key)}={_encoded(value)}" for key, value in query if key.lower() != "authorization"
    )
    canonical = "\n".join([method, path or "/", "&".join(parameters), *sorted(lines)])
    prefix = f"bce-auth-v1/{access_key}/{timestamp}/{expiration}"
    key = hmac.digest(secret_key.encode(), prefix.encode(), "sha256").hex()
    signature = hmac.digest(key.encode(), canonical.encode(), "sha256").hex()
    return f"{prefix}/{';'.join(signed or ())}/{signature}"


@lru_cache(256)
def _encoded(text: str) -> str:
    """Return a text as signatures have it; nearly all that is signed is signed again and again."""
    return quote(text, safe="")


class IamAuth:
    """Signs each attempt anew with an Access Key and its Secret Key.

    Args:
        access_key: The Access Key.
        secret_key: The Secret Key.
        expiration: Seconds a signature is valid, from its making.
    """

    __slots__ = ("_access_key", "_expiration", "secrets")

    ages = True

    def __init__(self, access_key: str, secret_key: str, expiration: int = EXPIRATION) -> None:
        self._access_key = access_key
        self._expiration = expiration
        self.secrets = (secret_key,)

    def authorise(self, request: Request, deadline: float, policy: RetryPolicy) -> Flow[Request]:  # noqa: ARG002  # the protocol's signature
        """Return the request, signed now."""
        now: float = yield DATE
        timestamp = self.timestamp(int(now))
        host, path, query = _parts(request.url)
        headers = {**request.headers, "Host": host, "x-bce-date": timestamp}
        signature = authorization(
            request.method,
            path,
            query,
            headers,
            self._access_key,
            self.secrets[0],
            timestamp,
            expiration=self._expiration,
            signed=sorted(filter(_is_signed, map(str.lower, headers))),
        )
        return request._replace(headers={**headers, "Authorization": signature})

    @staticmethod
    @lru_cache(8)
    def timestamp(now: int) -> str:
        """Return a time as signatures say it."""
        return datetime.fromtimestamp(now, timezone.utc).strftime(_TIMESTAMP)

    def access_token(self, timeout: float) -> Flow[str]:  # noqa: ARG002  # the protocol's signature
        """Return an empty string: no token is used."""
        return ""
        yield  # a flow without an effect

    def renew(self, error: QianfanError, request: Request) -> bool:
        """Return False, as a new signature would be refused too; say so where the clock is to blame."""
        theirs = _date(error.headers.get("Date", ""))
        if theirs is not None and error.status in _REFUSED and "x-bce-date" in request.headers:
            ours = datetime.strptime(request.headers["x-bce-date"], _TIMESTAMP).replace(tzinfo=timezone.utc)
            late = (ours - theirs).total_seconds()
            if abs(late) > self._expiration:
                error.hint = (
                    f"本机时钟与服务相差 {abs(late):.0f} 秒，签名只在 {self._expiration} 秒内有效：请校准时钟 "
                    f"(this machine's clock is {abs(late):.0f} s {'ahead' if late > 0 else 'behind'}; a signature "
                    f"is valid for {self._expiration} s: set the clock)"
                )
        return False


def _is_signed(name: str) -> bool:
    """Say whether a header is signed: the platform's own signer signs all that begin so."""
    return name in {"content-type", "host"} or name.startswith("x-bce-")


_TIMESTAMP = "%Y-%m-%dT%H:%M:%SZ"
_REFUSED = frozenset({400, 401, 403})
_DEFAULT_PORTS = {"http": 80, "https": 443}


@lru_cache(64)
def _parts(url: str) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """Return the Host header for a URL, which has no port where it is the scheme's own; its path; its query."""
    parts = urlsplit(url)
    host, port = parts.netloc.rpartition("@")[2], parts.port
    if port is not None and port == _DEFAULT_PORTS[parts.scheme]:
        host = host.rpartition(":")[0]
    return host, parts.path, tuple(parse_qsl(parts.query, keep_blank_values=True))


def _date(text: str) -> datetime | None:
    """Return the time that a Date header says, or None where it says none."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=timezone.utc)
