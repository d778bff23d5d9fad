"""The messages of v2: read into the conversation that v1 would have been sent.

Roles are system, user, assistant and tool; a `tool` message becomes the message of a function.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from qianfan.local import images
from qianfan.local.v2.errors import Refused
from qianfan.local.wire import as_array, as_object

if TYPE_CHECKING:
    from qianfan.local.wire import Json

_ROLES = ("system", "user", "assistant", "tool")


class Conversation(NamedTuple):
    """What was said.

    Attributes:
        system: The persona, or "".
        messages: The messages in v1's shape.
        images: The image files of the last message, or addresses of images.
    """

    system: str
    messages: list[Json]
    images: tuple[bytes | str, ...]


def read(value: Any, *, in_turns: bool) -> Conversation:
    """Return the conversation of a body.

    Args:
        value: The field `messages`.
        in_turns: Whether the user's side and the assistant must take turns, as with ERNIE's models.

    Raises:
        Refused: 400 `invalid_messages` or `invalid_image_url`.
    """
    given = as_array(value)
    if not given:
        raise Refused("invalid_messages", "messages must be an array of at least one message")
    reader = _Reader()
    for index, message in enumerate(given):
        reader.add(index, message)
    return reader.conversation(in_turns=in_turns)


class _Reader:
    """Reads one message after the other, and knows which tool calls wait for their answers."""

    def __init__(self) -> None:
        self._system = ""
        self._messages: list[Json] = []
        self._images: tuple[bytes | str, ...] = ()
        self._waiting: dict[str, str] = {}  # the name of the function by the id of its call

    def add(self, index: int, value: Any) -> None:
        """Read the message of an index."""
        where = f"messages[{index}]"
        message = as_object(value)
        if message is None:
            _refuse(f"{where} must be an object")
        role = message.get("role")
        if role not in _ROLES:
            _refuse(f"the role of {where} must be one of {', '.join(_ROLES)}")
        if self._waiting and role != "tool":
            _refuse(f"{where}: a tool message must come first for each of {', '.join(self._waiting)}")
        self._images = ()
        if role == "system":
            if index:
                _refuse(f"{where}: only the first message may be of system")
            self._system = _text(message.get("content"), where)
        elif role == "assistant":
            self._messages.append(self._assistant(message, where))
        elif role == "tool":
            self._messages.append(self._tool(message, where))
        else:
            content, self._images = _content(message.get("content"), where)
            self._messages.append({"role": "user", "content": content})

    def conversation(self, *, in_turns: bool) -> Conversation:
        """Return what was read, if it ends and goes as it must."""
        messages = self._messages
        if not messages or messages[-1]["role"] == "assistant":
            _refuse("the last message must be of user or tool")
        if not messages[-1]["content"].strip() and not self._images:
            _refuse("the content of the last message can't be blank")
        if self._waiting:
            _refuse(f"no tool message answers {', '.join(self._waiting)}")
        if in_turns and not _take_turns(messages):
            _refuse("messages of user (or tool) and assistant must take turns, the first of user")
        return Conversation(self._system, messages, self._images)

    def _assistant(self, message: Json, where: str) -> Json:
        calls = as_array(message.get("tool_calls")) if message.get("tool_calls") is not None else []
        if calls is None:
            _refuse(f"{where}: tool_calls must be an array")
        called = [_call(call, f"{where}.tool_calls[{index}]") for index, call in enumerate(calls)]
        self._waiting = {identifier: call["name"] for identifier, call in called}
        if len(self._waiting) < len(called):
            _refuse(f"{where}: each of tool_calls must have an id of its own")
        content = message.get("content")
        words = "" if content is None and called else _text(content, where)
        return {"role": "assistant", "content": words, "function_calls": [call for _, call in called]}

    def _tool(self, message: Json, where: str) -> Json:
        identifier = message.get("tool_call_id")
        name = self._waiting.pop(identifier, None) if isinstance(identifier, str) else None
        if name is None:
            _refuse(
                f"{where}: tool_call_id is no id of the assistant's tool_calls before, or answered already"
            )
        return {"role": "function", "name": name, "content": _text(message.get("content"), where)}


def _take_turns(messages: list[Json]) -> bool:
    """Return whether the user's side and the assistant take turns; the answers to several calls are one."""
    is_answer = [message["role"] == "function" for message in messages]
    turns = [it["role"] for n, it in enumerate(messages) if not (n and is_answer[n] and is_answer[n - 1])]
    return all((role == "assistant") == bool(n % 2) for n, role in enumerate(turns))


def _call(value: Any, where: str) -> tuple[str, Json]:
    """Return the id of a tool call, and the call in v1's shape."""
    call = as_object(value) or {}
    function = as_object(call.get("function")) or {}
    identifier, name, arguments = call.get("id"), function.get("name"), function.get("arguments", "")
    if not (isinstance(identifier, str) and identifier and isinstance(name, str) and name):
        _refuse(f"{where} must have an id and a function with a name")
    if not isinstance(arguments, str):
        _refuse(f"{where}: arguments must be a JSON string")
    return identifier, {"name": name, "arguments": arguments}


def _text(value: Any, where: str) -> str:
    text, pictures = _content(value, where)
    if pictures:
        _refuse(f"{where}: only a user's message may have images")
    return text


def _content(value: Any, where: str) -> tuple[str, tuple[bytes | str, ...]]:
    """Return the text of a content, and its images."""
    if isinstance(value, str):
        return value, ()
    parts = as_array(value)
    if parts is None:
        _refuse(f"the content of {where} must be a string or an array of parts")
    texts: list[str] = []
    pictures: list[bytes | str] = []
    for index, part in enumerate(parts):
        place = f"{where}.content[{index}]"
        match as_object(part):
            case {"type": "text", "text": str(text)}:
                texts.append(text)
            case {"type": "image_url", "image_url": image}:
                pictures.append(_image((as_object(image) or {}).get("url"), place))
            case _:
                _refuse(f'{place} must be {{"type": "text", "text": ...}} or {{"type": "image_url", ...}}')
    return "\n".join(texts), tuple(pictures)


def _image(url: Any, where: str) -> bytes | str:
    """Return the file of a `data:` URL, and every other address as it is."""
    if not isinstance(url, str):
        raise Refused("invalid_image_url", f'{where}: image_url must be {{"url": ...}}')
    if url.startswith(("http://", "https://")):
        return url
    head, _, encoded = url.partition(",")
    if not head.startswith("data:image/") or not head.endswith(";base64"):
        raise Refused(
            "invalid_image_url", f"{where}: the url must begin with http or data:image/<format>;base64,"
        )
    try:
        data = base64.b64decode(encoded, validate=True)
        images.read(data)
    except ValueError as error:
        raise Refused("invalid_image_url", f"{where}: the image can't be read: {error}") from None
    return data


def _refuse(message: str) -> NoReturn:
    raise Refused("invalid_messages", message)
