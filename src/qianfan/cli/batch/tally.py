"""What became of all rows, counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from qianfan.cli.batch.answers import finish_reason

if TYPE_CHECKING:
    from qianfan.bulk.outcome import Outcome, Report
    from qianfan.errors import QianfanError

#: Lines that are named of each reason.
_NAMED = 5


class Prices(NamedTuple):
    """What 1,000 tokens cost, in yuan; None where nobody said."""

    input: float | None
    output: float | None

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """Return what so many tokens cost; None where no price is known."""
        if self.input is None and self.output is None:
            return None
        return (prompt_tokens * (self.input or 0.0) + completion_tokens * (self.output or 0.0)) / 1000


class Tally:
    """Rows by what became of them.

    Attributes:
        rows: How many there are.
        truncated: How many answers are cut by the limit of tokens.
        failures: Failures by type and code.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.truncated = 0
        self.failures: dict[tuple[str, Any], Failures] = {}

    def count(self, outcome: Outcome) -> None:
        """Take in one more row."""
        self.rows += 1
        if outcome.response is not None:
            self.truncated += finish_reason(outcome.response) == "length"
        elif outcome.error is not None:
            kind = (type(outcome.error).__name__, outcome.error.code)
            self.failures.setdefault(kind, Failures(outcome.error)).add(outcome.input.number)


class Failures:
    """Rows that failed for one reason.

    Attributes:
        first: The error of the first.
        count: How many they are.
        lines: Where the first of them are.
    """

    def __init__(self, first: QianfanError) -> None:
        self.first = first
        self.count = 0
        self.lines: list[int] = []

    def add(self, line: int) -> None:
        """Take in one more."""
        self.count += 1
        if len(self.lines) < _NAMED:
            self.lines.append(line)

    def as_json(self) -> dict[str, Any]:
        """Return them for scripts."""
        return {
            "type": type(self.first).__name__,
            "code": self.first.code,
            "message": self.first.message,
            "count": self.count,
            "lines": self.lines,
        }


def spent(report: Report) -> tuple[int, int]:
    """Return the tokens of a run so far, of the input and of the answers."""
    return report.usage.prompt_tokens, report.usage.completion_tokens
