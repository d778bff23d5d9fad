"""The optional fields of v2's bodies, with their checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qianfan.local import checks, rules
from qianfan.local.rules import Field
from qianfan.local.wire import as_object

if TYPE_CHECKING:
    from qianfan.local.checks import Check
    from qianfan.local.wire import Json

_ERNIE = "ernie-"


def is_ernie(name: str) -> bool:
    """Return whether a model is one of ERNIE's."""
    return name.startswith(_ERNIE)


def flags(*names: str) -> Check:
    """Demand an object of which some members are booleans."""

    def check(value: Any) -> str | None:
        members = as_object(value)
        if members is None:
            return "must be an object"
        bad = [name for name in names if not isinstance(members.get(name, False), bool | None)]
        return f"{bad[0]} must be a boolean" if bad else None

    return check


def integer(value: Any) -> str | None:
    """Demand an integer."""
    return None if isinstance(value, int) and not isinstance(value, bool) else "must be an integer"


def _stop(value: Any) -> str | None:
    return checks.strings(most=4, longest=20)([value] if isinstance(value, str) else value)


USER = Field("user", checks.text())

#: What tells a model how to write.
WRITING = (
    *rules.shared("stream", "top_p", "penalty_score"),
    Field("stream_options", flags("include_usage")),
    Field("frequency_penalty", checks.number(-2, 2)),
    Field("presence_penalty", checks.number(-2, 2)),
    Field("repetition_penalty", checks.number(0, 2, above=True)),
    Field("max_tokens", checks.integer(1)),
    Field("max_completion_tokens", checks.integer(1)),
    Field("seed", integer),
    Field("stop", _stop),
    USER,
)

_TEMPERATURE_OF_ERNIE = rules.shared("temperature")
_TEMPERATURE = (Field("temperature", checks.number(0, 2)),)


def read(body: Json, fields: tuple[Field, ...]) -> None:
    """Refuse a body of whose fields one breaks its rule.

    Raises:
        Refusal: The first that does.
    """
    rules.read(body, (*fields, *(_TEMPERATURE_OF_ERNIE if is_ernie(body["model"]) else _TEMPERATURE)))


def stop(body: Json) -> tuple[str, ...]:
    """Return where the answer ends early."""
    value = body.get("stop") or ()
    return (value,) if isinstance(value, str) else tuple(value)


def most_tokens(body: Json) -> int:
    """Return how long the answer may be."""
    given = body.get("max_completion_tokens") or body.get("max_tokens")
    return given or rules.DEFAULT_MAX_OUTPUT_TOKENS


def wants_usage(body: Json) -> bool:
    """Return whether a stream is to end with the usage."""
    return bool((body.get("stream_options") or {}).get("include_usage"))
