"""Programs that let QianfanChatEndpoint call functions."""

from __future__ import annotations

import json

import pytest
from langchain_community.chat_models import QianfanChatEndpoint
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from pydantic import BaseModel, Field

QUESTION = "杭州的天气怎么样"


@tool
def get_weather(city: str) -> str:
    """查询一个城市的天气。"""  # noqa: D415  # the model reads it
    return json.dumps({"city": city, "weather": "晴"}, ensure_ascii=False)


@pytest.fixture
def chat(platform):  # noqa: ARG001  # its environment leads there
    """A model that knows functions."""
    return QianfanChatEndpoint(model="ERNIE-3.5-8K")


def test_bound_functions(platform, chat, ask):
    """Functions bound as the platform writes them are sent, and the call stands in the answer."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    function = {"name": "get_weather", "description": "查询一个城市的天气", "parameters": schema}
    answer = ask(chat.bind(functions=[function]), QUESTION)

    assert platform.calls("chat").last.body["functions"] == [function]
    [call] = answer.tool_calls
    assert (call["name"], call["args"]) == ("get_weather", {"city": "杭州"})
    assert answer.response_metadata["finish_reason"] == "function_call"


def test_a_tool_used(platform, chat, ask):
    """A tool that the model calls is run, and the model answers from what it gave."""
    able = chat.bind_tools([get_weather])
    messages = [HumanMessage(QUESTION)]
    messages.append(ask(able, messages))
    messages += [get_weather.invoke(call) for call in messages[-1].tool_calls]
    answer = ask(able, messages)

    assert "晴" in answer.content
    [_, asked, given] = platform.calls("chat").last.messages
    assert asked["content"] is None
    assert json.loads(asked["function_call"]["arguments"]) == {"city": "杭州"}
    assert (given["role"], given["name"]) == ("function", "get_weather")
    assert json.loads(given["content"]) == {"city": "杭州", "weather": "晴"}


class Weather(BaseModel):
    """查询一个城市的天气。"""  # noqa: D415  # the model reads it

    city: str = Field(description="城市")


def test_structured_output(chat):
    """The answer comes as an object of the user's class."""
    assert chat.with_structured_output(Weather).invoke(QUESTION) == Weather(city="杭州")
