"""What an operation is asked, and how it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qianfan.local import checks
from qianfan.local.wire import Json, NotJson, as_object, parse

if TYPE_CHECKING:
    from qianfan.local.checks import Check


class Wrong(Exception):  # noqa: N818  # to refuse is an answer, not an error of the program
    """A refusal.

    Args:
        code: A word for programs.
        message: A sentence for people.
        status: The HTTP status.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        self.code = code
        self.status = status
        super().__init__(message)


def not_found(message: str) -> Wrong:
    """Return the refusal of what names something that is not there."""
    return Wrong("not_found", message, 404)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was let in.

    Attributes:
        path: The parts of the path that an operation leaves open.
        query: The first value of each parameter.
        body: The JSON object that came; empty where nothing did.
    """

    path: dict[str, str]
    query: dict[str, str]
    body: Json

    def given(self, **known: Check) -> Json:
        """Return the body's fields, each of which must be known and pass its check.

        Raises:
            Wrong: One is unknown, or has another value; null is the same as none.
        """
        unknown = sorted(self.body.keys() - known.keys())
        if unknown:
            takes = f"it takes {', '.join(known)}" if known else "it takes none"
            raise Wrong("invalid_argument", f"there is no field {unknown[0]!r}: {takes}")
        values = {name: value for name, value in self.body.items() if value is not None}
        for name, value in values.items():
            _demand(name, value, known[name])
        return values

    def number(self, name: str, default: int, *, most: int | None = None) -> int:
        """Return a parameter that is a natural number.

        Raises:
            Wrong: It is none, or above the most.
        """
        value = self.query.get(name)
        if value is None:
            return default
        number = int(value) if value.isascii() and value.isdigit() and len(value) < _MOST_DIGITS else value
        _demand(name, number, checks.integer(0, most))
        return int(number)


_MOST_DIGITS = 18


def read_body(body: bytes) -> Json:
    """Return the JSON object of a body; an empty one where there is none.

    Raises:
        Wrong: It is no JSON object.
    """
    content: Any = parse(body) if body else {}
    found = None if isinstance(content, NotJson) else as_object(content)
    if found is None:
        raise Wrong("invalid_json", "the body must be a JSON object")
    return found


def _demand(name: str, value: Any, check: Check) -> None:
    complaint = check(value)
    if complaint:
        raise Wrong("invalid_argument", f"{name} {complaint}, not {value!r}")
