"""Programs with langchain-openai, led to the platform's v2."""

from __future__ import annotations

import asyncio

import openai
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_openai import ChatOpenAI, OpenAI, OpenAIEmbeddings
from pydantic import BaseModel, Field

MODEL = "ernie-4.0-8k"
SUM = "3 + 4 等于多少"


@pytest.fixture
def run():
    """Run coroutines in one event loop, since LangChain keeps openai's async client, which lives in one."""
    loop = asyncio.new_event_loop()
    yield loop.run_until_complete
    loop.close()


@pytest.fixture
def settings(settings, run):
    """What brings LangChain to the platform, over connections that are closed at the end."""
    http, async_http = openai.DefaultHttpxClient(), openai.DefaultAsyncHttpxClient()
    yield {**settings, "http_client": http, "http_async_client": async_http}
    http.close()
    run(async_http.aclose())


@pytest.fixture
def chat(settings):
    """A model of the platform's v2."""
    return ChatOpenAI(model=MODEL, **settings)


def test_a_question(chat, platform, ask):
    """A question is answered, with a reason, in each way of asking."""
    answer = ask(chat, SUM)

    assert "3 + 4 = 7" in answer.content
    assert answer.response_metadata["finish_reason"] == "stop"
    [call] = platform.calls("chat")
    assert (call.version, call.model) == (2, MODEL)


def test_the_tokens(settings, ask):
    """A model that is told to ask for a stream's usage has it in each way of asking."""
    usage = ask(ChatOpenAI(model=MODEL, stream_usage=True, **settings), SUM).usage_metadata

    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] > 0


def test_the_environment_is_enough(platform, settings, monkeypatch):
    """A model made of openai's own variables alone answers."""
    monkeypatch.setenv("OPENAI_API_BASE", settings.pop("base_url"))
    monkeypatch.setenv("OPENAI_API_KEY", settings.pop("api_key"))

    assert "3 + 4 = 7" in ChatOpenAI(model=MODEL, **settings).invoke(SUM).content
    assert len(platform.calls("chat")) == 1


def test_a_conversation(chat, platform, ask):
    """System and history messages reach the platform; it answers from them."""
    conversation = [
        SystemMessage("你是诗人"),
        HumanMessage("我叫小明"),
        AIMessage("你好，小明"),
        HumanMessage("我叫什么名字？"),
    ]
    answer = ask(chat, conversation)

    assert "小明" in answer.content
    roles = [message["role"] for message in platform.calls("chat").last.messages]
    assert roles == ["system", "user", "assistant", "user"]


def test_a_stream_comes_in_parts(chat, platform):
    """A stream has many parts and is one call."""
    parts = [part for part in chat.stream(SUM) if part.content]

    assert len(parts) > 3
    assert platform.calls("chat").last.body["stream"] is True
    assert len(platform.calls("chat")) == 1


@pytest.mark.parametrize("way", ["batch", "abatch"])
def test_many_at_once(chat, run, way):
    """Questions asked at once come back in their order."""
    questions = [f"{number} + 1 等于多少" for number in range(12)]
    answers = chat.batch(questions) if way == "batch" else run(chat.abatch(questions))

    assert [f"{number} + 1 = {number + 1}" in a.content for number, a in enumerate(answers)] == [True] * 12


def test_arguments(settings, platform, ask):
    """Arguments of the model, of the call and extra ones arrive in the body under their names."""
    chat = ChatOpenAI(
        model=MODEL, temperature=0.2, top_p=0.6, max_tokens=99, extra_body={"penalty_score": 1.5}, **settings
    )
    ask(chat, SUM, stop=["。"])

    body = platform.calls("chat").last.body
    assert body.items() >= {"temperature": 0.2, "top_p": 0.6, "penalty_score": 1.5, "stop": ["。"]}.items()
    assert 99 in {body.get("max_tokens"), body.get("max_completion_tokens")}


def test_a_chain(chat, ask):
    """A prompt, the model and a parser make a chain that gives text in each way of asking."""
    prompt = ChatPromptTemplate.from_messages([("system", "你会算术"), ("human", "{a} + {b} 等于多少")])

    assert "20 + 22 = 42" in ask(prompt | chat | StrOutputParser(), {"a": 20, "b": 22})


@tool
def get_weather(city: str) -> str:
    """查询一个城市的天气。"""  # noqa: D415  # the model reads it
    return f"{city}：晴"


def test_a_tool_used(chat, ask):
    """A tool that the model calls is run, and the model answers from what it gave."""
    able = chat.bind_tools([get_weather])
    messages = [HumanMessage("北京和上海的天气怎么样")]
    messages.append(ask(able, messages))
    calls = messages[-1].tool_calls
    messages += [ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"]) for call in calls]
    answer = ask(able, messages)

    assert [call["args"] for call in calls] == [{"city": "北京"}, {"city": "上海"}]
    assert "晴" in answer.content


class Weather(BaseModel):
    """查询一个城市的天气。"""  # noqa: D415  # the model reads it

    city: str = Field(description="城市")


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output(chat, platform, run, method):
    """The answer comes as an object of the user's class, by a schema or by a tool."""
    able = chat.with_structured_output(Weather, method=method)
    sync, later = able.invoke("杭州的天气怎么样"), run(able.ainvoke("杭州的天气怎么样"))

    assert sync == later == Weather(city="杭州")
    how = {"json_schema": "response_format", "function_calling": "tools"}[method]
    assert how in platform.calls("chat").last.body


def test_thoughts(settings):
    """A reasoning model answers; its thoughts, which OpenAI's protocol has not, do not get in the way."""
    answer = ChatOpenAI(model="deepseek-r1", **settings).invoke(SUM)

    assert answer.content.startswith("【本地平台】3 + 4 = 7")


def test_a_prompt(settings, run):
    """A completion writes on where it is streamed."""
    llm = OpenAI(model=MODEL, **settings)

    async def parts():
        return [part async for part in llm.astream(SUM)]

    assert "3 + 4 = 7" in "".join(llm.stream(SUM))
    assert "3 + 4 = 7" in "".join(run(parts()))


def test_lists_of_prompts(settings):
    """Whole completions LangChain asks for by lists of prompts, which are refused in words that say what to send."""
    with pytest.raises(openai.BadRequestError, match="prompt must be a string"):
        OpenAI(model=MODEL, **settings).invoke(SUM)


@pytest.fixture
def embeddings(settings):
    """Vectors of the platform's v2.

    check_embedding_ctx_length would send token numbers of OpenAI's own models, which the platform's do not read.
    """
    return OpenAIEmbeddings(model="embedding-v1", check_embedding_ctx_length=False, chunk_size=16, **settings)


@pytest.mark.parametrize("way", ["embed_documents", "aembed_documents"])
def test_vectors(embeddings, platform, run, way):
    """Forty texts go out in three requests and come back in their order."""
    texts = [f"第{number}篇" for number in range(40)]
    vectors = getattr(embeddings, way)(texts)
    vectors = run(vectors) if way.startswith("a") else vectors

    assert [len(call.body["input"]) for call in platform.calls("embedding")] == [16, 16, 8]
    assert (len(vectors), len(vectors[0])) == (40, 384)
    assert vectors[39] == embeddings.embed_query(texts[39])


def test_a_search(embeddings):
    """A vector store finds the text that is near to a question."""
    store = InMemoryVectorStore.from_texts(["西湖在杭州", "熊猫以竹子为食", "长城很长"], embeddings)

    assert store.similarity_search("杭州的西湖", k=1)[0].page_content == "西湖在杭州"


def test_a_refusal(settings, platform, ask):
    """What the platform refuses is openai's error, with the platform's code, after one call."""
    with pytest.raises(openai.BadRequestError, match="temperature") as caught:
        ask(ChatOpenAI(model=MODEL, temperature=1.5, **settings), SUM)

    assert caught.value.code == "invalid_argument"
    assert len(platform.calls("chat")) == 1


def test_a_wrong_key(settings, ask):
    """A wrong key is openai's error, in the platform's words."""
    with pytest.raises(openai.AuthenticationError, match="IAM Certification failed"):
        ask(ChatOpenAI(model=MODEL, **{**settings, "api_key": "wrong"}), SUM)
