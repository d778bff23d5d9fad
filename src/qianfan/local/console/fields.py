"""What the bodies of console calls say: each field is read with its check, or the call is refused."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from qianfan.codes import CODES
from qianfan.local import checks
from qianfan.local.wire import Refusal, as_object

if TYPE_CHECKING:
    from qianfan.local.checks import Check
    from qianfan.local.wire import Json

PARAM = 500001

UNFINISHED = "0000-00-00 00:00:00"

_CHINA = timezone(timedelta(hours=8))
_URI = re.compile(r"[A-Za-z0-9_-]{2,20}")


def refusal(code: int, detail: str) -> Refusal:
    """Return the refusal that says the platform's words for a code, and what is wrong here."""
    return Refusal(code, f"{CODES[code].message}: {detail}")


def required(body: Json, name: str, check: Check, code: int = PARAM, above: str = "") -> Any:
    """Return the value of a field that must be there.

    Raises:
        Refusal: It is missing, or the check finds fault with it.
    """
    value = body.get(name)
    if value is None:
        raise refusal(code, f"{above}{name} is missing")
    complaint = check(value)
    if complaint:
        raise refusal(code, f"{above}{name} {complaint}")
    return value


def optional(
    body: Json, name: str, check: Check, default: Any = None, code: int = PARAM, above: str = ""
) -> Any:
    """Return the value of a field that may be missing or null.

    Raises:
        Refusal: The check finds fault with it.
    """
    return default if body.get(name) is None else required(body, name, check, code, above)


def length(low: int, high: int) -> Check:
    """Demand a string of so many characters."""
    wanted = f"must be a string of {low} to {high} characters"
    return lambda value: None if isinstance(value, str) and low <= len(value) <= high else wanted


def key(value: Any) -> str | None:
    """Demand what can name a record: an integer or a string."""
    return None if isinstance(value, int | str) and not isinstance(value, bool) else "must be an id"


def integer_of(*choices: int) -> Check:
    """Demand one of some integers."""
    wanted = f"must be one of {', '.join(map(str, choices))}"
    check = checks.integer(min(choices), max(choices))
    return lambda value: wanted if check(value) or value not in choices else None


def json_object(value: Any) -> str | None:
    """Demand an object."""
    return None if as_object(value) is not None else "must be an object"


def uri(value: Any) -> str | None:
    """Demand what can be the last part of a service's address."""
    fits = isinstance(value, str) and _URI.fullmatch(value)
    return None if fits else "must be 2 to 20 letters, digits, _ or -"


name = length(2, 20)
description = length(0, 500)


def china_time(seconds: float | None) -> str:
    """Return a time as fine-tuning writes it; None is a time that has not come."""
    return UNFINISHED if seconds is None else f"{_china(seconds):%Y-%m-%d %H:%M:%S}"


def iso_time(seconds: float) -> str:
    """Return a time as models write it: with the zone."""
    return f"{_china(seconds):%Y-%m-%dT%H:%M:%S}+08:00"


def utc_time(seconds: float | None) -> str:
    """Return a time as v2 writes it; None is a time that has not come."""
    return (
        "" if seconds is None else f"{datetime.fromtimestamp(int(seconds), timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
    )


def _china(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds), _CHINA)
