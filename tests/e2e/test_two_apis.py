"""Code of 2023 on either API: every test here runs on v1 and on v2, sync and async, whole and in events."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from applications import register
from support.worlds import MESSAGES, streams, unary

import qianfan
from qianfan import errors

WEATHER = {
    "name": "get_weather",
    "description": "查询城市的天气",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string", "description": "城市名"}},
        "required": ["city"],
    },
}


def get_weather(city: str) -> str:
    """Tell the weather of a city (查询城市的天气).

    Args:
        city: 城市名。
    """
    return json.dumps({"weather": "晴", "city": city}, ensure_ascii=False)


@dataclass
class Api:
    """One of the two, on a platform of its own.

    Attributes:
        version: 1 or 2.
        platform: The platform.
        settings: What leads a client or a classic object there.
    """

    version: int
    platform: qianfan.local.Platform
    settings: dict

    def make(self, kind, *arguments, **more):
        """Return a classic object."""
        return getattr(qianfan, kind)(*arguments, **{**self.settings, **more})

    def refuse_what_was_issued(self):
        """Make every token useless that was given out so far."""
        self.platform.revoke_tokens()

    @property
    def token_calls(self):
        """The calls for a token: of OAuth, or of the exchange."""
        return self.platform.calls("token" if self.version == 1 else "exchange")


def settings(platform, version):
    """Return what leads to a version: an application's pair, or an access key to be exchanged."""
    shared = {"base_url": platform.url, "backoff_factor": 0}
    if version == 1:
        application = register(platform)
        return {**shared, "ak": application.ak, "sk": application.sk}
    key = platform.add_access_key()
    keys = {"access_key": key.ak, "secret_key": key.sk}
    return {**shared, **keys, "iam_base_url": platform.url, "console_base_url": platform.url}


@pytest.fixture(params=[1, 2], ids=["v1", "v2"])
def api(request, start):
    """Each of the two APIs in turn."""
    platform = start()
    return Api(request.param, platform, settings(platform, request.param))


@pytest.fixture
def chat(api):
    """A classic object for chat."""
    return api.make("ChatCompletion")


def said(*texts):
    """Return messages that take turns, the user's first."""
    return [{"role": ("user", "assistant")[index % 2], "content": text} for index, text in enumerate(texts)]


def test_a_question(world, api, chat):
    """A reply reads by key and by attribute, through `body`, and in the form of either API."""
    reply = world.ask(chat).reply

    assert reply["result"] == reply["body"]["result"] == reply.result
    assert reply["result"].startswith("【本地平台】")
    assert reply["choices"][0]["message"]["content"] == reply["result"]
    assert reply.choices[0].message.content == reply["result"]
    assert (reply["is_truncated"], reply["need_clear_history"]) == (False, False)
    assert reply["id"].startswith("as-")
    assert reply["object"] == "chat.completion"
    assert reply.usage.total_tokens == reply["usage"]["total_tokens"] > 0
    assert len(api.token_calls) == 1


@streams
def test_events(world, chat):
    """Events count up, only the last is the end and has the usage of all; their increments add up."""
    opened = world.open(chat, said("请介绍一下杭州"))
    events = opened.all()

    assert len(events) >= 10
    assert [event["sentence_id"] for event in events] == list(range(len(events)))
    assert [event["is_end"] for event in events] == [False] * (len(events) - 1) + [True]
    assert events[-1]["usage"]["total_tokens"] > 0
    assert "".join(event["result"] for event in events) == opened.stream.so_far()["result"]
    assert (
        "".join(event.choices[0].delta.content or "" for event in events if event.choices)
        == (opened.stream.so_far()["result"])
    )


@streams
def test_what_a_stream_collects(world, api, start):
    """The sum of a stream is what the unary call says, its id apart."""
    platform = start(clock=qianfan.local.Clock(lambda: 1_700_000_000.0))
    chat = qianfan.ChatCompletion(**settings(platform, api.version))
    collected = dict(world.open(chat, said("请介绍一下杭州"), model="ERNIE-Bot").collect())
    whole = dict(chat.do(said("请介绍一下杭州"), model="ERNIE-Bot"))

    assert {**collected, "id": None} == {**whole, "id": None}


def test_a_conversation(world, chat):
    """Messages keep a conversation: replies and finished streams are appended as they are."""
    msgs = qianfan.Messages()
    msgs.append("我叫小明")
    msgs.append(world.ask(chat, msgs).reply)
    msgs.append("我叫什么名字？")

    assert "小明" in world.ask(chat, msgs).text


@pytest.mark.parametrize(
    ("old", "endpoint", "new"),
    [
        (None, "eb-instant", "ernie-lite-8k"),
        ("ERNIE-Bot-turbo", "eb-instant", "ernie-lite-8k"),
        ("ERNIE-Bot", "completions", "ernie-3.5-8k"),
        ("ernie-bot-4", "completions_pro", "ernie-4.0-8k"),
        ("ERNIE-4.0-Turbo-8K", "ernie-4.0-turbo-8k", "ernie-4.0-turbo-8k"),
    ],
)
@unary
def test_models(world, api, chat, old, endpoint, new):
    """A model's name of 2023 leads to its v1 service, and on v2 to what the platform calls it there."""
    assert world.ask(chat, model=old).text
    call = api.platform.calls("chat").last

    assert (call.endpoint if api.version == 1 else call.body["model"]) == (
        endpoint if api.version == 1 else new
    )


@unary
def test_a_model_without_a_successor(world, api, chat):
    """v1 knows it; v2 refuses it in its own words, and no other model takes its place."""
    outcome = world.ask(chat, model="BLOOMZ-7B")

    if api.version == 1:
        assert outcome.text
    else:
        assert isinstance(outcome.error, errors.AuthError)
        assert outcome.error.code == "invalid_model"
        assert api.platform.calls("chat").last.body["model"] == "BLOOMZ-7B"


@unary
def test_a_misspelt_model(world, chat):
    """The service's refusal comes back with the nearest names."""
    error = world.ask(chat, model="ERNIE-4.0-8k-lates").error

    assert isinstance(error, errors.APIError)
    assert "ernie-4.0-8k-latest" in error.hint.lower()


def test_a_service_of_ones_own(world, api, chat):
    """A custom service answers by its name."""
    api.platform.add_endpoint("my_service")

    assert world.ask(chat, endpoint="my_service").text
    assert world.ask(api.make("ChatCompletion", endpoint="my_service")).text


def test_functions_go_round(world, api, chat):
    """The model calls a function of 2023, its result is appended as a str, and the answer uses it."""
    msgs = qianfan.Messages()
    msgs.append("北京今天的天气怎么样？")
    first = world.ask(chat, msgs, model="ERNIE-Bot", functions=[WEATHER])
    call = first.reply["function_call"]
    msgs.append(first.reply)
    msgs.append(json.dumps({"weather": "晴"}, ensure_ascii=False))
    second = world.ask(chat, msgs, model="ERNIE-Bot", functions=[WEATHER])

    assert first.text == ""
    assert (call["name"], json.loads(call["arguments"])) == ("get_weather", {"city": "北京"})
    assert "晴" in second.text
    assert [message["role"] for message in msgs] == ["user", "assistant", "function"]
    if api.version == 2:
        _, asked, answer = api.platform.calls("chat").last.messages
        assert answer["tool_call_id"] == asked["tool_calls"][0]["id"] == call["id"]


def test_tools_go_round(world, chat):
    """So do tools in the words of openai, described by a Python function."""
    messages = said("北京今天的天气怎么样？")
    first = world.ask(chat, messages, model="ERNIE-Bot", tools=[get_weather]).reply
    message = first.choices[0].message
    (call,) = message.tool_calls
    messages += [
        message,
        {
            "role": "tool",
            "tool_call_id": call.id,
            "content": qianfan.schema.call(get_weather, call.arguments),
        },
    ]

    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "北京"})
    assert first.choices[0].finish_reason == "tool_calls"
    assert "晴" in world.ask(chat, messages, model="ERNIE-Bot", tools=[get_weather]).text


@streams
def test_a_function_call_in_a_stream(world, chat):
    """It stands whole in the last event, however the service cuts it."""
    opened = world.open(chat, said("北京今天的天气怎么样？"), model="ERNIE-Bot", functions=[WEATHER])
    events = opened.all()

    assert json.loads(events[-1]["function_call"]["arguments"]) == {"city": "北京"}
    assert all("function_call" not in event for event in events[:-1])
    assert opened.stream.so_far()["function_call"]["name"] == "get_weather"


def test_a_persona(world, chat):
    """A persona shows, given as `system` or as the first message."""
    assert "唐代诗人" in world.ask(chat, system="你是唐代诗人").text
    messages = [{"role": "system", "content": "你是唐代诗人"}, *MESSAGES]
    assert "唐代诗人" in world.ask(chat, messages).text


@pytest.mark.parametrize("name", ["max_output_tokens", "max_completion_tokens", "max_tokens"])
@unary
def test_the_most_tokens(world, chat, name):
    """The answer is cut at the most tokens, by any of their names, and says so."""
    reply = world.ask(chat, said("请介绍一下杭州"), model="ERNIE-Bot", **{name: 10}).reply

    assert (reply["is_truncated"], reply["finish_reason"]) == (True, "length")
    assert reply.choices[0].finish_reason == "length"
    assert reply.usage.completion_tokens <= 10


def test_a_stop_text(world, chat):
    """The answer ends before the first stop text."""
    reply = world.ask(chat, model="ERNIE-Bot", stop=["帮助"]).reply

    assert reply["result"].endswith("有什么我可以")
    assert reply["finish_reason"] == "stop"


def test_a_json_object(world, chat):
    """response_format="json_object" gives an answer that is a JSON object, and `parsed` its value."""
    reply = world.ask(chat, model="ERNIE-Bot", response_format="json_object").reply

    assert json.loads(reply["result"])["question"] == "你好"


def test_an_unsafe_question(world, chat):
    """need_clear_history says that the conversation should begin anew."""
    reply = world.ask(chat, said("请触发安全审核")).reply

    assert (reply["need_clear_history"], reply["ban_round"]) == (True, -1)
    assert world.ask(chat).reply["need_clear_history"] is False


def test_a_users_id(world, api, chat):
    """It travels under the name that the API has for it."""
    world.ask(chat, user_id="u-1")

    assert api.platform.calls("chat").last.body["user_id" if api.version == 1 else "user"] == "u-1"


def test_what_nobody_knows(world, api, chat):
    """A new parameter travels as it is, by keyword and in `extra`; own headers, too, and the request's id."""
    outcome = world.ask(chat, new_thing=1, extra={"newer": [2]}, headers={"X-Mine": "3"}, request_id="mine-1")
    call = api.platform.calls("chat").last

    assert (call.body["new_thing"], call.body["newer"], call.headers["x-mine"]) == (1, [2], "3")
    assert outcome.reply.request_id == "mine-1"


def test_a_bad_value(world, chat):
    """The service's refusal is a BadRequestError with its code and words, at once."""
    error = world.ask(chat, model="ERNIE-Bot", temperature=9).error

    assert type(error) is errors.BadRequestError
    assert "temperature" in error.error_msg
    assert error.hint
    assert len(error.attempts) == 1


def test_a_wrong_key(world, api):
    """Wrong keys are refused at once, and appear nowhere."""
    secret = "5up3r53cr3tw0rd5up3r53cr3tw0rd00"
    wrong = {"sk": secret} if api.version == 1 else {"secret_key": secret}
    error = world.ask(api.make("ChatCompletion", **wrong)).error

    assert isinstance(error, errors.APIError)
    assert secret not in f"{error!r}{error}"
    assert len(api.platform.calls("chat")) == 0


def test_a_token_that_was_called_back(world, api, chat):
    """A new token is fetched once and the call repeated; nobody notices."""
    assert world.ask(chat).text
    api.refuse_what_was_issued()

    assert world.ask(chat).text
    assert len(api.token_calls) == 2


def test_a_token_that_is_old(world, api, chat):
    """A token that expired by the service's clock is renewed."""
    assert world.ask(chat).text
    api.platform.advance(days=31)

    assert world.ask(chat).text
    assert len(api.token_calls) == 2


def test_a_quota(world, api, start):
    """Too many requests are a RateLimitError, tried again, with what the service says of its limits."""
    platform = start(rpm=1)
    chat = qianfan.ChatCompletion(**settings(platform, api.version))
    assert world.ask(chat).text
    error = world.ask(chat, retry_count=2).error

    assert isinstance(error, errors.RateLimitError)
    assert error.code == (336501 if api.version == 1 else "rpm_rate_limit_exceeded")
    assert len(error.attempts) == 2
    assert (error.rate_limit.limit_requests, error.rate_limit.remaining_requests) == (1, 0)


def test_completions(world, api):
    """A prompt is written on from by a chat model; the reply calls itself a completion."""
    reply = world.ask(api.make("Completion"), "你好", model="ERNIE-Bot").reply

    assert reply["result"].startswith("【本地平台】")
    assert reply["object"] == "completion"


@unary
def test_embeddings(world, api):
    """Texts become vectors, any number of them."""
    reply = world.ask(api.make("Embedding"), [f"第 {n} 段" for n in range(20)], model="Embedding-V1").reply

    assert [item["index"] for item in reply["data"]] == list(range(20))
    assert {len(item["embedding"]) for item in reply["data"]} == {384}
    assert len(api.platform.calls("embedding")) == 2
    assert reply.usage.total_tokens > 0


@unary
def test_reranking(world, api):
    """Documents come in the order of their relevance."""
    reply = world.call(api.make("Reranker"), "do", "退货", ["发票在订单页面", "七天内可以退货"])

    assert reply["results"][0]["index"] == 1


@unary
def test_images(world, api):
    """A text becomes an image: its bytes on v1, its address on v2."""
    reply = world.call(api.make("Text2Image"), "do", "西湖边的一只猫")

    if api.version == 1:
        assert reply.images[0].startswith(b"\x89PNG")
    else:
        assert reply.data[0].url.startswith("http")


@unary
def test_plugins_are_on_v1_only(world, api):
    """A plugin application answers on v1, which a v2 client reaches with its access key's signature."""
    api.platform.add_endpoint("my_app", "plugin")
    reply = world.ask(api.make("Plugin"), "你好", endpoint="my_app").reply

    assert reply["result"]
    assert api.platform.calls("plugin").last.version == 1


@dataclass
class City:
    """A city."""

    name: str
    population: int
    sights: list[str]


def test_a_type_as_the_format(world, api, chat):
    """On v2 a reply can be asked for as a type; v1 says at once that it cannot."""
    outcome = world.ask(chat, said("介绍杭州"), model="ernie-4.0-8k", response_format=City)

    if api.version == 1:
        assert isinstance(outcome.error, errors.InvalidArgumentError)
        assert len(api.platform.calls("chat")) == 0
    else:
        assert isinstance(outcome.reply.parsed, City)
        assert isinstance(outcome.reply.parsed.population, int)


def test_the_form_of_openai(world, api):
    """`client.chat.completions.create` answers in the form of openai, whichever API does."""
    with qianfan.Qianfan(**api.settings) as client:
        create = client.chat.completions
        if world.streams:
            stream = world.call(create, "create", messages=MESSAGES, stream=True)
            events = list(stream) if not world.is_async else world.run(listed(stream))
            text = "".join(event.choices[0].delta.content or "" for event in events)
            assert events[-1].choices[0].finish_reason == "stop"
            assert events[-1].usage.total_tokens > 0
        else:
            reply = world.call(create, "create", messages=MESSAGES, timeout=20)
            text = reply.choices[0].message.content
            assert reply.choices[0].finish_reason == "stop"
            assert reply.model_dump()["id"] == reply.id
        world.close_client(client)

    assert text.startswith("【本地平台】")


async def listed(stream):
    """Return the events of an async stream."""
    return [event async for event in stream]
