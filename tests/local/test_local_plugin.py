"""Plugin applications over the wire: rules, registered functions, knowledge, streams."""

from __future__ import annotations

import functools
import json
import logging
import re
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import qianfan.local
from qianfan.errors import QianfanError
from qianfan.local import tokens

FIELDS = {
    *("id", "object", "created", "result", "is_truncated", "need_clear_history", "finish_reason", "usage"),
    "log_id",
}
KNOWLEDGE = "uuid-zhishiku"

LLM = "llm must be an object"
HISTORY = "history must be an array of objects with a role, user or assistant, and a content"
PLUGINS = "plugins must be an array of 1 to 3 strings, none of them empty"


def weather(query):
    """查询城市的天气与气温。"""  # noqa: D415  # what a user would write
    return f"{query}：晴，25 度"


def dice(query):
    """Roll a dice."""
    return {"query": query, "points": [6, 1], 2: None}


def broken(query):
    """Divide by zero."""
    raise ZeroDivisionError(query)


@pytest.fixture
def caller(start):
    """A caller of a platform with three functions and a plugin application `shop`."""
    caller = start()
    caller.platform.add_endpoint("shop", kind="plugin")
    for function in (weather, dice, broken):
        caller.platform.add_plugin(function)
    return caller


def send(caller, body, path="/plugin/shop/"):
    """Send a body as JSON."""
    return caller.send(path, json.dumps(body).encode())


def ask(caller, query, **fields):
    """Return the answer to a query."""
    return send(caller, {"query": query, **fields}).json()


def stream(caller, query, **fields):
    """Return the events of the answer to a query, which are framed as chat's are."""
    response = send(caller, {"query": query, "stream": True, **fields})
    assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    lines = response.data.decode().split("\n\n")
    assert lines.pop() == ""
    assert all(line.startswith("data: ") for line in lines)
    return [json.loads(line[6:]) for line in lines]


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({}, 336001, "query is required"),
        ({"query": None}, 336001, "query is required"),
        ({"query": ["x"]}, 336001, "query must be a string"),
        ({"query": ""}, 336003, "query can't be blank"),
        ({"query": " \n"}, 336003, "query can't be blank"),
        ({"query": "字" * 1001}, 336003, "query must have at most 1000 characters"),
        ({"query": "x", "stream": 1}, 336003, "stream must be a boolean"),
        ({"query": "x", "plugins": "dice"}, 336003, PLUGINS),
        ({"query": "x", "plugins": []}, 336003, PLUGINS),
        ({"query": "x", "plugins": [""]}, 336003, PLUGINS),
        ({"query": "x", "plugins": [1]}, 336003, PLUGINS),
        ({"query": "x", "plugins": ["dice"] * 4}, 336003, PLUGINS),
        ({"query": "x", "plugins": ["dice", "no"]}, 4224002, "parameter error: there is no plugin no"),
        ({"query": "x", "llm": "hot"}, 336003, LLM),
        (
            {"query": "x", "llm": {"temperature": 0}},
            336003,
            "llm temperature must be a number in (0, 1]",
        ),
        ({"query": "x", "llm": {"top_p": 1.1}}, 336003, "llm top_p must be a number in [0, 1]"),
        (
            {"query": "x", "llm": {"penalty_score": 0.9}},
            336003,
            "llm penalty_score must be a number in [1, 2]",
        ),
        ({"query": "x", "input_variables": ["a"]}, 336003, "input_variables must be an object"),
        ({"query": "x", "history": {}}, 336003, HISTORY),
        ({"query": "x", "history": ["hi"]}, 336003, HISTORY),
        ({"query": "x", "history": [{"role": "system", "content": "a"}]}, 336003, HISTORY),
        ({"query": "x", "history": [{"role": ["user"], "content": "a"}]}, 336003, HISTORY),
        ({"query": "x", "history": [{"role": "user"}]}, 336003, HISTORY),
        ({"query": "x", "verbose": "yes"}, 336003, "verbose must be a boolean"),
        ({"query": "x", "fileurl": 1}, 336003, "fileurl must be a string"),
        ([], 336001, "the body must be a JSON object"),
    ],
)
def test_bad_requests(caller, body, code, message):
    """Each breach of a rule has its code and words, as JSON with an id."""
    answer = send(caller, body).json()

    assert (code, message) == (answer["error_code"], answer["error_msg"])
    assert re.fullmatch(r"as-[0-9a-z]{10}", answer["id"])


@pytest.mark.parametrize(
    "fields",
    [
        {"query": "字" * 1000},
        {"plugins": ["dice", "weather", KNOWLEDGE]},
        {"llm": {}},
        {"llm": {"temperature": 1, "top_p": 0, "penalty_score": 2, "model": "x"}},
        {"history": [], "input_variables": {}, "verbose": False, "fileurl": ""},
        {"history": [{"role": "assistant", "content": ""}]},
        dict.fromkeys(["stream", "plugins", "llm", "input_variables", "history", "verbose", "fileurl"]),
        {"extra_parameters": {"request_source": "x"}},
    ],
)
def test_limits_unknown_fields_and_null_are_fine(caller, fields):
    """The ends of each range, fields nobody knows, and null are accepted."""
    assert send(caller, {"query": "讲一个笑话", **fields}).json()["result"]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("POST", "/plugin/shop/", None),
        ("POST", "/plugin/shop", None),
        ("GET", "/plugin/shop/", 336101),
        ("POST", "/plugin/nowhere/", 3),
        ("POST", "/plugin/plugins/", 3),
        ("POST", "/plugin/", 3),
    ],
)
def test_only_custom_services_answer(caller, method, path, code):
    """A plugin application answers with and without the last slash, and there is none before it is added."""
    answer = caller.send(path, b'{"query": "hi"}', method=method).json()

    assert answer.get("error_code") == code


def test_built_in_reply(caller):
    """A query that neither functions nor knowledge know gets the ordinary reply, with chat's fields and log_id."""
    answer = ask(caller, "讲一个笑话")

    assert set(answer) == FIELDS
    assert answer["object"] == "chat.completion"
    assert type(answer["log_id"]) is int
    assert answer["result"].startswith("【本地平台】我收到了您的问题：“讲一个笑话”。")
    assert answer["usage"]["total_tokens"] == 5 + tokens.count(answer["result"])


def test_history_is_known(caller):
    """The ordinary reply knows the history, and usage counts it."""
    history = [{"role": "user", "content": "我叫小明"}, {"role": "assistant", "content": "您好", "name": 5}]

    answer = ask(caller, "我叫什么名字？", history=history)

    assert "小明" in answer["result"]
    assert answer["usage"]["prompt_tokens"] == 4 + 2 + 6


@pytest.mark.parametrize(
    ("query", "plugins", "result"),
    [
        ("北京天气", None, "北京天气：晴，25 度"),
        ("请问上海的气温", None, "请问上海的气温：晴，25 度"),
        ("weather in Paris", None, "weather in Paris：晴，25 度"),
        ("讲一个笑话", ["weather"], "讲一个笑话：晴，25 度"),
        ("北京天气", ["dice"], '{"query":"北京天气","points":[6,1],"2":null}'),
        ("Roll a dice", ["weather", "dice"], '{"query":"Roll a dice","points":[6,1],"2":null}'),
    ],
)
def test_functions_answer(caller, query, plugins, result):
    """A function is chosen by name, docstring, or outright; its answer is the result, as JSON where it is no text."""
    answer = ask(caller, query, plugins=plugins)

    assert answer["result"] == result
    assert answer["usage"]["completion_tokens"] == tokens.count(result)
    assert answer["usage"]["prompt_tokens"] == tokens.count(query)


def test_named_functions_that_do_not_fit(caller):
    """Of several named functions none is forced, and the knowledge base answers only where it is named."""
    question = "什么是本地平台？"

    assert "我收到了您的问题" in ask(caller, question, plugins=["dice", "weather"])["result"]
    assert "仿真服务" in ask(caller, question, plugins=["dice", KNOWLEDGE])["result"]
    assert "仿真服务" in ask(caller, question, plugins=[KNOWLEDGE])["result"]
    assert "我收到了您的问题" in ask(caller, "北京天气", plugins=[KNOWLEDGE])["result"]


def test_function_that_raises(caller, caplog):
    """A function's error answers 4224001 and says nothing of it on the wire; the log has the traceback."""
    with caplog.at_level(logging.ERROR, "qianfan"):
        response = send(caller, {"query": "secret words", "plugins": ["broken"], "stream": True})

    answer = response.json()
    assert (response.status, answer["error_code"]) == (200, 4224001)
    assert answer["error_msg"] == "system error: the plugin broken failed"
    (record,) = caplog.records
    assert record.exc_info[0] is ZeroDivisionError


def test_nobody_waits_for_a_function_at_the_end():
    """A platform stops at once, although a function still works on an answer nobody will read."""
    begun, end = threading.Event(), threading.Event()

    def slow(query):
        begun.set()
        end.wait(30)
        return query

    with qianfan.local.platform() as platform:
        platform.add_endpoint("shop", "plugin")
        platform.add_plugin(slow)
        client = platform.client(retry_count=1)
        asking = threading.Thread(
            target=fails, args=(lambda: client.plugin.do("x", endpoint="shop", plugins=["slow"]),)
        )
        asking.start()
        assert begun.wait(10)
        started = time.monotonic()
        platform.stop()
        assert time.monotonic() - started < 5
        end.set()
        asking.join()
        client.close()


def fails(call):
    """Make a call that has to fail."""
    with pytest.raises(QianfanError):
        call()


def test_function_that_asks_the_platform(caller):
    """A function may ask the chat model of the same platform: other calls do not wait for it."""
    caller.platform.add_plugin(lambda query: caller.ask(f"{query}？")["result"], name="model")

    answer = send(caller, {"query": "1 + 1 等于几", "plugins": ["model"]}).json()

    assert "1 + 1 = 2" in answer["result"]


@pytest.mark.parametrize("value", [object(), {1, 2}, 2**70, {"a": b"b"}, "\ud800"])
def test_function_whose_answer_is_no_json(caller, value):
    """What JSON cannot say is an error of the function."""
    caller.platform.add_plugin(lambda _: value, name="odd")

    assert ask(caller, "x", plugins=["odd"])["error_code"] == 4224001


@pytest.mark.parametrize("value", ["", [], None, 0, False])
def test_function_with_an_empty_answer(caller, value):
    """A falsy answer is an answer, whole and as a stream."""
    caller.platform.add_plugin(lambda _: value, name="empty")
    wanted = value if isinstance(value, str) else json.dumps(value)

    assert ask(caller, "x", plugins=["empty"])["result"] == wanted
    assert "".join(event["result"] for event in stream(caller, "x", plugins=["empty"])) == wanted


def test_long_answers_are_whole(caller):
    """A function's answer is not cut where a model's would be."""
    caller.platform.add_plugin(lambda _: "字" * 5000, name="long")

    answer = ask(caller, "x", plugins=["long"])
    assert (len(answer["result"]), answer["is_truncated"], answer["finish_reason"]) == (5000, False, "normal")


def test_names_and_descriptions(caller):
    """A name and description of one's own take the function's place; the same name replaces a function."""
    platform = caller.platform
    platform.add_plugin(functools.partial(pow, 2), name="power")
    platform.add_plugin(lambda _: "old", name="price", description="price of a ticket")
    platform.add_plugin(lambda _: "new", name="price", description="price of a ticket")
    platform.add_plugin(weather, name="forecast", description="horoscope")

    assert ask(caller, "How much is a ticket?")["result"] == "new"
    assert ask(caller, "my horoscope")["result"] == "my horoscope：晴，25 度"
    assert ask(caller, "partial application of given arguments")["result"].startswith("[local platform]")


@pytest.mark.parametrize(
    ("function", "name", "message"),
    [
        (lambda _: "x", None, "has no name to ask for it by: pass name="),
        (functools.partial(weather), None, "has no name to ask for it by"),
        (weather, "", "has no name to ask for it by"),
        ("weather", None, "a plugin is a plain function that takes the question, not 'weather'"),
    ],
)
def test_functions_that_are_none(function, name, message):
    """What could not be called, or called by name, is refused when it is added."""
    with pytest.raises(ValueError, match=message):
        qianfan.local.platform().add_plugin(function, name=name)


def test_coroutine_functions_are_refused():
    """An async function could not be waited for, so it is refused."""

    async def later(query):
        return query

    with pytest.raises(ValueError, match="a plugin is a plain function"):
        qianfan.local.platform().add_plugin(later)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("什么是本地平台？", "仿真服务"),
        ("What is the local platform?", "emulator"),
        ("访问令牌的有效期是多久？", "2592000"),
        ("access token lifetime?", "2592000"),
        ("What are the limits of embeddings?", "at most 16 texts"),
        ("向量接口一次最多多少条文本？", "最多 16 条文本"),
        ("336501 是什么错误？", "每分钟请求数"),
        ("What is error 336501?", "requests per minute"),
        ("怎么使用流式输出？", "is_end"),
        ("重排序一次最多多少个文档？", "64 个文档"),
    ],
)
def test_knowledge_answers(caller, query, said):
    """A question about the platform gets the entry that is nearest, in its own language, marked as ours."""
    result = ask(caller, query)["result"]

    assert said in result
    assert result.startswith(("【本地平台】", "[local platform] "))


@pytest.mark.parametrize(
    "query", ["你好", "hello", "写一首关于春天的诗", "What is the capital of France?", "推荐一本书", "？"]
)
def test_knowledge_keeps_quiet(caller, query):
    """A question that has little in common with every entry is none of the knowledge base's."""
    assert ask(caller, query, verbose=True)["meta_info"]["plugin_id"] == ""


def test_own_knowledge(caller):
    """A user's own texts answer by paragraph, before the built-in ones."""
    caller.platform.add_knowledge("本店营业时间：九点到十八点。\n \n退货政策：七天之内可以退货。")
    caller.platform.add_knowledge(["访问令牌的有效期由本店决定。", "Parking is free for guests."])

    assert ask(caller, "你们的营业时间？")["result"] == "【本地平台】本店营业时间：九点到十八点。"
    assert ask(caller, "退货政策是什么")["result"] == "【本地平台】退货政策：七天之内可以退货。"
    assert ask(caller, "Is parking free?")["result"] == "[local platform] Parking is free for guests."
    assert "由本店决定" in ask(caller, "访问令牌的有效期")["result"]


@pytest.mark.parametrize("texts", ["", [" "], ["a", None], [b"a"]])
def test_knowledge_is_text(texts):
    """What is no text, or an empty one, is refused."""
    with pytest.raises(ValueError, match="knowledge is text, not"):
        qianfan.local.platform().add_knowledge(texts)


def test_verbose_tells_who_answered(caller):
    """`meta_info` names the function or the knowledge base, what it was asked and what it said."""
    by_function = ask(caller, "北京天气", verbose=True)
    by_knowledge = ask(caller, "什么是本地平台？", verbose=True)
    by_neither = ask(caller, "讲一个笑话", verbose=True)

    assert by_function["meta_info"] == {
        "plugin_id": "weather",
        "request": {"query": "北京天气", "kbIds": [], "score": 0.34, "topN": 1},
        "response": {"retCode": 0, "message": "success", "result": "北京天气：晴，25 度", "doc_nums": 0},
        "action": "weather",
        "action_input": "北京天气",
        "action_output": "北京天气：晴，25 度",
    }
    assert by_knowledge["meta_info"]["plugin_id"] == KNOWLEDGE
    assert by_knowledge["meta_info"]["request"]["kbIds"] == [KNOWLEDGE]
    assert by_knowledge["meta_info"]["response"]["doc_nums"] == 1
    assert by_neither["meta_info"]["action"] == by_neither["meta_info"]["action_output"] == ""
    assert by_neither["meta_info"]["response"]["result"] == by_neither["result"]
    assert "meta_info" not in ask(caller, "北京天气")


@pytest.mark.parametrize("query", ["北京天气", "什么是本地平台？", "讲一个笑话"])
def test_streams(caller, query):
    """A stream is the same answer in increments; log_id is the same in all, meta_info in the last."""
    whole = ask(caller, query)
    events = stream(caller, query, verbose=True)

    assert "".join(event["result"] for event in events) == whole["result"]
    assert [event["sentence_id"] for event in events] == list(range(len(events)))
    assert [event["is_end"] for event in events] == [False] * (len(events) - 1) + [True]
    assert len({(event["id"], event["log_id"]) for event in events}) == 1
    assert events[-1]["usage"] == whole["usage"]
    assert ["meta_info" in event for event in events] == [event["is_end"] for event in events]


def test_journal_and_quota(start):
    """The journal's route is `plugin`, with the body as it came; the tokens are charged."""
    caller = start(tpm=30)
    caller.platform.add_endpoint("shop", kind="plugin")
    caller.platform.add_plugin(weather)
    body = {"query": "北京天气", "input_variables": {"city": "北京"}}

    answer = send(caller, body).json()
    response = send(caller, body)

    assert response.headers["X-Ratelimit-Remaining-Tokens"] == str(30 - 2 * answer["usage"]["total_tokens"])
    first, _ = caller.platform.calls("plugin")
    assert (first.endpoint, first.model, first.body, first.reply) == ("shop", None, body, answer)
    assert send(caller, {"query": "字" * 100}).json().get("error_code") is None
    assert send(caller, body).json()["error_code"] == 336502


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
turns = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant"]) | anything, "content": anything},
    optional={"function_call": anything, "name": anything},
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "query": st.text(max_size=30) | anything,
        "messages": st.lists(turns, max_size=3),
        "stream": st.booleans() | anything,
        "plugins": st.lists(st.sampled_from(["weather", "dice", KNOWLEDGE]), max_size=4) | anything,
        "llm": st.fixed_dictionaries({}, optional={"temperature": anything, "top_p": anything}) | anything,
        "history": st.lists(turns, max_size=3) | anything,
        "verbose": st.booleans() | anything,
        "input_variables": anything,
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies, st.sampled_from(["/plugin/fuzz/", "/erniebot/plugins"]))
def test_any_body_gets_an_answer(shared, body, path):
    """Any body, NaN too, is answered by the platform's own rules, never by a fault."""
    shared.platform.add_endpoint("fuzz", kind="plugin")
    shared.platform.add_plugin(weather)
    response = send(shared, body, path)

    assert response.status == 200
    if response.headers["Content-Type"].startswith("application/json"):
        answer = response.json()
        assert answer.get("error_code") in {None, 336001, 336002, 336003, 336006, 4224002}
        assert ("error_code" in answer) != ("result" in answer)
    else:
        last = response.data.decode().split("\n\n")[-2].partition("data: ")[2]
        assert json.loads(last)["is_end"] is True
