"""What `response_format` means on the wire, and the values that replies hold."""

from __future__ import annotations

import copy
from typing import Any

import jsonschema
import pydantic
import pytest

from qianfan import schema
from qianfan.errors import (
    InvalidArgumentError,
    ParseError,
    ReplyInvalidError,
    ReplyRefusedError,
    ReplyTruncatedError,
)
from qianfan.response import Response
from qianfan.structured import Format

from . import schema_types as types
from .copies import pickled

CITY = '{"name": "Bonn", "size": 0.3, "tags": []}'
BONN = types.City("Bonn", 0.3)

GIVEN = {
    "title": "City",
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


def reply(result: str = CITY, **fields: Any) -> Response:
    """Return a reply of the platform."""
    return Response(
        200, {"X-Baidu-Request-Id": "r-1"}, {"id": "as-1", "result": result, "usage": USAGE, **fields}
    )


class TestWire:
    """What a format says in the request."""

    @pytest.mark.parametrize(
        "value",
        [
            "text",
            "json_object",
            "not-born-yet",
            {"type": "text"},
            {"type": "json_object"},
            {"type": "not-born-yet", "more": 1},
            {"type": "json_schema", "json_schema": {"name": "City", "schema": GIVEN, "strict": False}},
        ],
        ids=str,
    )
    def test_as_it_is(self, value: Any) -> None:
        """What is said in the wire's words travels as it is."""
        assert Format.of(value).wire is value

    @pytest.mark.parametrize(
        ("value", "name"),
        [
            (GIVEN, "City"),
            ({**GIVEN, "title": "城市"}, "reply"),
            ({"type": "object"}, "reply"),
            ({"anyOf": [GIVEN]}, "reply"),
            ({"type": ["object", "null"], "title": "a b"}, "a_b"),
        ],
        ids=str,
    )
    def test_schema(self, value: Any, name: str) -> None:
        """A JSON schema travels as it is, under its title as far as a name may hold it."""
        wire = Format.of(value).wire

        assert (wire["type"], wire["json_schema"]["name"]) == ("json_schema", name)
        assert wire["json_schema"]["schema"] is value

    def test_dataclass(self) -> None:
        """A dataclass is asked for with all its fields."""
        told = schema.of(types.City)
        del told["properties"]["size"]["default"]

        assert Format.of(types.City).wire == {
            "type": "json_schema",
            "json_schema": {
                "name": "City",
                "schema": {**told, "required": ["name", "size", "tags"]},
                "strict": True,
            },
        }

    def test_pydantic(self) -> None:
        """A pydantic model is asked for with all its fields and no others, in all that it holds."""
        told = Format.of(types.Address).wire["json_schema"]
        street = told["schema"]["$defs"]["Street"]

        assert (told["name"], told["strict"]) == ("Address", True)
        assert (told["schema"]["additionalProperties"], street["additionalProperties"]) == (False, False)
        assert (told["schema"]["required"], street["required"]) == (["street", "zipCode"], ["name", "number"])
        assert "default" not in street["properties"]["number"]

    def test_pydantic_that_takes_more(self) -> None:
        """A model that takes other fields goes on to do so."""
        model = pydantic.create_model("Open", __config__=pydantic.ConfigDict(extra="allow"), a=(int, ...))
        told = Format.of(model).wire["json_schema"]

        assert (told["schema"]["additionalProperties"], told["strict"]) == (True, False)

    def test_recursive(self) -> None:
        """A type that holds itself is seen at the root, whoever wrote its schema."""
        for kind in (types.Node, types.Person):
            told = Format.of(kind).wire["json_schema"]

            assert (told["schema"]["type"], told["strict"]) == ("object", True)
            assert list(told["schema"]["$defs"]) == [kind.__name__]
            jsonschema.Draft202012Validator.check_schema(told["schema"])

    @pytest.mark.parametrize(
        ("value", "strict"),
        [
            (types.City, True),
            (types.Movie, True),
            (types.Pair, True),
            (types.Staff, True),
            (GIVEN, True),
            # what a service that keeps to schemas strictly refuses
            (list[int], False),
            (types.City | types.Node, False),
            (dict[str, int], False),
            ({**GIVEN, "required": []}, False),
            ({**GIVEN, "additionalProperties": True}, False),
            (
                {**GIVEN, "properties": {"name": {"type": "array", "prefixItems": [{"type": "string"}]}}},
                False,
            ),
            ({**GIVEN, "properties": {"name": {}}}, False),
            ({**GIVEN, "properties": {"name": {"type": ["object", "null"]}}}, False),
            ({**GIVEN, "properties": {"name": {"anyOf": [{"type": "object"}]}}}, False),
            ({**GIVEN, "properties": {"name": {"type": "string", "default": ""}}}, False),
            # what only looks like it
            ({**GIVEN, "properties": {"default": {"type": "string"}}, "required": ["default"]}, True),
            ({**GIVEN, "properties": {"name": {"enum": [{"default": 1}]}}}, True),
        ],
        ids=str,
    )
    def test_strict(self, value: Any, strict: bool) -> None:
        """Strictness is asked for where the schema allows it."""
        assert Format.of(value).wire["json_schema"]["strict"] is strict

    def test_no_format(self) -> None:
        """What JSON has nothing for is refused, with the field that has it."""
        with pytest.raises(InvalidArgumentError, match=r"^Sold\.thing: JSON has nothing for complex"):
            Format.of(types.Sold)
        with pytest.raises(InvalidArgumentError, match=r"^JSON has nothing for an instance of City"):
            Format.of(BONN)


class TestParse:
    """The value of a text."""

    @pytest.mark.parametrize(
        ("value", "text", "parsed"),
        [
            ("text", "{", "{"),
            ("not-born-yet", "{", "{"),
            ({"type": "text"}, "{", "{"),
            ("json_object", '{"a": 1}', {"a": 1}),
            ({"type": "json_object"}, '{"a": 1}', {"a": 1}),
            (GIVEN, '{"name": "Bonn"}', {"name": "Bonn"}),
            ({"type": "json_schema", "json_schema": {"schema": GIVEN}}, '{"name": "Bonn"}', {"name": "Bonn"}),
            ({"type": "json_schema"}, "[1]", [1]),
            ({"type": "json_schema", "json_schema": "not-born-yet"}, "[1]", [1]),
            (types.City, f" {CITY}\n", BONN),
            (types.City, '{"name": "Bonn"}', types.City("Bonn")),
            (types.Movie, '{"title": "M", "rating": 9}', {"title": "M", "rating": 9.0}),
            (types.Street, '{"name": "a"}', types.Street(name="a")),
            (list[types.Color], '["red"]', [types.Color.RED]),
        ],
        ids=str,
    )
    def test_value(self, value: Any, text: str, parsed: Any) -> None:
        """A text is the value that its format says."""
        assert Format.of(value).parse(text) == parsed

    @pytest.mark.parametrize(
        ("value", "text", "path", "message"),
        [
            ("json_object", "[]", "", "the reply: expected object, got []"),
            ("json_object", "", "", "the reply: expected JSON, got other text: "),
            (types.City, CITY[:-1], "", "City: expected JSON, got other text: "),
            (types.City, '{"name": "\\ud800"}', "", "City: expected JSON, got other text: "),
            (types.City, f"```json\n{CITY}\n```", "", "City: expected JSON, got other text: "),
            (types.City, '{"name": NaN}', "", "City: expected JSON, got other text: "),
            (types.Street, '{"name": ', "", "Street: expected JSON, got other text: "),
            (
                types.Street,
                '{"name": 1}',
                "name",
                "Street, name: expected a valid string, got 1",
            ),
            (
                types.Pair,
                '{"a": {"then": {"then": 1}}}',
                "a.then.then",
                "Pair, a.then.then: expected an object or null, got 1",
            ),
            (
                dict[str, list[int]],
                '{"a b": [1, null]}',
                "['a b'][1]",
                "dict, ['a b'][1]: expected an integer, got null",
            ),
            (GIVEN, "{}", "name", "City, name: expected a value, got nothing"),
            (GIVEN, '{"name": 1}', "name", "City, name: expected string, got 1"),
            (GIVEN, '{"name": "a", "b": 1}', "b", "City, b: expected nothing, got 1"),
        ],
        ids=str,
    )
    def test_invalid(self, value: Any, text: str, path: str, message: str) -> None:
        """A text of another form is refused, with where it is, what should be there and what is."""
        with pytest.raises(ReplyInvalidError) as caught:
            Format.of(value).parse(text)

        assert caught.value.message.startswith(message)
        assert (caught.value.path, caught.value.text, caught.value.reply) == (path, text, None)
        assert caught.value.usage.total_tokens == 0
        assert caught.value.__context__ is None

    @pytest.mark.parametrize("depth", [200, 300, 900, 2000])
    @pytest.mark.parametrize("value", [list[types.Node], GIVEN, types.Person, list[types.Person]], ids=str)
    def test_deep(self, value: Any, depth: int) -> None:
        """A text of more levels than can be read is refused as any other."""
        link = '{"name":"a","boss":' if value in (types.Person, list[types.Person]) else '{"value":1,"next":'
        text = "[" + link * depth + "1" + "}" * depth + "]"

        with pytest.raises(ReplyInvalidError):
            Format.of(value).parse(text)


class TestReply:
    """The value of a reply."""

    def test_value(self) -> None:
        """A reply holds the value of its text; it is made once."""
        got = Format.of(types.City).reply(200, {}, {"result": CITY})

        assert got.parsed == BONN
        assert got.parsed is got.parsed

    @pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickled])
    def test_copies(self, copied: Any) -> None:
        """A copied reply holds the value as well."""
        got = copied(Format.of(types.City).reply(200, {"A": "b"}, {"result": CITY}))

        assert (got.parsed, got.headers["a"], got.code) == (BONN, "b", 200)

    def test_call_of_a_function(self) -> None:
        """A reply that calls a function holds no value yet."""
        assert Format.of(types.City).read(reply("", function_call={"name": "f", "arguments": "{}"})) is None

    @pytest.mark.parametrize(
        ("fields", "cls", "text"),
        [
            ({"is_truncated": True}, ReplyTruncatedError, CITY),
            ({"finish_reason": "length"}, ReplyTruncatedError, CITY),
            ({"need_clear_history": True}, ReplyRefusedError, CITY),
            ({"finish_reason": "content_filter"}, ReplyRefusedError, CITY),
            ({"finish_reason": "content_filter", "is_truncated": True}, ReplyRefusedError, CITY),
            (
                {"choices": [{"message": {"content": None, "refusal": "I will not"}}]},
                ReplyRefusedError,
                "I will not",
            ),
            ({"result": "{"}, ReplyInvalidError, "{"),
            ({"result": None}, ReplyInvalidError, ""),
        ],
        ids=str,
    )
    @pytest.mark.parametrize("value", [types.City, GIVEN, "json_object", types.Street], ids=str)
    def test_errors(self, value: Any, fields: dict[str, Any], cls: type[ParseError], text: str) -> None:
        """A reply without the value says why: each error has the text, the usage and the reply."""
        got = reply(**fields)

        with pytest.raises(ParseError) as caught:
            Format.of(value).read(got)

        error = caught.value
        assert type(error) is cls
        assert (error.text, error.usage.total_tokens, error.reply) == (text, 3, got)
        assert (error.request_id, error.status, error.headers) == ("r-1", 200, got.headers)
        assert vars(pickled(error)) == vars(error)

    @pytest.mark.parametrize("fields", [{"is_truncated": True}, {"need_clear_history": True}], ids=str)
    def test_text(self, fields: dict[str, Any]) -> None:
        """Any text will do where no JSON was asked for."""
        assert Format.of("text").read(reply("half", **fields)) == "half"

    @pytest.mark.parametrize(
        "fields", [{"choices": []}, {"choices": [{}]}, {"finish_reason": "stop"}], ids=str
    )
    def test_whole(self, fields: dict[str, Any]) -> None:
        """A reply that ended as it should holds its value, in the form of either API."""
        assert Format.of(types.City).read(reply(**fields)) == BONN
