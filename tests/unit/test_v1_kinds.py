"""The v1 dialect beside chat: where each kind of call goes, what it sends, and what its replies mean."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from qianfan.core.call import Call
from qianfan.core.http import Reply
from qianfan.core.sse import Event
from qianfan.core.v1 import V1, encode
from qianfan.errors import APIError, InvalidArgumentError, RequestError

PREFIX = "https://host/rpc/2.0/ai_custom/v1/wenxinworkshop"

#: The least that a call of each kind says.
FIELDS: dict[str, dict[str, Any]] = {
    "chat": {"messages": [{"role": "user", "content": "你好"}]},
    "completion": {"prompt": "你好"},
    "embedding": {"input": ["你好"]},
    "plugin": {"query": "你好", "messages": None},
    "text2image": {"prompt": "你好"},
    "image2text": {"prompt": "你好", "image": "aGk="},
    "reranker": {"query": "你好", "documents": ["a"], "top_n": None},
    "tokenizer": {"prompt": "你好", "model": None},
}


def call(kind: str, model: str | None = None, endpoint: str | None = None, **fields: Any) -> Call:
    """Return a neutral request of a kind."""
    return Call(kind, model, endpoint, {**FIELDS[kind], **fields})


def body(asked: Call, *, verbatim: bool = False) -> Any:
    """Return the JSON that a call sends."""
    return json.loads(encode(asked, PREFIX, verbatim=verbatim).body)


class TestUrl:
    """Which URL a model or an endpoint means (the platform documentation, §3.8)."""

    @pytest.mark.parametrize(
        ("kind", "model", "path"),
        [
            # the default of the kind
            ("completion", None, "chat/eb-instant"),
            ("embedding", None, "embeddings/embedding-v1"),
            ("text2image", None, "text2image/sd_xl"),
            ("image2text", None, "image2text/fuyu_8b"),
            ("reranker", None, "reranker/bce_reranker_base"),
            ("tokenizer", None, "tokenizer/erniebot"),
            # a chat model's completion is a chat
            ("completion", "ERNIE-Bot", "chat/completions"),
            ("completion", "ernie-bot", "chat/completions"),
            ("completion", "ERNIE-Bot-4", "chat/completions_pro"),
            ("completion", "BLOOMZ-7B", "chat/bloomz_7b1"),
            ("completion", "Llama-2-7B-Chat", "chat/llama_2_7b"),
            ("completion", "not-born-yet", "chat/not-born-yet"),
            # the models that have completions of their own
            ("completion", "SQLCoder-7B", "completions/sqlcoder_7b"),
            ("completion", "sqlcoder-7b", "completions/sqlcoder_7b"),
            ("completion", "CodeLlama-7b-Instruct", "completions/codellama_7b_instruct"),
            # all other kinds
            ("embedding", "Embedding-V1", "embeddings/embedding-v1"),
            ("embedding", "embedding-v1", "embeddings/embedding-v1"),
            ("embedding", "bge-large-en", "embeddings/bge_large_en"),
            ("embedding", "BGE-large-zh", "embeddings/bge_large_zh"),
            ("embedding", "tao-8k", "embeddings/tao_8k"),
            ("embedding", "not-born-yet", "embeddings/not-born-yet"),
            ("embedding", "ERNIE-Bot", "embeddings/ERNIE-Bot"),
            ("plugin", "EBPlugin", "erniebot/plugins"),
            ("plugin", "ebplugin", "erniebot/plugins"),
            ("plugin", "EBPluginV2", "erniebot/plugin"),
            ("text2image", "stable-diffusion-xl", "text2image/sd_xl"),
            ("image2text", "Fuyu-8B", "image2text/fuyu_8b"),
            ("reranker", "bce-reranker-base_v1", "reranker/bce_reranker_base"),
            ("reranker", "新 模型/1", "reranker/%E6%96%B0%20%E6%A8%A1%E5%9E%8B%2F1"),
        ],
    )
    def test_model(self, kind: str, model: str | None, path: str) -> None:
        """A name in any case gives the documented URL; an unknown one is the last part of its kind's."""
        assert encode(call(kind, model), PREFIX).url == f"{PREFIX}/{path}"

    @pytest.mark.parametrize(
        ("kind", "model", "path"),
        [
            ("chat", None, "chat/mine"),
            ("completion", None, "completions/mine"),
            ("completion", "SQLCoder-7B", "completions/mine"),
            ("completion", "not-born-yet", "completions/mine"),
            ("completion", "ERNIE-Bot", "chat/mine"),
            ("completion", "ernie-bot-turbo", "chat/mine"),
            ("embedding", None, "embeddings/mine"),
            ("embedding", "tao-8k", "embeddings/mine"),
            ("plugin", None, "plugin/mine/"),
            ("plugin", "anything", "plugin/mine/"),
            ("plugin", "EBPlugin", "erniebot/mine"),
            ("text2image", None, "text2image/mine"),
            ("image2text", None, "image2text/mine"),
            ("reranker", None, "reranker/mine"),
        ],
    )
    def test_endpoint(self, kind: str, model: str | None, path: str) -> None:
        """An endpoint stands below its kind; a chat model's name beside it makes a completion a chat."""
        assert encode(call(kind, model, "mine"), PREFIX).url == f"{PREFIX}/{path}"

    @pytest.mark.parametrize("kind", FIELDS)
    def test_verbatim(self, kind: str) -> None:
        """With QIANFAN_USE_CUSTOM_ENDPOINT an endpoint is the whole rest of the URL, whatever the kind."""
        for endpoint in ("private/mine", "/private/mine", "private/mine/"):
            asked = call(kind, "ERNIE-Bot", endpoint)

            assert encode(asked, PREFIX, verbatim=True).url == f"{PREFIX}/{endpoint.lstrip('/')}"

    @pytest.mark.parametrize(
        ("kind", "endpoint"),
        [
            ("plugin", "plugin/mine/"),
            ("plugin", "https://host/plugin/mine/"),
            ("embedding", "/embeddings/mine"),
            ("completion", "completions/mine"),
        ],
    )
    def test_more_than_a_name(self, kind: str, endpoint: str) -> None:
        """An address as endpoint is refused, and the part that would do is named."""
        with pytest.raises(InvalidArgumentError, match="more than a name") as caught:
            encode(call(kind, None, endpoint), PREFIX)

        assert "endpoint='mine'" in caught.value.hint


class TestBody:
    """What the body says."""

    @pytest.mark.parametrize(
        ("kind", "sent"),
        [
            ("embedding", {"input": ["你好"]}),
            ("plugin", {"query": "你好"}),
            ("text2image", {"prompt": "你好"}),
            ("image2text", {"prompt": "你好", "image": "aGk="}),
            ("reranker", {"query": "你好", "documents": ["a"]}),
            ("tokenizer", {"prompt": "你好"}),
        ],
    )
    def test_fields(self, kind: str, sent: dict[str, Any]) -> None:
        """Each kind sends its own fields, under the platform's names, and none that was not given."""
        assert body(call(kind, endpoint="mine")) == sent

    @pytest.mark.parametrize(
        ("model", "endpoint"),
        [(None, None), ("ERNIE-Bot", None), ("not-born-yet", None), ("ERNIE-Bot", "mine")],
    )
    def test_a_chat_models_completion(self, model: str | None, endpoint: str | None) -> None:
        """A chat model gets the prompt as the one message of the user, and nothing called `prompt`."""
        asked = call("completion", model, endpoint, temperature=0.5, stop=None)._replace(stream=True)

        assert body(asked) == {
            "messages": [{"role": "user", "content": "你好"}],
            "temperature": 0.5,
            "stream": True,
        }

    @pytest.mark.parametrize(("model", "endpoint"), [("SQLCoder-7B", None), (None, "mine"), ("odd", "mine")])
    def test_a_completion_models_completion(self, model: str | None, endpoint: str | None) -> None:
        """A model with completions of its own gets the prompt as it is."""
        assert body(call("completion", model, endpoint, top_k=3)) == {"prompt": "你好", "top_k": 3}

    @pytest.mark.parametrize(
        ("endpoint", "name"),
        [("chat/mine", "messages"), ("/chat/mine", "messages"), ("completions/mine", "prompt")],
    )
    def test_a_verbatim_completion(self, endpoint: str, name: str) -> None:
        """Of a verbatim endpoint, the path says whether a chat answers."""
        assert list(body(call("completion", None, endpoint), verbatim=True)) == [name]

    @pytest.mark.parametrize("kind", FIELDS)
    def test_the_call_stays_as_it_is(self, kind: str) -> None:
        """Encoding changes nothing in what the caller gave."""
        fields = {**FIELDS[kind], "user_id": None}
        before = json.dumps(fields)

        encode(Call(kind, None, "mine", fields, stream=True), PREFIX)

        assert json.dumps(fields) == before

    @pytest.mark.parametrize(
        ("kind", "model", "fields", "sent"),
        [
            ("completion", None, {"max_tokens": 9, "user": "u"}, {"max_output_tokens": 9, "user_id": "u"}),
            ("completion", "SQLCoder-7B", {"max_tokens": 9}, {"max_output_tokens": 9}),
            ("embedding", None, {"user": "u"}, {"user_id": "u"}),
            ("text2image", None, {"user": "u", "n": 2}, {"user_id": "u", "n": 2}),
        ],
    )
    def test_names_of_v2(self, kind: str, model: str | None, fields: Any, sent: dict[str, Any]) -> None:
        """What v2 calls otherwise is called by v1's name, whatever the kind."""
        told = body(call(kind, model, **fields))

        assert {
            name: value for name, value in told.items() if name not in {*FIELDS[kind], "messages"}
        } == sent


def reply(body: Any, status: int = 200) -> Reply:
    """Return a JSON reply."""
    return Reply(status, {"Content-Type": "application/json"}, orjson.dumps(body))


class TestCompletionReplies:
    """A completion is called one, whoever gave it."""

    @pytest.mark.parametrize("model", ["ERNIE-Bot", "SQLCoder-7B"])
    def test_a_reply(self, model: str) -> None:
        """`object` says completion, whatever the service called it; the rest stays."""
        dialect = V1(call("completion", model))

        assert dialect.decode(reply({"object": "chat.completion", "result": "x"})).body == {
            "object": "completion",
            "result": "x",
        }

    def test_an_event(self) -> None:
        """An event of a stream is called so too, and so is their sum."""
        dialect = V1(call("completion", "ERNIE-Bot"))
        reading = dialect.reading(Reply(200, {}))
        ready: list[Any] = []
        for data in (
            b'{"object": "chat.completion", "result": "a", "is_end": false}',
            b'{"object": "chat.completion", "result": "b", "is_end": true}',
        ):
            reading.take(Event(None, data), ready)
            assert ready[-1]["object"] == "completion"

        assert reading.reply().body == {"object": "completion", "result": "ab"}

    def test_no_object(self) -> None:
        """A reply that names no object is given none."""
        assert V1(call("completion")).decode(reply({"result": "x"})).body == {"result": "x"}

    def test_other_kinds_keep_theirs(self) -> None:
        """Only completions are renamed."""
        for kind in ("chat", "plugin", "image2text"):
            decoded = V1(call(kind)).decode(reply({"object": "chat.completion", "result": ""}))

            assert decoded["object"] == "chat.completion"


def item(index: Any, **fields: Any) -> dict[str, Any]:
    """Return one vector of an embedding reply."""
    return {"object": "embedding", "embedding": [float(len(fields))], "index": index, **fields}


class TestVectors:
    """An embedding reply is usable only where each text has its one vector."""

    def test_order(self) -> None:
        """The vectors come in the order of the texts, whatever order the service answers in."""
        asked = call("embedding", input=["a", "b", "c"])

        decoded = V1(asked).decode(reply({"data": [item(2), item(0), item(1)], "usage": {}}))

        assert [it["index"] for it in decoded["data"]] == [0, 1, 2]

    @pytest.mark.parametrize(
        "data",
        [
            [item(0)],
            [item(0), item(0)],
            [item(0), item(1), item(1)],
            [item(0), item(1), item(2)],
            [item(1), item(2)],
            [item(0), item(-1)],
            [item(0), item("1")],
            [item(0), item(None)],
            [item(0), {"object": "embedding", "embedding": [0.5]}],
            [item(0), [1]],
            [item(0), None],
            [],
            None,
            {"0": item(0), "1": item(1)},
            "vectors",
        ],
        ids=lambda data: json.dumps(data)[:60],
    )
    def test_unusable(self, data: Any) -> None:
        """Too few, doubled, too many or nameless vectors are no usable reply."""
        with pytest.raises(RequestError, match="for 2 texts") as caught:
            V1(call("embedding", input=["a", "b"])).decode(reply({"data": data}))

        assert (type(caught.value), caught.value.status) == (RequestError, 200)
        assert caught.value.body

    @pytest.mark.parametrize(
        "data",
        [
            [item(0), item([1])],
            [item(0), item({})],
            [item(0), {"object": "embedding", "index": 1}],
            [item(0), item(1, embedding=None)],
        ],
        ids=["a list as index", "an object as index", "no vector", "null for a vector"],
    )
    def test_odd(self, data: Any) -> None:
        """What is no vector with a number is as unusable as none at all."""
        with pytest.raises(RequestError):
            V1(call("embedding", input=["a", "b"])).decode(reply({"data": data}))

    def test_doubled_vectors_are_told_as_such(self) -> None:
        """The error does not say that two vectors came for two texts."""
        asked = call("embedding", input=["a", "b"])

        with pytest.raises(RequestError) as caught:
            V1(asked).decode(reply({"data": [item(0), item(1), item(1)]}))

        assert "2 vectors came for 2 texts" not in str(caught.value)

    def test_no_data(self) -> None:
        """A reply of another shape is no usable reply."""
        with pytest.raises(RequestError, match="0 vectors came for 1 texts"):
            V1(call("embedding")).decode(reply({"result": "你好"}))

    def test_an_error_comes_first(self) -> None:
        """An error of the platform is told as one, in its own words."""
        with pytest.raises(APIError, match="too long") as caught:
            V1(call("embedding")).decode(reply({"error_code": 336007, "error_msg": "too long"}))

        assert caught.value.error_code == 336007


class TestHints:
    """What an error about an unknown model adds."""

    @pytest.mark.parametrize(
        ("kind", "model", "near"),
        [
            ("embedding", "bge-large-zhh", "bge-large-zh"),
            ("completion", "SQLCoder-7", "SQLCoder-7B"),
            ("reranker", "bce-reranker-base", "bce-reranker-base_v1"),
            ("text2image", "Stable-Difusion-XL", "Stable-Diffusion-XL"),
        ],
    )
    def test_a_near_miss(self, kind: str, model: str, near: str) -> None:
        """A misspelt model's refusal names the models of the same kind that look like it."""
        with pytest.raises(APIError) as caught:
            V1(call(kind, model)).decode(reply({"error_code": 3}))

        assert near in caught.value.hint
        assert model in caught.value.hint

    def test_a_model_of_another_kind(self) -> None:
        """A chat model asked for vectors is not answered with chat models."""
        with pytest.raises(APIError) as caught:
            V1(call("embedding", "ERNIE-Bot-turbo")).decode(reply({"error_code": 3}))

        assert "did you mean" not in caught.value.hint
