"""Programs with QianfanChatEndpoint."""

from __future__ import annotations

import asyncio
import copy
import pickle

import pytest
from langchain_community.chat_models import QianfanChatEndpoint
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

import qianfan

SUM = "3 + 4 等于多少"


def test_a_question(platform, ask):
    """A model made of the environment alone answers, with an id, a reason and the tokens."""
    answer = ask(QianfanChatEndpoint(), SUM)

    assert "3 + 4 = 7" in answer.content
    assert answer.response_metadata["finish_reason"] == "normal"
    assert answer.usage_metadata["output_tokens"] > 0
    [call] = platform.calls("chat")
    assert (call.model, call.messages) == ("ERNIE-Bot-turbo", [{"role": "user", "content": SUM}])


def test_what_an_answer_tells(platform):
    """The reply's fields stand in the metadata as the platform wrote them."""
    answer = QianfanChatEndpoint(model="ERNIE-3.5-8K").invoke(SUM)
    reply = platform.calls("chat").last.reply

    told = answer.response_metadata
    assert {name: told[name] for name in reply} == reply
    assert told["model_name"] == "ERNIE-3.5-8K"
    assert answer.additional_kwargs["request_id"] == reply["id"]
    assert answer.usage_metadata == {
        "input_tokens": reply["usage"]["prompt_tokens"],
        "output_tokens": reply["usage"]["completion_tokens"],
        "total_tokens": reply["usage"]["total_tokens"],
    }


def test_a_conversation(platform, ask):
    """System and history messages reach the platform; it answers from them."""
    conversation = [
        SystemMessage("你是诗人"),
        HumanMessage("我叫小明"),
        AIMessage("你好，小明"),
        HumanMessage("我叫什么名字？"),
    ]
    answer = ask(QianfanChatEndpoint(), conversation)

    assert "小明" in answer.content
    call = platform.calls("chat").last
    assert call.body["system"] == "你是诗人\n"
    assert [message["role"] for message in call.messages] == ["user", "assistant", "user"]


def test_a_stream_comes_in_parts(platform):
    """A stream has many parts, all with the id of their reply, and is one call."""
    parts = [part for part in QianfanChatEndpoint().stream(SUM) if part.content]

    assert len(parts) > 3
    events = platform.calls("chat").last.reply
    assert [part.content for part in parts] == [event["result"] for event in events if event["result"]]
    assert {part.response_metadata["request_id"] for part in parts} == {events[0]["id"]}
    assert platform.calls("chat").last.body["stream"] is True


def test_streaming_inside(platform):
    """With streaming=True the call is streamed and the answer comes whole."""
    chat = QianfanChatEndpoint(streaming=True)
    answers = [chat.invoke(SUM), asyncio.run(chat.ainvoke(SUM))]

    assert all("3 + 4 = 7" in answer.content for answer in answers)
    assert [call.body["stream"] for call in platform.calls("chat")] == [True, True]


@pytest.mark.parametrize("way", ["batch", "abatch"])
def test_many_at_once(platform, way):
    """Questions asked at once come back in their order, on one access token."""
    chat, questions = QianfanChatEndpoint(), [f"{number} + 1 等于多少" for number in range(12)]
    answers = chat.batch(questions) if way == "batch" else asyncio.run(chat.abatch(questions))

    assert [f"{number} + 1 = {number + 1}" in a.content for number, a in enumerate(answers)] == [True] * 12
    assert (len(platform.calls("chat")), len(platform.calls("token"))) == (12, 1)


@pytest.mark.parametrize("way", ["generate", "agenerate"])
def test_generate(platform, way):
    """Lists of messages give their generations, with what the platform said."""
    chat, inputs = QianfanChatEndpoint(), [[HumanMessage(SUM)], [HumanMessage("2 * 5 等于多少")]]
    result = chat.generate(inputs) if way == "generate" else asyncio.run(chat.agenerate(inputs))

    [first], [second] = result.generations
    assert "3 + 4 = 7" in first.text
    assert "2 * 5 = 10" in second.text
    assert {first.generation_info["id"], second.generation_info["id"]} == {
        call.reply["id"] for call in platform.calls("chat")
    }


def test_arguments(platform, ask):
    """Arguments of the model, of the call and extra ones arrive in the body under their names."""
    chat = QianfanChatEndpoint(
        model="ERNIE-Bot-4", temperature=0.2, top_p=0.6, penalty_score=1.5, model_kwargs={"user_id": "u1"}
    )
    answer = ask(chat, SUM, stop=["。"], temperature=0.3)

    call = platform.calls("chat").last
    assert call.model == "ERNIE-Bot-4"
    sent = {name: call.body[name] for name in call.body if name not in {"messages", "stream"}}
    assert sent == {"temperature": 0.3, "top_p": 0.6, "penalty_score": 1.5, "user_id": "u1", "stop": ["。"]}
    assert answer.content.endswith("3 + 4 = 7")


def test_an_endpoint(platform, ask):
    """A service of the user's own answers by the last part of its address, whatever the model."""
    platform.add_endpoint("my_service")
    ask(QianfanChatEndpoint(model="ERNIE-Bot-4", endpoint="my_service"), SUM)

    assert [call.endpoint for call in platform.calls("chat")] == ["my_service"]


def test_a_chain(platform, ask):
    """A prompt, the model and a parser make a chain that gives text in each way of asking."""
    prompt = ChatPromptTemplate.from_messages([("system", "你会算术"), ("human", "{a} + {b} 等于多少")])
    text = ask(prompt | QianfanChatEndpoint() | StrOutputParser(), {"a": 20, "b": 22})

    assert "20 + 22 = 42" in text
    assert platform.calls("chat").last.body["system"] == "你会算术\n"


def test_a_refused_call(platform, ask):
    """What the platform refuses is raised as our error, with its code, after one call."""
    with pytest.raises(qianfan.errors.BadRequestError, match="temperature") as caught:
        ask(QianfanChatEndpoint(temperature=5), SUM)

    assert caught.value.error_code == 336003
    assert len(platform.calls("chat")) == 1


def test_a_fallback(platform, ask):
    """A chain with a fallback goes on to the next model where a service is not there."""
    chat = QianfanChatEndpoint(endpoint="not_there").with_fallbacks(
        [QianfanChatEndpoint()], exceptions_to_handle=(qianfan.errors.APIError,)
    )

    assert "3 + 4 = 7" in ask(chat, SUM).content
    assert platform.calls("chat").last.model == "ERNIE-Bot-turbo"


@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        lambda chat: chat.model_copy(),
        lambda chat: pickle.loads(pickle.dumps(chat)),  # noqa: S301  # our own bytes
    ],
    ids=["copy", "deepcopy", "model_copy", "pickle"],
)
def test_copies(platform, copied):
    """A model that was used can be copied and pickled; the copy answers."""
    chat = QianfanChatEndpoint()
    chat.invoke(SUM)

    assert "3 + 4 = 7" in copied(chat).invoke(SUM).content
    assert len(platform.calls("chat")) == 2
