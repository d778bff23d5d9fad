"""Plugins of ERNIE Bot over the wire: rules, registered functions, the sample chart, named events."""

from __future__ import annotations

import json
import re

import pytest
from local_caller import conversation

from qianfan.local import tokens

FIELDS = {
    *("id", "object", "created", "result", "is_truncated", "need_clear_history", "finish_reason", "usage"),
    *("plugin_info", "plugin_metas"),
}
PLUGINS = "plugins must be an array of at least 1 string, none empty"
ODD = "the length of messages must be an odd number"
HI = {"role": "user", "content": "hi"}


def translate(query):
    """Translate a text into French."""
    return "Bonjour" if "hello" in query else "Salut"


@pytest.fixture(scope="module")
def caller(shared):
    """A caller of a platform with one function."""
    shared.platform.add_plugin(translate)
    return shared


def send(caller, body, endpoint="plugins"):
    """Send a body as JSON."""
    return caller.send(f"/erniebot/{endpoint}", json.dumps(body).encode())


def ask(caller, *turns, plugins=("translate",), endpoint="plugins", **fields):
    """Return the answer to a conversation."""
    body = {"messages": conversation(*turns), "plugins": plugins, **fields}
    return send(caller, body, endpoint).json()


def stream(caller, *turns, plugins=("translate",)):
    """Return the names and the JSON of the events of an answer, which are two lines each."""
    body = {"messages": conversation(*turns), "plugins": plugins, "stream": True}
    response = send(caller, body)
    assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    blocks = response.data.decode().split("\n\n")
    assert blocks.pop() == ""
    matches = [re.fullmatch(r"event: (\w+)\ndata: (\{.*\})", block) for block in blocks]
    return [match[1] for match in matches], [json.loads(match[2]) for match in matches]


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"plugins": ["x"]}, 336001, "messages is required"),
        ({"messages": "hi", "plugins": ["x"]}, 336001, "messages must be an array"),
        ({"messages": [HI, HI], "plugins": ["x"]}, 336006, ODD),
        ({"messages": [], "plugins": ["x"]}, 336006, ODD),
        (
            {"messages": [{"role": "user", "content": ""}], "plugins": ["x"]},
            336003,
            "the content of message can't be empty",
        ),
        ({"messages": [HI]}, 336001, "plugins is required"),
        ({"messages": [HI], "plugins": None}, 336001, "plugins is required"),
        ({"messages": [HI], "plugins": []}, 336003, PLUGINS),
        ({"messages": [HI], "plugins": "x"}, 336003, PLUGINS),
        ({"messages": [HI], "plugins": ["x", ""]}, 336003, PLUGINS),
        ({"messages": [HI], "plugins": [{}]}, 336003, PLUGINS),
        ({"messages": [HI], "plugins": ["x"], "stream": "no"}, 336003, "stream must be a boolean"),
        ({"messages": [HI], "plugins": ["x"], "user_id": 1}, 336003, "user_id must be a string"),
        ({"messages": [HI], "plugins": ["x"], "extra_data": {}}, 336003, "extra_data must be a string"),
        (None, 336001, "the body must be a JSON object"),
    ],
)
@pytest.mark.parametrize("endpoint", ["plugins", "plugin"])
def test_bad_requests(caller, endpoint, body, code, message):
    """Each breach of a rule has its code and words; messages keep the rules of chat."""
    answer = send(caller, body, endpoint).json()

    assert (code, message) == (answer["error_code"], answer["error_msg"])


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [("GET", "/erniebot/plugins", 336101), ("POST", "/erniebot/other", 3), ("POST", "/erniebot/plugins/", 3)],
)
def test_what_is_no_call(caller, method, path, code):
    """Other methods and endpoints have the API's own codes."""
    assert caller.send(path, b"{}", method=method).json()["error_code"] == code


@pytest.mark.parametrize("endpoint", ["plugins", "plugin"])
def test_function_answers(caller, endpoint):
    """A registered function answers the last message; the answer tells what it was asked and what it said."""
    answer = ask(caller, "a", "b", "say hello", endpoint=endpoint, extra_data="{}", user_id="me")

    assert set(answer) == FIELDS
    assert (answer["object"], answer["result"], answer["finish_reason"]) == (
        "chat.completion",
        "Bonjour",
        "normal",
    )
    assert answer["plugin_info"] == [
        {
            "plugin_id": "translate",
            "plugin_name": "translate",
            "plugin_req": '{"query":"say hello"}',
            "plugin_resp": "Bonjour",
            "status": "2",
            "api_id": "translate",
        }
    ]
    assert [meta["plugin_id"] for meta in answer["plugin_metas"]] == ["translate"]
    usage = answer["usage"]
    assert [plugin["name"] for plugin in usage["plugins"]] == ["translate"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (5, 1, 6)


def test_one_of_several_plugins(caller):
    """Of several named plugins the likeliest answers, else the first that is registered, else the first."""

    def name(question, *plugins):
        return ask(caller, question, plugins=plugins)["plugin_info"][0]["plugin_name"]

    caller.platform.add_plugin(lambda _: "3 pm", name="clock", description="the time of day")
    assert name("the time of day in French", "translate", "clock") == "clock"
    assert name("please translate this", "eChart", "clock", "translate") == "translate"
    assert name("hello", "eChart", "clock", "translate") == "clock"
    assert name("hello", "eChart", "ImageAI") == "eChart"


@pytest.mark.parametrize(
    ("question", "said", "data"),
    [
        ("画出 12、7 和 30 的柱状图", "插件 eChart 在本地平台上没有登记函数", [12, 7, 30]),
        ("Draw a chart of 5 and 8", "No function is registered for the plugin eChart", [5, 8]),
        ("画一张图", "add_plugin", [1, 2, 3]),
    ],
)
def test_sample_chart(caller, question, said, data):
    """A plugin nobody registered answers with a chart of the question's numbers, marked as the platform's."""
    result = ask(caller, question, plugins=["eChart"])["result"]

    chart = json.loads(re.search(r"```json\n(.*)\n```", result)[1])
    assert said in result
    assert result.startswith(("【本地平台】", "[local platform] "))
    assert chart["series"] == [{"type": "bar", "data": data}]
    assert len(chart["xAxis"]["data"]) == len(data)


def test_stream_of_named_events(caller):
    """A stream has events named pluginMeta, plugin (running, done) and chat; only chat's have words."""
    names, events = stream(caller, "画一张图", plugins=["eChart"])
    whole = ask(caller, "画一张图", plugins=["eChart"])

    words = events[3:]
    assert names == ["pluginMeta", "plugin", "plugin"] + ["chat"] * len(words)
    assert events[0]["plugin_metas"] == whole["plugin_metas"]
    running, done = (event["plugin_info"][0] for event in events[1:3])
    assert (running["status"], running["plugin_resp"]) == ("1", "")
    assert [done] == whole["plugin_info"]
    assert len(words) > 10
    assert "".join(event["result"] for event in words) == whole["result"]
    assert [event["sentence_id"] for event in words] == list(range(len(words)))
    assert [event["is_end"] for event in events] == [False] * (len(events) - 1) + [True]
    assert len({event["id"] for event in events}) == 1
    assert events[-1]["usage"] == whole["usage"]
    assert "plugins" not in words[0]["usage"]


def test_stream_of_a_function(caller):
    """A function's answer comes in the same events, and in one piece where it is one word."""
    names, events = stream(caller, "say hello")

    assert names == ["pluginMeta", "plugin", "plugin", "chat"]
    assert (events[2]["plugin_info"][0]["plugin_resp"], events[3]["result"]) == ("Bonjour", "Bonjour")


def test_function_that_raises(caller):
    """A function's error answers 4224001 as JSON, where a stream was asked for too."""

    def broken(query):
        raise KeyError(query)

    caller.platform.add_plugin(broken)
    for streamed in (False, True):
        answer = ask(caller, "hi", plugins=["broken"], stream=streamed)
        assert (answer["error_code"], answer["error_msg"]) == (
            4224001,
            "system error: the plugin broken failed",
        )


def test_journal_and_quota(start):
    """The journal's route is `erniebot`, with the catalogue's model; the tokens are charged."""
    caller = start(tpm=1000)
    body = {"messages": [HI], "plugins": ["ImageAI"]}

    response = send(caller, body)
    send(caller, {**body, "stream": True})

    answer = response.json()
    unary, streamed = caller.platform.calls("erniebot")
    assert (unary.endpoint, unary.model, unary.body, unary.reply) == ("plugins", "EBPlugin", body, answer)
    assert "".join(event.get("result", "") for event in streamed.reply) == answer["result"]
    assert answer["usage"]["total_tokens"] == 1 + tokens.count(answer["result"])
    assert response.headers["X-Ratelimit-Remaining-Tokens"] == str(1000 - answer["usage"]["total_tokens"])
