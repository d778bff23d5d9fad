"""Chat: from a question that keeps the rules to the wire's answer, whole or as a stream."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

import orjson

from qianfan.local import captions, functions, replies, rules, schemas, tokens
from qianfan.local.handler import Served
from qianfan.local.wire import Reply, new_id

if TYPE_CHECKING:
    from qianfan.catalog import Model
    from qianfan.local.console.examples import Examples
    from qianfan.local.handler import Asked
    from qianfan.local.rules import Question
    from qianfan.local.wire import Json

OBJECT = "chat.completion"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the platform says to a question, before it takes the shape of the wire.

    Attributes:
        pieces: The result, cut as a stream delivers it; the thoughts before it are cut likewise.
        prompt: Ten times the tokens of the question, history and functions included.
        output: Ten times the tokens of the answer's pieces, or of its function call, one by one.
        finish: The `finish_reason`.
        calls: The function calls, in place of words.
        thoughts: How many of the pieces are thoughts.
        counted: Fields of the usage that are told in place of what was counted.
        found: The results of a search, or None.
        delay: Seconds from the call to the first piece.
        between: Seconds from each piece to the next; None: as many as the platform's options say.
    """

    pieces: list[str]
    prompt: int
    output: list[int]
    finish: str = "normal"
    calls: tuple[Json, ...] = ()
    thoughts: int = 0
    counted: Json | None = None
    found: list[Json] | None = None
    delay: float = 0.0
    between: float | None = None

    def usage(self) -> Json:
        """Return the usage of the whole answer."""
        usage: Json = {**tokens.usage(self.prompt, sum(self.output))}
        if self.counted is not None:
            usage |= self.counted
            total = usage["prompt_tokens"] + usage["completion_tokens"]
            usage["total_tokens"] = self.counted.get("total_tokens", total)
        return usage

    def usages(self) -> list[Json]:
        """Return the usage up to each of the pieces, as the events of a stream tell it."""
        *before, _ = accumulate(self.output)
        return [*(tokens.usage(self.prompt, spent) for spent in before), self.usage()]


def handle(asked: Asked) -> Served:
    """Answer a chat request."""
    question = rules.validate(asked.content, asked.model)
    return told(asked, question, answer(question, asked))


def told(asked: Asked, question: Question, given: Answer) -> Served:
    """Return what a question is answered, as v1 tells it."""
    return served(encode(given, asked.model, int(asked.now), stream=question.stream), given)


def served(reply: Reply, given: Answer) -> Served:
    """Return an answer in its shape, which leaves at its pace and is charged for its tokens."""
    reply.delay, reply.between = given.delay, given.between
    if reply.events is None and given.between is not None:  # a whole answer comes when its stream would end
        reply.delay += given.between * (len(given.pieces) - 1)
    return Served(reply, given.usage()["total_tokens"])


def answer(question: Question, asked: Asked) -> Answer:
    """Answer a question: as the script says, else as the platform does by itself."""
    return scripted(question, asked) or composed(question, asked.now, asked.learnt)


def scripted(question: Question, asked: Asked) -> Answer | None:
    """Return what the script says to a question, if it says anything."""
    return asked.script.answer(question, asked) if asked.script else None


def known(question: Question, asked: Asked) -> Answer | None:
    """Return what the platform's user has said is the answer, by the script or by what a model was tuned with."""
    return scripted(question, asked) or _recalled(question, asked.learnt)


def _recalled(question: Question, learnt: Examples | None) -> Answer | None:
    last = question.messages[-1]
    if learnt is None or last["role"] != "user":
        return None
    words = learnt.nearest(last.get("content") or "")
    return None if words is None else limited(words, prompt_tenths(question), question)


def composed(question: Question, now: float, learnt: Examples | None = None) -> Answer:
    """Answer a question: by a refusal, what was learnt, a function call, or in other words."""
    prompt = prompt_tenths(question)
    last = question.messages[-1]
    text = last.get("content") or ""
    if last["role"] == "user":
        if replies.is_unsafe(text):
            return spoken(replies.refusal(tokens.language(text)), prompt, "content_filter")
        if (recalled := _recalled(question, learnt)) is not None:
            return recalled
        if question.functions and (calls := _calls(question, text, now)):
            thinking = tokens.pieces(_thoughts(question))
            spent = sum(tokens.tenths(" ".join(called.values())) for called in calls)
            return Answer(
                [*(piece for piece, _ in thinking), ""],
                prompt,
                [*(cost for _, cost in thinking), spent],
                "function_call",
                tuple(calls),
                len(thinking),
            )
    return limited(_words(question, text, now), prompt, question)


def _calls(question: Question, text: str, now: float) -> list[Json]:
    return functions.calls(
        question.functions,
        text,
        now,
        chosen=question.chosen,
        must=question.must_call,
        several=question.several,
        explains=question.explains,
    )


def _words(question: Question, text: str, now: float) -> str:
    if question.schema is not None:
        return orjson.dumps(schemas.Filler(question.schema, text, now).fill()).decode()
    talk = replies.talk(question.messages, question.system, now, question.note)
    if question.json:
        return replies.compose_json(talk)
    return captions.describe(question.images, text) if question.images else replies.compose(talk)


def _thoughts(question: Question) -> str:
    last = question.messages[-1]
    return replies.think(last.get("content") or "") if question.thinks else ""


def encode(given: Answer, model: Model | None, created: int, *, stream: bool) -> Reply:
    """Give an answer the shape of the wire."""
    head: Json = {"id": new_id(), "object": OBJECT, "created": created}
    found = {} if given.found is None else {"search_info": {"search_results": given.found}}
    if not stream:
        return Reply(
            {
                **head,
                **found,
                "result": "".join(given.pieces),
                "is_truncated": given.finish == "length",
                **_verdict(given, model),
                "usage": given.usage(),
            }
        )
    last = len(given.pieces) - 1
    events = [
        event(head, index, piece, usage, model, given if index == last else None)
        for index, (piece, usage) in enumerate(zip(given.pieces, given.usages(), strict=True))
    ]
    events[0].update(found)
    return Reply(events=events)


def event(
    head: Json, index: int, piece: str, usage: Json, model: Model | None = None, ended: Answer | None = None
) -> Json:
    """Return an event of a stream.

    Args:
        head: What every event has.
        index: Which of the events it is, counted from 0.
        piece: What it says.
        usage: What was spent up to it.
        model: Whose answer ends with it.
        ended: The answer that ends with it; None of every other event.
    """
    return {
        **head,
        "sentence_id": index,
        "is_end": ended is not None,
        "is_truncated": ended is not None and ended.finish == "length",
        "result": piece,
        **({"need_clear_history": False} if ended is None else _verdict(ended, model)),
        "usage": usage,
    }


def _verdict(given: Answer, model: Model | None) -> Json:
    """Return what is known at an answer's end; only ERNIE models give a finish_reason."""
    unsafe = given.finish == "content_filter"
    verdict: Json = {"need_clear_history": unsafe}
    if unsafe:
        verdict["ban_round"] = -1  # the current question
    if model is None or model.name.startswith(("ERNIE", "EB")):
        verdict["finish_reason"] = given.finish
    else:
        verdict["is_safe"] = int(not unsafe)
    if given.calls:
        verdict["function_call"] = given.calls[0]
    return verdict


def prompt_tenths(question: Question) -> int:
    """Return ten times the tokens of a question, history and functions included."""
    texts = [question.system]
    for message in question.messages:
        texts.append(message.get("content") or "")
        if message["role"] == "assistant":
            called = message.get("function_calls") or filter(None, [message.get("function_call")])
            texts += (f"{it['name']} {it.get('arguments', '')}" for it in called)
    if question.functions:
        texts.append(orjson.dumps(question.functions).decode())
    return sum(map(tokens.tenths, texts))


def limited(words: str, prompt: int, question: Question) -> Answer:
    """Cut the words at the first stop sequence, then thoughts and words at the most tokens asked for."""
    finish = "normal"
    ends = [end for sequence in question.stop if (end := words.find(sequence)) >= 0]
    if ends:
        words, finish = words[: min(ends)], "stop"
    return spoken(words, prompt, finish, question.max_output_tokens, _thoughts(question))


def spoken(
    words: str, prompt: int, finish: str = "normal", most: int | None = None, thoughts: str = ""
) -> Answer:
    """Return the answer that says some words, after some thoughts, of at most so many tokens together."""
    thinking = tokens.pieces(thoughts)
    pieces = thinking + (tokens.pieces(words) or [("", 0)])
    if most is not None and sum(cost for _, cost in pieces) // 10 > most:
        spent = accumulate(cost for _, cost in pieces)
        pieces = [piece for piece, total in zip(pieces, spent, strict=True) if total // 10 <= most] or [
            ("", 0)
        ]
        finish = "length"
    texts, costs = [piece for piece, _ in pieces], [cost for _, cost in pieces]
    return Answer(texts, prompt, costs, finish, thoughts=min(len(thinking), len(pieces)))
