"""The conversation so far (the platform documentation)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import qianfan
from qianfan.errors import InvalidArgumentError
from qianfan.messages import Messages, Role
from qianfan.response import Response

from .copies import pickled

CALL = {"name": "get_weather", "arguments": '{"city": "北京"}'}


class Read:
    """A stream that has been read."""

    whole = True

    def __init__(self, **body: Any) -> None:
        self._body = body

    def so_far(self) -> Response:
        """Return what has arrived."""
        return Response(200, {}, self._body)


def conversation(*entries: Any) -> Messages:
    """Return messages appended in turn, each alone or with its role."""
    messages = Messages()
    for entry in entries:
        messages.append(*entry) if isinstance(entry, tuple) else messages.append(entry)
    return messages


USER = {"role": "user", "content": "你好"}
ASSISTANT = {"role": "assistant", "content": "我在"}


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (["你好"], [USER]),
        (["你好", Response(200, {}, {"result": "我在", "id": "as-1"})], [USER, ASSISTANT]),
        (["你好", {"result": "我在"}], [USER, ASSISTANT]),
        (["你好", Read(result="我在")], [USER, ASSISTANT]),
        ([("我在", "assistant")], [ASSISTANT]),
        ([("我在", Role.Assistant)], [ASSISTANT]),
        ([("你好", Role.User)], [USER]),
        ([(Response(200, {}, {"result": "你好"}), "user")], [USER]),
        ([(Response(200, {}, {"result": "你好"}), Role.User)], [USER]),
        ([USER, ASSISTANT], [USER, ASSISTANT]),
        ([{"role": "function", "name": "f", "content": "{}"}],) * 2,
        (
            ["", Response(200, {}, {"result": ""})],
            [{"role": "user", "content": ""}, {**ASSISTANT, "content": ""}],
        ),
    ],
    ids=[
        "a text",
        "a reply",
        "a reply as dict",
        "a stream",
        "a role",
        "a Role",
        "Role.User",
        "a reply's role",
        "a reply's Role",
        "dicts",
        "a function's dict",
        "empty texts",
    ],
)
def test_append(entries: list[Any], expected: list[dict[str, Any]]) -> None:
    """A text is the user's and a reply the assistant's, unless a role says otherwise."""
    assert list(conversation(*entries)) == expected


@pytest.mark.parametrize(
    ("after", "text", "expected"),
    [
        (
            Response(200, {}, {"result": "", "function_call": CALL}),
            "25℃",
            {"role": "function", "name": "get_weather"},
        ),
        (Read(result="", function_call=CALL), "25℃", {"role": "function", "name": "get_weather"}),
        (
            {"role": "assistant", "content": None, "function_call": CALL},
            "25℃",
            {"role": "function", "name": "get_weather"},
        ),
        (Response(200, {}, {"result": "", "function_call": CALL}), ("25℃", "user"), {"role": "user"}),
        (
            Response(200, {}, {"result": "", "function_call": CALL}),
            ("25℃", "function"),
            {"role": "function", "name": "get_weather"},
        ),
        (
            Response(200, {}, {"result": "", "function_call": CALL}),
            ("25℃", Role.Function),
            {"role": "function", "name": "get_weather"},
        ),
        (Response(200, {}, {"result": "x", "function_call": None}), "25℃", {"role": "user"}),
        (Response(200, {}, {"result": "x"}), ("25℃", Role.Function), {"role": "function"}),
    ],
    ids=["reply", "stream", "dict", "the user", "function", "Role", "no call", "function without call"],
)
def test_after_a_function_call(after: Any, text: Any, expected: dict[str, Any]) -> None:
    """A text after a function call is that function's result, and carries its name."""
    messages = conversation("北京天气？", after, text)

    assert messages[-1] == {**expected, "content": "25℃"}


def test_a_function_call_is_kept() -> None:
    """The reply's function call goes into the conversation, as the platform wants it back."""
    messages = conversation("北京天气？", Response(200, {}, {"result": "", "function_call": CALL}))

    assert messages[1] == {"role": "assistant", "content": "", "function_call": CALL}


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (None, "not NoneType"),
        (1, "not int"),
        (["你好"], "not list"),
        (b"bytes", "not bytes"),
        (Response(200, {}, {"error_code": 18}), "no `result`"),
        (Response(200, {}, {"result": None}), "no `result`"),
        ({}, "no `result`"),
        (Read(), "no `result`"),
    ],
    ids=["None", "int", "list", "bytes", "an error", "null", "empty", "an empty stream"],
)
def test_what_is_no_message(message: Any, says: str) -> None:
    """Anything else is refused with what would do, and the conversation stays as it was."""
    messages = conversation("你好")

    with pytest.raises(InvalidArgumentError, match=says) as caught:
        messages.append(message)

    assert caught.value.hint
    assert list(messages) == [USER]


def test_as_a_sequence() -> None:
    """It starts empty, and can be counted, indexed and shown."""
    assert (len(Messages()), list(Messages()), bool(Messages())) == (0, [], False)
    messages = conversation("你好", ("我在", "assistant"))
    assert (len(messages), messages[0], messages[-1]) == (2, USER, ASSISTANT)
    assert repr(conversation("你好")) == "Messages([{'role': 'user', 'content': '你好'}])"


def test_a_dict_is_copied() -> None:
    """What becomes of a dict after it was appended does not touch the conversation."""
    message = dict(USER)
    messages = conversation(message)

    message["content"] = "else"

    assert list(messages) == [USER]


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled], ids=["deepcopy", "pickle"])
def test_copies(copied: Any) -> None:
    """A copy goes its own way."""
    messages = conversation("你好")

    copied(messages).append("我在", "assistant")

    assert list(messages) == [USER]


@pytest.mark.parametrize(
    ("role", "value"), [(Role.User, "user"), (Role.Assistant, "assistant"), (Role.Function, "function")]
)
def test_roles(role: Role, value: str) -> None:
    """A role is its word, in every way it is written."""
    assert (role, role.value, str(role), f"{role}") == (value, value, value, value)


def test_names() -> None:
    """The classic names are the same classes."""
    assert (qianfan.QfMessages, qianfan.QfRole) == (qianfan.Messages, qianfan.Role) == (Messages, Role)


def test_a_stream_half_read_is_refused() -> None:
    """A part of an answer does not pass for the answer."""
    stream = Read(result="half")
    stream.whole = False

    with pytest.raises(InvalidArgumentError, match="not been read to its end"):
        Messages().append(stream)


def tool_call(call_id: str = "as-9") -> dict[str, Any]:
    """Return a tool call as v2 has it."""
    return {"id": call_id, "type": "function", "function": CALL}


def reply_of_v2(*ids: str, **message: Any) -> Response:
    """Return a reply of v2 that calls tools, as the dialect makes it."""
    told = {"role": "assistant", "content": None, "tool_calls": [tool_call(it) for it in ids], **message}
    body = {"choices": [{"index": 0, "message": told}], "result": "", "function_call": {**CALL, "id": ids[0]}}
    return Response(200, {}, body)


class TestToolCalls:
    """Conversations with tool calls of v2."""

    def test_one_call_is_kept_with_its_id(self) -> None:
        """One call is kept in the form that both versions can be told, with the model's own id."""
        messages = conversation("北京天气？", reply_of_v2("as-9"), "25℃")

        assert messages[1] == {"role": "assistant", "content": "", "function_call": {**CALL, "id": "as-9"}}
        assert messages[2] == {"role": "function", "name": "get_weather", "content": "25℃"}

    def test_several_calls_are_kept(self) -> None:
        """Of several calls none is lost; each answer names its own."""
        answers = [{"role": "tool", "tool_call_id": it, "content": "25℃"} for it in ("a", "b")]
        messages = conversation("?", reply_of_v2("a", "b"), *answers)

        assert messages[1]["tool_calls"] == [tool_call("a"), tool_call("b")]
        assert list(messages)[2:] == answers

    def test_thoughts_are_not(self) -> None:
        """What a reasoning model thought is no part of the conversation."""
        reply = Response(200, {}, {"result": "好", "reasoning_content": "想"})

        assert conversation("?", reply)[1] == {"role": "assistant", "content": "好"}

    @pytest.mark.parametrize(
        ("after", "role", "call_id"),
        [
            ({"role": "assistant", "content": None, "tool_calls": [tool_call()]}, None, "as-9"),
            ({"role": "assistant", "content": None, "tool_calls": [tool_call()]}, "tool", "as-9"),
            (reply_of_v2("as-9").choices[0].message, None, "as-9"),
            (reply_of_v2("as-9"), Role.Tool, "as-9"),
            (Response(200, {}, {"result": "", "function_call": CALL}), "tool", "get_weather"),
        ],
        ids=["a message", "as tool", "a choice's message", "a reply", "a reply of v1"],
    )
    def test_a_text_answers_the_one_call(self, after: Any, role: Any, call_id: str) -> None:
        """A text after a message with one tool call is that tool's answer, and carries its id."""
        messages = conversation("?", after)
        messages.append("25℃", role)

        assert messages[-1] == {"role": "tool", "content": "25℃", "tool_call_id": call_id}

    @pytest.mark.parametrize(
        ("after", "role"),
        [
            ({"role": "assistant", "content": None, "tool_calls": [tool_call("a"), tool_call("b")]}, None),
            (reply_of_v2("a", "b"), "tool"),
            ("just a text", "tool"),
        ],
        ids=["several", "several of a reply", "none"],
    )
    def test_a_text_that_could_answer_any(self, after: Any, role: Any) -> None:
        """Where a message makes several calls, or none, a text alone does not say which it answers."""
        messages = conversation("?", after)
        with pytest.raises(InvalidArgumentError, match="answers one call") as caught:
            messages.append("25℃", role)

        assert "tool_call_id" in caught.value.hint
        assert len(messages) == 2

    def test_a_text_of_the_users(self) -> None:
        """A role that is said counts after a tool call too."""
        messages = conversation("?", {"role": "assistant", "content": None, "tool_calls": [tool_call()]})
        messages.append("算了", "user")

        assert messages[-1] == {"role": "user", "content": "算了"}
