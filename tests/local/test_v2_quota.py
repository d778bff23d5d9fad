"""Quotas on v2: HTTP 429, the headers, and whose allowance a call is taken from."""

from __future__ import annotations

import pytest
from v2_caller import MODEL, QUESTION, V2, code, refusal

import qianfan.local


@pytest.fixture
def v2(start):
    """Start a platform whose clock moves only when told; return a caller of its v2."""
    return lambda **options: V2(start(clock=qianfan.local.Clock(lambda: 1_700_000_000.0), **options))


def limits(response):
    """Return the X-Ratelimit headers of a response, shortened."""
    prefix = "x-ratelimit-"
    return {
        name.lower().removeprefix(prefix): int(value)
        for name, value in response.headers.items()
        if name.lower().startswith(prefix)
    }


def test_no_quota_no_headers(v2):
    """Without a limit there are no X-Ratelimit headers."""
    assert limits(v2().post(QUESTION)) == {}


def test_calls_of_a_minute(v2):
    """Calls above the minute's are 429 with the documented code, and headers that count down."""
    caller = v2(rpm=2)

    responses = [caller.post({**QUESTION, "stream": stream}) for stream in (False, True, True)]
    assert [response.status for response in responses] == [200, 200, 429]
    assert [limits(response) for response in responses] == [
        {"limit-requests": 2, "remaining-requests": 1},
        {"limit-requests": 2, "remaining-requests": 0},
        {"limit-requests": 2, "remaining-requests": 0},
    ]
    assert refusal(responses[2]) == (
        *(429, "rate_limit_exceeded", "rpm_rate_limit_exceeded"),
        "Rate limit reached for RPM",
    )
    assert "Retry-After" not in responses[2].headers
    caller.platform.advance(minutes=1)
    assert code(caller.post(QUESTION)) is None


def test_tokens_of_a_minute(v2):
    """Calls after the minute's tokens are spent are 429 of another code."""
    caller = v2(tpm=60)

    spent = caller.post(QUESTION).json()["usage"]["total_tokens"]
    second = caller.post(QUESTION)
    assert spent < 60
    assert limits(second) == {"limit-tokens": 60, "remaining-tokens": max(0, 60 - 2 * spent)}
    assert refusal(caller.post(QUESTION)) == (
        *(429, "rate_limit_exceeded", "tpm_rate_limit_exceeded"),
        "Rate limit reached for TPM",
    )


def test_calls_of_a_second(v2):
    """The limit of a second, for which v2 has no code, answers with the minute's."""
    caller = v2(qps=1)

    assert [code(caller.post(QUESTION)) for _ in range(2)] == [None, "rpm_rate_limit_exceeded"]
    caller.platform.advance(seconds=1)
    assert code(caller.post(QUESTION)) is None


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/completions", {"model": MODEL, "prompt": "hi"}),
        ("/embeddings", {"model": "embedding-v1", "input": "hi"}),
        ("/rerank", {"model": "bce-reranker-base", "query": "hi", "documents": ["hi"]}),
        ("/images/generations", {"model": "irag-1.0", "prompt": "hi"}),
    ],
)
def test_every_kind_has_quotas(v2, path, body):
    """Each kind is limited, and its tokens are counted."""
    caller = v2(rpm=2, tpm=1)

    assert limits(caller.post(body, path))["remaining-tokens"] == 0
    assert code(caller.post(body, path)) == "tpm_rate_limit_exceeded"


def test_whose_quota(v2):
    """Each key has its own allowance of each model and kind; calls that name an application share its."""
    caller = v2(rpm=1)
    platform = caller.platform
    other, application = platform.add_api_key().key, platform.add_application().app_id
    limited = "rpm_rate_limit_exceeded"

    def asked(body=QUESTION, path="/chat/completions", **options):
        return code(caller.post(body, path, **options))

    assert [asked(), asked()] == [None, limited]
    assert asked(key=other) is None
    assert asked({**QUESTION, "model": "ernie-3.5-8k"}) is None
    assert asked({"model": MODEL, "prompt": "hi"}, "/completions") is None
    assert asked(headers={"appid": application}) is None
    assert asked(headers={"appid": application}, key=other) == limited
    assert asked(headers={"appid": platform.app_id}, key=other) is None


def test_strangers_share_the_default_keys_quota(v2):
    """With `any_key` bearers and applications nobody knows are charged to the platform's own key."""
    caller = v2(rpm=1, any_key=True)

    assert code(caller.post(QUESTION, key="one")) is None
    assert code(caller.post(QUESTION, key="two", headers={"appid": "app-x"})) == "rpm_rate_limit_exceeded"
    assert code(caller.post(QUESTION)) == "rpm_rate_limit_exceeded"


def test_v1_and_v2_do_not_share(start):
    """A call of v1 is no loss to v2."""
    caller = start(rpm=1)

    assert caller.ask("hi", endpoint="completions_pro")["result"]
    assert code(V2(caller).post(QUESTION)) is None


def test_what_counts(v2):
    """Calls that break a rule have used their place; those without a key or model have not."""
    caller = v2(rpm=1)

    assert code(caller.post(QUESTION, key="unknown")) == "invalid_iam_token"
    assert code(caller.send("/chat/completions", b"{")) == "malformed_json"
    assert code(caller.post({**QUESTION, "model": "nope"})) == "invalid_model"
    assert code(caller.post({"model": MODEL})) == "invalid_messages"
    assert code(caller.post(QUESTION)) == "rpm_rate_limit_exceeded"
