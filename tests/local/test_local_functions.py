"""Function calling: when a function is called, with which arguments, and what comes after."""

from __future__ import annotations

import json

import pytest

import qianfan.local


def function(name, description, required=(), **properties):
    """Return a function's definition."""
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {"name": name, "description": description, "parameters": schema}


WEATHER = function(
    "get_current_weather",
    "获得指定地点的天气",
    ["location"],
    location={"type": "string", "description": "省，市名，例如：河北省"},
    unit={"type": "string", "enum": ["摄氏度", "华氏度"]},
)
ENGLISH = function("get_weather", "Get the weather of a city", ["city"], city={"type": "string"})
BOOK = function(
    "book_flight",
    "Book a flight ticket",
    ["destination", "seats", "window", "class", "tags", "contact"],
    destination={"type": "string", "description": "city to fly to"},
    seats={"type": "integer"},
    price={"type": "number"},
    window={"type": "boolean"},
    **{"class": {"type": "string", "enum": ["economy", "business"]}},
    tags={"type": "array", "items": {"type": "string"}},
    contact={"type": "object", "properties": {"phone": {"type": ["null", "string"]}}, "required": ["phone"]},
    nothing={"type": "null"},
    day={"type": "string", "format": "date"},
)
TODAY = function(
    "get_date", "查询日历", ["day", "zone"], day={"type": "string", "format": "date"}, zone={"default": "CN"}
)
NOTHING = function("ring_bell", "敲响门铃")


@pytest.mark.parametrize(
    ("definition", "question", "arguments"),
    [
        (WEATHER, "上海今天天气怎么样？", {"location": "上海"}),
        (WEATHER, "河北省明天的天气，用华氏度", {"location": "河北省", "unit": "华氏度"}),
        (WEATHER, "天气如何", {"location": "天气如何"}),
        (ENGLISH, "What's the weather in San Francisco?", {"city": "San Francisco"}),
        (ENGLISH, "北京天气", {"city": "北京"}),
        (ENGLISH, "How is the weather at “the lake”?", {"city": "the lake"}),
        (
            BOOK,
            "Book 2 business seats on a flight to Paris for 310.5",
            {
                "destination": "Paris",
                "seats": 2,
                "price": 310.5,
                "window": False,
                "class": "business",
                "tags": ["Book 2 business seats on a flight to Paris for 310.5"],
                "contact": {"phone": "Book 2 business seats on a flight to Paris for 310.5"},
            },
        ),
        (NOTHING, "请敲响门铃", {}),
    ],
)
def test_question_calls_the_function(shared, definition, question, arguments):
    """A question that shares words with a function calls it, with arguments of the right types."""
    body = shared.ask(question, functions=[NOTHING, definition])

    assert body["result"] == ""
    assert body["finish_reason"] == "function_call"
    assert body["function_call"]["name"] == definition["name"]
    assert body["function_call"]["thoughts"]
    got = json.loads(body["function_call"]["arguments"])
    assert set(definition["parameters"]["required"]) <= set(got)
    assert {name: got[name] for name in arguments} == arguments


def test_dates_and_defaults(start):
    """A date comes from the platform's clock, a default from the schema."""
    caller = start(clock=qianfan.local.Clock(lambda: 1_698_140_000.0))
    body = caller.ask("查一下日历", functions=[TODAY])

    assert json.loads(body["function_call"]["arguments"]) == {"day": "2023-10-24", "zone": "CN"}


def test_function_call_is_whole_in_one_event(shared):
    """In a stream the call comes in one event, which is the last."""
    (event,) = shared.stream("上海天气", functions=[WEATHER])

    assert (event["is_end"], event["result"], event["finish_reason"]) == (True, "", "function_call")
    assert event["function_call"]["name"] == "get_current_weather"


def test_other_questions_call_nothing(shared):
    """A question that has nothing to do with any function is answered in words."""
    assert "function_call" not in shared.ask("讲一个笑话", functions=[WEATHER, NOTHING])


def test_best_function_is_chosen(shared):
    """Of several functions the one with most words in common is called; a name said outright wins."""
    functions = [ENGLISH, BOOK]

    assert shared.ask("Book a flight to Rome", functions=functions)["function_call"]["name"] == "book_flight"
    assert (
        shared.ask("Use get_weather, not a flight", functions=functions)["function_call"]["name"]
        == "get_weather"
    )


def test_tool_choice_forces_a_function(shared):
    """The function that `tool_choice` names is called whatever the question."""
    choice = {"type": "function", "function": {"name": "ring_bell"}}
    body = shared.ask("讲一个笑话", functions=[WEATHER, NOTHING], tool_choice=choice)

    assert body["function_call"]["name"] == "ring_bell"


def test_result_is_answered_in_words(shared):
    """After the function's result the answer is in words and has its content."""
    first = shared.ask("上海天气", functions=[WEATHER])
    called = {"role": "assistant", "content": first["result"], "function_call": first["function_call"]}
    result = {"role": "function", "name": "get_current_weather", "content": '{"temperature": "25度"}'}

    second = shared.ask("上海天气", called, result, functions=[WEATHER])

    assert '{"temperature": "25度"}' in second["result"]
    assert "function_call" not in second
    assert second["usage"]["prompt_tokens"] > first["usage"]["prompt_tokens"]


def test_model_without_functions_says_so(shared):
    """A model whose entry names no functions ignores them and says so; one the catalogue knows little of does not."""
    assert (
        "functions 已被忽略" in shared.ask("上海天气", functions=[WEATHER], endpoint="eb-instant")["result"]
    )
    assert "function_call" in shared.ask("上海天气", functions=[WEATHER], endpoint="ernie-func-8k")
    assert "function_call" in shared.ask("上海天气", functions=[WEATHER], endpoint="ernie-4.0-turbo-128k")


def test_strange_schemas_do_no_harm(shared):
    """Schemas nested without end, required names without a property and unusable defaults are borne."""
    deep = {"type": "object", "properties": {}}
    for _ in range(25):
        deep = {"type": "object", "properties": {"inner": deep}, "required": ["inner"]}
    odd = {
        "name": "ring_bell",
        "description": "ring",
        "parameters": {
            "type": "object",
            "properties": {
                "deep": deep,
                "n": {"type": "integer", "minimum": "x"},
                "list": {"type": "array"},
                "s": True,
                "odd": {"type": [["x"], 1]},
            },
            "required": ["deep", "n", "list", "s", "odd", "absent", 5],
        },
    }

    arguments = json.loads(shared.ask("ring_bell", functions=[odd])["function_call"]["arguments"])
    assert arguments["n"] == 1
    assert arguments["absent"] == "ring_bell"
    assert arguments["list"] == ["ring_bell"]
