"""Which calls a fault is for: where they go, what they ask, and which of them in their order."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, TypedDict

from qianfan import catalog
from qianfan.local import checks, names
from qianfan.local.wire import as_array, as_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qianfan.local.journal import Call

EVERY = "*"

#: What the journal calls the routes; `*` stands for all of them.
ROUTES = (EVERY, *catalog.paths(), "models", "file", "token", "exchange", "console", "unknown")


def _nth(value: Any) -> str | None:
    """Demand which of the calls are meant, counted from 1."""
    numbers = value if isinstance(value, range | tuple) else (value,)
    ends = (numbers[0], numbers[-1]) if isinstance(numbers, range) and numbers else numbers
    fits = bool(ends) and all(checks.integer(1)(number) is None for number in ends)
    return None if fits else "must be an integer of at least 1, or some of them"


_CHECKS = {
    "nth": _nth,
    "every": checks.integer(1),
    "times": checks.integer(1),
    "p": checks.number(0, 1),
    "model": checks.text(),
    "endpoint": checks.text(),
    "version": checks.integer(1, 2),
    "method": checks.text(),
    "path": checks.text(),
    "stream": checks.boolean,
    "text": checks.text(),
}


class Conditions(TypedDict, total=False):
    """What `on` takes beside the route; a call must meet all that are given.

    Attributes:
        nth: Which of the calls that meet the other conditions: the second, some, or a range of them,
            counted from 1.
        every: Each so many-th of them.
        times: How often at most.
        p: The probability of each; the platform's seed decides.
        model: The model, by any of its names, on v1 as on v2.
        endpoint: What the journal calls the endpoint, such as `completions`, or of the console
            `finetuning.CreateFineTuningTask`; `*` stands for any characters, here and in the path.
        version: 1 or 2.
        method: The HTTP method.
        path: The URL's path.
        stream: Whether a stream is asked for.
        text: What is in the last user's message, or in the prompt, query or input.
    """

    nth: int | Sequence[int] | None
    every: int | None
    times: int | None
    p: float | None
    model: str | None
    endpoint: str | None
    version: int | None
    method: str | None
    path: str | None
    stream: bool | None
    text: str | None


@dataclass(frozen=True)
class When:
    """The conditions of one fault; `Conditions` says what each means.

    Raises:
        ValueError: One that no call could ever meet.
    """

    route: str
    nth: int | tuple[int, ...] | range | None = field(default=None, kw_only=True)
    every: int | None = field(default=None, kw_only=True)
    times: int | None = field(default=None, kw_only=True)
    p: float | None = field(default=None, kw_only=True)
    model: str | None = field(default=None, kw_only=True)
    endpoint: str | None = field(default=None, kw_only=True)
    version: int | None = field(default=None, kw_only=True)
    method: str | None = field(default=None, kw_only=True)
    path: str | None = field(default=None, kw_only=True)
    stream: bool | None = field(default=None, kw_only=True)
    text: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.route not in ROUTES:
            raise ValueError(f"a route is one of {', '.join(ROUTES)}, not {self.route!r}")
        for name, check in _CHECKS.items():
            value = getattr(self, name)
            complaint = None if value is None else check(value)
            if complaint:
                raise ValueError(f"{name} {complaint}, not {value!r}")

    def fits(self, call: Call) -> bool:
        """Return whether a call is one of those that are counted."""
        return (
            self.route in (EVERY, call.route)
            and (self.version is None or self.version == call.version)
            and (self.method is None or self.method.upper() == call.method)
            and (self.path is None or fnmatchcase(call.path, self.path))
            and (self.endpoint is None or fnmatchcase(call.endpoint or "", self.endpoint))
            and (self.model is None or _is_of(call, self.model))
            and (self.stream is None or self.stream == is_stream(call))
            and (self.text is None or self.text in _asked(call))
        )

    def falls_on(self, number: int) -> bool:
        """Return whether the so many-th of the counted calls is one that is meant."""
        meant = (self.nth,) if isinstance(self.nth, int) else self.nth
        return (meant is None or number in meant) and (self.every is None or number % self.every == 0)


def is_stream(call: Call) -> bool:
    """Return whether a call asks for a stream."""
    return (as_object(call.body) or {}).get("stream") is True


def _is_of(call: Call, model: str) -> bool:
    asked = {name.casefold() for name in (call.model, call.endpoint) if name}
    return not asked.isdisjoint(names.all_of(call.route, model))


def _asked(call: Call) -> str:
    """Return what the user says: the last of the messages, or what stands for it in other kinds of call."""
    for message in reversed(call.messages):
        said = as_object(message) or {}
        if said.get("role") == "user":
            return _text(said.get("content"))
    body = as_object(call.body) or {}
    return "\n".join(_text(body.get(name)) for name in ("prompt", "query", "input"))


def _text(value: Any) -> str:
    """Return the text of a string, an array of strings, or the parts of a message."""
    if isinstance(value, str):
        return value
    return "\n".join(
        _text(item if isinstance(item, str) else (as_object(item) or {}).get("text"))
        for item in as_array(value) or ()
    )
