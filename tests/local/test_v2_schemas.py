"""Replies that fit a JSON schema, and arguments of functions that do."""

from __future__ import annotations

import json

import pytest
from v2_caller import MODEL, V2

import qianfan.local

QUESTION = "Alice books 2 rooms and 3.5 cakes in Paris"


@pytest.fixture(scope="module")
def v2(shared):
    """A caller of one platform for the whole module."""
    return V2(shared)


@pytest.fixture
def still(start):
    """A caller of a platform whose clock stands at 2023-11-14 22:13:20 UTC."""
    return V2(start(clock=qianfan.local.Clock(lambda: 1_700_000_000.0)))


def wanted(schema):
    """Return the wish for a document of a schema."""
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}


def fitting(v2, schema, question=QUESTION):
    """Return the document that answers a question."""
    return json.loads(v2.choice(question, response_format=wanted(schema))["message"]["content"])


def obj(required=None, **properties):
    """Return the schema of an object, all of whose properties are required unless told."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
    }


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, 2),
        ({"type": "integer", "minimum": 3}, 3),
        ({"type": "integer", "exclusiveMinimum": 3}, 4),
        ({"type": "integer", "maximum": -4}, -4),
        ({"type": "integer", "exclusiveMaximum": -4}, -5),
        ({"type": "integer", "exclusiveMinimum": 10, "exclusiveMaximum": 12}, 11),
        ({"type": "integer", "minimum": 0.5, "maximum": 1.5}, 1),
        ({"type": "integer", "multipleOf": 7, "minimum": 100}, 105),
        ({"type": "integer", "multipleOf": 7}, 0),
        ({"type": "integer", "minimum": 50, "default": 60}, 60),
        ({"type": "integer", "minimum": 50, "default": "x"}, 50),
        ({"type": "number"}, 2),
        ({"type": "number", "minimum": 3}, 3.5),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5}, 0.25),
        ({"type": "boolean"}, False),
        ({"type": "boolean", "default": True}, True),
        ({"type": "null"}, None),
        ({"type": "string"}, QUESTION),
        ({"type": "string", "maxLength": 5}, "Alice"),
        ({"type": "string", "minLength": 50, "maxLength": 60}, (QUESTION * 2)[:50]),
        ({"type": "string", "default": "none"}, "none"),
        ({"type": "string", "default": "none", "minLength": 6}, "noneno"),
        ({"type": "string", "format": "email"}, "user@example.com"),
        ({"type": "string", "format": "made-up"}, QUESTION),
        ({"type": ["null", "integer"]}, 2),
        ({"const": "x"}, "x"),
        ({"enum": ["Rome", "Paris"]}, "Paris"),
        ({"enum": ["x", "y"]}, "x"),
        ({"enum": [None, 7]}, None),
        ({"type": "array", "items": {"type": "integer"}}, [2]),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 3}, [False] * 3),
        ({"type": "array", "maxItems": 0}, []),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 3, "uniqueItems": True}, [2, 1, 3]),
        ({"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 2, "uniqueItems": True}, ["a", "b"]),
        (
            {"type": "array", "items": {"type": "string"}, "minItems": 2, "uniqueItems": True},
            [QUESTION, f"{QUESTION} 2"],
        ),
        ({"type": "array", "items": {"type": "null"}, "minItems": 2, "uniqueItems": True}, [None, None]),
        ({"type": "array", "prefixItems": [{"type": "integer"}, {"const": "x"}], "minItems": 2}, [2, "x"]),
        ({"anyOf": [{"type": "string", "format": "date"}, {"type": "integer"}]}, 2),
        ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, None),
        ({"anyOf": [{"type": "boolean"}, {"type": "string", "format": "uri"}]}, False),
        ({"oneOf": [{"const": "Rome"}, {"const": "Paris"}]}, "Paris"),
        ({"allOf": [obj(a={"type": "integer"}), obj(b={"type": "boolean"})]}, {"a": 2, "b": False}),
        ({}, QUESTION),
        ({"properties": {"a": {"const": 1}}, "required": ["a"]}, {"a": 1}),
        (obj([], a={"type": "boolean"}, city={"type": "string"}), {"city": "Paris"}),
        (obj(["a", "b"], a={"type": "integer"}), {"a": 2, "b": QUESTION}),
        ({**obj([], a={"type": "boolean"}), "anyOf": [{"required": ["a"]}]}, {"a": False}),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {}),
    ],
)
def test_values(v2, schema, value):
    """A document fits its schema and has what the question says; the rest are stand-ins of the right type."""
    assert fitting(v2, schema) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("date-time", "2023-11-14T22:13:20+00:00"),
        ("time", "22:13:20+00:00"),
        ("duration", "P1D"),
        ("uuid", "074171de-bc84-5ea4-b636-1135477620e1"),
        ("uri", "https://example.com/"),
        ("hostname", "example.com"),
        ("ipv4", "127.0.0.1"),
        ("ipv6", "::1"),
    ],
)
def test_formats(still, name, value):
    """Texts of a form are stand-ins that have it; times are the platform's."""
    given = fitting(still, {"type": "string", "format": name}, "hello")

    assert given == value


NODE = obj(
    value={"type": "integer"},
    children={"type": "array", "items": {"$ref": "#/$defs/Node"}},
    parent={"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
)


def test_references(v2):
    """References are followed; a schema that leads back to itself ends at once."""
    schema = obj(first={"$ref": "#/$defs/Node"}, second={"allOf": [{"$ref": "#/$defs/Node"}]})
    node = {"value": 2, "children": [], "parent": None}

    assert fitting(v2, {**schema, "$defs": {"Node": NODE}}) == {"first": node, "second": {**node, "value": 1}}
    assert fitting(v2, {"$ref": "#/$defs/Node", "$defs": {"Node": NODE}}) == node
    assert fitting(v2, {"$ref": "#/$defs/a~1b~0", "$defs": {"a/b~": {"const": 1}}}) == 1
    assert fitting(v2, {"$ref": "#/$defs/nowhere"}) == QUESTION


def test_unions_that_lead_back(v2):
    """Of a union the alternative that does not lead back is taken; what need not be there is left out."""
    add = obj(["left"], left={"$ref": "#/$defs/Expr"}, right={"$ref": "#/$defs/Add"})
    expression = {"anyOf": [{"$ref": "#/$defs/Add"}, {"type": "integer"}]}

    assert fitting(v2, {"$ref": "#/$defs/Add", "$defs": {"Add": add, "Expr": expression}}) == {"left": 2}


def doubling(levels):
    """Return a schema whose value doubles with each level."""
    definitions = {
        f"L{n}": obj(a={"$ref": f"#/$defs/L{n + 1}"}, b={"$ref": f"#/$defs/L{n + 1}"}) for n in range(levels)
    }
    return {"$ref": "#/$defs/L0", "$defs": {**definitions, f"L{levels}": {"type": "integer"}}}


LARGE, CIRCLE = "the JSON schema demands too large a value", "the JSON schema's references go in a circle"


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "array", "minItems": 10**9}, LARGE),
        ({"type": "string", "minLength": 10**9}, LARGE),
        (doubling(20), LARGE),
        ({"$ref": "#/$defs/A", "$defs": {"A": obj(a={"$ref": "#/$defs/A"})}}, LARGE),
        ({"$ref": "#"}, CIRCLE),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}}, CIRCLE),
        ({"allOf": [{"$ref": "#"}]}, CIRCLE),
    ],
)
def test_schemas_that_no_value_of_a_reasonable_size_fits(v2, schema, said):
    """Schemas without end, or of values without measure, are refused at once."""
    body = {
        "model": MODEL,
        "messages": [{"role": "user", "content": "hi"}],
        "response_format": wanted(schema),
    }

    assert v2.refusal(body) == (400, "invalid_request_error", "invalid_argument", said)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": 1e308},
        {"type": "number", "multipleOf": 1e-320, "minimum": 3, "maximum": 3.2},
        {"type": "integer", "multipleOf": -3, "exclusiveMinimum": 7, "exclusiveMaximum": 8},
        {"type": "number", "minimum": 5, "maximum": 4},
        {"type": "whatever", "enum": [], "anyOf": []},
        {"type": [], "items": 5, "properties": 5, "required": 5, "allOf": 5},
        {"type": "object", "required": [5, None, "x"], "properties": {"y": 5}},
        {"type": "array", "items": True, "prefixItems": [True], "minItems": -1, "maxItems": "x"},
        {"anyOf": [5, None]},
    ],
)
def test_schemas_that_make_no_sense(v2, schema):
    """A schema that nothing fits, or that is none, still gets JSON."""
    fitting(v2, schema)


def test_arguments_of_functions_fit_too(shared):
    """On both APIs arguments keep the bounds and references of their schema."""
    parameters = {
        **obj(count={"type": "integer", "minimum": 10}, kind={"$ref": "#/$defs/Kind"}),
        "$defs": {"Kind": {"enum": ["single", "double"], "type": "string"}},
    }
    function = {"name": "book", "description": "book rooms", "parameters": parameters}
    question = "book 2 double rooms"
    message = V2(shared).choice(question, tools=[{"type": "function", "function": function}])["message"]
    first = shared.ask(question, functions=[function])["function_call"]

    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"count": 10, "kind": "double"}
    assert json.loads(first["arguments"]) == {"count": 10, "kind": "double"}
