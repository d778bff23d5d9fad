"""When to try again: a pure judgement over one call's failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from qianfan.codes import CODES, RETRYABLE
from qianfan.errors import APIError, Attempt, DeadConnectionError, QianfanError, RequestTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable


class RetryPolicy(NamedTuple):
    """How often and how patiently to try.

    Attributes:
        attempts: How many times a call is tried in all; 0 counts as 1.
        backoff_factor: The pause before attempt n + 1 is drawn evenly from 0 to
            `backoff_factor * 2 ** (n - 1)` seconds (exponential backoff with full jitter).
        max_wait: The longest such pause, in seconds.
        codes: The platform's codes that are tried again.
        timeouts: Whether an attempt that was not answered in time is tried again.
    """

    attempts: int = 3
    backoff_factor: float = 1.0
    max_wait: float = 120.0
    codes: frozenset[int] = RETRYABLE
    timeouts: bool = False

    def allows(self, error: QianfanError) -> bool:
        """Say whether a failure of this kind is worth another attempt."""
        if isinstance(error, APIError) and error.error_code in self.codes:
            return True
        if isinstance(error, APIError) and isinstance(error.error_code, int) and error.error_code in CODES:
            return False  # known, and not among those to try again
        if isinstance(error, RequestTimeoutError):
            return self.timeouts
        return error.retryable

    def pause(self, failures: int, chance: float) -> float:
        """Return the seconds to wait after so many failures; `chance` is drawn from [0, 1)."""
        return min(self.max_wait, self.backoff_factor * 2.0 ** min(failures - 1, 64)) * chance


class Trial:
    """The attempts of one call so far, and the verdict on the latest failure."""

    __slots__ = (
        "_chance",
        "_failures",
        "_policy",
        "_renewed",
        "_replayed",
        "attempts",
        "deadline",
        "started",
    )

    def __init__(self, policy: RetryPolicy, deadline: float, chance: Callable[[], float]) -> None:
        self.attempts: list[Attempt] = []
        self.deadline = deadline
        self.started = 0.0  # when the latest attempt began
        self._policy = policy
        self._chance = chance
        self._failures = 0
        self._replayed = False
        self._renewed = False

    def judge(self, error: QianfanError, started: float, now: float, *, renewed: bool) -> float:
        """Return the seconds to wait before the next attempt, or raise the error as final.

        Args:
            error: What went wrong.
            started: When the attempt began.
            now: The time.
            renewed: Whether a new credential may cure the error.
        """
        pause = self._verdict(error, now, renewed=renewed)
        if pause is None:
            raise self.ended(error, started, now)
        self.attempts.append(Attempt(_outcome(error), round(now - started, 6), pause))
        return pause

    def ended(self, error: QianfanError, started: float, now: float) -> QianfanError:
        """Return the error with all attempts in it, the last being the one that it ended."""
        last = Attempt(_outcome(error), round(now - started, 6), 0.0)
        error.attempts = (*self.attempts, last)
        return error

    def _verdict(self, error: QianfanError, now: float, *, renewed: bool) -> float | None:
        if isinstance(error, DeadConnectionError) and not self._replayed:
            self._replayed = True  # free: the service never saw the request
            return 0.0
        if renewed and not self._renewed:
            self._renewed = True  # free as well, and once: a second refusal is final
            return 0.0
        self._failures += 1
        if self._failures >= self._policy.attempts or not self._policy.allows(error):
            return None
        pause = error.retry_after
        if pause is None:
            pause = self._policy.pause(self._failures, self._chance())
        # A pause that ends after the deadline would only turn this error into a timeout.
        return pause if now + pause < self.deadline else None


def _outcome(error: QianfanError) -> str:
    if error.code is not None:
        return f"{type(error).__name__} {error.code}"
    if error.status is not None:
        return f"{type(error).__name__} HTTP {error.status}"
    return type(error).__name__
