"""The bare transports: what an engineer writes who needs this one POST and nothing else."""

from __future__ import annotations

import hmac
from datetime import datetime, timezone
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import aiohttp
import orjson
import urllib3

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

PATH = "/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/eb-instant?access_token=24.x"
EMBEDDINGS = "/rpc/2.0/ai_custom/v1/wenxinworkshop/embeddings/embedding-v1?access_token=24.x"
HEADERS = {"Content-Type": "application/json"}

DETAIL = "/wenxinworkshop/finetune/jobDetail"
ACCESS_KEY, SECRET_KEY = "ALTAKbench0123456789abcd", b"0123456789abcdef0123456789abcdef"


def body(question: str, stream: bool) -> bytes:
    return orjson.dumps({"messages": [{"role": "user", "content": question}], "stream": stream})


def signed(host: str) -> dict[str, str]:
    stamp = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    prefix = f"bce-auth-v1/{ACCESS_KEY}/{stamp}/300"
    key = hmac.digest(SECRET_KEY, prefix.encode(), "sha256").hex()
    canonical = (
        f"POST\n{DETAIL}\n\ncontent-type:application%2Fjson\n"
        f"host:{quote(host, safe='')}\nx-bce-date:{quote(stamp, safe='')}"
    )
    signature = hmac.digest(key.encode(), canonical.encode(), "sha256").hex()
    authorization = f"{prefix}/content-type;host;x-bce-date/{signature}"
    return {**HEADERS, "Host": host, "x-bce-date": stamp, "Authorization": authorization}


class Sync:
    text = itemgetter("result")

    def __init__(self, server: str) -> None:
        self.pool = urllib3.PoolManager(maxsize=512)
        self.url = server + PATH
        self.embeddings = server + EMBEDDINGS
        self.host, self.detail = server.partition("://")[2], server + DETAIL

    def sign(self) -> str:
        return signed(self.host)["Authorization"]

    def look(self, job: int) -> int:
        body = orjson.dumps({"taskId": 88, "jobId": job})
        response = self.pool.request("POST", self.detail, body=body, headers=signed(self.host))
        return orjson.loads(response.data)["result"]["progress"]

    look_on_class = look

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
        self.host, self.detail = server.partition("://")[2], server + DETAIL

    async def look(self, job: int) -> int:
        body = orjson.dumps({"taskId": 88, "jobId": job})
        async with self.session.post(self.detail, data=body, headers=signed(self.host)) as response:
            return orjson.loads(await response.read())["result"]["progress"]

    look_on_class = look

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
