"""Function calling, decided by a simple rule instead of a model.

A question calls the function with which it shares most terms: Latin words and pairs of Chinese
characters of the function's name, description, parameters and enum values. Arguments are what the
question has for each property of the JSON schema; required ones are always there, types are right.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from qianfan.local import terms, tokens
from qianfan.local.wire import as_array, as_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from qianfan.local.wire import Json

_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?")
_QUOTED = re.compile(r"[“「『\"']([^”」』\"']{1,200})[”」』\"']")
_CHINESE_CITY = re.compile(r"[\u4e00-\u9fff]{2,6}?(?:省|市|县|区)")
_ENGLISH_CITY = re.compile(r"\b(?:in|at|for|to|from|of)\s+([A-Z][\w.'-]*(?:\s+[A-Z][\w.'-]*)*)")
_PLACE = re.compile(r"city|location|place|region|address|城市|地点|地区|地方|位置|省|市", re.IGNORECASE)
_DEPTH = 8  # levels of nested schema that are filled

_CITIES = [
    "北京",
    "上海",
    "广州",
    "深圳",
    "天津",
    "重庆",
    "杭州",
    "南京",
    "苏州",
    "武汉",
    "成都",
    "西安",
    "长沙",
    "郑州",
    "青岛",
    "大连",
    "厦门",
    "福州",
    "合肥",
    "济南",
    "昆明",
    "贵阳",
    "南宁",
    "海口",
    "三亚",
    "哈尔滨",
    "长春",
    "沈阳",
    "石家庄",
    "太原",
    "呼和浩特",
    "兰州",
    "西宁",
    "银川",
    "乌鲁木齐",
    "拉萨",
    "宁波",
    "无锡",
    "佛山",
    "东莞",
    "香港",
    "澳门",
    "台北",
    "纽约",
    "伦敦",
    "巴黎",
    "东京",
    "Beijing",
    "Shanghai",
    "Guangzhou",
    "Shenzhen",
    "Hangzhou",
    "Chengdu",
    "Wuhan",
    "London",
    "Paris",
    "Tokyo",
    "Berlin",
    "Boston",
]


def choose(functions: Sequence[Json], question: str, chosen: str | None) -> Json | None:
    """Return the function the question calls, or None; `chosen` names one that must be called."""
    if chosen is not None:
        return next(function for function in functions if function["name"] == chosen)
    asked = terms.of(question)
    best, most = None, 0
    for function in functions:
        score = len(asked & terms.of(" ".join(_describe(function))))
        score += sum(value.lower() in question.lower() for value in _enum_texts(function["parameters"]))
        if function["name"] in question:
            score += 100
        if score > most:
            best, most = function, score
    return best


def call(function: Json, question: str, now: float) -> Json:
    """Return the `function_call` of a reply: the name, a thought, the arguments as a JSON string."""
    arguments = _Filler(question, now).fill(function["parameters"])
    name = function["name"]
    if tokens.language(question) == "zh":
        thoughts = f"【本地平台】这个问题需要调用 {name}，参数取自用户的问题。"
    else:
        thoughts = f"[local platform] This question calls {name}; its arguments are taken from the question."
    return {"name": name, "thoughts": thoughts, "arguments": orjson.dumps(arguments).decode()}


def _describe(function: Json) -> Iterator[str]:
    yield re.sub(r"([a-z])([A-Z])", r"\1 \2", function["name"])
    yield function["description"]
    for name, schema in _properties(function["parameters"]):
        yield name
        yield str(schema.get("description", ""))


def _enum_texts(parameters: Json) -> Iterator[str]:
    for _, schema in _properties(parameters):
        yield from (value for value in as_array(schema.get("enum")) or () if isinstance(value, str) and value)


def _properties(schema: Json) -> Iterator[tuple[str, Json]]:
    for name, value in (as_object(schema.get("properties")) or {}).items():
        yield name, as_object(value) or {}


class _Filler:
    """Takes the values of a schema's properties out of one question; each number serves once."""

    def __init__(self, question: str, now: float) -> None:
        self._question = question
        self._now = now
        self._numbers = _NUMBER.findall(question)

    def fill(self, schema: Json, depth: int = 0) -> Json:
        """Return an object with what the question says and all that the schema requires."""
        required = as_array(schema.get("required")) or []
        described = dict(_properties(schema))
        values: Json = {}
        for name in required:
            if isinstance(name, str):
                described.setdefault(name, {})
        for name, inner in described.items() if depth < _DEPTH else ():
            found, value = self._value(name, inner, depth)
            if found or name in required:
                values[name] = value
        return values

    def _value(self, name: str, schema: Json, depth: int) -> tuple[bool, Any]:
        """Return whether the question has a value for a property, and that value or a stand-in."""
        if choices := as_array(schema.get("enum")):
            said = [choice for choice in choices if str(choice).lower() in self._question.lower()]
            return bool(said), (said or choices)[0]
        match _type(schema):
            case "integer" | "number" as kind:
                return self._number(kind, schema)
            case "boolean":
                return False, bool(schema.get("default", False))
            case "null":
                return False, None
            case "object":
                inner = self.fill(schema, depth + 1)
                return bool(inner), inner
            case "array":
                found, value = self._value(name, as_object(schema.get("items")) or {}, depth + 1)
                return found, [value]
            case _:
                return self._text(name, schema)

    def _number(self, kind: str, schema: Json) -> tuple[bool, Any]:
        for index, text in enumerate(self._numbers):
            if kind == "number" or "." not in text:
                del self._numbers[index]
                return True, float(text) if "." in text else int(text)
        fallback = schema.get("default", schema.get("minimum", 1))
        usable = isinstance(fallback, int if kind == "integer" else (int, float)) and not isinstance(
            fallback, bool
        )
        return False, fallback if usable else 1

    def _text(self, name: str, schema: Json) -> tuple[bool, str]:
        hint = f"{name} {schema.get('description', '')}"
        if schema.get("format") == "date":
            return False, datetime.fromtimestamp(self._now).astimezone().date().isoformat()
        if _PLACE.search(hint) and (city := self._city()):
            return True, city
        if quoted := _QUOTED.search(self._question):
            return True, quoted[1]
        if isinstance(schema.get("default"), str):
            return False, schema["default"]
        return False, self._question.strip(" \t\r\n。？！?!.") or self._question

    def _city(self) -> str | None:
        known = [(self._question.find(city), city) for city in _CITIES if city in self._question]
        if known:
            return min(known)[1]
        if match := _ENGLISH_CITY.search(self._question):
            return match[1].rstrip(".")
        match = _CHINESE_CITY.search(self._question)
        return match[0] if match else None


def _type(schema: Json) -> str:
    kind = schema.get("type")
    kinds = as_array(kind) or [kind]
    return next(
        (k for k in kinds if isinstance(k, str) and k != "null"), "null" if kind == "null" else "string"
    )
