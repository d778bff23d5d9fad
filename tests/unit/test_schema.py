"""JSON schemas of types and functions, and JSON read back, beside pydantic and jsonschema as oracles."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field, make_dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Annotated, Any, Generic, Literal, NamedTuple, Optional, TypeVar, Union
from uuid import UUID

import jsonschema
import orjson
import pydantic
import pytest
import typing_extensions as te
from hypothesis import example, given
from hypothesis import strategies as st

from qianfan import schema
from qianfan.errors import InvalidArgumentError
from qianfan.schema.given import Given
from qianfan.schema.hints import NOWHERE, Reader
from qianfan.schema.shapes import Mismatch

from . import schema_types as types

T = TypeVar("T")


def loaded(kind: Any, value: Any) -> Any:
    """Return what JSON of a value becomes under a type."""
    return Reader().shape(kind, NOWHERE).read(orjson.dumps(value).decode())


class TestTypes:
    """The schema of each type."""

    @pytest.mark.parametrize(
        ("kind", "wanted"),
        [
            (str, {"type": "string"}),
            (int, {"type": "integer"}),
            (float, {"type": "number"}),
            (bool, {"type": "boolean"}),
            (None, {"type": "null"}),
            (Any, {}),
            (object, {}),
            (datetime, {"type": "string", "format": "date-time"}),
            (date, {"type": "string", "format": "date"}),
            (time, {"type": "string", "format": "time"}),
            (UUID, {"type": "string", "format": "uuid"}),
            (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
            (Literal[1, "b", True], {"enum": [1, "b", True]}),
            (Literal[types.Color.RED], {"type": "string", "enum": ["red"]}),
            (types.Color, {"type": "string", "enum": ["red", "green"]}),
            (types.Level, {"type": "integer", "enum": [1, 2]}),
            (types.UserId, {"type": "integer"}),
            (types.Names, {"type": "array", "items": {"type": "string"}}),
            (list[int], {"type": "array", "items": {"type": "integer"}}),
            (list, {"type": "array", "items": {}}),
            (Sequence[int], {"type": "array", "items": {"type": "integer"}}),
            (Iterable[int], {"type": "array", "items": {"type": "integer"}}),
            (set[int], {"type": "array", "items": {"type": "integer"}, "uniqueItems": True}),
            (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
            (
                tuple[int, str],
                {
                    "type": "array",
                    "prefixItems": [{"type": "integer"}, {"type": "string"}],
                    "minItems": 2,
                    "maxItems": 2,
                },
            ),
            (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
            (dict, {"type": "object", "additionalProperties": True}),
            (Mapping[str, Any], {"type": "object", "additionalProperties": True}),
            (
                dict[types.Color, int],
                {
                    "type": "object",
                    "propertyNames": {"type": "string", "enum": ["red", "green"]},
                    "additionalProperties": {"type": "integer"},
                },
            ),
            (Optional[int], {"type": ["integer", "null"]}),  # noqa: UP045  # both spellings
            (int | None, {"type": ["integer", "null"]}),
            (
                Union[date, None],  # noqa: UP007  # both spellings
                {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
            ),
            (Annotated[int, "how many"], {"type": "integer", "description": "how many"}),
            (Annotated[int, object(), te.Doc("how many")], {"type": "integer", "description": "how many"}),
            (
                Annotated[int, pydantic.Field(description="how many")],
                {"type": "integer", "description": "how many"},
            ),
            (
                list[Annotated[int, "one"]],
                {"type": "array", "items": {"type": "integer", "description": "one"}},
            ),
        ],
        ids=str,
    )
    def test_schema(self, kind: Any, wanted: Any) -> None:
        """A type has the schema that says the same."""
        assert schema.of(kind) == wanted

    def test_dataclass(self) -> None:
        """A dataclass is an object of its fields, described by its docstring; defaults are told."""
        assert schema.of(types.City) == {
            "type": "object",
            "description": "A city.",
            "properties": {
                "name": {"type": "string", "description": "What it is called."},
                "size": {"type": "number", "description": "Its people, in millions.", "default": 1.5},
                "tags": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["name"],
            "additionalProperties": False,
        }

    def test_dataclass_that_says_little(self) -> None:
        """A docstring that `dataclass` wrote describes nothing; a field it does not take is left out."""
        assert schema.of(types.Point) == {
            "type": "object",
            "properties": {
                "x": {"type": "integer"},
                "y": {"type": "integer"},
                "color": {"type": "string", "enum": ["red", "green"], "default": "red"},
            },
            "required": ["x", "y"],
            "additionalProperties": False,
        }

    @pytest.mark.parametrize(
        ("kind", "properties", "required"),
        [
            (types.Movie, {"title", "year", "rating"}, ["title", "rating"]),
            (types.Sequel, {"title", "year", "rating", "number", "note"}, ["title", "rating", "number"]),
            (types.Extended, {"a", "b"}, ["b"]),
            (types.Fixed, {"a", "b"}, ["b"]),
        ],
    )
    def test_typed_dict(self, kind: Any, properties: set[str], required: list[str]) -> None:
        """A TypedDict requires what its totality and qualifiers say, of whichever module."""
        told = schema.of(kind)

        assert (set(told["properties"]), told["required"]) == (properties, required)
        assert told["additionalProperties"] is False

    def test_pydantic(self) -> None:
        """A pydantic model's schema is its own."""
        assert schema.of(types.Address) == types.Address.model_json_schema()

    def test_recursion(self) -> None:
        """A type that holds itself stands in `$defs`; at the root it is seen as well."""
        node = {
            "type": "object",
            "properties": {
                "value": {"type": "integer"},
                "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
            },
            "required": ["value"],
            "additionalProperties": False,
        }

        assert schema.of(types.Node) == {**node, "$defs": {"Node": node}}
        assert schema.of(list[types.Node]) == {
            "type": "array",
            "items": {"$ref": "#/$defs/Node"},
            "$defs": {"Node": node},
        }

    def test_recursion_through_two(self) -> None:
        """Two types that hold each other can be entered at either."""
        assert loaded(
            types.Pair, {"a": {"then": {"then": None}}, "b": {"then": {"then": None}}}
        ) == types.Pair(types.Even(types.Uneven(None)), types.Uneven(types.Even(None)))
        assert set(schema.of(types.Pair)["$defs"]) == {"Even"}

    def test_names_that_meet(self) -> None:
        """Different types of one name have different names in `$defs`."""
        namesake = pydantic.create_model("Node", x=(str, ...))
        holder = pydantic.create_model("Holder", node=(namesake, ...))
        other = make_dataclass("Node", [("inner", "list[Node]")])
        mixed = make_dataclass("Mixed", [("a", types.Node), ("b", holder), ("c", other)])
        told = schema.of(mixed)

        assert set(told["$defs"]) == {"Node", "Holder.Node", "Node_2"}
        assert told["properties"]["b"]["properties"]["node"] == {"$ref": "#/$defs/Holder.Node"}
        assert told["$defs"]["Node_2"]["properties"]["inner"]["items"] == {"$ref": "#/$defs/Node_2"}
        jsonschema.Draft202012Validator.check_schema(told)

    def test_class_within(self) -> None:
        """The types of a class's fields are found in the class too."""
        assert loaded(types.Outer, {"inner": {"number": 1}}) == types.Outer(types.Outer.Inner(1))

    def test_class_in_quotes(self) -> None:
        """A name in quotes is found where the class stands, in whatever it is nested."""
        linked = make_dataclass("Linked", [("all", list[Optional["Linked"]])])  # noqa: F821

        assert loaded(linked, {"all": [{"all": []}, None]}) == linked([linked([]), None])

    def test_local_class_of_itself(self) -> None:
        """A class that is made in a function may hold itself."""

        @dataclass
        class Tree:
            trees: list[Tree]

        assert loaded(Tree, {"trees": [{"trees": []}]}) == Tree([Tree([])])


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the statement `type` is of 3.12")
def test_alias_statement() -> None:
    """What `type` names has its schema; where it is endless it is refused."""
    names: dict[str, Any] = {}
    exec("type Rows = list[list[int]]\ntype Endless = list[Endless]", names)  # noqa: S102  # older Pythons read this

    assert loaded(names["Rows"], [[1]]) == [[1]]
    with pytest.raises(InvalidArgumentError, match="JSON has nothing for Endless"):
        schema.of(names["Endless"])


class Named(NamedTuple):
    """No type that JSON has."""

    a: int


@dataclass
class Box(Generic[T]):
    """A dataclass of any type."""

    it: T


@dataclass
class Initial:
    """A field that is none."""

    a: InitVar[int]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (complex, "JSON has nothing for complex"),
        (bytes, "JSON has nothing for bytes"),
        (Named, "JSON has nothing for Named"),
        (T, "JSON has nothing for ~T"),
        (list[complex], "JSON has nothing for complex"),
        (set[types.City], "JSON has nothing for set: no set can hold City"),
        (set[list[int]], "JSON has nothing for set: no set can hold list[int]"),
        (dict[int, str], "JSON has nothing for dict: its keys are int, those of JSON are str"),
        (types.Odd, "JSON has nothing for Odd: (1, 2) is no JSON value"),
        (Literal[b"a"], "JSON has nothing for typing.Literal[b'a']: b'a' is no JSON value"),
        ("City", "JSON has nothing for the str 'City'"),
        (types.City("x"), "JSON has nothing for an instance of City"),
        ({"type": "object"}, "JSON has nothing for an instance of dict"),
        (types.Sold, "Sold.thing: JSON has nothing for complex"),
        (Box[int], f"JSON has nothing for {Box[int]}"),
        (list[types.Sold], "Sold.thing: JSON has nothing for complex"),
        (Initial, "Initial.a: JSON has nothing for InitVar"),
        (types.Unread, "Unread.session: the annotation cannot be read: name 'Session' is not defined"),
    ],
    ids=str,
)
def test_types_that_json_has_not(kind: Any, message: str) -> None:
    """A type that JSON has nothing for is refused, with the field that has it and what to do."""
    with pytest.raises(InvalidArgumentError) as caught:
        schema.of(kind)

    assert caught.value.message == message
    assert caught.value.hint


ALIKE = [
    *(str, int, float, bool, None, Any, datetime, date, time, UUID, types.Color, types.Level, types.UserId),
    *(Literal["a", "b"], Literal["a"], Literal[1, "b"], int | None, int | str | None, list[int], list, dict),
    *(set[str], frozenset[str], tuple[int, str], tuple[int, ...], Sequence[int], dict[str, list[int]]),
    *(dict[types.Color, int], date | None, types.City, types.Node, types.Pair),
    *(types.Extended, types.Address, types.Person, types.Staff, types.Outer, list[types.City | types.Node]),
]


#: What one of the two says and the other does not: names, notes, and that a class takes no other fields.
UNLIKE = frozenset({"$defs", "title", "default", "description"})


def plain(told: Any, definitions: Mapping[str, Any], depth: int = 5) -> Any:
    """Return a schema in one spelling, with references followed to some depth."""
    if not isinstance(told, dict):
        return told
    if "$ref" in told:
        return plain(definitions[told["$ref"].rpartition("/")[2]], definitions, depth)
    if "properties" in told and not depth:
        return "…"
    if isinstance(told.get("type"), list):
        return {"anyOf": [{"type": kind} for kind in told["type"]]}
    spelled: dict[str, Any] = {}
    for word, value in told.items():
        if word == "const":
            spelled["enum"] = [value]
        elif word == "properties":
            spelled[word] = {name: plain(part, definitions, depth - 1) for name, part in value.items()}
        elif isinstance(value, list):
            parts = [plain(part, definitions, depth) for part in value]
            spelled[word] = sorted(parts) if word == "required" else parts
        elif word not in UNLIKE and not (word == "additionalProperties" and isinstance(value, bool)):
            spelled[word] = plain(value, definitions, depth)
    return spelled


@pytest.mark.parametrize("kind", ALIKE, ids=str)
def test_schemas_are_pydantics(kind: Any) -> None:
    """The schemas say what pydantic's say."""
    ours, theirs = schema.of(kind), pydantic.TypeAdapter(kind).json_schema()

    jsonschema.Draft202012Validator.check_schema(ours)
    assert plain(ours, ours.get("$defs", {})) == plain(theirs, theirs.get("$defs", {}))


class TestValues:
    """What JSON becomes."""

    @pytest.mark.parametrize(
        ("kind", "json", "value"),
        [
            (int, 1.0, 1),
            (float, 1, 1.0),
            (datetime, "2024-01-31T08:00:00Z", datetime(2024, 1, 31, 8, tzinfo=timezone.utc)),
            (
                datetime,
                "2024-01-31T08:00:00.123456789+08:00",
                datetime(2024, 1, 31, 8, 0, 0, 123456, timezone(timedelta(hours=8))),
            ),
            (datetime, "2024-01-31T08:00:00.5", datetime(2024, 1, 31, 8, 0, 0, 500000)),  # noqa: DTZ001
            (datetime, "2024-01-31 08:00", datetime(2024, 1, 31, 8)),  # noqa: DTZ001
            (time, "08:00:00z", time(8, tzinfo=timezone.utc)),
            (date, "2024-01-31", date(2024, 1, 31)),
            (UUID, "12345678-1234-5678-1234-567812345678", UUID("12345678-1234-5678-1234-567812345678")),
            (types.Color, "red", types.Color.RED),
            (types.Level, 2, types.Level.HIGH),
            (Literal[types.Color.RED, 5], "red", types.Color.RED),
            (set[int], [1, 2, 1], {1, 2}),
            (frozenset[int], [1], frozenset({1})),
            (tuple[int, types.Color], [1, "red"], (1, types.Color.RED)),
            (dict[types.Color, date], {"red": "2024-01-31"}, {types.Color.RED: date(2024, 1, 31)}),
            (date | str, "2024-01-31", date(2024, 1, 31)),
            (date | str, "soon", "soon"),
            (types.City, {"name": "Bonn"}, types.City("Bonn")),
            (types.City | types.Node, {"value": 1}, types.Node(1)),
            (types.Point, {"x": 1, "y": 2}, types.Point(1, 2)),
            (types.Movie, {"title": "M", "rating": 9}, {"title": "M", "rating": 9.0}),
            (
                types.Person,
                {"name": "a", "boss": {"name": "b"}},
                types.Person(name="a", boss=types.Person(name="b")),
            ),
            (list[types.Street], [{"name": "a"}], [types.Street(name="a")]),
            (Any, {"a": [1]}, {"a": [1]}),
        ],
        ids=str,
    )
    def test_value(self, kind: Any, json: Any, value: Any) -> None:
        """JSON becomes the value that it stands for, and the members of a collection too."""
        found = loaded(kind, json)

        assert found == value
        assert type(found) is type(value)

    @pytest.mark.parametrize(
        ("kind", "json", "path", "expected", "got"),
        [
            (str, 1, (), "a string", "1"),
            (int, True, (), "an integer", "true"),
            (int, 1.5, (), "an integer", "1.5"),
            (int, 2.0**53, (), "an integer", "9007199254740992.0"),
            (float, "1", (), "a number", '"1"'),
            (bool, 1, (), "true or false", "1"),
            (None, 0, (), "null", "0"),
            (date, "31.1.2024", (), "a date such as 2024-01-31", '"31.1.2024"'),
            (datetime, 5, (), "a time such as 2024-01-31T08:00:00+08:00", "5"),
            (types.Color, "blue", (), 'one of "red", "green"', '"blue"'),
            (Literal[1], True, (), "one of 1", "true"),
            (list[int], {}, (), "an array", "{}"),
            (list[int], [1, "x"], (1,), "an integer", '"x"'),
            (tuple[int, str], [1], (), "an array of 2", "[1]"),
            (dict[str, int], {"a": None}, ("a",), "an integer", "null"),
            (dict[str, int], [], (), "an object", "[]"),
            (int | None, "x", (), "an integer or null", '"x"'),
            (types.City | None, {"name": 1}, ("name",), "a string", "1"),
            (types.City, "Bonn", (), "an object", '"Bonn"'),
            (types.City, {}, ("name",), "a string", "nothing"),
            (types.City, {"name": "a", "nam": 1}, ("nam",), "nothing, as City has no such field", "1"),
            (types.Checked, {"low": 2, "high": 1}, (), "a Checked", '{"low":2,"high":1}: low is above high'),
            (types.Movie, {"title": "a"}, ("rating",), "a number", "nothing"),
            (types.Street, {}, ("name",), "a value", "nothing"),
            (
                types.Address,
                {"street": {"name": "a"}, "zipCode": "x"},
                ("zipCode",),
                "a value that fits",
                "'x': String should match pattern '^\\d+$'",
            ),
            (
                types.Staff,
                {"people": [{"name": "a"}, {"name": []}], "address": {}, "city": {}},
                ("people", 1, "name"),
                "a valid string",
                "[]",
            ),
            (str, ["x" * 80], (), "a string", '["' + "x" * 58 + "…"),
        ],
        ids=str,
    )
    def test_mismatch(self, kind: Any, json: Any, path: tuple[Any, ...], expected: str, got: str) -> None:
        """JSON of another shape is refused, with where it is, what should be there and what is."""
        with pytest.raises(Mismatch) as caught:
            loaded(kind, json)

        assert (caught.value.path, caught.value.expected, caught.value.got) == (path, expected, got)

    def test_numbers_in_full(self) -> None:
        """A pydantic model has its numbers as the text has them."""
        model = pydantic.create_model("Bill", sum=(int, ...))

        assert (
            Reader().shape(model, NOWHERE).read('{"sum": 118059162071741130342}').sum == 118059162071741130342
        )

    def test_a_models_own_errors(self) -> None:
        """What a model raises by itself comes through."""

        class Own(pydantic.BaseModel):
            """Reads JSON in a way of its own."""

            @classmethod
            def model_validate_json(cls, *_: Any, **__: Any) -> Own:
                raise ValueError("mine")

        with pytest.raises(ValueError, match="mine"):
            loaded(Own, {})


#: A type, and what makes values of it.
Made = tuple[Any, st.SearchStrategy[Any]]

SINGLE: list[Made] = [
    (str, st.text()),
    (int, st.integers(-(2**63), 2**63 - 1)),
    (float, st.floats(allow_nan=False, allow_infinity=False)),
    (bool, st.booleans()),
    (datetime, st.datetimes(timezones=st.sampled_from([None, timezone.utc, timezone(timedelta(hours=8))]))),
    (date, st.dates()),
    (time, st.times()),
    (UUID, st.uuids()),
    (types.Color, st.sampled_from(types.Color)),
    (types.Level, st.sampled_from(types.Level)),
    (Literal["a", 1], st.sampled_from(["a", 1])),
]


def widened(inner: st.SearchStrategy[Made]) -> st.SearchStrategy[Made]:
    """Return types that hold others."""
    fields = st.lists(st.tuples(inner, st.booleans()), min_size=1, max_size=4)
    return st.one_of(
        inner.map(lambda made: (list[made[0]], st.lists(made[1], max_size=3))),
        inner.map(lambda made: (dict[str, made[0]], st.dictionaries(st.text(), made[1], max_size=3))),
        inner.map(lambda made: (made[0] | None, st.none() | made[1])),
        st.tuples(inner, inner).map(
            lambda two: (tuple[two[0][0], two[1][0]], st.tuples(two[0][1], two[1][1]))
        ),
        st.sampled_from(SINGLE).map(lambda made: (set[made[0]], st.sets(made[1], max_size=3))),
        fields.map(dataclass_of),
        fields.map(typed_dict_of),
    )


def dataclass_of(fields: list[tuple[Made, bool]]) -> Made:
    """Return a dataclass of fields, of which some have a default."""
    made = make_dataclass(
        "Made",
        [
            (f"f{index}", kind, field(default_factory=lambda: None) if optional else field())
            for index, ((kind, _), optional) in enumerate(fields)
        ],
        kw_only=True,
    )
    return made, st.builds(made, **{f"f{index}": values for index, ((_, values), _) in enumerate(fields)})


def typed_dict_of(fields: list[tuple[Made, bool]]) -> Made:
    """Return a TypedDict of keys, of which some may be absent."""
    kinds = {
        f"f{index}": te.NotRequired[kind] if optional else kind
        for index, ((kind, _), optional) in enumerate(fields)
    }
    required = {f"f{index}": values for index, ((_, values), optional) in enumerate(fields) if not optional}
    absent = {f"f{index}": values for index, ((_, values), optional) in enumerate(fields) if optional}
    return te.TypedDict("Made", kinds), st.fixed_dictionaries(required, optional=absent)


TYPES = st.recursive(st.sampled_from(SINGLE), widened, max_leaves=6)


def written(value: Any) -> Any:
    """Return what JSON says of a value that is none of its own."""
    return list(value) if isinstance(value, set) else value.isoformat()


@given(TYPES.flatmap(lambda made: st.tuples(st.just(made[0]), made[1])))
def test_round_trip(made: tuple[Any, Any]) -> None:
    """A value written as JSON is what the schema describes, and is read back as the same value."""
    kind, value = made
    text = orjson.dumps(value, default=written, option=orjson.OPT_PASSTHROUGH_DATETIME)
    told = schema.of(kind)

    jsonschema.Draft202012Validator.check_schema(told)
    jsonschema.Draft202012Validator(told).validate(orjson.loads(text))
    assert Reader().shape(kind, NOWHERE).read(text.decode()) == value


NUMBERS = st.integers(-3, 3) | st.sampled_from([0.5, 1.0, -2.0])
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.sampled_from(["red", "a", "name", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "size", "value", "next", "a", "x", "y"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)

JUDGED = [
    *(str, int, float, bool, None, types.Color, types.Level, Literal["a", 1], list[int], dict[str, int]),
    *(tuple[int, str], int | None, list[types.Color | None], types.City, types.Node, types.Point),
    *(types.City | types.Node | None, dict[str, list[int] | bool], dict[types.Color, int]),
]


@pytest.mark.parametrize("kind", JUDGED, ids=str)
@given(value=JSON)
def test_reading_agrees_with_the_schema(kind: Any, value: Any) -> None:
    """JSON is read exactly where a validator says that the schema describes it."""
    valid = jsonschema.Draft202012Validator(schema.of(kind)).is_valid(value)
    try:
        loaded(kind, value)
    except Mismatch:
        assert not valid
    else:
        assert valid


def schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return schemas that hold others."""
    names = st.sampled_from(["name", "size", "a"])
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["object", "array", ["array", "null"], "integer"]),
            "properties": st.dictionaries(names, inner, max_size=2),
            "required": st.lists(names, max_size=2, unique=True),
            "additionalProperties": st.booleans() | inner,
            "items": inner,
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "$ref": st.sampled_from(["#/$defs/a~1b", "#/$defs/true"]),
        },
    )


SCHEMAS = st.recursive(
    st.booleans()
    | st.sampled_from(
        [
            {"type": "string"},
            {"type": "number"},
            {"type": "integer"},
            {"enum": ["a", 1]},
            {"const": True},
            {"type": ["null", "boolean"]},
        ]
    ),
    schemas,
    max_leaves=6,
).map(lambda told: {"allOf": [told], "$defs": {"a/b": {"type": "array"}, "true": True}})


@given(SCHEMAS, JSON)
@example({"type": "integer"}, 1.0)
@example({"type": "integer"}, 0.5)
def test_given_schemas_are_checked(told: dict[str, Any], value: Any) -> None:
    """JSON is checked against a caller's schema as a validator checks it."""
    valid = jsonschema.Draft202012Validator(told).is_valid(value)
    try:
        assert Given(told).load(value, ()) is value
    except Mismatch:
        assert not valid
    else:
        assert valid


@pytest.mark.parametrize(
    ("told", "value"),
    [
        ({"type": "integer", "minimum": 5}, 1),
        ({"type": "string", "pattern": "^a$"}, "b"),
        ({"patternProperties": {"^a": {"type": "string"}}, "additionalProperties": False}, {"b": 1}),
        ({"$ref": "https://host/schema"}, 1),
        ({"$ref": "#/$defs/none"}, 1),
        ({"type": "file"}, 1),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, 1),
    ],
    ids=str,
)
def test_what_is_not_checked(told: dict[str, Any], value: Any) -> None:
    """What a caller's schema says of other things than structure is not judged here."""
    assert Given(told).load(value, ()) == value
