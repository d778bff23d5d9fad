"""What openai's users see of refusals, quotas and waits."""

from __future__ import annotations

import openai
import pytest

import qianfan

CREATE = "chat.completions.create"
MODEL = "ernie-4.0-8k"
SUM = [{"role": "user", "content": "3 + 4 等于多少"}]
ASK = {"model": MODEL, "messages": SUM}

REFUSALS = {
    "a value out of its range": (
        {**ASK, "temperature": 2},
        openai.BadRequestError,
        "invalid_argument",
        "temperature must be",
    ),
    "no messages": ({**ASK, "messages": []}, openai.BadRequestError, "invalid_messages", "at least one"),
    "a role that v2 has not": (
        {**ASK, "messages": [{"role": "developer", "content": "你是诗人"}, *SUM]},
        openai.BadRequestError,
        "invalid_messages",
        "must be one of system, user, assistant, tool",
    ),
    "no model": ({**ASK, "model": ""}, openai.BadRequestError, "invalid_model", "model is empty"),
    "an unknown model": (
        {**ASK, "model": "gpt-4o"},
        openai.AuthenticationError,
        "invalid_model",
        "No permission to use the model",
    ),
    "an unknown application": (
        {**ASK, "extra_headers": {"appid": "app-unknown"}},
        openai.AuthenticationError,
        "invalid_appid",
        "No permission to use the appid",
    ),
}


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal(client, platform, case, stream):
    """A refusal is the SDK's class for its status, with code, type and words, after one call."""
    arguments, error, code, words = REFUSALS[case]
    with pytest.raises(error, match=words) as caught:
        client.call(CREATE, **arguments, stream=stream)

    assert (caught.value.code, caught.value.type) == (code, "invalid_request_error")
    assert caught.value.status_code == platform.calls("chat").last.status
    assert len(platform.calls("chat")) == 1


@pytest.mark.parametrize("key", ["bce-v3/ALTAK-unknown/5up3r53cr3t", "sk-5up3r53cr3t"])
def test_a_wrong_key(connect, platform, key):
    """A key that the platform does not know is refused at once, and is in no message."""
    with pytest.raises(openai.AuthenticationError, match="IAM Certification failed") as caught:
        connect(api_key=key).call(CREATE, **ASK)

    assert caught.value.code == "invalid_iam_token"
    assert "5up3r53cr3t" not in f"{caught.value!r} {caught.value} {caught.value.body} {platform.calls()}"


def test_tokens_in_place_of_texts(client):
    """Token numbers, which some of the SDK's users send for vectors, are refused in words that say what to send."""
    with pytest.raises(openai.BadRequestError, match="input must be an array of 1 to 16 strings"):
        client.call("embeddings.create", model="embedding-v1", input=[[1, 2, 3]])


@pytest.mark.parametrize(
    ("name", "arguments", "path"),
    [
        ("responses.create", {"model": MODEL, "input": "你好"}, "/v2/responses"),
        ("models.retrieve", {"model": MODEL}, f"/v2/models/{MODEL}"),
        ("moderations.create", {"input": "你好"}, "/v2/moderations"),
    ],
)
def test_what_v2_has_not(client, name, arguments, path):
    """What is OpenAI's but not the platform's is a 404 that names the path."""
    with pytest.raises(openai.NotFoundError, match=f"no such path on the local platform: {path}") as caught:
        client.call(name, **arguments)

    assert caught.value.code == "not_found"


@pytest.fixture
def limited(platform):
    """A platform that takes one call in a minute."""
    with qianfan.local.platform(rpm=1) as limited:
        yield limited
    assert not platform.calls()


def test_a_quota_that_is_used_up(connect, limited):
    """Beyond the quota the SDK tries again as often as it is told, and raises its own class."""
    client = connect(base_url=f"{limited.url}/v2", max_retries=1)
    client.call(CREATE, **ASK)
    with pytest.raises(openai.RateLimitError, match="Rate limit reached for RPM") as caught:
        client.call(CREATE, **ASK)

    assert (caught.value.code, caught.value.type) == ("rpm_rate_limit_exceeded", "rate_limit_exceeded")
    assert caught.value.response.headers["x-ratelimit-remaining-requests"] == "0"
    assert [call.status for call in limited.calls("chat")] == [200, 429, 429]


def test_a_quota_that_comes_back(limited, settings):
    """A call that was over the quota is answered by the SDK's own second try, once the minute is over."""

    def pass_time(response):
        if response.status_code == 429:
            limited.advance(minutes=1)

    http = openai.DefaultHttpxClient(event_hooks={"response": [pass_time]})
    with openai.OpenAI(**{**settings, "base_url": f"{limited.url}/v2"}, http_client=http) as client:
        answers = [client.chat.completions.create(**ASK) for _ in range(2)]

    assert ["3 + 4 = 7" in it.choices[0].message.content for it in answers] == [True, True]
    assert [call.status for call in limited.calls("chat")] == [200, 429, 200]


def test_a_stream_that_stands_still(connect):
    """A stream whose next chunk does not come in time is the SDK's timeout, after the chunks that came."""
    with qianfan.local.platform(chunk_delay=30) as slow:
        client = connect(base_url=f"{slow.url}/v2", timeout=0.3, max_retries=0)
        with pytest.raises(openai.APITimeoutError):
            client.call(CREATE, **ASK, stream=True)

        assert len(slow.calls("chat").last.reply) == 1


def test_a_platform_that_stops_in_mid_stream(settings):
    """A stream that a stopping platform cuts does not look like one that ended."""
    with qianfan.local.platform(chunk_delay=30) as slow:
        client = openai.OpenAI(**{**settings, "base_url": f"{slow.url}/v2"})
        with client, client.chat.completions.create(**ASK, stream=True) as stream:
            assert next(stream).choices[0].delta.role == "assistant"
            slow.stop()
            with pytest.raises(openai.APIConnectionError):
                next(stream)
