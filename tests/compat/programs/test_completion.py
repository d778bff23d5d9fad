"""Programs with QianfanLLMEndpoint."""

from __future__ import annotations

import asyncio

import pytest
from langchain_community.llms import QianfanLLMEndpoint
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import PromptTemplate

import qianfan

SUM = "3 + 4 等于多少"


def test_a_prompt(platform, ask):
    """A model made of the environment alone writes on, from a prompt sent to a chat model."""
    assert "3 + 4 = 7" in ask(QianfanLLMEndpoint(), SUM)
    [call] = platform.calls("chat")
    assert (call.model, call.messages) == ("ERNIE-Bot-turbo", [{"role": "user", "content": SUM}])


def test_a_completion_model(platform, ask):
    """A model of the completion kind gets the prompt as it is."""
    assert ask(QianfanLLMEndpoint(model="SQLCoder-7B"), "SELECT name")
    [call] = platform.calls("completion")
    assert (call.model, call.body["prompt"]) == ("SQLCoder-7B", "SELECT name")


def test_a_stream_comes_in_parts(platform):
    """A stream has many parts, those of the platform's events."""
    parts = [part for part in QianfanLLMEndpoint().stream(SUM) if part]

    assert len(parts) > 3
    assert parts == [event["result"] for event in platform.calls("chat").last.reply if event["result"]]


def test_streaming_inside(platform):
    """With streaming=True the call is streamed and the text comes whole."""
    llm = QianfanLLMEndpoint(streaming=True)

    assert "3 + 4 = 7" in llm.invoke(SUM)
    assert "3 + 4 = 7" in asyncio.run(llm.ainvoke(SUM))
    assert [call.body["stream"] for call in platform.calls("chat")] == [True, True]


@pytest.mark.parametrize("way", ["generate", "agenerate", "batch", "abatch"])
def test_many_prompts(platform, way):
    """Several prompts come back in their order, on one access token."""
    llm, prompts = QianfanLLMEndpoint(), [f"{number} + 1 等于多少" for number in range(6)]
    result = getattr(llm, way)(prompts)
    result = asyncio.run(result) if way.startswith("a") else result
    texts = result if way.endswith("batch") else [made.text for [made] in result.generations]

    assert [f"{number} + 1 = {number + 1}" in text for number, text in enumerate(texts)] == [True] * 6
    assert (len(platform.calls("chat")), len(platform.calls("token"))) == (6, 1)


def test_arguments(platform, ask):
    """Arguments of the model, of the call and extra ones arrive in the body under their names."""
    llm = QianfanLLMEndpoint(model="ERNIE-Bot-4", temperature=0.2, model_kwargs={"user_id": "u1"})
    text = ask(llm, SUM, stop=["。"], top_p=0.5)

    call = platform.calls("chat").last
    assert call.model == "ERNIE-Bot-4"
    sent = {name: call.body[name] for name in call.body if name not in {"messages", "stream"}}
    assert sent == {"temperature": 0.2, "top_p": 0.5, "penalty_score": 1, "user_id": "u1", "stop": ["。"]}
    assert text.endswith("3 + 4 = 7")


def test_an_endpoint(platform, ask):
    """A service of the user's own gets the prompt as it is."""
    platform.add_endpoint("my_service", "completion")
    assert ask(QianfanLLMEndpoint(endpoint="my_service"), SUM)

    [call] = platform.calls("completion")
    assert (call.endpoint, call.body["prompt"]) == ("my_service", SUM)


@pytest.mark.usefixtures("platform")
def test_a_chain(ask):
    """A prompt, the model and a parser make a chain."""
    chain = PromptTemplate.from_template("{a} * {b} 等于多少") | QianfanLLMEndpoint() | StrOutputParser()

    assert "6 * 7 = 42" in ask(chain, {"a": 6, "b": 7})


@pytest.mark.usefixtures("platform")
def test_a_refused_call(ask):
    """What the platform refuses is raised as our error."""
    with pytest.raises(qianfan.errors.BadRequestError, match="top_p"):
        ask(QianfanLLMEndpoint(top_p=7), SUM)
