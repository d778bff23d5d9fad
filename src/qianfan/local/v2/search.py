"""Web search: made-up results that say so, since the local platform searches nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qianfan.local import replies, tokens
from qianfan.local.v2 import fields

if TYPE_CHECKING:
    from qianfan.local.rules import Question
    from qianfan.local.wire import Json

check = fields.flags("enable", "enable_citation", "enable_trace", "enable_status")

_MANY = 3
_URL = "https://local-platform.invalid/search/{}"  # a name that no resolver may know
_TITLE = {
    "zh": "示例搜索结果 {}：{}（本地平台没有联网搜索）",
    "en": "Sample result {}: {} (the local platform searches nothing)",
}


def results(wish: Any, question: Question) -> Json:
    """Return the field `search_results`, where `web_search` wishes for it; else nothing."""
    if not _wishes(wish, "enable_trace") and not _wishes(wish, "enable_citation"):
        return {}
    text: str = question.messages[-1]["content"]
    language = tokens.language(text)
    title = replies.MARK[language] + _TITLE[language]
    found = [
        {"index": n, "url": _URL.format(n), "title": title.format(n, replies.short(text))}
        for n in range(1, _MANY + 1)
    ]
    return {"search_results": found}


def marks(wish: Any) -> dict[str, str] | None:
    """Return the marks of citations that the words end with; None where `web_search` wishes for none."""
    if not _wishes(wish, "enable_citation"):
        return None
    cited = "".join(f"^[{n}]^" for n in range(1, _MANY + 1))
    return {"zh": cited, "en": f" {cited}"}


def _wishes(wish: Any, name: str) -> bool:
    return bool(wish and wish.get("enable") and wish.get(name))
