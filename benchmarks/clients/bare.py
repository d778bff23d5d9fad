"""The bare transports: what an engineer writes who needs this one POST and nothing else."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson
import urllib3

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

PATH = "/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/eb-instant?access_token=24.x"
EMBEDDINGS = "/rpc/2.0/ai_custom/v1/wenxinworkshop/embeddings/embedding-v1?access_token=24.x"
HEADERS = {"Content-Type": "application/json"}


def body(question: str, stream: bool) -> bytes:
    return orjson.dumps({"messages": [{"role": "user", "content": question}], "stream": stream})


class Sync:
    text = itemgetter("result")

    def __init__(self, server: str) -> None:
        self.pool = urllib3.PoolManager(maxsize=512)
        self.url = server + PATH
        self.embeddings = server + EMBEDDINGS

    def embed(self, texts: list[str]) -> list[list[float]]:
        body = orjson.dumps({"input": texts})
        response = self.pool.request("POST", self.embeddings, body=body, headers=HEADERS)
        return [item["embedding"] for item in orjson.loads(response.data)["data"]]

    def ask(self, question: str) -> str:
        response = self.pool.request("POST", self.url, body=body(question, stream=False), headers=HEADERS)
        return orjson.loads(response.data)["result"]

    def stream(self, question: str) -> Iterator[dict[str, Any]]:
        response = self.pool.request(
            "POST", self.url, body=body(question, stream=True), headers=HEADERS, preload_content=False
        )
        rest = b""
        for data in response.stream():
            lines = (rest + data).split(b"\n")
            rest = lines.pop()
            for line in lines:
                if line:
                    yield orjson.loads(line[6:])
        response.release_conn()


class Async:
    text = itemgetter("result")

    def __init__(self, server: str) -> None:
        self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self.url = server + PATH
        self.embeddings = server + EMBEDDINGS

    async def embed(self, texts: list[str]) -> list[list[float]]:
        body = orjson.dumps({"input": texts})
        async with self.session.post(self.embeddings, data=body, headers=HEADERS) as response:
            return [item["embedding"] for item in orjson.loads(await response.read())["data"]]

    async def ask(self, question: str) -> str:
        async with self.session.post(
            self.url, data=body(question, stream=False), headers=HEADERS
        ) as response:
            return orjson.loads(await response.read())["result"]

    async def stream(self, question: str) -> AsyncIterator[dict[str, Any]]:
        return self.events(question)

    async def events(self, question: str) -> AsyncIterator[dict[str, Any]]:
        async with self.session.post(self.url, data=body(question, stream=True), headers=HEADERS) as response:
            rest = b""
            async for data in response.content.iter_any():
                lines = (rest + data).split(b"\n")
                rest = lines.pop()
                for line in lines:
                    if line:
                        yield orjson.loads(line[6:])
