"""Functions and types in a chat call, described as JSON can."""

from __future__ import annotations

from typing import Any

import pytest

import qianfan
from qianfan.core.call import Call
from qianfan.errors import InvalidArgumentError
from qianfan.resources.chat import described


class Lookup:
    """Looks something up; equal to others of its kind, so not hashable."""

    __name__ = "lookup"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lookup)

    __hash__ = None  # type: ignore[assignment]  # the point of it

    def __call__(self, key: str) -> str:
        """Look a key up."""
        return key


def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return city


def fields(**given: Any) -> Any:
    """Return the fields of a call after its functions and types are described."""
    return described(Call("chat", None, None, {"messages": [], **given})).fields


@pytest.mark.parametrize(
    "tool", [get_weather, Lookup()], ids=["a function", "an object that cannot be hashed"]
)
def test_functions(tool: Any) -> None:
    """What can be called becomes a tool with the schema of its arguments; dicts stay as they are."""
    written = {"type": "function", "function": {"name": "f"}}
    described_tool, kept = fields(tools=[tool, written])["tools"]

    assert described_tool["function"]["parameters"]["required"] in (["city"], ["key"])
    assert kept is written


@pytest.mark.parametrize("tools", [{"type": "function"}, get_weather, 5])
def test_what_is_no_list(tools: Any) -> None:
    """One tool without its list is told as such, before anything is sent."""
    with pytest.raises(InvalidArgumentError, match="tools must be a list"):
        fields(tools=tools)


def test_a_reply_without_a_format() -> None:
    """`parsed` says what it needs."""
    with pytest.raises(InvalidArgumentError, match="response_format"):
        _ = qianfan.Response(body={"result": "x"}).parsed
