"""Every kind of call beside chat against the local platform, whole: the SDK on one side, a strict server on the other."""

from __future__ import annotations

import asyncio
import json
import struct

import numpy as np
import pytest
from applications import register
from support.worlds import streams, unary

import qianfan
from qianfan import errors

FROZEN = 1_700_000_000.0


def frozen():
    """Return a clock that moves only when told."""
    return qianfan.local.Clock(lambda: FROZEN)


@pytest.fixture
def client(make, platform):
    """A client of the platform."""
    return make(platform)


def weather(query):
    """查询城市的天气与气温。"""  # noqa: D415  # what a user would write
    return f"{query}：晴，25 度"


# Completion


def test_a_completion_by_a_chat_model(world, platform, client):
    """Without a model the default chat model answers, as to the one message of a conversation."""
    outcome = world.ask(client.completions, "你好")

    assert outcome.text.startswith("【本地平台】")
    assert outcome.reply["object"] == "completion"
    assert (
        outcome.reply.usage.total_tokens
        == outcome.reply.usage.prompt_tokens + outcome.reply.usage.completion_tokens
    )
    call = platform.calls("chat").last
    assert (call.endpoint, call.messages) == ("eb-instant", [{"role": "user", "content": "你好"}])
    assert platform.calls("completion") == []


@pytest.mark.parametrize("model", ["SQLCoder-7B", "sqlcoder-7b", "CodeLlama-7b-Instruct"])
def test_a_completion_by_a_model_of_its_own(world, platform, client, model):
    """A completion model gets the prompt, and its answer says whether it is safe."""
    outcome = world.ask(client.completions, "所有用户的名字", model=model)

    assert outcome.text
    assert (outcome.reply["object"], outcome.reply["is_safe"]) == ("completion", 1)
    assert platform.calls("completion").last.body["prompt"] == "所有用户的名字"
    assert platform.calls("chat") == []


def test_a_completion_by_ones_own_service(world, platform, client):
    """An endpoint is a completion service; with a chat model's name beside it, a chat service."""
    platform.add_endpoint("mine", kind="completion")
    platform.add_endpoint("talker", kind="chat")
    assert world.ask(client.completions, "你好", endpoint="mine").text
    assert world.ask(client.completions, "你好", endpoint="talker", model="ERNIE-Bot").text

    assert platform.calls("completion").last.endpoint == "mine"
    assert platform.calls("chat").last.endpoint == "talker"


@streams
@pytest.mark.parametrize("model", ["ERNIE-Bot", "SQLCoder-7B"])
def test_the_events_of_a_completion_add_up(world, client, model):
    """A completion streams in several events, which add up to what the whole reply says."""
    outcome = world.ask(client.completions, "请介绍一下杭州", model=model)
    whole = client.completions.do("请介绍一下杭州", model=model)

    assert len(outcome.events) > 3
    assert "".join(outcome.events) == outcome.text == whole["result"]
    assert set(outcome.reply) == set(whole)
    assert outcome.reply["usage"] == whole["usage"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"temperature": 0.5},
        {"top_p": 0.8},
        {"top_k": 3},
        {"penalty_score": 1.2},
        {"stop": ["。"]},
        {"user_id": "u-1"},
        {"extra": {"appeared_yesterday": [1]}},
        {"temperature": None, "stop": None},
    ],
    ids=repr,
)
@pytest.mark.parametrize("model", ["ERNIE-Bot", "SQLCoder-7B"])
def test_a_completion_takes(world, platform, client, model, parameters):
    """Every documented argument reaches the platform; None was not given."""
    assert world.ask(client.completions, "你好", model=model, **parameters).error is None

    body = dict(platform.calls().last.body)
    body.pop("stream", None)
    body.pop("prompt", None)
    body.pop("messages", None)
    given = {**parameters, **(parameters.get("extra") or {})}
    assert body == {name: value for name, value in given.items() if name != "extra" and value is not None}


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        ({"temperature": 0}, 336003, "temperature"),
        ({"model": "SQLCoder-7B", "top_p": 2}, 336003, "top_p"),
        ({"model": "not-born-yet"}, 3, ""),
        ({"endpoint": "nobody"}, 3, ""),
        ({"model": "SQLCoder-7B", "endpoint": "nobody"}, 3, ""),
    ],
    ids=repr,
)
def test_a_completion_is_refused(world, client, options, code, says):
    """The platform's code and words come through, whole and in events."""
    error = world.ask(client.completions, "你好", **options).error

    assert isinstance(error, errors.APIError)
    assert (error.error_code, says in error.error_msg) == (code, True)


# Embedding


@unary
def test_vectors_tell_what_is_alike(world, client):
    """Texts that have much in common are nearer to each other than those that have nothing."""
    texts = ["世界上最高的山", "最高的山是哪座", "今天晚饭吃什么"]
    vectors = world.ask(client.embeddings, texts).reply.vectors

    assert vectors.shape == (3, 384)
    assert np.allclose((vectors**2).sum(axis=1), 1)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2


@unary
@pytest.mark.parametrize(
    ("options", "dimensions"),
    [
        ({}, 384),
        ({"model": "Embedding-V1"}, 384),
        ({"model": "bge-large-zh"}, 1024),
        ({"model": "BGE-LARGE-EN"}, 1024),
        ({"model": "tao-8k"}, 1024),
        ({"endpoint": "mine"}, 384),
    ],
    ids=repr,
)
def test_each_model_has_its_dimensions(world, platform, client, options, dimensions):
    """Each preset model gives vectors of its own length, and three texts are three rows."""
    platform.add_endpoint("mine", kind="embedding")
    reply = world.ask(client.embeddings, ["a", "b", "c"], **options).reply

    assert [len(item["embedding"]) for item in reply["data"]] == [dimensions] * 3
    assert (reply["object"], reply["data"][0]["object"]) == ("embedding_list", "embedding")
    assert len(platform.calls("embedding")) == (3 if options.get("model") == "tao-8k" else 1)


@unary
def test_many_texts_are_the_same_in_parts(world, platform, client):
    """A hundred texts in parts give what they give one by one, in their order, and cost as much."""
    texts = [f"第 {number} 段文字" for number in range(100)]
    reply = world.ask(client.embeddings, texts, user_id="u-1").reply
    single = client.embeddings.do([texts[77]])

    assert len(platform.calls("embedding")) == 7 + 1
    assert reply["data"][77]["embedding"] == single["data"][0]["embedding"]
    assert reply["usage"]["total_tokens"] == sum(
        call.reply["usage"]["total_tokens"] for call in platform.calls("embedding")[:7]
    )
    assert platform.calls("embedding")[0].body["user_id"] == "u-1"
    assert reply.vectors.shape == (100, 384)


@unary
def test_a_text_the_platform_refuses_is_found(world, platform, client):
    """Within characters but not within tokens: the platform's refusal says which part of the texts held it."""
    texts = [*["短"] * 40, "山" * 900]  # 900 characters fit, 900 tokens do not
    error = world.ask(client.embeddings, texts, concurrency=1).error

    assert isinstance(error, errors.BadRequestError)
    assert (error.error_code, error.inputs, len(error.partial["data"])) == (336103, range(32, 41), 32)
    assert len(platform.calls("embedding")) == 3


@unary
@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"model": "not-born-yet"}, 3),
        ({"endpoint": "nobody"}, 3),
        ({"batch_size": 17}, 336003),
        ({"user_id": 7}, 336003),
    ],
    ids=repr,
)
def test_an_embedding_is_refused(world, client, options, code):
    """The platform's code comes through."""
    error = world.ask(client.embeddings, ["a"] * 17, **options).error

    assert isinstance(error, errors.APIError)
    assert error.error_code == code


@unary
def test_parts_wait_for_the_platforms_quota(world, start, make):
    """A client that keeps the platform's limit meets no refusal, whatever the number of parts."""
    platform = start(qps=20)
    client = make(platform, query_per_second=15)
    reply = world.ask(client.embeddings, ["a"] * 6, batch_size=1).reply

    assert len(reply["data"]) == 6
    assert [call.reply.get("error_code") for call in platform.calls("embedding")] == [None] * 6


# Plugin


@pytest.fixture
def shop(platform):
    """A plugin application with a function and a text of its own."""
    platform.add_endpoint("shop", kind="plugin")
    platform.add_plugin(weather)
    platform.add_knowledge("本店的营业时间是早上九点到晚上八点。")
    return platform


@pytest.mark.parametrize(
    "question", [("杭州天气怎么样", {}), (None, {"query": "杭州天气怎么样"})], ids=["prompt", "query"]
)
def test_a_plugin_answers(world, shop, client, question):
    """A registered function answers; the address has its slash at the end."""
    prompt, named = question
    outcome = world.ask(client.plugin, prompt, endpoint="shop", **named)

    assert outcome.text == "杭州天气怎么样：晴，25 度"
    assert shop.calls("plugin").last.body["query"] == "杭州天气怎么样"
    assert shop.calls("plugin").last.path.endswith("/plugin/shop/")


def test_a_plugin_reads_the_knowledge_base(world, shop, client):
    """A question that no function answers is answered from the knowledge base."""
    assert "早上九点" in world.ask(client.plugin, "本店的营业时间是几点", endpoint="shop").text
    assert len(shop.calls("plugin")) == 1


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    "parameters",
    [
        {"plugins": ["weather"]},
        {"llm": {"temperature": 0.5, "top_p": 0.8, "penalty_score": 1.0}},
        {"input_variables": {"name": "小明"}},
        {"history": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
        {"verbose": True},
        {"fileurl": "https://host/file.pdf"},
        {"extra": {"appeared_yesterday": [1]}},
    ],
    ids=repr,
)
def test_a_plugin_takes(world, platform, client, parameters):
    """Every documented argument reaches the platform under its own name."""
    outcome = world.ask(client.plugin, "杭州天气怎么样", endpoint="shop", **parameters)

    assert outcome.text
    body = {
        name: value
        for name, value in platform.calls("plugin").last.body.items()
        if name not in {"query", "stream"}
    }
    assert body == parameters.get("extra", parameters)
    assert ("meta_info" in outcome.reply) is ("verbose" in parameters)


@pytest.mark.parametrize(("model", "endpoint"), [("EBPlugin", "plugins"), ("EBPluginV2", "plugin")])
def test_plugins_of_ernie_bot(world, platform, client, model, endpoint):
    """A plugin of ERNIE Bot answers the last message, by name; the reply says which did."""
    platform.add_plugin(weather)
    msgs = qianfan.Messages()
    msgs.append("杭州天气怎么样")
    outcome = world.ask(client.plugin, msgs, model=model, plugins=["weather"], user_id="u-1", extra_data="{}")

    assert outcome.text == "杭州天气怎么样：晴，25 度"
    assert outcome.reply["plugin_info"][0]["plugin_name"] == "weather"
    assert outcome.reply.usage.plugins[0].name == "weather"
    call = platform.calls("erniebot").last
    assert (call.endpoint, call.messages) == (endpoint, list(msgs))


@streams
def test_the_events_of_ernie_bots_plugins_have_names(world, client):
    """Events say in `_event` what they are about, also of a plugin nobody registered."""
    found = world.open(client.plugin, "画图：3 5 7", model="EBPlugin", plugins=["eChart"]).all()

    assert [event["_event"] for event in found[:3]] == ["pluginMeta", "plugin", "plugin"]
    assert {event["_event"] for event in found[3:]} == {"chat"}
    assert "".join(event.get("result", "") for event in found).startswith("【本地平台】")


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"endpoint": "nobody"}, 3),
        ({"endpoint": "shop", "plugins": ["no-such"]}, 4224002),
        ({"endpoint": "shop", "llm": {"temperature": 0}}, 336003),
        ({"endpoint": "shop", "query": "字" * 1001}, 336003),
        (
            {
                "model": "EBPlugin",
                "plugins": ["a"],
                "messages": [{"role": "user", "content": ""}],
            },
            336003,
        ),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_a_plugin_is_refused(world, client, options, code):
    """The platform's code comes through, whole and in events."""
    prompt = None if {"query", "messages"} & set(options) else "你好"
    error = world.ask(client.plugin, prompt, **options).error

    assert isinstance(error, errors.APIError)
    assert error.error_code == code


# Reranker


@unary
@pytest.mark.parametrize("top_n", [None, 1, 2, 3])
def test_documents_are_ranked(world, platform, client, top_n):
    """The most relevant document comes first, with its place among those given; `top_n` of them."""
    documents = ["今天晚饭吃什么", "珠穆朗玛峰是世界上最高的山", "最高的楼"]
    reply = world.ask(client.rerank, "世界上最高的山", documents=documents, top_n=top_n).reply

    scores = [item.relevance_score for item in reply.results]
    assert (reply.results[0].index, reply.results[0].document) == (1, documents[1])
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == (top_n or 3)
    assert all(documents[item.index] == item.document for item in reply.results)
    assert reply.usage.total_tokens > 0
    assert platform.calls("reranker").last.endpoint == "bce_reranker_base"


@unary
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"query": "问" * 1601, "documents": ["a"]}, 336007),
        ({"query": "问", "documents": ["a"] * 65}, 336003),
        ({"query": "问", "documents": ["a" * 4097]}, 336007),
        ({"query": "问", "documents": ["a"], "top_n": 0}, 336003),
        ({"query": "问", "documents": ["a"], "model": "not-born-yet"}, 3),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_ranking_is_refused(world, client, arguments, code):
    """The platform's code comes through."""
    with pytest.raises(errors.APIError) as caught:
        world.call(client.rerank, "do", **arguments)

    assert caught.value.error_code == code


# Images


def size_of(png):
    """Return the width and height that a PNG says it has."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", png[16:24])


@unary
def test_images_are_made_and_read(world, platform, client):
    """An image that was made of a text is read again, and its text is found."""
    reply = world.ask(client.images, "一只猫", size="768x768", n=2, seed=7).reply

    assert [size_of(image) for image in reply.images] == [(768, 768)] * 2
    assert reply.images[0] != reply.images[1]
    assert reply["object"] == "image"
    read = world.ask(client.image2text, "这是什么？", image=reply.images[0])
    assert "一只猫" in read.text
    assert platform.calls("text2image").last.body == {
        "prompt": "一只猫",
        "size": "768x768",
        "n": 2,
        "seed": 7,
    }


@unary
def test_the_same_seed_gives_the_same_image(world, client):
    """Prompt, seed and size decide the image."""
    options = {"size": "768x768", "steps": 20, "sampler_index": "Euler a", "cfg_scale": 5, "style": "Base"}
    first, second, third = (
        world.ask(client.images, "猫", seed=seed, negative_prompt="狗", user_id="u", **options).reply.images
        for seed in (1, 1, 2)
    )

    assert first == second != third


@unary
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"size": "1x1"}, "size"),
        ({"n": 5}, "n "),
        ({"steps": 9}, "steps"),
        ({"seed": -1}, "seed"),
        ({"cfg_scale": 31}, "cfg_scale"),
    ],
    ids=repr,
)
def test_an_image_is_refused(world, client, options, says):
    """The platform's code and words come through."""
    error = world.ask(client.images, "猫", **options).error

    assert isinstance(error, errors.BadRequestError)
    assert (error.error_code, says in error.error_msg) == (336003, True)


def test_an_image_is_read_from_a_file(world, platform, client, tmp_path):
    """A file, and every argument of the model, reach the platform."""
    file = tmp_path / "猫.png"
    file.write_bytes(client.images.do("猫", size="768x768").images[0])
    outcome = world.ask(
        client.image2text,
        "What is it?",
        image=file,
        temperature=0.5,
        top_k=3,
        top_p=0.5,
        penalty_score=1.1,
        stop=["§"],
        user_id="u",
    )

    assert "768 pixels" in outcome.text
    assert set(platform.calls("image2text").last.body) >= {"prompt", "image", "top_k", "stop", "user_id"}


def test_what_is_no_image_is_refused(world, client):
    """The platform says that it cannot read the image."""
    error = world.ask(client.image2text, "?", image=b"no image at all").error

    assert isinstance(error, errors.BadRequestError)
    assert (error.error_code, "image" in error.error_msg) == (336003, True)


# Tokenizer


@unary
def test_tokens_are_counted_by_the_service(world, platform, client):
    """The service counts by its own rule, what it charges; the local estimate asks nobody."""
    text = "今天天气很好 nice day"

    assert world.call(client.tokenizer, "count_tokens", text, mode="remote", model="ERNIE-Bot") == 8
    assert platform.calls("tokenizer").last.body == {"prompt": text, "model": "ERNIE-Bot"}
    assert world.call(client.tokenizer, "count_tokens", text) == 5
    assert len(platform.calls("tokenizer")) == 1


@unary
def test_an_empty_text_has_no_tokens(world, client):
    """Nothing counts nothing, locally and remotely."""
    assert world.call(client.tokenizer, "count_tokens", "") == 0
    assert world.call(client.tokenizer, "count_tokens", "", "remote") == 0


# Credentials, tokens and quotas hold for every kind

#: Each kind by its classic class: the arguments of a call that any platform answers.
CALLS = {
    "ChatCompletion": {"messages": [{"role": "user", "content": "你好"}]},
    "Completion": {"prompt": "你好"},
    "Embedding": {"texts": ["你好"]},
    "Plugin": {"prompt": "画图", "model": "EBPlugin", "plugins": ["eChart"]},
    "Reranker": {"query": "山", "documents": ["水", "山"]},
    "Text2Image": {"prompt": "猫", "size": "768x768"},
}


@unary
@pytest.mark.parametrize("name", CALLS)
def test_a_revoked_token_is_renewed(world, platform, name):
    """A token that the platform forgot is fetched anew, once, unseen by the caller."""
    application = register(platform)
    thing = getattr(qianfan, name)(ak=application.ak, sk=application.sk, base_url=platform.url)
    world.call(thing, "do", **CALLS[name])
    platform.revoke_tokens()

    assert world.call(thing, "do", **CALLS[name]).code == 200
    assert len(platform.calls("token")) == 2


@unary
@pytest.mark.parametrize("name", CALLS)
def test_wrong_keys_are_told_in_the_platforms_words(world, platform, name):
    """Wrong keys fail at once, whatever the kind, and the Secret Key is in no error."""
    thing = getattr(qianfan, name)(ak="no-such-ak", sk="sk-wr0ng-s3cr3t", base_url=platform.url)
    with pytest.raises(errors.AuthError, match="unknown client id") as caught:
        world.call(thing, "do", **CALLS[name])

    assert "wr0ng" not in str(caught.value) + repr(vars(caught.value))


@unary
@pytest.mark.parametrize("name", CALLS)
def test_the_platforms_quota_holds_for_each_service(world, start, name):
    """The second call in a minute is refused with 336501 where one is allowed; the reply told it before."""
    platform = start(rpm=1, clock=frozen())
    application = register(platform)
    thing = getattr(qianfan, name)(ak=application.ak, sk=application.sk, base_url=platform.url, retry_count=1)
    reply = world.call(thing, "do", **CALLS[name])
    with pytest.raises(errors.RateLimitError) as caught:
        world.call(thing, "do", **CALLS[name])

    assert (reply.rate_limit.limit_requests, reply.rate_limit.remaining_requests) == (1, 0)
    assert (caught.value.error_code, caught.value.rate_limit.remaining_requests) == (336501, 0)


def test_all_kinds_at_once_in_one_loop(platform, make):
    """One client answers calls of all kinds side by side, with one token."""
    client = make(platform)

    async def all_at_once():
        async with client:
            return await asyncio.gather(
                client.chat.ado([{"role": "user", "content": "你好"}]),
                client.completions.ado("你好"),
                client.embeddings.ado(["你好"] * 40),
                client.rerank.ado("山", ["水", "山"]),
                client.images.ado("猫", size="768x768"),
                client.tokenizer.acount_tokens("你好", "remote"),
            )

    replies = asyncio.run(all_at_once())

    assert len(replies[2]["data"]) == 40
    assert replies[-1] == 2
    assert len(platform.calls("token")) == 1


def test_replies_are_plain_json(client):
    """The body of a reply of any kind can be written as JSON again."""
    for reply in (
        client.completions.do("你好"),
        client.embeddings.do(["a"] * 17),
        client.rerank.do("a", ["a"]),
    ):
        assert json.loads(json.dumps(reply.body)) == reply.body
