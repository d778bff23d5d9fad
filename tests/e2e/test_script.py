"""Scripted replies as the SDK reads them, on either API: every test here runs on v1 and on v2."""

from __future__ import annotations

import json
import re
import threading
import time

import pytest
from support.commands import run, started
from support.worlds import streams, unary

import qianfan
from qianfan import errors

MODELS = {1: "ERNIE-4.0-8K", 2: "ernie-4.0-8k"}

WEATHER = {
    "name": "get_weather",
    "description": "查询城市的天气",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


@pytest.fixture(params=[1, 2], ids=["v1", "v2"])
def client(request, platform, world):
    """A client of either API on the platform."""
    client = platform.client(version=request.param, backoff_factor=0)
    yield client
    world.close_client(client)
    client.close()


@pytest.fixture
def model(client):
    """A model that both APIs have, by the name it has there."""
    return MODELS[client.version]


@pytest.fixture
def ask(world, client, model):
    """Ask the model, with a text or a conversation; return the outcome."""

    def ask(conversation="你好", **options):
        if isinstance(conversation, str):
            conversation = [{"role": "user", "content": conversation}]
        return world.ask(client.chat, conversation, model=model, **options)

    return ask


def test_rules_answer(platform, ask):
    """Rules by text, regular expression, model and function answer, and the journal says which did."""
    rules = [
        platform.reply(model="ERNIE-4.0-8K", with_="四"),
        platform.reply("退款", with_="七天内可以退款"),
        platform.reply(re.compile(r"订单(\d+)"), with_=r"订单 \1 已发货"),
        platform.reply(
            when=lambda turn: turn.parameters.get("top_p") == 0.5, with_=lambda turn: turn.text[::-1]
        ),
    ]

    assert ask("你好").text == "四"
    assert ask("怎么退款").text == "七天内可以退款"
    assert ask("订单42呢").text == "订单 42 已发货"
    assert ask("倒过来", top_p=0.5).text == "来过倒"

    assert [call.rule for call in platform.calls("chat")] == rules
    assert [rule.calls for rule in rules] == [1, 1, 1, 1]


def test_words_one_after_the_other(platform, ask):
    """A sequence is said call by call."""
    platform.reply("你好", with_=["第一次", "第二次"])

    assert [ask("你好").text for _ in range(3)] == ["第一次", "第二次", "第二次"]


def test_a_tool_loop(platform, ask):
    """A program that calls what is asked for and sends the results back gets its answer after them."""
    platform.reply("天气", calls=[("get_weather", {"city": "北京"}), ("get_weather", {"city": "上海"})]).then(
        with_=lambda turn: "，".join(result["content"] for result in turn.results)
    )
    messages, rounds = qianfan.Messages(), 0
    messages.append("北京和上海的天气")

    reply = ask(messages, functions=[WEATHER]).reply
    while reply.get("function_call"):
        rounds += 1
        messages.append(reply)
        calls = messages[-1].get("tool_calls")
        for call in calls or ():
            arguments = json.loads(call["function"]["arguments"])
            content = f"{arguments['city']}晴"
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": content})
        if not calls:
            messages.append(json.loads(reply["function_call"]["arguments"])["city"] + "晴")
        reply = ask(messages, functions=[WEATHER]).reply

    assert reply["result"] == "北京晴，上海晴"
    assert rounds == (2 if platform.calls("chat").last.version == 1 else 1)


def test_shape(platform, ask):
    """Usage, end, thoughts and results of a search arrive as they were given."""
    platform.reply(
        with_="好",
        usage={"prompt_tokens": 1000, "completion_tokens": 24},
        finish_reason="length",
        reasoning="想一想",
        search_results=[{"title": "甲", "url": "https://a.example"}],
    )

    reply = ask().reply

    assert reply["result"] == "好"
    assert reply.usage.total_tokens == 1024
    assert reply["is_truncated"] is True
    assert reply["search_info"]["search_results"] == [{"index": 1, "title": "甲", "url": "https://a.example"}]
    thought = "想一想" if platform.calls("chat").last.version == 2 else None
    assert reply.get("reasoning_content") == thought


def test_a_document_for_a_schema(platform, ask):
    """An object is said as JSON, which is what a call for a schema parses."""
    platform.reply("城市", with_={"city": "北京", "days": 3})

    assert json.loads(ask("城市").text) == {"city": "北京", "days": 3}


@streams
def test_chunks(platform, ask):
    """The events of a stream bring the chunks of the script."""
    platform.reply(chunks=["你", "好啊", "！"])

    assert [text for text in ask().events if text] == ["你", "好啊", "！"]


@streams
def test_a_stream_waits_for_the_clock(world, platform, client):
    """On a frozen clock the events of a stream come as the clock is advanced, without a second of waiting."""
    platform.freeze()
    platform.reply(chunks=["你", "好", "！"], between=10)
    stream = world.open(client.chat)

    assert stream.next() == "你"
    platform.advance(seconds=10)
    assert stream.next() == "好"
    platform.advance(minutes=1)
    assert [text for text in stream.rest() if text] == ["！"]


@streams
def test_a_stream_that_is_closed_waits_no_more(world, platform, client):
    """A stream that its reader leaves while it waits for the clock ends on the platform too."""
    platform.freeze()
    platform.reply(chunks=["你", "好"], between=60)
    stream = world.open(client.chat)
    assert stream.next() == "你"

    stream.close()
    while platform._state.clock._waiting:  # nothing public tells who waits
        time.sleep(0.001)

    call = platform.calls("chat").last
    assert (len(call.reply), call.duration) == (1, None)


def test_a_reply_waits_for_the_clock(platform, ask):
    """On a frozen clock a reply comes, or begins, when another thread advances the clock, and ends with that."""
    platform.freeze()
    platform.reply(chunks=["你", "好"], first_token=60, between=60)

    def advance():
        while not platform.calls("chat"):
            time.sleep(0.001)
        platform.advance(minutes=2)

    other = threading.Thread(target=advance)
    other.start()
    assert ask().text == "你好"
    other.join()


@unary
def test_a_reply_that_comes_too_late(platform, ask):
    """A reply that the clock does not bring in time is a timeout, as with a slow model."""
    platform.freeze()
    platform.reply(with_="好", first_token=60)

    outcome = ask(request_timeout=0.2, retry_count=1)

    assert isinstance(outcome.error, errors.RequestTimeoutError)


def test_a_strict_script(platform, ask):
    """A question that no rule of a strict script is for is refused once, and the error names it."""
    platform.script.strict = True
    platform.reply("退款", with_="好")

    error = ask("怎么退货").error

    assert isinstance(error, errors.APIError)
    assert "怎么退货" in str(error)
    assert len(platform.calls("chat")) == 1


def test_completions(world, platform, client):
    """Completions are scripted as chats are."""
    platform.reply("从前", with_="有座山", finish_reason="stop")

    assert world.ask(client.completions, "从前").text == "有座山"


def test_serve_with_a_script(tmp_path):
    """`qianfan serve --script` answers by the rules of its files, of which the last counts first."""
    first, second = tmp_path / "first.json", tmp_path / "second.jsonl"
    first.write_text('[{"with": "其他"}, {"text": "退款", "with": "一"}]', encoding="utf-8")
    second.write_text('{"text": "退款", "with": "七天内可以退款"}\n', encoding="utf-8")

    with started("serve", "--port", "0", "--script", str(first), "--script", str(second)) as process:
        greeting = ""
        while "Ctrl-C" not in greeting:
            greeting += process.stdout.readline().decode()
        environment = dict(re.findall(r"export (QIANFAN_\w+)=(\S+)", greeting))
        said = [run("chat", text, **environment).stdout.strip() for text in ("怎么退款", "你好")]

    assert "剧本 (script): 3 条规则" in greeting
    assert said == ["七天内可以退款", "其他"]


def test_serve_refuses_a_bad_script(tmp_path):
    """A script with something wrong ends serve before it begins, and is named with the place."""
    path = tmp_path / "script.json"
    path.write_text('[{"with": "a"}, {"with": 5}]', encoding="utf-8")

    done = run("serve", "--port", "0", "--script", str(path))

    assert done.returncode == 2
    assert "rule 2: with_ must be" in done.stderr
