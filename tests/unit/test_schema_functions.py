"""Functions as tools: what docstrings and signatures say, and the calls that a model asks for."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence  # noqa: TC003  # the functions here are read as they run
from datetime import date, time
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qianfan import schema
from qianfan.errors import InvalidArgumentError, ReplyInvalidError
from qianfan.schema import docstrings

from . import schema_types as types

GOOGLE = """Look up the weather.

    Now or later.

    Args:
        city (str, optional): Where,
            with the country.
        when: The day: today by default.

            Or any other.
        *rest: More.

    Returns:
        text: The weather.
    """

NUMPY = """Look up the weather.

    Now or later.

    Parameters
    ----------
    city : str, optional
        Where,
        with the country.
    when, then : date
        The day: today by default.

    Returns
    -------
    text : str
        The weather.
    """

SPHINX = """Look up the weather.

    Now or later.

    :param str city: Where,
        with the country.
    :param when: The day: today by default.
    :type when: date
    :returns: The weather.
    :raises ValueError: Never.
    """

CHINESE = """查询天气。

    参数：
        city：城市
        when (date)：日期
    返回：
        天气
    """

CITY = "Where, with the country."
WHEN = "The day: today by default."


@pytest.mark.parametrize(
    ("text", "said", "parameters"),
    [
        (
            GOOGLE,
            "Look up the weather.\n\nNow or later.",
            {"city": CITY, "when": f"{WHEN} Or any other.", "rest": "More."},
        ),
        (NUMPY, "Look up the weather.\n\nNow or later.", {"city": CITY, "when": WHEN, "then": WHEN}),
        (SPHINX, "Look up the weather.\n\nNow or later.", {"city": CITY, "when": WHEN}),
        (CHINESE, "查询天气。", {"city": "城市", "when": "日期"}),
        (None, "", {}),
        ("", "", {}),
        ("Only a line.", "Only a line.", {}),
        (
            "Note: this is text.\n\nNote:\n    So is this.",
            "Note: this is text.\n\nNote:\n    So is this.",
            {},
        ),
        ("Args:\n    a: x\n\nThe end.", "", {"a": "x"}),
        ("Do.\n\nArgs:\n\nReturns:\n    x: y", "Do.", {}),
        ("Do.\n\nArgs:\n    a:\n    b: y", "Do.", {"b": "y"}),
        ("Do.\n\nArgs:\n    a (dict(str, int)): x", "Do.", {"a": "x"}),
    ],
    ids=[
        "google",
        "numpy",
        "sphinx",
        "chinese",
        "none",
        "empty",
        "line",
        "note",
        "after",
        "bare",
        "blank",
        "nested",
    ],
)
def test_docstrings(text: str | None, said: str, parameters: dict[str, str]) -> None:
    """A docstring says what the function does and what its parameters are, in each of the styles."""
    assert docstrings.read(text) == (said, parameters)


@given(st.text(st.sampled_from("a:：- \n(),*参数"), max_size=60) | st.text())
def test_docstrings_of_any_text(text: str) -> None:
    """No docstring is too odd to be read."""
    docstrings.read(text)


def weather(city: str, when: date | None = None, *, unit: Literal["C", "F"] = "C") -> tuple[Any, ...]:
    """Look up the weather.

    Args:
        city: Where.
        when: The day.
        unit: Of the temperature.
    """
    return city, when, unit


async def aweather(
    city: Annotated[str, "Where."],
    when: Annotated[date | None, "The day."] = None,
    *,
    unit: Annotated[Literal["C", "F"], "Of the temperature."] = "C",
) -> tuple[Any, ...]:
    """Look up the weather."""
    return city, when, unit


def logged(function: Any) -> Any:
    """Wrap a function, as decorators do."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


class Station:
    """A station that tells the weather."""

    def weather(
        self, city: str, when: date | None = None, *, unit: Literal["C", "F"] = "C"
    ) -> tuple[Any, ...]:
        """Look up the weather.

        :param city: Where.
        :param when: The day.
        :param unit: Of the temperature.
        """
        return city, when, unit

    __call__ = weather

    @classmethod
    def known(cls, city: str) -> str:
        """Say whether a city is known."""
        return f"{cls.__name__} {city}"


def timed(
    key: Any, city: str, when: date | None = None, *, unit: Literal["C", "F"] = "C", clock: Any = None
) -> tuple[Any, ...]:
    """Look up the weather.

    Args:
        key: A secret.
        city: Where.
        when: The day.
        unit: Of the temperature.
        clock: Not the model's.
    """
    assert (key, clock) == ("secret", "now")
    return city, when, unit


def any_arguments(*args: int) -> None:
    """Take what comes."""


def renamed(function: Any) -> Any:
    """Make a partial look like its function."""
    return functools.update_wrapper(function, function.func)


PARAMETERS = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "description": "Where."},
        "when": {
            "anyOf": [{"type": "string", "format": "date"}, {"type": "null"}],
            "description": "The day.",
        },
        "unit": {
            "type": "string",
            "enum": ["C", "F"],
            "description": "Of the temperature.",
            "default": "C",
        },
    },
    "required": ["city"],
    "additionalProperties": False,
}

WEATHERS = {
    "function": weather,
    "async": aweather,
    "decorated": logged(weather),
    "cached": functools.cache(weather),
    "method": Station().weather,
    "decorated method": logged(Station().weather),
    "partial": functools.partial(timed, "secret", clock="now"),
    "partial of partial": functools.partial(functools.partial(timed, "secret"), clock="now"),
    "renamed partial": renamed(functools.partial(timed, "secret", clock="now")),
    "object": Station(),
}


class TestFunctions:
    """Functions as tools."""

    @pytest.mark.parametrize("name", WEATHERS)
    def test_tool(self, name: str) -> None:
        """A function is told by its name, docstring and signature, whatever wraps it."""
        told = schema.tool(WEATHERS[name])

        called = {"async": "aweather", "object": "Station"}.get(
            name, "timed" if "partial" in name else "weather"
        )
        assert told == {
            "type": "function",
            "function": {"name": called, "description": "Look up the weather.", "parameters": PARAMETERS},
        }

    def test_tool_without_parameters(self) -> None:
        """A function without parameters has the schema that the platform wants then, and no docstring is none."""

        def now():
            return 5

        assert schema.tool(now)["function"] == {
            "name": "now",
            "description": "",
            "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
        }
        assert schema.call(now, "") == schema.call(now, " {} ") == 5

    def test_class_method(self) -> None:
        """A class method is bound to its class."""
        assert list(schema.tool(Station.known)["function"]["parameters"]["properties"]) == ["city"]
        assert schema.call(Station.known, '{"city": "Bonn"}') == "Station Bonn"

    @pytest.mark.parametrize(
        ("arguments", "returned"),
        [
            ('{"city": "Bonn"}', ("Bonn", None, "C")),
            ('{"unit": "F", "city": "Bonn", "when": "2024-01-31"}', ("Bonn", date(2024, 1, 31), "F")),
        ],
    )
    @pytest.mark.parametrize("name", WEATHERS)
    def test_call(self, name: str, arguments: str, returned: Any) -> None:
        """A function is called with the values that the arguments stand for; an async one is awaited."""
        found = schema.call(WEATHERS[name], arguments)

        assert (asyncio.run(found) if name == "async" else found) == returned

    def test_call_by_position(self) -> None:
        """Parameters that have no names for callers get their values too."""

        def between(low: int = 1, /, high: int = 2, *, step: int = 3) -> tuple[int, ...]:
            return low, high, step

        assert schema.call(between, '{"high": 5}') == (1, 5, 3)
        assert schema.call(between, '{"low": 4, "step": 6}') == (4, 2, 6)

    def test_values_of_classes(self) -> None:
        """Dataclasses, enums and models arrive as what they are."""

        def paint(city: types.City, color: types.Color, street: types.Street) -> tuple[Any, ...]:
            return city, color, street

        arguments = '{"city": {"name": "Bonn"}, "color": "red", "street": {"name": "a"}}'

        assert schema.call(paint, arguments) == (types.City("Bonn"), types.Color.RED, types.Street(name="a"))

    @pytest.mark.parametrize(
        ("arguments", "path", "message"),
        [
            ("{", "", "the arguments of weather(): expected JSON, got other text: "),
            ("[]", "", "the arguments of weather(): expected an object, got []"),
            ("{}", "city", "the arguments of weather(), city: expected a string, got nothing"),
            ('{"city": 1}', "city", "the arguments of weather(), city: expected a string, got 1"),
            (
                '{"city": "a", "unit": "K"}',
                "unit",
                'the arguments of weather(), unit: expected one of "C", "F", got "K"',
            ),
            (
                '{"city": "a", "day": 1}',
                "day",
                "the arguments of weather(), day: expected nothing, as weather() has no such field, got 1",
            ),
        ],
    )
    def test_wrong_arguments(self, arguments: str, path: str, message: str) -> None:
        """Arguments that do not fit are refused before the call, in words that a model can be told."""
        with pytest.raises(ReplyInvalidError) as caught:
            schema.call(weather, arguments)

        assert caught.value.message.startswith(message)
        assert (caught.value.path, caught.value.text) == (path, arguments)

    def test_errors_of_the_function(self) -> None:
        """What the function raises comes through as it is."""

        def fail(a: int) -> None:
            raise ValueError(a)

        with pytest.raises(ValueError, match="5") as caught:
            schema.call(fail, '{"a": 5}')
        assert type(caught.value) is ValueError

    @pytest.mark.parametrize(
        ("function", "message"),
        [
            (lambda a: a, "a lambda has neither a name nor types that a model could be told"),
            (types.City, "a tool is a function, not the class City"),
            (weather("a"), "a tool is a function, not an instance of tuple"),
            (Station.weather, "weather(), the parameter 'self' has no type hint"),
            (iter, "iter() has no signature"),
            (
                any_arguments,
                "any_arguments(), the parameter 'args': it stands for any arguments, which cannot be described",
            ),
            (len, "len(), the parameter 'obj' has no type hint"),
        ],
    )
    def test_no_tool(self, function: Any, message: str) -> None:
        """What no model can call by name is refused, with what to do."""
        with pytest.raises(InvalidArgumentError) as caught:
            schema.tool(function)

        assert caught.value.message == message
        assert caught.value.hint

    def test_parameters_that_cannot_be_described(self) -> None:
        """A parameter that JSON has nothing for is named, with its function."""

        def book(city: str, session: complex) -> None: ...
        def sell(thing: types.Sold) -> None: ...
        def find(where: Nowhere) -> None: ...  # noqa: F821

        for function, message in (
            (book, "book(), the parameter 'session': JSON has nothing for complex"),
            (sell, "sell(), the parameter 'thing', Sold.thing: JSON has nothing for complex"),
            (
                find,
                "find(), the parameter 'where': the annotation cannot be read: name 'Nowhere' is not defined",
            ),
        ):
            with pytest.raises(InvalidArgumentError) as caught:
                schema.tool(function)
            assert caught.value.message == message
            assert caught.value.hint

    def test_what_it_returns_does_not_matter(self) -> None:
        """A return type that cannot be read is no obstacle."""

        def find(where: str) -> Nowhere: ...  # noqa: F821

        assert schema.tool(find)["function"]["parameters"]["required"] == ["where"]

    def test_defaults(self) -> None:
        """A default is told as JSON says it; that there is none is not."""

        def find(
            day: date = date(2024, 1, 31),
            hour: time = time(8, 0, 0, 10_000),
            color: types.Color = types.Color.RED,
            city: types.City | None = types.City("Bonn"),  # noqa: B008
            names: Sequence[str] = ("a",),
            other: str | None = None,
        ) -> None: ...

        properties = schema.tool(find)["function"]["parameters"]["properties"]

        assert {name: told["default"] for name, told in properties.items() if "default" in told} == {
            "day": "2024-01-31",
            "hour": "08:00:00.010000",
            "color": "red",
            "city": {"name": "Bonn", "size": 1.5, "tags": []},
            "names": ["a"],
        }

    def test_defaults_that_json_has_not(self) -> None:
        """A default that JSON cannot say is not told; the parameter may be left out all the same."""

        def find(a: int = 1, b: Any = complex(1), c: float = float("nan")) -> tuple[Any, ...]:
            return a, b, c

        parameters = schema.tool(find)["function"]["parameters"]

        assert parameters["properties"] == {
            "a": {"type": "integer", "default": 1},
            "b": {},
            "c": {"type": "number"},
        }
        assert "required" not in parameters
