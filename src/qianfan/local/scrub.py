"""Secrets taken out of whatever is kept or told: by the names they go by, by their form, by their value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from qianfan.local.journal import MASK
from qianfan.local.wire import as_array, as_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Names of secrets, in lower case and without `-` and `_`: of headers, of a query, of a body's members.
_NAMES = frozenset(
    {
        "accesskey",
        "accesskeyid",
        "accesstoken",
        "ak",
        "apikey",
        "authorization",
        "bearertoken",
        "clientid",
        "clientsecret",
        "cookie",
        "displaytoken",
        "password",
        "proxyauthorization",
        "refreshtoken",
        "secret",
        "secretaccesskey",
        "secretkey",
        "sessionkey",
        "sessionsecret",
        "setcookie",
        "sk",
        "token",
        "xapikey",
        "xbcesecuritytoken",
    }
)

_SHORTEST = 8  # characters: a shorter `token` is a word, a shorter key is none that is worth a secret

_LEVELS = 64  # that anybody reads

_FORMS = re.compile(
    r"""
      bce-v3/[\w*-]+/\w+                                 # an API key of v2
    | bce-auth-v1/[^\s"']+                               # a signature
    | \b2[45]\.[0-9a-f]{32}\.\d+\.\d+\.[\d-]+            # an access token of v1
    | \bsk-[\w-]{16,}                                    # a key as OpenAI's look
    | \beyJ[\w-]+\.[\w-]+\.[\w-]+                        # a JSON web token
    | (?<=[Bb]earer\s)[\w.~+/=-]{16,}
    """,
    re.VERBOSE,
)

# A name and a value in a text: long and with a digit, which words and names of variables are not.
_NAMED = re.compile(
    r"(?i)\b([a-z_-]*(?:token|secret|key|[as]k))(\"?\s*[=:]\s*\"?)(?=[\w.~+/%-]*\d)([\w.~+/%-]{16,})"
)


def is_secret(name: str) -> bool:
    """Return whether values of a name are secrets."""
    return name.lower().replace("-", "").replace("_", "") in _NAMES


def text(value: str, known: Iterable[str] = ()) -> str:
    """Return a text in which no secret is readable.

    Args:
        value: The text.
        known: Secrets that it may repeat.
    """
    for secret in sorted(known, key=len, reverse=True):  # one may be the beginning of another
        if len(secret) >= _SHORTEST:
            value = value.replace(secret, MASK).replace(quote(secret, safe=""), MASK)
    value = _FORMS.sub(MASK, value)
    return _NAMED.sub(lambda it: f"{it[1]}{it[2]}{MASK}" if is_secret(it[1]) else it[0], value)


def named(value: Any, levels: int = _LEVELS) -> Iterator[str]:
    """Give the secrets that a JSON value has under names of secrets."""
    members = as_object(value) or {}
    for name, member in members.items():
        if is_secret(name) and isinstance(member, str):
            yield member
    for inner in as_array(value) or members.values():
        if levels:
            yield from named(inner, levels - 1)


def content(value: Any, known: Iterable[str] = (), levels: int = _LEVELS) -> Any:
    """Return a copy of a JSON value in which no secret is readable.

    Args:
        value: The value.
        known: Secrets that its texts may repeat.
        levels: What is nested more levels deep is not readable either.
    """
    known = tuple(known)
    if isinstance(value, str):
        return text(value, known)
    items, members = as_array(value), as_object(value)
    if not levels and (items or members):
        return MASK
    if items is not None:
        return [content(item, known, levels - 1) for item in items]
    if members is None:
        return value
    return {
        name: MASK if is_secret(name) and _is_long(name, member) else content(member, known, levels - 1)
        for name, member in members.items()
    }


def _is_long(name: str, value: Any) -> bool:
    return isinstance(value, str) and (name != "token" or len(value) >= _SHORTEST)
