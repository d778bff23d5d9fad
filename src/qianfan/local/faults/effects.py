"""What can happen to a call: a frozen class for each kind, and the table of them.

`status`, `code` and `reset` take the place of the answer: the platform does nothing. All others happen
on the answer's way back: the platform has done what was asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import orjson

from qianfan.local import checks
from qianfan.local.faults import codes

if TYPE_CHECKING:
    from qianfan.local.checks import Check

_NO_BODY = frozenset({204, 205, 304})


@dataclass(frozen=True)
class Delay:
    """The answer comes so many seconds later, by the platform's clock."""

    part: ClassVar[str] = "delay"
    seconds: float

    def __post_init__(self) -> None:
        _demand("the seconds of a delay", self.seconds, _SECONDS)


@dataclass(frozen=True)
class Status:
    """An HTTP status in place of the answer.

    Attributes:
        status: The HTTP status.
        body: The body, as text or as JSON; by default what the route would say, else the HTML page of a gateway.
        retry_after: The seconds the header `Retry-After` asks to wait.
    """

    part: ClassVar[str] = "answer"
    status: int
    body: Any = field(default=None, kw_only=True)
    retry_after: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _demand("a status", self.status, checks.integer(200, 599))
        if self.status in _NO_BODY:
            raise ValueError(f"a status must be one that has a body, not {self.status}")
        try:
            orjson.dumps(self.body)
        except TypeError:
            raise ValueError(f"a body must be a text, or what JSON can say, not {self.body!r}") from None
        if self.retry_after is not None:
            _demand("retry_after", self.retry_after, _SECONDS)


@dataclass(frozen=True)
class Code:
    """An error code in place of the answer, in the shape of the route's own errors.

    Attributes:
        code: A number of v1 or a word of v2; on the other the nearest is answered.
        message: What it says; by default the platform's words.
    """

    part: ClassVar[str] = "answer"
    code: int | str
    message: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        if isinstance(self.code, bool) or not isinstance(self.code, int | str) or self.code == "":
            raise ValueError(f"a code is a number or a word, not {self.code!r}")
        if not isinstance(self.message, str) or not self.message.isprintable():
            raise ValueError(f"a message is one line of text, not {self.message!r}")
        if not self.message and not codes.is_known(self.code):
            raise ValueError(f"there is no code {self.code!r} with words of its own: give message= too")


@dataclass(frozen=True)
class Reset:
    """The connection is broken (TCP RST) before an answer."""

    part: ClassVar[str] = "answer"


@dataclass(frozen=True)
class Cut:
    """The answer ends too early, and the connection with it.

    Attributes:
        after: So many events of a stream arrive, but never the last; of a whole answer the half, or
            nothing of the body where this is 0.
        clean: Whether HTTP ends in good order, as behind a proxy that hides the break.
    """

    part: ClassVar[str] = "end"
    after: int = field(default=1, kw_only=True)
    clean: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        _demand("after", self.after, checks.integer(0))


@dataclass(frozen=True)
class Garbage:
    """Bytes that are no JSON, in a stream an event that is none; then HTTP ends in good order.

    Attributes:
        after: What arrives before, as for `Cut`.
    """

    part: ClassVar[str] = "end"
    after: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        _demand("after", self.after, checks.integer(0))


@dataclass(frozen=True)
class Stall:
    """The connection stays open and silent; then the answer goes on.

    Attributes:
        seconds: How long, by the platform's clock; None: until the caller goes.
        after: What arrives before, as for `Cut`; the head always does.
    """

    part: ClassVar[str] = "stall"
    seconds: float | None = None
    after: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        if self.seconds is not None:
            _demand("the seconds of a stall", self.seconds, _SECONDS)
        _demand("after", self.after, checks.integer(0))


@dataclass(frozen=True)
class Split:
    """The body comes in packets of so many bytes, which cut characters."""

    part: ClassVar[str] = "split"
    size: int

    def __post_init__(self) -> None:
        _demand("the bytes of a packet", self.size, checks.integer(1))


@dataclass(frozen=True)
class SlowHeaders:
    """The head comes bit by bit, over so many seconds of the platform's clock."""

    part: ClassVar[str] = "head"
    seconds: float

    def __post_init__(self) -> None:
        _demand("the seconds of slow headers", self.seconds, _SECONDS)


Effect: TypeAlias = Delay | Status | Code | Reset | Cut | Garbage | Stall | Split | SlowHeaders

#: The kinds, by the name that makes them, in Python and in JSON.
KINDS: dict[str, type[Effect]] = {
    "delay": Delay,
    "status": Status,
    "code": Code,
    "reset": Reset,
    "cut": Cut,
    "garbage": Garbage,
    "stall": Stall,
    "split": Split,
    "slow_headers": SlowHeaders,
}

NAMES = {kind: name for name, kind in KINDS.items()}


def check_together(effects: tuple[Effect, ...]) -> None:
    """Check that effects can happen to one call.

    Raises:
        ValueError: Two of them concern the same part of an answer, or an answer that never comes.
    """
    by_part: dict[str, Effect] = {}
    for effect in effects:
        other = by_part.setdefault(effect.part, effect)
        if other is not effect:
            raise ValueError(f"{NAMES[type(other)]} and {NAMES[type(effect)]} cannot both happen to one call")
    if isinstance(by_part.get("answer"), Reset) and set(by_part) - {"answer", "delay"}:
        raise ValueError("after a reset there is no answer that something else could happen to")


_SECONDS = checks.number(0, 31_536_000)  # a year


def _demand(what: str, value: Any, check: Check) -> None:
    complaint = check(value)
    if complaint:
        raise ValueError(f"{what} {complaint}, not {value!r}")
