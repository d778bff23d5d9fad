"""Plugin applications (插件应用): a registered function answers, else the knowledge base, else plain words."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

from qianfan.local import chat, checks, knowledge, plugins, replies, rules, tokens
from qianfan.local.rules import Field, Question
from qianfan.local.wire import Refusal, as_array, as_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qianfan.local.chat import Answer
    from qianfan.local.handler import Asked, Served
    from qianfan.local.knowledge import Knowledge
    from qianfan.local.plugins import Plugins
    from qianfan.local.wire import Json

_LONGEST_QUERY = 1000

_LLM = rules.shared("temperature", "top_p", "penalty_score")


def _llm(value: Any) -> str | None:
    settings = as_object(value)
    if settings is None:
        return "must be an object"
    for field in _LLM:
        given = settings.get(field.name)
        if given is not None and (complaint := field.check(given)):
            return f"{field.name} {complaint}"
    return None


def _history(value: Any) -> str | None:
    turns = as_array(value)
    fits = turns is not None and all(
        turn.get("role") in ("user", "assistant") and isinstance(turn.get("content"), str)
        for turn in (as_object(item) or {} for item in turns)
    )
    return None if fits else "must be an array of objects with a role, user or assistant, and a content"


FIELDS = (
    *rules.shared("stream"),
    Field("plugins", checks.texts(most=3)),
    Field("llm", _llm),
    Field("input_variables", lambda value: None if as_object(value) is not None else "must be an object"),
    Field("history", _history),
    Field("verbose", checks.boolean),
    Field("fileurl", checks.text()),
)


class _Found(NamedTuple):
    """An answer, and who gave it: a function, the knowledge base, or "" for neither."""

    answer: Answer
    source: str


class PluginApplications:
    """The plugin applications of a platform; all share its functions and its knowledge.

    Args:
        functions: The functions that may answer.
        texts: The knowledge base.
    """

    def __init__(self, functions: Plugins, texts: Knowledge) -> None:
        self._functions = functions
        self._texts = texts

    def handle(self, asked: Asked) -> Served:
        """Answer a query."""
        body = rules.read(asked.content, FIELDS)
        query = rules.required(body, "query", _LONGEST_QUERY)
        names: list[str] = body.get("plugins") or []
        self._check(names)
        turns = [{"role": turn["role"], "content": turn["content"]} for turn in body.get("history") or ()]
        question = Question([*turns, {"role": "user", "content": query}])
        given = chat.scripted(question, asked)
        found = _Found(given, "") if given else self._find(question, query, names, asked.now)
        reply = chat.encode(found.answer, None, int(asked.now), stream=bool(body.get("stream")))
        log_id = secrets.randbits(40)
        answers = [reply.body] if reply.events is None else reply.events
        for answer in answers:
            answer["log_id"] = log_id
        if body.get("verbose"):
            answers[-1]["meta_info"] = _meta_info(query, found)
        return chat.served(reply, found.answer)

    def _check(self, names: Sequence[str]) -> None:
        for name in names:
            if name != knowledge.ID and self._functions.find(name) is None:
                raise Refusal(plugins.BAD_PARAMETER, f"parameter error: there is no plugin {name}")

    def _find(self, question: Question, query: str, names: Sequence[str], now: float) -> _Found:
        prompt = sum(tokens.tenths(message["content"]) for message in question.messages)
        function = self._functions.choose(query, names)
        if function is not None:
            return _Found(chat.spoken(function.run(query), prompt), function.name)
        text = self._texts.nearest(query) if not names or knowledge.ID in names else None
        if text is not None:
            return _Found(chat.spoken(replies.MARK[tokens.language(query)] + text, prompt), knowledge.ID)
        return _Found(chat.composed(question, now), "")


def _meta_info(query: str, found: _Found) -> Json:
    """Return what `verbose` asks for: who was asked what, and what came back."""
    words = "".join(found.answer.pieces)
    documents = int(found.source == knowledge.ID)
    return {
        "plugin_id": found.source,
        "request": {
            "query": query,
            "kbIds": [knowledge.ID] * documents,
            "score": knowledge.LEAST_SHARE,
            "topN": 1,
        },
        "response": {"retCode": 0, "message": "success", "result": words, "doc_nums": documents},
        "action": found.source,
        "action_input": query if found.source else "",
        "action_output": words if found.source else "",
    }
