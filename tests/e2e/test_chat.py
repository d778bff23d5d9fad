"""Chat against the local platform, whole: the SDK on one side, a strict server on the other."""

from __future__ import annotations

import asyncio
import json
import logging
import threading

import pytest
from applications import register
from support.server import closed_port
from support.worlds import MESSAGES, World, streams, unary

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

FROZEN = 1_700_000_000.0


def frozen():
    """Return a clock that moves only when told."""
    return qianfan.local.Clock(lambda: FROZEN)


def said(*texts):
    """Return messages that take turns, the user's first."""
    return [{"role": ("user", "assistant")[index % 2], "content": text} for index, text in enumerate(texts)]


def sent(platform):
    """Return the body of the platform's last chat call, without its messages."""
    body = dict(platform.calls("chat").last.body)
    del body["messages"]
    return body


# Conversations


def test_a_question_is_answered(world, platform, chat):
    """One question gives one marked answer, and takes one token and one call."""
    outcome = world.ask(chat)

    assert outcome.text.startswith("【本地平台】")
    assert [call.route for call in platform.calls()] == ["token", "chat"]
    assert platform.calls("chat").last.messages == MESSAGES


@streams
def test_an_ordinary_answer_comes_in_many_events(world, chat):
    """An ordinary answer streams in ten events or more, which add up to the answer."""
    outcome = world.ask(chat, said("请介绍一下杭州"))

    assert len(outcome.events) >= 10
    assert "".join(outcome.events) == outcome.text


def test_a_follow_up_refers_to_an_earlier_turn(world, chat):
    """A conversation kept in Messages lets a later question refer to an earlier one."""
    msgs = qianfan.Messages()
    msgs.append("我叫小明")
    msgs.append(world.ask(chat, msgs).reply)
    msgs.append("我叫什么名字？")
    outcome = world.ask(chat, msgs)

    assert "小明" in outcome.text
    assert [message["role"] for message in msgs] == ["user", "assistant", "user"]


@streams
def test_a_finished_stream_is_appended(world, platform, chat):
    """A stream that was read to its end is appended like a reply, and the next turn carries it."""
    msgs = qianfan.Messages()
    msgs.append("我叫小红")
    opened = world.open(chat, msgs)
    text = "".join(opened.rest())
    msgs.append(opened.stream)
    msgs.append("我叫什么名字？")

    assert "小红" in world.ask(chat, msgs).text
    assert platform.calls("chat").last.messages[1] == {"role": "assistant", "content": text}


def test_roles_may_be_named(world, platform, chat):
    """Messages take a role by name or by Role, and dicts may hold a Role."""
    msgs = qianfan.Messages()
    msgs.append("你好", qianfan.Role.User)
    msgs.append("您好", role="assistant")
    msgs.append({"role": qianfan.Role.User, "content": "我第一个问题是什么？"})
    outcome = world.ask(chat, msgs)

    assert "你好" in outcome.text
    roles = [message["role"] for message in platform.calls("chat").last.messages]
    assert roles == ["user", "assistant", "user"]


def test_messages_may_be_a_tuple_or_a_generator(world, platform, chat):
    """Whatever gives the messages one by one does, and reaches the platform whole."""
    world.ask(chat, tuple(MESSAGES)).text  # noqa: B018  # raises where it failed
    world.ask(chat, (dict(message) for message in MESSAGES)).text  # noqa: B018  # raises where it failed

    assert [call.messages for call in platform.calls("chat")] == [MESSAGES, MESSAGES]


def test_the_callers_messages_stay_as_they_are(world, chat):
    """A call changes neither the list nor the dicts it was given."""
    messages = said("你好")
    world.ask(chat, messages, temperature=0.5)

    assert messages == said("你好")


# Functions


def test_a_function_call_goes_round(world, platform, chat):
    """The model asks for a function, its result is appended as str, and the answer uses it."""
    msgs = qianfan.Messages()
    msgs.append("北京今天的天气怎么样？")
    first = world.ask(chat, msgs, model="ERNIE-Bot", functions=[WEATHER])
    call = first.reply["function_call"]
    msgs.append(first.reply)
    msgs.append(json.dumps({"weather": "晴"}, ensure_ascii=False))
    second = world.ask(chat, msgs, model="ERNIE-Bot", functions=[WEATHER])

    assert first.text == ""
    assert (call["name"], json.loads(call["arguments"])) == ("get_weather", {"city": "北京"})
    assert first.reply["finish_reason"] == "function_call"
    assert "晴" in second.text
    assert [message["role"] for message in msgs] == ["user", "assistant", "function"]
    assert msgs[2]["name"] == "get_weather"
    assert platform.calls("chat").last.messages[1]["function_call"] == call


@streams
def test_a_function_call_comes_whole_in_one_event(world, chat):
    """In a stream the function call stands whole in one event, and the stream can be appended."""
    msgs = qianfan.Messages()
    msgs.append("北京今天的天气怎么样？")
    opened = world.open(chat, msgs, model="ERNIE-Bot", functions=[WEATHER])
    increments = opened.rest()
    msgs.append(opened.stream)
    msgs.append("晴")

    assert increments == [""]
    assert [message["role"] for message in msgs] == ["user", "assistant", "function"]
    assert "晴" in world.ask(chat, msgs, model="ERNIE-Bot", functions=[WEATHER]).text


def test_tool_choice_forces_a_function(world, chat):
    """tool_choice makes the model call a function that the question does not suggest."""
    choice = {"type": "function", "function": {"name": "get_weather"}}
    outcome = world.ask(chat, model="ERNIE-Bot", functions=[WEATHER], tool_choice=choice)

    assert outcome.reply["function_call"]["name"] == "get_weather"


# Parameters

PARAMETERS = {
    "temperature": 0.1,
    "top_p": 0.5,
    "penalty_score": 1.5,
    "system": "你是一位诗人",
    "stop": ["。"],
    "max_output_tokens": 100,
    "response_format": "text",
    "disable_search": True,
    "enable_citation": False,
    "enable_trace": False,
    "user_id": "user-1",
    "functions": [],
    "top_k": 3,
    "frequency_penalty": 0.1,
    "presence_penalty": 0.1,
    "min_output_tokens": 5,
    "enable_system_memory": False,
    "system_memory_id": "memory-1",
    "user_setting": "简短",
}


def test_every_parameter_reaches_the_platform(world, platform, chat):
    """Each documented parameter arrives as it was given."""
    world.ask(chat, model="ERNIE-Bot-4", **PARAMETERS).text  # noqa: B018  # raises where it failed
    body = sent(platform)

    assert body.pop("stream", False) is world.streams
    assert body == PARAMETERS


def test_unknown_parameters_reach_the_platform(world, platform, chat):
    """A parameter nobody knows travels as it is, by keyword and in `extra`."""
    world.ask(chat, new_thing={"深": [1, None]}, extra={"newer_thing": 2}).text  # noqa: B018  # raises
    body = sent(platform)
    body.pop("stream", None)

    assert body == {"new_thing": {"深": [1, None]}, "newer_thing": 2}


def test_none_is_not_given(world, platform, chat):
    """A parameter, model or endpoint of None is as good as none."""
    world.ask(chat, model=None, endpoint=None, stop=None, temperature=None).text  # noqa: B018  # raises
    body = sent(platform)
    body.pop("stream", None)

    assert body == {}
    assert platform.calls("chat").last.endpoint == "eb-instant"


def test_headers_query_and_request_id_travel(world, platform, chat):
    """Own headers and query parameters reach the platform, and the request id comes back."""
    outcome = world.ask(chat, headers={"X-Trace": "t-1"}, query={"tag": "a b"}, request_id="mine-1")
    call = platform.calls("chat").last

    assert call.headers["x-trace"] == "t-1"
    assert call.query["tag"] == "a b"
    assert outcome.reply.request_id == "mine-1"
    assert sent(platform).keys() <= {"stream"}


def test_a_system_persona_shows(world, chat):
    """The persona that `system` gives shows in the answer."""
    assert "唐代诗人" in world.ask(chat, system="你是唐代诗人").text


def test_a_stop_text_ends_the_answer(world, chat):
    """The answer ends before the first stop text, and says so."""
    outcome = world.ask(chat, model="ERNIE-Bot", stop=["帮助"])

    assert outcome.text.endswith("有什么我可以")
    assert outcome.reply["finish_reason"] == "stop"


def test_max_output_tokens_truncates(world, chat):
    """The answer is cut at the most tokens, and says so."""
    outcome = world.ask(chat, said("请介绍一下杭州"), model="ERNIE-Bot", max_output_tokens=10)

    assert outcome.reply["is_truncated"] is True
    assert outcome.reply["finish_reason"] == "length"
    assert outcome.reply.usage.completion_tokens <= 10
    assert world.ask(chat, said("请介绍一下杭州")).reply["is_truncated"] is False


def test_a_json_object_is_one(world, chat):
    """response_format="json_object" gives an answer that is a JSON object."""
    outcome = world.ask(chat, model="ERNIE-Bot", response_format="json_object")

    assert json.loads(outcome.text)["question"] == "你好"


def test_usage_counts_the_tokens(world, chat):
    """Usage counts question and answer, reads as mapping and by attribute, and grows with history."""
    first = world.ask(chat, said("你好")).reply
    longer = world.ask(chat, said("你好", "您好", "你好")).reply
    usage = first["usage"]

    assert usage["prompt_tokens"] == 2
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert first.usage.total_tokens == usage["total_tokens"]
    assert longer.usage.prompt_tokens == 6


def test_an_unsafe_question_asks_to_clear_the_history(world, chat):
    """An unsafe question is answered with need_clear_history and the turn that gave offence."""
    outcome = world.ask(chat, said("请触发安全审核"))

    assert outcome.reply["need_clear_history"] is True
    assert outcome.reply["ban_round"] == -1
    assert world.ask(chat).reply["need_clear_history"] is False


def test_the_answer_is_in_the_language_of_the_question(world, chat):
    """An English question is answered in English."""
    assert world.ask(chat, said("Tell me about Hangzhou")).text.startswith("[local platform]")


@streams
def test_collect_is_the_unary_reply(world, start, make):
    """What a stream collects is what the unary call says, its id apart."""
    client = make(start(clock=frozen()))
    collected = dict(world.open(client.chat, said("请介绍一下杭州"), model="ERNIE-Bot").collect())
    whole = dict(client.chat.do(said("请介绍一下杭州"), model="ERNIE-Bot"))

    assert {**collected, "id": None} == {**whole, "id": None}


@streams
def test_a_stream_left_early_frees_its_place(world, start, make):
    """After a stream is left at its first event, the next call is answered at once."""
    platform = start(chunk_delay=30)
    client = make(platform, request_timeout=10)
    first = world.open(client.chat).use_and_leave()

    assert first.startswith("【本地")
    assert client.chat.do(MESSAGES)["result"].startswith(first)


# Models and endpoints


def test_a_preset_model_has_its_endpoint(world, platform, chat):
    """A model goes to its endpoint, whatever case its name is in."""
    for model in ("ERNIE-Bot-4", "ernie-bot-4"):
        world.ask(chat, model=model).text  # noqa: B018  # raises where it failed

    assert [call.endpoint for call in platform.calls("chat")] == ["completions_pro"] * 2


def test_an_unknown_model_is_refused_with_a_hint(world, platform, chat):
    """A name nobody knows goes to the platform, whose refusal names the nearest known ones."""
    error = world.ask(chat, model="ERNIE-Bott").error

    assert isinstance(error, errors.APIError)
    assert error.error_code == 3
    assert "ERNIE-Bot" in error.hint
    assert "ERNIE-Bot" in str(error)
    assert platform.calls("chat").last.endpoint == "ERNIE-Bott"
    assert len(error.attempts) == 1


def test_a_custom_endpoint_answers(world, platform, chat):
    """A service of one's own answers at its name, and decides over the model."""
    platform.add_endpoint("my_service")
    world.ask(chat, endpoint="my_service").text  # noqa: B018  # raises where it failed
    world.ask(chat, model="ERNIE-Bot", endpoint="my_service").text  # noqa: B018  # raises

    assert [call.endpoint for call in platform.calls("chat")] == ["my_service"] * 2


def test_an_unknown_endpoint_is_refused(world, chat):
    """A service that is not there is refused with code 3 and a hint to check the endpoint."""
    error = world.ask(chat, endpoint="nowhere").error

    assert error.error_code == 3
    assert "endpoint" in error.hint


@pytest.mark.parametrize(
    "endpoint",
    ["chat/my_service", "/my_service", "https://aip.baidubce.com/rpc/2.0/chat/my_service", "my_service/"],
)
def test_an_endpoint_that_is_more_than_a_name(world, platform, chat, endpoint):
    """An endpoint with a slash or a whole URL is refused before it leaves, and the name is shown."""
    error = world.ask(chat, endpoint=endpoint).error

    assert isinstance(error, errors.InvalidArgumentError)
    assert "my_service" in error.hint
    assert platform.calls() == []


def test_the_call_decides_over_the_constructor(world, platform):
    """What a call says of model and endpoint replaces what the object was made with, both together."""
    application = register(platform)
    platform.add_endpoint("constructed")
    keys = {"ak": application.ak, "sk": application.sk, "base_url": platform.url}
    by_model = qianfan.ChatCompletion("ERNIE-Bot", **keys)
    by_endpoint = qianfan.ChatCompletion(endpoint="constructed", **keys)

    world.ask(by_model)
    world.ask(by_model, model="ERNIE-Bot-4")
    world.ask(by_endpoint)
    world.ask(by_endpoint, model="ERNIE-Bot-4")
    world.ask(by_endpoint, model="", endpoint="")

    endpoints = [call.endpoint for call in platform.calls("chat")]
    assert endpoints == ["completions", "completions_pro", "constructed", "completions_pro", "constructed"]


# Bad input


@pytest.mark.parametrize(
    ("messages", "word"),
    [
        ([], "empty"),
        (qianfan.Messages(), "empty"),
        ("你好", "str"),
        ({"role": "user", "content": "你好"}, "dict"),
        (["你好"], "messages[0]"),
        ([{"role": "user", "content": "你好"}, "您好", {"role": "user", "content": "?"}], "messages[1]"),
        ([{"content": "你好"}], "role"),
        (None, "NoneType"),
        (3, "int"),
    ],
    ids=repr,
)
def test_messages_that_are_none(world, platform, chat, messages, word):
    """What cannot be a conversation is refused before it leaves, and the message names the fault."""
    error = world.ask(chat, messages).error

    assert isinstance(error, errors.InvalidArgumentError)
    assert word in str(error)
    assert platform.calls() == []


@pytest.mark.parametrize(
    ("roles", "code"),
    [
        (["user", "assistant"], 336006),
        (["user", "user", "user"], 336006),
        (["assistant", "user", "assistant"], 336006),
        (["user", "system", "user"], 336006),
        (["system", "user", "assistant"], 336006),
    ],
)
def test_messages_in_a_wrong_order(world, chat, roles, code):
    """An even count and a wrong order are refused by the platform, and the hint says what is right."""
    error = world.ask(chat, [{"role": role, "content": "你好"} for role in roles]).error

    assert isinstance(error, errors.BadRequestError)
    assert error.error_code == code
    assert "user" in error.hint
    assert len(error.attempts) == 1


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"temperature": 0}, 336003),
        ({"temperature": 1.5}, 336003),
        ({"temperature": "hot"}, 336003),
        ({"top_p": -0.1}, 336003),
        ({"penalty_score": 0.5}, 336003),
        ({"max_output_tokens": 1}, 336003),
        ({"max_output_tokens": 5000}, 336003),
        ({"stop": ["a", "b", "c", "d", "e"]}, 336003),
        ({"stop": "。"}, 336003),
        ({"response_format": "xml"}, 336003),
        ({"user_id": 7}, 336003),
        ({"system": "长" * 1025}, 336104),
        ({"functions": [{"name": "f", "description": "d", "parameters": {}}]}, 336303),
        ({"functions": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "g"}}}, 336003),
    ],
    ids=repr,
)
def test_a_value_out_of_range(world, chat, parameters, code):
    """A value out of range is refused once, in words that name the parameter."""
    error = world.ask(chat, model="ERNIE-Bot", **parameters).error

    assert isinstance(error, errors.BadRequestError)
    assert error.error_code == code
    assert list(parameters)[-1] in error.error_msg
    assert len(error.attempts) == 1


@pytest.mark.parametrize("content", ["", None, 3, ["你好"]], ids=["empty", "none", "number", "list"])
def test_a_content_that_is_no_text(world, chat, content):
    """A message without words is refused by the platform in words that name the content."""
    error = world.ask(chat, [{"role": "user", "content": content}]).error

    assert error.error_code == 336003
    assert "content" in error.error_msg


def test_a_question_that_is_too_long(world, chat):
    """A question longer than the model takes is refused with a hint to shorten it."""
    error = world.ask(chat, said("长" * 20_001), model="ERNIE-Bot").error

    assert error.error_code == 336007
    assert "缩短" in error.hint


@pytest.mark.parametrize(
    "options",
    [
        {"request_timeout": 0},
        {"request_timeout": -1},
        {"request_timeout": "long"},
        {"retry_count": -1},
        {"retry_count": "many"},
        {"retry_count": 1.5},
        {"backoff_factor": -0.5},
        {"model": 3},
        {"endpoint": 3},
        {"headers": 3},
        {"query": 3},
        {"extra": [1]},
    ],
    ids=repr,
)
def test_an_option_that_does_not_fit(world, platform, chat, options):
    """An option of the call that makes no sense is refused by name, before anything leaves."""
    error = world.ask(chat, **options).error

    assert isinstance(error, errors.InvalidArgumentError)
    assert next(iter(options)) in str(error)
    assert platform.calls() == []


def test_a_parameter_that_is_no_json(world, platform, chat):
    """A value that JSON cannot hold is refused before anything leaves."""
    error = world.ask(chat, system=object()).error

    assert isinstance(error, errors.InvalidArgumentError)
    assert "JSON" in str(error)
    assert platform.calls() == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_lacks(world, platform, chat, value):
    """NaN and infinity, which JSON lacks, are refused rather than silently left out."""
    error = world.ask(chat, temperature=value).error

    assert isinstance(error, errors.InvalidArgumentError)
    assert platform.calls("chat") == []


def test_half_a_surrogate_pair(world, platform, chat):
    """A text that UTF-8 cannot hold is refused with an error of ours, not with a codec's."""
    error = world.ask(chat, said("\ud83d")).error

    assert isinstance(error, errors.InvalidArgumentError)
    assert platform.calls("chat") == []


# Errors


def test_an_error_carries_what_is_known(world, platform, chat):
    """An error has the platform's code and words, the request id, the status, the attempts and a hint."""
    error = world.ask(chat, said("你好", "您好"), request_id="mine-2").error
    answered = platform.calls("chat").last.reply

    assert (error.code, error.error_code) == (336006, 336006)
    assert error.message == error.error_msg == answered["error_msg"]
    assert error.request_id in {"mine-2", answered["id"]}
    assert error.status == 200
    assert [attempt.outcome for attempt in error.attempts] == ["BadRequestError 336006"]
    assert error.hint
    for part in ("336006", error.error_msg, error.request_id, error.hint):
        assert part in str(error)
    assert "\n" not in str(error)


def test_an_error_of_the_gateway_carries_the_request_id(world, chat):
    """A code below 1000 has no id in its body; the id of the header stands in its place."""
    error = world.ask(chat, endpoint="nowhere", request_id="mine-3").error

    assert error.request_id == "mine-3"


# Quotas


def on_retry(action):
    """Return a log handler that does something before every retry."""

    class Watch(logging.Handler):
        def emit(self, record):
            if record.getMessage().startswith("retry"):
                action()

    return Watch()


@pytest.fixture
def watch():
    """Do something before every retry."""
    log = logging.getLogger("qianfan")
    level, handlers = log.level, []

    def watch(action):
        handlers.append(on_retry(action))
        log.addHandler(handlers[-1])
        log.setLevel(logging.INFO)

    yield watch
    for handler in handlers:
        log.removeHandler(handler)
    log.setLevel(level)


def test_calls_too_fast_are_tried_again_and_then_fail(world, start, make):
    """Code 18 is tried again, three times in all, and then is a RateLimitError."""
    platform = start(qps=1, clock=frozen())
    chat = make(platform).chat
    world.ask(chat).text  # noqa: B018  # raises where it failed
    error = world.ask(chat).error

    assert isinstance(error, errors.RateLimitError)
    assert error.error_code == 18
    assert [attempt.outcome for attempt in error.attempts] == ["RateLimitError 18"] * 3
    assert len(platform.calls("chat")) == 4
    assert "query_per_second" in error.hint
    assert "3 attempts" in str(error)


def test_calls_too_fast_succeed_when_time_passes(world, start, make, watch):
    """Code 18 is cured by the pause before the next attempt."""
    platform = start(qps=1, clock=frozen())
    watch(lambda: platform.advance(seconds=1))
    chat = make(platform).chat

    assert [bool(world.ask(chat).text) for _ in range(3)] == [True] * 3
    assert len(platform.calls("chat")) == 5


@pytest.mark.parametrize(("limit", "code"), [("rpm", 336501), ("tpm", 336502)])
def test_a_minute_that_is_full(world, start, make, limit, code):
    """A full minute answers its own code, at once where one attempt is asked for; the next is free."""
    platform = start(clock=frozen(), **{limit: 1})
    chat = make(platform).chat
    first = world.ask(chat)
    error = world.ask(chat, retry_count=1).error
    platform.advance(minutes=1)

    assert first.reply.headers[f"X-Ratelimit-Limit-{'Requests' if limit == 'rpm' else 'Tokens'}"] == "1"
    assert isinstance(error, errors.RateLimitError)
    assert error.error_code == code
    assert len(error.attempts) == 1
    assert world.ask(chat).text


def test_a_minute_that_is_full_is_waited_for(world, start, make, watch):
    """A full minute is tried again, and cured where it passes."""
    platform = start(rpm=1, clock=frozen())
    watch(lambda: platform.advance(minutes=1))
    chat = make(platform).chat

    assert [bool(world.ask(chat).text) for _ in range(2)] == [True, True]


@unary
def test_query_per_second_keeps_within_the_quota(world, start, make):
    """A client that limits itself to the platform's rate is never refused."""
    platform = start(qps=20)
    chat = make(platform, query_per_second=20).chat
    outcomes = world.ask_all([chat] * 8, retry_count=1)

    assert [outcome.error for outcome in outcomes] == [None] * 8
    assert len(platform.calls("chat")) == 8


# Credentials


def test_an_expired_token_is_renewed_unseen(world, start, make):
    """A token that expired on the platform is replaced, once, and the call succeeds."""
    platform = start()
    chat = make(platform).chat
    world.ask(chat).text  # noqa: B018  # raises where it failed
    platform.advance(days=31)
    outcomes = [world.ask(chat) for _ in range(2)]

    assert [bool(outcome.text) for outcome in outcomes] == [True, True]
    assert len(platform.calls("token")) == 2
    refused = [call for call in platform.calls("chat") if "error_code" in call.reply]
    assert [call.reply["error_code"] for call in refused] == [111]


def test_a_revoked_token_is_renewed_unseen(world, platform, chat):
    """Each time the tokens are revoked, one new one is fetched and the call succeeds."""
    for _ in range(3):
        assert world.ask(chat, retry_count=1).text
        platform.revoke_tokens()

    assert len(platform.calls("token")) == 3
    assert len(platform.calls("chat")) == 5


@pytest.mark.parametrize("way", ["sync", "async"])
def test_many_calls_renew_a_token_once(way, platform, make):
    """Calls that all find the token revoked fetch one new token between them."""
    world = World(way)
    client = make(platform)
    world.ask(client.chat).text  # noqa: B018  # raises where it failed
    platform.revoke_tokens()
    outcomes = world.ask_all([client.chat] * 10)

    assert [bool(outcome.text) for outcome in outcomes] == [True] * 10
    assert len(platform.calls("token")) == 2
    world.close_client(client)
    world.close()


def test_a_token_of_ones_own_is_used_as_it_is(world, platform, make):
    """A ready-made token serves without a token call."""
    first = make(platform)
    token = first.access_token()
    outcome = world.ask(make(platform, access_token=token).chat)

    assert outcome.text
    assert len(platform.calls("token")) == 1


@pytest.mark.parametrize(("revoke", "code"), [(True, 110), (False, 111)])
def test_a_token_of_ones_own_is_not_renewed(world, platform, make, revoke, code):
    """A ready-made token that is refused cannot be renewed: the error is final, at once."""
    token = make(platform).access_token()
    chat = make(platform, access_token=token).chat
    if revoke:
        platform.revoke_tokens()
    else:
        platform.advance(days=31)
    error = world.ask(chat).error

    assert isinstance(error, errors.AccessTokenExpiredError)
    assert error.error_code == code
    assert len(platform.calls("chat")) == 1
    assert token not in str(error)


@pytest.mark.parametrize(
    ("ak", "sk", "words"),
    [
        (None, "wrong-sk-wrong", "Client authentication failed"),
        ("wrong-ak", "wrong-sk-wrong", "unknown client id"),
    ],
    ids=["wrong sk", "wrong ak"],
)
def test_wrong_keys_are_refused_at_once(world, platform, make, ak, sk, words):
    """Wrong keys give the platform's own words after one token call, and no chat call."""
    application = register(platform)
    error = world.ask(make(platform, ak=ak or application.ak, sk=sk).chat).error

    assert isinstance(error, errors.AuthError)
    assert words in str(error)
    assert "API Key" in error.hint
    assert sk not in f"{error!r} {error} {error.attempts} {error.__dict__}"
    assert [call.route for call in platform.calls()] == ["token"]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"ak": "ALTAKabcdefghijklmnopqrst", "sk": "s" * 32}, "IAM Access Key"),
        ({"ak": "bce-v3/ALTAK-abc/0123456789abcdef", "sk": "s" * 32}, "v2 API key"),
        ({"ak": "a" * 24, "sk": f"24.{'0' * 32}.2592000.1700000000.282335-1"}, "access_token="),
        ({"ak": "a" * 24}, "sk"),
        ({"sk": "s" * 32}, "ak"),
        ({}, "QIANFAN_AK"),
        ({"ak": "", "sk": "", "access_token": ""}, "QIANFAN_LOCAL"),
        ({"ak": "a", "sk": 3}, "str"),
    ],
    ids=["IAM key", "v2 key", "token as sk", "no sk", "no ak", "none", "empty", "number"],
)
def test_keys_that_cannot_be_right(keys, words):
    """Keys of another kind, half a pair or none are refused when the object is made, with what to do."""
    with pytest.raises(errors.InvalidArgumentError) as caught:
        qianfan.ChatCompletion(**keys)

    assert words in str(caught.value)
    assert "sssss" not in str(caught.value)


def test_no_secret_shows_anywhere(world, platform, make, caplog):
    """Neither repr, nor log, nor error, nor journal shows the Secret Key or the token."""
    caplog.set_level(logging.DEBUG)
    application = register(platform)
    client = make(platform, ak=application.ak, sk=application.sk)
    world.ask(client.chat)
    platform.revoke_tokens()
    error = world.ask(client.chat, said("你好", "您好")).error
    token = client.access_token()
    written = f"{client!r} {client._settings!r} {error!r} {error.__dict__} {caplog.text} {platform.calls()!r}"

    assert application.sk not in written
    assert token not in written


# Many clients side by side


def tenants(start, make, count):
    """Return clients on two platforms, each with keys of its own, and the name each will call itself."""
    platforms = [start(rpm=1000), start(rpm=1000)]
    return platforms, [(f"租户{index}", make(platforms[index % 2])) for index in range(count)]


def check_nothing_mixed(platforms, clients, replies, rounds):
    """Check that each platform saw its own tenants only, and that each tenant used its own quota."""
    for number, platform in enumerate(platforms):
        seen = {call.messages[0]["content"] for call in platform.calls("chat")}
        keys = {call.query["client_id"] for call in platform.calls("token")}

        own = clients[number::2]
        assert seen == {f"我叫{name}" for name, _ in own}
        assert keys == {client._settings.credential.ak for _, client in own}
        assert len(platform.calls("token")) == len(own)
    for name, _ in clients:
        left = [int(reply.headers["X-Ratelimit-Remaining-Requests"]) for reply in replies[name]]
        assert sorted(left, reverse=True) == list(range(999, 999 - rounds, -1))
        assert all(name in reply["result"] for reply in replies[name])


def ask_my_name(name):
    """Return messages whose answer must hold the name."""
    return said(f"我叫{name}", "您好", "我叫什么名字？")


def test_tenants_in_threads_do_not_mix(start, make):
    """Twelve clients with keys of their own on two platforms, all in threads, never mix."""
    platforms, clients = tenants(start, make, 12)
    replies = {name: [] for name, _ in clients}
    ready = threading.Barrier(len(clients))

    def work(name, client):
        ready.wait()
        replies[name] += [client.chat.do(ask_my_name(name)) for _ in range(4)]
        replies[name].append(client.chat.do(ask_my_name(name), stream=True).collect())

    threads = [threading.Thread(target=work, args=pair) for pair in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    check_nothing_mixed(platforms, clients, replies, 5)


def test_tenants_in_tasks_do_not_mix(start, make):
    """Twelve clients with keys of their own on two platforms, all in tasks, never mix."""
    platforms, clients = tenants(start, make, 12)
    replies = {name: [] for name, _ in clients}

    async def work(name, client):
        replies[name] += await asyncio.gather(*(client.chat.ado(ask_my_name(name)) for _ in range(4)))
        replies[name].append(await (await client.chat.ado(ask_my_name(name), stream=True)).acollect())

    async def main():
        await asyncio.gather(*(work(*pair) for pair in clients))
        for _, client in clients:
            await client.aclose()

    asyncio.run(main())

    check_nothing_mixed(platforms, clients, replies, 5)


# A platform that goes away


@streams
def test_a_platform_that_stops_in_mid_stream(world, start, make):
    """A stream that the platform cuts raises, with what had arrived attached."""
    platform = start(chunk_delay=30)
    opened = world.open(make(platform).chat)
    first = opened.next()
    platform.stop()

    with pytest.raises(errors.StreamIncompleteError) as caught:
        opened.rest()
    assert caught.value.partial["result"] == first
    assert "partial" in caught.value.hint
    assert caught.value.status == 200


def test_a_platform_that_has_stopped(world, platform, make):
    """A platform that is gone is a ConnectionFailedError after all attempts, which names the place."""
    client = make(platform)
    world.ask(client.chat).text  # noqa: B018  # raises where it failed
    address = platform.url
    platform.stop()
    error = world.ask(client.chat).error

    assert isinstance(error, errors.ConnectionFailedError)
    assert isinstance(error, ConnectionError)
    assert address in str(error)
    assert "refused" in str(error)
    assert sum("Dead" not in attempt.outcome for attempt in error.attempts) == 3


def test_a_platform_that_was_never_there(world, make, platform):
    """A port where nothing listens is a ConnectionFailedError that says what to check."""
    chat = make(platform, base_url=f"http://127.0.0.1:{closed_port()}").chat
    error = world.ask(chat, retry_count=2).error

    assert isinstance(error, errors.ConnectionFailedError)
    assert len(error.attempts) == 2
    assert error.hint


def test_a_platform_that_comes_back(world, start, make):
    """A platform that was restarted on its port is found again, without a word."""
    platform = start(port=closed_port())
    client = make(platform)
    world.ask(client.chat).text  # noqa: B018  # raises where it failed
    platform.stop()
    platform.start()

    assert world.ask(client.chat).text
    assert len(platform.calls("token")) == 1


@streams
def test_events_that_do_not_come_in_time(world, start, make):
    """A stream whose next event does not come within request_timeout raises, with the part attached."""
    platform = start(chunk_delay=30)
    opened = world.open(make(platform).chat, request_timeout=0.2)
    first = opened.next()

    with pytest.raises(errors.RequestTimeoutError) as caught:
        opened.rest()
    assert caught.value.partial["result"] == first
    opened.close()


# One object, many places


def test_one_object_serves_loop_after_loop(platform, chat):
    """One object serves asyncio.run after asyncio.run, and threads beside them."""

    async def ask():
        return (await chat.ado(MESSAGES))["result"]

    answers = [asyncio.run(ask()), chat.do(MESSAGES)["result"], asyncio.run(ask())]

    assert len(set(answers)) == 1
    assert len(platform.calls("token")) == 1


def test_an_async_call_can_be_cancelled(start, make):
    """A task that is cancelled in mid-stream ends as cancelled, and the object serves on."""
    platform = start(chunk_delay=30)
    client = make(platform)

    async def read(started):
        async for _ in await client.chat.ado(MESSAGES, stream=True):
            started.set()

    async def main():
        started = asyncio.Event()
        task = asyncio.create_task(read(started))
        waiting = asyncio.create_task(started.wait())
        await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
        assert not task.done(), task.exception()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        answer = (await client.chat.ado(MESSAGES))["result"]
        await client.aclose()
        return answer

    assert asyncio.run(main()).startswith("【本地平台】")
