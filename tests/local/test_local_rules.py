"""What a request may say: each rule, its code and its words."""

from __future__ import annotations

import json
import re

import pytest
from local_caller import conversation

from qianfan.codes import CODES
from qianfan.local.fidelity import RULES

ODD = "the length of messages must be an odd number"
HI = {"role": "user", "content": "hi"}
YES = {"role": "assistant", "content": "yes"}
WEATHER = {
    "name": "get_weather",
    "description": "weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def calling(value):
    """Return messages in which the assistant's function_call has a value."""
    return [HI, {"role": "assistant", "content": "", "function_call": value}, HI]


MESSAGES = [
    (None, 336001, "messages is required"),
    ("hi", 336001, "messages must be an array"),
    ({}, 336001, "messages must be an array"),
    (["hi"], 336001, "messages[0] must be an object"),
    ([HI, YES, None], 336001, "messages[2] must be an object"),
    ([], 336006, ODD),
    ([HI, YES], 336006, ODD),
    ([HI, HI, HI], 336006, ODD),
    ([YES, HI, YES], 336006, ODD),
    ([YES], 336006, ODD),
    ([{"role": "system", "content": "x"}], 336006, "the role of message must be user, assistant or function"),
    ([{"content": "x"}], 336006, "the role of message must be user, assistant or function"),
    ([{"role": ["user"], "content": "x"}], 336006, "the role of message must be user, assistant or function"),
    ([{"role": "user"}], 336003, "the content of message can't be empty"),
    ([{"role": "user", "content": ""}], 336003, "the content of message can't be empty"),
    ([{"role": "user", "content": None}], 336003, "the content of message can't be empty"),
    ([{"role": "user", "content": 5}], 336003, "the content of message must be a string"),
    ([{"role": "user", "content": [{"type": "text"}]}], 336003, "the content of message must be a string"),
    (
        [HI, YES, {"role": "function", "content": "{}"}],
        336003,
        "the name of a function message can't be blank",
    ),
    (calling({}), 336003, "function_call's name can't be blank"),
    (calling({"name": " "}), 336003, "function_call's name can't be blank"),
    (calling("f"), 336003, "function_call must be an object"),
    (calling({"name": "f", "arguments": {}}), 336003, "function_call's arguments must be a JSON string"),
]

DEEP = json.loads("[" * 300 + "]" * 300)
STOP = "stop must be an array of at most 4 strings of 1 to 20 characters"
CHOICE = 'tool_choice must be {"type": "function", "function": {"name": ...}}'
SCHEMA = 'functions: parameters of get_weather must be a JSON schema of type "object"'

FIELDS = [
    ({"temperature": 0}, 336003, "temperature must be a number in (0, 1]"),
    ({"temperature": 1.01}, 336003, "temperature must be a number in (0, 1]"),
    ({"temperature": "0.5"}, 336003, "temperature must be a number in (0, 1]"),
    ({"temperature": True}, 336003, "temperature must be a number in (0, 1]"),
    ({"top_p": -0.1}, 336003, "top_p must be a number in [0, 1]"),
    ({"top_p": 1.1}, 336003, "top_p must be a number in [0, 1]"),
    ({"penalty_score": 0.9}, 336003, "penalty_score must be a number in [1, 2]"),
    ({"penalty_score": 2.1}, 336003, "penalty_score must be a number in [1, 2]"),
    ({"top_k": 0}, 336003, "top_k must be an integer of at least 1"),
    ({"max_output_tokens": 1}, 336003, "max_output_tokens must be an integer in [2, 2048]"),
    ({"max_output_tokens": 2049}, 336003, "max_output_tokens must be an integer in [2, 2048]"),
    ({"max_output_tokens": 2.5}, 336003, "max_output_tokens must be an integer in [2, 2048]"),
    ({"stop": "a"}, 336003, STOP),
    ({"stop": ["a"] * 5}, 336003, STOP),
    ({"stop": ["a" * 21]}, 336003, STOP),
    ({"stop": [""]}, 336003, STOP),
    ({"stop": [1]}, 336003, STOP),
    ({"stream": "true"}, 336003, "stream must be a boolean"),
    ({"user_id": 7}, 336003, "user_id must be a string"),
    ({"response_format": "xml"}, 336003, "response_format must be one of text, json_object"),
    ({"response_format": {"type": "text"}}, 336003, "response_format must be one of text, json_object"),
    ({"disable_search": 1}, 336003, "disable_search must be a boolean"),
    ({"enable_citation": 0}, 336003, "enable_citation must be a boolean"),
    ({"enable_trace": "no"}, 336003, "enable_trace must be a boolean"),
    ({"system": "x" * 1025}, 336104, "system must have at most 1024 characters"),
    ({"system": ["x"]}, 336104, "system must be a string"),
    ({"user_setting": 1}, 336105, "user_setting must be a string"),
    ({"functions": {}}, 336303, "functions must be an array"),
    ({"functions": ["f"]}, 336303, "functions must be an array of objects"),
    ({"functions": [{**WEATHER, "name": ""}]}, 336303, "functions: name can't be blank"),
    (
        {"functions": [{**WEATHER, "description": 1}]},
        336303,
        "functions: description of get_weather can't be blank",
    ),
    ({"functions": [{**WEATHER, "parameters": {}}]}, 336303, SCHEMA),
    ({"functions": [{**WEATHER, "parameters": None}]}, 336303, SCHEMA),
    ({"functions": [{**WEATHER, "parameters": {"type": "array"}}]}, 336303, SCHEMA),
    (
        {"functions": [{**WEATHER, "parameters": {"type": "object", "properties": []}}]},
        336303,
        "functions: properties of get_weather must be an object",
    ),
    (
        {"functions": [{**WEATHER, "examples": DEEP}]},
        336303,
        "functions: get_weather is nested more than 64 levels deep",
    ),
    ({"functions": [WEATHER], "tool_choice": "auto"}, 336003, CHOICE),
    (
        {"functions": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "f"}}},
        336003,
        "tool_choice names f, which is not in functions",
    ),
]


@pytest.mark.parametrize(("messages", "code", "message"), MESSAGES)
def test_bad_messages(shared, messages, code, message):
    """Each bad conversation has its code and words, at HTTP 200 and with an id."""
    response = shared.post({"messages": messages})

    body = response.json()
    assert (200, code, message) == (response.status, body["error_code"], body["error_msg"])
    assert re.fullmatch(r"as-[0-9a-z]{10}", body["id"])
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(("fields", "code", "message"), FIELDS)
def test_bad_fields(shared, fields, code, message):
    """Each value out of range or of a wrong type has its code and words, also where a stream was asked for."""
    for stream in (False, True):
        body = shared.post({"messages": [HI], "stream": stream, **fields}).json()

        assert (code, message) == (body["error_code"], body["error_msg"])


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": 0.01, "top_p": 0, "penalty_score": 1},
        {"temperature": 1, "top_p": 1.0, "penalty_score": 2.0},
        {"max_output_tokens": 2048, "stop": ["a" * 20] * 4, "stream": False},
        {"system": "x" * 1024, "user_id": "", "response_format": "text"},
        {"extra_parameters": {"request_source": "x"}, "no_such_field": 1},
        {"temperature": None, "stop": None, "functions": None, "tool_choice": None, "stream": None},
        {"functions": [], "stop": []},
    ],
)
def test_limits_unknown_fields_and_null_are_fine(shared, fields):
    """The ends of each range, fields nobody knows, and null are accepted."""
    assert shared.post({"messages": [HI], **fields}).json()["result"]


def test_conversations_that_keep_the_rules(shared):
    """Turns may carry function calls and results, and stay odd in number."""
    called = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}
    result = {"role": "function", "name": "f", "content": "{}"}

    for turns in ([HI], [HI, YES, HI], [HI, called, result], [HI, called, result, YES, HI]):
        assert "result" in shared.ask(*turns)


@pytest.mark.parametrize(
    ("endpoint", "content", "code", "message"),
    [
        ("eb-instant", "a" * 11201, 336007, "the max input characters is 11200"),
        ("completions", "字" * 5121, 336103, "Prompt tokens too long"),
        ("bloomz_7b1", "a" * 4801, 336007, "the max input characters is 4800"),
        ("eb-instant", "a" * 11200, None, None),
        ("completions", "字" * 5120, None, None),
        ("ernie-3.5-128k", "字" * 5121, None, None),
    ],
)
def test_each_model_has_its_longest_input(shared, endpoint, content, code, message):
    """Characters and tokens of all contents together keep the limits of the model's catalogue entry."""
    body = shared.ask("a", "b", {"role": "user", "content": content[2:]}, endpoint=endpoint)

    assert (code, message) == (body.get("error_code"), body.get("error_msg"))


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/chat/completions", b"", 200, 336101),
        ("PUT", "/chat/completions", b"{}", 200, 336101),
        ("POST", "/chat/completions", b"", 200, 336002),
        ("POST", "/chat/completions", b"{", 200, 336002),
        ("POST", "/chat/completions", b"\xff\xfe", 200, 336002),
        ("POST", "/chat/completions", b'{"messages": NaN}', 200, 336002),
        ("POST", "/chat/completions", b"[]", 200, 336001),
        ("POST", "/chat/completions", b"null", 200, 336001),
        ("POST", "/chat/no_such_endpoint", b"{}", 200, 3),
        ("POST", "/chat/completions/", b"{}", 200, 3),
        ("POST", "/chat/", b"{}", 200, 3),
        ("POST", "/no/such/thing", b"{}", 200, 3),
        ("POST", "/chat/completions", b" " * (4 * 1024 * 1024 + 1), 413, 336007),
        ("POST", "/../../../../../elsewhere", b"", 404, 3),
    ],
)
def test_what_is_no_call(shared, method, path, body, status, code):
    """Wrong methods, paths and bodies are answered in the platform's own form."""
    response = shared.send(path, body, method=method)

    assert (status, code) == (response.status, response.json()["error_code"])


def test_every_rule_of_the_table_names_a_known_code():
    """The table of rules names codes of the platform, or words of other APIs, and covers every code tested here."""
    named = {rule.code for rule in RULES}

    assert {code for code in named if isinstance(code, int)} <= set(CODES)
    assert {code for _, code, _ in MESSAGES + FIELDS} <= named
    assert len({(rule.area, rule.says) for rule in RULES}) == len(RULES)


def test_conversation_helper():
    """The tests' own helper alternates roles."""
    assert conversation("a", "b", HI) == [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        HI,
    ]
