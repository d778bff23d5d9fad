"""Programs that chat through openai, in both of its worlds."""

from __future__ import annotations

import asyncio
import base64

import pytest
from openai import AsyncOpenAI, OpenAI

CREATE = "chat.completions.create"
MODEL = "ernie-4.0-8k"
SUM = [{"role": "user", "content": "3 + 4 等于多少"}]


def text(chunks):
    """Add up the words of a stream."""
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_a_question(client, platform):
    """A reply has an id, a model, one choice that ended well, and its usage."""
    reply = client.call(CREATE, model=MODEL, messages=SUM)

    [choice] = reply.choices
    assert "3 + 4 = 7" in choice.message.content
    assert (choice.index, choice.finish_reason, choice.message.role) == (0, "stop", "assistant")
    assert (reply.object, reply.model) == ("chat.completion", MODEL)
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens > 0
    call = platform.calls("chat").last
    assert (call.version, call.path, call.reply["id"]) == (2, "/v2/chat/completions", reply.id)


def test_the_environment_is_enough(platform, settings, monkeypatch):
    """A client made of openai's own variables alone answers."""
    monkeypatch.setenv("OPENAI_BASE_URL", settings["base_url"])
    monkeypatch.setenv("OPENAI_API_KEY", settings["api_key"])
    with OpenAI() as client:
        reply = client.chat.completions.create(model=MODEL, messages=SUM)

    assert "3 + 4 = 7" in reply.choices[0].message.content
    assert len(platform.calls("chat")) == 1


def test_a_conversation(client, platform):
    """System and history messages reach the model; a reply's message can be sent back as it is."""
    messages = [{"role": "system", "content": "你是诗人"}, {"role": "user", "content": "我叫小明"}]
    messages.append(client.call(CREATE, model=MODEL, messages=messages).choices[0].message)
    messages.append({"role": "user", "content": "我叫什么名字？"})
    reply = client.call(CREATE, model=MODEL, messages=messages)

    assert "小明" in reply.choices[0].message.content
    assert [it["role"] for it in platform.calls("chat").last.messages] == [
        *("system", "user", "assistant", "user")
    ]


def test_a_stream(client):
    """A stream comes in chunks of one reply, which add up to the unary one; only the last has the reason."""
    chunks = client.call(CREATE, model=MODEL, messages=SUM, stream=True)
    whole = client.call(CREATE, model=MODEL, messages=SUM)

    assert text(chunks) == whole.choices[0].message.content
    assert len(chunks) > 3
    assert len({chunk.id for chunk in chunks}) == 1
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert all(chunk.usage is None for chunk in chunks)


def test_the_usage_of_a_stream(client):
    """With include_usage a last chunk without choices has what the unary reply has."""
    *chunks, last = client.call(
        CREATE, model=MODEL, messages=SUM, stream=True, stream_options={"include_usage": True}
    )
    whole = client.call(CREATE, model=MODEL, messages=SUM)

    assert (last.choices, last.usage) == ([], whole.usage)
    assert all(chunk.usage is None for chunk in chunks)


def test_a_stream_put_together(client):
    """The SDK's own helper makes of a stream what the unary call returns."""
    whole = client.call(CREATE, model=MODEL, messages=SUM)
    followed = client.follow(model=MODEL, messages=SUM)

    assert followed.choices[0].message.content == whole.choices[0].message.content
    assert followed.choices[0].finish_reason == "stop"


def test_a_stream_that_is_left(platform, settings):
    """A program may leave a stream early, and go on with the same client."""
    with OpenAI(**settings) as client:
        with client.chat.completions.create(model=MODEL, messages=SUM, stream=True) as stream:
            first = next(stream)
        reply = client.chat.completions.create(model=MODEL, messages=SUM)

    assert first.choices[0].delta.role == "assistant"
    assert "3 + 4 = 7" in reply.choices[0].message.content
    assert len(platform.calls("chat")) == 2


def test_arguments(client, platform):
    """Every argument of the wire that the SDK has arrives under its name; more travel in extra_body."""
    arguments = {
        "temperature": 0.3,
        "top_p": 0.6,
        "max_completion_tokens": 9,
        "frequency_penalty": 0.5,
        "presence_penalty": 0.5,
        "seed": 7,
        "stop": ["。"],
        "user": "u1",
    }
    reply = client.call(
        CREATE, model=MODEL, messages=SUM, **arguments, extra_body={"penalty_score": 1.2, "of_tomorrow": True}
    )

    sent = platform.calls("chat").last.body
    assert sent == {
        **arguments,
        "model": MODEL,
        "messages": SUM,
        "penalty_score": 1.2,
        "of_tomorrow": True,
    }
    assert reply.usage.completion_tokens <= 9
    assert reply.choices[0].finish_reason in {"stop", "length"}


def test_an_application(client, platform):
    """The header appid names the application, whose quota is charged."""
    application = platform.add_application()
    headers = {"appid": application.app_id}
    client.call(CREATE, model=MODEL, messages=SUM, extra_headers=headers)

    assert platform.calls("chat").last.headers["appid"] == application.app_id


@pytest.mark.parametrize("model", ["deepseek-r1", "ernie-x1-turbo-32k"])
def test_thoughts(client, model):
    """A reasoning model's thoughts stand beside its answer, and before it in a stream."""
    message = client.call(CREATE, model=model, messages=SUM).choices[0].message
    deltas = [chunk.choices[0].delta for chunk in client.call(CREATE, model=model, messages=SUM, stream=True)]

    assert message.reasoning_content
    assert "3 + 4 = 7" in message.content
    thoughts = [getattr(delta, "reasoning_content", None) for delta in deltas]
    assert "".join(filter(None, thoughts)) == message.reasoning_content
    assert "".join(delta.content or "" for delta in deltas) == message.content
    said = [bool(thought) for thought in thoughts]
    assert said == sorted(said, reverse=True)


def test_web_search(client):
    """web_search travels in extra_body; what was found is an extra field of the reply and of the first chunk."""
    search = {"web_search": {"enable": True, "enable_citation": True, "enable_trace": True}}
    reply = client.call(CREATE, model=MODEL, messages=SUM, extra_body=search)
    chunks = client.call(CREATE, model=MODEL, messages=SUM, extra_body=search, stream=True)

    assert [set(found) for found in reply.search_results] == [{"index", "url", "title"}] * 3
    assert "^[1]^" in reply.choices[0].message.content
    assert chunks[0].search_results == reply.search_results


PIXEL = base64.b64encode(
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x02\x00\x00\x00\x03\x08\x02\x00\x00\x00"
).decode()


def test_an_image(client):
    """Parts of text and image make one message; the image may be in the message itself."""
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    question = {"role": "user", "content": [{"type": "text", "text": "这是什么"}, image]}
    reply = client.call(CREATE, model="ernie-4.5-turbo-128k", messages=[question])

    assert "PNG" in reply.choices[0].message.content
    assert "宽 2 像素，高 3 像素" in reply.choices[0].message.content


def test_a_raw_response(settings, platform):
    """A raw response has the headers of the quota, where there is one."""
    with OpenAI(**settings) as client:
        raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=SUM)

    assert raw.headers["content-type"].startswith("application/json")
    assert raw.parse().id == platform.calls("chat").last.reply["id"]


def test_a_service_of_ones_own(client, platform):
    """A service that was deployed answers by its name, where a model is asked for."""
    platform.add_endpoint("my_service")
    client.call(CREATE, model="my_service", messages=SUM)

    assert platform.calls("chat").last.model == "my_service"


def test_many_at_once(settings, platform):
    """A hundred questions at once, whole and streamed, come back each with its own answer."""

    async def ask(client, number):
        messages = [{"role": "user", "content": f"{number} + 1 等于多少"}]
        if number % 2:
            reply = await client.chat.completions.create(model=MODEL, messages=messages)
            return reply.choices[0].message.content
        stream = await client.chat.completions.create(model=MODEL, messages=messages, stream=True)
        return text([chunk async for chunk in stream])

    async def main():
        async with AsyncOpenAI(**settings) as client:
            return await asyncio.gather(*(ask(client, number) for number in range(100)))

    answers = asyncio.run(main())

    assert [f"{number} + 1 = {number + 1}" in answer for number, answer in enumerate(answers)] == [True] * 100
    assert len(platform.calls("chat")) == 100
