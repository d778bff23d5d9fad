"""Terms: what two texts can have in common without anybody understanding them.

Latin words and pairs of Chinese characters; those that say nothing are left out.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"[a-z]{3,}")
_CHARACTERS = re.compile(r"[\u4e00-\u9fff]{2,}")

# Terms that say nothing about what a text is about.
_EMPTY = frozenset(
    [
        "the",
        "and",
        "for",
        "from",
        "with",
        "that",
        "this",
        "get",
        "set",
        "use",
        "used",
        "return",
        "returns",
        "given",
        "user",
        "value",
        "name",
        "string",
        "number",
        "what",
        "which",
        "function",
        "current",
        "please",
        "tell",
        "how",
        "are",
        "can",
        "you",
        "into",
        "some",
        "any",
        "all",
        "一个",
        "用户",
        "可以",
        "进行",
        "使用",
        "获取",
        "获得",
        "返回",
        "查询",
        "指定",
        "当前",
        "需要",
        "名称",
        "参数",
        "信息",
        "或者",
        "以及",
        "什么",
        "怎么",
        "如何",
        "请问",
        "今天",
        "现在",
        "帮我",
        "告诉",
        "多少",
        "我想",
        "一下",
        "给我",
    ]
)

# The same thing in the other language of our users.
_SYNONYMS = {
    "天气": "weather",
    "气温": "temperature",
    "温度": "temperature",
    "时间": "time",
    "几点": "time",
    "日期": "date",
    "新闻": "news",
    "价格": "price",
    "股票": "stock",
    "搜索": "search",
    "航班": "flight",
    "邮件": "email",
    "翻译": "translate",
    "计算": "calculate",
}


def of(text: str) -> set[str]:
    """Return the terms of a text, in lower case."""
    lowered = text.lower()
    terms = set(_WORD.findall(lowered.replace("_", " ")))
    for run in _CHARACTERS.findall(lowered):
        terms.update(run[i : i + 2] for i in range(len(run) - 1))
    terms.update(english for chinese, english in _SYNONYMS.items() if chinese in terms)
    return terms - _EMPTY
