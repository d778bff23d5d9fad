"""The conversation so far."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, Protocol, runtime_checkable

from qianfan.errors import InvalidArgumentError


class Role(str, Enum):
    """Who speaks in a message."""

    User = "user"
    Assistant = "assistant"
    Function = "function"
    System = "system"
    Tool = "tool"

    def __str__(self) -> str:
        return self.value


@runtime_checkable
class Collected(Protocol):
    """A stream that remembers what passed through it."""

    whole: bool

    def so_far(self) -> Mapping[str, Any]:
        """Return what has arrived, as one reply."""
        ...


class Messages:
    """A conversation that grows by what the user says and what the model answers.

    Example:
        msgs = qianfan.Messages()
        msgs.append("你好")
        msgs.append(chat.do(messages=msgs))
    """

    def __init__(self) -> None:
        self._messages: list[dict[str, Any]] = []

    def append(self, message: Any, role: str | Role | None = None) -> None:
        """Add a message.

        Args:
            message: A str; a reply; a stream that has been read; or a message as a dict with `role`
                and `content`.
            role: Who says it. A str is the user's by default, or the function's when the message
                before it is a function call; a reply is the assistant's.

        Raises:
            InvalidArgumentError: The message is none of these, or the reply holds no answer.
        """
        if isinstance(message, str):
            entry = self._from_text(message, role)
        elif isinstance(message, Collected):
            if not message.whole:
                raise InvalidArgumentError(
                    "the stream has not been read to its end",
                    hint="read it first; to keep a part, append stream.so_far()",
                )
            entry = _from_reply(message.so_far(), role)
        elif isinstance(message, Mapping):
            entry = dict(message) if "role" in message else _from_reply(message, role)
        else:
            raise InvalidArgumentError(
                f"a message is a str, a reply, a finished stream or a dict, not {type(message).__name__}",
                hint="append the text itself, or what do() returned",
            )
        self._messages.append(entry)

    def _from_text(self, text: str, role: str | Role | None) -> dict[str, Any]:
        last = self._messages[-1] if self._messages else {}
        call, calls = last.get("function_call"), last.get("tool_calls")
        if role is None:
            role = Role.Function if call else Role.Tool if calls else Role.User
        entry: dict[str, Any] = {"role": _name(role), "content": text}
        if entry["role"] == "function" and call:
            entry["name"] = call.get("name", "")
        elif entry["role"] == "tool":
            entry["tool_call_id"] = _only_id(call, calls)
        return entry

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._messages)

    def __len__(self) -> int:
        return len(self._messages)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self._messages[index]

    def __repr__(self) -> str:
        return f"Messages({self._messages!r})"


def _only_id(call: Any, calls: Any) -> str:
    """Return the id of the one call that a message makes, in v1's form or in v2's."""
    if calls and len(calls) == 1:
        return str(calls[0].get("id"))
    if call and not calls:
        return str(call.get("id") or call.get("name"))
    raise InvalidArgumentError(
        "a text of the role tool answers one call, and the message before makes none or several",
        hint='append {"role": "tool", "tool_call_id": ..., "content": ...} for each',
    )


def _from_reply(reply: Mapping[str, Any], role: str | Role | None) -> dict[str, Any]:
    if reply.get("result") is None:
        raise InvalidArgumentError(
            "the reply holds no `result` to append",
            hint="append the reply of a chat call, or a stream after you have read it",
        )
    entry: dict[str, Any] = {"role": _name(role or Role.Assistant), "content": reply["result"]}
    if reply.get("function_call"):
        entry["function_call"] = reply["function_call"]
    calls = _tool_calls(reply)
    if len(calls) > 1:  # v1 cannot say so; answers follow in messages of the role tool
        entry["tool_calls"] = calls
    return entry


def _tool_calls(reply: Mapping[str, Any]) -> Sequence[Any]:
    choices = reply.get("choices")
    return (choices[0].get("message") or {}).get("tool_calls") or () if choices else ()


def _name(role: str | Role) -> str:
    return role.value if isinstance(role, Role) else role


Conversation = Messages | Iterable[Mapping[str, Any]]


def conversation(messages: Conversation) -> list[Mapping[str, Any]]:
    """Return the messages as a list, or raise `InvalidArgumentError` where they cannot be any.

    Order, roles and lengths are the service's to judge: its rules differ by model and change.
    """
    if isinstance(messages, (str, Mapping)):
        raise InvalidArgumentError(
            f"messages is one {type(messages).__name__}, not a list of messages",
            hint='messages=[{"role": "user", "content": "你好"}]',
        )
    try:
        conversation = list(messages)
    except TypeError:
        raise InvalidArgumentError(f"messages must be a list, not {type(messages).__name__}") from None
    if not conversation:
        raise InvalidArgumentError("messages is empty", hint='messages=[{"role": "user", "content": "你好"}]')
    for index, message in enumerate(conversation):
        if type(message) is not dict and not isinstance(message, Mapping):
            raise InvalidArgumentError(
                f"messages[{index}] is a {type(message).__name__}, not a dict",
                hint='{"role": "user", "content": ...}',
            )
        if "role" not in message:
            raise InvalidArgumentError(
                f"messages[{index}] has no role", hint="role: user, assistant or function"
            )
    return conversation
