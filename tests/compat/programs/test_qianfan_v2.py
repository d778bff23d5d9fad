"""Programs with LangChain's Qianfan classes, unchanged, that today's keys bring to v2."""

from __future__ import annotations

import asyncio
import json

import pytest
from langchain_community.chat_models import QianfanChatEndpoint
from langchain_community.embeddings import QianfanEmbeddingsEndpoint
from langchain_community.llms import QianfanLLMEndpoint
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.tools import tool
from pydantic import BaseModel, Field

import qianfan

SUM = "3 + 4 等于多少"


@pytest.fixture(params=["API key", "access keys"])
def v2(request, no_keys, monkeypatch):
    """A platform that the environment leads to, with keys of v2 or of IAM, and nothing else for v1."""
    monkeypatch.delenv("QIANFAN_API_VERSION")
    if request.param == "API key":
        monkeypatch.setenv("QIANFAN_API_KEY", no_keys.api_key)
    else:
        added = no_keys.add_access_key()
        monkeypatch.setenv("QIANFAN_ACCESS_KEY", added.ak)
        monkeypatch.setenv("QIANFAN_SECRET_KEY", added.sk)
    return no_keys


def test_a_question(v2, ask):
    """A model made of the environment alone answers by v2's default model, with id, reason and tokens."""
    answer = ask(QianfanChatEndpoint(), SUM)

    assert "3 + 4 = 7" in answer.content
    assert answer.response_metadata["finish_reason"]
    assert answer.usage_metadata["output_tokens"] > 0
    [call] = v2.calls("chat")
    assert (call.version, call.model) == (2, "ernie-lite-8k")
    assert not v2.calls("token")


def test_an_old_name(v2, ask):
    """A model's name of 2023 asks for what the platform renamed it to."""
    ask(QianfanChatEndpoint(model="ERNIE-Bot-4"), SUM)

    assert v2.calls("chat").last.model == "ernie-4.0-8k"


def test_a_new_name(v2, ask):
    """A model's name of v2 asks for it, whatever its spelling in v1's list."""
    ask(QianfanChatEndpoint(model="ernie-4.5-turbo-128k"), SUM)

    assert v2.calls("chat").last.model == "ernie-4.5-turbo-128k"


def test_a_conversation(v2, ask):
    """System and history messages become messages of v2; the model answers from them."""
    conversation = [
        SystemMessage("你是诗人"),
        HumanMessage("我叫小明"),
        AIMessage("你好，小明"),
        HumanMessage("我叫什么名字？"),
    ]
    answer = ask(QianfanChatEndpoint(), conversation)

    assert "小明" in answer.content
    roles = [message["role"] for message in v2.calls("chat").last.messages]
    assert roles == ["system", "user", "assistant", "user"]


def test_arguments(v2, ask):
    """Arguments arrive under v2's names."""
    chat = QianfanChatEndpoint(
        model="ERNIE-3.5-8K", temperature=0.2, top_p=0.6, penalty_score=1.5, model_kwargs={"user_id": "u1"}
    )
    ask(chat, SUM, stop=["。"])

    body = v2.calls("chat").last.body
    sent = {name: body.get(name) for name in ("temperature", "top_p", "penalty_score", "user", "stop")}
    assert sent == {"temperature": 0.2, "top_p": 0.6, "penalty_score": 1.5, "user": "u1", "stop": ["。"]}


def test_an_endpoint(v2, ask):
    """A service of the user's own is asked for by its name."""
    v2.add_endpoint("my_service")
    ask(QianfanChatEndpoint(endpoint="my_service"), SUM)

    assert v2.calls("chat").last.model == "my_service"


@tool
def get_weather(city: str) -> str:
    """查询一个城市的天气。"""  # noqa: D415  # the model reads it
    return json.dumps({"city": city, "weather": "晴"}, ensure_ascii=False)


def test_a_tool_used(v2, ask):
    """Functions become tools; what the tool gave is the answer to its call."""
    able = QianfanChatEndpoint(model="ERNIE-3.5-8K").bind_tools([get_weather])
    messages = [HumanMessage("杭州的天气怎么样")]
    messages.append(ask(able, messages))
    messages += [get_weather.invoke(call) for call in messages[-1].tool_calls]
    answer = ask(able, messages)

    assert [call["args"] for call in messages[1].tool_calls] == [{"city": "杭州"}]
    assert "晴" in answer.content
    [_, asked, given] = v2.calls("chat").last.messages
    assert given["tool_call_id"] == asked["tool_calls"][0]["id"]


class Weather(BaseModel):
    """查询一个城市的天气。"""  # noqa: D415  # the model reads it

    city: str = Field(description="城市")


@pytest.mark.usefixtures("v2")
def test_structured_output():
    """The answer comes as an object of the user's class."""
    chat = QianfanChatEndpoint(model="ERNIE-3.5-8K")

    assert chat.with_structured_output(Weather).invoke("杭州的天气怎么样") == Weather(city="杭州")


def test_a_prompt(v2, ask):
    """A prompt is written on by v2's completions."""
    assert "3 + 4 = 7" in ask(QianfanLLMEndpoint(), SUM)
    assert [call.version for call in v2.calls() if call.route != "exchange"] == [2]


@pytest.mark.parametrize("way", ["embed_documents", "aembed_documents"])
def test_vectors(v2, way):
    """Forty texts go out in three requests and come back in their order."""
    model, texts = QianfanEmbeddingsEndpoint(), [f"第{number}篇" for number in range(40)]
    vectors = getattr(model, way)(texts)
    vectors = asyncio.run(vectors) if way.startswith("a") else vectors
    calls = v2.calls("embedding")

    assert (len(vectors), len(vectors[0])) == (40, 384)
    assert [(call.version, call.model) for call in calls] == [(2, "embedding-v1")] * 3


def test_a_refusal(v2, ask):
    """What the platform refuses is our error, with v2's code, after one call."""
    with pytest.raises(qianfan.errors.BadRequestError, match="temperature") as caught:
        ask(QianfanChatEndpoint(temperature=5), SUM)

    assert caught.value.error_code == "invalid_argument"
    assert len(v2.calls("chat")) == 1


def test_a_wrong_key(no_keys, monkeypatch, ask):
    """A key that the platform does not know is our error, in its words."""
    monkeypatch.setenv("QIANFAN_API_VERSION", "2")
    monkeypatch.setenv("QIANFAN_API_KEY", "bce-v3/ALTAK-unknown/0")
    with pytest.raises(qianfan.errors.AuthError, match="IAM Certification failed"):
        ask(QianfanChatEndpoint(), SUM)

    assert len(no_keys.calls()) == 1
