"""The shapes of Python types, read from type hints."""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from collections import abc
from contextlib import contextmanager
from dataclasses import MISSING
from datetime import date, datetime, time
from enum import Enum
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import orjson

from qianfan.errors import InvalidArgumentError
from qianfan.schema import docstrings
from qianfan.schema.shapes import (
    NAMES,
    Choice,
    Either,
    Field,
    Fields,
    Items,
    Model,
    Noted,
    Row,
    Scalar,
    Table,
    document,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from qianfan.schema.shapes import Schema, Shape

_EXACT = 2**53  # from here on a float does not tell which integer was meant

_FRACTION = re.compile(r"\.(\d+)")

_HINT = (
    "可用 str、int、float、bool、None、Literal、Enum、datetime、date、time、UUID、list、tuple、set、dict、dataclass、"
    "TypedDict 与 pydantic 模型；模型不该给的参数用 functools.partial 绑定 "
    "(use these types; bind a parameter that the model should not give with functools.partial)"
)


def of(kind: Any) -> Schema:
    """Return the JSON schema of a type.

    Args:
        kind: A dataclass, a TypedDict, a pydantic model, an Enum, `str`, `int`, `float`, `bool`, `None`,
            `datetime`, `date`, `time`, `UUID`, `Any`; a `Literal`, a union, a list, tuple, set or dict of
            these. `Annotated[..., "text"]` describes a type or field; so does the `Attributes:` or
            `Args:` of a class's docstring.

    Returns:
        The schema. Objects take no fields but their own; fields with a default are not required; a type
        that holds itself stands in `$defs`. A pydantic model's is the model's own.

    Raises:
        InvalidArgumentError: JSON has nothing for the type; the error names the field.
    """
    return document(Reader().shape(kind, NOWHERE))


class Place(NamedTuple):
    """Where a type stands.

    Attributes:
        where: What an error says of it.
        scope: The globals that its names are looked up in.
        names: The names that go before these.
    """

    where: str = ""
    scope: dict[str, Any] | None = None
    names: dict[str, Any] | None = None

    def within(self, kind: type, name: str = "") -> Place:
        """Return the place of a field of a class that is read here."""
        where = ", ".join(filter(None, (self.where, f"{kind.__name__}.{name}" if name else kind.__name__)))
        owner = next((base for base in kind.__mro__ if name in inspect.get_annotations(base)), kind)
        module = sys.modules.get(owner.__module__)
        inner = {key: value for key, value in vars(owner).items() if isinstance(value, type)}
        return Place(where, vars(module) if module else {}, {**inner, owner.__name__: owner})


NOWHERE = Place()


class _Hint(NamedTuple):
    annotation: Any
    place: Place
    default: Any


class Reader:
    """Reads type hints; a class that comes twice has one shape."""

    def __init__(self) -> None:
        self._classes: dict[type, Fields] = {}
        self._aliases: list[Any] = []  # those being read

    def shape(self, hint: Any, place: Place) -> Shape:
        """Return the shape of a type.

        Raises:
            InvalidArgumentError: JSON has nothing for the type.
        """
        kind, text, _ = _peeled(hint)
        shape = self._bare(kind, place)
        return Noted(shape, {"description": text}) if text else shape

    def field(self, annotation: Any, place: Place, described: str | None, default: Any) -> Field:
        """Return a field, or a parameter.

        Args:
            annotation: Its type, or the text of it.
            place: Where it stands.
            described: What a docstring says of it; what its annotation says goes before.
            default: Its default; `MISSING` where it has none.

        Raises:
            InvalidArgumentError: JSON has nothing for the type.
        """
        kind, text, required = _peeled(_evaluated(annotation, place))
        notes = {"description": text or described, "default": _json(default)}
        given = {name: note for name, note in notes.items() if note is not None}
        shape = self._bare(kind, place)
        if required is None:
            required = default is MISSING
        return Field(Noted(shape, given) if given else shape, required)

    def _bare(self, kind: Any, place: Place) -> Shape:
        """Return the shape of a type without notes."""
        origin, args = get_origin(kind) or kind, get_args(kind)
        if kind is Any or kind is object:
            return _ANYTHING
        if kind is None:
            return _SCALARS[NoneType]
        if origin in (Union, UnionType):
            return Either([self.shape(arg, place) for arg in args])
        if _form(origin) == "Literal":
            return _choice([(arg.value if isinstance(arg, Enum) else arg, arg) for arg in args], kind, place)
        if hasattr(kind, "__supertype__"):  # a NewType
            return self.shape(kind.__supertype__, place)
        if hasattr(kind, "__value__") and kind not in self._aliases:
            self._aliases.append(kind)
            shape = self.shape(kind.__value__, place)
            self._aliases.pop()
            return shape
        if isinstance(kind, str) and place.scope is not None:  # as in `list["City"]`
            return self.shape(_evaluated(kind, place), place)
        if not isinstance(origin, type):
            raise _unsayable(kind, place)
        return _SCALARS.get(origin) or self._collection(origin, args, place) or self._class(kind, place)

    def _collection(self, origin: type, args: Sequence[Any], place: Place) -> Shape | None:
        if origin is tuple and args and args[-1] is not ...:
            return Row([self.shape(arg, place) for arg in args])
        if origin in _COLLECTIONS:
            item, make = args[0] if args else Any, _COLLECTIONS[origin]
            if make in (set, frozenset) and getattr(get_origin(item) or item, "__hash__", None) is None:
                raise _unsayable(origin, place, f"no set can hold {_spelled(item)}")
            return Items(self.shape(item, place), make)
        if origin in _TABLES:
            key, value = args or (str, Any)
            keys = self.shape(key, place)
            if document(keys).get("type") != "string":
                raise _unsayable(origin, place, f"its keys are {_spelled(key)}, those of JSON are str")
            return Table(keys, self.shape(value, place))
        return None

    def _class(self, kind: Any, place: Place) -> Shape:
        if not isinstance(kind, type):
            raise _unsayable(kind, place)
        if issubclass(kind, Enum):
            return _choice([(member.value, member) for member in kind], kind, place)
        if hasattr(kind, "model_json_schema") and hasattr(kind, "model_validate_json"):
            return Model(kind)
        if dataclasses.is_dataclass(kind):
            return self._fields(kind, kind, _of_dataclass, place)
        if issubclass(kind, dict) and hasattr(kind, "__required_keys__"):
            return self._fields(kind, dict, _of_typed_dict, place)
        raise _unsayable(kind, place)

    def _fields(
        self,
        kind: type,
        make: Callable[..., Any],
        hints: Callable[[type, Place], Mapping[str, _Hint]],
        place: Place,
    ) -> Shape:
        """Return the shape of a dataclass or a TypedDict."""
        if kind in self._classes:
            return self._classes[kind]
        generated = f"{kind.__name__}("  # so begins the docstring that `dataclass` writes
        says = docstrings.read(None if (kind.__doc__ or "").startswith(generated) else kind.__doc__)
        shape = Fields(kind.__name__, make, {"description": says.text} if says.text else {})
        self._classes[kind] = shape  # before its fields are read: one may be of this very class
        for name, hint in hints(kind, place).items():
            described = says.parameters.get(name)
            shape.fields[name] = self.field(hint.annotation, hint.place, described, hint.default)
        return shape


def _evaluated(annotation: Any, place: Place) -> Any:
    """Return the type that an annotation means."""

    def holder() -> None: ...

    holder.__annotations__ = {"it": annotation}
    with _readable(place):
        return get_type_hints(holder, place.scope, place.names, include_extras=True)["it"]


@contextmanager
def _readable(place: Place) -> Iterator[None]:
    try:
        yield
    except (NameError, AttributeError, SyntaxError, TypeError) as error:
        raise InvalidArgumentError(
            f"{place.where}: the annotation cannot be read: {error}",
            hint="其中的名字须定义在模块顶层，不在函数内，也不在 TYPE_CHECKING 之下 "
            "(define its names at the top of the module, not in a function nor under TYPE_CHECKING)",
        ) from None


def _of_dataclass(kind: Any, place: Place) -> dict[str, _Hint]:
    """Return the fields of a dataclass."""
    fields = dataclasses.fields(kind)
    others = set(kind.__dataclass_fields__) - {field.name for field in fields}
    for parameter in inspect.signature(kind).parameters.values():
        if parameter.name in others and parameter.default is parameter.empty:
            raise _unsayable(dataclasses.InitVar, place.within(kind, parameter.name))
    return {
        field.name: _Hint(
            field.type,
            place.within(kind, field.name),
            field.default if field.default_factory is MISSING else None,
        )
        for field in fields
        if field.init
    }


def _of_typed_dict(kind: Any, place: Place) -> dict[str, _Hint]:
    """Return the keys of a TypedDict."""
    with _readable(place.within(kind)):
        hints = get_type_hints(kind, localns={kind.__name__: kind}, include_extras=True)
    return {
        name: _Hint(hint, place.within(kind, name), MISSING if name in kind.__required_keys__ else None)
        for name, hint in hints.items()
    }


def _peeled(hint: Any) -> tuple[Any, str | None, bool | None]:
    """Return a type without annotations; the description among them; whether they say it is required."""
    text, required = None, None
    while True:
        origin, args = get_origin(hint), get_args(hint)
        if origin is Annotated:
            text = text or next(filter(None, map(_description, args[1:])), None)
        elif _form(origin) in _QUALIFIERS:
            said = _QUALIFIERS[_form(origin)]
            required = said if required is None else required
        else:
            return hint, text, required
        hint = args[0]


def _description(annotation: Any) -> str | None:
    """Return what an annotation says: a str, a `Doc` or pydantic's `Field`."""
    if isinstance(annotation, str):
        return annotation
    text = getattr(annotation, "documentation", None) or getattr(annotation, "description", None)
    return text if isinstance(text, str) else None


def _form(origin: Any) -> str:
    """Return the name of a special form; `typing` and `typing_extensions` each have their own."""
    return getattr(origin, "_name", None) or ""


def _json(default: Any) -> Any:
    """Return a default as JSON, or None where it cannot be told."""
    if default is MISSING:
        return None
    try:
        return orjson.loads(orjson.dumps(default, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME))
    except TypeError:
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, (date, time)):  # orjson 3.13.0 loses a zero of the microseconds of a time
        return value.isoformat()
    raise TypeError


def _choice(values: Sequence[tuple[Any, Any]], kind: Any, place: Place) -> Shape:
    wrong = [said for said, _ in values if type(said) not in NAMES]
    if wrong or not values:
        raise _unsayable(kind, place, f"{wrong[0]!r} is no JSON value" if wrong else "it has no members")
    return Choice(values)


def _unsayable(kind: Any, place: Place, why: str = "") -> InvalidArgumentError:
    message = f"JSON has nothing for {_spelled(kind)}{f': {why}' if why else ''}"
    return InvalidArgumentError(f"{place.where}: {message}" if place.where else message, hint=_HINT)


def _spelled(kind: Any) -> str:
    if isinstance(kind, type) and not get_args(kind):
        return kind.__qualname__
    if isinstance(kind, str):
        return f"the str {kind!r}"
    known = type(kind).__module__ in ("types", "typing", "typing_extensions")
    return str(kind) if known else f"an instance of {type(kind).__qualname__}"  # whose repr may hold anything


def _anything(value: Any) -> Any:
    return value


def _exactly(kind: type) -> Callable[[Any], Any]:
    def take(value: Any) -> Any:
        if type(value) is not kind:
            raise ValueError
        return value

    return take


def _integer(value: Any) -> int:
    if type(value) is float and value.is_integer() and abs(value) < _EXACT:  # JSON's 1.0 is an integer
        return int(value)
    if type(value) is not int:
        raise ValueError
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise ValueError
    return float(value)


def _text(make: Callable[[str], Any]) -> Callable[[Any], Any]:
    def take(value: Any) -> Any:
        if type(value) is not str:
            raise ValueError
        return make(value)

    return take


def _moment(make: Callable[[str], Any]) -> Callable[[Any], Any]:
    """Return what reads times as RFC 3339 has them: Python 3.10 knows no `Z` and few lengths of fractions."""

    def read(text: str) -> Any:
        text = _FRACTION.sub(lambda found: f".{found[1][:6]:0<6}", text)
        return make(f"{text[:-1]}+00:00" if text.endswith(("Z", "z")) else text)

    return _text(read)


_ANYTHING = Scalar({}, "anything", _anything)

_SCALARS: Mapping[type, Shape] = {
    str: Scalar({"type": "string"}, "a string", _exactly(str)),
    int: Scalar({"type": "integer"}, "an integer", _integer),
    float: Scalar({"type": "number"}, "a number", _number),
    bool: Scalar({"type": "boolean"}, "true or false", _exactly(bool)),
    NoneType: Scalar({"type": "null"}, "null", _exactly(NoneType)),
    datetime: Scalar(
        {"type": "string", "format": "date-time"},
        "a time such as 2024-01-31T08:00:00+08:00",
        _moment(datetime.fromisoformat),
    ),
    date: Scalar(
        {"type": "string", "format": "date"}, "a date such as 2024-01-31", _text(date.fromisoformat)
    ),
    time: Scalar(
        {"type": "string", "format": "time"}, "a time of day such as 08:00:00", _moment(time.fromisoformat)
    ),
    UUID: Scalar({"type": "string", "format": "uuid"}, "a UUID", _text(UUID)),
}

_COLLECTIONS: Mapping[type, Callable[..., Any]] = {
    **dict.fromkeys((list, abc.Sequence, abc.MutableSequence, abc.Collection, abc.Iterable), list),
    **dict.fromkeys((set, abc.Set, abc.MutableSet), set),
    frozenset: frozenset,
    tuple: tuple,
}

_TABLES = frozenset({dict, abc.Mapping, abc.MutableMapping})

#: The qualifiers of a TypedDict's keys, and what they say of whether it is required.
_QUALIFIERS: Mapping[str, bool | None] = {"Required": True, "NotRequired": False, "ReadOnly": None}
