"""What one kind of service does: from a request that was let in to the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from qianfan.catalog import Model
    from qianfan.local.wire import Reply


class Asked(NamedTuple):
    """A request that was let in.

    Attributes:
        content: The body as JSON, or a `NotJson`.
        endpoint: The last part of the URL.
        model: The catalogue's model of that endpoint; None for a custom service.
        now: The platform's time.
    """

    content: Any
    endpoint: str
    model: Model | None
    now: float


class Served(NamedTuple):
    """The answer, and the tokens it is charged."""

    reply: Reply
    tokens: int


#: Validates a request and answers it, or raises a `Refusal`.
Handler: TypeAlias = "Callable[[Asked], Served]"
