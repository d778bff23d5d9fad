"""Quotas: what is refused, when it is free again, what the headers say."""

from __future__ import annotations

import pytest

import qianfan.local

QUESTION = {"messages": [{"role": "user", "content": "你好"}]}


def limits(response):
    """Return the X-Ratelimit headers of a response, shortened."""
    prefix = "x-ratelimit-"
    return {
        k.lower().removeprefix(prefix): int(v)
        for k, v in response.headers.items()
        if k.lower().startswith(prefix)
    }


@pytest.fixture
def frozen():
    """A clock that moves only when told."""
    return qianfan.local.Clock(lambda: 1_700_000_000.0)


def code(response):
    """Return the code of a response, None where it is an answer."""
    return response.json().get("error_code")


def test_no_quota_no_headers(shared):
    """Without a limit there are no X-Ratelimit headers."""
    assert limits(shared.post(QUESTION)) == {}


def test_qps(start, frozen):
    """A second's calls are admitted at once, then one each 1/qps seconds; the next answers 18."""
    caller = start(qps=2, clock=frozen)

    assert [code(caller.post(QUESTION)) for _ in range(3)] == [None, None, 18]
    caller.platform.advance(seconds=0.5)
    assert [code(caller.post(QUESTION)) for _ in range(2)] == [None, 18]
    caller.platform.advance(hours=1)
    assert [code(caller.post(QUESTION)) for _ in range(3)] == [None, None, 18]
    assert caller.post(QUESTION).json() == {
        "error_code": 18,
        "error_msg": "Open api qps request limit reached",
    }


def test_qps_below_one(start, frozen):
    """Half a call per second is one call every two seconds."""
    caller = start(qps=0.5, clock=frozen)

    assert [code(caller.post(QUESTION)) for _ in range(2)] == [None, 18]
    caller.platform.advance(seconds=1)
    assert code(caller.post(QUESTION)) == 18
    caller.platform.advance(seconds=1)
    assert code(caller.post(QUESTION)) is None


def test_rpm_and_its_headers(start, frozen):
    """Calls above the minute's answer 336501 at HTTP 200; headers count down, and the minute ends."""
    caller = start(rpm=2, clock=frozen)

    responses = [caller.post(QUESTION) for _ in range(3)]
    assert [code(r) for r in responses] == [None, None, 336501]
    assert [limits(r)["remaining-requests"] for r in responses] == [1, 0, 0]
    assert [limits(r)["limit-requests"] for r in responses] == [2, 2, 2]
    assert responses[2].status == 200
    assert responses[2].json()["error_msg"] == "Rate limit reached for RPM"

    caller.platform.advance(seconds=59.9)
    assert code(caller.post(QUESTION)) == 336501
    caller.platform.advance(seconds=0.1)
    assert code(caller.post(QUESTION)) is None


def test_tpm_and_its_headers(start, frozen):
    """Once the minute's tokens are spent, by answers of either kind, calls answer 336502."""
    caller = start(tpm=60, clock=frozen)

    first = caller.post({**QUESTION, "stream": True})
    assert limits(first) == {"limit-tokens": 60, "remaining-tokens": 21}
    second = caller.post(QUESTION)
    assert (code(second), limits(second)["remaining-tokens"]) == (None, 0)
    third = caller.post(QUESTION)
    assert (code(third), limits(third)["remaining-tokens"]) == (336502, 0)

    caller.platform.advance(minutes=1)
    assert code(caller.post(QUESTION)) is None


def test_each_application_and_endpoint_has_its_own(start, frozen):
    """What one application uses at one endpoint is no loss to another application or endpoint."""
    caller = start(rpm=1, clock=frozen)
    caller.platform.add_application("a", "b")
    token = caller.authorise(client_id="a", client_secret="b").json()["access_token"]

    assert code(caller.post(QUESTION)) is None
    assert code(caller.post(QUESTION)) == 336501
    assert code(caller.post(QUESTION, endpoint="eb-instant")) is None
    assert code(caller.post(QUESTION, token=token)) is None


def test_what_the_rules_refuse_counts(start, frozen):
    """A call that breaks a rule has used its place; a call without a token has not."""
    caller = start(rpm=1, clock=frozen)

    assert code(caller.post(QUESTION, token="unknown")) == 110
    assert code(caller.post({})) == 336001
    assert code(caller.post(QUESTION)) == 336501


@pytest.mark.parametrize(
    "options",
    [{"qps": 0}, {"rpm": -1}, {"tpm": 0}, {"token_lifetime": 0}, {"chunk_delay": -1}, {"journal_size": 0}],
)
def test_options_that_cannot_work(options):
    """A limit, lifetime, delay or size that could not work is refused by name."""
    with pytest.raises(ValueError, match=next(iter(options))):
        qianfan.local.platform(**options)
