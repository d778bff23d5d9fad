"""Chat over the wire: answers, streams, follow-ups, languages, limits of length."""

from __future__ import annotations

import json
import re

import pytest

import qianfan.local
from qianfan import catalog
from qianfan.local import tokens

ENDPOINTS = sorted({model.endpoint for model in catalog.models("chat")})
ERNIE = {"id", "object", "created", "result", "is_truncated", "need_clear_history", "finish_reason", "usage"}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_each_endpoint_answers(shared, endpoint):
    """Every chat endpoint of the catalogue answers, whole and as a stream, with the same words."""
    body = shared.ask("中国的首都是哪里？", endpoint=endpoint)
    events = shared.stream("中国的首都是哪里？", endpoint=endpoint)

    ernie = catalog.by_endpoint("chat", endpoint).name.startswith(("ERNIE", "EB"))
    assert set(body) == (ERNIE if ernie else ERNIE - {"finish_reason"} | {"is_safe"})
    assert re.fullmatch(r"as-[0-9a-z]{10}", body["id"])
    assert body["object"] == "chat.completion"
    assert "本地平台" in body["result"]
    assert len(events) >= 10
    assert "".join(event["result"] for event in events) == body["result"]
    assert events[-1]["usage"] == body["usage"]


def test_stream_is_framed_to_the_byte(start):
    """A stream is `data: `, one JSON object, an empty line; and nothing else."""
    caller = start(clock=qianfan.local.Clock(lambda: 1_698_140_001.5))
    question = {"messages": [{"role": "user", "content": "你好"}], "stream": True, "max_output_tokens": 4}

    response = caller.post(question)

    head = b'data: {"id":"%b","object":"chat.completion","created":1698140001,' % response.data[13:26]
    first = (
        '"sentence_id":0,"is_end":false,"is_truncated":false,"result":"【本地","need_clear_history":false,'
        '"usage":{"prompt_tokens":2,"completion_tokens":2,"total_tokens":4}}\n\n'
    )
    last = (
        '"sentence_id":1,"is_end":true,"is_truncated":true,"result":"平台】","need_clear_history":false,'
        '"finish_reason":"length","usage":{"prompt_tokens":2,"completion_tokens":4,"total_tokens":6}}\n\n'
    )
    assert response.data == head + first.encode() + head + last.encode()
    assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert response.status == 200


def test_stream_counts_up(shared):
    """Sentence ids count from 0, only the last event ends, usage never falls, one id for all."""
    events = shared.stream("Tell me something about rivers")

    assert [event["sentence_id"] for event in events] == list(range(len(events)))
    assert [event["is_end"] for event in events] == [False] * (len(events) - 1) + [True]
    spent = [event["usage"]["completion_tokens"] for event in events]
    assert spent == sorted(spent)
    assert len({event["id"] for event in events}) == 1


def test_request_id_comes_back(shared):
    """The header Request_id is echoed as X-Baidu-Request-Id; a strange one is not."""
    question = {"messages": [{"role": "user", "content": "你好"}]}

    assert (
        shared.post(question, headers={"Request_id": "sdk-py-1"}).headers["X-Baidu-Request-Id"] == "sdk-py-1"
    )
    assert "X-Baidu-Request-Id" not in shared.post(question, headers={"Request_id": "é"}).headers
    assert "X-Baidu-Request-Id" not in shared.post(question).headers


@pytest.mark.parametrize(
    ("turns", "said"),
    [
        (["我叫小明", "您好，小明", "我叫什么名字？"], "小明"),
        (["我叫小红。", "好", "今天真热", "是", "你还记得我的名字叫什么吗"], "小红"),
        (["My name is Ada Lovelace, hello", "Hi", "What is my name?"], "Ada Lovelace"),
        (["我叫什么名字？"], "还没有告诉过我"),
        (["Who am I?"], "have not told me"),
        (["长江有多长", "约6300公里", "黄河呢", "约5464公里", "我第一个问题是什么？我问的"], "长江有多长"),
        (["长江有多长", "约6300公里", "把刚才的问题再说一遍"], "长江有多长"),
        (
            ["How long is the Nile?", "Long", "And the Amazon?", "Long", "What did I ask first?"],
            "How long is the Nile?",
        ),
        (["How long is the Nile?", "Long", "What was my previous question?"], "How long is the Nile?"),
        (["推荐一本书", "《红楼梦》", "再推荐一本吧"], "推荐一本书"),
        (["Recommend a book", "Emma", "Another, please"], "Recommend a book"),
        (["12*7等于多少？"], "12*7 = 84"),
        (["What is 1.5 plus 2?"], "1.5 plus 2 = 3.5"),
        (["10 / 4 = ?"], "10 / 4 = 2.5"),
        (["10除以3是多少"], "3.333333333"),
        (["7 / 0 = ?"], "7 / 0 = ?"),
        (["你好"], "有什么我可以帮助您的吗"),
        (["hello!"], "How can I help you"),
    ],
)
def test_replies_know_the_conversation(shared, turns, said):
    """A reply refers to earlier turns, works out sums and greets, and never fails to mark itself."""
    result = shared.ask(*turns)["result"]

    assert said in result
    assert result.startswith(("【本地平台】", "[local platform] "))


@pytest.mark.parametrize(
    ("question", "chinese"), [("今天星期几？", True), ("Write a poem", False), ("??", True)]
)
def test_reply_speaks_the_language_of_the_question(shared, question, chinese):
    """A Chinese question gets a Chinese reply, an English one an English reply; same question, same reply."""
    result = shared.ask(question)["result"]

    assert result.startswith("【本地平台】") is chinese
    assert shared.ask(question)["result"] == result


def test_date_is_the_platform_s(start):
    """Asked for the date, the reply tells the platform's clock in China time."""
    caller = start(clock=qianfan.local.Clock(lambda: 1_698_140_000.0))
    caller.platform.advance(days=1)

    assert "2023年10月25日 星期三 17:33" in caller.ask("今天几号？")["result"]
    assert "2023-10-25 Wednesday 17:33" in caller.ask("What time is it?")["result"]


def test_system_is_honoured(shared):
    """The persona shows in the reply and in the usage."""
    plain, persona = shared.ask("介绍一下你自己"), shared.ask("介绍一下你自己", system="你是一名历史老师")

    assert "你是一名历史老师" in persona["result"]
    assert persona["usage"]["prompt_tokens"] == plain["usage"]["prompt_tokens"] + 8


def test_stop_sequences_end_the_reply(shared):
    """The reply ends before the first stop sequence, and says why."""
    body = shared.ask("介绍一下长城", stop=["没有调用", "千帆"])

    assert body["finish_reason"] == "stop"
    assert body["is_truncated"] is False
    assert body["result"].endswith("您本机上的")


@pytest.mark.parametrize("most", [2, 10, 40])
def test_max_output_tokens_cut_the_reply(shared, most):
    """A reply that would be too long is cut and marked, whole and as a stream."""
    body, events = (
        shared.ask("介绍一下长城", max_output_tokens=most),
        shared.stream("介绍一下长城", max_output_tokens=most),
    )

    assert body["is_truncated"] is True
    assert body["finish_reason"] == "length"
    assert most - 2 < body["usage"]["completion_tokens"] <= most
    assert "".join(event["result"] for event in events) == body["result"]
    assert (events[-1]["is_truncated"], events[-1]["finish_reason"]) == (True, "length")


def test_json_object(shared):
    """With response_format json_object the result is a JSON object."""
    content = json.loads(shared.ask("列出三种水果", response_format="json_object")["result"])

    assert content["question"] == "列出三种水果"
    assert "本地平台" in content["answer"]


@pytest.mark.parametrize("question", ["请触发安全审核", "Please trigger the safety filter"])
def test_need_clear_history_on_request(shared, question):
    """A documented phrase makes the platform ask for the history to be cleared."""
    body, last = shared.ask(question), shared.stream(question)[-1]

    for answer in (body, last):
        assert answer["need_clear_history"] is True
        assert answer["ban_round"] == -1
        assert answer["finish_reason"] == "content_filter"


def test_usage_follows_the_rule_of_thumb(shared):
    """Usage is characters plus 1.3 words, rounded down, history and functions included."""
    assert tokens.count("你好 world, foo") == 4
    assert shared.ask("你好 world, foo")["usage"]["prompt_tokens"] == 4
    assert shared.ask("你好", "好", "world, foo")["usage"]["prompt_tokens"] == 5
    functions = [{"name": "f", "description": "天气", "parameters": {"type": "object", "properties": {}}}]
    assert shared.ask("你好", functions=functions)["usage"]["prompt_tokens"] > 6
    body = shared.ask("你好")
    assert body["usage"]["completion_tokens"] == tokens.count(body["result"])


def test_custom_endpoints(start):
    """An added custom service answers; another does not, unless every endpoint may."""
    caller = start()
    caller.platform.add_endpoint("my_service")

    assert caller.ask("你好", endpoint="my_service")["finish_reason"] == "normal"
    assert caller.ask("你好", endpoint="other_service")["error_code"] == 3
    assert start(any_endpoint=True).ask("你好", endpoint="your_custom_endpoint")["result"]
    for name in ("", "a/b", "a b", "名"):
        with pytest.raises(ValueError, match="one segment"):
            caller.platform.add_endpoint(name)
