"""Which rule of a script answers, and which of its words, on both versions of the API."""

from __future__ import annotations

import json
import re
import threading

import pytest
from asker import TOOL, Asker, Said

import qianfan.local

UNSAID = {1: 336003, 2: "invalid_argument"}


@pytest.fixture(params=[1, 2], ids=["v1", "v2"])
def asker(request, start):
    """Asks either version of a platform of its own."""
    return Asker(start().platform, request.param)


@pytest.fixture
def platform(asker):
    """The platform that is asked."""
    return asker.platform


def test_text_in_the_question(asker, platform):
    """A rule answers where its text is in what the user said last; elsewhere the platform answers by itself."""
    rule = platform.reply("退款", with_="七天内可以退款")

    assert asker.words("怎么退款？") == "七天内可以退款"
    assert "【本地平台】" in asker.words("怎么退货？")
    assert "【本地平台】" in asker.words("怎么退款？", "七天内可以退款", "谢谢")
    assert rule.calls == 1
    assert [call.rule for call in platform.calls("chat")] == [rule, None, None]


def test_regular_expression(asker, platform):
    """A regular expression is found anywhere in the question, and its groups fill in what is said."""
    platform.reply(re.compile(r"订单(?P<number>\d+)(的物流)?"), with_=r"订单 \g<number> 已发货\2")

    assert asker.words("我的订单42的物流呢") == "订单 42 已发货的物流"
    assert asker.words("订单7？") == "订单 7 已发货"
    assert "【本地平台】" in asker.words("我的订单呢")


def test_groups_fill_in_all_that_is_said(asker, platform):
    """Objects, chunks, arguments and thoughts have the groups filled in; a plain text's backslashes stay."""
    city = re.compile("(..)的天气")
    platform.reply(city, with_={"city": r"\1", "days": [r"\1今天", 2]}, times=1)
    platform.reply(city, chunks=[r"\1", "晴"], times=1)
    platform.reply(city, calls=[("get_weather", {"city": r"\1"})], times=1)
    platform.reply("反斜杠", with_=r"\1 \d")

    assert asker.ask("北京的天气", tools=[TOOL]).calls == [("get_weather", '{"city":"北京"}')]
    assert asker.words("上海的天气") == "上海晴"
    assert asker.words("广州的天气") == '{"city":"广州","days":["广州今天",2]}'
    assert asker.words("反斜杠") == r"\1 \d"


def test_model_by_any_of_its_names(asker, platform):
    """A rule for a model answers on both versions, by the name of 2023, of today, of the endpoint or of v2."""
    for name in ("ERNIE-Bot-4", "ERNIE-4.0-8K", "completions_pro", "ernie-4.0-8k"):
        platform.script.clear()
        platform.reply(model=name, with_="四")

        assert asker.words("你好", endpoint="completions_pro", model="ernie-4.0-8k") == "四", name
        assert asker.words("你好", endpoint="eb-instant", model="ernie-lite-8k") != "四", name


def test_model_of_ones_own(asker, platform):
    """A rule for a service of the user's answers where that is called, in whatever case its name is."""
    platform.add_endpoint("My_Service")
    platform.reply(model="My_Service", with_="我的")

    assert asker.words("你好", endpoint="My_Service", model="My_Service") == "我的"


def test_a_function_decides(asker, platform):
    """A function is given the turn, and may both choose and say."""
    turns = []
    platform.reply(when=lambda turn: turn.number == 2, with_=lambda turn: f"{turn.system}{turn.text}！")
    platform.reply(when=turns.append, with_="never")
    system = {"role": "system", "content": "人设："}
    first = [system] if asker.version == 2 else []
    options = {"system": "人设："} if asker.version == 1 else {}

    assert asker.words(*first, "一", "二", "三", temperature=0.5, tools=[TOOL], **options) == "人设：三！"
    asker.words("一")

    (turn, other) = turns
    assert (turn.version, turn.kind, turn.stream) == (asker.version, "chat", False)
    assert turn.parameters == {"temperature": 0.5}
    assert (turn.number, other.number) == (2, 1)
    assert [message["content"] for message in turn.messages] == ["一", "二", "三"]
    assert turn.functions == (TOOL,)
    assert (turn.results, turn.result) == ([], "")
    assert turn.endpoint == ("completions" if asker.version == 1 else "completions_pro")
    assert turn.is_of(turn.model)


def test_all_conditions_must_hold(asker, platform):
    """A rule with several conditions answers where all of them hold."""
    platform.reply("退款", model="ERNIE-Bot-4", when=lambda turn: len(turn.text) > 4, with_="全部")
    pro = {"endpoint": "completions_pro", "model": "ernie-4.0-8k"}
    lite = {"endpoint": "eb-instant", "model": "ernie-lite-8k"}

    said = [
        asker.words(*it, **model)
        for it in (["怎么退款？"], ["退款"], ["怎么退货？"])
        for model in (pro, lite)
    ]

    assert [words == "全部" for words in said] == [True, False, False, False, False, False]


def test_the_newest_rule_answers(asker, platform):
    """Of the rules that fit the one that was added last answers, so that a test overrides what is common."""
    platform.reply(with_="其他")
    platform.reply("退款", with_="旧")
    platform.reply("退款", with_="新")

    assert [asker.words("退款"), asker.words("你好")] == ["新", "其他"]


@pytest.mark.parametrize(
    ("at_end", "said"),
    [("last", "甲乙乙乙乙"), ("repeat", "甲乙甲乙甲"), ("error", "甲乙---")],
)
def test_words_one_after_the_other(asker, platform, at_end, said):
    """Of several words each call gets the next; at their end the last stays, all are repeated, or it is an error."""
    platform.reply(with_="其他")
    rule = platform.reply("你好", with_=["甲", "乙"], at_end=at_end)

    got = ""
    for _ in range(5):
        answer = asker.send("你好").json()
        code = answer.get("error_code") or answer.get("error", {}).get("code")
        assert code in (None, UNSAID[asker.version])
        got += "-" if code else asker.words("其他") and _text(answer)

    assert got == said
    assert rule.calls == (2 if at_end == "error" else 5)


def _text(answer):
    return answer["result"] if "result" in answer else answer["choices"][0]["message"]["content"]


def test_a_rule_that_answers_so_often(asker, platform):
    """After `times` conversations a rule is as if it were not there, but ends those it has begun."""
    platform.reply(with_="其他")
    platform.reply("你好", times=2, with_="早").then(with_="走好")

    assert [asker.words("你好") for _ in range(3)] == ["早", "早", "其他"]
    assert asker.words("你好", "早", "再见") == "走好"


def test_a_strict_script(asker, platform):
    """What no rule of a strict script answers is refused, with the question, and not tried again by clients."""
    platform.script.strict = True
    rule = platform.reply("退款", with_="好")

    code, message = asker.refusal("怎么退货？")

    assert code == UNSAID[asker.version]
    assert "怎么退货？" in message
    assert asker.words("退款") == "好"
    assert [call.rule for call in platform.calls("chat")] == [None, rule]
    platform.script.clear()
    assert "【本地平台】" in asker.words("怎么退货？")
    assert (len(platform.script), platform.script.strict) == (0, False)


def test_the_rules_of_the_platform_hold_first(asker, platform):
    """A script answers only requests that the platform would answer; quotas and checks stay."""
    platform.reply(with_="好")

    code, _ = asker.refusal("你好", temperature=7)

    assert code == UNSAID[asker.version]
    assert platform.calls("chat").last.rule is None


def test_functions_that_fail(asker, platform, caplog):
    """A function of the script that fails is named in the answer and shown in the log; the platform goes on."""

    def broken(turn):
        return turn.text / 0

    for rule in (
        {"when": broken, "with_": "x"},
        {"with_": broken},
        {"calls": broken},
        {"with_": lambda _: None},
    ):
        platform.script.clear()
        platform.reply(**rule)
        code, message = asker.refusal("你好", tools=[TOOL])

        assert code == UNSAID[asker.version]
        assert ("broken" if "lambda" not in message else "lambda") in message
    assert caplog.text.count("unsupported operand") == 3
    platform.script.clear()
    assert "【本地平台】" in asker.words("你好")


def test_functions_may_call_the_platform(asker, platform):
    """A function of the script runs apart, so that it may ask the same platform itself."""
    platform.reply("外", with_=lambda _: asker.words("内") + "外")
    platform.reply("内", with_="里")

    assert asker.words("外") == "里外"


def test_many_at_once(asker, platform):
    """Calls from many threads get each of the words once, and all are counted."""
    words = [str(number) for number in range(40)]
    rule = platform.reply(with_=words)
    got = []

    def ask():
        got.extend(asker.words("你好") for _ in range(10))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(got, key=int) == words
    assert rule.calls == 40


KINDS = {
    "chat": ("/chat/eb-instant", {"messages": [{"role": "user", "content": "退款"}]}),
    "completion": ("/completions/codellama_7b_instruct", {"prompt": "退款"}),
    "completion by SQLCoder": ("/completions/sqlcoder_7b", {"prompt": "退款"}),
    "plugin": ("/plugin/app/", {"query": "退款"}),
    "erniebot": ("/erniebot/plugins", {"messages": [{"role": "user", "content": "退款"}], "plugins": ["a"]}),
    "image2text": (
        "/image2text/fuyu_8b",
        {
            "prompt": "退款",
            "image": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
        },
    ),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_that_answers_in_words(start, kind, stream):
    """Completions, plugins and image reading ask the script too, before the functions of plugins."""
    caller = start()
    caller.platform.add_endpoint("app", "plugin")
    caller.platform.add_plugin(lambda _: "function", name="a", description="退款")
    rule = caller.platform.reply("退款", with_="七天")
    path, body = KINDS[kind]

    response = caller.send(path, json.dumps({**body, "stream": stream}).encode())

    assert "七天" in response.data.decode()
    call = caller.platform.calls().last
    assert call.rule is rule
    assert call.route == kind.partition(" ")[0]


def test_completions_of_v2(start):
    """The completions of v2 ask the script too, whole or as a stream."""
    asker = Asker(start().platform, 2)
    asker.platform.reply(when=lambda turn: turn.kind == "completion" and turn.text == "从前", with_="有座山")

    for stream in (False, True):
        response = asker.post({"model": "ernie-4.0-8k", "prompt": "从前", "stream": stream}, "/completions")
        assert "有座" in response.data.decode()


def test_rules_can_be_read():
    """A rule shows its conditions, what it says in its turns, and how often it did; a script shows its rules."""
    platform = qianfan.local.platform()

    def clever(turn):
        return turn.text

    platform.reply("退款", with_=["七天", clever], model="ernie-4.0-8k")
    platform.reply(re.compile("天气"), when=clever, calls=[("get_weather", {})]).then(chunks=["北京", "晴"])
    platform.reply(calls=clever)

    assert [repr(rule) for rule in platform.script] == str(platform.script).splitlines()
    assert str(platform.script).splitlines() == [
        "<Rule always: clever() (0 calls)>",
        "<Rule /天气/, when=clever: get_weather() -> '北京', '晴' (0 calls)>",
        "<Rule '退款', model=ernie-4.0-8k: '七天', clever (0 calls)>",
    ]


BAD = [
    ({}, "one of with_, chunks and calls"),
    ({"with_": "a", "calls": [("f", {})]}, "one of with_, chunks and calls"),
    ({"text": "", "with_": "a"}, "the text must be"),
    ({"text": 5, "with_": "a"}, "the text must be"),
    ({"text": re.compile(b"a"), "with_": "a"}, "the text must be"),
    ({"model": "", "with_": "a"}, "model must be"),
    ({"when": 5, "with_": "a"}, "when must be a plain function"),
    ({"times": 0, "with_": "a"}, "times must be"),
    ({"at_end": "stop", "with_": "a"}, "at_end must be one of last, repeat, error"),
    ({"with_": []}, "with_ must be"),
    ({"with_": 5}, "with_ must be"),
    ({"with_": ["a", None]}, "with_ must be"),
    ({"with_": "\ud800"}, "surrogates"),
    ({"text": re.compile("(a)"), "with_": r"\2"}, "cannot be filled in"),
    ({"text": re.compile("(a)"), "with_": r"\g<name>"}, "cannot be filled in"),
    ({"text": re.compile("(a)"), "with_": {"a": [r"\2"]}}, "cannot be filled in"),
    ({"text": re.compile("(a)"), "calls": [("f", {"a": r"\2"})]}, "cannot be filled in"),
    ({"text": re.compile("(a)"), "with_": "a", "reasoning": r"\2"}, "cannot be filled in"),
    ({"chunks": []}, "chunks must be"),
    ({"chunks": "你好"}, "chunks must be"),
    ({"chunks": ["a", 5]}, "chunks must be"),
    ({"chunks": ["a"], "chunk_size": 1}, "chunk_size cuts what with_ says"),
    ({"with_": "a", "chunk_size": 0}, "chunk_size must be"),
    ({"with_": "a", "first_token": -1}, "first_token must be"),
    ({"with_": "a", "between": float("nan")}, "between must be"),
    ({"with_": "a", "usage": {"prompt_tokens": -1}}, "usage must be"),
    ({"with_": "a", "usage": 5}, "usage must be"),
    ({"with_": "a", "finish_reason": 5}, "finish_reason must be"),
    ({"with_": "a", "search_results": [5]}, "search_results must be"),
    ({"calls": []}, r"calls must be like"),
    ({"calls": [("f",)]}, r"calls must be like"),
    ({"calls": [("", {})]}, r"calls must be like"),
    ({"calls": [("f", 5)]}, r"calls must be like"),
    ({"calls": "f"}, r"calls must be like"),
]


@pytest.mark.parametrize(("rule", "why"), BAD)
def test_what_could_not_be_said_is_refused(rule, why):
    """A rule that could never answer, or could not say what it should, is refused when it is added."""
    platform = qianfan.local.platform()

    with pytest.raises(ValueError, match=why):
        platform.reply(**rule)
    assert len(platform.script) == 0


def test_async_functions_and_misspelt_arguments_are_refused():
    """What is no plain function, and what is no argument, is refused by its name."""
    platform = qianfan.local.platform()

    async def answer(turn):
        return turn.text

    for rule in ({"with_": answer}, {"calls": answer}, {"when": answer, "with_": "a"}):
        with pytest.raises(ValueError, match="plain function"):
            platform.reply(**rule)
    with pytest.raises(TypeError, match="takes no whith"):
        platform.reply(whith="a")
    with pytest.raises(TypeError, match="not JSON serializable"):
        platform.reply(with_={"a": object()})


def test_none_is_not_given(asker, platform):
    """An argument that is None is as if it were not there."""
    platform.reply(None, model=None, with_="好", chunks=None, usage=None)

    assert asker.ask("你好")[:2] == Said("好", [], "", {}, {})[:2]
