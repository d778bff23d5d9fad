"""The bare server: canned answers over raw asyncio, so that the client's work is what is measured.

It speaks OAuth, chat and embeddings of v1 and v2, and the detail of a job of fine-tuning. The answer to
any embedding is 16 vectors of 384 numbers. The last user message of a chat says which answer is wanted:

    "burst 500"    500 events, each an HTTP chunk of its own, all in one write
    "packed 500"   500 events in HTTP chunks of 16 KiB, as a buffering proxy passes them on, in one write
    "paced 500"    500 events, each a chunk and a write of its own, a millisecond apart
    "hold"         a first event, and then the stream stays open

A request without ``stream`` gets the unary answer. ``GET /stats`` tells what was counted.
"""

from __future__ import annotations

import asyncio
import functools
import json
import math
import os
import sys
from typing import Any

TEXT = "你好，很高兴见到你。千帆大模型平台提供了多种模型的推理与精调服务，" * 4
PIECE = "，很高兴见到你。"
PACK = 16384  # bytes in a chunk of a packed stream
GAP = 0.001  # seconds between the events of a paced stream
TOKEN_DELAY = 0.05  # seconds a token takes, so that callers who start together do meet

USAGE = {"prompt_tokens": 4, "completion_tokens": 160, "total_tokens": 164}
HEAD_V1 = {"id": "as-7c2kq0v9x1", "object": "chat.completion", "created": 1698140000}
FLAGS_V1 = {"is_truncated": False, "need_clear_history": False}
HEAD_V2 = {"id": "as-abcde12345", "created": 1730800000, "model": "ernie-4.5-turbo-128k"}

UNARY_V1 = {**HEAD_V1, "result": TEXT, **FLAGS_V1, "finish_reason": "normal", "usage": USAGE}
UNARY_V2 = {
    **HEAD_V2,
    "object": "chat.completion",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop", "flag": 0}
    ],
    "usage": USAGE,
}
TOKEN = {"access_token": "24.bench", "expires_in": 2592000, "refresh_token": "25.bench", "scope": "public"}

VECTORS = {
    "id": "as-9p8o7i6u5y",
    "object": "embedding_list",
    "created": 1698140200,
    "model": "embedding-v1",
    "data": [
        {
            "object": "embedding",
            "embedding": [math.sin(index * 384 + number) / 14 for number in range(384)],
            "index": index,
        }
        for index in range(16)
    ],
    "usage": {"prompt_tokens": 400, "total_tokens": 400},
}

JOB = {
    "log_id": "2475845001",
    "result": {
        "id": 301,
        "taskId": 88,
        "taskName": "demo",
        "description": "",
        "version": 1,
        "jobRunType": 0,
        "trainType": "ernieBotLite-v201-8k",
        "trainMode": "SFT",
        "peftType": "LoRA",
        "trainStatus": "RUNNING",
        "progress": 40,
        "runTime": 620,
        "trainTime": 300,
        "startTime": "2023-10-24 11:40:00",
        "finishTime": "0000-00-00 00:00:00",
        "vdlLink": "https://console.bce.baidu.com/qianfan/visualdl/index?displayToken=abcdefghijklmnopqrstuvwx",
    },
}

counted = {"connections": 0, "requests": 0, "token_requests": 0}


def encode(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def reply(value: Any) -> bytes:
    body = encode(value)
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def event_v1(index: int, last: bool) -> bytes:
    body = {**HEAD_V1, "sentence_id": index, "is_end": last, **FLAGS_V1, "result": PIECE, "usage": USAGE}
    return b"data: " + encode(body) + b"\n\n"


def event_v2(index: int, last: bool) -> bytes:
    delta = {"content": PIECE} if index else {"role": "assistant", "content": PIECE}
    choice: dict[str, Any] = {"index": 0, "delta": delta, "flag": 0}
    if last:
        choice["finish_reason"] = "stop"
    return b"data: " + encode({**HEAD_V2, "object": "chat.completion.chunk", "choices": [choice]}) + b"\n\n"


OPENING = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
)
ANSWERS = {1: reply(UNARY_V1), 2: reply(UNARY_V2)}
EMBEDDED = reply(VECTORS)
LOOKED = reply(JOB)
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


@functools.cache
def stream(version: int, count: int, pack: int = 0, *, usage: bool = False) -> list[bytes]:
    """The stream of ``count`` events in pieces, the first with the head and the last with the end mark."""
    event = event_v1 if version == 1 else event_v2
    events = [event(index, last=index == count - 1) for index in range(count)]
    if version == 2:
        if usage:
            last = {**HEAD_V2, "object": "chat.completion.chunk", "choices": [], "usage": USAGE}
            events.append(b"data: " + encode(last) + b"\n\n")
        events.append(b"data: [DONE]\n\n")
    if pack:
        whole = b"".join(events)
        events = [whole[at : at + pack] for at in range(0, len(whole), pack)]
    pieces = [chunk(event) for event in events]
    pieces[0] = OPENING + pieces[0]
    pieces[-1] += chunk(b"")
    return pieces


class Connection(asyncio.Protocol):
    """One keep-alive connection: reads requests with a Content-Length, writes canned answers."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.loop = asyncio.get_running_loop()
        self.buffer = b""
        counted["connections"] += 1

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            length = 0
            if (at := head.find(b"\r\ncontent-length:")) >= 0:
                length = int(head[at + 17 :].split(b"\r\n", 1)[0])
            if len(self.buffer) < end + 4 + length:
                return
            body = self.buffer[end + 4 : end + 4 + length]
            self.buffer = self.buffer[end + 4 + length :]
            self.answer(head.split(b" ", 2)[1], body)

    def answer(self, path: bytes, body: bytes) -> None:
        counted["requests"] += 1
        if b"/wenxinworkshop/chat/" in path:
            self.chat(1, json.loads(body))
        elif path.startswith(b"/v2/chat/completions"):
            self.chat(2, json.loads(body))
        elif b"/embeddings" in path:
            self.transport.write(EMBEDDED)
        elif path == b"/wenxinworkshop/finetune/jobdetail":  # in small letters, as the whole head
            self.transport.write(LOOKED)
        elif path.startswith(b"/oauth/2.0/token"):
            counted["token_requests"] += 1
            self.loop.call_later(TOKEN_DELAY, self.transport.write, reply(TOKEN))
        elif path == b"/stats":
            self.transport.write(reply(counted))
        else:
            self.transport.write(NOT_FOUND)

    def chat(self, version: int, request: dict[str, Any]) -> None:
        if not request.get("stream"):
            self.transport.write(ANSWERS[version])
            return
        delivery, _, count = request["messages"][-1]["content"].partition(" ")
        usage = bool((request.get("stream_options") or {}).get("include_usage"))
        if delivery == "hold":
            self.transport.write(stream(version, 2)[0])
        elif delivery == "burst":
            self.transport.write(b"".join(stream(version, int(count), usage=usage)))
        elif delivery == "packed":
            self.transport.write(b"".join(stream(version, int(count), PACK, usage=usage)))
        else:
            self.pace(stream(version, int(count), usage=usage), 0)

    def pace(self, pieces: list[bytes], at: int) -> None:
        self.transport.write(pieces[at])
        if at + 1 < len(pieces):
            self.loop.call_later(GAP, self.pace, pieces, at + 1)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    if len(sys.argv) > 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(sys.argv[1])})
    asyncio.run(main())
