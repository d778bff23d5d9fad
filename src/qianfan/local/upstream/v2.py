"""The services of v2 whose words an upstream has: bodies and answers are nearly its own."""

from __future__ import annotations

from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING

from qianfan.local.chat import known, prompt_tenths, scripted
from qianfan.local.embedding import read
from qianfan.local.upstream import answers, vectors, wishes
from qianfan.local.upstream.hearing import Hearing
from qianfan.local.v2 import chat, completion, fields
from qianfan.local.v2.embedding import as_on_v1

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from qianfan.local.handler import Asked, Handler, Served
    from qianfan.local.rules import Question
    from qianfan.local.upstream.server import Upstream
    from qianfan.local.wire import Json


def handlers(upstream: Upstream) -> dict[str, Handler]:
    """Return what answers in place of the platform's own, by kind."""
    return {
        "chat": partial(_chat, upstream),
        "completion": partial(_completion, upstream),
        "embedding": partial(_embedding, upstream),
    }


def _chat(upstream: Upstream, asked: Asked) -> Served:
    question = chat.read(asked)
    own = known(question, asked)
    if own is not None:
        return chat.told(asked, question, own)
    hearing = _hearing(upstream, "chat", asked, question)
    head = chat.head(asked, question)
    if question.stream:
        chunks = _chunks(asked, hearing, head, lambda part: {"delta": part})
        return answers.stream(asked, hearing, chunks, done=True)

    def shape(message: Json) -> Json:
        said = {"role": "assistant", "content": "", **message}
        choice = {"index": 0, "message": said, **chat.end(hearing.answer())}
        return {**head, "choices": [choice], "usage": hearing.usage()}

    return answers.whole(asked, hearing, shape)


def _completion(upstream: Upstream, asked: Asked) -> Served:
    question = completion.read(asked)
    own = scripted(question, asked)
    if own is not None:
        return completion.told(asked, question, own)
    hearing = _hearing(upstream, "completion", asked, question)
    head = completion.head(asked)
    if question.stream:
        chunks = _chunks(asked, hearing, head, lambda part: {"text": part.get("content", "")})
        return answers.stream(asked, hearing, chunks, done=True)

    def shape(message: Json) -> Json:
        finish = completion.finish(hearing.answer())
        choice = {"index": 0, "text": message.get("content", ""), "finish_reason": finish}
        return {**head, "choices": [choice], "usage": hearing.usage()}

    return answers.whole(asked, hearing, shape)


async def _chunks(
    asked: Asked, hearing: Hearing, head: Json, shape: Callable[[Json], Json]
) -> AsyncGenerator[Json, None]:
    """Give the chunks of a stream; the end comes in one of its own."""
    async with aclosing(hearing.parts()) as parts:
        async for part in parts:
            yield {**head, "choices": [{"index": 0, **shape(part), "flag": chat.SAFE}]}
    yield {**head, "choices": [{"index": 0, **shape({}), **chat.end(hearing.answer())}]}
    if fields.wants_usage(asked.content):
        yield {**head, "choices": [], "usage": hearing.usage()}


def _embedding(upstream: Upstream, asked: Asked) -> Served:
    body = asked.content
    wish = {name: body[name] for name in ("dimensions", "user") if body.get(name) is not None}
    wish["model"] = upstream.names.of("embedding", body["model"])
    return vectors.served(upstream, asked, read(as_on_v1(asked)), wish)


def _hearing(upstream: Upstream, kind: str, asked: Asked, question: Question) -> Hearing:
    body = asked.content
    wish = {"model": upstream.names.of(kind, body["model"]), **wishes.of_v2(body)}
    return Hearing(upstream, wish, prompt_tenths(question))
