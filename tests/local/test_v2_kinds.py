"""The other kinds of v2: completions, embeddings, reranking, images, the list of models; and the journal."""

from __future__ import annotations

import json
import struct

import pytest
from v2_caller import MODEL, QUESTION, V2, chunks, code, refusal

import qianfan.local
from qianfan import catalog
from qianfan.local import images, png, text2image

COMPLETIONS, EMBEDDINGS, RERANK, IMAGES = "/completions", "/embeddings", "/rerank", "/images/generations"


@pytest.fixture(scope="module")
def v2(shared):
    """A caller of one platform for the whole module."""
    return V2(shared)


def test_completion(v2):
    """A prompt is answered in `choices[].text`, whole and as a stream that ends as chat's does."""
    body = {"model": MODEL, "prompt": "从前有座山"}
    whole = v2.post(body, COMPLETIONS).json()
    response = v2.post({**body, "stream": True, "stream_options": {"include_usage": True}}, COMPLETIONS)
    *events, last = chunks(response)

    assert list(whole) == ["id", "object", "created", "model", "choices", "usage"]
    assert (whole["object"], whole["model"]) == ("text_completion", MODEL)
    (choice,) = whole["choices"]
    assert (list(choice), choice["finish_reason"]) == (["index", "text", "finish_reason"], "stop")
    assert "从前有座山" in choice["text"]
    assert "".join(event["choices"][0]["text"] for event in events) == choice["text"]
    assert [event["choices"][0].get("finish_reason") for event in events[-2:]] == [None, "stop"]
    assert (last["choices"], last["usage"]) == ([], whole["usage"])


@pytest.mark.parametrize(
    ("fields", "finish"),
    [
        ({"max_tokens": 3}, "length"),
        ({"stop": "平台"}, "stop"),
        ({"prompt": "触发安全审核"}, "content_filter"),
    ],
)
def test_where_a_completion_ends(v2, fields, finish):
    """A completion ends as a chat's answer does."""
    body = {"model": "deepseek-r1", "prompt": "从前", **fields}

    assert v2.post(body, COMPLETIONS).json()["choices"][0]["finish_reason"] == finish


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "prompt is required"),
        ({"prompt": 5}, "prompt must be a string"),
        ({"prompt": ["x"]}, "prompt must be a string"),
        ({"prompt": " "}, "prompt can't be blank"),
        ({"prompt": "x", "temperature": 0}, "temperature must be a number in (0, 1]"),
        ({"prompt": "x", "stop": []} | {"stop": 1}, "stop must be an array"),
    ],
)
def test_completions_that_are_refused(v2, fields, said):
    """What breaks a rule is `invalid_argument`."""
    status, _, word, message = v2.refusal({"model": MODEL, **fields}, COMPLETIONS)

    assert (status, word) == (400, "invalid_argument")
    assert said in message


@pytest.mark.parametrize("model", [model.id for model in catalog.v2_models("embedding")])
def test_embedding(v2, model):
    """Every embedding model of the catalogue gives vectors of its dimensions, for a text or an array."""
    one = v2.post({"model": model, "input": "你好"}, EMBEDDINGS).json()
    same = v2.post({"model": model, "input": ["你好"], "encoding_format": "float"}, EMBEDDINGS).json()

    assert list(one) == ["id", "object", "created", "data", "usage"]
    assert one["object"] == "embedding_list"
    assert one["usage"] == {"prompt_tokens": 2, "total_tokens": 2}
    (vector,) = one["data"]
    assert (vector["object"], vector["index"]) == ("embedding", 0)
    assert len(vector["embedding"]) == (catalog.find_v2("embedding", model).dimensions or 384)
    assert one["data"] == same["data"]


@pytest.mark.parametrize(
    ("endpoint", "model"),
    [("embedding-v1", "embedding-v1"), ("bge_large_zh", "bge-large-zh"), ("tao_8k", "tao-8k")],
)
def test_vectors_are_those_of_v1(shared, endpoint, model):
    """The same model gives the same vectors on both APIs, so an index made on one serves the other."""
    first = shared.post({"input": ["今天天气"]}, endpoint, service="embeddings").json()
    second = V2(shared).post({"model": model, "input": ["今天天气"]}, EMBEDDINGS).json()

    assert first["data"] == second["data"]


@pytest.mark.parametrize(
    ("fields", "word", "said"),
    [
        ({}, "invalid_argument", "input is required"),
        ({"input": ""}, "invalid_argument", "input must be an array of 1 to 16 strings"),
        ({"input": []}, "invalid_argument", "input must be an array of 1 to 16 strings"),
        ({"input": ["x"] * 17}, "invalid_argument", "input must be an array of 1 to 16 strings"),
        ({"input": [1, 2, 3]}, "invalid_argument", "input must be an array of 1 to 16 strings"),
        ({"input": ["x"], "encoding_format": "int8"}, "invalid_argument", "encoding_format must be one of"),
        ({"input": ["x"], "user": 5}, "invalid_argument", "user must be a string"),
        ({"input": ["x" * 1001]}, "characters_too_long", "the max input characters is 1000"),
        ({"input": ["字" * 385]}, "tokens_too_long", "Prompt tokens too long"),
    ],
)
def test_embeddings_that_are_refused(v2, fields, word, said):
    """Limits and types are v1's, with v2's codes."""
    status, _, given, message = v2.refusal({"model": "embedding-v1", **fields}, EMBEDDINGS)

    assert (status, given) == (400, word)
    assert said in message


def test_base64_is_answered_with_floats(v2):
    """The OpenAI SDK asks for base64 where its user says nothing, and takes floats."""
    body = {"model": "embedding-v1", "input": ["x"], "encoding_format": "base64"}

    assert isinstance(v2.post(body, EMBEDDINGS).json()["data"][0]["embedding"][0], float)


@pytest.mark.parametrize("path", ["/rerank", "/rerankers"])
def test_rerank(shared, path):
    """Both paths answer what v1 does."""
    asked = {"query": "上海天气", "documents": ["北京天气", "上海天气", "股票"], "top_n": 2}
    body = V2(shared).post({"model": "bce-reranker-base", **asked}, path).json()
    first = shared.post(asked, "bce_reranker_base", service="reranker").json()

    assert list(body) == ["id", "object", "created", "results", "usage"]
    assert body["results"] == first["results"]
    assert [result["index"] for result in body["results"]] == [1, 0]


@pytest.mark.parametrize(
    ("fields", "word", "said"),
    [
        ({"documents": ["x"]}, "invalid_argument", "query is required"),
        ({"query": "x"}, "invalid_argument", "documents is required"),
        (
            {"query": "x", "documents": ["x"] * 65},
            "invalid_argument",
            "documents must be an array of 1 to 64",
        ),
        ({"query": "x", "documents": ["x"], "top_n": 0}, "invalid_argument", "top_n must be an integer"),
        ({"query": "x", "documents": ["x"], "user": []}, "invalid_argument", "user must be a string"),
        ({"query": "x" * 1601, "documents": ["x"]}, "characters_too_long", "characters is 1600"),
        ({"query": "x", "documents": ["x" * 4097]}, "characters_too_long", "characters is 4096"),
    ],
)
def test_reranking_that_is_refused(v2, fields, word, said):
    """Limits and types are v1's, with v2's codes."""
    status, _, given, message = v2.refusal({"model": "bce-reranker-base", **fields}, RERANK)

    assert (status, given) == (400, word)
    assert said in message


@pytest.mark.parametrize("model", ["irag-1.0", "flux.1-schnell"])
def test_images(v2, model):
    """Each picture has an address, which gives a PNG of the size that was asked for, to whoever asks."""
    body = v2.post({"model": model, "prompt": "一只猫", "size": "512x768", "n": 2}, IMAGES).json()
    files = [v2.http.request("GET", item["url"]) for item in body["data"]]

    assert list(body) == ["id", "created", "data"]
    assert [list(item) for item in body["data"]] == [["url"], ["url"]]
    assert files[0].data != files[1].data
    for file in files:
        assert (file.status, file.headers["Content-Type"]) == (200, "image/png")
        assert images.read(file.data)[1:] == (512, 768)
        assert png.read_text(file.data, text2image.PROMPT) == "一只猫"
    assert v2.http.request("GET", body["data"][0]["url"]).data == files[0].data


def test_what_decides_a_picture(v2):
    """The seed changes the picture, the other fields do not; 1024x1024 is the usual size."""
    plain, same, other = (
        v2.post({"model": "irag-1.0", "prompt": "猫", **fields}, IMAGES).json()["data"][0]["url"]
        for fields in ({}, {"steps": 5, "guidance": 2.5, "user": "me", "seed": 0}, {"seed": 7})
    )

    assert plain == same != other
    assert struct.unpack_from(">II", v2.http.request("GET", plain).data, 16) == (1024, 1024)


PROMPT, REFERENCE = "invalid_image_genration_prompt", "invalid_image_genration_refer_image"


@pytest.mark.parametrize(
    ("fields", "word", "said"),
    [
        ({"prompt": None}, PROMPT, "prompt must be a string of 1 to 220 characters"),
        ({"prompt": " "}, PROMPT, "prompt must be a string of 1 to 220 characters"),
        ({"prompt": 5}, PROMPT, "prompt must be a string of 1 to 220 characters"),
        ({"prompt": "x" * 221}, PROMPT, "prompt must be a string of 1 to 220 characters"),
        ({"model": "flux.1-schnell", "prompt": "x" * 513}, PROMPT, "of 1 to 512 characters"),
        ({"refer_image": 5}, REFERENCE, "refer_image must be the address of an image"),
        ({"refer_image": "x.png"}, REFERENCE, "refer_image must be the address of an image"),
        ({"n": 0}, "invalid_argument", "n must be an integer in [1, 4]"),
        ({"n": 5}, "invalid_argument", "n must be an integer in [1, 4]"),
        ({"size": "256x256"}, "invalid_argument", "size must be from 512x512 to 2048x2048"),
        ({"size": "512x2049"}, "invalid_argument", "size must be from 512x512 to 2048x2048"),
        ({"size": "５１２x512"}, "invalid_argument", "size must be from 512x512 to 2048x2048"),
        ({"size": 512}, "invalid_argument", "size must be from 512x512 to 2048x2048"),
        ({"steps": 51}, "invalid_argument", "steps must be an integer in [1, 50]"),
        ({"seed": -1}, "invalid_argument", "seed must be an integer in [0, 4294967295]"),
        ({"guidance": "x"}, "invalid_argument", "guidance must be a number in [0, 30]"),
        ({"user": 5}, "invalid_argument", "user must be a string"),
    ],
)
def test_images_that_are_refused(v2, fields, word, said):
    """Prompt and reference have codes of their own, the other fields `invalid_argument`."""
    status, _, given, message = v2.refusal({"model": "irag-1.0", "prompt": "猫", **fields}, IMAGES)

    assert (status, given) == (400, word)
    assert said in message


def test_the_ends_of_the_ranges_of_images(v2):
    """Values at the end of their range are answered."""
    fields = {"prompt": "x" * 220, "n": 4, "size": "512x2048", "steps": 1, "seed": 2**32 - 1, "guidance": 0}
    reference = {"refer_image": "https://example.com/x.png"}

    for model in ({"model": "irag-1.0"}, {"model": "flux.1-schnell", "prompt": "x" * 512}):
        assert code(v2.post({**fields, **reference, **model}, IMAGES)) is None


@pytest.mark.parametrize(
    "token", ["x", "AAAA", "WyJ4Il0", "%E4%BD%A0", "WyJ4IiwwLDAsMSwxXQ", "WyJ4IiwwLDAsOTk5OTksMV0"]
)
def test_addresses_of_no_picture(v2, token):
    """An address that was not given out is 404, also one of a picture too large to draw."""
    url = f"{v2.platform.url}/qianfan/images/{token}.png"

    assert refusal(v2.http.request("GET", url))[:3] == (404, "invalid_request_error", "not_found")
    assert refusal(v2.http.request("POST", url))[0] == 405


def test_models(start):
    """The list has the catalogue's models and the added ones, each once."""
    v2 = V2(start())
    for name, kind in (
        ("mine", "chat"),
        ("vectors", "embedding"),
        ("mine", "completion"),
        ("seen", "image2text"),
    ):
        v2.platform.add_endpoint(name, kind)

    body = v2.get("/models").json()
    kinds = ("chat", "embedding", "reranker", "text2image")
    assert body["object"] == "list"
    assert [model["id"] for model in body["data"]] == [
        *(model.id for kind in kinds for model in catalog.v2_models(kind)),
        *("mine", "vectors"),
    ]
    assert body["data"][0] == {"id": "ernie-4.0-8k-latest", "object": "model", "owned_by": "", "created": 0}


@pytest.mark.parametrize(
    ("kind", "path", "body"),
    [
        ("chat", "/chat/completions", {"messages": [{"role": "user", "content": "hi"}]}),
        ("completion", COMPLETIONS, {"prompt": "hi"}),
        ("embedding", EMBEDDINGS, {"input": "hi"}),
        ("reranker", RERANK, {"query": "hi", "documents": ["hi"]}),
        ("text2image", IMAGES, {"prompt": "hi"}),
    ],
)
def test_custom_services(start, kind, path, body):
    """An added service of the kind answers to its name there and nowhere else; completions by chat's too."""
    v2, every = V2(start()), V2(start(any_endpoint=True))
    v2.platform.add_endpoint("mine", kind)

    assert code(v2.post({"model": "mine", **body}, path)) is None
    assert code(v2.post({"model": "other", **body}, path)) == "invalid_model"
    assert code(every.post({"model": "whatever", **body}, path)) is None
    elsewhere = code(v2.post({"model": "mine", **QUESTION, "prompt": "hi"} | {"model": "mine"}, COMPLETIONS))
    assert elsewhere == (None if kind in {"chat", "completion"} else "invalid_model")


def test_journal(start):
    """A call's route is its kind, its model the body's; the version tells the two APIs apart."""
    caller = start(clock=qianfan.local.Clock(lambda: 1_700_000_000.0))
    v2, platform = V2(caller), caller.platform
    answer = v2.ask("你好")
    events = v2.stream("你好")
    refused = v2.post({**QUESTION, "model": "nope"}).json()
    caller.ask("你好")
    v2.get("/models")
    url = v2.post({"model": "irag-1.0", "prompt": "猫"}, IMAGES).json()["data"][0]["url"]
    v2.http.request("GET", url)
    v2.get("/nowhere")
    caller.send("/nowhere")

    unary, stream, third, first = platform.calls("chat")
    assert (unary.version, unary.model, unary.endpoint, unary.path) == (
        2,
        MODEL,
        None,
        "/v2/chat/completions",
    )
    assert (unary.reply, unary.status, unary.messages) == (answer, 200, QUESTION["messages"])
    assert (stream.version, stream.reply) == (2, events)
    assert stream.duration is not None
    assert (third.version, third.model, third.status, third.reply) == (2, "nope", 401, refused)
    assert (first.version, first.model, first.endpoint) == (1, "ERNIE-Bot", "completions")
    assert [(call.route, call.version, call.model) for call in platform.calls()[5:]] == [
        ("models", 2, None),
        ("text2image", 2, "irag-1.0"),
        ("file", 2, None),
        ("unknown", 2, None),
        ("unknown", 1, None),
    ]
    assert platform.calls("token").last.version is None
    assert json.dumps([call.headers for call in platform.calls()]).count("Bearer") == 0
