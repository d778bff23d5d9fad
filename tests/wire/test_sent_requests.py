"""What a call sends."""

from __future__ import annotations

import copy

import pytest
from support.worlds import MESSAGES, streams, unary

import qianfan

PREFIX = "/rpc/2.0/ai_custom/v1/wenxinworkshop"


def test_a_call_is_one_post_with_the_token_in_its_query(world, server, chat):
    """A call posts JSON to the model's address, with the token in the query and nothing secret elsewhere."""
    assert world.ask(chat).text == "你好，很高兴见到你。"

    (sent,) = server.requests
    assert (sent.method, sent.path) == ("POST", f"{PREFIX}/chat/eb-instant")
    assert sent.query == {"access_token": server.token()}
    assert sent.headers["host"] == f"127.0.0.1:{server.port}"
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["content-length"] == str(len(sent.body))
    assert sent.headers["accept-encoding"] == "identity"
    assert sent.headers["user-agent"].startswith("qianfan-python/")
    assert "authorization" not in sent.headers


def test_the_body_holds_the_messages_and_no_more(world, server, chat):
    """The body holds the messages as UTF-8 JSON, and `stream` only where a stream is asked for."""
    world.ask(chat)

    (sent,) = server.requests
    assert sent.json == {"messages": MESSAGES, **({"stream": True} if world.streams else {})}
    assert "你好".encode() in sent.body


def test_the_token_call_is_one_post_with_the_keys_in_its_query(world, server, chat, keys):
    """The token call posts an empty body with grant type, API Key and Secret Key in the query."""
    world.ask(chat)

    (sent,) = server.token_requests
    assert (sent.method, sent.path, sent.body) == ("POST", "/oauth/2.0/token", b"")
    assert sent.query == {
        "grant_type": "client_credentials",
        "client_id": keys["ak"],
        "client_secret": keys["sk"],
    }


def test_keys_with_odd_characters_arrive_as_they_are(world, server, make):
    """Keys are quoted so that the service reads the very characters the user gave."""
    odd = {"ak": "a k&b=c+d/e%20", "sk": "密钥#?&=+ %"}
    world.ask(make(**odd).chat)

    (sent,) = server.token_requests
    assert (sent.query["client_id"], sent.query["client_secret"]) == (odd["ak"], odd["sk"])


@unary
@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({}, "eb-instant"),
        ({"model": "ERNIE-Bot-4"}, "completions_pro"),
        ({"model": "ernie-bot"}, "completions"),
        ({"endpoint": "my_service"}, "my_service"),
        ({"model": "ERNIE-Bot-4", "endpoint": "my_service"}, "my_service"),
        ({"model": "not-born-yet"}, "not-born-yet"),
        ({"model": "新 模型/1"}, "%E6%96%B0%20%E6%A8%A1%E5%9E%8B%2F1"),
    ],
)
def test_model_and_endpoint_decide_the_path(world, server, chat, options, path):
    """A preset model has its endpoint, a name unknown here travels as it is, an endpoint decides."""
    world.ask(chat, **options)

    assert server.requests[0].path == f"{PREFIX}/chat/{path}"


@unary
@pytest.mark.parametrize(
    ("constructor", "call", "path"),
    [
        ({"model": "ERNIE-Bot-4"}, {}, "completions_pro"),
        ({"endpoint": "mine"}, {}, "mine"),
        ({"model": "ERNIE-Bot-4"}, {"model": "ERNIE-Bot"}, "completions"),
        ({"endpoint": "mine"}, {"model": "ERNIE-Bot"}, "completions"),
        ({"endpoint": "mine"}, {"endpoint": "yours"}, "yours"),
        ({"model": "ERNIE-Bot"}, {"endpoint": "yours"}, "yours"),
    ],
)
def test_a_calls_arguments_override_the_constructors(world, server, network, keys, constructor, call, path):
    """What a call names takes the place of all the constructor named."""
    chat = qianfan.ChatCompletion(base_url=server.url, **constructor, **keys, **network)
    world.ask(chat, **call)

    assert server.requests[0].path == f"{PREFIX}/chat/{path}"
    if world.is_async:
        world.run(chat._client.aclose())  # the classic class has no close of its own
    chat._client.close()


def test_parameters_travel_as_they_are(world, server, chat):
    """Known parameters, unknown ones and those in `extra` are fields of the body; None is not sent."""
    functions = [{"name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}}]
    world.ask(
        chat,
        temperature=0.5,
        system="你是助手",
        functions=functions,
        stop=None,
        born_tomorrow={"deep": [1, None]},
        extra={"also_new": True},
    )

    assert {name: value for name, value in server.requests[0].json.items() if name != "stream"} == {
        "messages": MESSAGES,
        "temperature": 0.5,
        "system": "你是助手",
        "functions": functions,
        "born_tomorrow": {"deep": [1, None]},
        "also_new": True,
    }


def test_headers_query_and_request_id_are_added(world, server, chat):
    """`headers`, `query` and `request_id` go where they belong, and not into the body."""
    world.ask(chat, headers={"X-Trace": "t1"}, query={"region": "华北", "a": "1&2"}, request_id="mine-1")

    (sent,) = server.requests
    assert (sent.headers["x-trace"], sent.headers["request_id"]) == ("t1", "mine-1")
    assert sent.query == {"region": "华北", "a": "1&2", "access_token": server.token()}
    assert set(sent.json) <= {"messages", "stream"}


def test_what_the_caller_passed_is_never_changed(world, chat):
    """Messages, headers, query, extra and functions are the caller's own, before and after."""
    passed = {
        "messages": [{"role": "user", "content": "你好"}],
        "headers": {"X-Trace": "t1"},
        "query": {"q": "1"},
        "extra": {"x": {"y": 1}},
        "functions": [{"name": "f"}],
    }
    before = copy.deepcopy(passed)
    world.ask(chat, request_id="mine", **passed)

    assert passed == before


def test_a_large_message_is_sent_like_a_small_one(world, server, chat):
    """A message of three megabytes arrives whole, and without a warning."""
    large = [{"role": "user", "content": "千帆" * 500_000}]

    assert world.ask(chat, large).text == "你好，很高兴见到你。"
    assert server.requests[0].json["messages"] == large


def test_messages_of_a_conversation_are_sent_as_dicts(world, server, chat):
    """A `Messages` grows by text and reply and is sent as the list it stands for."""
    messages = qianfan.Messages()
    messages.append("你好")
    messages.append(world.ask(chat, messages).reply)
    messages.append("再见")
    world.ask(chat, messages)

    assert server.requests[1].json["messages"] == [
        {"role": "user", "content": "你好"},
        {"role": "assistant", "content": "你好，很高兴见到你。"},
        {"role": "user", "content": "再见"},
    ]


def test_a_ready_made_token_needs_no_token_call(world, server, make):
    """With `access_token=` the token travels as it is, quoted, and no token is fetched."""
    world.ask(make(ak="", sk="", access_token="24.a+b/c=").chat)

    assert server.requests[0].query == {"access_token": "24.a+b/c="}
    assert server.token_requests == []


def test_an_access_code_travels_in_a_header(world, server, make, monkeypatch):
    """A private deployment's access code travels in the Authorization header."""
    monkeypatch.setenv("QIANFAN_ACCESS_CODE", "code-1")
    world.ask(make(ak="", sk="").chat)

    assert server.requests[0].headers["authorization"] == "ACCESSCODE code-1"
    assert server.requests[0].query == {}


def test_a_base_url_may_have_a_path(world, server, make):
    """A gateway's path stands before the platform's own, for the token call too."""
    world.ask(make(base_url=f"{server.url}/gateway/").chat, model="ERNIE-Bot")

    assert server.requests[0].path == "/gateway/oauth/2.0/token"
    assert server.requests[1:] == []


@unary
def test_the_reply_reads_in_the_classic_ways(world, chat):
    """A reply reads as body, as mapping and by attribute, and knows status and headers."""
    reply = world.ask(chat).reply

    assert reply["body"]["result"] == reply["result"] == reply.result == "你好，很高兴见到你。"
    assert reply["code"] == reply.code == 200
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.usage.total_tokens == 14


@streams
def test_each_event_is_a_reply_of_its_own(world, chat):
    """Each event of a stream reads like a reply and holds only its increment."""
    opened = world.open(chat)

    assert [opened.next(), *opened.rest()] == ["你好", "，很高兴", "见到你。"]


@unary
@pytest.mark.parametrize("name", ["X-名字", "X-Bad\r\nInjected", "X Bad"])
def test_a_header_name_that_cannot_be_sent_is_the_callers_mistake(world, server, chat, name):
    """A header name HTTP does not know is refused as an argument, before anything is sent."""
    outcome = world.ask(chat, headers={name: "1"})

    assert isinstance(outcome.error, qianfan.errors.InvalidArgumentError)
    assert server.requests == []


@unary
@pytest.mark.parametrize("value", ["请求", "a\r\nInjected: 1", "a\nb"])
def test_a_header_value_that_cannot_be_sent_is_the_callers_mistake(world, server, chat, value):
    """A header value HTTP does not know is refused as an argument, before anything is sent."""
    outcome = world.ask(chat, request_id=value)

    assert isinstance(outcome.error, qianfan.errors.InvalidArgumentError)
    assert server.requests == []
