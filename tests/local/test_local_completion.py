"""Completion over the wire: answers, streams, SQL, and what a request may say."""

from __future__ import annotations

import json
import re
import sqlite3

import pytest

import qianfan.local
from qianfan import catalog
from qianfan.local import tokens

ENDPOINTS = sorted(model.endpoint for model in catalog.models("completion") if model.family == "completion")
WHOLE = {"id", "object", "created", "result", "is_safe", "usage"}

STOP = "stop must be an array of at most 4 strings of 1 to 20 characters"


def complete(caller, prompt, endpoint="codellama_7b_instruct", **fields):
    """Return the answer to a prompt."""
    return caller.post({"prompt": prompt, **fields}, endpoint, service="completions").json()


def stream(caller, prompt, endpoint="codellama_7b_instruct", **fields):
    """Return the events of the answer to a prompt."""
    response = caller.post({"prompt": prompt, "stream": True, **fields}, endpoint, service="completions")
    assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    return [json.loads(event.removeprefix("data: ")) for event in response.data.decode().split("\n\n")[:-1]]


def test_both_models_are_there():
    """The two models of the platform that have a completion endpoint of their own."""
    assert ENDPOINTS == ["codellama_7b_instruct", "sqlcoder_7b"]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_each_endpoint_answers(shared, endpoint):
    """Every completion endpoint answers, whole and as a stream, with the same words and usage."""
    body = complete(shared, "统计每个城市的用户数", endpoint)
    events = stream(shared, "统计每个城市的用户数", endpoint)

    assert set(body) == WHOLE
    assert (body["object"], body["is_safe"]) == ("completion", 1)
    assert re.fullmatch(r"as-[0-9a-z]{10}", body["id"])
    assert "统计每个城市的用户数" in body["result"]
    assert all(set(event) == WHOLE | {"sentence_id", "is_end"} for event in events)
    assert len(events) >= 10
    assert "".join(event["result"] for event in events) == body["result"]
    assert events[-1]["usage"] == body["usage"]


def test_stream_is_framed_to_the_byte(start):
    """A stream is `data: `, one JSON object, an empty line; and nothing else."""
    caller = start(clock=qianfan.local.Clock(lambda: 1_698_140_001.5))
    prompt = {"prompt": "你好", "stream": True, "stop": ["您"]}

    response = caller.post(prompt, "codellama_7b_instruct", service="completions")

    head = b'data: {"id":"%b","object":"completion","created":1698140001,' % response.data[13:26]
    first = (
        '"sentence_id":0,"is_end":false,"result":"【本地","is_safe":1,'
        '"usage":{"prompt_tokens":2,"completion_tokens":2,"total_tokens":4}}\n\n'
    )
    last = (
        '"sentence_id":1,"is_end":true,"result":"平台】","is_safe":1,'
        '"usage":{"prompt_tokens":2,"completion_tokens":4,"total_tokens":6}}\n\n'
    )
    assert response.data == head + first.encode() + head + last.encode()


def test_stream_counts_up(shared):
    """Sentence ids count from 0, only the last event ends, usage adds up, one id for all."""
    events = stream(shared, "Write a function that sorts")

    assert [event["sentence_id"] for event in events] == list(range(len(events)))
    assert [event["is_end"] for event in events] == [False] * (len(events) - 1) + [True]
    said = ["".join(event["result"] for event in events[: n + 1]) for n in range(len(events))]
    assert [event["usage"]["completion_tokens"] for event in events] == [tokens.count(text) for text in said]
    assert len({event["id"] for event in events}) == 1


@pytest.mark.parametrize(
    "prompt", ["查询\n每个城市\r\n的订单", "How many orders?\n; DROP TABLE orders", "12 *\n7 = ?"]
)
def test_sql_can_be_run(shared, prompt):
    """The answer of the SQL model is a comment and a query, whatever the prompt has in it."""
    result = complete(shared, prompt, "sqlcoder_7b")["result"]

    assert re.match(r"-- (【本地平台】|\[local platform\] )", result)
    assert len(result.splitlines()) == 2
    connection = sqlite3.connect(":memory:")
    assert connection.execute(result).fetchall() == [(1,)]
    connection.close()


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("prompt", ["请触发安全审核", "Please trigger the safety filter"])
def test_unsafe_prompts(shared, endpoint, prompt):
    """A documented phrase makes the platform judge the prompt unsafe, in every event of a stream too."""
    assert complete(shared, prompt, endpoint)["is_safe"] == 0
    assert {event["is_safe"] for event in stream(shared, prompt, endpoint)} == {0}


@pytest.mark.parametrize(
    ("prompt", "chinese"), [("写一首诗", True), ("Write a poem", False), ("def sort(items):", False)]
)
def test_reply_speaks_the_language_of_the_prompt(shared, prompt, chinese):
    """A Chinese prompt gets a Chinese reply, an English one an English reply; same prompt, same reply."""
    result = complete(shared, prompt)["result"]

    assert result.startswith("【本地平台】" if chinese else "[local platform] ")
    assert complete(shared, prompt)["result"] == result


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_stop_sequences_end_the_reply(shared, endpoint):
    """The reply ends before the first stop sequence; where that is the beginning, nothing is said."""
    whole = complete(shared, "介绍一下长城", endpoint)["result"]
    kept, begun = (complete(shared, "介绍一下长城", endpoint, stop=[stop]) for stop in ("长城", whole[0]))

    assert whole.startswith(kept["result"])
    assert kept["result"].endswith("介绍一下")
    assert (begun["result"], begun["usage"]["completion_tokens"]) == ("", 0)
    assert [event["result"] for event in stream(shared, "介绍一下长城", endpoint, stop=[whole[0]])] == [""]


def test_usage_follows_the_rule_of_thumb(shared):
    """Usage is characters plus 1.3 words of prompt and reply."""
    body = complete(shared, "你好 world, foo")

    spent = tokens.count(body["result"])
    assert body["usage"] == {"prompt_tokens": 4, "completion_tokens": spent, "total_tokens": 4 + spent}


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({}, 336001, "prompt is required"),
        ({"prompt": None}, 336001, "prompt is required"),
        ({"prompt": ["a"]}, 336001, "prompt must be a string"),
        ({"prompt": 5}, 336001, "prompt must be a string"),
        ({"prompt": ""}, 336003, "prompt can't be blank"),
        ({"prompt": " \n\u3000"}, 336003, "prompt can't be blank"),
        ({"prompt": "a", "stream": "true"}, 336003, "stream must be a boolean"),
        ({"prompt": "a", "stream": 1}, 336003, "stream must be a boolean"),
        ({"prompt": "a", "temperature": 0}, 336003, "temperature must be a number in (0, 1]"),
        ({"prompt": "a", "temperature": 1.01}, 336003, "temperature must be a number in (0, 1]"),
        ({"prompt": "a", "top_p": -0.1}, 336003, "top_p must be a number in [0, 1]"),
        ({"prompt": "a", "top_p": 1.1}, 336003, "top_p must be a number in [0, 1]"),
        ({"prompt": "a", "penalty_score": 0.9}, 336003, "penalty_score must be a number in [1, 2]"),
        ({"prompt": "a", "penalty_score": 2.1}, 336003, "penalty_score must be a number in [1, 2]"),
        ({"prompt": "a", "top_k": 0}, 336003, "top_k must be an integer of at least 1"),
        ({"prompt": "a", "top_k": 1.5}, 336003, "top_k must be an integer of at least 1"),
        ({"prompt": "a", "stop": ["a"] * 5}, 336003, STOP),
        ({"prompt": "a", "stop": ["a" * 21]}, 336003, STOP),
        ({"prompt": "a", "stop": "a"}, 336003, STOP),
        ({"prompt": "a", "user_id": 7}, 336003, "user_id must be a string"),
    ],
)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_bad_requests(shared, endpoint, body, code, message):
    """Each value out of range or of a wrong type has its code and words, also where a stream is asked for."""
    for also in ({}, {"stream": True}):
        answer = shared.post({**also, **body}, endpoint, service="completions").json()

        assert (code, message) == (answer["error_code"], answer["error_msg"])


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": 0.01, "top_p": 0, "penalty_score": 1, "top_k": 1},
        {"temperature": 1, "top_p": 1.0, "penalty_score": 2.0, "top_k": 10_000},
        {"stop": ["z" * 20] * 4, "stream": False, "user_id": ""},
        {"stop": [], "no_such_field": 1, "max_output_tokens": "not a field of completions"},
        {"temperature": None, "stop": None, "stream": None, "user_id": None},
    ],
)
def test_limits_unknown_fields_and_null_are_fine(shared, fields):
    """The ends of each range, fields nobody knows, and null are accepted."""
    assert complete(shared, "a", **fields)["result"]


def test_long_prompts(shared):
    """No limit is known for these models, so a long prompt is answered."""
    assert complete(shared, "字" * 20_000)["usage"]["prompt_tokens"] == 20_000
