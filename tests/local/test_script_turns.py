"""Scripts over several turns: function calls and what comes after them, on both versions of the API."""

from __future__ import annotations

import re

import pytest
from asker import TOOL, Asker

TIME = {**TOOL, "name": "get_time", "description": "查询时间"}
TOOLS = [TOOL, TIME]


@pytest.fixture(params=[1, 2], ids=["v1", "v2"])
def asker(request, start):
    """Asks either version of a platform of its own."""
    return Asker(start().platform, request.param)


@pytest.fixture
def platform(asker):
    """The platform that is asked."""
    return asker.platform


def test_a_call_and_what_comes_after_it(asker, platform):
    """A rule calls a function, speaks when the result comes, and begins again with the next question."""
    rule = platform.reply("天气", calls=[("get_weather", {"city": "北京"})]).then(
        with_=lambda turn: f"{turn.text}：{turn.result}"
    )

    called = asker.ask("北京的天气", tools=TOOLS)
    assert called.calls == [("get_weather", '{"city":"北京"}')]
    assert called.finish == ("function_call" if asker.version == 1 else "tool_calls")
    assert called.text == ""

    talk = ["北京的天气", called, (("get_weather", "晴"),)]
    assert asker.words(*talk, tools=TOOLS) == "北京的天气：晴"
    again = asker.ask(*talk, "北京的天气：晴", "那上海的天气呢", tools=TOOLS)
    assert again.calls == called.calls
    assert "【本地平台】" in asker.words(*talk, "北京的天气：晴", "谢谢", tools=TOOLS[:0])
    assert rule.calls == 3


def test_calls_at_once(asker, platform):
    """Several calls come at once on v2 and turn by turn on v1; afterwards the script sees all the results."""
    calls = [("get_weather", {"city": "北京"}), ("get_time", "{not JSON")]
    platform.reply("出行", calls=calls).then(
        with_=lambda turn: " ".join(f"{it['name']}={it['content']}" for it in turn.results)
    )
    sent = [("get_weather", '{"city":"北京"}'), ("get_time", "{not JSON")]

    talk = ["出行"]
    first = asker.ask(*talk, tools=TOOLS)
    if asker.version == 2:
        assert first.calls == sent
        talk += [first, (("get_weather", "晴"), ("get_time", "九点"))]
    else:
        assert first.calls == sent[:1]
        talk += [first, (("get_weather", "晴"),)]
        second = asker.ask(*talk, tools=TOOLS)
        assert second.calls == sent[1:]
        talk += [second, (("get_time", "九点"),)]

    assert asker.words(*talk, tools=TOOLS) == "get_weather=晴 get_time=九点"


def test_calls_of_a_stream(asker, platform):
    """A call is streamed as the platform streams its own: on v1 whole, on v2 in fragments."""
    platform.reply("天气", calls=[("get_weather", {"city": "北京"})])

    events = asker.stream("天气", tools=TOOLS).body

    if asker.version == 1:
        (event,) = events
        assert event["function_call"] == {"name": "get_weather", "arguments": '{"city":"北京"}'}
    else:
        deltas = [it for event in events[:-1] for it in event["choices"][0]["delta"].get("tool_calls", [])]
        assert deltas[0]["function"]["name"] == "get_weather"
        assert "".join(delta["function"]["arguments"] for delta in deltas) == '{"city":"北京"}'


def test_round_after_round(asker, platform):
    """Calls may follow calls, and a function may decide them from the results before."""
    platform.reply("天气", calls=[("get_time", {})]).then(
        calls=lambda turn: [{"name": "get_weather", "arguments": {"time": turn.result}}]
    ).then(with_="好")

    first = asker.ask("天气", tools=TOOLS)
    second = asker.ask("天气", first, (("get_time", "九点"),), tools=TOOLS)
    assert second.calls == [("get_weather", '{"time":"九点"}')]
    talk = ["天气", first, (("get_time", "九点"),), second, (("get_weather", "晴"),)]
    assert asker.words(*talk, tools=TOOLS) == "好"


def test_what_was_said_first_fills_in_later_turns(asker, platform):
    """The groups of a regular expression are those of the question that began, in later turns too."""
    platform.reply(re.compile("(..)的天气"), calls=[("get_weather", {"city": r"\1"})]).then(with_=r"\1晴")

    called = asker.ask("上海的天气", tools=TOOLS)

    assert asker.words("上海的天气", called, (("get_weather", "晴"),), tools=TOOLS) == "上海晴"


def test_conversation_in_words(asker, platform):
    """A rule of words goes on with the user's next words, whatever they are, and is then at its end."""
    platform.reply("订票", with_="去哪里？").then(with_="几点？").then(
        with_=lambda turn: f"{turn.number} 句，好"
    )

    talk = ["我要订票"]
    for said in ("去哪里？", "几点？", "3 句，好"):
        assert asker.words(*talk) == said
        talk += [said, "嗯"]
    assert "【本地平台】" in asker.words(*talk)


def test_conversations_do_not_mix(asker, platform):
    """Where a conversation is in a rule is read from itself, so that several may be under way at once."""
    platform.reply("订票", with_="去哪里？").then(with_="好的")

    assert asker.words("订票") == "去哪里？"
    assert asker.words("我要订票", "去哪里？", "北京") == "好的"
    assert asker.words("订票") == "去哪里？"
    assert asker.words("订票", "去哪里？", "上海") == "好的"


def test_a_rule_without_text(asker, platform):
    """A rule without text answers results too, and begins with a call only where the user spoke."""
    platform.reply(with_="总之")
    platform.reply(when=lambda turn: turn.functions, calls=[("get_weather", {})], times=1)

    called = asker.ask("天气", tools=TOOLS)
    assert called.calls == [("get_weather", "{}")]
    assert asker.words("天气", called, (("get_weather", "晴"),), tools=TOOLS) == "总之"


def test_always_a_call_then_words(asker, platform):
    """A rule for every question, of a call and words, gives each question its call and its words."""
    platform.reply(calls=[("get_weather", {})]).then(with_="晴")

    talk = []
    for question in ("一", "二"):
        called = asker.ask(*talk, question, tools=TOOLS)
        assert called.calls == [("get_weather", "{}")]
        talk += [question, called, (("get_weather", "晴"),)]
        assert asker.words(*talk, tools=TOOLS) == "晴"
        talk += ["晴"]


def test_results_answered_by_the_platform(asker, platform):
    """Where a rule has no more to say after its call, the platform answers the result by itself."""
    platform.reply("天气", calls=[("get_weather", {"city": "北京"})])

    called = asker.ask("天气", tools=TOOLS)

    assert "晴转多云" in asker.words("天气", called, (("get_weather", "晴转多云"),), tools=TOOLS)


def test_nothing_to_call(asker, platform):
    """A call that the request offers no functions for is refused, and names what the script would call."""
    platform.reply("天气", calls=[("get_weather", {}), ("get_time", {})])

    code, message = asker.refusal("天气")

    assert code == (336003 if asker.version == 1 else "invalid_argument")
    assert "get_weather" in message
    assert "no functions" in message


def test_a_function_that_models_make_up(asker, platform):
    """A script may call what the request does not offer, as models do."""
    platform.reply("天气", calls=[("unheard_of", {})])

    assert asker.ask("天气", tools=TOOLS).calls == [("unheard_of", "{}")]


def test_several_calls_of_a_function_on_v1(start):
    """A function that returns several calls at once is told that v1 cannot answer with them."""
    asker = Asker(start().platform, 1)
    asker.platform.reply("天气", calls=lambda _: [("get_weather", {}), ("get_time", {})])

    assert "at once" in asker.refusal("天气", tools=TOOLS)[1]


@pytest.mark.parametrize("bad", [None, [], "get_weather", [("get_weather",)], {"name": "get_weather"}])
def test_a_function_that_returns_no_calls(asker, platform, bad):
    """A function that should return calls and does not is named in the answer."""

    def no_calls(_):
        return bad

    platform.reply("天气", calls=no_calls)

    assert "no_calls failed" in asker.refusal("天气", tools=TOOLS)[1]
