"""Quotas: calls per second, calls per minute, tokens per minute.

Each application has its own allowance at each endpoint. A limit that is not set limits nothing and
shows in no header: which figures an account has depends on its contract.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from qianfan.local.recent import Recent
from qianfan.local.wire import Refusal

if TYPE_CHECKING:
    from qianfan.local.clock import Clock

QPS, RPM, TPM = 18, 336501, 336502

_WINDOW = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Limits:
    """What one application may ask of one endpoint; None is unlimited.

    Raises:
        ValueError: A limit is not above zero.
    """

    qps: float | None = None
    rpm: int | None = None
    tpm: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("qps", self.qps), ("rpm", self.rpm), ("tpm", self.tpm)):
            if value is not None and value <= 0:
                raise ValueError(f"{name} must be above 0 (or None for no limit), not {value}")


_UNLIMITED = Limits()


class Allowance:
    """What is left to one application at one endpoint.

    Calls per second are a bucket of `max(1, qps)` calls that refills evenly, so that a client which
    spaces its calls is never refused; minutes are windows that open with their first call.
    """

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._room = max(1.0, limits.qps or 0.0)
        self._refilled = now
        self._opened = now
        self._requests = 0
        self._tokens = 0
        self._lock = threading.Lock()

    def admit(self, now: float) -> None:
        """Take one call out of the allowance.

        Raises:
            Refusal: 18 (calls per second), 336501 (calls per minute) or 336502 (tokens per minute).
        """
        limits = self._limits
        with self._lock:
            self._refresh(now)
            if limits.qps is not None and self._room < 1:
                raise Refusal(QPS, headers=self.headers())
            if limits.rpm is not None and self._requests >= limits.rpm:
                raise Refusal(RPM, headers=self.headers())
            if limits.tpm is not None and self._tokens >= limits.tpm:
                raise Refusal(TPM, headers=self.headers())
            self._room -= 1
            self._requests += 1

    def charge(self, tokens: int) -> None:
        """Take the tokens of an answered call, input and output, out of the allowance."""
        with self._lock:
            self._tokens += tokens

    def headers(self) -> dict[str, str]:
        """Return the `X-Ratelimit-*` headers of the limits that are set."""
        limits, headers = self._limits, dict[str, str]()
        for name, limit, used in (
            ("Requests", limits.rpm, self._requests),
            ("Tokens", limits.tpm, self._tokens),
        ):
            if limit is not None:
                headers[f"X-Ratelimit-Limit-{name}"] = str(limit)
                headers[f"X-Ratelimit-Remaining-{name}"] = str(max(0, limit - used))
        return headers

    def copy(self) -> Allowance:
        """Return another of which as much is left."""
        with self._lock:
            other = Allowance(self._limits, self._refilled)
            other._room, other._opened = self._room, self._opened
            other._requests, other._tokens = self._requests, self._tokens
            return other

    def _refresh(self, now: float) -> None:
        rate = self._limits.qps or 0.0
        elapsed = max(0.0, now - self._refilled)  # a real clock may be set back
        self._room = min(max(1.0, rate), self._room + elapsed * rate)
        self._refilled = now
        if not 0 <= now - self._opened < _WINDOW:
            self._opened, self._requests, self._tokens = now, 0, 0


#: Whose and for what an allowance is.
Key: TypeAlias = "tuple[int | str, str]"

#: The limits that were set, and the allowances.
Saved: TypeAlias = "tuple[Limits | None, dict[Key, Allowance]]"

MOST = 10_000  # allowances that are remembered


class Quotas:
    """The allowances of every application or key at every endpoint of one platform."""

    def __init__(self, clock: Clock, limits: Limits) -> None:
        self._clock = clock
        self._usual = limits
        self._changed: Limits | None = None
        self._allowances = Recent[Key, Allowance](MOST)

    @property
    def limits(self) -> Limits:
        """What is allowed; where it is set, every allowance begins anew."""
        return self._usual if self._changed is None else self._changed

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._changed = limits
        self._allowances.replace({})

    def snapshot(self) -> Saved:
        """Return the limits that were set, and a copy of the allowances."""
        return self._changed, self._allowances.copies(Allowance.copy)

    def restore(self, saved: Saved) -> None:
        """Have these limits and allowances, and full ones for all else."""
        self._changed, allowances = saved
        self._allowances.replace({key: allowance.copy() for key, allowance in allowances.items()})

    def admit(self, owner: int | str, endpoint: str) -> Allowance:
        """Admit one call and return the allowance its tokens are charged to.

        Args:
            owner: The application; on v2 also the key, where the call names no application.
            endpoint: What is called; on v2 the model.

        Raises:
            Refusal: 18, 336501 or 336502.
        """
        now, limits = self._clock.now(), self.limits
        if limits == _UNLIMITED:
            return Allowance(limits, now)  # which nobody needs to remember
        allowance = self._allowances.setdefault((owner, endpoint), Allowance(limits, now))
        allowance.admit(now)
        return allowance
