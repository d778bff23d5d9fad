"""The built-in replies: a deterministic stand-in for a model, plainly marked as one.

It answers in the language of the question and knows the conversation so far, the platform's clock,
and the sum of two numbers. It does not pretend to know more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from itertools import takewhile
from typing import TYPE_CHECKING

import orjson

from qianfan.local import tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from qianfan.local.wire import Json

MARK = {"zh": "【本地平台】", "en": "[local platform] "}

# A user's message with one of these is judged unsafe: `need_clear_history` is true.
UNSAFE = ("触发安全审核", "trigger the safety filter")

_CHINA = timezone(timedelta(hours=8))
_LONGEST_SKILL = 500  # characters of a question that patterns are looked for in; some are slow on a book
_QUOTE = 60  # characters of a question that a reply repeats


@dataclass(frozen=True, slots=True)
class Talk:
    """What a reply is made from.

    Attributes:
        results: The messages of functions that have returned since somebody else spoke.
        question: What the user said last; "" where only functions spoke.
        earlier: What the user said before that, oldest first.
        language: `zh` or `en`, by the question.
        system: The persona, or "".
        now: The platform's time.
        note: A sentence the reply must carry, by language, or None.
    """

    results: list[Json]
    question: str
    earlier: list[str]
    language: str
    system: str
    now: float
    note: dict[str, str] | None


def talk(messages: list[Json], system: str, now: float, note: dict[str, str] | None = None) -> Talk:
    """Return what a reply to a conversation is made from."""
    said: list[str] = [m["content"] or "" for m in messages if m["role"] == "user"]
    question = said.pop() if said else ""
    results = list(takewhile(lambda message: message["role"] == "function", reversed(messages)))[::-1]
    return Talk(results, question, said, tokens.language(question), system, now, note)


def is_unsafe(text: str) -> bool:
    """Return whether a message asks for the safety filter."""
    return any(phrase in text.lower() for phrase in UNSAFE)


def compose(talk: Talk) -> str:
    """Return the reply in words."""
    skills = _SKILLS if len(talk.question) <= _LONGEST_SKILL else _SKILLS[:1]
    answer = next(filter(None, (skill(talk) for skill in skills)), None) or _default(talk)
    return MARK[talk.language] + _persona(talk) + answer + (talk.note[talk.language] if talk.note else "")


def compose_json(talk: Talk) -> str:
    """Return the reply as a JSON object: who answers, the question, the answer in words."""
    content = {"source": "qianfan local platform", "question": talk.question, "answer": compose(talk)}
    return orjson.dumps(content, option=orjson.OPT_INDENT_2).decode()


def refusal(language: str) -> str:
    """Return the words of an answer to an unsafe question."""
    return MARK[language] + _TEXTS["unsafe"][language]


def think(question: str) -> str:
    """Return what a model that thinks aloud thinks before it answers."""
    language = tokens.language(question)
    return MARK[language] + _TEXTS["thoughts"][language].format(short(question))


_TEXTS = {
    "thoughts": {
        "zh": "用户问的是：“{}”。这段思考由规则写成，只用来演示 reasoning_content；下面给出回答。",
        "en": "The user asks: “{}”. These thoughts are written by a rule and only show reasoning_content; the answer "
        "comes next.",
    },
    "unsafe": {
        "zh": "您的问题触发了安全审核，无法继续回答。请清除历史记录后，换一个话题重新开始对话。",
        "en": "Your question was stopped by the safety filter. Please clear the history and start over with another topic.",
    },
    "persona": {"zh": "（人设：{}）", "en": "(persona: {}) "},
    "function": {
        "zh": "函数 {name} 已经返回结果，内容如下：{content}。以上就是对您的问题“{question}”的回答。",
        "en": "The function {name} returned: {content}. That is the answer to your question “{question}”.",
    },
    "name": {
        "zh": "您在前面的对话里告诉过我，您叫{}。我是从这次请求附带的历史消息里读到的。",
        "en": "Earlier in this conversation you told me that your name is {}. I read it in the history of this request.",
    },
    "no name": {
        "zh": "在这次请求附带的对话里，您还没有告诉过我您的名字，所以我无法回答。",
        "en": "In the conversation that came with this request you have not told me your name, so I cannot know it.",
    },
    "first": {
        "zh": "您在这次对话里的第一个问题是：“{}”。我是从请求附带的历史消息里读到的。",
        "en": "The first thing you asked in this conversation was: “{}”. I read it in the history of this request.",
    },
    "previous": {
        "zh": "您上一个问题是：“{}”。我是从这次请求附带的历史消息里读到的。",
        "en": "Your previous question was: “{}”. I read it in the history that came with this request.",
    },
    "sum": {
        "zh": "{} = {}。这是本机按四则运算直接算出来的结果，没有调用真实模型。",
        "en": "{} = {}. This was worked out on your own machine by plain arithmetic; no model was asked.",
    },
    "clock": {
        "zh": "按本地平台的时钟，现在是{}（北京时间）。这个时钟可以用 advance() 向前拨。",
        "en": "By the local platform's clock it is now {} (China time). The clock can be moved with advance().",
    },
    "greeting": {
        "zh": "您好！有什么我可以帮助您的吗？我是千帆本地平台的内置回复，不是真实的模型。",
        "en": "Hello! How can I help you? I am the built-in reply of the Qianfan local platform, not a real model.",
    },
    "default": {
        "zh": "我收到了您的问题：“{question}”。这段文字由您本机上的千帆本地平台生成，没有调用真实的模型，"
        "只用来演示接口、流式输出与多轮对话。{context}填入真实的密钥后，同样的代码就会得到大模型的回答。",
        "en": "I received your question: “{question}”. These words come from the Qianfan local platform on your own "
        "machine; no real model was asked, they only show the interface, streaming and conversations. {context}"
        "With real keys the same code gets the answer of a large model.",
    },
    "context": {
        "zh": "在此之前您还说过：“{}”，这是本次对话的第 {} 轮。",
        "en": "Before that you said: “{}”; this is turn {} of the conversation. ",
    },
}

_MY_NAME = re.compile(
    r"(?:我叫|我的名字是|我的名字叫)\s*(?!什么|啥)([\u4e00-\u9fffA-Za-z0-9·_-]{1,20})"
    r"|(?:my name is|call me)\s+([\w'-]+(?:\s[A-Z][\w'-]*)*)",
    re.IGNORECASE,
)
_WHO_AM_I = re.compile(
    r"我叫(?:什么|啥)|我的名字(?:是什么|叫什么)|我是谁|my name\s*\?|what(?:'s| is) my name|who am i",
    re.IGNORECASE,
)
_FIRST = re.compile(
    r"(?:第一个|第一句|最早|最开始|最初|一开始).*(?:问|说)|(?:问|说).*(?:第一|最早)"
    r"|\bfirst\b.*\b(?:ask|asked|say|said|question)\b|\b(?:ask|asked|say|said|question)\b.*\bfirst\b",
    re.IGNORECASE,
)
_PREVIOUS = re.compile(
    r"(?:刚才|刚刚|上一个|上一句|上个|前面|之前).*(?:问|说|话)|再说一遍|重复一遍"
    r"|\b(?:previous|earlier|last)\b.*\b(?:ask|asked|say|said|question|message)\b|\bdid i (?:just )?(?:ask|say)\b|repeat (?:my|the)",
    re.IGNORECASE,
)
_SUM = re.compile(
    r"(?<![\w.-])(-?\d{1,12}(?:\.\d{1,6})?)\s*(\+|-|\*|/|×|÷|x|加上?|减去?|乘以?|除以|plus|minus|times)\s*(-?\d{1,12}(?:\.\d{1,6})?)(?![\d-])",
    re.IGNORECASE,
)
_ASKS_SUM = re.compile(r"=|等于|多少|几|计算|算|what|how much|compute|calculate", re.IGNORECASE)
_CLOCK = re.compile(
    r"(?:今天|现在|当前).*(?:几号|日期|星期|周几|礼拜|几点|时间)|几点了"
    r"|what(?:'s| is) (?:the )?(?:date|time|day)|what (?:date|time|day) is it|today's date",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"^\s*(?:你好|您好|嗨|哈喽|早上好|下午好|晚上好|hi|hello|hey)[\s啊呀！!,，。.~]*$", re.IGNORECASE
)

_OPERATIONS: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    **dict.fromkeys(("+", "加", "加上", "plus"), lambda a, b: a + b),
    **dict.fromkeys(("-", "减", "减去", "minus"), lambda a, b: a - b),
    **dict.fromkeys(("*", "×", "x", "乘", "乘以", "times"), lambda a, b: a * b),
    **dict.fromkeys(("/", "÷", "除以"), lambda a, b: a / b),
}
_SEPARATORS = {"zh": ("、", "；"), "en": (", ", "; ")}
_WEEKDAYS = {
    "zh": ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}


def _function_result(talk: Talk) -> str | None:
    if not talk.results:
        return None
    comma, semicolon = _SEPARATORS[talk.language]
    name = comma.join(dict.fromkeys(result["name"] for result in talk.results))
    content = semicolon.join(result["content"] for result in talk.results)
    return _say(talk, "function", name=name, content=content, question=short(talk.question))


def _recall(talk: Talk) -> str | None:
    if _WHO_AM_I.search(talk.question):
        names = [next(filter(None, m.groups())) for q in talk.earlier if (m := _MY_NAME.search(q))]
        return _say(talk, "name", names[-1]) if names else _say(talk, "no name")
    if not talk.earlier:
        return None
    if _FIRST.search(talk.question):
        return _say(talk, "first", short(talk.earlier[0]))
    if _PREVIOUS.search(talk.question):
        return _say(talk, "previous", short(talk.earlier[-1]))
    return None


def _sum(talk: Talk) -> str | None:
    match = _SUM.search(talk.question)
    if match is None or not (_ASKS_SUM.search(talk.question) or match[0] == talk.question.strip()):
        return None
    left, right = Fraction(match[1]), Fraction(match[3])
    operator = match[2].lower()
    if right == 0 and operator in {"/", "÷", "除以"}:
        return None
    value = _OPERATIONS[operator](left, right)
    return _say(talk, "sum", match[0], str(value) if value.denominator == 1 else f"{float(value):.10g}")


def _clock(talk: Talk) -> str | None:
    if not _CLOCK.search(talk.question):
        return None
    now = datetime.fromtimestamp(talk.now, _CHINA)
    weekday = _WEEKDAYS[talk.language][now.weekday()]
    date = f"{now.year}年{now.month}月{now.day}日" if talk.language == "zh" else f"{now:%Y-%m-%d}"
    return _say(talk, "clock", f"{date} {weekday} {now:%H:%M}")


def _greeting(talk: Talk) -> str | None:
    return _say(talk, "greeting") if _GREETING.match(talk.question) else None


def _default(talk: Talk) -> str:
    context = _say(talk, "context", short(talk.earlier[-1]), len(talk.earlier) + 1) if talk.earlier else ""
    return _say(talk, "default", question=short(talk.question), context=context)


_SKILLS: tuple[Callable[[Talk], str | None], ...] = (_function_result, _recall, _sum, _clock, _greeting)


def _persona(talk: Talk) -> str:
    return _say(talk, "persona", short(talk.system)) if talk.system else ""


def _say(talk: Talk, text: str, /, *values: object, **names: object) -> str:
    return _TEXTS[text][talk.language].format(*values, **names)


def short(text: str) -> str:
    """Return the text in one line, cut to what a reply repeats of it."""
    line = " ".join(text.split())
    return line if len(line) <= _QUOTE else line[:_QUOTE] + "…"
