"""Plugins of ERNIE Bot (一言插件): a conversation of which a named plugin answers the last turn."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from qianfan.local import chat, checks, replies, rules, tokens
from qianfan.local.rules import Field
from qianfan.local.wire import Refusal, Reply, as_array

if TYPE_CHECKING:
    from qianfan.local.chat import Answer
    from qianfan.local.handler import Asked, Served
    from qianfan.local.plugins import Plugins
    from qianfan.local.wire import Json

RUNNING, DONE = "1", "2"


def _names(value: Any) -> str | None:
    items = as_array(value)
    fits = items and all(isinstance(name, str) and name for name in items)
    return None if fits else "must be an array of at least 1 string, none empty"


FIELDS = (
    Field("plugins", _names),
    *rules.shared("stream", "user_id"),
    Field("extra_data", checks.text()),
)

_NUMBER = re.compile(r"\d{1,9}")
_BARS = 12

_NOT_REGISTERED = {
    "zh": "插件 {name} 在本地平台上没有登记函数，这里用问题中的数字画一张示例图表：\n```json\n{chart}\n```\n"
    "用 platform.add_plugin() 登记函数后，就由它来回答。",
    "en": "No function is registered for the plugin {name} on the local platform; here is a sample chart of the "
    "numbers in the question:\n```json\n{chart}\n```\nRegister one with platform.add_plugin() and it answers "
    "instead.",
}


class ErnieBotPlugins:
    """The service of ERNIE Bot's plugins; a platform's own functions stand for them.

    Args:
        functions: The functions that may answer.
    """

    def __init__(self, functions: Plugins) -> None:
        self._functions = functions

    def handle(self, asked: Asked) -> Served:
        """Let a plugin answer the last message."""
        body = rules.read(asked.content, FIELDS)
        question = rules.validate({"messages": body.get("messages")}, asked.model)
        names: list[str] | None = body.get("plugins")
        if names is None:
            raise Refusal(rules.INVALID_ARGUMENT, "plugins is required")
        text: str = question.messages[-1].get("content") or ""
        registered = filter(None, map(self._functions.find, names))
        function = self._functions.choose(text, names) or next(registered, None)
        name = function.name if function else names[0]
        given = chat.scripted(question, asked)
        if given is None:
            words = function.run(text) if function else _sample(name, text)
            given = chat.spoken(words, chat.prompt_tenths(question))
        whole = chat.encode(given, asked.model, int(asked.now), stream=bool(body.get("stream")))
        return chat.served(_with_plugin(whole, given, name, text), given)


def _sample(name: str, question: str) -> str:
    """Return the words for a plugin nobody has registered: a bar chart of the question's numbers."""
    numbers = [int(number) for number in _NUMBER.findall(question)[:_BARS]] or [1, 2, 3]
    chart: Json = {
        "xAxis": {"type": "category", "data": [str(index + 1) for index in range(len(numbers))]},
        "yAxis": {"type": "value"},
        "series": [{"type": "bar", "data": numbers}],
    }
    language = tokens.language(question)
    return replies.MARK[language] + _NOT_REGISTERED[language].format(
        name=name, chart=orjson.dumps(chart).decode()
    )


def _with_plugin(reply: Reply, given: Answer, name: str, question: str) -> Reply:
    """Add to an answer which plugin gave it; in a stream, events before the words say so."""
    words = "".join(given.pieces)
    metas = {"plugin_metas": [{"plugin_id": name, "plugin_name": name, "api_id": name}]}
    answers = [reply.body] if reply.events is None else reply.events
    answers[-1]["usage"]["plugins"] = [
        {"name": name, "parse_tokens": 0, "abstract_tokens": 0, "search_tokens": 0, "total_tokens": 0}
    ]
    if reply.events is None:
        reply.body.update(_information(name, question, words, DONE), **metas)
        return reply
    head = {key: answers[0][key] for key in ("id", "object", "created")} | {"is_end": False}
    before = [
        ("pluginMeta", {**head, **metas}),
        ("plugin", {**head, **_information(name, question, "", RUNNING)}),
        ("plugin", {**head, **_information(name, question, words, DONE)}),
    ]
    return Reply(
        events=[event for _, event in before] + answers,
        names=[event for event, _ in before] + ["chat"] * len(answers),
    )


def _information(name: str, question: str, words: str, status: str) -> Json:
    information = {
        "plugin_id": name,
        "plugin_name": name,
        "plugin_req": orjson.dumps({"query": question}).decode(),
        "plugin_resp": words,
        "status": status,
        "api_id": name,
    }
    return {"plugin_info": [information]}
