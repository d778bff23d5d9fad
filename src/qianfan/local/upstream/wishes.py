"""What is asked of the platform, in the words of OpenAI's protocol; model and stream are added by who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qianfan.local.rules import Question
    from qianfan.local.wire import Json

# Of v1's optional fields the rest means nothing elsewhere.
_OF_V1 = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "stop": "stop",
    "max_output_tokens": "max_tokens",
    "user_id": "user",
}

# What v2 has of its own, or what is decided here; every other field travels as it is, whoever knows it.
_V2_ONLY = frozenset({"model", "stream", "stream_options", "web_search", "penalty_score", "n", "prompt"})

_OF_FUNCTION = ("name", "description", "parameters")


def of_v1(body: Json, question: Question) -> Json:
    """Return the request for what a chat or completion of v1 asks."""
    wish: Json = {"messages": _messages(question)}
    wish.update((theirs, body[ours]) for ours, theirs in _OF_V1.items() if body.get(ours) not in (None, []))
    wish.update(_penalty(body))
    if question.json:
        wish["response_format"] = {"type": "json_object"}
    if question.functions:
        wish["tools"] = [_tool(function) for function in question.functions]
        if question.chosen is not None:
            wish["tool_choice"] = {"type": "function", "function": {"name": question.chosen}}
    return wish


def of_v2(body: Json) -> Json:
    """Return the request for what a chat or completion of v2 asks: nearly the same."""
    wish = {name: value for name, value in body.items() if name not in _V2_ONLY and value is not None}
    wish.update(_penalty(body))
    if "prompt" in body:
        wish["messages"] = [{"role": "user", "content": body["prompt"]}]
    return wish


def _penalty(body: Json) -> Json:
    """Return v1's penalty, 1 for none and 2 for the most, as the one that all servers know."""
    score = body.get("penalty_score") or 1
    return {} if score == 1 or "frequency_penalty" in body else {"frequency_penalty": round(score - 1, 6)}


def _tool(function: Json) -> Json:
    return {
        "type": "function",
        "function": {name: function[name] for name in _OF_FUNCTION if name in function},
    }


def _messages(question: Question) -> list[Json]:
    """Return the conversation, in which calls of functions have ids and are answered by these."""
    said: list[Json] = [{"role": "system", "content": question.system}] if question.system else []
    waiting = ""  # the id of the call that comes before
    for index, message in enumerate(question.messages):
        role, content = message["role"], message.get("content") or ""
        if role == "function" and not waiting:  # v1 asks for no call before its answer, others do
            waiting = f"call_{index}"
            said.append({"role": "assistant", "content": "", **_call(waiting, {"name": message["name"]})})
        if role == "function":
            said.append({"role": "tool", "tool_call_id": waiting, "content": content})
            waiting = ""
            continue
        called = message.get("function_call") if _is_answered(question, index) else None
        waiting = f"call_{index}" if called else ""
        said.append({"role": role, "content": content, **(_call(waiting, called) if called else {})})
    return said


def _is_answered(question: Question, index: int) -> bool:
    following = question.messages[index + 1 :]
    return bool(following) and following[0]["role"] == "function"


def _call(identifier: str, called: Json) -> Json:
    function = {"name": called["name"], "arguments": called.get("arguments") or "{}"}
    return {"tool_calls": [{"id": identifier, "type": "function", "function": function}]}
