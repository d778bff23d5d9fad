"""Programs that give a model tools, or a schema for its answer, through openai."""

from __future__ import annotations

import json

import openai
import pytest
from pydantic import BaseModel, Field

CREATE, PARSE = "chat.completions.create", "chat.completions.parse"
MODEL = "ernie-4.5-turbo-128k"
QUESTION = {"role": "user", "content": "杭州的天气怎么样"}


class GetWeather(BaseModel):
    """查询一个城市的天气。"""  # noqa: D415  # the model reads it

    city: str = Field(description="城市")


TOOL = openai.pydantic_function_tool(GetWeather, name="get_weather")


def whole(client):
    """Ask for a whole reply, and return its only choice."""
    return lambda **arguments: client.call(CREATE, **arguments).choices[0]


def followed(client):
    """Ask for a stream, and return the only choice of what the SDK's helper makes of it."""
    return lambda **arguments: client.follow(**arguments).choices[0]


@pytest.fixture(params=[whole, followed], ids=lambda way: way.__name__)
def ask(request, client):
    """Ask a client in both ways."""
    return request.param(client)


def test_a_tool_used(ask, platform):
    """The model calls a tool, gets what it gave, and answers from it."""
    messages = [QUESTION]
    choice = ask(model=MODEL, messages=messages, tools=[TOOL])
    [call] = choice.message.tool_calls
    messages.append(choice.message)
    messages.append({"role": "tool", "tool_call_id": call.id, "content": '{"weather": "晴"}'})
    answer = ask(model=MODEL, messages=messages, tools=[TOOL])

    assert choice.finish_reason == "tool_calls"
    assert (call.type, call.function.name) == ("function", "get_weather")
    assert json.loads(call.function.arguments) == {"city": "杭州"}
    assert (answer.finish_reason, answer.message.tool_calls) == ("stop", None)
    assert "晴" in answer.message.content
    assert platform.calls("chat").last.messages[1]["tool_calls"][0]["id"] == call.id


def test_several_calls(ask):
    """A question about two places calls a tool twice; each call gets its own answer."""
    messages = [{"role": "user", "content": "北京和上海的天气怎么样"}]
    message = ask(model=MODEL, messages=messages, tools=[TOOL]).message
    cities = [json.loads(call.function.arguments)["city"] for call in message.tool_calls]
    messages.append(message)
    messages += [
        {"role": "tool", "tool_call_id": call.id, "content": f'{{"{city}": "晴"}}'}
        for call, city in zip(message.tool_calls, cities, strict=True)
    ]
    answer = ask(model=MODEL, messages=messages, tools=[TOOL]).message.content

    assert cities == ["北京", "上海"]
    assert all(city in answer for city in cities)


@pytest.mark.parametrize(
    ("choice", "called"),
    [("none", False), ("required", True), ({"type": "function", "function": {"name": "get_weather"}}, True)],
)
def test_a_choice_of_tools(ask, choice, called):
    """tool_choice forbids a call, demands one, or names it."""
    content = "杭州的天气怎么样" if choice == "none" else "你好，杭州"
    messages = [{"role": "user", "content": content}]
    message = ask(model=MODEL, messages=messages, tools=[TOOL], tool_choice=choice).message

    assert bool(message.tool_calls) == called


class City(BaseModel):
    """What is wanted of a city."""

    name: str
    population: int
    sights: list[str]


ASKED = [{"role": "user", "content": "介绍杭州"}]


def test_an_answer_by_schema(ask):
    """With response_format of a JSON schema, the answer is JSON that keeps to it."""
    schema = {"name": "City", "schema": City.model_json_schema(), "strict": True}
    choice = ask(model=MODEL, messages=ASKED, response_format={"type": "json_schema", "json_schema": schema})

    assert City.model_validate_json(choice.message.content)


def test_an_answer_in_json(ask):
    """With response_format json_object, the answer is a JSON object."""
    choice = ask(model=MODEL, messages=ASKED, response_format={"type": "json_object"})

    assert isinstance(json.loads(choice.message.content), dict)


def test_an_answer_of_a_class(client, platform):
    """parse() and the stream helper take a class of pydantic's, and give an object of it."""
    parsed = client.call(PARSE, model=MODEL, messages=ASKED, response_format=City)
    streamed = client.follow(model=MODEL, messages=ASKED, response_format=City)

    assert isinstance(parsed.choices[0].message.parsed, City)
    assert streamed.choices[0].message.parsed == parsed.choices[0].message.parsed
    assert platform.calls("chat").last.body["response_format"]["type"] == "json_schema"


def test_an_answer_of_a_class_that_is_cut(client):
    """parse() says of an answer that max_tokens cut that it is cut."""
    with pytest.raises(openai.LengthFinishReasonError) as caught:
        client.call(PARSE, model=MODEL, messages=ASKED, response_format=City, max_tokens=2)

    assert caught.value.completion.choices[0].finish_reason == "length"


def test_arguments_of_a_class(client):
    """parse() makes of a call's arguments an object of the class whose tool it is."""
    message = client.call(PARSE, model=MODEL, messages=[QUESTION], tools=[TOOL]).choices[0].message

    assert message.tool_calls[0].function.parsed_arguments == GetWeather(city="杭州")
