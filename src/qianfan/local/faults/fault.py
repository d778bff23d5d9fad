"""A fault: which calls, and what happens to them. Its text is the code that makes it; its JSON makes it again."""

from __future__ import annotations

import json
from dataclasses import MISSING, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from qianfan.local.faults.condition import When
from qianfan.local.faults.effects import (
    KINDS,
    NAMES,
    Code,
    Cut,
    Delay,
    Garbage,
    Reset,
    SlowHeaders,
    Split,
    Stall,
    Status,
    check_together,
)
from qianfan.local.wire import as_object

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from qianfan.local.faults.condition import Conditions
    from qianfan.local.faults.effects import Effect
    from qianfan.local.wire import Json

E = TypeVar("E", bound="Effect")


class Fluent:
    """What can happen, as methods: each adds one effect, and they chain: `.delay(2).code(336100)`.

    One call suffers one fault, with all its effects. The methods raise `ValueError` where a value does
    not fit, or two effects concern the same part of an answer.
    """

    def delay(self, seconds: float) -> Self:
        """Let the answer come so many seconds later, by the platform's clock."""
        return self.with_effect(Delay(seconds))

    def status(self, status: int, *, body: Any = None, retry_after: float | None = None) -> Self:
        """Answer an HTTP status in place of what was asked.

        Args:
            status: 200 to 599.
            body: The body, a text or what JSON can say; by default what the route would say, else the
                HTML page of a gateway.
            retry_after: The seconds of the header `Retry-After`.
        """
        return self.with_effect(Status(status, body=body, retry_after=retry_after))

    def code(self, code: int | str, *, message: str = "") -> Self:
        """Answer an error code in place of what was asked, in the shape of the route's own errors.

        Args:
            code: A number of v1 or a word of v2; on the other the nearest is answered.
            message: What it says; by default the platform's words.
        """
        return self.with_effect(Code(code, message=message))

    def reset(self) -> Self:
        """Break the connection (TCP RST) before an answer; what was asked is not done."""
        return self.with_effect(Reset())

    def cut(self, *, after: int = 1, clean: bool = False) -> Self:
        """Close the connection too early.

        Args:
            after: So many events of a stream arrive, but never the last; of a whole answer the half, or
                nothing of the body where this is 0.
            clean: Whether HTTP ends in good order, as behind a proxy that hides the break.
        """
        return self.with_effect(Cut(after=after, clean=clean))

    def stall(self, seconds: float | None = None, *, after: int = 0) -> Self:
        """Leave the connection open and silent, then go on.

        Args:
            seconds: How long, by the platform's clock; None: until the caller goes.
            after: What arrives before, as for `cut`; the head always does.
        """
        return self.with_effect(Stall(seconds, after=after))

    def garbage(self, *, after: int = 0) -> Self:
        """Send bytes that are no JSON, in a stream an event that is none.

        Args:
            after: What arrives before, as for `cut`.
        """
        return self.with_effect(Garbage(after=after))

    def split(self, size: int = 1) -> Self:
        """Send the body in packets of so many bytes, which cut characters."""
        return self.with_effect(Split(size))

    def slow_headers(self, seconds: float) -> Self:
        """Send the head bit by bit, over so many seconds of the platform's clock."""
        return self.with_effect(SlowHeaders(seconds))

    def with_effect(self, effect: Effect) -> Self:
        """Let one more thing happen."""
        raise NotImplementedError


@dataclass(frozen=True, repr=False)
class Fault(Fluent):
    """A fault, by itself: it happens on the platforms it is given to.

    Attributes:
        when: Which calls suffer it.
        effects: What happens to them.
    """

    when: When
    effects: tuple[Effect, ...] = ()

    def __repr__(self) -> str:
        return _shown("on", self.when) + "".join(f".{_shown(NAMES[type(it)], it)}" for it in self.effects)

    @property
    def spoils(self) -> bool:
        """Whether it changes an answer on its way, and not only what is answered and when."""
        return any(not isinstance(effect, Delay | Status | Code | Reset) for effect in self.effects)

    def get(self, kind: type[E]) -> E | None:
        """Return the effect of a kind, if there is one."""
        return next((effect for effect in self.effects if isinstance(effect, kind)), None)

    def complete(self) -> Fault:
        """Return the fault.

        Raises:
            ValueError: It does not say what happens.
        """
        if not self.effects:
            raise ValueError(f"{self!r} does not say what happens: add .status(503), .reset() or such")
        return self

    def as_json(self) -> Json:
        """Return what `from_json` makes the same fault of."""
        return {
            "on": _values(self.when),
            "do": [{"kind": NAMES[type(effect)], **_values(effect)} for effect in self.effects],
        }

    def with_effect(self, effect: Effect) -> Self:
        """Return the fault in which one more thing happens."""
        effects = (*self.effects, effect)
        check_together(effects)
        return replace(self, effects=effects)


def on(route: str, **conditions: Unpack[Conditions]) -> Fault:
    """Begin a fault: say which calls suffer it, then by its methods what happens to them.

    `on("chat", nth=2).status(429, retry_after=3)`, `on("*", p=0.1).delay(2).code(336100)`.

    Args:
        route: What the journal calls the route, such as `chat`, `token` or `console`; `*` is every one.
        **conditions: Which of its calls, see `Conditions`; without any, all of them.

    Raises:
        ValueError: There is no such route, or a condition that no call could meet.
        TypeError: There is no such condition.
    """
    nth = conditions.get("nth")
    if nth is not None and not isinstance(nth, int | range):
        conditions = {**conditions, "nth": tuple(nth)}
    return Fault(When(route, **conditions))  # type: ignore[arg-type]  # nth is none of the sequences left


def from_json(value: Any) -> Fault:
    """Return the fault that `Fault.as_json` wrote.

    Raises:
        ValueError: It is none.
    """
    given = as_object(value) or {}
    try:
        when = dict(given["on"])
        nth = as_object(when.get("nth"))
        if nth is not None:
            when["nth"] = range(nth["start"], nth["stop"], nth["step"])
        fault = on(**when)
        for effect in given["do"]:
            fault = fault.with_effect(
                KINDS[effect["kind"]](**{k: v for k, v in effect.items() if k != "kind"})
            )
    except (LookupError, TypeError) as error:
        raise ValueError(f"this is no fault ({error!r}): {json.dumps(value, ensure_ascii=False)}") from None
    return fault.complete()


def _values(made: When | Effect) -> Json:
    """Return the values that are not the default's, as JSON has them."""
    values: Json = {}
    for field in fields(made):
        value = getattr(made, field.name)
        if isinstance(value, range):
            value = {"start": value.start, "stop": value.stop, "step": value.step}
        if field.default is MISSING or value != field.default:
            values[field.name] = value
    return values


def _shown(name: str, made: When | Effect) -> str:
    """Return the call that makes the value again."""
    given = [
        f"{field.name}={_written(value)}" if field.kw_only else _written(value)
        for field in fields(made)
        if (value := getattr(made, field.name)) != field.default
    ]
    return f"{name}({', '.join(given)})"


def _written(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return repr(list(value) if isinstance(value, tuple) else value)
