"""v2 in front of an upstream: nearly the same words on both sides."""

from __future__ import annotations

import pytest
from local_caller import conversation
from support import replies, v2
from v2_caller import MODEL, V2, chunks

TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture
def caller(behind):
    """A caller of the v2 of a platform with an upstream."""
    return V2(behind())


def test_a_body_travels_nearly_as_it_is(upstream, caller):
    """Whatever the caller says reaches the upstream, unknown fields too; only what is v2's own does not."""
    upstream.answer(v2.answered())
    fields = {
        "temperature": 0.3,
        "max_completion_tokens": 50,
        "tools": [TOOL],
        "tool_choice": "auto",
        "response_format": {"type": "json_object"},
        "chat_template_kwargs": {"enable_thinking": False},
        "user": "u-1",
    }

    own = {"web_search": {"enable": True}, "penalty_score": 1.5, "n": 2, "seed": None, "stream": False}
    caller.ask("你好", **fields, **own)

    (request,) = upstream.requests
    assert request.path == "/v1/chat/completions"
    assert request.json == {
        "model": MODEL,
        "messages": conversation("你好"),
        "frequency_penalty": 0.5,
        **fields,
    }


def test_messages_travel_as_they_are(upstream, caller):
    """Pictures, tool calls and their answers are the caller's own."""
    upstream.answer(v2.answered())
    messages = [
        {"role": "system", "content": "你是老师"},
        {"role": "user", "content": [{"type": "text", "text": "看图"}, picture()]},
        {"role": "assistant", "content": None, "tool_calls": [v2.tool_call("call_7")]},
        {"role": "tool", "tool_call_id": "call_7", "content": "晴"},
    ]

    caller.post({"model": MODEL, "messages": messages})

    assert upstream.requests[-1].json["messages"] == messages


def picture():
    """Return the part of a message that is a picture."""
    return {"type": "image_url", "image_url": {"url": "http://127.0.0.1/a.png"}}


def test_an_answer_is_one_of_v2(upstream, caller):
    """The message is the upstream's, with what it has of its own; id, model and flag are v2's."""
    calls = [v2.tool_call("call_a"), v2.tool_call("call_b")]
    message = {"tool_calls": calls, "reasoning": "想", "annotations": [1], "refusal": None}
    usage = {**v2.USAGE, "completion_tokens_details": {"reasoning_tokens": 1}}
    upstream.answer(
        replies.whole(
            v2.chat_body(v2.choice(None, "tool_calls", message=message), id="x", model="y", usage=usage)
        )
    )

    body = caller.ask("你好", tools=[TOOL])

    assert body.pop("id").startswith("as-")
    assert isinstance(body.pop("created"), int)
    assert body == {
        "model": MODEL,
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "",
                    "tool_calls": calls,
                    "annotations": [1],
                    "reasoning_content": "想",
                },
                "finish_reason": "tool_calls",
                "flag": 0,
            }
        ],
        "usage": usage,
    }


def test_a_stream_is_one_of_v2(upstream, caller):
    """Each part is a chunk with its delta; the end comes in one of its own, the usage where it was wished for."""
    upstream.always(
        v2.streamed_events(
            v2.chunk("", role="assistant"),
            v2.chunk(None, reasoning="想"),
            v2.chunk("你好", choice={"finish_reason": None, "logprobs": None}),
            v2.chunk(None, "stop"),
            v2.usage_chunk(),
            v2.DONE,
        )
    )

    plain, counted = caller.stream("你好"), caller.stream("你好", stream_options={"include_usage": True})

    assert [chunk["choices"] for chunk in plain] == [
        [{"index": 0, "delta": {"content": "", "role": "assistant"}, "flag": 0}],
        [{"index": 0, "delta": {"reasoning_content": "想"}, "flag": 0}],
        [{"index": 0, "delta": {"content": "你好"}, "flag": 0}],
        [{"index": 0, "delta": {}, "finish_reason": "stop", "flag": 0}],
    ]
    assert [(chunk["choices"], chunk.get("usage")) for chunk in counted[-1:]] == [([], v2.USAGE)]
    assert all(chunk["object"] == "chat.completion.chunk" and chunk["model"] == MODEL for chunk in plain)
    assert len({chunk["id"] for chunk in plain}) == 1
    assert not any("usage" in chunk for chunk in plain)
    assert upstream.requests[0].json["stream_options"] == {"include_usage": True}


def test_fragments_of_calls_travel_as_they_come(upstream, caller):
    """A tool call's fragments are not put together."""
    fragments = [
        {"index": 0, "id": "call_a", "type": "function", "function": {"name": "f", "arguments": ""}},
        {"index": 0, "function": {"arguments": "{}"}},
    ]
    upstream.answer(
        v2.streamed_events(
            *(v2.chunk(tool_calls=[fragment]) for fragment in fragments),
            v2.chunk(None, "tool_calls"),
            v2.DONE,
        )
    )

    received = [chunk["choices"][0] for chunk in caller.stream("你好", tools=[TOOL])]

    assert [choice["delta"].get("tool_calls") for choice in received] == [
        [fragments[0]],
        [fragments[1]],
        None,
    ]
    assert received[-1]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_the_end_is_told(upstream, caller, reason):
    """The reason of the end is the upstream's, whole and as a stream; what is unsafe is flagged as v2 does."""
    upstream.answer(replies.whole(v2.chat_body(v2.choice("好", reason))))
    upstream.answer(v2.streamed_events(v2.chunk("好", reason), v2.DONE))

    ends = [caller.choice("你好"), caller.stream("你好")[-1]["choices"][0]]

    assert [end["finish_reason"] for end in ends] == [reason, reason]
    assert [end["flag"] for end in ends] == [int(reason == "content_filter")] * 2


def test_completion_asks_a_chat(upstream, caller):
    """A prompt is a chat's only message, and the answer a completion's."""
    upstream.answer(v2.answered("好的"), v2.streamed("好", "的"))
    question = {"model": MODEL, "prompt": "续写", "max_tokens": 9}

    whole = caller.post(question, "/completions").json()
    stream = chunks(caller.post({**question, "stream": True}, "/completions"))

    assert upstream.requests[0].path == "/v1/chat/completions"
    assert upstream.requests[0].json == {"model": MODEL, "messages": conversation("续写"), "max_tokens": 9}
    assert whole["choices"] == [{"index": 0, "text": "好的", "finish_reason": "stop"}]
    assert (whole["object"], whole["usage"]) == ("text_completion", v2.USAGE)
    assert [chunk["choices"][0]["text"] for chunk in stream] == ["好", "的", ""]
    assert stream[-1]["choices"][0]["finish_reason"] == "stop"


def test_vectors_are_the_upstream_s(upstream, caller):
    """One text or several; floats, of as many dimensions as were asked for."""
    upstream.answer(replies.vectors(["一"]))
    body = {"model": "embedding-v1", "input": "一", "dimensions": 3, "encoding_format": "base64", "user": "u"}

    answer = caller.post(body, "/embeddings").json()

    (request,) = upstream.requests
    assert request.path == "/v1/embeddings"
    assert request.json == {"model": "embedding-v1", "input": ["一"], "dimensions": 3, "user": "u"}
    assert answer["data"] == [{"object": "embedding", "embedding": replies.vector("一"), "index": 0}]


def test_the_platform_still_refuses(upstream, caller):
    """Keys, models and rules are the platform's: what breaks them never reaches the upstream."""
    question = {"model": MODEL, "messages": conversation("你好")}

    assert caller.refusal(question, key="bce-v3/ALTAK-x/0")[2] == "invalid_iam_token"
    assert caller.refusal({**question, "model": "qwen3:8b"})[2] == "invalid_model"
    assert caller.refusal({**question, "temperature": 9})[2] == "invalid_argument"
    assert caller.refusal({"model": "embedding-v1", "input": []}, "/embeddings")[2] == "invalid_argument"
    assert upstream.requests == []


def test_any_endpoint_lets_every_name_through(upstream, behind):
    """With `any_endpoint` a model goes by the upstream's own name."""
    upstream.answer(v2.answered())

    V2(behind(any_endpoint=True)).post({"model": "qwen3:8b", "messages": conversation("你好")})

    assert upstream.requests[-1].json["model"] == "qwen3:8b"


def test_the_script_comes_first(upstream, behind):
    """What the platform's user scripted is answered without the upstream, in chat and completion."""
    caller = V2(behind())
    caller.platform.reply("退款", with_="七天内可以退款")

    assert caller.choice("我要退款")["message"]["content"] == "七天内可以退款"
    completed = caller.post({"model": MODEL, "prompt": "我要退款"}, "/completions").json()
    assert completed["choices"][0]["text"] == "七天内可以退款"
    assert upstream.requests == []
