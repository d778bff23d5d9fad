"""What JSON may stand in a place: a shape writes its schema, and turns JSON of it into a Python value."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import NoneType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Schema: TypeAlias = dict[str, Any]
Path: TypeAlias = tuple[str | int, ...]

#: JSON's names of the types of single values.
NAMES: Mapping[type, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    NoneType: "null",
}

_SHOWN = 60  # characters of a value that an error quotes


class Mismatch(Exception):  # noqa: N818  # a judgement on a text, not an error of the program
    """JSON that does not have the shape it should.

    Args:
        path: Where, from the root.
        expected: What should be there.
        value: The JSON that is there.
        got: What to say of it instead of quoting it.
    """

    def __init__(self, path: Path, expected: str, value: Any = None, *, got: str = "") -> None:
        super().__init__(path, expected)
        self.path = path
        self.expected = expected
        self._value = value
        self._got = got

    @property
    def got(self) -> str:
        """What is there, as an error says it."""
        return self._got or quoted(self._value)


def quoted(value: Any) -> str:
    """Return the start of some JSON as an error quotes it."""
    try:
        text = orjson.dumps(value).decode()
    except TypeError:  # orjson reads more levels than it writes
        return "JSON of many levels"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def same(one: Any, other: Any) -> bool:
    """Say whether two values are the same JSON: 1 is 1.0, and is not true."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


class Definitions:
    """The schemas that `$ref` names."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}
        self._names: dict[Shape, str] = {}
        self._open: list[Shape] = []

    def written(self, shape: Shape, name: str, write: Callable[[Definitions], Schema]) -> Schema:
        """Return the schema of a shape; a reference where it holds itself, which can have no end."""
        if shape in self._open:
            self._names.setdefault(shape, self._free(name))
        elif shape not in self._names:
            self._open.append(shape)
            schema = write(self)
            self._open.pop()
            if shape not in self._names:
                return schema
            self.schemas[self._names[shape]] = schema
        return {"$ref": f"#/$defs/{self._names[shape]}"}

    def adopt(self, schemas: Mapping[str, Schema]) -> bool:
        """Take over schemas under their own names, unless one of these stands for another already."""
        taken = self._taken()
        if any(name in taken and self.schemas.get(name) != schema for name, schema in schemas.items()):
            return False
        self.schemas.update(schemas)
        return True

    def _free(self, name: str) -> str:
        taken, free, n = self._taken(), name, 1
        while free in taken:
            n += 1
            free = f"{name}_{n}"
        return free

    def _taken(self) -> set[str]:
        return {*self._names.values(), *self.schemas}


class Loader(ABC):
    """What makes Python values of JSON."""

    @abstractmethod
    def load(self, value: Any, path: Path) -> Any:
        """Return the Python value of some JSON.

        Raises:
            Mismatch: The JSON is of another shape.
        """

    def read(self, text: str) -> Any:
        """Return the Python value of a JSON text.

        Raises:
            Mismatch: It is no JSON, or JSON of another shape.
        """
        try:
            return self.load(orjson.loads(text), ())
        except orjson.JSONDecodeError as error:
            raise Mismatch((), "JSON", got=f"other text: {error}") from None
        except RecursionError:
            raise Mismatch((), "JSON", got="more levels than can be read") from None


class Shape(Loader):
    """What JSON may stand in a place.

    Attributes:
        expected: What an error says should be there.
    """

    expected: str

    @abstractmethod
    def schema(self, into: Definitions) -> Schema:
        """Return the JSON schema; what it refers to goes into the definitions."""


def document(shape: Shape) -> Schema:
    """Return the schema of a shape with all that it refers to."""
    into = Definitions()
    schema = shape.schema(into)
    if schema.keys() == {"$ref"}:  # services want to see at the root what it is
        schema = into.schemas[schema["$ref"].rpartition("/")[2]]
    return {**schema, "$defs": into.schemas} if into.schemas else schema


class Scalar(Shape):
    """A single value.

    Args:
        schema: Its JSON schema.
        expected: What an error says should be there.
        take: Returns the Python value; raises `ValueError` for JSON that does not fit.
    """

    def __init__(self, schema: Schema, expected: str, take: Callable[[Any], Any]) -> None:
        self._schema = schema
        self.expected = expected
        self._take = take

    def schema(self, into: Definitions) -> Schema:  # noqa: ARG002  # it refers to nothing
        """Return the JSON schema."""
        return dict(self._schema)

    def load(self, value: Any, path: Path) -> Any:
        """Return the Python value."""
        try:
            return self._take(value)
        except ValueError:
            raise Mismatch(path, self.expected, value) from None


class Choice(Shape):
    """One of some values.

    Args:
        values: What JSON says, each with the Python value that is meant.
    """

    def __init__(self, values: Sequence[tuple[Any, Any]]) -> None:
        self._values = values
        self.expected = f"one of {', '.join(quoted(said) for said, _ in values)}"

    def schema(self, into: Definitions) -> Schema:  # noqa: ARG002  # it refers to nothing
        """Return the JSON schema."""
        said = [said for said, _ in self._values]
        names = {NAMES[type(value)] for value in said}
        return {"type": names.pop(), "enum": said} if len(names) == 1 else {"enum": said}

    def load(self, value: Any, path: Path) -> Any:
        """Return the value that is meant."""
        for said, meant in self._values:
            if same(said, value):
                return meant
        raise Mismatch(path, self.expected, value)


class Items(Shape):
    """An array of any length.

    Args:
        item: What each item is.
        make: The Python collection.
    """

    expected = "an array"

    def __init__(self, item: Shape, make: Callable[[Iterable[Any]], Any]) -> None:
        self._item = item
        self._make = make

    def schema(self, into: Definitions) -> Schema:
        """Return the JSON schema."""
        unique = {"uniqueItems": True} if self._make in (set, frozenset) else {}
        return {"type": "array", "items": self._item.schema(into), **unique}

    def load(self, value: Any, path: Path) -> Any:
        """Return the collection; of an item that comes twice, a set keeps one."""
        if type(value) is not list:
            raise Mismatch(path, self.expected, value)
        return self._make([self._item.load(item, (*path, index)) for index, item in enumerate(value)])


class Row(Shape):
    """An array of so many items, each of a shape of its own: a tuple."""

    def __init__(self, items: Sequence[Shape]) -> None:
        self._items = items
        self.expected = f"an array of {len(items)}"

    def schema(self, into: Definitions) -> Schema:
        """Return the JSON schema."""
        length, items = len(self._items), [item.schema(into) for item in self._items]
        return {"type": "array", "prefixItems": items, "minItems": length, "maxItems": length}

    def load(self, value: Any, path: Path) -> Any:
        """Return the tuple."""
        if type(value) is not list or len(value) != len(self._items):
            raise Mismatch(path, self.expected, value)
        return tuple(
            item.load(part, (*path, index))
            for index, (item, part) in enumerate(zip(self._items, value, strict=True))
        )


class Table(Shape):
    """An object with any keys: a dict."""

    expected = "an object"

    def __init__(self, key: Shape, value: Shape) -> None:
        self._key = key
        self._value = value

    def schema(self, into: Definitions) -> Schema:
        """Return the JSON schema."""
        key, value = self._key.schema(into), self._value.schema(into)
        keys = {"propertyNames": key} if key != {"type": "string"} else {}
        return {"type": "object", **keys, "additionalProperties": value or True}

    def load(self, value: Any, path: Path) -> Any:
        """Return the dict."""
        if type(value) is not dict:
            raise Mismatch(path, self.expected, value)
        return {
            self._key.load(name, (*path, name)): self._value.load(part, (*path, name))
            for name, part in value.items()
        }


class Either(Shape):
    """One of several shapes; JSON that fits more than one is of the first."""

    def __init__(self, shapes: Sequence[Shape]) -> None:
        self._shapes = shapes
        self.expected = " or ".join(shape.expected for shape in shapes)

    def schema(self, into: Definitions) -> Schema:
        """Return the JSON schema."""
        schemas = [shape.schema(into) for shape in self._shapes]
        if all(schema.keys() == {"type"} for schema in schemas):
            return {"type": [schema["type"] for schema in schemas]}
        return {"anyOf": schemas}

    def load(self, value: Any, path: Path) -> Any:
        """Return the Python value of the first shape that fits."""
        deepest = Mismatch(path, self.expected, value)
        for shape in self._shapes:
            try:
                return shape.load(value, path)
            except Mismatch as mismatch:  # noqa: PERF203  # the one that fitted furthest says most
                if len(mismatch.path) > len(deepest.path):
                    deepest = mismatch
        raise deepest


class Noted(Shape):
    """Another shape, with notes in its schema: a description, a default."""

    def __init__(self, shape: Shape, notes: Schema) -> None:
        self._shape = shape
        self._notes = notes
        self.expected = shape.expected

    def schema(self, into: Definitions) -> Schema:
        """Return the JSON schema."""
        return {**self._shape.schema(into), **self._notes}

    def load(self, value: Any, path: Path) -> Any:
        """Return the Python value of the other shape."""
        return self._shape.load(value, path)


class Field(NamedTuple):
    """A field of an object."""

    shape: Shape
    required: bool


class Fields(Shape):
    """An object with these fields and no others.

    Args:
        name: What it is called.
        make: Returns the Python value of the fields that are there.
        notes: What else its schema says, such as a description.
    """

    expected = "an object"

    def __init__(self, name: str, make: Callable[..., Any], notes: Schema) -> None:
        self.fields: dict[str, Field] = {}  # filled by who made it: a field may be of this very shape
        self._name = name
        self._make = make
        self._notes = notes

    def schema(self, into: Definitions) -> Schema:
        """Return the JSON schema."""
        return into.written(self, self._name, self._write)

    def _write(self, into: Definitions) -> Schema:
        properties = {name: field.shape.schema(into) for name, field in self.fields.items()}
        required = [name for name, field in self.fields.items() if field.required]
        schema = {"type": "object", **self._notes, "properties": properties}
        return {**schema, **({"required": required} if required else {}), "additionalProperties": False}

    def load(self, value: Any, path: Path) -> Any:
        """Return the Python value."""
        if type(value) is not dict:
            raise Mismatch(path, self.expected, value)
        for name, part in value.items():
            if name not in self.fields:
                raise Mismatch((*path, name), f"nothing, as {self._name} has no such field", part)
        loaded = {}
        for name, field in self.fields.items():
            if name in value:
                loaded[name] = field.shape.load(value[name], (*path, name))
            elif field.required:
                raise Mismatch((*path, name), field.shape.expected, got="nothing")
        try:
            return self._make(**loaded)
        except ValueError as error:  # a dataclass may check itself
            raise Mismatch(path, f"a {self._name}", got=f"{quoted(value)}: {error}") from None


class Model(Shape):
    """A pydantic model, which knows its schema and reads its JSON; pydantic itself is not imported."""

    expected = "an object"

    def __init__(self, model: Any) -> None:
        self._model = model

    def schema(self, into: Definitions) -> Schema:
        """Return the JSON schema."""
        schema: Schema = self._model.model_json_schema()
        inner = schema.pop("$defs", {})
        if into.adopt(inner):
            return schema
        name = self._model.__name__
        schema = self._model.model_json_schema(ref_template=f"#/$defs/{name}.{{model}}")
        into.schemas.update({f"{name}.{key}": value for key, value in schema.pop("$defs").items()})
        return schema

    def load(self, value: Any, path: Path) -> Any:
        """Return the model's instance."""
        try:
            text = orjson.dumps(value)
        except TypeError:
            raise Mismatch(path, "JSON of fewer levels", value) from None
        return self._validated(text, path)

    def read(self, text: str) -> Any:
        """Return the model's instance; its numbers come from the text as it is, in full."""
        return self._validated(text, ())

    def _validated(self, text: str | bytes, path: Path) -> Any:
        try:
            return self._model.model_validate_json(text)
        except ValueError as error:
            if type(error).__name__ != "ValidationError":  # raised by a hook of the model itself
                raise
            first = error.errors(include_url=False)[0]  # type: ignore[attr-defined]
        where = (*path, *first["loc"])
        if first["type"] == "json_invalid":
            raise Mismatch(where, "JSON", got=f"other text: {first['ctx']['error']}")
        if first["type"] == "missing":
            raise Mismatch(where, "a value", got="nothing")
        got, wanted = repr(first["input"])[:_SHOWN], first["msg"].removeprefix("Input should be ")
        if wanted == first["msg"]:
            raise Mismatch(where, "a value that fits", got=f"{got}: {wanted}")
        raise Mismatch(where, wanted, got=got)
