"""A turn of a conversation: what a model is asked, as the rules of a script and their functions see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qianfan.local import names

if TYPE_CHECKING:
    from qianfan.local.handler import Asked
    from qianfan.local.rules import Question
    from qianfan.local.wire import Json

# Fields of a body that a turn has attributes for.
_TOLD = frozenset(
    {"messages", "prompt", "query", "history", "system", "stream", "functions", "tools", "model"}
)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a model is asked, in the same shape whichever version of the API was called.

    Attributes:
        text: What the user said last; of other kinds than chat the prompt or query.
        messages: The conversation, as v1 writes it: the answers of tools are messages of `function`.
        system: The persona, or "".
        kind: `chat`, `completion`, `plugin`, `erniebot` or `image2text`.
        version: 1 or 2.
        model: The catalogue's name of the model; on v2 what the request calls it; else the endpoint.
        endpoint: The last part of v1's URL; on v2 of the same model's, or its id.
        functions: The functions or tools that may be called, as v1 writes them.
        stream: Whether the answer is a stream.
        parameters: All other fields of the request, as they came.
    """

    text: str
    messages: list[Json]
    system: str
    kind: str
    version: int
    model: str
    endpoint: str
    functions: tuple[Json, ...]
    stream: bool
    parameters: dict[str, Any]

    @property
    def number(self) -> int:
        """Which of the user's turns it is, from 1."""
        return sum(message["role"] == "user" for message in self.messages)

    @property
    def results(self) -> list[Json]:
        """What functions returned since the user spoke, oldest first: messages with `name` and `content`."""
        last = max((n for n, it in enumerate(self.messages) if it["role"] == "user"), default=-1)
        return [message for message in self.messages[last + 1 :] if message["role"] == "function"]

    @property
    def result(self) -> str:
        """What the last of these functions returned; "" where none did."""
        return (self.results or [{}])[-1].get("content") or ""

    def said(self, before: int) -> str | None:
        """Return what the user said before the last so many answers; None where a function spoke there."""
        for message in reversed(self.messages):
            if message["role"] == "assistant":
                before -= 1
            if before < 0:
                break
            if message["role"] == "user" and not before:
                return message.get("content") or ""
        return None

    def is_of(self, model: str) -> bool:
        """Return whether it is a model that is asked, by any of the names the catalogue has for it."""
        asked = {self.model.casefold(), self.endpoint.casefold()}
        return not asked.isdisjoint(names.all_of(self.kind, model))


def turn(question: Question, asked: Asked) -> Turn:
    """Return the turn that a question is."""
    call, content = asked.call, asked.content
    spoken = (it.get("content") or "" for it in reversed(question.messages) if it["role"] == "user")
    return Turn(
        text=next(spoken, ""),
        messages=question.messages,
        system=question.system,
        kind=call.route,
        version=call.version or 1,
        model=call.model or asked.endpoint,
        endpoint=asked.endpoint,
        functions=question.functions,
        stream=bool(content.get("stream")),
        parameters={name: value for name, value in content.items() if name not in _TOLD},
    )
