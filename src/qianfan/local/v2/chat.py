"""Chat on v2: from a body that keeps the rules to the wire's answer, whole or as a stream."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from qianfan.local import chat, checks, rules, tokens
from qianfan.local.rules import Field, Question
from qianfan.local.v2 import chunks, fields, messages, search
from qianfan.local.wire import Refusal, Reply, as_object, new_id

if TYPE_CHECKING:
    from qianfan.local.chat import Answer
    from qianfan.local.handler import Asked, Served
    from qianfan.local.wire import Json

OBJECT, CHUNK = "chat.completion", "chat.completion.chunk"

_CHOICES = ("auto", "none", "required")
_FORMATS = ("text", "json_object", "json_schema")

#: What v2 calls the engine's ends.
FINISH = {"normal": "stop", "function_call": "tool_calls"}

SAFE, _UNSAFE = 0, 1  # the `flag` of a choice
_CURRENT_QUESTION = -1


def _tool_choice(value: Any) -> str | None:
    if value in _CHOICES or checks.tool_choice(value) is None:
        return None
    return f"must be one of {', '.join(_CHOICES)}, or name a function"


def _response_format(value: Any) -> str | None:
    wanted = as_object(value)
    if wanted is None:
        return "must be an object"
    if complaint := checks.one_of(*_FORMATS)(wanted.get("type")):
        return f"type {complaint}"
    if wanted["type"] != "json_schema":
        return None
    schema = as_object((as_object(wanted.get("json_schema")) or {}).get("schema"))
    if schema is None:
        return "json_schema must have a schema, which is an object"
    return "json_schema is nested too deep" if rules.is_deeper(schema) else None


FIELDS = (
    *fields.WRITING,
    Field("tools", checks.array),
    Field("tool_choice", _tool_choice),
    Field("parallel_tool_calls", checks.boolean),
    Field("response_format", _response_format),
    Field("web_search", search.check),
)


def handle(asked: Asked) -> Served:
    """Answer a chat request."""
    question = read(asked)
    return told(asked, question, chat.answer(question, asked))


def told(asked: Asked, question: Question, given: Answer) -> Served:
    """Return what a question is answered, as v2 tells it."""
    body: Json = asked.content
    if given.found is not None:
        found: Json = {"search_results": given.found}
    else:
        found = {} if given.calls else search.results(body.get("web_search"), question)
    if question.stream:
        usage = given.usage() if fields.wants_usage(body) else None
        reply = chunks.reply(head(asked, question), _deltas(given), usage, found)
    else:
        choice = {"index": 0, "message": _message(given), **end(given)}
        reply = Reply({**head(asked, question), "choices": [choice], **found, "usage": given.usage()})
    return chat.served(reply, given)


def head(asked: Asked, question: Question) -> Json:
    """Return what an answer has before its choices, and every chunk of a stream."""
    return {
        "id": new_id(),
        "created": int(asked.now),
        "model": asked.content["model"],
        "object": CHUNK if question.stream else OBJECT,
    }


def read(asked: Asked) -> Question:
    """Return the question a body asks.

    Raises:
        Refused: `invalid_messages`, `invalid_image_url`.
        Refusal: Any other rule that is broken.
    """
    body: Json = asked.content
    fields.read(body, FIELDS)
    said = messages.read(body.get("messages"), in_turns=fields.is_ernie(body["model"]))
    rules.check_input([said.system, *(message["content"] for message in said.messages)], asked.model)
    tools = tuple(_function(tool, index) for index, tool in enumerate(body.get("tools") or ()))
    choice = body.get("tool_choice")
    if choice == "required" and not tools:
        raise Refusal(rules.INVALID_PARAM, "tool_choice is required, and there are no tools")
    wanted = body.get("response_format") or {}
    return Question(
        messages=said.messages,
        stream=bool(body.get("stream")),
        system=said.system,
        functions=() if choice == "none" else tools,
        chosen=None if choice in _CHOICES else rules.chosen(choice, tools, "tools"),
        must_call=choice == "required",
        several=body.get("parallel_tool_calls") is not False,
        explains=False,
        stop=fields.stop(body),
        max_output_tokens=fields.most_tokens(body),
        json=wanted.get("type") == "json_object",
        schema=wanted["json_schema"]["schema"] if wanted.get("type") == "json_schema" else None,
        images=said.images,
        thinks=asked.reasoning,
        note=search.marks(body.get("web_search")),
    )


def _function(value: Any, index: int) -> Json:
    """Return the function of a tool; what v2 lets out, v1 wants."""
    tool = as_object(value) or {}
    function = as_object(tool.get("function"))
    if tool.get("type") != "function" or function is None:
        raise Refusal(rules.INVALID_PARAM, f'tools[{index}] must be {{"type": "function", "function": ...}}')
    return rules.function(
        {
            **function,
            "description": function.get("description") or function.get("name"),
            "parameters": function.get("parameters") or {"type": "object", "properties": {}},
        },
        f"tools[{index}]",
    )


def _message(given: Answer) -> Json:
    thoughts, words = given.pieces[: given.thoughts], given.pieces[given.thoughts :]
    message: Json = {"role": "assistant", "content": "".join(words)}
    if thoughts:
        message["reasoning_content"] = "".join(thoughts)
    if given.calls:
        message["tool_calls"] = [_tool_call(called) for called in given.calls]
    return message


def _tool_call(called: Json) -> Json:
    return {"id": f"call_{secrets.token_hex(12)}", "type": "function", "function": called}


def _deltas(given: Answer) -> list[Json]:
    """Return the choices of a stream's chunks; the last one has the end."""
    deltas: list[Json] = [{"reasoning_content": piece} for piece in given.pieces[: given.thoughts]]
    if given.calls:
        for index, called in enumerate(given.calls):
            whole = {"index": index, **_tool_call({"name": called["name"], "arguments": ""})}
            deltas.append({"tool_calls": [whole]})
            deltas += (
                {"tool_calls": [{"index": index, "function": {"arguments": fragment}}]}
                for fragment, _ in tokens.pieces(called["arguments"])
            )
    else:
        deltas += ({"content": piece} for piece in given.pieces[given.thoughts :])
    deltas[0] = {"role": "assistant", **deltas[0]}
    choices: list[Json] = [{"index": 0, "delta": delta, "flag": SAFE} for delta in deltas]
    choices[-1] = {"index": 0, "delta": deltas[-1], **end(given)}
    return choices


def end(given: Answer) -> Json:
    """Return what is known at an answer's end."""
    unsafe = given.finish == "content_filter"
    ending: Json = {
        "finish_reason": FINISH.get(given.finish, given.finish),
        "flag": _UNSAFE if unsafe else SAFE,
    }
    if unsafe:
        ending["ban_round"] = _CURRENT_QUESTION
    return ending
