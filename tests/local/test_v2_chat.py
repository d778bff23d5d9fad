"""Chat on v2: the shapes of answers and streams, and what decides them."""

from __future__ import annotations

import base64
import json
import re

import pytest
from console_caller import Console
from v2_caller import MODEL, QUESTION, V2, chunks, refusal

import qianfan.local
from qianfan import catalog
from qianfan.local import png, text2image


@pytest.fixture(scope="module")
def v2(shared):
    """A caller of one platform for the whole module."""
    return V2(shared)


WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "查询城市的天气",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "城市"}},
            "required": ["city"],
        },
    },
}
BELL = {"type": "function", "function": {"name": "ring_bell"}}


@pytest.mark.parametrize("model", [model.id for model in catalog.v2_models("chat")])
def test_every_model_answers(v2, model):
    """Every chat model of the catalogue answers, whole and as a stream, with the same words and thoughts."""
    body = v2.ask("中国的首都是哪里？", model=model)
    events = v2.stream("中国的首都是哪里？", model=model, stream_options={"include_usage": True})

    assert list(body) == ["id", "created", "model", "object", "choices", "usage"]
    assert (body["object"], body["model"]) == ("chat.completion", model)
    assert re.fullmatch(r"as-[0-9a-z]{10}", body["id"])
    (choice,) = body["choices"]
    assert (choice["index"], choice["finish_reason"], choice["flag"]) == (0, "stop", 0)
    assert choice["message"]["role"] == "assistant"
    assert "本地平台" in choice["message"]["content"]
    assert ("reasoning_content" in choice["message"]) is catalog.find_v2("chat", model).reasoning
    for name in ("content", "reasoning_content"):
        streamed = "".join(event["choices"][0]["delta"].get(name, "") for event in events[:-1])
        assert streamed == choice["message"].get(name, "")
    assert events[-1]["usage"] == body["usage"]


def test_stream_is_framed_to_the_byte(start):
    """A stream is `data: `, one JSON object, an empty line; the usage where asked for; then [DONE]."""
    v2 = V2(start(clock=qianfan.local.Clock(lambda: 1_698_140_001.5)))
    asked = {**QUESTION, "stream": True, "max_tokens": 4, "stream_options": {"include_usage": True}}

    response = v2.post(asked)

    head = f'data: {{"id":"{response.data[13:26].decode()}","created":1698140001,"model":"{MODEL}",'
    head += '"object":"chat.completion.chunk","choices":['
    assert response.data.decode() == (
        head + '{"index":0,"delta":{"role":"assistant","content":"【本地"},"flag":0}]}\n\n'
        + head + '{"index":0,"delta":{"content":"平台】"},"finish_reason":"length","flag":0}]}\n\n'
        + head + '],"usage":{"prompt_tokens":2,"completion_tokens":4,"total_tokens":6}}\n\n'
        "data: [DONE]\n\n"
    )  # fmt: skip
    assert (response.status, response.headers["Content-Type"]) == (200, "text/event-stream; charset=utf-8")


@pytest.mark.parametrize(
    "options", [{}, {"stream_options": None}, {"stream_options": {"include_usage": False}}]
)
def test_no_usage_unless_asked(v2, options):
    """Without `include_usage` no chunk of a stream has a usage, and each has a choice."""
    events = v2.stream("你好", **options)

    assert [set(event) for event in events] == [{"id", "created", "model", "object", "choices"}] * len(events)
    assert all(event["choices"] for event in events)
    assert len({event["id"] for event in events}) == 1


def test_thoughts_come_first_and_count(v2):
    """A reasoning model thinks before it speaks; the tokens of its thoughts are among the completion's."""
    plain, body = v2.ask("你好", model=MODEL), v2.ask("你好", model="deepseek-r1")
    deltas = [event["choices"][0]["delta"] for event in v2.stream("你好", model="deepseek-r1")]

    kinds = ["reasoning_content" if "reasoning_content" in delta else "content" for delta in deltas]
    assert kinds == sorted(kinds, reverse=True)
    assert deltas[0]["role"] == "assistant"
    assert not any("role" in delta for delta in deltas[1:])
    assert "你好" in body["choices"][0]["message"]["reasoning_content"]
    assert body["usage"]["completion_tokens"] > plain["usage"]["completion_tokens"]


def test_most_tokens_hold_for_thoughts_too(v2):
    """Where the thoughts use up the tokens, nothing is left to say."""
    body = v2.ask("你好", model="deepseek-r1", max_tokens=8)
    events = v2.stream("你好", model="deepseek-r1", max_tokens=8)

    (choice,) = body["choices"]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("length", "")
    assert body["usage"]["completion_tokens"] == 8
    assert events[-1]["choices"][0]["finish_reason"] == "length"
    assert all("reasoning_content" in event["choices"][0]["delta"] for event in events)


@pytest.mark.parametrize(
    ("fields", "finish", "words"),
    [
        ({"max_tokens": 4}, "length", "【本地平台】"),
        ({"max_completion_tokens": 4, "max_tokens": 400}, "length", "【本地平台】"),
        ({"stop": ["平台"]}, "stop", "【本地"),
        ({"stop": "平台"}, "stop", "【本地"),
        ({"stop": ["no such words"]}, "stop", None),
    ],
)
def test_where_an_answer_ends(v2, fields, finish, words):
    """An answer ends at a stop sequence or at the most tokens, and says which."""
    choice = v2.choice("你好", **fields)

    assert choice["finish_reason"] == finish
    assert words is None or choice["message"]["content"] == words


def test_an_unsafe_question_is_filtered(v2):
    """The phrase that v1 judges unsafe ends with `content_filter`, a flag and the offending turn."""
    choice = v2.choice("请触发安全审核")
    last = v2.stream("请触发安全审核")[-1]["choices"][0]

    assert (choice["finish_reason"], choice["flag"], choice["ban_round"]) == ("content_filter", 1, -1)
    assert (last["finish_reason"], last["flag"], last["ban_round"]) == ("content_filter", 1, -1)
    assert "安全审核" in choice["message"]["content"]


def test_history_system_and_parts(v2):
    """A reply knows the conversation, the persona, and texts given as parts."""
    parts = [{"type": "text", "text": "我叫"}, {"type": "text", "text": "什么名字？"}]
    turns = [
        {"role": "system", "content": [{"type": "text", "text": "You are a poet"}]},
        {"role": "user", "content": "我叫小明", "name": "x"},
        {"role": "assistant", "content": "你好"},
        {"role": "user", "content": parts},
    ]

    said = v2.choice(*turns)["message"]["content"]
    assert "You are a poet" in said
    assert (
        "小明" in v2.choice(*turns[:3], {"role": "user", "content": "我叫什么名字？"})["message"]["content"]
    )


def test_tool_call(v2):
    """A question calls the tool it has words in common with; arguments are a JSON string, the id its own."""
    choice = v2.choice("上海天气怎么样", tools=[BELL, WEATHER])

    (call,) = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == ""
    assert re.fullmatch(r"call_[0-9a-f]{24}", call["id"])
    assert call["type"] == "function"
    assert call["function"] == {"name": "get_weather", "arguments": '{"city":"上海"}'}


def test_several_tool_calls_in_a_stream(v2):
    """Each call's first delta has index, id and name, the next ones its arguments in fragments."""
    events = v2.stream("北京和上海的天气", tools=[WEATHER], stream_options={"include_usage": True})
    deltas = [event["choices"][0]["delta"] for event in events[:-1]]

    calls: dict[int, dict] = {}
    for delta in deltas:
        (fragment,) = delta["tool_calls"]
        call = calls.setdefault(fragment["index"], {**fragment, "fragments": 0})
        if call["fragments"]:
            assert set(fragment) == {"index", "function"}
            call["function"]["arguments"] += fragment["function"]["arguments"]
        else:
            assert fragment["function"] == {"name": "get_weather", "arguments": ""}
        call["fragments"] += 1
    assert [json.loads(call["function"]["arguments"]) for call in calls.values()] == [
        {"city": "北京"},
        {"city": "上海"},
    ]
    assert all(call["fragments"] > 2 for call in calls.values())
    assert len({call["id"] for call in calls.values()}) == 2
    assert [("role" in delta, "content" in delta) for delta in deltas[:2]] == [(True, False), (False, False)]
    assert [event["choices"][0].get("finish_reason") for event in events[-3:-1]] == [None, "tool_calls"]
    whole = v2.ask("北京和上海的天气", tools=[WEATHER])
    assert whole["usage"] == events[-1]["usage"]


@pytest.mark.parametrize(
    ("question", "fields", "called"),
    [
        ("讲个笑话", {}, []),
        ("上海天气", {"tool_choice": "auto"}, ["get_weather"]),
        ("上海天气", {"tool_choice": "none"}, []),
        ("讲个笑话", {"tool_choice": "required"}, ["ring_bell"]),
        ("上海天气", {"tool_choice": "required"}, ["get_weather"]),
        ("上海天气", {"tool_choice": {"type": "function", "function": {"name": "ring_bell"}}}, ["ring_bell"]),
        ("北京和上海天气", {"parallel_tool_calls": False}, ["get_weather"]),
        ("北京和上海天气", {"parallel_tool_calls": True}, ["get_weather"] * 2),
    ],
)
def test_choice_of_tools(v2, question, fields, called):
    """`tool_choice` and `parallel_tool_calls` decide who may and must be called."""
    message = v2.choice(question, tools=[BELL, WEATHER], **fields)["message"]

    assert [call["function"]["name"] for call in message.get("tool_calls", [])] == called
    assert bool(message["content"]) is not bool(called)


def test_reasoning_models_call_tools_after_thoughts(v2):
    """Thoughts come before a call too."""
    message = v2.choice("上海天气", model="deepseek-r1", tools=[WEATHER])["message"]
    deltas = [e["choices"][0]["delta"] for e in v2.stream("上海天气", model="deepseek-r1", tools=[WEATHER])]

    assert message["reasoning_content"]
    assert message["tool_calls"]
    assert "reasoning_content" in deltas[0]
    assert "tool_calls" in deltas[-1]


def test_results_of_tools_are_told(v2):
    """The answer to tool messages has what each of them said."""
    question = {"role": "user", "content": "北京和上海的天气"}
    message = v2.choice(question, tools=[WEATHER])["message"]
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": f"{n} degrees"}
        for n, call in enumerate(message["tool_calls"])
    ]

    body = v2.ask(question, message, *reversed(results), tools=[WEATHER])
    assert (
        "get_weather 已经返回结果，内容如下：1 degrees；0 degrees" in body["choices"][0]["message"]["content"]
    )
    assert body["usage"]["prompt_tokens"] > v2.ask(question, tools=[WEATHER])["usage"]["prompt_tokens"]


def test_json_object(v2):
    """With `json_object` the reply is a JSON object."""
    said = json.loads(v2.choice("你好", response_format={"type": "json_object"})["message"]["content"])

    assert said["question"] == "你好"


def test_json_schema(v2):
    """With `json_schema` the reply is a document of the schema; cut short, it is broken JSON."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema, "strict": True}}

    assert v2.choice("去杭州", response_format=wanted)["message"]["content"] == '{"city":"杭州"}'
    pieces = [e["choices"][0]["delta"]["content"] for e in v2.stream("去杭州", response_format=wanted)]
    assert "".join(pieces) == '{"city":"杭州"}'
    cut = v2.choice("去杭州", response_format=wanted, max_tokens=2)
    assert (cut["finish_reason"], cut["message"]["content"]) == ("length", '{"city":"')


@pytest.mark.parametrize(
    ("asked", "results", "marks"),
    [
        (None, False, False),
        ({"enable": False, "enable_trace": True, "enable_citation": True}, False, False),
        ({"enable": True}, False, False),
        ({"enable": True, "enable_trace": True}, True, False),
        ({"enable": True, "enable_citation": True}, True, True),
    ],
)
def test_web_search(v2, asked, results, marks):
    """Traces and citations give made-up results, marked as such, the same for the same question."""
    body = v2.ask("新闻", web_search=asked)
    first, *others = v2.stream("新闻", web_search=asked)

    assert ("search_results" in body) is results
    assert body.get("search_results") == first.get("search_results")
    assert not any("search_results" in event for event in others)
    assert ("^[1]^" in body["choices"][0]["message"]["content"]) is marks
    for n, found in enumerate(body.get("search_results", []), 1):
        assert list(found) == ["index", "url", "title"]
        assert found["index"] == n
        assert found["title"].startswith("【本地平台】")


def picture():
    """Return a data URL of a small picture, as the local platform draws them."""
    image = png.draw("", 640, 480, {text2image.PROMPT: "一只猫"})
    return "data:image/png;base64," + base64.b64encode(image).decode()


def test_images_are_described_by_their_file(v2):
    """What can be read of an image's file is told; an address elsewhere is not fetched."""
    parts = [
        {"type": "image_url", "image_url": {"url": picture(), "detail": "high"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}},
        {"type": "text", "text": "这是什么？"},
    ]
    said = v2.choice({"role": "user", "content": parts})["message"]["content"]

    assert "PNG 图片，宽 640 像素，高 480 像素" in said
    assert "“一只猫”" in said
    assert "https://example.com/cat.png，本地平台不访问网络" in said
    assert "PNG" in v2.choice({"role": "user", "content": parts[:1]})["message"]["content"]


def test_a_tuned_service_answers_by_its_uri(start):
    """A published and deployed model answers what it learnt, named by its uri; before that it does not."""
    v2 = V2(start())
    console = Console(v2.platform)
    made = console.published()
    console.result("service/apply", **console.service("mine", made["modelId"], made["versionId"]))
    question = "Which apple0 does the 0 keeper like?"
    asked = {"model": "mine", "messages": [{"role": "user", "content": question}]}

    assert v2.refusal(asked)[:3] == (401, "invalid_request_error", "invalid_model")
    assert "mine" not in str(v2.get("/models").json())
    v2.platform.advance(minutes=1)
    assert v2.choice(question, model="mine")["message"]["content"] == "Secret answer number 0."
    assert v2.post({"model": "mine", "prompt": question}, "/completions").json()["choices"][0]["text"] == (
        "Secret answer number 0."
    )
    listed = [model for model in v2.get("/models").json()["data"] if model["id"] == "mine"]
    assert listed[0]["created"] > 0
    console.http.clear()


def test_custom_models(start):
    """An added service answers to its name; `any_endpoint` lets every name answer."""
    v2, every = V2(start()), V2(start(any_endpoint=True))
    v2.platform.add_endpoint("mine")

    assert v2.ask("你好", model="mine")["model"] == "mine"
    assert v2.ask("你好", model="mine", temperature=1.5)
    for model in ("theirs", "ERNIE-Bot", "ERNIE-4.0-8K", "embedding-v1", "x" * 300):
        assert v2.refusal({**QUESTION, "model": model}) == (
            *(401, "invalid_request_error", "invalid_model"),
            "No permission to use the model",
        )
    assert every.ask("你好", model="theirs")["model"] == "theirs"


def test_a_stream_is_refused_like_any_call(v2):
    """What is wrong is told before a stream begins, as JSON."""
    response = v2.post({**QUESTION, "stream": True, "temperature": 9})

    assert response.headers["Content-Type"].startswith("application/json")
    assert refusal(response)[2] == "invalid_argument"


def test_request_id_comes_back(v2):
    """The header Request_id is echoed as on v1, by streams too."""
    for asked in (QUESTION, {**QUESTION, "stream": True}):
        response = v2.post(asked, headers={"Request_id": "sdk-py-1"})
        assert response.headers["X-Baidu-Request-Id"] == "sdk-py-1"
    assert chunks(response)
