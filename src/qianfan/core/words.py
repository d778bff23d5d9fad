"""The words of a chat request in v1 and in v2: a call may use either, each dialect sends its own.

Where one version has no word for something, it travels as it is and the service judges.
See https://cloud.baidu.com/doc/qianfan-api/s/3m7of64lb and its v1 counterpart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qianfan.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    Fields = MutableMapping[str, Any]

#: Fields that have another name and the same meaning: v1's, and v2's (the first is the one that is sent).
_RENAMED = (
    ("user_id", ("user",)),
    ("max_output_tokens", ("max_completion_tokens", "max_tokens")),
)

_SEARCH = ("enable_citation", "enable_trace")

_V2_ROLES = ("system", "tool")


#: What only one of the two versions says: a request without any needs no translation.
_V1_WORDS = frozenset(
    {"system", "user_setting", "functions", "response_format", "disable_search", *_SEARCH}
    | {old for old, _ in _RENAMED}
)
_V2_WORDS = frozenset({"tools", "response_format", *(new for _, news in _RENAMED for new in news)})


def to_v2(fields: Fields) -> None:
    """Say the fields of a chat request in the words of v2."""
    messages = fields["messages"]
    if any(message["role"] == "function" or "function_call" in message for message in messages):
        fields["messages"] = [_message_to_v2(message) for message in _with_ids(messages)]
    if not _V1_WORDS.isdisjoint(fields):
        _fields_to_v2(fields)


def _fields_to_v2(fields: Fields) -> None:
    for old, news in _RENAMED:
        value = fields.pop(old, None)
        if value is not None and not any(fields.get(new) is not None for new in news):
            fields[news[0]] = value
    persona = fields.pop("system", None) or fields.pop("user_setting", None)
    if persona:
        fields["messages"] = [{"role": "system", "content": persona}, *fields["messages"]]
    functions = fields.pop("functions", None)
    if functions and not fields.get("tools"):
        fields["tools"] = [{"type": "function", "function": function} for function in functions]
    if isinstance(fields.get("response_format"), str):
        fields["response_format"] = {"type": fields["response_format"]}
    _search_to_v2(fields)


def to_v1(fields: Fields) -> None:
    """Say the fields of a chat request in the words of v1."""
    messages = fields["messages"]
    if any(
        message["role"] in _V2_ROLES or "tool_calls" in message or _has_id(message) for message in messages
    ):
        _messages_to_v1(fields)
    if not _V2_WORDS.isdisjoint(fields):
        _fields_to_v1(fields)


def _fields_to_v1(fields: Fields) -> None:
    for old, news in _RENAMED:
        for new in news:
            value = fields.pop(new, None)
            if value is not None and fields.get(old) is None:
                fields[old] = value
    tools = fields.get("tools")
    if tools and not fields.get("functions") and all(tool.get("type") == "function" for tool in tools):
        fields["functions"] = [tool["function"] for tool in fields.pop("tools")]
    wanted = fields.get("response_format")
    if isinstance(wanted, Mapping):
        if wanted.get("type") == "json_schema":
            raise InvalidArgumentError(
                "v1 takes no schema in response_format",
                hint="换用 v2 的密钥，或传 response_format='json_object' (use a key of v2, or 'json_object')",
            )
        fields["response_format"] = wanted.get("type")


def _messages_to_v1(fields: Fields) -> None:
    messages = list(fields["messages"])
    if messages[0]["role"] == "system":
        persona = messages.pop(0).get("content")
        if fields.get("system") is None:
            fields["system"] = persona
    fields["messages"] = [_message_to_v1(message, messages) for message in messages]


def _has_id(message: Mapping[str, Any]) -> bool:
    """Say whether a message carries a function call with the id that v2 gave it."""
    call = message.get("function_call")
    return isinstance(call, Mapping) and "id" in call


def _with_ids(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Give every function call and its answer the same id: the model's own, where the conversation kept it."""
    linked: list[Mapping[str, Any]] = []
    last: Mapping[str, Any] = {}
    for index, message in enumerate(messages):
        call = message.get("function_call")
        follows = messages[index + 1].get("role") if index + 1 < len(messages) else None
        if call and (follows == "function" or not message.get("tool_calls")):
            last = {"id": f"call_{index}", **call}
            message = {**message, "function_call": last}  # noqa: PLW2901  # the same, completed
            message.pop("tool_calls", None)
        elif message.get("role") == "function":
            message = {"tool_call_id": last.get("id", f"call_{index}"), **message}  # noqa: PLW2901
        linked.append(message)
    return linked


def _message_to_v2(message: Mapping[str, Any]) -> Mapping[str, Any]:
    call = message.get("function_call")
    if call and not message.get("tool_calls"):
        rest = {name: value for name, value in message.items() if name != "function_call"}
        function = {"name": call.get("name"), "arguments": call.get("arguments", "{}")}
        return {**rest, "tool_calls": [{"id": call["id"], "type": "function", "function": function}]}
    if "function_call" in message:
        return {name: value for name, value in message.items() if name != "function_call"}
    if message.get("role") == "function":
        return {**message, "role": "tool"}
    return message


def _message_to_v1(message: Mapping[str, Any], messages: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    calls = message.get("tool_calls")
    if calls:
        if len(calls) > 1:
            raise InvalidArgumentError(
                "v1 knows one function call a message, this one has several tool_calls"
            )
        rest = {name: value for name, value in message.items() if name != "tool_calls"}
        return {**rest, "function_call": dict(calls[0]["function"])}
    if message.get("role") == "tool":
        name = message.get("name") or _called(message.get("tool_call_id"), messages)
        return {"role": "function", "name": name, "content": message.get("content")}
    if _has_id(message):
        call = {name: value for name, value in message["function_call"].items() if name != "id"}
        return {**message, "function_call": call}
    return message


def _called(call_id: Any, messages: Sequence[Mapping[str, Any]]) -> str:
    """Return the name of the function that the call of an id is for."""
    for message in messages:
        for call in message.get("tool_calls") or ():
            if call.get("id") == call_id:
                return str(call["function"]["name"])
    raise InvalidArgumentError(f"no message calls the tool that {call_id!r} answers")


def _search_to_v2(fields: Fields) -> None:
    disabled = fields.pop("disable_search", None)
    wanted = {name: fields.pop(name) for name in _SEARCH if fields.get(name) is not None}
    if (disabled is None and not wanted) or fields.get("web_search") is not None:
        return
    fields["web_search"] = {"enable": not disabled, **wanted}
