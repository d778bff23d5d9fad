"""What a client promises holds for all workers together: limits, budgets, usage, errors, secrets."""

from __future__ import annotations

from itertools import combinations

import pytest
from support.workers import ByRay

import qianfan
from qianfan import errors
from qianfan.local import on

TEXTS = [f"问{number}" for number in range(40)]

#: Seconds by which the way to a worker and through it may be shorter one time than another, on a busy machine.
SLACK = 0.25


@pytest.fixture(params=["map", "amap"])
def many(request, cluster):  # noqa: ARG001  # it has to be there
    """Each of the two ways of asking for many in turn."""
    return ByRay(request.param)


def test_rate_limit(platform, many):
    """Over any window of w seconds, all workers together send at most q * w + 1 requests."""
    with platform.client(query_per_second=20) as client:
        got = many(client, TEXTS, concurrency=16)

    assert all(outcome.ok for outcome in got)
    times = sorted(call.time for call in platform.calls("chat"))
    assert len(times) == 40
    for (first, early), (last, late) in combinations(enumerate(times), 2):
        assert last - first + 1 <= 20 * (late - early + SLACK) + 1


def test_every_attempt_takes_a_place(start, many):
    """Attempts after the first take a place in the limit too."""
    platform = start(faults=[on("chat", p=0.3).status(503)], seed=3)
    with platform.client(query_per_second=40, backoff_factor=0, retry_count=10) as client:
        got = many(client, TEXTS, concurrency=16)

    assert all(outcome.ok for outcome in got)
    times = sorted(call.time for call in platform.calls("chat"))
    assert len(times) > 40
    assert len(times) <= 40 * (times[-1] - times[0] + SLACK) + 1


def test_budget(platform, many):
    """A budget ends the run before it is passed, and the client's usage has all that was used."""
    with platform.client() as client, client.budget(requests=15) as budget:
        got = many(client, TEXTS, concurrency=4)
        usage = client.usage.sum

    assert isinstance(many.failure, errors.BudgetExceededError)
    assert len(platform.calls("chat")) == len(got) == 15
    assert budget.used.requests == usage.requests == 15
    assert usage.total_tokens == sum(outcome.response.usage.total_tokens for outcome in got)


def test_one_token_serves_all(platform, many):
    """Workers hold no keys: the access token is fetched once, here."""
    with platform.client() as client:
        many(client, TEXTS, concurrency=16)

    assert len(platform.calls("token")) == 1


FAULTS = [
    on("chat", text="拒绝").code(336003),
    on("chat", text="忙").status(503, retry_after=1),
    on("chat", text="断").reset(),
    on("chat", text="半").cut(after=0),
    on("chat", text="乱").garbage(),
    on("chat", text="慢").delay(60),
]


def told(error):
    """Return what an error says that is the same whenever it happens."""
    if error is None:
        return None
    fields = {name: value for name, value in vars(error).items() if name not in {"request_id", "headers"}}
    return type(error), {**fields, "attempts": [attempt.outcome for attempt in error.attempts]}


def test_errors_come_whole(start, cluster):  # noqa: ARG001  # it has to be there
    """What becomes of a request at a worker is the error that it is here, with all that it says."""
    platform = start(faults=FAULTS)
    texts = ["好", "拒绝", "忙", "断", "半", "乱", "慢"]
    with platform.client(retry_count=1, request_timeout=2) as client:
        here, away = (
            [told(outcome.error) for outcome in client.map(texts, engine=engine)]
            for engine in ("local", "ray")
        )

    assert [error is None for error in here] == [True] + [False] * 6
    assert away == here


def test_no_secrets(start, cluster):
    """Neither keys nor tokens are in what Ray writes down, however the calls end, or in what the run says."""
    platform = start(faults=[on("chat", p=0.5).code(110)], seed=1)
    with platform.client(retry_count=1) as client:
        engine = qianfan.RayEngine(workers=1, options={"runtime_env": {"env_vars": {"NAME": "s3cr3t-value"}}})
        errors_ = [str(outcome.error) for outcome in client.map(TEXTS, engine=engine)]
        secrets = [client.access_token(), client._settings.credential.sk]  # which nothing else tells

    assert "s3cr3t" not in repr(engine)
    written = [file.read_bytes() for file in cluster.rglob("*") if file.is_file()]
    assert written
    for secret in secrets:
        assert not any(secret.encode() in text for text in written)
        assert not any(secret in error for error in errors_)
