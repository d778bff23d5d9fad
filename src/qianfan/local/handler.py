"""What one kind of service does: from a request that was let in to the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from qianfan.local.faults import codes
from qianfan.local.wire import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from qianfan.catalog import Model
    from qianfan.local.console.examples import Examples
    from qianfan.local.journal import Call
    from qianfan.local.script import Script
    from qianfan.local.wire import Reply, Request


class Asked(NamedTuple):
    """A request that was let in.

    Attributes:
        content: The body as JSON, or a `NotJson`.
        endpoint: The last part of the URL; on v2, of the URL that the model has on v1, or its id.
        model: The catalogue's model of that endpoint; None for a custom service.
        now: The platform's time.
        call: The journal's entry.
        script: What the platform's user wants to be answered.
        charge: Takes the tokens of an answer that comes from elsewhere, once they are known.
        learnt: What a tuned model has learnt; None for every other.
        reasoning: Whether the model thinks aloud (v2).
        site: The address the platform was called at (v2).
    """

    content: Any
    endpoint: str
    model: Model | None
    now: float
    call: Call
    script: Script
    charge: Callable[[int], None]
    learnt: Examples | None = None
    reasoning: bool = False
    site: str = ""


class Served(NamedTuple):
    """The answer, and the tokens it is charged; 0 of one that comes from elsewhere, see `Asked.charge`."""

    reply: Reply
    tokens: int


class Answering:
    """What answers the calls of one route.

    Attributes:
        internal: The code of an answer to what is the platform's own fault.
        meets_faults: Whether it asks the platform's faults itself, once it knows who calls; those of the
            others come first.
    """

    internal = 336000
    meets_faults = False

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

    def coded(self, code: int | str, message: str) -> Reply:
        """Return the answer with an error code of any version, as this route has it.

        Args:
            code: The code.
            message: What it says; "" for the platform's words.
        """
        number = codes.number(code)
        return self.refused(Refusal(number, codes.text(number, message)))

    def failed(self, status: int) -> Reply | None:  # noqa: ARG002  # for those that have such answers
        """Return the answer this route has for an HTTP status, if there is one."""
        return None

    def takes_time(self, request: Request) -> bool:  # noqa: ARG002  # for those where it depends
        """Return whether the answer is made in a thread, so that others need not wait for it."""
        return False


#: Validates a request and answers it, or raises a `Refusal`.
Handler: TypeAlias = "Callable[[Asked], Served]"
