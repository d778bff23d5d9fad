"""How a script says what it says: pieces, pace, usage, ends, thoughts, results of a search."""

from __future__ import annotations

import threading
import time

import pytest
from asker import TOOL, Asker


@pytest.fixture(params=[1, 2], ids=["v1", "v2"])
def asker(request, start):
    """Asks either version of a platform of its own."""
    return Asker(start().platform, request.param)


@pytest.fixture
def platform(asker):
    """The platform that is asked."""
    return asker.platform


@pytest.mark.parametrize(
    ("says", "events"),
    [
        ({"with_": "你好，世界 again"}, ["你好，", "世界", " again"]),
        ({"with_": "你好世界", "chunk_size": 3}, ["你好世", "界"]),
        ({"with_": "你好世界", "chunk_size": 1}, ["你", "好", "世", "界"]),
        ({"chunks": ["你", "", "好世界\n"]}, ["你", "", "好世界\n"]),
        ({"with_": "", "chunk_size": 3}, [""]),
        ({"with_": ""}, [""]),
        ({"chunks": [""]}, [""]),
        ({"with_": {"b": [1, None], "a": "好"}, "chunk_size": 100}, ['{"b":[1,null],"a":"好"}']),
        ({"with_": lambda _: ["好", 1], "chunk_size": 100}, ['["好",1]']),
        ({"with_": lambda turn: turn.text, "chunk_size": 1}, ["问", "题"]),
    ],
)
def test_pieces(asker, platform, says, events):
    """A stream brings the words in the pieces that are asked for; whole and as a stream they are the same words."""
    platform.reply(**says)

    streamed, whole = asker.stream("问题"), asker.ask("问题")

    assert streamed.events == events
    assert whole.text == streamed.text == "".join(events)


def test_words_are_said_as_they_are(asker, platform):
    """Neither `stop` nor the most tokens of a request cuts what a script says, nor does the platform mark it."""
    long = "长" * 3000
    platform.reply(with_=long)
    most = {"max_output_tokens": 2} if asker.version == 1 else {"max_tokens": 2}

    said = asker.ask("问题", stop=["长"], **most)

    assert said.text == long
    assert said.usage["completion_tokens"] == 3000


@pytest.mark.parametrize(
    "says",
    [
        {"with_": "Hello, 世界"},
        {"chunks": ["Hel", "lo, 世", "界"]},
        {"with_": "Hello, 世界", "chunk_size": 1},
    ],
)
def test_usage_is_counted(asker, platform, says):
    """However the words are cut, their tokens are counted as ever, and never fall in a stream."""
    platform.reply(**says)

    assert asker.ask("问题").usage == {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5}
    streamed = asker.stream("问题")
    usages = [event["usage"] for event in streamed.body if "usage" in event]
    assert usages[-1] == {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5}
    spent = [usage["completion_tokens"] for usage in usages]
    assert spent == sorted(spent)


@pytest.mark.parametrize(
    ("usage", "told"),
    [
        ({"prompt_tokens": 100}, {"prompt_tokens": 100, "completion_tokens": 1, "total_tokens": 101}),
        ({"completion_tokens": 0}, {"prompt_tokens": 2, "completion_tokens": 0, "total_tokens": 2}),
        ({"total_tokens": 9}, {"prompt_tokens": 2, "completion_tokens": 1, "total_tokens": 9}),
        (
            {"prompt_tokens": 5, "completion_tokens": 6, "prompt_tokens_details": {"cached_tokens": 4}},
            {
                "prompt_tokens": 5,
                "completion_tokens": 6,
                "total_tokens": 11,
                "prompt_tokens_details": {"cached_tokens": 4},
            },
        ),
    ],
)
def test_usage_is_told(asker, platform, usage, told):
    """The usage that is given is told, whole and at the end of a stream; the rest is counted."""
    platform.reply(with_="好", usage=usage)

    assert asker.ask("问题").usage == told
    assert asker.stream("问题").usage == told


def test_the_usage_that_is_told_is_charged(start):
    """What the usage says is taken from the quota."""
    for version in (1, 2):
        asker = Asker(start(tpm=1000).platform, version)
        asker.platform.reply(with_="好", usage={"total_tokens": 1000})

        assert asker.words("问题") == "好"
        assert asker.refusal("问题")[0] in (336502, "tpm_rate_limit_exceeded")


@pytest.mark.parametrize(
    ("given", "on_v1", "on_v2"),
    [
        (None, "normal", "stop"),
        ("normal", "normal", "stop"),
        ("stop", "stop", "stop"),
        ("length", "length", "length"),
        ("content_filter", "content_filter", "content_filter"),
        ("tool_calls", "function_call", "tool_calls"),
        ("function_call", "function_call", "tool_calls"),
        ("unheard_of", "unheard_of", "unheard_of"),
    ],
)
def test_ends(asker, platform, given, on_v1, on_v2):
    """An end in the words of either version is told in the words of the one that is called, with what goes with it."""
    platform.reply(with_="好", finish_reason=given)

    whole, streamed = asker.ask("问题"), asker.stream("问题")

    assert whole.finish == streamed.finish == (on_v1 if asker.version == 1 else on_v2)
    if asker.version == 1:
        assert whole.body["is_truncated"] == (given == "length")
        assert whole.body["need_clear_history"] == (given == "content_filter")
        assert ("ban_round" in whole.body) == (given == "content_filter")
    else:
        assert whole.body["choices"][0]["flag"] == (given == "content_filter")


def test_thoughts(asker, platform):
    """What is thought comes before the words on v2, in pieces too, and is not there on v1, which has no field for it."""
    platform.reply(with_="好", reasoning="先想想", chunk_size=2)

    whole, streamed = asker.ask("问题"), asker.stream("问题")

    assert whole.text == streamed.text == "好"
    if asker.version == 2:
        assert whole.body["choices"][0]["message"]["reasoning_content"] == "先想想"
        deltas = [event["choices"][0]["delta"].get("reasoning_content") for event in streamed.body[:-1]]
        assert deltas == ["先想", "想", None]
    assert whole.usage["completion_tokens"] == (4 if asker.version == 2 else 1)


def test_thoughts_of_a_call(asker, platform):
    """What is thought before a call is the call's on v1, and the message's on v2."""
    platform.reply(calls=[("get_weather", {})], reasoning="要查天气")

    said = asker.ask("天气", tools=[TOOL])

    told = said.body["function_call"] if asker.version == 1 else said.body["choices"][0]["message"]
    assert told["thoughts" if asker.version == 1 else "reasoning_content"] == "要查天气"


def test_search_results(asker, platform):
    """Results of a search are numbered, and told where the version tells them, though nobody asked for them."""
    platform.reply(
        with_="好", search_results=[{"title": "甲", "url": "https://a.example"}, {"index": 7, "title": "乙"}]
    )
    told = [{"index": 1, "title": "甲", "url": "https://a.example"}, {"index": 7, "title": "乙"}]

    whole = asker.ask("问题").body
    first, *others = asker.stream("问题").body

    for body in (whole, first):
        assert (
            body["search_info"]["search_results"] if asker.version == 1 else body["search_results"]
        ) == told
    assert not any({"search_info", "search_results"} & event.keys() for event in others)


def test_a_stream_at_the_pace_of_the_clock(asker, platform):
    """The first event comes after `first_token` seconds of the platform's clock, each other `between` seconds later."""
    platform.freeze()
    platform.reply(chunks=["一", "二", "三", "四"], first_token=5, between=2)
    stream = asker.open("问题")

    platform.advance(seconds=4.5)
    platform.advance(seconds=0.5)
    assert stream.events(1) == 1
    platform.advance(seconds=1.5)
    platform.advance(seconds=0.5)
    assert stream.events(1) == 2
    platform.advance(seconds=4)
    assert stream.events(2) == 4


def test_the_usage_comes_with_the_end(start):
    """The chunk of v2 that tells the usage does not wait, since nothing is written for it."""
    asker = Asker(start().platform, 2)
    asker.platform.freeze()
    asker.platform.reply(chunks=["一", "二"], between=2)
    stream = asker.open("问题", stream_options={"include_usage": True})

    assert stream.events(1) == 1
    asker.platform.advance(seconds=2)
    assert stream.events(2) == 3


def test_a_whole_answer_comes_when_its_stream_would_end(asker, platform):
    """An answer that is no stream takes as long as its stream; till then it is in the journal without a duration."""
    platform.freeze()
    platform.reply(chunks=["一", "二", "三"], first_token=5, between=2)
    got = []
    asked = threading.Thread(target=lambda: got.append(asker.words("问题")))
    asked.start()
    wait_for_waiting(platform)

    platform.advance(seconds=8.5)
    wait_for_waiting(platform)
    call = platform.calls("chat").last
    assert (got, call.duration) == ([], None)
    platform.advance(seconds=0.5)
    asked.join()

    assert got == ["一二三"]
    assert call.duration is not None


def test_who_waits_is_let_go_by_stop(asker, platform):
    """A whole answer that waits for a frozen clock does not hold up the platform's end."""
    platform.freeze()
    platform.reply(with_="好", first_token=5)
    errors = []

    def ask():
        try:
            asker.words("问题")
        except Exception as error:  # noqa: BLE001  # whichever: the connection is cut
            errors.append(error)

    asked = threading.Thread(target=ask)
    asked.start()
    wait_for_waiting(platform)
    platform.stop()
    asked.join()

    assert len(errors) == 1
    assert platform.calls("chat").last.duration is None


def test_the_pace_of_the_platform_holds_where_none_is_given(start):
    """A reply without a pace of its own goes at the platform's, another at its own."""
    asker = Asker(start(chunk_delay=3600).platform, 1)
    asker.platform.reply("快", chunks=["一", "二"], between=0)
    asker.platform.reply("慢", chunks=["一", "二"])
    asker.platform.freeze()

    assert asker.stream("快").text == "一二"
    got = []
    asked = threading.Thread(target=lambda: got.append(asker.stream("慢").text))
    asked.start()
    wait_for_waiting(asker.platform)
    asker.platform.advance(hours=1)
    asked.join()
    assert got == ["一二"]


def test_pace_without_a_script(start):
    """The platform's own pace is for streams: an answer that is whole comes at once."""
    asker = Asker(start(chunk_delay=3600).platform, 2)

    assert "【本地平台】" in asker.words("问题")


def wait_for_waiting(platform):
    """Wait until somebody waits for a platform's clock, which nothing public tells."""
    while not platform._state.clock._waiting or any(it.done() for it in platform._state.clock._waiting):
        time.sleep(0.001)
