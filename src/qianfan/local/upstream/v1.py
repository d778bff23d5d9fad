"""The services of v1 whose words an upstream has: translated there and back."""

from __future__ import annotations

from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING

from qianfan.local import chat, completion, embedding, rules
from qianfan.local.upstream import answers, vectors, wishes
from qianfan.local.upstream.hearing import Hearing
from qianfan.local.wire import new_id

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from qianfan.local.handler import Asked, Handler, Served
    from qianfan.local.rules import Question
    from qianfan.local.upstream.server import Upstream
    from qianfan.local.wire import Json

_THOUGHTS = "reasoning_content"


def handlers(upstream: Upstream) -> dict[str, Handler]:
    """Return what answers in place of the platform's own, by family."""
    return {
        "chat": partial(_chat, upstream),
        "completion": partial(_completion, upstream),
        "embedding": partial(_embedding, upstream),
    }


def _chat(upstream: Upstream, asked: Asked) -> Served:
    question = rules.validate(asked.content, asked.model)
    own = chat.known(question, asked)
    if own is not None:
        return chat.told(asked, question, own)
    hearing = _hearing(upstream, "chat", asked, question)
    if question.stream:
        return answers.stream(asked, hearing, _chat_events(asked, hearing), done=False)

    def shape(message: Json) -> Json:
        given = hearing.answer(message.get("content", ""))
        body = chat.encode(given, asked.model, int(asked.now), stream=False).body
        return {**body, **_thought(message)}

    return answers.whole(asked, hearing, shape)


async def _chat_events(asked: Asked, hearing: Hearing) -> AsyncGenerator[Json, None]:
    head = {"id": new_id(), "object": chat.OBJECT, "created": int(asked.now)}
    index = 0
    async with aclosing(hearing.parts()) as parts:
        async for part in parts:
            words, thought = part.get("content", ""), _thought(part)
            if words or thought:
                yield {**chat.event(head, index, words, hearing.usage()), **thought}
                index += 1
    yield chat.event(head, index, "", hearing.usage(), asked.model, hearing.answer())


def _completion(upstream: Upstream, asked: Asked) -> Served:
    question = completion.read(asked)
    own = chat.scripted(question, asked)
    if own is not None:
        return completion.told(asked, question, own)
    hearing = _hearing(upstream, "completion", asked, question)
    if question.stream:
        return answers.stream(asked, hearing, _completion_events(asked, hearing), done=False)

    def shape(message: Json) -> Json:
        given = hearing.answer(message.get("content", ""))
        return completion.encode(given, int(asked.now), stream=False).body

    return answers.whole(asked, hearing, shape)


async def _completion_events(asked: Asked, hearing: Hearing) -> AsyncGenerator[Json, None]:
    head = {"id": new_id(), "object": completion.OBJECT, "created": int(asked.now)}
    index = 0
    async with aclosing(hearing.parts()) as parts:
        async for part in parts:
            if words := part.get("content"):
                yield completion.event(head, index, words, hearing.usage(), hearing.answer(), is_end=False)
                index += 1
    yield completion.event(head, index, "", hearing.usage(), hearing.answer(), is_end=True)


def _embedding(upstream: Upstream, asked: Asked) -> Served:
    wish = {"model": upstream.names.of("embedding", asked.endpoint, asked.model)}
    return vectors.served(upstream, asked, embedding.read(asked), wish)


def _hearing(upstream: Upstream, kind: str, asked: Asked, question: Question) -> Hearing:
    model = upstream.names.of(kind, asked.endpoint, asked.model)
    wish = {"model": model, **wishes.of_v1(asked.content, question)}
    return Hearing(upstream, wish, chat.prompt_tenths(question))


def _thought(said: Json) -> Json:
    return {_THOUGHTS: said[_THOUGHTS]} if said.get(_THOUGHTS) else {}
