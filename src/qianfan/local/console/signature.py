"""The IAM signature `bce-auth-v1`, judged on the request as it was received.

The signature covers method, path, query and the headers it names; the body it does not.
"""

from __future__ import annotations

import hmac
import re
import uuid
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, quote, unquote_to_bytes

from qianfan.local.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qianfan.local.wire import Request

SCHEME = "bce-auth-v1"

#: Signed where the signature names no headers, with all that begin with `x-bce-`.
DEFAULT_HEADERS = frozenset({"host", "content-length", "content-type", "content-md5"})

TIMESTAMP = "%Y-%m-%dT%H:%M:%SZ"

_DATE = "x-bce-date"
_EXPIRATION = 1800  # seconds, as the platform's generic SDK has it

_FORM = re.compile(
    rf"{SCHEME}/([^/\s]+)/(\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ)/(\d{{1,9}})/([^/\s]*)/([0-9a-f]{{64}})",
    re.ASCII,
)

# What the platform says, by the code of `X-Bce-Error-Code`.
MISSING = "AccessDenied", "AccessDenied, cause: the request carries no Authorization header"
MALFORMED = "InvalidHTTPAuthHeader", "InvalidHTTPAuthHeader, cause: the Authorization header is malformed"
UNSIGNED_HOST = "InvalidHTTPAuthHeader", "InvalidHTTPAuthHeader, cause: the header host must be signed"
OTHER_DATE = (
    "InvalidHTTPAuthHeader",
    "InvalidHTTPAuthHeader, cause: x-bce-date is not the signature's timestamp",
)
EXPIRED = "RequestExpired", "RequestExpired, cause: the signature of {} is valid for {} s, and it is {}"
UNKNOWN_KEY = "NotFound", "NotFound, cause: Could not find credential."
MISMATCH = (
    "SignatureDoesNotMatch",
    "SignatureDoesNotMatch, cause: Fail to authn user: Signature does not match",
)


class Denied(Exception):  # noqa: N818  # to deny is an answer, not an error of the program
    """The request is not let in.

    Attributes:
        code: What `X-Bce-Error-Code` says.
        message: What `X-Bce-Error-Message` says.
    """

    def __init__(self, reason: tuple[str, str], *values: str) -> None:
        self.code = reason[0]
        self.message = reason[1].format(*values)
        super().__init__(self.message)


def refusal(status: int, code: str, message: str) -> Reply:
    """Return a refusal of the gateway that checks signatures, which says it in headers too."""
    body = {"code": code, "message": message, "requestId": str(uuid.uuid4())}
    headers = {"X-Bce-Error-Code": code, "X-Bce-Error-Message": message}
    return Reply(body, status=status, headers=headers)


class Signature(NamedTuple):
    """What an `Authorization` header says.

    Attributes:
        access_key: Who signed.
        timestamp: When, as it was written.
        expiration: Seconds it is valid.
        signed: The lower-case names of the signed headers; None for the default set.
        value: The signature itself, 64 hexadecimal digits.
    """

    access_key: str
    timestamp: str
    expiration: int
    signed: frozenset[str] | None
    value: str


def read(request: Request, now: float) -> Signature:
    """Return the signature of a request, if it has the form and is neither old nor from the future.

    Raises:
        Denied: It is missing, malformed or not valid now.
    """
    header = request.headers.get("authorization")
    if header is None:
        raise Denied(MISSING)
    match = _FORM.fullmatch(header.strip())
    made = match and _seconds(match[2])
    if match is None or made is None:
        raise Denied(MALFORMED)
    names = frozenset(filter(None, match[4].lower().split(";"))) or None
    signature = Signature(match[1], match[2], int(match[3]), names, match[5])
    if "host" not in request.headers or (names is not None and "host" not in names):
        raise Denied(UNSIGNED_HOST)
    date = request.headers.get(_DATE, match[2])
    if date.strip() != match[2] and names is not None and _DATE not in names:
        raise Denied(OTHER_DATE)
    if abs(now - made) > signature.expiration:
        clock = datetime.fromtimestamp(now, timezone.utc).strftime(TIMESTAMP)
        raise Denied(EXPIRED, signature.timestamp, str(signature.expiration), clock)
    return signature


def matches(signature: Signature, request: Request, secret_key: str) -> bool:
    """Return whether a secret key makes this signature of this request."""
    return hmac.compare_digest(
        _made(_prefix(signature), signature.signed, request, secret_key), signature.value
    )


def make(request: Request, host: str, access_key: str, secret_key: str, now: float) -> dict[str, str]:
    """Return the headers that sign a request to a host: it, and the time, are what is signed of the head."""
    timestamp = datetime.fromtimestamp(now, timezone.utc).strftime(TIMESTAMP)
    prefix = _prefix(Signature(access_key, timestamp, _EXPIRATION, None, ""))
    received = [(b"host", host.encode()), (_DATE.encode(), timestamp.encode())]
    value = _made(prefix, None, replace(request, received=received), secret_key)
    return {"Authorization": f"{prefix}/host;{_DATE}/{value}", _DATE: timestamp}


def _prefix(signature: Signature) -> str:
    return f"{SCHEME}/{signature.access_key}/{signature.timestamp}/{signature.expiration}"


def _made(prefix: str, signed: frozenset[str] | None, request: Request, secret_key: str) -> str:
    key = hmac.digest(secret_key.encode(), prefix.encode(), "sha256").hex()
    return hmac.digest(key.encode(), _canonical(request, signed).encode(), "sha256").hex()


def _canonical(request: Request, signed: frozenset[str] | None) -> str:
    """Return the text that is signed, from the request line and headers as they came."""
    path, _, query = request.target.partition("?")
    encoded = "/".join(_encode(unquote_to_bytes(part)) for part in path.split("/"))
    pairs = parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    parameters = sorted(
        f"{_encode(name)}={_encode(value)}" for name, value in pairs if name.lower() != "authorization"
    )
    lines = sorted(_lines(request.received, signed))
    return "\n".join([request.method, encoded or "/", "&".join(parameters), *lines])


def _lines(received: Iterable[tuple[bytes, bytes]], signed: frozenset[str] | None) -> Iterable[str]:
    for raw_name, raw_value in received:
        name, value = raw_name.decode("latin-1").lower(), raw_value.strip()
        by_default = name in DEFAULT_HEADERS or name.startswith("x-bce-")
        covered = by_default if signed is None else name in signed
        if covered and value:
            yield f"{_encode(name)}:{_encode(value)}"


def _encode(text: str | bytes) -> str:
    if isinstance(text, bytes):
        return quote(text, safe="")
    return quote(text, safe="", errors="surrogateescape")


def _seconds(timestamp: str) -> float | None:
    try:
        return datetime.strptime(timestamp, TIMESTAMP).replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        return None
