"""v1 in front of an upstream: what it is asked, and its words in the shape of v1."""

from __future__ import annotations

import json

import pytest
from local_caller import conversation
from support import replies, v2

WEATHER = {
    "name": "get_weather",
    "description": "查询天气",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
CALLED = {"name": "get_weather", "arguments": '{"city":"北京"}'}


def asked(upstream):
    """Return the body of the last request that the upstream got."""
    return upstream.requests[-1].json


def test_the_upstream_is_asked_in_its_own_words(upstream, behind):
    """Persona, limits and the end user go where OpenAI's protocol has them; what it does not know stays."""
    upstream.answer(v2.answered("你好"))
    caller = behind(upstream_key="sk-1234567890")

    body = caller.ask(
        "你好",
        "您好",
        "再见",
        system="你是老师",
        temperature=0.3,
        top_p=0,
        penalty_score=1.5,
        stop=["。"],
        max_output_tokens=100,
        user_id="u-1",
        response_format="json_object",
        disable_search=True,
        extra_parameters={"request_source": "x"},
    )

    (request,) = upstream.requests
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == "Bearer sk-1234567890"
    assert request.json == {
        "model": "ernie-3.5-8k",
        "messages": [
            {"role": "system", "content": "你是老师"},
            {"role": "user", "content": "你好"},
            {"role": "assistant", "content": "您好"},
            {"role": "user", "content": "再见"},
        ],
        "temperature": 0.3,
        "top_p": 0,
        "frequency_penalty": 0.5,
        "stop": ["。"],
        "max_tokens": 100,
        "user": "u-1",
        "response_format": {"type": "json_object"},
    }
    assert body["result"] == "你好"


def test_what_is_not_asked_is_not_sent(upstream, behind):
    """A plain question has no key, no limits and no stream in it."""
    upstream.answer(v2.answered())
    behind().ask("你好", stream=False, stop=None, penalty_score=1.0)

    assert "authorization" not in upstream.requests[-1].headers
    assert asked(upstream) == {
        "model": "ernie-3.5-8k",
        "messages": [{"role": "user", "content": "你好"}],
    }


def test_an_answer_is_one_of_v1(upstream, behind):
    """The words are the upstream's, and so is the usage; all else is v1's own."""
    upstream.answer(v2.answered("它的话"))

    body = behind().ask("你好")

    assert body.pop("id").startswith("as-")
    assert isinstance(body.pop("created"), int)
    assert body == {
        "object": "chat.completion",
        "result": "它的话",
        "is_truncated": False,
        "need_clear_history": False,
        "finish_reason": "normal",
        "usage": v2.USAGE,
    }


@pytest.mark.parametrize(
    ("finish", "endpoint", "told"),
    [
        ("length", "completions", {"is_truncated": True, "finish_reason": "length"}),
        ("stop", "llama_2_7b", {"is_truncated": False, "is_safe": 1}),
        (
            "content_filter",
            "completions",
            {"finish_reason": "content_filter", "need_clear_history": True, "ban_round": -1},
        ),
        (None, "completions", {"finish_reason": "normal"}),
    ],
)
def test_the_end_is_told_as_v1_does(upstream, behind, finish, endpoint, told):
    """Every end has v1's fields, whole and as a stream."""
    upstream.answer(v2.whole(v2.chat_body(v2.choice("好", finish))))
    upstream.answer(v2.streamed_events(v2.chunk("好"), v2.chunk(None, finish), v2.DONE))
    caller = behind()

    whole, events = caller.ask("你好", endpoint=endpoint), caller.stream("你好", endpoint=endpoint)

    assert told.items() <= whole.items()
    assert told.items() <= events[-1].items()
    assert [event["is_end"] for event in events] == [False, True]


def test_a_stream_is_one_of_v1(upstream, behind):
    """Each part is an event, counted from 0; the last has no words, but the end and the upstream's usage."""
    upstream.answer(v2.streamed("你", "好", "！"))

    events = behind().stream("你好")

    assert [event["result"] for event in events] == ["你", "好", "！", ""]
    assert [event["sentence_id"] for event in events] == [0, 1, 2, 3]
    assert [event["is_end"] for event in events] == [False, False, False, True]
    assert [event["usage"]["completion_tokens"] for event in events] == [
        1,
        2,
        2,
        v2.USAGE["completion_tokens"],
    ]
    assert events[-1]["finish_reason"] == "normal"
    assert events[-1]["usage"] == v2.USAGE
    assert len({event["id"] for event in events}) == 1
    sent = asked(upstream)
    assert (sent["stream"], sent["stream_options"]) == (True, {"include_usage": True})


def test_functions_are_tools_there(upstream, behind):
    """A function is a tool, the chosen one is chosen, and a call is told in v1's field."""
    upstream.answer(
        v2.whole(
            v2.chat_body(v2.choice(None, "tool_calls", message={"tool_calls": [v2.tool_call(**call())]}))
        )
    )
    choice = {"type": "function", "function": {"name": "get_weather"}}

    body = behind().ask("北京天气", functions=[{**WEATHER, "responses": {}}], tool_choice=choice)

    assert asked(upstream)["tools"] == [{"type": "function", "function": WEATHER}]
    assert asked(upstream)["tool_choice"] == choice
    assert (body["result"], body["finish_reason"], body["function_call"]) == ("", "function_call", CALLED)


def call(**changes):
    """Return the arguments of a tool call for the weather of Peking."""
    return {"call_id": "call_a", **CALLED, **changes}


@pytest.mark.parametrize("finish", ["tool_calls", "stop"])
def test_the_fragments_of_a_call_are_one(upstream, behind, finish):
    """A stream's call comes whole in the last event; v1 knows the first of several."""
    first = {
        "index": 0,
        "id": "call_a",
        "type": "function",
        "function": {"name": "get_weather", "arguments": ""},
    }
    upstream.answer(
        v2.streamed_events(
            v2.chunk("我查一下", tool_calls=[first]),
            v2.chunk(tool_calls=[{"index": 0, "function": {"arguments": '{"city":'}}]),
            v2.chunk(tool_calls=[{"index": 0, "function": {"arguments": '"北京"}'}}]),
            v2.chunk(tool_calls=[{**first, "index": 1, "id": "call_b"}]),
            v2.chunk(None, finish),
            v2.DONE,
        )
    )

    events = behind().stream("北京天气", functions=[WEATHER])

    assert [event["result"] for event in events] == ["我查一下", ""]
    assert [event.get("function_call") for event in events] == [None, CALLED]
    assert events[-1]["finish_reason"] == "function_call"


def test_calls_that_come_whole_and_with_one_index_are_apart(upstream, behind):
    """Servers that number every call 0 tell them apart by their ids."""
    calls = [{"index": 0, **v2.tool_call(**call(call_id=name))} for name in ("a", "b")]
    upstream.answer(v2.streamed_events(v2.chunk("", tool_calls=calls), v2.chunk(None, "tool_calls"), v2.DONE))

    assert behind().stream("北京天气", functions=[WEATHER])[-1]["function_call"] == CALLED


def test_answers_of_functions_name_their_calls(upstream, behind):
    """v1's calls get ids, which the answers of the functions name; calls nobody answers are left out."""
    upstream.answer(v2.answered())
    behind().ask(
        "北京天气",
        {"role": "assistant", "content": "", "function_call": {**CALLED, "thoughts": "查一下"}},
        {"role": "function", "name": "get_weather", "content": "晴"},
        {"role": "assistant", "content": "晴天", "function_call": CALLED},
        "谢谢",
        functions=[WEATHER],
    )

    (_, called, answered, said, thanks) = asked(upstream)["messages"]
    assert called == {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "call_1", "type": "function", "function": CALLED}],
    }
    assert answered == {"role": "tool", "tool_call_id": "call_1", "content": "晴"}
    assert said == {"role": "assistant", "content": "晴天"}
    assert thanks["content"] == "谢谢"


def test_an_answer_without_a_call_gets_one(upstream, behind):
    """v1 takes the answer of a function that nobody called; other servers want the call before it."""
    upstream.answer(v2.answered(), v2.answered())
    caller = behind()
    answer = {"role": "function", "name": "get_weather", "content": "晴"}

    for turns in ([answer], ["北京天气", "我查一下", answer]):
        caller.ask(*turns, functions=[WEATHER])
        *before, called, answered = asked(upstream)["messages"]
        assert len(before) == len(turns) - 1
        assert called["tool_calls"][0]["function"] == {"name": "get_weather", "arguments": "{}"}
        assert answered["tool_call_id"] == called["tool_calls"][0]["id"]


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_thoughts_are_kept(upstream, behind, name):
    """What the upstream thinks aloud stands beside the words, whatever it calls it."""
    upstream.answer(v2.whole(v2.chat_body(v2.choice("好", message={name: "想"}))))
    upstream.answer(v2.streamed_events(v2.chunk(**{name: "想"}), v2.chunk("好", "stop"), v2.DONE))
    caller = behind()

    whole, events = caller.ask("你好"), caller.stream("你好")

    assert (whole["result"], whole["reasoning_content"]) == ("好", "想")
    assert [(event["result"], event.get("reasoning_content")) for event in events] == [
        ("", "想"),
        ("好", None),
        ("", None),
    ]


def test_an_upstream_that_tells_no_usage_is_counted(upstream, behind):
    """Where the upstream does not count, the platform does."""
    body = v2.chat_body(v2.choice("你好"))
    del body["usage"]
    upstream.answer(v2.whole(body), v2.streamed_events(v2.chunk("你好"), v2.chunk(None, "stop"), v2.DONE))
    caller = behind()
    counted = {"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4}

    assert caller.ask("您好")["usage"] == counted
    assert caller.stream("您好")[-1]["usage"] == counted


def test_an_upstream_that_does_not_stream_is_heard(upstream, behind):
    """A whole answer to a wish for a stream is a stream of one part."""
    upstream.answer(v2.answered("你好"))

    events = behind().stream("你好")

    assert [event["result"] for event in events] == ["你好", ""]
    assert events[-1]["usage"] == v2.USAGE


def test_completion_asks_a_chat(upstream, behind):
    """A prompt is a chat's only message, and the answer a completion's."""
    upstream.answer(v2.answered("SELECT 1"), v2.streamed("SELECT", " 1"))
    caller = behind()

    whole = caller.post({"prompt": "查询", "temperature": 0.5}, "sqlcoder_7b", service="completions").json()
    assert upstream.requests[-1].path == "/v1/chat/completions"
    assert asked(upstream) == {
        "model": "sqlcoder_7b",
        "messages": [{"role": "user", "content": "查询"}],
        "temperature": 0.5,
    }
    stream = caller.post({"prompt": "查询", "stream": True}, "sqlcoder_7b", service="completions")
    events = [json.loads(event.removeprefix("data: ")) for event in stream.data.decode().split("\n\n")[:-1]]

    assert {
        "object": "completion",
        "result": "SELECT 1",
        "is_safe": 1,
        "usage": v2.USAGE,
    }.items() <= whole.items()
    assert [(event["result"], event["is_end"]) for event in events] == [
        ("SELECT", False),
        (" 1", False),
        ("", True),
    ]


def test_vectors_are_the_upstream_s(upstream, behind):
    """Texts go there, and vectors come back in the order of the texts, with the upstream's usage."""
    data = [{"index": 1, "embedding": [2.0]}, {"index": 0, "embedding": [1.0]}]
    upstream.answer(replies.whole({"data": data, "usage": {"prompt_tokens": 7, "total_tokens": 7}}))

    body = behind().post({"input": ["一", "二"]}, "embedding-v1", service="embeddings").json()

    assert upstream.requests[-1].path == "/v1/embeddings"
    assert asked(upstream) == {"model": "embedding-v1", "input": ["一", "二"]}
    assert body["object"] == "embedding_list"
    assert body["data"] == [
        {"object": "embedding", "embedding": [1.0], "index": 0},
        {"object": "embedding", "embedding": [2.0], "index": 1},
    ]
    assert body["usage"] == {"prompt_tokens": 7, "total_tokens": 7}


def test_the_platform_still_refuses(upstream, behind):
    """Rules, tokens and quotas are the platform's: what breaks them never reaches the upstream."""
    upstream.always(v2.answered())
    caller = behind(rpm=1)

    assert caller.ask("你好", "您好")["error_code"] == 336006
    assert caller.ask("你好")["error_code"] == 336501
    assert caller.post({"messages": conversation("你好")}, token="wrong").json()["error_code"] == 110
    assert caller.post({"messages": conversation("你好")}, "unknown").json()["error_code"] == 3
    assert caller.post({"input": [""]}, "embedding-v1", service="embeddings").json()["error_code"] == 336003
    assert upstream.requests == []


def test_what_was_spent_is_charged(upstream, behind):
    """The upstream's tokens are taken from the quota, of a stream too."""
    usage = {"prompt_tokens": 50, "completion_tokens": 50, "total_tokens": 100}
    upstream.answer(v2.answered(usage=usage))
    upstream.answer(v2.streamed_events(v2.chunk("好", "stop"), v2.usage_chunk(usage), v2.DONE))
    caller = behind(tpm=150)

    first = caller.post({"messages": conversation("你好")})
    assert first.headers["X-Ratelimit-Limit-Tokens"] == "150"
    assert caller.stream("你好")[-1]["is_end"]
    assert caller.ask("你好")["error_code"] == 336502


def test_the_journal_has_both_sides(upstream, behind):
    """The journal shows the caller's request and the platform's answer, whole and as a stream."""
    upstream.answer(v2.answered("它的话"), v2.streamed("它", "的话"))
    caller = behind()

    body, events = caller.ask("你好"), caller.stream("你好")

    whole, stream = caller.platform.calls("chat")
    assert (whole.messages[-1]["content"], whole.reply) == ("你好", body)
    assert (stream.reply, stream.status) == (events, 200)
    assert stream.duration is not None


def test_the_script_comes_first(upstream, behind):
    """What the platform's user scripted is answered without the upstream; all else is not."""
    upstream.always(v2.answered("它的话"))
    caller = behind()
    caller.platform.reply("退款", with_="七天内可以退款")

    assert caller.ask("我要退款")["result"] == "七天内可以退款"
    assert upstream.requests == []
    assert caller.ask("你好")["result"] == "它的话"


def test_other_kinds_are_the_platform_s_own(upstream, behind):
    """What OpenAI's protocol has no words for is answered as without an upstream."""
    caller = behind()
    caller.platform.add_endpoint("app", "plugin")

    assert (
        caller.post({"prompt": "你好"}, "erniebot", service="tokenizer").json()["usage"]["total_tokens"] == 2
    )
    ranked = caller.post({"query": "a", "documents": ["a"]}, "bce_reranker_base", service="reranker").json()
    assert ranked["object"] == "reranker_list"
    assert "本地平台" in caller.post({"query": "你好"}, "app/", service="plugin").json()["result"]
    assert upstream.requests == []
