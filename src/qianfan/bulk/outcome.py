"""What became of one input, and of all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qianfan.response import Usage, add_usage

if TYPE_CHECKING:
    from qianfan.errors import QianfanError
    from qianfan.response import Response


@dataclass(slots=True)
class Outcome:
    """What became of one input: a reply, or an error.

    Attributes:
        id: Its place in the input, from 0; or what `ids` made of it.
        input: The input itself.
        response: The reply, or None.
        error: Why there is none, or None.
        recorded: Whether it was read from the checkpoint, and not asked for now.
    """

    id: int | str
    input: Any = field(repr=False)
    response: Response | None = None
    error: QianfanError | None = None
    recorded: bool = False

    @property
    def ok(self) -> bool:
        """Whether there is a reply."""
        return self.error is None

    def unwrap(self) -> Response:
        """Return the reply, or raise the error."""
        if self.response is None:
            assert self.error is not None, "an outcome has one of the two"
            raise self.error
        return self.response


@dataclass(slots=True)
class Report:
    """How a run stands; its numbers move until the run has ended.

    Attributes:
        taken: Inputs read.
        done: Inputs with a reply, the recorded ones too.
        failed: Inputs with an error, the recorded ones too.
        recorded: Inputs whose outcome was in the checkpoint.
        asked_again: Requests that were in flight when an earlier run was killed: the service may
            have answered, and billed, them; they are asked again.
        in_flight: Inputs that wait for their reply.
        level: How many may.
        refusals: How often the service said that it is asked too fast.
        usage: The tokens of the replies of this run, without recorded ones.
        seconds: Since the run began, until now or its end.
    """

    taken: int = 0
    done: int = 0
    failed: int = 0
    recorded: int = 0
    asked_again: int = 0
    in_flight: int = 0
    level: int = 0
    refusals: int = 0
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0

    def count(self, outcome: Outcome) -> None:
        """Take in what became of one more input."""
        if outcome.ok:
            self.done += 1
        else:
            self.failed += 1
        if outcome.recorded:
            self.recorded += 1
        elif outcome.response is not None:
            add_usage(self.usage, outcome.response.body.get("usage") or {})
