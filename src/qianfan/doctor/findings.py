"""A finding: one thing that was looked at, and how it stands."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from qianfan.errors import QianfanError

#: Seconds that each step may take.
LIMIT = 10.0

#: What to do where nothing is heard in time.
NO_ANSWER = "请检查地址、网络、防火墙与代理 (check the address, the network, firewalls and proxies)"


class State(Enum):
    """How a thing stands."""

    GOOD = "good"
    NOTE = "note"  # neither good nor bad
    BAD = "bad"


class Finding(NamedTuple):
    """One thing that was looked at.

    Attributes:
        about: What: `environment`, `key`, `api`, `proxy`, `tls`, `host`, `clock`, `call`, `console` or `chat`.
        state: How it stands.
        says: What was found.
        advice: What to do, or an empty string.
    """

    about: str
    state: State
    says: str
    advice: str = ""


def failed(about: str, error: Exception) -> Finding:
    """Return the finding that an error is."""
    if not isinstance(error, QianfanError):
        return Finding(about, State.BAD, str(error))
    code = f"[{error.code}] " if error.code is not None else ""
    request = f" (request id {error.request_id})" if error.request_id else ""
    # The hint of an error of time is to wait longer, which is not the doctor's advice.
    advice = NO_ANSWER if isinstance(error, TimeoutError) else error.hint
    return Finding(about, State.BAD, f"{code}{error.message}{request}", advice)
