"""Types that the tests of schemas describe; at a module's top, where their names are found."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from enum import Enum, IntEnum
from typing import Annotated, NewType, TypedDict

import pydantic
import typing_extensions as te

UserId = NewType("UserId", int)
Names = te.TypeAliasType("Names", list[str])


class Color(Enum):
    """A colour."""

    RED = "red"
    GREEN = "green"


class Level(IntEnum):
    """A level."""

    LOW = 1
    HIGH = 2


class Odd(Enum):
    """Members that JSON cannot say."""

    PAIR = (1, 2)


@dataclass
class City:
    """A city.

    Attributes:
        name: What it is called.
        size: Its people,
            in millions.
    """

    name: str
    size: float = 1.5
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Point:  # noqa: D101  # so that `dataclass` writes its docstring
    x: int
    y: int
    _: KW_ONLY
    color: Color = Color.RED
    seen: int = field(default=0, init=False, compare=False)


@dataclass
class Node:  # noqa: D101  # as above
    value: int
    next: Node | None = None


@dataclass
class Even:  # noqa: D101  # as above
    then: Uneven | None


@dataclass
class Uneven:  # noqa: D101  # as above
    then: Even | None


@dataclass
class Pair:
    """Holds two that hold each other."""

    a: Even
    b: Uneven


@dataclass
class Outer:
    """Has a class inside."""

    @dataclass
    class Inner:
        """A class inside."""

        number: int

    inner: Inner


@dataclass
class Checked:
    """A range that checks itself."""

    low: int
    high: int

    def __post_init__(self) -> None:
        """Refuse an empty range."""
        if self.low > self.high:
            raise ValueError("low is above high")


@dataclass
class Unread:
    """Has a type that cannot be found."""

    session: Session  # noqa: F821  # a name that is nowhere


@dataclass
class Sold:
    """Has a type that JSON has not."""

    thing: Color | complex


class Movie(TypedDict, total=False):
    """A film."""

    title: te.Required[Annotated[str, "Its title"]]
    year: int
    rating: Annotated[te.Required[float], "From 0 to 10"]


class Sequel(Movie):
    """A film after another."""

    number: int
    note: te.NotRequired[str]


class Extended(te.TypedDict):
    """A TypedDict of `typing_extensions`."""

    a: te.NotRequired[Annotated[int, "A number"]]
    b: str


class Fixed(te.TypedDict):
    """A TypedDict with a key that is only read."""

    a: te.ReadOnly[te.NotRequired[int]]
    b: te.ReadOnly[str]


class Street(pydantic.BaseModel):
    """A street."""

    name: str
    number: int = 1


class Address(pydantic.BaseModel):
    """An address."""

    street: Street
    zip: str = pydantic.Field(pattern=r"^\d+$", alias="zipCode")


class Person(pydantic.BaseModel):
    """A person."""

    name: str
    boss: Person | None = None


@dataclass
class Staff:
    """A dataclass of models."""

    people: list[Person]
    address: Address
    city: City
