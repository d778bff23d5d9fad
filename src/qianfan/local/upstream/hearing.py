"""What an upstream says: its choice, whole or part by part, and what the whole of it cost."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import orjson

from qianfan.local import sse, tokens
from qianfan.local.chat import Answer
from qianfan.local.upstream.http import INTERNAL
from qianfan.local.upstream.server import CHAT
from qianfan.local.wire import Refusal, as_array, as_object, parse

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from qianfan.local.upstream.server import Upstream
    from qianfan.local.wire import Json

# What the engine calls the ends.
_FINISH = {"stop": "normal", "tool_calls": "function_call"}

_COUNTS = {"prompt_tokens", "completion_tokens", "total_tokens"}

_TEXTS = {"content", "reasoning_content"}


class Hearing:
    """One answer of an upstream's.

    Args:
        upstream: Who is asked.
        wish: What it is asked.
        prompt: Ten times the tokens of the question, by the platform's own count.
    """

    def __init__(self, upstream: Upstream, wish: Json, prompt: int) -> None:
        self._upstream = upstream
        self._wish = wish
        self._prompt = prompt
        self._output = 0
        self._told: Json = {}
        self._finish: str | None = None
        self._called: Json | None = None  # the first call, which is the only one that v1 knows
        self._id = ""  # of that call

    async def whole(self) -> Json:
        """Return the message of the whole answer.

        Raises:
            Refusal: There is none.
        """
        answer = await self._upstream.ask(CHAT, self._wish)
        message = self._heard(answer, "message")
        if message is None:
            raise Refusal(INTERNAL, "the upstream's answer has no message")
        self._finish = self._finish or "stop"
        return message

    async def parts(self) -> AsyncGenerator[Json, None]:
        """Give each part of the answer as it comes; what ended and cost it is known after the last.

        Raises:
            Refusal: The upstream refuses, cannot be reached, breaks off, or tells an error.
        """
        wish = {**self._wish, "stream": True, "stream_options": {"include_usage": True}}
        async with aclosing(self._upstream.stream(CHAT, wish)) as said:
            async for text in said:
                if text == sse.DONE:
                    self._finish = self._finish or "stop"
                    return
                chunk = as_object(parse(text.encode()))
                if chunk is None:
                    raise Refusal(INTERNAL, "the upstream's stream has an event that is no JSON object")
                if chunk.get("error"):
                    raise self._upstream.refusal(chunk)
                part = self._heard(chunk, "delta")
                if part:
                    yield part
        if self._finish is None:
            raise Refusal(INTERNAL, "the upstream's stream ended before its end mark")

    def answer(self, words: str = "") -> Answer:
        """Return the end of the answer, with some words before it, as the platform's engine would give it."""
        finish = "function_call" if self._called and self._finish == "stop" else self._finish or "stop"
        calls = (self._called,) if self._called else ()
        return Answer([words], 0, [0], _FINISH.get(finish, finish), calls, counted=self.usage())

    def usage(self) -> Json:
        """Return what was spent so far: as the upstream tells it, else by the platform's own count."""
        usage = {**tokens.usage(self._prompt, self._output), **self._told}
        if self._told and "total_tokens" not in self._told:
            usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
        return usage

    def _heard(self, body: Json, name: str) -> Json | None:
        """Return the message of a body, or the part of one; None where it has none."""
        usage = as_object(body.get("usage")) or {}
        self._told.update(
            (key, value)
            for key, value in usage.items()
            if isinstance(value, int) or (isinstance(value, dict) and key not in _COUNTS)
        )
        choice = as_object((as_array(body.get("choices")) or [None])[0]) or {}
        if isinstance(choice.get("finish_reason"), str):
            self._finish = choice["finish_reason"]
        said = as_object(choice.get(name)) or as_object(choice.get("message"))
        if said is None:
            return None
        part = {key: value for key, value in said.items() if value is not None}
        if "reasoning" in part:  # what newer servers call it
            part.setdefault("reasoning_content", part.pop("reasoning"))
        for key in _TEXTS & part.keys():
            part[key] = _text(part[key])
            self._output += tokens.tenths(part[key])
        for fragment in as_array(part.get("tool_calls")) or ():
            self._add(as_object(fragment) or {})
        return part

    def _add(self, fragment: Json) -> None:
        """Add a part of a call, if it is one of the first."""
        identifier, function = fragment.get("id") or "", as_object(fragment.get("function")) or {}
        if fragment.get("index"):
            return
        if self._called is None:
            self._id, self._called = identifier, {"name": "", "arguments": ""}
        if identifier and identifier != self._id:  # of servers that count calls by nothing else
            return
        for key in self._called:
            words = _text(function.get(key))
            self._called[key] += words
            self._output += tokens.tenths(words)


def _text(value: Any) -> str:
    """Return a text, the text of a message's parts, or JSON as a text."""
    if isinstance(value, str):
        return value
    parts = as_array(value)
    if parts is not None:
        texts = ((as_object(part) or {}).get("text") for part in parts)
        return "".join(text for text in texts if isinstance(text, str))
    return "" if value is None else orjson.dumps(value).decode()
