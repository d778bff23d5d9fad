"""The words of v1 and of v2 (the platform documentation, §7.1), in both directions."""

from __future__ import annotations

import copy
import json
from collections import UserDict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qianfan.core.words import names_to_v1, names_to_v2, to_v1, to_v2
from qianfan.errors import InvalidArgumentError
from qianfan.messages import Role

if TYPE_CHECKING:
    from collections.abc import Callable

USER = {"role": "user", "content": "北京天气？"}
FUNCTION = {
    "name": "get_weather",
    "description": "查天气",
    "parameters": {"type": "object", "properties": {}},
}
TOOL = {"type": "function", "function": FUNCTION}
SEARCH_TOOL = {"type": "web_search", "web_search": {"enable": True}}
CALL = {"name": "get_weather", "arguments": '{"city":"北京"}'}


def tool_call(call_id: str = "call_1", **function: Any) -> dict[str, Any]:
    """Return a tool call as v2 has it."""
    return {"id": call_id, "type": "function", "function": {**CALL, **function}}


def assistant(content: Any = "", **more: Any) -> dict[str, Any]:
    """Return a message of the assistant's."""
    return {"role": "assistant", "content": content, **more}


def function_answer(content: Any = "25℃", **more: Any) -> dict[str, Any]:
    """Return the answer of a function as v1 has it."""
    return {"role": "function", "name": "get_weather", "content": content, **more}


def tool_answer(call_id: str = "call_1", content: Any = "25℃", **more: Any) -> dict[str, Any]:
    """Return the answer of a tool as v2 has it."""
    return {"role": "tool", "tool_call_id": call_id, "content": content, **more}


def said(change: Callable[[Any], None], fields: dict[str, Any]) -> dict[str, Any]:
    """Return fields as a dialect sends them: changed, without what is None; the caller's own stay as they are."""
    before = copy.deepcopy(fields)
    mine = dict(fields)
    change(mine)

    assert fields == before
    return {name: value for name, value in mine.items() if value is not None}


def fields_in(change: Callable[[Any], None], fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields beside one message of the user's, which stays as it is."""
    sent = said(change, {"messages": [USER], **fields})

    assert sent.pop("messages") == [USER]
    return sent


def messages_in(change: Callable[[Any], None], *messages: Any) -> Any:
    """Return messages as a dialect sends them."""
    return said(change, {"messages": list(messages)})["messages"]


#: v1's words, and v2's for the same.
PAIRS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "user_id": ({"user_id": "u"}, {"user": "u"}),
    "max_output_tokens": ({"max_output_tokens": 64}, {"max_completion_tokens": 64}),
    "functions": ({"functions": [FUNCTION]}, {"tools": [TOOL]}),
    "several functions": ({"functions": [FUNCTION, FUNCTION]}, {"tools": [TOOL, TOOL]}),
    "json_object": ({"response_format": "json_object"}, {"response_format": {"type": "json_object"}}),
    "text": ({"response_format": "text"}, {"response_format": {"type": "text"}}),
    "no search": ({"disable_search": True}, {"web_search": {"enable": False}}),
    "search": ({"disable_search": False}, {"web_search": {"enable": True}}),
    "citation": (
        {"disable_search": False, "enable_citation": True, "enable_trace": False},
        {"web_search": {"enable": True, "enable_citation": True, "enable_trace": False}},
    ),
}


@pytest.mark.parametrize(("v1", "v2"), PAIRS.values(), ids=PAIRS)
def test_fields_both_ways(v1: dict[str, Any], v2: dict[str, Any]) -> None:
    """Each version's word becomes the other's, and back; its own stays."""
    assert fields_in(to_v2, v1) == v2
    assert fields_in(to_v1, v2) == v1
    assert fields_in(to_v2, v2) == v2
    assert fields_in(to_v1, v1) == v1


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({"user_setting": "诗人"}, [{"role": "system", "content": "诗人"}, USER]),
        ({"system": "诗人", "user_setting": "别人"}, [{"role": "system", "content": "诗人"}, USER]),
        ({"system": "诗人"}, [{"role": "system", "content": "诗人"}, USER]),
        ({"system": ""}, [USER]),
        ({"system": None}, [USER]),
    ],
)
def test_the_persona_to_v2(fields: dict[str, Any], sent: list[Any]) -> None:
    """The persona becomes the first message; an empty one is none."""
    assert said(to_v2, {"messages": [USER], **fields}) == {"messages": sent}


def persona(content: Any) -> dict[str, Any]:
    """Return a message of the role system."""
    return {"role": "system", "content": content}


PARTS = [{"type": "text", "text": "诗人"}]
PICTURE = [{"type": "text", "text": "?"}, {"type": "image_url", "image_url": {"url": "http://host/cat"}}]


@pytest.mark.parametrize(
    ("messages", "given", "sent", "left"),
    [
        ([persona("诗人")], None, "诗人", []),
        ([persona("诗人")], "", "诗人", []),
        ([persona("诗人")], "诗人", "诗人", []),
        ([persona("诗人")], "简短", "简短\n诗人", []),
        ([persona("诗人"), persona("简短")], None, "诗人\n简短", []),
        ([persona(PARTS)], None, "诗人", []),
        ([persona(PICTURE)], None, None, [persona(PICTURE)]),
        ([persona(None)], "简短", "简短", [persona(None)]),
        ([{"role": Role.System, "content": "诗人"}], None, "诗人", []),
    ],
    ids=["one", "empty", "equal", "both", "two", "parts", "a picture", "None", "Role"],
)
def test_the_persona_to_v1(messages: list[Any], given: Any, sent: Any, left: list[Any]) -> None:
    """The first messages of the role system become the field; what it cannot hold goes as it is."""
    made = said(to_v1, {"messages": [*messages, USER], "system": given})

    assert made == {"messages": [*left, USER], **({"system": sent} if sent else {})}


@pytest.mark.parametrize(
    ("messages", "sent"),
    [
        ([persona("诗人"), USER], [persona("简短\n诗人"), USER]),
        ([persona("简短"), USER], [persona("简短"), USER]),
        ([persona(PARTS), USER], [persona("简短"), persona(PARTS), USER]),
    ],
    ids=["another", "equal", "parts"],
)
def test_a_persona_given_twice(messages: list[Any], sent: list[Any]) -> None:
    """A persona as field and one as message become one message, as services take no second."""
    assert said(to_v2, {"messages": messages, "system": "简短"}) == {"messages": sent}


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        # v2's own names, also where v1's stand beside them
        ({"max_tokens": 9}, {"max_tokens": 9}),
        ({"max_tokens": 9, "max_output_tokens": 7}, {"max_tokens": 9}),
        ({"max_completion_tokens": 9, "max_output_tokens": 7}, {"max_completion_tokens": 9}),
        ({"user": "new", "user_id": "old"}, {"user": "new"}),
        ({"tools": [SEARCH_TOOL], "functions": [FUNCTION]}, {"tools": [SEARCH_TOOL]}),
        ({"web_search": {"enable": False}, "disable_search": False}, {"web_search": {"enable": False}}),
        # what was not given
        ({"user_id": None, "max_output_tokens": None, "functions": None, "disable_search": None}, {}),
        ({"user": None, "user_id": "u"}, {"user": "u"}),
        ({"tools": None, "functions": [FUNCTION]}, {"tools": [TOOL]}),
        ({"web_search": None, "enable_trace": True}, {"web_search": {"enable": True, "enable_trace": True}}),
        ({"functions": []}, {}),
        ({"tools": []}, {"tools": []}),
        ({"functions": (FUNCTION,)}, {"tools": [TOOL]}),
        ({"user_id": ""}, {"user": ""}),
        ({"max_output_tokens": 0}, {"max_completion_tokens": 0}),
        # a search that nobody asked for is not begun
        ({"enable_citation": False, "enable_trace": False}, {}),
        ({"enable_citation": True}, {"web_search": {"enable": True, "enable_citation": True}}),
        (
            {"disable_search": True, "enable_citation": True},
            {"web_search": {"enable": False, "enable_citation": True}},
        ),
        # words that v2 has too, or that nobody has
        *[
            ({name: value},) * 2
            for name, value in (("temperature", 0.5), ("penalty_score", 1.2), ("stop", "。"))
        ],
        *[
            ({name: value},) * 2
            for name, value in (("top_k", 3), ("tool_choice", "auto"), ("new", {"a": [1]}))
        ],
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},) * 2,
    ],
    ids=str,
)
def test_fields_to_v2(fields: dict[str, Any], sent: dict[str, Any]) -> None:
    """v2's own words count where both are given; a word without a counterpart travels as it is."""
    assert fields_in(to_v2, fields) == sent


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({"max_tokens": 9}, {"max_output_tokens": 9}),
        ({"max_tokens": 9, "max_completion_tokens": 8}, {"max_output_tokens": 8}),
        ({"max_completion_tokens": None, "max_tokens": 9}, {"max_output_tokens": 9}),
        ({"max_completion_tokens": 9, "max_output_tokens": 7}, {"max_output_tokens": 7}),
        ({"user": "new", "user_id": "old"}, {"user_id": "old"}),
        ({"user": None}, {}),
        ({"tools": [TOOL], "functions": [FUNCTION, FUNCTION]}, {"functions": [FUNCTION, FUNCTION]}),
        ({"tools": (TOOL,)}, {"functions": [FUNCTION]}),
        ({"tools": [UserDict(TOOL)]}, {"functions": [FUNCTION]}),
        ({"tools": [TOOL], "tool_choice": "auto"}, {"functions": [FUNCTION]}),
        ({"tools": [TOOL], "tool_choice": "none"}, {}),
        ({"tools": [TOOL], "tool_choice": "required"}, {"functions": [FUNCTION], "tool_choice": "required"}),
        ({"tool_choice": {"type": "function", "function": {"name": "x"}}},) * 2,
        # tools that are no functions are v1's own
        *[
            ({"tools": tools},) * 2
            for tools in ([SEARCH_TOOL], [SEARCH_TOOL, TOOL], [], "x", [None], ["function"])
        ],
        *[({"tools": [tool]},) * 2 for tool in ({"type": "function"}, {"type": "function", "name": "f"}, {})],
        ({"response_format": {"type": "text"}}, {"response_format": "text"}),
        ({"response_format": {}}, {}),
        ({"stop": "。"},) * 2,
        ({"web_search": {"enable": False}, "disable_search": False}, {"disable_search": False}),
        (
            {"web_search": {"enable": True, "enable_trace": True}, "enable_trace": False},
            {
                "disable_search": False,
                "enable_trace": False,
            },
        ),
        ({"web_search": {"enable_status": True}}, {"web_search": {"enable_status": True}}),
        ({"web_search": {}}, {}),
        *[
            ({name: value},) * 2
            for name, value in (("seed", 7), ("parallel_tool_calls", True), ("web_search", 1))
        ],
    ],
    ids=str,
)
def test_fields_to_v1(fields: dict[str, Any], sent: dict[str, Any]) -> None:
    """v1's own words count where both are given; a word without a counterpart travels as it is."""
    assert fields_in(to_v1, fields) == sent


def test_v1_takes_no_schema() -> None:
    """A schema that v1 cannot keep to is refused before anything is sent, with what would do."""
    with pytest.raises(InvalidArgumentError, match="no schema") as caught:
        fields_in(to_v1, {"response_format": {"type": "json_schema", "json_schema": {}}})

    assert "json_object" in caught.value.hint


@pytest.mark.parametrize(
    ("rename", "fields", "sent"),
    [
        (names_to_v2, {"user_id": "u", "input": ["x"]}, {"user": "u", "input": ["x"]}),
        (names_to_v1, {"user": "u", "max_tokens": 9}, {"user_id": "u", "max_output_tokens": 9}),
        (names_to_v2, {"system": "x", "prompt": "y"}, {"system": "x", "prompt": "y"}),
        (names_to_v1, {"tools": [TOOL], "stop": "x"}, {"tools": [TOOL], "stop": "x"}),
    ],
)
def test_other_kinds(rename: Any, fields: dict[str, Any], sent: dict[str, Any]) -> None:
    """Requests of other kinds than chat have the common names translated, and nothing else."""
    assert said(rename, fields) == sent


class TestMessagesToV2:
    """Function calls of v1 become tool calls, each linked with its answer by an id."""

    def test_an_id_that_was_kept(self) -> None:
        """The model's own id goes back with the call and with its answer."""
        sent = messages_in(to_v2, USER, assistant(function_call={**CALL, "id": "as-9"}), function_answer())

        assert sent == [
            USER,
            assistant(tool_calls=[tool_call("as-9")]),
            tool_answer("as-9", name="get_weather"),
        ]

    @pytest.mark.parametrize("call_id", [None, ""], ids=["none", "empty"])
    def test_an_id_that_was_not(self, call_id: str | None) -> None:
        """A conversation without ids gets some, each its own."""
        call = CALL if call_id is None else {**CALL, "id": call_id}
        once = (assistant(function_call=call), function_answer())
        sent = messages_in(to_v2, USER, *once, *once)

        assert [message["tool_calls"][0]["id"] for message in sent if "tool_calls" in message] == [
            "call_1",
            "call_3",
        ]
        assert [message["tool_call_id"] for message in sent if message["role"] == "tool"] == [
            "call_1",
            "call_3",
        ]

    def test_the_id_of_the_answer(self) -> None:
        """Where only the answer names an id, the call gets it: v1's replies are answered so in v2's form."""
        sent = messages_in(to_v2, USER, assistant(function_call=CALL), tool_answer("get_weather"))

        assert sent[1:] == [assistant(tool_calls=[tool_call("get_weather")]), tool_answer("get_weather")]

    @pytest.mark.parametrize(
        ("arguments", "sent"),
        [
            ('{"a":1}', '{"a":1}'),
            ({"city": "北京"}, '{"city":"北京"}'),
            (UserDict({"a": 1}), '{"a":1}'),
            ("", "{}"),
            (None, "{}"),
        ],
        ids=["text", "a dict", "a mapping", "empty", "None"],
    )
    def test_arguments(self, arguments: Any, sent: str) -> None:
        """Arguments are JSON text on the wire, however they are given."""
        message = messages_in(to_v2, USER, assistant(function_call={**CALL, "arguments": arguments}))[1]

        assert message["tool_calls"][0]["function"]["arguments"] == sent

    def test_arguments_that_are_no_json(self) -> None:
        """What JSON cannot say is refused as any other field is."""
        with pytest.raises(InvalidArgumentError, match="cannot be written as JSON"):
            messages_in(to_v2, USER, assistant(function_call={**CALL, "arguments": {"a": {1}}}))

    def test_thoughts(self) -> None:
        """What v1's model thought has no place in a tool call."""
        message = messages_in(to_v2, USER, assistant(None, function_call={**CALL, "thoughts": "查一下"}))[1]

        assert message == assistant(None, tool_calls=[tool_call("call_1")])

    @pytest.mark.parametrize("empty", [None, {}])
    def test_an_empty_function_call(self, empty: Any) -> None:
        """A call of nothing, which only v1 refuses, is none."""
        assert messages_in(to_v2, USER, assistant("好", function_call=empty)) == [USER, assistant("好")]

    def test_what_is_no_call(self) -> None:
        """What cannot be read as a call is the service's to refuse."""
        assert messages_in(to_v2, USER, assistant(function_call="auto"))[1] == assistant(function_call="auto")

    def test_several_calls(self) -> None:
        """Where v2's calls stand beside v1's, those count that are answered."""
        both = assistant(function_call={**CALL, "id": "a"}, tool_calls=[tool_call("a"), tool_call("b")])
        in_v2 = messages_in(to_v2, USER, both, tool_answer("a"), tool_answer("b"))
        in_v1 = messages_in(to_v2, USER, both, function_answer())

        assert in_v2[1] == assistant(tool_calls=[tool_call("a"), tool_call("b")])
        assert in_v1[1:] == [assistant(tool_calls=[tool_call("a")]), tool_answer("a", name="get_weather")]

    def test_an_answer_without_a_call(self) -> None:
        """An answer whose call was cut off from the conversation goes on as an answer."""
        assert messages_in(to_v2, function_answer()) == [tool_answer("call_0", name="get_weather")]

    def test_roles(self) -> None:
        """A `Role` is its word."""
        sent = messages_in(to_v2, USER, assistant(function_call=CALL), function_answer(role=Role.Function))

        assert sent[2]["role"] == "tool"

    def test_nothing_of_v1(self) -> None:
        """A conversation in the words of v2 is not touched: the same objects go on."""
        messages = [persona("x"), USER, assistant(tool_calls=[tool_call()]), tool_answer(), assistant("好")]
        fields: dict[str, Any] = {"messages": messages}
        to_v2(fields)

        assert fields["messages"] is messages


class TestMessagesToV1:
    """Tool calls of v2 become the one function call that a message of v1 has."""

    def test_a_call_and_its_answer(self) -> None:
        """The id goes, the name comes from the call."""
        sent = messages_in(to_v1, USER, assistant(None, tool_calls=[tool_call()]), tool_answer())

        assert sent == [USER, assistant(None, function_call=CALL), function_answer()]

    @pytest.mark.parametrize(
        ("call", "answer"),
        [
            ({"function_call": {**CALL, "id": "as-9"}}, tool_answer("as-9")),
            ({"function_call": CALL}, tool_answer("get_weather")),
            ({"tool_calls": [tool_call("as-9")]}, tool_answer("as-9")),
            ({"tool_calls": [tool_call("as-9")]}, tool_answer("another", name="get_weather")),
            ({"function_call": {**CALL, "id": "as-9"}}, function_answer()),
        ],
        ids=["v1 with id", "v1 by name", "v2", "named", "both v1"],
    )
    def test_mixed_forms(self, call: dict[str, Any], answer: dict[str, Any]) -> None:
        """A call in either form may be answered in either form."""
        assert messages_in(to_v1, USER, assistant(**call), answer) == [
            USER,
            assistant(function_call=CALL),
            function_answer(),
        ]

    def test_equal_ids_of_turns(self) -> None:
        """Calls of several turns whose ids are the functions' names, as v1's replies give them, are told apart."""
        other = tool_call("f", name="f")
        sent = messages_in(
            to_v1,
            *(USER, assistant(tool_calls=[tool_call("get_weather")]), tool_answer("get_weather")),
            *(assistant(tool_calls=[other]), tool_answer("f")),
        )

        assert [message["name"] for message in sent if message["role"] == "function"] == ["get_weather", "f"]

    @pytest.mark.parametrize("calls", [None, []])
    def test_no_calls(self, calls: Any) -> None:
        """An empty list of calls, as openai's objects dump it, is not sent."""
        assert messages_in(to_v1, USER, assistant("好", tool_calls=calls)) == [USER, assistant("好")]

    def test_several_calls(self) -> None:
        """Several calls in one message are more than v1 can say, unless v1's form is what was answered."""
        calls = [tool_call("a"), tool_call("b")]
        with pytest.raises(InvalidArgumentError, match="one function call a message") as caught:
            messages_in(to_v1, USER, assistant(tool_calls=calls), tool_answer("a"), tool_answer("b"))
        assert "parallel_tool_calls" in caught.value.hint

        sent = messages_in(to_v1, USER, assistant(tool_calls=calls, function_call=CALL), function_answer())
        assert sent == [USER, assistant(function_call=CALL), function_answer()]

    def test_an_answer_without_a_call(self) -> None:
        """An answer to a call that is not there has no name, which v1 needs."""
        with pytest.raises(InvalidArgumentError, match="no message calls the tool that 'x' answers"):
            messages_in(to_v1, USER, tool_answer("x"))

    @pytest.mark.parametrize("broken", [[{"id": "a"}], [{"function": "f"}], ["f"], [None]], ids=str)
    def test_what_is_no_call(self, broken: list[Any]) -> None:
        """What cannot be read as a call is the service's to refuse."""
        assert messages_in(to_v1, USER, assistant(tool_calls=broken))[1] == assistant(tool_calls=broken)

    def test_arguments(self) -> None:
        """Arguments that are a dict become the JSON text that v1 documents."""
        sent = messages_in(to_v1, USER, assistant(tool_calls=[tool_call(arguments={"city": "北京"})]))

        assert sent[1]["function_call"] == CALL

    @pytest.mark.parametrize(
        ("content", "sent"),
        [
            ([{"type": "text", "text": "一"}, {"type": "text", "text": "二"}], "一\n二"),
            (PICTURE, PICTURE),
            ([], []),
            (["一"], ["一"]),
            ("一", "一"),
        ],
        ids=["texts", "a picture", "empty", "no parts", "a text"],
    )
    def test_parts(self, content: Any, sent: Any) -> None:
        """Texts in parts become one text; pictures, which v1 cannot say, go as they are."""
        assert messages_in(to_v1, {"role": "user", "content": content}) == [{"role": "user", "content": sent}]

    def test_parts_of_an_answer(self) -> None:
        """The parts of a tool's answer become one text too."""
        sent = messages_in(to_v1, USER, assistant(tool_calls=[tool_call()]), tool_answer(content=PARTS))

        assert sent[2] == function_answer("诗人")

    def test_nothing_of_v2(self) -> None:
        """A conversation in the words of v1 goes on as it is."""
        messages = [USER, assistant(function_call=CALL), function_answer(), assistant("好")]

        assert messages_in(to_v1, *messages) == messages

    def test_later_system_messages(self) -> None:
        """A persona in the middle has no place in v1: the service says so."""
        assert messages_in(to_v1, USER, persona("x")) == [USER, persona("x")]


@pytest.mark.parametrize("change", [to_v1, to_v2])
def test_messages_of_any_mapping(change: Any) -> None:
    """Messages, calls and tools may be any mapping, and are read, never changed."""
    call = MappingProxyType(tool_call()) if change is to_v1 else MappingProxyType({**CALL, "id": "call_1"})
    frozen = [
        MappingProxyType(USER),
        UserDict(assistant(**({"tool_calls": (call,)} if change is to_v1 else {"function_call": call}))),
        MappingProxyType(tool_answer() if change is to_v1 else function_answer()),
    ]
    fields: dict[str, Any] = {"messages": tuple(frozen)}
    change(fields)

    assert dict(fields["messages"][2]) == (
        function_answer() if change is to_v1 else tool_answer(name="get_weather")
    )


TEXTS = st.text(max_size=5)
NAMES = st.sampled_from(["get_weather", "f", "g"])


@st.composite
def conversations(draw: Any) -> list[dict[str, Any]]:
    """Return a conversation in the words of v1."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": draw(TEXTS)}]
    for _ in range(draw(st.integers(0, 4))):
        name = draw(NAMES | st.none())
        if name is None:
            messages += [assistant(draw(TEXTS)), {"role": "user", "content": draw(TEXTS)}]
        else:
            arguments = json.dumps(draw(st.dictionaries(TEXTS, st.integers() | TEXTS, max_size=2)))
            messages += [
                assistant(
                    draw(st.just("") | st.none()), function_call={"name": name, "arguments": arguments}
                ),
                {"role": "function", "name": name, "content": draw(TEXTS)},
            ]
    return messages


FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "user_id": TEXTS,
        "max_output_tokens": st.integers(),
        "system": TEXTS.filter(bool),
        "functions": st.lists(st.fixed_dictionaries({"name": NAMES}), min_size=1, max_size=2),
        "response_format": st.sampled_from(["text", "json_object"]),
        "disable_search": st.booleans(),
        "temperature": st.floats(0, 1),
        "tool_choice": st.fixed_dictionaries({"type": st.just("function")}),
        "stop": st.lists(TEXTS, max_size=2),
        "something": st.none() | TEXTS,
    },
)


@given(conversations(), FIELDS)
def test_round_trip_from_v1(messages: list[dict[str, Any]], fields: dict[str, Any]) -> None:
    """What v1 says comes back from v2 as it was; saying it twice changes nothing more."""
    v1 = {name: value for name, value in {"messages": messages, **fields}.items() if value is not None}
    v2 = said(to_v2, v1)

    assert said(to_v2, v2) == v2
    assert said(to_v1, v2) == v1


@given(conversations(), FIELDS)
def test_round_trip_from_v2(messages: list[dict[str, Any]], fields: dict[str, Any]) -> None:
    """What v2 says comes back from v1 as it was, with ids made anew; every answer names the id of its call."""
    v2 = said(to_v2, {"messages": messages, **fields})
    v1 = said(to_v1, v2)

    assert said(to_v1, v1) == v1
    assert said(to_v2, v1) == v2
    called: list[str] = []
    for message in v2["messages"]:
        if message["role"] == "tool":
            assert message["tool_call_id"] == called[-1]
        called += [call["id"] for call in message.get("tool_calls", ())]
    assert len(set(called)) == len(called)


@pytest.mark.parametrize("functions", [FUNCTION, "get_weather", 7], ids=["a dict", "a name", "a number"])
def test_functions_that_are_no_list(functions: Any) -> None:
    """One function alone is a mistake that v2, which does not know the field, would not tell."""
    with pytest.raises(InvalidArgumentError, match="functions must be a list of dicts"):
        fields_in(to_v2, {"functions": functions})


#: Values such as JSON has, also where they make no sense.
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(0, 2)
    | st.sampled_from(["", "f", "function", "auto", "none", "text"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["type", "function", "name", "arguments", "id", "text", "enable"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
ROLES = st.sampled_from(
    ["system", "user", "assistant", "function", "tool", Role.Tool, Role.Function, "", None, 7, ["user"]]
)
PARTS_OF_MESSAGES = dict.fromkeys(("content", "name", "function_call", "tool_calls", "tool_call_id"), VALUES)
WORDS = """user_id user max_output_tokens max_completion_tokens max_tokens system user_setting functions tools
    tool_choice response_format disable_search enable_citation enable_trace web_search stop"""


@given(
    st.lists(st.fixed_dictionaries({"role": ROLES}, optional=PARTS_OF_MESSAGES), min_size=1, max_size=4),
    st.dictionaries(st.sampled_from(WORDS.split()), VALUES, max_size=4),
    st.sampled_from([to_v1, to_v2]),
)
def test_anything(messages: Any, fields: dict[str, Any], change: Any) -> None:
    """Whatever a caller writes, it is translated or refused in this package's own words, and never changed."""
    try:
        made = said(change, {"messages": messages, **fields})
    except InvalidArgumentError:
        return
    assert isinstance(made["messages"], list)
