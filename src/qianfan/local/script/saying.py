"""A saying: what a rule says in one turn, in which pieces, how fast, and how it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

from qianfan.local import tokens
from qianfan.local.chat import Answer
from qianfan.local.script.words import UNSAID, as_text, ask, cut, filled, name_of, priced, say, shown
from qianfan.local.wire import Refusal

if TYPE_CHECKING:
    from qianfan.local.script.turn import Turn
    from qianfan.local.script.words import Fill, Words
    from qianfan.local.wire import Json

#: A call of a function: its name, and its arguments as an object, or as the text that is sent.
Called: TypeAlias = "tuple[str, Mapping[str, Any] | str]"

_FINISH = {"tool_calls": "function_call"}  # what v1 calls an end of v2


class Says(TypedDict, total=False):
    """What is said in one turn: one of `with_`, `chunks` and `calls`, and how.

    Attributes:
        with_: The words: a text, an object that is said as JSON, or a function that returns either. Of a
            list, each call gets the next.
        chunks: The words, as the events of a stream bring them.
        calls: The function calls, or a function that returns them. On v1, whose answers have one call
            each, they come turn by turn.
        chunk_size: How many characters of `with_` each event of a stream brings.
        first_token: Seconds of the platform's clock from the call to the first event of a stream.
        between: Seconds from each event to the next. An answer that is no stream comes when its stream
            would end.
        usage: Fields of the usage, in place of what the platform counts.
        finish_reason: How it ends, in the words of either version.
        reasoning: What is thought before: `reasoning_content` on v2, on v1 the `thoughts` of a call.
        search_results: What was found on the web; on v1 in `search_info`.
    """

    with_: Words | Sequence[Words]
    chunks: Sequence[str]
    calls: Sequence[Called] | Callable[[Turn], Sequence[Called]]
    chunk_size: int
    first_token: float
    between: float
    usage: Mapping[str, Any]
    finish_reason: str
    reasoning: str
    search_results: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, eq=False, kw_only=True)
class Saying:
    """What is said in one turn; `Says` tells what each means. Of the first three, two are empty."""

    with_: tuple[Words, ...] = ()
    chunks: Sequence[str] = ()
    calls: tuple[Called, ...] | Callable[[Turn], Sequence[Called]] = ()
    chunk_size: int | None = None
    first_token: float = 0.0
    between: float | None = None
    usage: Mapping[str, Any] | None = None
    finish_reason: str | None = None
    reasoning: str = ""
    search_results: Sequence[Mapping[str, Any]] | None = None

    def __repr__(self) -> str:
        if callable(self.calls):
            return f"{name_of(self.calls)}()"
        texts = (*self.with_, *self.chunks)
        return ", ".join([*map(shown, texts), *(f"{name}()" for name, _ in self.calls)])

    @property
    def runs_code(self) -> bool:
        """Whether a function of the user's decides what is said."""
        return callable(self.calls) or any(map(callable, self.with_))

    def one_by_one(self) -> list[Saying]:
        """Return what v1 says in its place: one call in each turn."""
        if callable(self.calls) or len(self.calls) < 2:
            return [self]
        return [replace(self, calls=(called,)) for called in self.calls]

    def answer(self, turn: Turn, number: int, fill: Fill, prompt: int) -> Answer:
        """Return the answer that says it.

        Args:
            turn: What was asked.
            number: Which of the words are said, from 0.
            fill: What fills in the texts.
            prompt: Ten times the tokens of what was asked.

        Raises:
            Refusal: A function of the user's failed, or there is nothing to call.
        """
        thoughts, counted = fill(self.reasoning), self.usage or {}
        thinking = cut(thoughts, self.chunk_size) if thoughts and turn.version == 2 else []
        calls = self._called(turn, fill, thoughts) if self.calls else []
        if calls:
            said = [("", sum(tokens.tenths(f"{it['name']} {it['arguments']}") for it in calls))]
        elif self.chunks:
            said = priced([fill(chunk) for chunk in self.chunks])
        else:
            said = cut(say(self.with_[number], turn, fill), self.chunk_size)
        pieces = [*thinking, *said]
        finish = self.finish_reason or ("function_call" if calls else "normal")
        return Answer(
            pieces=[piece for piece, _ in pieces],
            prompt=10 * counted["prompt_tokens"] if "prompt_tokens" in counted else prompt,
            output=[cost for _, cost in pieces],
            finish=_FINISH.get(finish, finish),
            calls=tuple(calls),
            thoughts=len(thinking),
            counted=dict(counted) or None,
            found=self._found(),
            delay=self.first_token,
            between=self.between,
        )

    def _found(self) -> list[Json] | None:
        """Return the results of a search, numbered."""
        if self.search_results is None:
            return None
        return [{"index": number, **result} for number, result in enumerate(self.search_results, start=1)]

    def _called(self, turn: Turn, fill: Fill, thoughts: str) -> list[Json]:
        """Return the calls as v1 writes them."""
        given = ask(self.calls, turn, read_calls) if callable(self.calls) else self.calls
        names = ", ".join(name for name, _ in given)
        if not turn.functions:
            raise Refusal(UNSAID, f"the script calls {names}, but the request offers no functions")
        if turn.version == 1 and len(given) > 1:
            raise Refusal(UNSAID, f"the script calls {names} at once, which v1 cannot answer")
        thought = {"thoughts": thoughts} if thoughts and turn.version == 1 else {}
        return [{"name": name, **thought, "arguments": as_text(filled(it, fill))} for name, it in given]


def read_calls(value: Any) -> tuple[Called, ...]:
    """Return function calls, each given as its name and its arguments, or as an object of these.

    Raises:
        ValueError: They are given otherwise.
    """
    given = [_read_call(item) for item in value] if isinstance(value, list | tuple) else []
    calls = tuple(call for call in given if call is not None)
    if not calls or len(calls) < len(given):
        raise ValueError(f'calls must be like [("get_weather", {{"city": "北京"}})], not {value!r}')
    return calls


def _read_call(value: Any) -> Called | None:
    match value:
        case (str(name), (str() | Mapping()) as arguments) if name:
            return name, arguments
        case {"name": str(name), "arguments": (str() | Mapping()) as arguments} if name:
            return name, arguments
        case _:
            return None
