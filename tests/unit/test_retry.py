"""When to try again: which failures, how often, after which pause."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qianfan.codes import CODES, RETRYABLE
from qianfan.core.refusals import api_error
from qianfan.core.retry import RetryPolicy, Trial
from qianfan.errors import (
    APIError,
    Attempt,
    ConnectionFailedError,
    DeadConnectionError,
    InvalidArgumentError,
    QianfanError,
    RequestError,
    RequestTimeoutError,
    StreamIncompleteError,
)


def with_status(error: QianfanError, status: int) -> QianfanError:
    """Return an error as it came with an HTTP status."""
    error.status = status
    return error


def lasting(error: ConnectionFailedError) -> ConnectionFailedError:
    """Return a connection failure that no waiting cures."""
    error.transient = False
    return error


#: The codes that the platform documentation recommends to try again.
RECOMMENDED = {1, 2, 4, 15, 18, 336000, 336100, 336501, 336502, 500000}


def test_the_default_codes() -> None:
    """What is tried again by default is what the platform's documentation recommends."""
    assert RetryPolicy().codes == RETRYABLE == RECOMMENDED


#: The names of v2 that pass with time: its rate limits and its faults.
PASSING = {"rpm_rate_limit_exceeded", "tpm_rate_limit_exceeded", "internal_error"}


@pytest.mark.parametrize("code", CODES)
def test_known_codes(code: int | str) -> None:
    """Of the codes in the table, the retryable ones are tried again and no other."""
    assert RetryPolicy().allows(api_error(code, "")) is (code in RECOMMENDED | PASSING)


@pytest.mark.parametrize(
    ("error", "allowed"),
    [
        *[(RequestError(status=status), True) for status in (429, 500, 502, 503, 504)],
        *[(RequestError(status=status), False) for status in (200, 301, 400, 401, 403, 404, 501)],
        (with_status(APIError(424242, "a code nobody knows"), 503), True),
        (with_status(APIError(424242, "a code nobody knows"), 200), False),
        (with_status(APIError("rpm_rate_limit_exceeded", "a code in words"), 429), True),
        (with_status(APIError("invalid_model", "a code in words"), 400), False),
        (ConnectionFailedError("reset"), True),
        (DeadConnectionError("dead"), True),
        (lasting(ConnectionFailedError("certificate")), False),
        (RequestTimeoutError("late"), False),
        (StreamIncompleteError("cut"), False),
        (InvalidArgumentError("wrong"), False),
    ],
    ids=lambda value: f"{type(value).__name__} {value.status}" if isinstance(value, QianfanError) else "",
)
def test_other_failures(error: QianfanError, allowed: bool) -> None:
    """HTTP statuses that pass and broken connections are tried again; what will stay the same is not."""
    assert RetryPolicy().allows(error) is allowed


@pytest.mark.parametrize(
    ("codes", "code", "allowed"),
    [({336003}, 336003, True), ({424242}, 424242, True), ({18}, 336100, False), (set(), 18, False)],
)
def test_codes_of_ones_own(codes: set[int], code: int, allowed: bool) -> None:
    """The codes a user lists replace the default ones, in both directions."""
    assert RetryPolicy(codes=frozenset(codes)).allows(api_error(code, "")) is allowed


@pytest.mark.parametrize(
    ("policy", "failures", "most"),
    [
        (RetryPolicy(), 1, 1),
        (RetryPolicy(), 2, 2),
        (RetryPolicy(), 3, 4),
        (RetryPolicy(), 8, 120),
        (RetryPolicy(backoff_factor=0.5), 3, 2),
        (RetryPolicy(backoff_factor=0), 9, 0),
        (RetryPolicy(max_wait=3), 3, 3),
        (RetryPolicy(), 5000, 120),
        (RetryPolicy(backoff_factor=0), 5000, 0),
    ],
)
def test_the_most_a_pause_may_be(policy: RetryPolicy, failures: int, most: float) -> None:
    """The bound of the pause doubles with each failure, up to `max_wait`, however many there were."""
    assert policy.pause(failures, 1.0) == most


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.integers(1, 3000), st.floats(0, 1, exclude_max=True))
def test_any_pause(backoff_factor: float, max_wait: float, failures: int, chance: float) -> None:
    """No pause is below 0 or above `max_wait`, whatever the policy and the draw."""
    assert 0 <= RetryPolicy(3, backoff_factor, max_wait).pause(failures, chance) <= max_wait


def judge(trial: Trial, error: QianfanError, *, now: float = 0.0, renewed: bool = False) -> float | None:
    """Return the verdict on a failure: the pause, or None where it is final."""
    try:
        return trial.judge(error, now, now, renewed=renewed)
    except type(error):
        return None


BUSY, DEAD, OLD = 18, DeadConnectionError("dead"), 110


@pytest.mark.parametrize(
    ("failures", "verdicts"),
    [
        ([BUSY, BUSY, BUSY], [1, 2, None]),
        ([DEAD, BUSY, BUSY, BUSY], [0, 1, 2, None]),
        ([DEAD, DEAD, DEAD, DEAD], [0, 1, 2, None]),
        ([BUSY, DEAD, BUSY, BUSY], [1, 0, 2, None]),
        ([OLD, BUSY, BUSY, BUSY], [0, 1, 2, None]),
        ([OLD, OLD], [0, None]),
        ([BUSY, OLD, BUSY, OLD], [1, 0, 2, None]),
        ([OLD, DEAD, BUSY, BUSY, BUSY], [0, 0, 1, 2, None]),
        ([336003], [None]),
        ([BUSY, 336003], [1, None]),
    ],
)
def test_verdicts(failures: list[int | QianfanError], verdicts: list[float | None]) -> None:
    """One dead connection and one renewal are free; all else counts, up to three in all."""
    trial = Trial(RetryPolicy(), 1e9, lambda: 1.0)
    errors = [api_error(failure, "") if isinstance(failure, int) else failure for failure in failures]

    assert [judge(trial, error, renewed=error.code == OLD) for error in errors] == verdicts
    assert len(errors[-1].attempts) == len(failures)


@pytest.mark.parametrize(("deadline", "pause"), [(10.9, None), (11.0, None), (11.1, 1.0)])
def test_the_deadline(deadline: float, pause: float | None) -> None:
    """A pause must end before the deadline; else the failure itself is the better answer."""
    assert judge(Trial(RetryPolicy(), deadline, lambda: 1.0), api_error(18, ""), now=10.0) == pause


def test_attempts_are_recorded() -> None:
    """Each attempt is kept with its outcome, its seconds and the pause after it."""
    trial = Trial(RetryPolicy(), 1e9, lambda: 0.5)
    trial.judge(api_error(18, ""), 1.0, 3.5, renewed=False)
    trial.judge(RequestError(status=502), 4.0, 4.25, renewed=False)

    assert trial.attempts == [
        Attempt("RateLimitError 18", 2.5, 0.5),
        Attempt("RequestError HTTP 502", 0.25, 1.0),
    ]
