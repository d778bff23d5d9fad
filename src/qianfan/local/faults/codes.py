"""What an error code is called on each side: a number on v1, a word on v2, words of the gateways.

The platform documents few of these pairs; where it does not, a code of the same kind stands for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.codes import CODES, Kind
from qianfan.local.v2.errors import OF_V1

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORDS = {**OF_V1, 111: "invalid_iam_token", 110: "invalid_iam_token", 336006: "invalid_messages"}

_NUMBERS = {word: number for number, word in _WORDS.items()}

_OF_KIND: dict[Kind, tuple[int, str]] = {
    Kind.SERVER: (336000, "internal_error"),
    Kind.BUSY: (336100, "rpm_rate_limit_exceeded"),
    Kind.QUOTA: (17, "invalid_model"),
    Kind.TOKEN: (110, "invalid_iam_token"),
    Kind.AUTH: (14, "invalid_iam_token"),
    Kind.REQUEST: (336003, "invalid_argument"),
}

#: HTTP status and word of `/oauth/2.0/token`.
OAUTH: dict[Kind, tuple[int, str]] = {
    Kind.SERVER: (500, "unknown_error"),
    Kind.BUSY: (429, "rate_limit_exceeded"),
    Kind.QUOTA: (429, "rate_limit_exceeded"),
    Kind.TOKEN: (401, "invalid_client"),
    Kind.AUTH: (401, "invalid_client"),
    Kind.REQUEST: (400, "invalid_request"),
}

#: HTTP status and word of the exchange.
IAM: dict[Kind, tuple[int, str]] = {
    Kind.SERVER: (500, "InternalError"),
    Kind.BUSY: (429, "OverLimit"),
    Kind.QUOTA: (400, "OverLimit"),
    Kind.TOKEN: (403, "AccessDenied"),
    Kind.AUTH: (403, "AccessDenied"),
    Kind.REQUEST: (400, "InvalidParameter"),
}

#: HTTP status and word of the console's v2.
CONSOLE: dict[Kind, tuple[int, str]] = {**IAM, Kind.REQUEST: (400, "InappropriateJSON")}

_BAD_REQUEST = 400

_GATEWAYS = (OAUTH, IAM, CONSOLE)


def is_known(code: int | str) -> bool:
    """Return whether some side has such a code."""
    return code in CODES or _of_gateway(code) is not None


def number(code: int | str) -> int:
    """Return what v1 calls a code."""
    if isinstance(code, int):
        return code
    return _NUMBERS.get(code) or _OF_KIND[_kind(code)][0]


def word(code: int | str) -> str:
    """Return what v2 calls a code."""
    if isinstance(code, str) and (code in CODES or not is_known(code)):
        return code
    known = _WORDS.get(code) if isinstance(code, int) else None
    return known or _OF_KIND[_kind(code)][1]


def of_gateway(code: int | str, words: Mapping[Kind, tuple[int, str]]) -> tuple[int, str]:
    """Return the HTTP status and the word that a gateway has for a code."""
    if isinstance(code, str) and not is_known(code):
        return _BAD_REQUEST, code
    own = next((pair for pair in words.values() if pair[1] == code), None)
    return own or words[_kind(code)]


def text(code: int | str, message: str = "") -> str:
    """Return what an error says: the given words, or the platform's for the code."""
    return message or (CODES[code].message if code in CODES else str(code))


def _kind(code: int | str) -> Kind:
    return CODES[code].kind if code in CODES else _of_gateway(code) or Kind.SERVER


def _of_gateway(code: int | str) -> Kind | None:
    return next((kind for words in _GATEWAYS for kind, (_, word) in words.items() if word == code), None)
