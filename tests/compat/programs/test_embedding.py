"""Programs with QianfanEmbeddingsEndpoint."""

from __future__ import annotations

import asyncio

import pytest
from langchain_community.chat_models import QianfanChatEndpoint
from langchain_community.embeddings import QianfanEmbeddingsEndpoint
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough
from langchain_core.vectorstores import InMemoryVectorStore

TEXTS = [f"第{number}篇：{subject}" for number in range(10) for subject in ("山", "海", "诗", "茶")]

FACTS = [
    "西湖在杭州，苏堤春晓是它的十景之一。",
    "长城始建于春秋战国时期。",
    "熊猫以竹子为食，生活在四川。",
]


@pytest.fixture(params=["sync", "async"])
def embed(request):
    """Embed documents in both ways."""
    if request.param == "sync":
        return lambda model, texts: model.embed_documents(texts)
    return lambda model, texts: asyncio.run(model.aembed_documents(texts))


@pytest.mark.parametrize("way", ["embed_query", "aembed_query"])
def test_a_query(platform, way):
    """A query gives one vector of the default model."""
    model = QianfanEmbeddingsEndpoint()
    vector = model.embed_query("山") if way == "embed_query" else asyncio.run(model.aembed_query("山"))

    assert len(vector) == 384
    assert sum(number * number for number in vector) == pytest.approx(1)
    [call] = platform.calls("embedding")
    assert (call.model, call.body["input"]) == ("Embedding-V1", ["山"])


def test_many_documents(platform, embed):
    """Forty texts go out in three requests and come back in their order."""
    model = QianfanEmbeddingsEndpoint()
    vectors = embed(model, TEXTS)
    sizes = [len(call.body["input"]) for call in platform.calls("embedding")]

    assert sizes == [16, 16, 8]
    assert vectors == [model.embed_query(text) for text in TEXTS]


def test_a_chunk_size_above_the_limit(platform, embed):
    """Where LangChain passes more texts than a request takes, we split them; the order stays."""
    model = QianfanEmbeddingsEndpoint(chunk_size=100)
    vectors = embed(model, TEXTS)

    assert sorted(len(call.body["input"]) for call in platform.calls("embedding")) == [8, 16, 16]
    assert vectors == embed(QianfanEmbeddingsEndpoint(), TEXTS)


@pytest.mark.parametrize(
    ("arguments", "endpoint"),
    [({"model": "bge-large-zh"}, "bge_large_zh"), ({"endpoint": "my_vectors"}, "my_vectors")],
    ids=["model", "endpoint"],
)
def test_arguments(platform, embed, arguments, endpoint):
    """The model or service of the user's choice makes the vectors, with the extra fields."""
    platform.add_endpoint("my_vectors", "embedding")
    embed(QianfanEmbeddingsEndpoint(**arguments, model_kwargs={"user_id": "u1"}), ["山"])

    call = platform.calls("embedding").last
    assert call.endpoint == endpoint
    assert call.body == {"input": ["山"], "user_id": "u1"}


def test_a_vector_store(platform):
    """A store made of texts finds the one a question is about."""
    store = InMemoryVectorStore.from_texts(FACTS, QianfanEmbeddingsEndpoint())

    assert [found.page_content for found in store.similarity_search("熊猫吃什么", k=1)] == [FACTS[2]]
    assert asyncio.run(store.asimilarity_search("西湖在哪里", k=1))[0].page_content == FACTS[0]
    assert [len(call.body["input"]) for call in platform.calls("embedding")] == [3, 1, 1]


def test_answers_from_a_store(platform, ask):
    """A chain puts what it found in front of the question."""
    found = InMemoryVectorStore.from_texts(FACTS, QianfanEmbeddingsEndpoint()).as_retriever(
        search_kwargs={"k": 1}
    )
    context = found | (lambda documents: documents[0].page_content)
    prompt = ChatPromptTemplate.from_template("已知：{context}\n问题：{question}")
    chain = (
        {"context": context, "question": RunnablePassthrough()}
        | prompt
        | QianfanChatEndpoint()
        | StrOutputParser()
    )

    assert ask(chain, "熊猫吃什么")
    assert platform.calls("chat").last.messages[-1]["content"] == f"已知：{FACTS[2]}\n问题：熊猫吃什么"
