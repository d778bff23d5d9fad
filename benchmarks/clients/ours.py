"""This project, by its classic surface, on v1."""

from __future__ import annotations

import os
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import qianfan

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable


def chat(server: str) -> qianfan.ChatCompletion:
    os.environ["QIANFAN_BASE_URL"] = server
    if "BENCH_NO_TOKEN" in os.environ:
        return qianfan.ChatCompletion(ak="ak", sk="sk")
    return qianfan.ChatCompletion(access_token="24.x")


class Sync:
    text = itemgetter("result")

    def __init__(self, server: str) -> None:
        self.chat = chat(server)
        self.embedding = qianfan.Embedding(access_token="24.x")

    def embed(self, texts: list[str]) -> list[list[float]]:
        return [item["embedding"] for item in self.embedding.do(texts=texts)["data"]]

    def ask(self, question: str) -> str:
        return self.chat.do(messages=[{"role": "user", "content": question}])["result"]

    def stream(self, question: str) -> Iterable[Any]:
        return self.chat.do(messages=[{"role": "user", "content": question}], stream=True)


class Async:
    text = itemgetter("result")

    def __init__(self, server: str) -> None:
        self.chat = chat(server)
        self.embedding = qianfan.Embedding(access_token="24.x")

    async def embed(self, texts: list[str]) -> list[list[float]]:
        return [item["embedding"] for item in (await self.embedding.ado(texts=texts))["data"]]

    async def ask(self, question: str) -> str:
        return (await self.chat.ado(messages=[{"role": "user", "content": question}]))["result"]

    async def stream(self, question: str) -> AsyncIterable[Any]:
        return await self.chat.ado(messages=[{"role": "user", "content": question}], stream=True)
