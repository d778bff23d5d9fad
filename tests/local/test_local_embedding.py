"""Embeddings over the wire: the vectors, what is near what, and what a request may say."""

from __future__ import annotations

import math
import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_scenarios import SEARCHES

from qianfan import catalog
from qianfan.local import embedding, tokens

MODELS = catalog.models("embedding")
DIMENSIONS = {"embedding-v1": 384, "bge_large_en": 1024, "bge_large_zh": 1024, "tao_8k": 1024}
QUICK = settings(max_examples=80, deadline=None)

texts = st.text(max_size=60) | st.sampled_from(["你好，世界", "Hello, world!", "🙂", "…", "ﬁne", "A\u0000b"])
words = st.text("abcdefghijklmnopqrstuvwxyz", min_size=4, max_size=9)
phrases = st.lists(words, min_size=2, max_size=6).map(" ".join)
chinese = st.text([chr(0x4E01 + 97 * n) for n in range(210)], min_size=4, max_size=20)
spaces = st.sampled_from(sorted(DIMENSIONS.items()))


def embed(caller, *texts, endpoint="embedding-v1", **fields):
    """Return the answer to texts."""
    return caller.post({"input": list(texts), **fields}, endpoint, service="embeddings").json()


def vectors(caller, *texts, endpoint="embedding-v1"):
    """Return the vectors of texts, asked for one by one where the model takes only one."""
    if catalog.by_endpoint("embedding", endpoint).max_texts == 1:
        return [embed(caller, text, endpoint=endpoint)["data"][0]["embedding"] for text in texts]
    return [item["embedding"] for item in embed(caller, *texts, endpoint=endpoint)["data"]]


def cosine(one, other):
    """Return the cosine of the angle between vectors, which need not be of length 1."""
    return sum(a * b for a, b in zip(one, other, strict=True)) / (math.hypot(*one) * math.hypot(*other))


def near(one, other, space="bge_large_zh", dimensions=1024):
    """Return how near two texts are."""
    return cosine(embedding.vector(one, space, dimensions), embedding.vector(other, space, dimensions))


def test_models():
    """The models of the platform, with the dimensions they are known for."""
    assert {model.endpoint: model.dimensions for model in MODELS} == DIMENSIONS


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_each_model_answers(shared, model):
    """As many vectors as the model takes texts, in their order, of its dimension and of length 1."""
    asked = ["你好", "hello world", "。", "字" * 300][: model.max_texts]
    body = embed(shared, *asked, endpoint=model.endpoint)

    assert set(body) == {"id", "object", "created", "data", "usage"}
    assert re.fullmatch(r"as-[0-9a-z]{10}", body["id"])
    assert body["object"] == "embedding_list"
    assert [(item["object"], item["index"]) for item in body["data"]] == [
        ("embedding", n) for n in range(len(asked))
    ]
    for item in body["data"]:
        assert len(item["embedding"]) == model.dimensions
        assert math.hypot(*item["embedding"]) == pytest.approx(1, abs=1e-6)
    spent = tokens.count(*asked)
    assert body["usage"] == {"prompt_tokens": spent, "total_tokens": spent}


def test_custom_services_have_a_space_of_their_own(start):
    """A custom service takes long texts, gives 384 dimensions, and other vectors than any other service."""
    caller = start(any_endpoint=True)

    one, other = (embed(caller, "字" * 30_000, "a", endpoint=name)["data"] for name in ("one", "other"))
    assert [len(item["embedding"]) for item in one] == [384, 384]
    assert abs(cosine(one[1]["embedding"], other[1]["embedding"])) < 0.5
    assert one[1]["embedding"] != embed(caller, "a")["data"][0]["embedding"]


def test_models_differ(shared):
    """The same text has another vector in each model."""
    chinese, english = (
        vectors(shared, "今天天气很好", endpoint=e)[0] for e in ("bge_large_zh", "bge_large_en")
    )

    assert abs(cosine(chinese, english)) < 0.5


def test_numbers_are_short(shared):
    """No number has more digits than a float of 32 bits is good for."""
    response = shared.post({"input": ["今天天气很好"]}, "embedding-v1", service="embeddings")

    numbers = response.data.decode().partition('"embedding":[')[2].partition("]")[0].split(",")
    assert len(numbers) == 384
    assert all(re.fullmatch(r"-?(0\.\d{1,8}|\d(\.\d)?e-\d+)", number) for number in numbers)


def test_vectors_are_the_same_in_every_process():
    """Vectors do not depend on the process, nor on how it hashes strings."""
    code = "from qianfan.local import embedding; print(embedding.vector('今天天气很好, running fast!', 's', 384))"
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }

    assert printed == {f"{embedding.vector('今天天气很好, running fast!', 's', 384)}\n".encode()}


def test_a_vector_of_long_ago():
    """Vectors stay what they are from release to release: programs keep them."""
    vector = embedding.vector("你好 world", "embedding-v1", 384)

    assert {n: value for n, value in enumerate(vector[:40]) if value} == {
        10: 0.04641743,
        14: -0.16060432,
        20: -0.05848597,
        22: -0.06591275,
        26: 0.01299688,
        28: 0.05848597,
        29: -0.05848597,
        37: 0.05848597,
    }


@pytest.mark.parametrize("endpoint", sorted(DIMENSIONS))
@pytest.mark.parametrize(("query", "wanted", "others"), SEARCHES, ids=[search[0] for search in SEARCHES])
def test_searches_find(shared, endpoint, query, wanted, others):
    """In every model the text that answers a query is nearer to it than the others."""
    asked, found, *rest = vectors(shared, query, wanted, *others, endpoint=endpoint)

    assert cosine(asked, found) > max(cosine(asked, other) for other in rest)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("Hello, World!", "hello world"),
        ("HELLO", "hello"),
        ("你好。", "你好"),
        ("ＡＢＣ公司", "abc公司"),
        ("snake_case-name", "snake case name"),
        ("！！！", "…"),
    ],
)
def test_case_width_and_marks_do_not_matter(text, other):
    """Texts that differ in letters' case or width or in marks have the same vector."""
    assert near(text, other) == pytest.approx(1)


@pytest.mark.parametrize(
    ("text", "nearer", "farther"),
    [
        ("run", "running", "singing"),
        ("language", "languages", "sandwich"),
        ("database", "databases", "dataset"),
        ("人工智能", "人工智能技术", "人工湖"),
        ("中国历史", "中国的历史", "外国小说"),
        ("机器学习", "学习机器", "学习英语"),
        ("苹果的价格是多少", "苹果多少钱", "这是什么的声音"),
        ("what is the price of an apple", "apple prices", "what is the name of the song"),
    ],
)
def test_near_and_far(text, nearer, farther):
    """Forms of a word, and texts with rarer words in common, are nearer than those with common words."""
    assert near(text, nearer) > near(text, farther) + 0.1


@QUICK
@given(texts, spaces)
def test_every_text_has_a_unit_vector(text, space):
    """Whatever the text, its vector has the dimension, length 1, and comes out the same again."""
    vector = embedding.vector(text, *space)

    assert len(vector) == space[1]
    assert math.hypot(*vector) == pytest.approx(1, abs=1e-6)
    assert vector == embedding.vector(text, *space)


@QUICK
@given(phrases | chinese, phrases | chinese, spaces)
def test_what_is_shared_is_near(text, other, space):
    """A text is nearer to a longer one that contains it than to one with which it has nothing in common."""
    joined, apart = f"{text} {other}", "龘靐齉爩麤鱻"

    assert near(text, joined, *space) > near(text, apart, *space)


@QUICK
@given(st.text("abcdefgh ", min_size=1, max_size=40), st.text("qrstuvwxyz ", min_size=1, max_size=40), spaces)
def test_nothing_in_common_is_far(text, other, space):
    """Texts without a letter in common are almost at right angles."""
    if text.strip() or other.strip():
        assert abs(near(text, other, *space)) < 0.5


@QUICK
@given(st.lists(words, min_size=6, max_size=6, unique=True), spaces)
def test_more_in_common_is_nearer(some, space):
    """Of a text's copies with more and more words replaced, the farther are those with more replaced."""
    marks = ["0000", "1111", "2222", "3333", "4444", "5555"]
    copies = [" ".join(marks[:n] + some[n:]) for n in (0, 3, 6)]
    same, half, none = (near(copies[0], copy, *space) for copy in copies)

    assert same > half > none


INPUT = "input must be an array of 1 to 16 strings, none of them empty"


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({}, 336001, "input is required"),
        ({"input": None}, 336001, "input is required"),
        ({"input": "你好"}, 336003, INPUT),
        ({"input": {}}, 336003, INPUT),
        ({"input": []}, 336003, INPUT),
        ({"input": ["a", ""]}, 336003, INPUT),
        ({"input": ["a", None]}, 336003, INPUT),
        ({"input": [[1, 2]]}, 336003, INPUT),
        ({"input": ["a"] * 17}, 336003, INPUT),
        ({"input": ["a"], "user_id": 1}, 336003, "user_id must be a string"),
        ({"input": ["a", "b" * 1001]}, 336007, "the max input characters is 1000"),
        ({"input": ["a", "字" * 385]}, 336103, "Prompt tokens too long"),
    ],
)
def test_bad_requests(shared, body, code, message):
    """Each wrong value has its code and words."""
    answer = shared.post(body, "embedding-v1", service="embeddings").json()

    assert (code, message) == (answer["error_code"], answer["error_msg"])


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_each_model_has_its_limits(shared, model):
    """Number of texts, characters and tokens of each text: the most is taken, one more is not."""
    most = [
        (["a"] * model.max_texts, None),
        (["a"] * (model.max_texts + 1), 336003),
        (["a" * model.max_text_chars], None),
        (["a" * (model.max_text_chars + 1)], 336007),
        (["字" * model.max_text_tokens], None),
        (["字" * (model.max_text_tokens + 1)], 336103),
        (["字" * model.max_text_tokens] * model.max_texts, None),
    ]

    codes = [embed(shared, *texts, endpoint=model.endpoint).get("error_code") for texts, _ in most]
    assert codes == [code for _, code in most]


def test_one_text_has_its_own_words(shared):
    """A model that takes one text says so."""
    answer = embed(shared, "a", "b", endpoint="tao_8k")

    assert answer["error_msg"] == "input must be an array of one string, none of them empty"


def test_unknown_fields_and_null_are_fine(shared):
    """Fields nobody knows and null are accepted; a stream is not thought of."""
    assert embed(shared, "a", user_id="u", stream=True, encoding_format=1)["data"]
    assert embed(shared, " ", user_id=None)["data"]
