"""What one kind of service does: from a request that was let in to the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from qianfan.catalog import Model
    from qianfan.local.console.examples import Examples
    from qianfan.local.journal import Call
    from qianfan.local.wire import Refusal, Reply, Request


class Asked(NamedTuple):
    """A request that was let in.

    Attributes:
        content: The body as JSON, or a `NotJson`.
        endpoint: The last part of the URL; on v2, of the URL that the model has on v1, or its id.
        model: The catalogue's model of that endpoint; None for a custom service.
        now: The platform's time.
        learnt: What a tuned model has learnt; None for every other.
        reasoning: Whether the model thinks aloud (v2).
        site: The address the platform was called at (v2).
    """

    content: Any
    endpoint: str
    model: Model | None
    now: float
    learnt: Examples | None = None
    reasoning: bool = False
    site: str = ""


class Served(NamedTuple):
    """The answer, and the tokens it is charged."""

    reply: Reply
    tokens: int


class Answering:
    """What answers the calls of one route.

    Attributes:
        internal: The code of an answer to what is the platform's own fault.
    """

    internal = 336000

    def reply(self, request: Request, call: Call) -> Reply:
        """Return the answer.

        Args:
            request: The request.
            call: The journal's entry, which is told what the call turned out to be.

        Raises:
            Refusal: The platform's error answer.
        """
        raise NotImplementedError

    def refused(self, refusal: Refusal) -> Reply:
        """Return a refusal in the shape of this route's answers."""
        return refusal.reply()

    def takes_time(self, request: Request) -> bool:  # noqa: ARG002  # for those where it depends
        """Return whether the answer is made in a thread, so that others need not wait for it."""
        return False


#: Validates a request and answers it, or raises a `Refusal`.
Handler: TypeAlias = "Callable[[Asked], Served]"
