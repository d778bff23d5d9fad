"""The words of a request in v1 and in v2: a call may use either, each dialect sends its own.

Where one version has no word for something, it travels as it is and the service judges. Where a call says
the same in both, the word of the version that answers counts; personas add up. The caller's objects stay
as they are. See https://cloud.baidu.com/doc/qianfan-api/s/3m7of64lb and its v1 counterpart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qianfan.core.codec import dumped
from qianfan.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Collection, MutableMapping

    Fields = MutableMapping[str, Any]
    Message = Mapping[str, Any]

#: Fields that have another name and the same meaning: v1's, and v2's (the first is the one that is sent).
_RENAMED = (
    ("user_id", ("user",)),
    ("max_output_tokens", ("max_completion_tokens", "max_tokens")),
)

_PERSONA = ("system", "user_setting")
_SEARCH = ("enable_citation", "enable_trace")

_V2_ROLES = ("system", "tool")

#: What only one of the two versions says: fields without any need no translation.
_V1_NAMES = frozenset(old for old, _ in _RENAMED)
_V2_NAMES = frozenset(new for _, news in _RENAMED for new in news)
_V1_WORDS = _V1_NAMES | {*_PERSONA, "functions", "response_format", "disable_search", *_SEARCH}
_V2_WORDS = _V2_NAMES | {"tools", "tool_choice", "response_format", "web_search"}


def to_v2(fields: Fields) -> None:
    """Say the fields of a chat request in the words of v2.

    Raises:
        InvalidArgumentError: The functions are no list.
    """
    for message in fields["messages"]:
        if message["role"] == "function" or "function_call" in message:
            fields["messages"] = _messages_to_v2(fields["messages"])
            break
    if not _V1_WORDS.isdisjoint(fields):
        names_to_v2(fields)
        _fields_to_v2(fields)


def to_v1(fields: Fields) -> None:
    """Say the fields of a chat request in the words of v1.

    Raises:
        InvalidArgumentError: v1 cannot say it: a schema, several function calls in one message, the answer
            to a call that is not there.
    """
    for message in fields["messages"]:
        if (
            message["role"] in _V2_ROLES
            or "tool_calls" in message
            or "function_call" in message  # with an id of v2 in it
            or type(message.get("content")) is list
        ):
            _messages_to_v1(fields)
            break
    if not _V2_WORDS.isdisjoint(fields):
        names_to_v1(fields)
        _fields_to_v1(fields)


def names_to_v2(fields: Fields) -> None:
    """Call the fields of a request of any kind by their names in v2."""
    if _V1_NAMES.isdisjoint(fields):
        return
    for old, news in _RENAMED:
        value = fields.pop(old, None)
        if value is not None and all(fields.get(new) is None for new in news):
            fields[news[0]] = value


def names_to_v1(fields: Fields) -> None:
    """Call the fields of a request of any kind by their names in v1."""
    if _V2_NAMES.isdisjoint(fields):
        return
    for old, news in _RENAMED:
        for new in news:
            value = fields.pop(new, None)
            if value is not None and fields.get(old) is None:
                fields[old] = value


def _fields_to_v2(fields: Fields) -> None:
    personas = [fields.pop(name, None) for name in _PERSONA]
    persona = personas[0] or personas[1]
    if persona:
        fields["messages"] = _with_persona(persona, fields["messages"])
    functions = fields.pop("functions", None)
    if functions and not fields.get("tools"):
        if not isinstance(functions, (list, tuple)):
            raise InvalidArgumentError(f"functions must be a list of dicts, not {type(functions).__name__}")
        fields["tools"] = [{"type": "function", "function": function} for function in functions]
    if isinstance(fields.get("response_format"), str):
        fields["response_format"] = {"type": fields["response_format"]}
    disabled = fields.pop("disable_search", None)
    wanted = {name: value for name in _SEARCH if (value := fields.pop(name, None)) is not None}
    if fields.get("web_search") is None and (disabled is not None or any(wanted.values())):
        fields["web_search"] = {"enable": not disabled, **wanted}


def _with_persona(persona: Any, messages: Sequence[Message]) -> list[Message]:
    """Return messages that begin with a persona: one message, as services take no second."""
    first, *rest = messages
    if first["role"] != "system" or not (isinstance(persona, str) and isinstance(first.get("content"), str)):
        return [{"role": "system", "content": persona}, *messages]
    return [{**first, "content": _joined([persona, first["content"]])}, *rest]


def _fields_to_v1(fields: Fields) -> None:
    tools = fields.get("tools")
    if tools and isinstance(tools, (list, tuple)) and all(map(_is_function, tools)):
        del fields["tools"]
        if not fields.get("functions"):
            fields["functions"] = [tool["function"] for tool in tools]
    choice = fields.get("tool_choice")
    if choice in ("auto", "none"):  # the first is what v1 does
        del fields["tool_choice"]
    if choice == "none":
        fields.pop("functions", None)
    wanted = fields.get("response_format")
    if isinstance(wanted, Mapping):
        if wanted.get("type") == "json_schema":
            raise InvalidArgumentError(
                "v1 takes no schema in response_format",
                hint="换用 v2 的密钥，或传 response_format='json_object' (use a key of v2, or 'json_object')",
            )
        fields["response_format"] = wanted.get("type")
    if isinstance(fields.get("web_search"), Mapping):
        _search_to_v1(fields)


def _is_function(tool: Any) -> bool:
    return (
        isinstance(tool, Mapping)
        and tool.get("type") == "function"
        and isinstance(tool.get("function"), Mapping)
    )


def _search_to_v1(fields: Fields) -> None:
    search = dict(fields.pop("web_search"))
    enabled = search.pop("enable", None)
    said = {name: search.pop(name, None) for name in _SEARCH}
    said["disable_search"] = None if enabled is None else not enabled
    for name, value in said.items():
        if value is not None and fields.get(name) is None:
            fields[name] = value
    if search:  # what v1 has no word for
        fields["web_search"] = search


def _messages_to_v2(messages: Sequence[Message]) -> list[Message]:
    """Return messages in the words of v2; a call and its answer get the same id, the model's own if it is kept."""
    said: list[Message] = []
    last = ""
    for index, (message, answer) in enumerate(_with_answers(messages)):
        call = _function_call(message, answer)
        if call is not None:
            last = call.get("id") or answer.get("tool_call_id") or f"call_{index}"
            function = {"name": call.get("name"), "arguments": _text_of(call.get("arguments"))}
            tool_call = {"id": last, "type": "function", "function": function}
            said.append({**_without(message, "function_call", "tool_calls"), "tool_calls": [tool_call]})
        elif message["role"] == "function":
            said.append({"tool_call_id": last or f"call_{index}", **message, "role": "tool"})
        elif message.get("tool_calls") or not message.get("function_call"):
            said.append(_without(message, "function_call"))
        else:
            said.append(message)
    return said


def _messages_to_v1(fields: Fields) -> None:
    """Take the personas out of the messages, and say the others in the words of v1."""
    messages = list(fields["messages"])
    personas = [fields.get("system") or ""]
    while messages and messages[0]["role"] == "system" and isinstance(personas[0], str):
        text = _plain(messages[0].get("content"))
        if not isinstance(text, str):
            break
        personas.append(text)
        del messages[0]
    if len(personas) > 1:
        fields["system"] = _joined(personas)
    names = _names(messages)
    fields["messages"] = [
        _message_to_v1(message, answer, names) for message, answer in _with_answers(messages)
    ]


def _message_to_v1(message: Message, answer: Message, names: Mapping[str, Any]) -> Message:
    content = _plain(message.get("content"))
    if message["role"] == "tool":
        name = message.get("name") or names.get(str(message.get("tool_call_id")))
        if not name:
            raise InvalidArgumentError(
                f"no message calls the tool that {message.get('tool_call_id')!r} answers",
                hint="append the assistant's message with its tool_calls first",
            )
        return {"role": "function", "name": name, "content": content}
    call = _function_call(message, answer)
    calls = _tool_calls(message)
    if call is None and calls:
        if len(calls) > 1:
            raise InvalidArgumentError(
                "v1 knows one function call a message, this one has several tool_calls",
                hint="ask with parallel_tool_calls=False, or use a key of v2",
            )
        if _is_function(calls[0]):
            call = calls[0]["function"]
    if call is None:
        said = message if message.get("tool_calls") else _without(message, "tool_calls")
    else:
        function_call = {**_without(call, "id")}
        if "arguments" in call:
            function_call["arguments"] = _text_of(call["arguments"])
        said = {**_without(message, "tool_calls"), "function_call": function_call}
    return said if content is message.get("content") else {**said, "content": content}


def _with_answers(messages: Sequence[Message]) -> list[tuple[Message, Message]]:
    """Return each message with the one that follows it."""
    return list(zip(messages, [*messages[1:], {}], strict=True))


def _function_call(message: Message, answer: Message) -> Message | None:
    """Return the call of v1's form in a message. Beside several of v2's it counts where v1's form answers it."""
    call = message.get("function_call")
    if not call or not isinstance(call, Mapping):
        return None
    return None if message.get("tool_calls") and answer.get("role") != "function" else call


def _names(messages: Sequence[Message]) -> dict[str, Any]:
    """Return the names of the functions that are called, by the ids of the calls."""
    names: dict[str, Any] = {}
    for message in messages:
        call = message.get("function_call")
        if isinstance(call, Mapping):
            names[str(call.get("id") or call.get("name"))] = call.get("name")
        for call in filter(_is_function, _tool_calls(message)):
            names[str(call.get("id"))] = call["function"].get("name")
    return names


def _tool_calls(message: Message) -> Sequence[Any]:
    calls = message.get("tool_calls")
    return calls if isinstance(calls, (list, tuple)) else ()


def _text_of(arguments: Any) -> str:
    """Return the arguments of a call as JSON text, as both versions want it."""
    if isinstance(arguments, str):
        return arguments or "{}"
    return "{}" if arguments is None else dumped(arguments).decode()


def _plain(content: Any) -> Any:
    """Return a content that is made of texts alone as one text."""
    if isinstance(content, list) and content and all(_is_text(part) for part in content):
        return "\n".join(part["text"] for part in content)
    return content


def _is_text(part: Any) -> bool:
    return isinstance(part, Mapping) and part.get("type") == "text" and isinstance(part.get("text"), str)


def _joined(personas: Collection[Any]) -> str:
    """Return personas as one, each said once."""
    return "\n".join(dict.fromkeys(persona for persona in personas if persona))


def _without(mapping: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    return {name: value for name, value in mapping.items() if name not in names}
