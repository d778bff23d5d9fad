"""The reranker over the wire: its order, its scores, and what a request may say."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_scenarios import SEARCHES

from qianfan.local import reranker, tokens

QUICK = settings(max_examples=100, deadline=None)

texts = st.text(min_size=1, max_size=40) | st.sampled_from(
    ["你好，世界", "hello world", "？", "天气 weather"]
)


def rerank(caller, query, documents, endpoint="bce_reranker_base", **fields):
    """Return the answer to a query and documents."""
    body = {"query": query, "documents": documents, **fields}
    return caller.post(body, endpoint, service="reranker").json()


def test_answer(shared):
    """Results are sorted by score, each with its document and where that stood; usage counts all texts."""
    documents = ["发票怎么开", "重置密码的步骤", "hello world"]
    body = rerank(shared, "怎么重置密码", documents)

    assert set(body) == {"id", "object", "created", "results", "usage"}
    assert re.fullmatch(r"as-[0-9a-z]{10}", body["id"])
    assert body["object"] == "reranker_list"
    assert [result["index"] for result in body["results"]] == [1, 0, 2]
    for result in body["results"]:
        assert set(result) == {"document", "relevance_score", "index"}
        assert result["document"] == documents[result["index"]]
    spent = tokens.count("怎么重置密码", *documents)
    assert body["usage"] == {"prompt_tokens": spent, "total_tokens": spent}


@pytest.mark.parametrize(("query", "wanted", "others"), SEARCHES, ids=[search[0] for search in SEARCHES])
def test_searches_find(shared, query, wanted, others):
    """The text that answers a query is clearly first, wherever it stands, and the same on every call."""
    for place in range(len(others) + 1):
        documents = [*others[:place], wanted, *others[place:]]
        first, second = rerank(shared, query, documents, top_n=2)["results"]

        assert first["index"] == place
        assert first["relevance_score"] > second["relevance_score"] + 0.1
        again = rerank(shared, query, documents, top_n=2)["results"]
        assert again == [first, second]


@pytest.mark.parametrize(
    ("query", "better", "worse"),
    [
        ("机器学习", "机器学习入门", "机器在学习"),
        ("new york", "the museums of New York", "a new shop opened, say the people of york"),
        ("art", "the art of war", "a party at the start"),
        ("数据库索引", "数据库索引的原理与数据库索引的使用", "数据库的备份"),
    ],
)
def test_order(shared, query, better, worse):
    """Words in the query's order beat the same words apart; a whole word beats a part of one."""
    assert rerank(shared, query, [worse, better])["results"][0]["document"] == better


def test_scores_reach_from_0_to_1(shared):
    """The query itself scores 1, whatever its marks; a text with nothing in common 0."""
    results = rerank(shared, "Hello, world!", ["天气", "hello world"])["results"]

    assert [result["relevance_score"] for result in results] == [1, 0]


def test_ties_stay_in_order(shared):
    """Documents of the same score stand as they came."""
    results = rerank(shared, "你好", ["天气", "你好", "新闻", "你好", "?"])["results"]

    assert [result["index"] for result in results] == [1, 3, 0, 2, 4]


def test_scores_do_not_depend_on_the_company(shared):
    """A document's score is its own, so that scores of several requests can be compared."""
    alone = rerank(shared, "怎么重置密码", ["重置密码的步骤"])["results"][0]
    among = rerank(shared, "怎么重置密码", ["天气", "重置", "重置密码的步骤"])["results"][0]

    assert alone["relevance_score"] == among["relevance_score"]


@pytest.mark.parametrize(("top_n", "count"), [(1, 1), (2, 2), (3, 3), (4, 3), (1000, 3), (None, 3)])
def test_top_n(shared, top_n, count):
    """So many of the best are answered, at most all of them."""
    every = rerank(shared, "b", ["a", "b", "c"])["results"]

    assert rerank(shared, "b", ["a", "b", "c"], top_n=top_n)["results"] == every[:count]


@QUICK
@given(texts, st.lists(texts, min_size=1, max_size=8))
def test_scores_of_any_texts(query, documents):
    """Scores are from 0 to 1, come out the same again, and no text scores above the query itself."""
    scores = reranker.score(query, [*documents, query])

    assert all(0 <= score <= 1 for score in scores)
    assert scores == reranker.score(query, [*documents, query])
    assert scores[-1] == 1 == max(scores)


DOCUMENTS = "documents must be an array of 1 to 64 strings, none of them empty"
TOP_N = "top_n must be an integer of at least 1"


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"query": None}, 336001, "query is required"),
        ({"query": ["a"]}, 336001, "query must be a string"),
        ({"query": ""}, 336003, "query can't be blank"),
        ({"query": "字" * 1601}, 336007, "the max input characters is 1600"),
        ({"documents": None}, 336001, "documents is required"),
        ({"documents": "a"}, 336003, DOCUMENTS),
        ({"documents": []}, 336003, DOCUMENTS),
        ({"documents": ["a", ""]}, 336003, DOCUMENTS),
        ({"documents": ["a", 1]}, 336003, DOCUMENTS),
        ({"documents": [{"text": "a"}]}, 336003, DOCUMENTS),
        ({"documents": ["a"] * 65}, 336003, DOCUMENTS),
        ({"documents": ["a", "b" * 4097]}, 336007, "the max input characters is 4096"),
        ({"top_n": 0}, 336003, TOP_N),
        ({"top_n": -1}, 336003, TOP_N),
        ({"top_n": 1.5}, 336003, TOP_N),
        ({"top_n": "1"}, 336003, TOP_N),
        ({"top_n": True}, 336003, TOP_N),
        ({"user_id": 1}, 336003, "user_id must be a string"),
    ],
)
def test_bad_requests(shared, changes, code, message):
    """Each wrong value has its code and words."""
    answer = rerank(shared, **{"query": "a", "documents": ["a"], **changes})

    assert (code, message) == (answer["error_code"], answer["error_msg"])


@pytest.mark.parametrize(
    "body",
    [
        {"query": "字" * 1600},
        {"documents": ["a"] * 64},
        {"documents": ["b" * 4096]},
        {"top_n": 1, "user_id": "u", "no_such_field": 1},
        {"top_n": None, "user_id": None},
    ],
)
def test_limits_unknown_fields_and_null_are_fine(shared, body):
    """The ends of each range, fields nobody knows, and null are accepted."""
    assert rerank(shared, **{"query": "a", "documents": ["a"], **body})["results"]


def test_custom_services_keep_the_same_limits(start):
    """A custom service ranks too, by the same rules."""
    caller = start(any_endpoint=True)

    assert rerank(caller, "a", ["b", "a"], endpoint="mine")["results"][0]["index"] == 1
    assert rerank(caller, "a", ["a"] * 65, endpoint="mine")["error_code"] == 336003
