"""What became of a row, as a row of the output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qianfan.cli.batch.template import json_of

if TYPE_CHECKING:
    from qianfan.bulk.outcome import Outcome
    from qianfan.cli.batch.reading import Row
    from qianfan.errors import QianfanError
    from qianfan.response import Response

RESULT = "result"


class Answers:
    """Makes rows of the output.

    Args:
        kind: What was asked for: `chat`, `completion` or `embedding`.
        field: The column of the answers; the others are named after it where it is not `result`.

    Attributes:
        columns: The columns added to those of the input, and their types.
    """

    def __init__(self, kind: str, field: str) -> None:
        prefix = "" if field == RESULT else f"{field}_"
        self._field = field
        self._finish, self._error, self._usage = (
            f"{prefix}{name}" for name in ("finish_reason", "error", "usage")
        )
        self._embeds = kind == "embedding"
        finish = {} if self._embeds else {self._finish: str}
        self.columns: dict[str, type] = {
            field: list if self._embeds else str,
            **finish,
            self._error: str,
            self._usage: str,
        }

    def row(self, outcome: Outcome) -> dict[str, Any]:
        """Return the row for an outcome whose input was a `Row`."""
        asked: Row = outcome.input
        row: dict[str, Any] = {**asked.columns, **dict.fromkeys(self.columns)}
        if outcome.response is not None:
            row[self._field] = _vectors(outcome.response) if self._embeds else _text(outcome.response)
            row[self._usage] = dict(outcome.response.usage)
            if not self._embeds:
                row[self._finish] = finish_reason(outcome.response)
        elif outcome.error is not None:
            row[self._error] = _error(outcome.error, asked.number)
        return row


class OpenAIAnswers(Answers):
    """Makes lines of the output of OpenAI's batch format, which has no columns of the input."""

    def __init__(self, kind: str, field: str) -> None:
        super().__init__(kind, field)
        self.columns = {}

    def row(self, outcome: Outcome) -> dict[str, Any]:
        """Return the line for an outcome whose input was a `Row`."""
        asked: Row = outcome.input
        line: dict[str, Any] = {
            "id": f"batch_req_{asked.number}",
            "custom_id": asked.columns.get("custom_id"),
            "response": None,
            "error": None,
        }
        if outcome.response is not None:
            line["response"] = {
                "status_code": outcome.response.code,
                "request_id": outcome.response.request_id,
                "body": outcome.response.model_dump(),
            }
        elif outcome.error is not None:
            line["error"] = _error(outcome.error, asked.number)
        return line


def finish_reason(response: Response) -> str | None:
    """Return why an answer ended, in the words of v2."""
    return next((choice.finish_reason for choice in response.choices), None)


def _text(response: Response) -> Any:
    """Return the answer; where it calls tools and says nothing, these calls as JSON."""
    text = response.body.get("result")
    if not text and (
        calls := [call for choice in response.choices for call in choice.message.tool_calls or ()]
    ):
        return json_of(calls)
    return text


def _vectors(response: Response) -> Any:
    """Return the vector of a text, or of several texts theirs."""
    vectors = [item.get("embedding") for item in response.body.get("data") or ()]
    return vectors[0] if len(vectors) == 1 else vectors


def _error(error: QianfanError, line: int) -> dict[str, Any]:
    """Return an error as an object; OpenAI's has a code and a message too."""
    return {
        "code": error.code,
        "type": type(error).__name__,
        "message": error.message,
        "line": line,
        "request_id": error.request_id,
    }
