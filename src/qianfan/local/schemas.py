"""JSON schemas: a value that fits one, taken out of a question as far as it says something.

What the question does not say is a stand-in of the right type; required properties are always there.
Every keyword that pydantic writes is kept but `pattern`, which is not looked at.
"""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timezone
from math import ceil, floor
from typing import TYPE_CHECKING, Any

from qianfan.local.wire import Refusal, as_array, as_object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qianfan.local.wire import Json

TOO_LARGE = 336003

_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?")
_QUOTED = re.compile(r"[“「『\"']([^”」』\"']{1,200})[”」』\"']")
_CHINESE_CITY = re.compile(r"[\u4e00-\u9fff]{2,6}?(?:省|市|县|区)")
_ENGLISH_CITY = re.compile(r"\b(?:in|at|for|to|from|of)\s+([A-Z][\w.'-]*(?:\s+[A-Z][\w.'-]*)*)")
_PLACE = re.compile(r"city|location|place|region|address|城市|地点|地区|地方|位置|省|市", re.IGNORECASE)

_DEEPEST = 64  # levels of a value
_MOST_VALUES, _MOST_CHARACTERS = 2_000, 20_000  # of what a schema demands
_LARGEST_INTEGER = 2**53

_CITY_NAMES = (
    "北京 上海 广州 深圳 天津 重庆 杭州 南京 苏州 武汉 成都 西安 长沙 郑州 青岛 大连 厦门 福州 合肥 济南 昆明 贵阳 南宁 海口 "
    "三亚 哈尔滨 长春 沈阳 石家庄 太原 呼和浩特 兰州 西宁 银川 乌鲁木齐 拉萨 宁波 无锡 佛山 东莞 香港 澳门 台北 纽约 伦敦 巴黎 东京 "
    "Beijing Shanghai Guangzhou Shenzhen Hangzhou Chengdu Wuhan London Paris Tokyo Berlin Boston"
)
_CITIES = _CITY_NAMES.split()


def properties(schema: Json) -> Iterator[tuple[str, Json]]:
    """Return the properties an object's schema names, each with its own schema."""
    for name, value in (as_object(schema.get("properties")) or {}).items():
        yield name, as_object(value) or {}


def cities(text: str) -> list[str]:
    """Return the well-known cities of a text, in its order."""
    known = [(text.find(city), city) for city in _CITIES if city in text]
    return [city for _, city in sorted(known)]


def is_place(name: str, schema: Json) -> bool:
    """Return whether a property is a text that says where."""
    hint = f"{name} {schema.get('description', '')}"
    return "enum" not in schema and _type(schema) == "string" and bool(_PLACE.search(hint))


class Filler:
    """Takes values that fit a schema out of one question; each number serves once.

    Args:
        root: The whole schema, in which `$ref` is looked up.
        question: The question.
        now: The platform's time.
        city: The place the question speaks of; by default the first it names.
    """

    def __init__(self, root: Json, question: str, now: float, city: str | None = None) -> None:
        self._root = root
        self._question = question
        self._now = now
        self._place = city
        self._numbers = _NUMBER.findall(question)
        self._open: list[str] = []  # the references that are being followed
        self._made = 0

    def fill(self) -> Any:
        """Return a value that fits the whole schema.

        Raises:
            Refusal: 336003, no value of a reasonable size fits.
        """
        return self._value("", self._root, 0)[1]

    def _value(self, name: str, schema: Json, depth: int) -> tuple[bool, Any]:
        """Return whether the question has a value for a property, and that value or a stand-in."""
        self._made += 1
        if self._made > _MOST_VALUES or depth > _DEEPEST:
            raise Refusal(TOO_LARGE, "the JSON schema demands too large a value")
        schema, references = self._followed(schema)
        self._open += references
        try:
            return self._chosen(name, schema, depth)
        finally:
            del self._open[len(self._open) - len(references) :]

    def _chosen(self, name: str, schema: Json, depth: int) -> tuple[bool, Any]:
        choices = [schema["const"]] if "const" in schema else as_array(schema.get("enum"))
        if choices:
            said = [choice for choice in choices if str(choice).lower() in self._question.lower()]
            return bool(said), (said or choices)[0]
        either = as_array(schema.get("anyOf")) or as_array(schema.get("oneOf"))
        if either and not {"type", "properties"} & set(schema):
            return self._one_of(name, [as_object(it) or {} for it in either], depth)
        return self._of_type(name, self._merged(schema, either[:1], []) if either else schema, depth)

    def _of_type(self, name: str, schema: Json, depth: int) -> tuple[bool, Any]:
        match _type(schema):
            case "integer" | "number" as kind:
                return self._number(kind, schema)
            case "boolean":
                return False, bool(schema.get("default", False))
            case "null":
                return False, None
            case "object":
                inner = self._object(schema, depth)
                return bool(inner), inner
            case "array":
                return self._array(name, schema, depth)
            case _:
                return self._text(name, schema)

    def _followed(self, schema: Json) -> tuple[Json, list[str]]:
        """Return a schema with its reference and `allOf` in it, and the references that were followed."""
        references: list[str] = []
        for _ in range(_DEEPEST):
            reference = schema.get("$ref")
            if isinstance(reference, str):
                references.append(reference)
                schema = {**self._referred(reference), **_without(schema, "$ref")}
            elif parts := as_array(schema.get("allOf")):
                schema = self._merged(_without(schema, "allOf"), parts, references)
            else:
                return schema, references
        raise Refusal(TOO_LARGE, "the JSON schema's references go in a circle")

    def _referred(self, reference: str) -> Json:
        """Return what a reference, such as `#/$defs/Step`, leads to; {} where it leads nowhere."""
        place: Any = self._root
        for part in reference.removeprefix("#").split("/")[1:]:
            place = (as_object(place) or {}).get(part.replace("~1", "/").replace("~0", "~"))
        return as_object(place) or {}

    def _merged(self, schema: Json, parts: list[Any], references: list[str]) -> Json:
        """Return a schema that demands what its parts demand too; their references are added to the list."""
        whole, named = dict(schema), dict(properties(schema))
        required = list(as_array(schema.get("required")) or [])
        for part in parts:
            inner = as_object(part) or {}
            reference = inner.get("$ref")
            if isinstance(reference, str):
                references.append(reference)
                inner = {**self._referred(reference), **_without(inner, "$ref")}
            for key, value in inner.items():
                whole.setdefault(key, value)
            for key, value in properties(inner):
                named.setdefault(key, value)
            required += as_array(inner.get("required")) or []
        return {**whole, "required": required, **({"properties": named} if named else {})}

    def _loops(self, schema: Json) -> bool:
        """Return whether a schema leads back to one that is being filled."""
        inner = [schema, *(as_object(it) or {} for it in as_array(schema.get("allOf")) or ())]
        return any(it.get("$ref") in self._open for it in inner)

    def _one_of(self, name: str, alternatives: list[Json], depth: int) -> tuple[bool, Any]:
        """Take the first alternative the question has a value for, else null, else the first."""
        alternatives = [it for it in alternatives if not self._loops(it)] or alternatives[-1:]
        stand_in: tuple[bool, Any] | None = None
        for alternative in alternatives:
            found, value = self._value(name, alternative, depth)
            if found:
                return True, value
            if stand_in is None or value is None:
                stand_in = False, value
        assert stand_in is not None, "there is an alternative"
        return stand_in

    def _object(self, schema: Json, depth: int) -> Json:
        required = as_array(schema.get("required")) or []
        described = dict(properties(schema))
        values: Json = {}
        for name in required:
            if isinstance(name, str):
                described.setdefault(name, {})
        for name, inner in described.items():
            if name not in required and self._loops(inner):
                continue
            found, value = self._value(name, inner, depth + 1)
            if found or name in required:
                values[name] = value
        return values

    def _array(self, name: str, schema: Json, depth: int) -> tuple[bool, Any]:
        first = [as_object(item) or {} for item in as_array(schema.get("prefixItems")) or ()]
        items = as_object(schema.get("items")) or {}
        least, most = _count(schema.get("minItems")), _count(schema.get("maxItems"))
        many = 0 if self._loops(items) else 1
        if first:
            many = len(first)
        many = max(many if most is None else min(many, most), least or 0)
        inner = [*first, *([items] * min(many, _MOST_VALUES + 1))][:many]
        found, values = False, list[Any]()
        for schema_of_item in inner:
            said, value = self._value(name, schema_of_item, depth + 1)
            found = found or said
            values.append(value)
        return found, _distinct(values, items) if schema.get("uniqueItems") is True else values

    def _number(self, kind: str, schema: Json) -> tuple[bool, Any]:
        for index, text in enumerate(self._numbers):
            if kind == "number" or "." not in text:
                number = float(text) if "." in text else int(text)
                if _fits(number, schema):
                    del self._numbers[index]
                    return True, number
        candidates: list[Any] = [schema.get("default", schema.get("minimum", 1)), *_candidates(kind, schema)]
        usable = (it for it in candidates if _is_of(kind, it) and _fits(it, schema))
        return False, next(usable, 1)

    def _text(self, name: str, schema: Json) -> tuple[bool, str]:
        stand_in = self._of_format(schema.get("format"))
        if stand_in is not None:
            return False, stand_in
        if _PLACE.search(f"{name} {schema.get('description', '')}") and (city := self._city()):
            return True, _sized(city, schema)
        if quoted := _QUOTED.search(self._question):
            return True, _sized(quoted[1], schema)
        if isinstance(schema.get("default"), str):
            return False, _sized(schema["default"], schema)
        return False, _sized(self._question.strip(" \t\r\n。？！?!.") or self._question, schema)

    def _of_format(self, name: Any) -> str | None:
        """Return a stand-in for a text that must have a form; None for every other."""
        moment = datetime.fromtimestamp(self._now, timezone.utc)
        match name:
            case "date":
                return moment.astimezone().date().isoformat()
            case "date-time":
                return moment.isoformat(timespec="seconds")
            case "time":
                return moment.timetz().isoformat(timespec="seconds")
            case "uuid":
                return str(uuid.uuid5(uuid.NAMESPACE_URL, self._question))
            case str():
                return _FORMATS.get(name)
            case _:
                return None

    def _city(self) -> str | None:
        if self._place is not None:
            return self._place
        if known := cities(self._question):
            return known[0]
        if match := _ENGLISH_CITY.search(self._question):
            return match[1].rstrip(".")
        match = _CHINESE_CITY.search(self._question)
        return match[0] if match else None


_FORMATS = {
    "duration": "P1D",
    "email": "user@example.com",
    "hostname": "example.com",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "uri": "https://example.com/",
}


def _type(schema: Json) -> str:
    kind = schema.get("type")
    if kind is None:
        return "object" if "properties" in schema else "array" if "items" in schema else "string"
    kinds = as_array(kind) or [kind]
    return next(
        (k for k in kinds if isinstance(k, str) and k != "null"), "null" if kind == "null" else "string"
    )


def _without(schema: Json, name: str) -> Json:
    return {key: value for key, value in schema.items() if key != name}


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _bound(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _is_of(kind: str, value: Any) -> bool:
    return isinstance(value, int if kind == "integer" else int | float) and not isinstance(value, bool)


def _fits(number: float, schema: Json) -> bool:
    """Return whether a number keeps the bounds of its schema."""
    low, above = _bound(schema.get("minimum")), _bound(schema.get("exclusiveMinimum"))
    high, below = _bound(schema.get("maximum")), _bound(schema.get("exclusiveMaximum"))
    step = _bound(schema.get("multipleOf"))
    return (
        (low is None or number >= low)
        and (above is None or number > above)
        and (high is None or number <= high)
        and (below is None or number < below)
        and (not step or number % step == 0)
    )


def _candidates(kind: str, schema: Json) -> Iterator[float]:
    """Return numbers of which one fits, where one does: at the bounds, beside and between them."""
    bounds = [
        bound
        for name in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
        if (bound := _bound(schema.get(name))) is not None and abs(bound) < _LARGEST_INTEGER
    ]
    step = _bound(schema.get("multipleOf"))
    yield from (1, 0)
    for bound in bounds:
        for number in (bound, bound + 1, bound - 1):
            yield from (ceil(number), floor(number))
            if kind == "number":
                yield number
        if step and abs(bound / step) < _LARGEST_INTEGER:
            yield from (step * ceil(bound / step), step * floor(bound / step), step * floor(bound / step + 1))
    if step:
        yield step
    if len(bounds) > 1:
        yield (min(bounds) + max(bounds)) / 2


def _sized(text: str, schema: Json) -> str:
    """Return a text with as many characters as its schema demands: cut, or said again."""
    least, most = _count(schema.get("minLength")) or 0, _count(schema.get("maxLength"))
    if least > _MOST_CHARACTERS:
        raise Refusal(TOO_LARGE, "the JSON schema demands too large a value")
    if len(text) < least:
        text = (text or "-") * least
        text = text[:least]
    return text if most is None else text[:most]


def _distinct(values: list[Any], items: Json) -> list[Any]:
    """Return the items of a set: of those that are the same, others of the enum where there is one."""
    unused = [choice for choice in as_array(items.get("enum")) or () if choice not in values]
    distinct = list[Any]()
    for index, value in enumerate(values):
        if value in distinct:
            if unused:
                value = unused.pop(0)  # noqa: PLW2901  # the same place, another choice
            elif isinstance(value, str):
                value = f"{value} {index + 1}"  # noqa: PLW2901
            elif isinstance(value, int | float) and not isinstance(value, bool):
                value += index  # noqa: PLW2901
        distinct.append(value)
    return distinct
