"""This project, by its classic surface, on v1."""

from __future__ import annotations

import os
import time
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import qianfan

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable


def chat(server: str) -> qianfan.ChatCompletion:
    os.environ["QIANFAN_BASE_URL"] = server
    if "BENCH_NO_TOKEN" in os.environ:
        return qianfan.ChatCompletion(ak="ak", sk="sk")
    return qianfan.ChatCompletion(access_token="24.x")


KEYS = {"access_key": "ALTAKbench0123456789abcd", "secret_key": "0123456789abcdef0123456789abcdef"}


class Console:
    """The console's calls, on a client and on the class; made when first used, as one contestant has none."""

    @cached_property
    def client(self) -> Any:
        os.environ["QIANFAN_CONSOLE_API_BASE_URL"] = os.environ["QIANFAN_BASE_URL"]
        os.environ["QIANFAN_ACCESS_KEY"], os.environ["QIANFAN_SECRET_KEY"] = KEYS.values()
        return qianfan.Qianfan()

    @cached_property
    def finetune(self) -> Any:
        return type(self.client.finetune)


class Signer:
    """Makes signatures as a call does: a flow that asks for the date."""

    def __init__(self, server: str) -> None:
        from qianfan.core.auth.iam import IamAuth
        from qianfan.core.http import Request
        from qianfan.core.retry import RetryPolicy

        self.auth, self.policy = IamAuth(**KEYS), RetryPolicy()
        url = f"{server}/wenxinworkshop/finetune/jobDetail"
        self.request = Request("POST", url, {"Content-Type": "application/json"})

    def sign(self) -> str:
        flow = self.auth.authorise(self.request, 0.0, self.policy)
        next(flow)
        try:
            flow.send(time.time())
        except StopIteration as stop:
            return stop.value.headers["Authorization"]
        raise AssertionError("a signature asks for nothing but the date")


class Sync(Console):
    text = itemgetter("result")

    def __init__(self, server: str) -> None:
        self.chat = chat(server)
        self.embedding = qianfan.Embedding(access_token="24.x")

    @cached_property
    def sign(self) -> Callable[[], str]:
        return Signer(os.environ["QIANFAN_BASE_URL"]).sign

    def look(self, job: int) -> int:
        return self.client.finetune.get_job(88, job)["result"]["progress"]

    def look_on_class(self, job: int) -> int:
        return self.finetune.get_job(88, job)["result"]["progress"]

    def embed(self, texts: list[str]) -> list[list[float]]:
        return [item["embedding"] for item in self.embedding.do(texts=texts)["data"]]

    def ask(self, question: str) -> str:
        return self.chat.do(messages=[{"role": "user", "content": question}])["result"]

    def stream(self, question: str) -> Iterable[Any]:
        return self.chat.do(messages=[{"role": "user", "content": question}], stream=True)


class Async(Console):
    text = itemgetter("result")

    def __init__(self, server: str) -> None:
        self.chat = chat(server)
        self.embedding = qianfan.Embedding(access_token="24.x")

    async def look(self, job: int) -> int:
        return (await self.client.finetune.aget_job(88, job))["result"]["progress"]

    async def look_on_class(self, job: int) -> int:
        return (await self.finetune.aget_job(88, job))["result"]["progress"]

    async def embed(self, texts: list[str]) -> list[list[float]]:
        return [item["embedding"] for item in (await self.embedding.ado(texts=texts))["data"]]

    async def ask(self, question: str) -> str:
        return (await self.chat.ado(messages=[{"role": "user", "content": question}]))["result"]

    async def stream(self, question: str) -> AsyncIterable[Any]:
        return await self.chat.ado(messages=[{"role": "user", "content": question}], stream=True)
