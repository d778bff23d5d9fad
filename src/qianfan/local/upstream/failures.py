"""The errors of an upstream, as the platform's own codes with the upstream's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qianfan.local import rules, scrub
from qianfan.local.upstream.http import INTERNAL
from qianfan.local.wire import Refusal, as_object, parse

if TYPE_CHECKING:
    from collections.abc import Iterable

_NO_PERMISSION, _RPM = 6, 336501

# Every other status is a fault of the upstream's.
_CODES = {
    400: rules.INVALID_PARAM,
    401: _NO_PERMISSION,
    403: _NO_PERMISSION,
    404: _NO_PERMISSION,  # v2 answers so where there is no such model
    413: rules.TOO_LONG,
    422: rules.INVALID_PARAM,
    429: _RPM,
}

_LONGEST = 500  # characters of an upstream's words


def refusal(status: int, body: bytes, secrets: Iterable[str]) -> Refusal:
    """Return the platform's error for an upstream's.

    Args:
        status: The upstream's HTTP status; 200 of an error that stands in the body alone.
        body: What it answered.
        secrets: What its words must not show.
    """
    words = _words(parse(body)) or body.decode("utf-8", "replace")
    told = scrub.text(" ".join(words.split()), secrets)[:_LONGEST]
    return Refusal(_CODES.get(status, INTERNAL), f"the upstream answered HTTP {status}: {told}")


def _words(told: Any) -> str:
    """Return what an error says, in any of the forms that servers use."""
    members = as_object(told) or {}
    inner = as_object(members.get("error")) or members
    said = (inner.get(name) for name in ("message", "error", "error_msg", "detail"))
    return next((words for words in said if isinstance(words, str)), "")
