"""The kinds of calls beside chat and embedding: what each sends, and what comes back."""

from __future__ import annotations

import asyncio
from base64 import b64encode, encodebytes
from pathlib import Path

import pytest
from support.replies import (
    CLOSE,
    STALL,
    answer,
    chat_body,
    chat_events,
    event,
    events,
    refusal,
    stream,
    streamed,
    vectors,
    whole,
)
from support.worlds import SK, World, streams, unary

import qianfan
from qianfan import errors
from qianfan.errors import (
    ArgumentNotFoundError,
    BadRequestError,
    InvalidArgumentError,
    RequestError,
    RequestTimeoutError,
    StreamIncompleteError,
)

PREFIX = "/rpc/2.0/ai_custom/v1/wenxinworkshop"
GREETING = "你好，很高兴见到你。"

#: The start of a PNG, as good as any image here: nobody looks at it.
IMAGE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


@pytest.fixture
def client(make):
    """Return a client for the server."""
    return make()


def sent(server):
    """Return the one request's path below the prefix, and its JSON."""
    (request,) = server.requests
    return request.path.removeprefix(PREFIX), request.json


def flag(world):
    """Return what a body says of streaming in a way of calling."""
    return {"stream": True} if world.streams else {}


#: What every call may set for itself, and where it shows in the request.
COMMON = {
    "headers": {"X-A": "b"},
    "request_id": "r-1",
    "extra": {"appeared_yesterday": [1]},
    "retry_count": 1,
}

#: Each kind by the resource on a client: the arguments of a call, its path and its body.
CALLS = {
    "completions": (
        {"prompt": "你好"},
        "/chat/eb-instant",
        {"messages": [{"role": "user", "content": "你好"}]},
    ),
    "embeddings": ({"texts": ["你好"]}, "/embeddings/embedding-v1", {"input": ["你好"]}),
    "plugin": ({"prompt": "你好", "endpoint": "shop"}, "/plugin/shop/", {"query": "你好"}),
    "rerank": (
        {"query": "山", "documents": ["水", "山"]},
        "/reranker/bce_reranker_base",
        {"query": "山", "documents": ["水", "山"]},
    ),
    "images": ({"prompt": "猫"}, "/text2image/sd_xl", {"prompt": "猫"}),
    "image2text": (
        {"prompt": "这是什么？", "image": IMAGE},
        "/image2text/fuyu_8b",
        {"prompt": "这是什么？", "image": b64encode(IMAGE).decode()},
    ),
}


@unary
@pytest.mark.parametrize("name", CALLS)
def test_each_kind_sends_its_own(world, server, client, name):
    """Each kind of call is one POST to its own address, with its own fields and no other."""
    arguments, path, body = CALLS[name]
    server.always(vectors(["你好"]) if name == "embeddings" else answer())
    world.call(getattr(client, name), "do", **arguments)

    assert sent(server) == (path, body)
    assert server.requests[0].method == "POST"
    assert server.requests[0].query == {"access_token": server.token()}


@unary
@pytest.mark.parametrize("name", CALLS)
def test_each_kind_takes_what_every_call_takes(world, server, client, name):
    """Headers, a request id and fields this package does not know travel with every kind of call."""
    arguments, path, body = CALLS[name]
    server.always(vectors(["你好"]) if name == "embeddings" else answer())
    world.call(getattr(client, name), "do", **arguments, **COMMON, user_id="u-1")

    assert sent(server) == (path, {**body, "user_id": "u-1", "appeared_yesterday": [1]})
    assert (server.requests[0].headers["x-a"], server.requests[0].headers["request_id"]) == ("b", "r-1")


@unary
@pytest.mark.parametrize("name", [name for name in CALLS if name not in {"plugin", "rerank"}])
def test_query_adds_to_the_url(world, server, client, name):
    """`query=` adds to the URL where no field of the body has this name."""
    server.always(vectors(["你好"]) if name == "embeddings" else answer())
    world.call(getattr(client, name), "do", **CALLS[name][0], query={"a": "1 2"})

    assert server.requests[0].query["a"] == "1 2"


@unary
@pytest.mark.parametrize("name", CALLS)
def test_each_kind_is_tried_again(world, server, client, name):
    """What passes with time is tried again, whatever the kind; what does not is told at once."""
    good = vectors(["你好"]) if name == "embeddings" else answer()
    server.answer(refusal(336100), refusal(18), good, refusal(336003, "bad"))
    assert world.call(getattr(client, name), "do", **CALLS[name][0]).code == 200
    with pytest.raises(BadRequestError, match="bad"):
        world.call(getattr(client, name), "do", **CALLS[name][0])

    assert len(server.requests) == 4


@unary
@pytest.mark.parametrize("name", CALLS)
def test_each_kind_renews_its_token(world, server, client, name):
    """A token that is refused is fetched anew once, whatever the kind."""
    good = vectors(["你好"]) if name == "embeddings" else answer()
    server.answer(refusal(110), good)
    world.call(getattr(client, name), "do", **CALLS[name][0])

    assert [request.query["access_token"] for request in server.requests] == [
        server.token(1),
        server.token(2),
    ]


@unary
@pytest.mark.parametrize("name", CALLS)
def test_each_kind_times_out(world, server, client, name):
    """`request_timeout` bounds every kind of call."""
    server.always((STALL,))
    with pytest.raises(RequestTimeoutError):
        world.call(getattr(client, name), "do", **CALLS[name][0], request_timeout=0.1)


#: How calls may fail with the token and the Secret Key in what came back.
ECHOES = {
    "an error code": lambda secret: refusal(336003, f"no {secret}"),
    "a page": lambda secret: whole([secret], 502),
    "another body": lambda secret: whole({"data": secret, "access_token": secret}),
    "a cut body": lambda secret: (whole({"result": secret})[0][:-1], CLOSE),
}


@unary
@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("name", CALLS)
def test_no_error_of_any_kind_tells_a_secret(world, server, client, name, echo):
    """Whatever a service sends back, no error shows the token or the Secret Key."""
    server.always(ECHOES[echo](f"{server.token()} {SK}"))
    try:
        world.call(getattr(client, name), "do", **CALLS[name][0], retry_count=1)
    except errors.QianfanError as error:
        shown = "\n".join([str(error), repr(error), repr(error.args), repr(vars(error))])
        assert (server.token() in shown, SK in shown) == (False, False)
    else:
        assert echo == "another body"  # which kinds without a check take for a reply
        assert name != "embeddings"


@unary
def test_no_error_of_a_part_tells_a_secret(world, server, client):
    """Nor does the error of one of many parts, with what it adds."""
    secret = f"{server.token()} {SK}"
    server.always(refusal(336003, secret))
    server.answer(vectors(["a"] * 16))
    with pytest.raises(BadRequestError) as caught:
        world.call(client.embeddings, "do", ["a"] * 32, concurrency=1)

    shown = "\n".join([str(caught.value), repr(caught.value), repr(vars(caught.value))])
    assert (server.token() in shown, SK in shown) == (False, False)


# Completion


def test_a_completion_of_a_chat_model(world, server, client):
    """A chat model gets the prompt as the user's message; what comes back is called a completion."""
    outcome = world.ask(client.completions, "你好", model="ERNIE-Bot", temperature=0.5)

    assert outcome.text == GREETING
    assert outcome.reply["object"] == "completion"
    assert outcome.reply["usage"]["total_tokens"] == outcome.reply.usage.total_tokens > 0
    body = {"messages": [{"role": "user", "content": "你好"}], "temperature": 0.5, **flag(world)}
    assert sent(server) == ("/chat/completions", body)


@pytest.mark.parametrize(
    ("options", "path"),
    [({"model": "SQLCoder-7B"}, "/completions/sqlcoder_7b"), ({"endpoint": "mine"}, "/completions/mine")],
    ids=["SQLCoder", "an endpoint"],
)
def test_a_completion_of_a_completion_model(world, server, client, options, path):
    """A model with completions of its own, or a service of one's own, gets the prompt."""
    assert world.ask(client.completions, "你好", **options).text == GREETING
    assert sent(server) == (path, {"prompt": "你好", **flag(world)})


@streams
def test_the_events_of_a_completion(world, server, client):
    """Each event is called a completion and holds an increment; the sum is what the whole reply would be."""
    server.answer(streamed("你好", "，很高兴", "见到你。"))
    found = world.open(client.completions, "你好").all()

    assert [it["result"] for it in found] == ["你好", "，很高兴", "见到你。"]
    assert {it["object"] for it in found} == {"completion"}
    server.answer(streamed("你好", "，很高兴", "见到你。"))
    reply = world.open(client.completions, "你好").collect()
    assert (reply["result"], reply["object"]) == (GREETING, "completion")
    assert not {"is_end", "sentence_id"} & set(reply)


@streams
def test_a_completion_that_is_cut_keeps_its_part(world, server, client):
    """A stream that ends too early raises, with the part that arrived."""
    server.answer(stream(events("你好", "。")[0], CLOSE))
    outcome = world.ask(client.completions, "你好")

    assert isinstance(outcome.error, StreamIncompleteError)
    assert (outcome.error.partial["result"], outcome.error.partial["object"]) == ("你好", "completion")


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        ("", "prompt is empty"),
        (" \n", "prompt is empty"),
        (None, "prompt must be a str, not NoneType"),
        (["你好"], "prompt must be a str, not list"),
        (b"hi", "prompt must be a str, not bytes"),
        ("\ud800", "cannot be written as JSON"),
    ],
)
def test_a_wrong_prompt_is_refused(world, server, client, prompt, says):
    """What is no prompt costs no request."""
    error = world.ask(client.completions, prompt).error

    assert isinstance(error, InvalidArgumentError)
    assert says in str(error)
    assert server.requests == []


@unary
@pytest.mark.parametrize("name", ["prompt", "stream", "messages"])
def test_extra_is_no_second_door(world, server, client, name):
    """What a completion says by an argument of its own is not said by `extra` once more."""
    with pytest.raises(InvalidArgumentError, match=name):
        world.call(client.completions, "do", "你好", extra={name: "x"})

    assert server.requests == []


# Plugin


@pytest.mark.parametrize("question", [("你好", {}), (None, {"query": "你好"})], ids=["first", "query"])
def test_the_names_of_a_plugins_question(world, server, client, question):
    """The question comes first as of old, or as `query` as of late; it is sent as `query`."""
    prompt, named = question
    outcome = world.ask(client.plugin, prompt, endpoint="shop", **named)

    assert outcome.text == GREETING
    assert sent(server) == ("/plugin/shop/", {"query": "你好", **flag(world)})


@unary
def test_what_a_plugin_takes(world, server, client):
    """Every documented field travels under its own name."""
    fields = {
        "plugins": ["uuid-zhishiku"],
        "llm": {"temperature": 0.5, "top_p": 0.8, "penalty_score": 1.0},
        "input_variables": {"name": "小明"},
        "history": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],
        "verbose": True,
        "fileurl": "https://host/file.pdf",
        "user_id": "u-1",
    }
    world.call(client.plugin, "do", query="你好", endpoint="shop", **fields)

    assert sent(server) == ("/plugin/shop/", {"query": "你好", **fields})


@pytest.mark.parametrize(("model", "path"), [("EBPlugin", "plugins"), ("ebpluginv2", "plugin")])
@pytest.mark.parametrize("given", ["text", "messages", "Messages"])
def test_plugins_of_ernie_bot_take_a_conversation(world, server, client, model, path, given):
    """ERNIE Bot's plugins get messages: those given, or one made of a question."""
    msgs = qianfan.Messages()
    msgs.append("画图")
    question = {"text": "画图", "messages": [{"role": "user", "content": "画图"}], "Messages": msgs}[given]
    outcome = world.ask(client.plugin, question, model=model, plugins=["eChart"], extra_data="{}")

    assert outcome.text == GREETING
    body = {"messages": [{"role": "user", "content": "画图"}], "plugins": ["eChart"], "extra_data": "{}"}
    assert sent(server) == (f"/erniebot/{path}", {**body, **flag(world)})


@unary
def test_messages_is_a_name_too(world, server, client):
    """`messages=` names the conversation, as of late."""
    messages = [{"role": "user", "content": "画图"}]
    world.call(client.plugin, "do", model="EBPlugin", plugins=["eChart"], messages=messages)

    assert sent(server)[1]["messages"] == messages


@streams
def test_the_kinds_of_a_plugins_events(world, server, client):
    """The name of an event is in its `_event`; the sum has the answer, the plugins, and no such name."""
    info = {"plugin_info": [{"plugin_id": "eChart", "status": "2"}]}
    first, last = chat_events("你好", "。")
    server.answer(
        stream(
            b"event: pluginMeta\n" + event({"plugin_metas": [{"plugin_id": "eChart"}], "is_end": False}),
            b"event: plugin\n" + event({**info, "is_end": False}),
            b"event: chat\n" + event(first),
            b"event:chat\r\n" + event(last),
        )
    )
    opened = world.open(client.plugin, "画图", model="EBPlugin", plugins=["eChart"])
    found = opened.all()

    assert [it["_event"] for it in found] == ["pluginMeta", "plugin", "chat", "chat"]
    assert [it.get("result", "") for it in found] == ["", "", "你好", "。"]
    whole_reply = opened.stream.so_far()
    assert (whole_reply["result"], whole_reply["plugin_info"]) == ("你好。", info["plugin_info"])
    assert not {"_event", "is_end"} & set(whole_reply)


@unary
@pytest.mark.parametrize(
    ("arguments", "kind", "says"),
    [
        ({"prompt": "x"}, ArgumentNotFoundError, "endpoint="),
        ({"prompt": "x", "model": "not-born-yet"}, ArgumentNotFoundError, "endpoint="),
        ({"endpoint": "shop"}, ArgumentNotFoundError, "there is no prompt"),
        ({"model": "EBPlugin", "plugins": ["a"]}, ArgumentNotFoundError, "there is no prompt"),
        ({"prompt": "x", "model": "EBPlugin"}, ArgumentNotFoundError, "needs the plugins"),
        ({"prompt": "x", "model": "EBPlugin", "plugins": []}, ArgumentNotFoundError, "needs the plugins"),
        ({"prompt": "x", "query": "y", "endpoint": "shop"}, InvalidArgumentError, "prompt and query"),
        ({"query": "x", "messages": [], "endpoint": "shop"}, InvalidArgumentError, "query and messages"),
        ({"prompt": "", "endpoint": "shop"}, InvalidArgumentError, "prompt is empty"),
        ({"query": " ", "endpoint": "shop"}, InvalidArgumentError, "query is empty"),
        ({"query": {"a": "b"}, "endpoint": "shop"}, InvalidArgumentError, "query must be a str, not dict"),
        (
            {"messages": [{"role": "user"}], "endpoint": "shop"},
            InvalidArgumentError,
            "messages must be a str",
        ),
        ({"prompt": [], "model": "EBPlugin", "plugins": ["a"]}, InvalidArgumentError, "messages is empty"),
        (
            {"prompt": "x", "plugins": "eChart", "endpoint": "shop"},
            InvalidArgumentError,
            "plugins is one str",
        ),
        ({"prompt": "x", "endpoint": "plugin/shop/"}, InvalidArgumentError, "endpoint='shop'"),
        (
            {"prompt": "x", "endpoint": "shop", "extra": {"query": "y"}},
            InvalidArgumentError,
            "extra holds query",
        ),
    ],
)
def test_a_wrong_plugin_call_is_refused(world, server, client, arguments, kind, says):
    """What cannot be a plugin call costs no request, and the error says what is missing."""
    with pytest.raises(InvalidArgumentError) as caught:
        world.call(client.plugin, "do", **arguments)

    assert type(caught.value) is kind
    assert says in str(caught.value)
    assert (server.requests, server.token_requests) == ([], [])


# Reranker


@unary
def test_a_ranking(world, server, client):
    """Documents of any sequence are sent in order; the ranking comes back as the service gave it."""
    results = [
        {"document": "山", "relevance_score": 0.9, "index": 1},
        {"document": "水", "relevance_score": 0.1, "index": 0},
    ]
    server.answer(whole({"object": "reranker_list", "results": results, "usage": {"total_tokens": 3}}))
    documents = (text for text in ("水", "山"))
    reply = world.call(client.rerank, "do", "山", documents, 2, user_id="u-1")

    assert [it.index for it in reply.results] == [1, 0]
    assert (reply.results[0].document, reply["results"][0]["relevance_score"]) == ("山", 0.9)
    body = {"query": "山", "documents": ["水", "山"], "top_n": 2, "user_id": "u-1"}
    assert sent(server) == ("/reranker/bce_reranker_base", body)


@unary
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"query": "", "documents": ["a"]}, "query is empty"),
        ({"query": {"a": "b"}, "documents": ["a"]}, "query must be a str, not dict"),
        ({"query": "x", "documents": "a"}, "documents is one str"),
        ({"query": "x", "documents": []}, "documents is empty"),
        ({"query": "x", "documents": ["a", ""]}, "documents[1] is empty"),
        ({"query": "x", "documents": ["a", None]}, "documents[1] must be a str, not NoneType"),
        ({"query": "x", "documents": None}, "documents"),
        ({"query": "x", "documents": 5}, "documents"),
        ({"query": "x", "documents": b"ab"}, "documents"),
        ({"query": "x", "documents": {"a": "b"}}, "documents"),
        ({"query": "x", "documents": ["\ud800"]}, "cannot be written as JSON"),
        ({"query": "x", "documents": ["a"], "extra": {"top_n": 1}}, "extra holds top_n"),
    ],
)
def test_a_wrong_ranking_is_refused(world, server, client, arguments, says):
    """What cannot be ranked costs no request."""
    with pytest.raises(InvalidArgumentError) as caught:
        world.call(client.rerank, "do", **arguments)

    assert says in str(caught.value)
    assert server.requests == []


# Images


@unary
def test_images_come_as_bytes(world, server, client):
    """Every documented field travels; the images of the reply are bytes."""
    data = [
        {"object": "image", "b64_image": b64encode(IMAGE + bytes([n])).decode(), "index": n} for n in range(2)
    ]
    server.answer(whole({"object": "image", "data": data, "usage": {"total_tokens": 1}}))
    fields = {
        "negative_prompt": "狗",
        "size": "768x768",
        "n": 2,
        "steps": 20,
        "sampler_index": "Euler a",
        "seed": 7,
        "cfg_scale": 5.5,
        "style": "Anime",
        "user_id": "u-1",
    }
    reply = world.call(client.images, "do", "猫", **fields)

    assert reply.images == [IMAGE + bytes([n]) for n in range(2)]
    assert reply["data"][0]["b64_image"] == data[0]["b64_image"]
    assert sent(server) == ("/text2image/sd_xl", {"prompt": "猫", **fields})


@pytest.mark.parametrize("given", ["bytes", "bytearray", "Path", "base64", "base64 in lines", "data URL"])
def test_an_image_may_come_in_many_ways(world, server, client, tmp_path, given):
    """Bytes, a file, base64 and a data URL of one image are sent as the same base64."""
    encoded = b64encode(IMAGE).decode()
    file = tmp_path / "图.png"
    file.write_bytes(IMAGE)
    image = {
        "bytes": IMAGE,
        "bytearray": bytearray(IMAGE),
        "Path": file,
        "base64": encoded,
        "base64 in lines": encodebytes(IMAGE).decode(),
        "data URL": f"data:image/png;base64,{encoded}",
    }[given]
    outcome = world.ask(client.image2text, "这是什么？", image=image, top_k=3)

    assert outcome.text == GREETING
    body = {"prompt": "这是什么？", "image": encoded, "top_k": 3, **flag(world)}
    assert sent(server) == ("/image2text/fuyu_8b", body)


@unary
@pytest.mark.parametrize(
    ("image", "says"),
    [
        (b"", "image is empty"),
        ("", "image is empty"),
        ("data:image/png;base64,", "image is empty"),
        ("cat.png", 'Path("cat.png")'),
        ("/home/me/cats", "image is no base64"),
        ("aGk", "image is no base64"),
        ("a=Gk", "image is no base64"),
        ("这是猫", "image is no base64"),
        ("data:image/svg+xml,%3Csvg/%3E", "image is no base64"),
        (None, "image must be"),
        (7, "image must be"),
        ([IMAGE], "image must be"),
    ],
)
def test_a_wrong_image_is_refused(world, server, client, image, says):
    """What is no image costs no request."""
    with pytest.raises(InvalidArgumentError) as caught:
        world.call(client.image2text, "do", "这是什么？", image)

    assert says in str(caught.value)
    assert server.requests == []


@unary
def test_a_file_that_is_not_there_is_told_as_such(world, server, client, tmp_path):
    """A path without a file raises what opening it would; an empty file is no image."""
    with pytest.raises(FileNotFoundError):
        world.call(client.image2text, "do", "?", Path(tmp_path / "none.png"))
    (tmp_path / "empty.png").touch()
    with pytest.raises(InvalidArgumentError, match="image is empty"):
        world.call(client.image2text, "do", "?", tmp_path / "empty.png")

    assert server.requests == []


# Tokenizer


@unary
def test_remote_counting_asks_the_service(world, server, client):
    """The service's count is its `usage`; the model goes with the text where it is named."""
    server.always(whole({"object": "tokenizer.erniebot", "usage": {"prompt_tokens": 7, "total_tokens": 7}}))

    assert world.call(client.tokenizer, "count_tokens", "你好", "remote") == 7
    assert world.call(client.tokenizer, "count_tokens", text="", mode="remote", model="ERNIE-Bot") == 7
    assert [(it.path, it.json) for it in server.requests] == [
        (f"{PREFIX}/tokenizer/erniebot", {"prompt": "你好"}),
        (f"{PREFIX}/tokenizer/erniebot", {"prompt": "", "model": "ERNIE-Bot"}),
    ]


@unary
def test_local_counting_asks_nobody(world, server, client):
    """Counting locally sends nothing."""
    assert world.call(client.tokenizer, "count_tokens", "你好 world") == 2
    assert (server.requests, server.token_requests, server.connections) == ([], [], 0)


@unary
def test_a_count_that_does_not_come_is_an_error(world, server, client):
    """A reply without a count is no count of 0; a refusal is told in the service's words."""
    server.answer(refusal(336003, "too long"), whole({"object": "tokenizer.erniebot"}))
    with pytest.raises(BadRequestError, match="too long"):
        world.call(client.tokenizer, "count_tokens", "你好", "remote")
    with pytest.raises(RequestError):
        world.call(client.tokenizer, "count_tokens", "你好", "remote")


def test_the_classic_tokenizer_counts_by_the_same_rules(server, network, keys):
    """A `Tokenizer` of its own looks for keys when the service is to count, and not before."""
    server.always(whole({"usage": {"total_tokens": 7}}))
    tokenizer = qianfan.Tokenizer(base_url=server.url, **keys, **network)

    assert tokenizer.count_tokens("你好 world") == 2
    assert server.connections == 0
    assert tokenizer.count_tokens("你好", "remote") == 7
    tokenizer._client.close()  # the classic classes have no close of their own


# Many kinds at once


def test_one_client_serves_all_kinds_at_once(server, make):
    """Calls of all kinds on one client share its token and its connections, in one loop."""
    world = World("async")
    client = make()

    def choose(request):
        if "/embeddings/" in request.path:
            return vectors(request.json["input"])
        return whole(chat_body("你好", usage={"total_tokens": 3}))

    server.choose = choose

    async def all_at_once():
        replies = await asyncio.gather(
            client.chat.ado([{"role": "user", "content": "你好"}]),
            client.completions.ado("你好"),
            client.embeddings.ado(["你好"] * 40),
            client.plugin.ado("你好", endpoint="shop"),
            client.rerank.ado("山", ["水"]),
            client.images.ado("猫"),
            client.image2text.ado("?", IMAGE),
            client.tokenizer.acount_tokens("你好", "remote"),
        )
        await client.aclose()
        return replies

    replies = world.run(all_at_once())
    world.close()

    assert len(replies[2]["data"]) == 40
    assert replies[-1] == 3
    assert len(server.token_requests) == 1
