"""The OpenAI SDK with its default settings, on v2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openai import AsyncOpenAI, OpenAI

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable

MODEL = "ernie-4.5-turbo-128k"


class Sync:
    def __init__(self, server: str) -> None:
        self.client = OpenAI(api_key="bce-v3/x", base_url=server + "/v2")

    def embed(self, texts: list[str]) -> list[list[float]]:
        reply = self.client.embeddings.create(model="embedding-v1", input=texts, encoding_format="float")
        return [item.embedding for item in reply.data]

    def ask(self, question: str) -> str:
        reply = self.client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": question}]
        )
        return reply.choices[0].message.content or ""

    def stream(self, question: str) -> Iterable[Any]:
        messages = [{"role": "user", "content": question}]
        return self.client.chat.completions.create(model=MODEL, messages=messages, stream=True)

    @staticmethod
    def text(event: Any) -> str:
        return event.choices[0].delta.content


class Async:
    def __init__(self, server: str) -> None:
        self.client = AsyncOpenAI(api_key="bce-v3/x", base_url=server + "/v2")

    async def embed(self, texts: list[str]) -> list[list[float]]:
        reply = await self.client.embeddings.create(
            model="embedding-v1", input=texts, encoding_format="float"
        )
        return [item.embedding for item in reply.data]

    async def ask(self, question: str) -> str:
        messages = [{"role": "user", "content": question}]
        reply = await self.client.chat.completions.create(model=MODEL, messages=messages)
        return reply.choices[0].message.content or ""

    async def stream(self, question: str) -> AsyncIterable[Any]:
        messages = [{"role": "user", "content": question}]
        return await self.client.chat.completions.create(model=MODEL, messages=messages, stream=True)

    text = staticmethod(Sync.text)
