"""One measure of the local platform: ``local_platform.py WHAT MODE CONCURRENCY COUNT [CLIENT_CORE SERVER_CORE]``.

The load comes from raw asyncio, which takes a third of a core where the platform takes a whole one.
Prints the figures as a line of JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WORDS = {
    "model": "ernie-4.5-turbo-128k",
    "messages": [{"role": "user", "content": "你好，请介绍一下千帆大模型平台。"}],
}
LONG = {
    **WORDS,
    "messages": [{"role": "user", "content": "请写一篇介绍千帆大模型平台的文章，" * 8}],
    "stream": True,
}
V1 = "/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/eb-instant?access_token=24.bench"
V2 = "/v2/chat/completions"

RATE = 20  # events a second of each stream
RAMP = 1.0  # seconds in which the streams begin, as their users do
WARM_UP = 20_000  # requests, until the journal is full

# In process: from the first import to the first reply.
START = (
    "import socket, qianfan",
    "platform = qianfan.local.platform().start()",
    """
head = 'POST /v2/chat/completions HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nAuthorization: Bearer %s\\r\\nContent-Length: %d\\r\\n\\r\\n'
body = b'{"model": "ernie-4.5-turbo-128k", "messages": [{"role": "user", "content": "hi"}]}'
connection = socket.create_connection(('127.0.0.1', int(platform.url.rpartition(':')[2])))
connection.sendall((head % (platform.api_key, len(body))).encode() + body)
assert connection.recv(65536).startswith(b'HTTP/1.1 200')
""",
)


def request(target: str, body: dict[str, Any], key: str) -> bytes:
    content = json.dumps(body, ensure_ascii=False).encode()
    head = (
        f"POST {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {key}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


class Served:
    """The platform, served by a process of its own.

    Args:
        core: The core it runs on; none to leave it to the system.
        python: Who runs it.
        options: Its options.
    """

    def __init__(self, core: list[str], python: str = sys.executable, **options: Any) -> None:
        command = [python, str(Path(__file__).with_name("served.py")), json.dumps(options), *core]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        port, self.key = self.process.stdout.readline().split()
        self.port = int(port)

    def take(self) -> dict[str, float]:
        """What it took since the last time."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def end(self) -> None:
        self.process.terminate()
        self.process.communicate()


@contextlib.contextmanager
def serving(core: list[str], **options: Any) -> Iterator[Served]:
    served = Served(core, **options)
    try:
        yield served
    finally:
        served.end()


class Caller(asyncio.Protocol):
    """A connection that sends the same request as long as it is told to, one at a time."""

    def __init__(self, data: bytes, goes_on: Callable[[], bool]) -> None:
        self.data = data
        self.goes_on = goes_on
        self.buffer = b""
        self.replies = self.events = 0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self.data)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while self.buffer and self.is_answered():
            self.replies += 1
            if self.goes_on():
                self.transport.write(self.data)
            else:
                self.transport.close()

    def is_answered(self) -> bool:
        """Take a whole answer out of the buffer."""
        end = self.buffer.find(b"\r\n\r\n") + 4
        at = self.buffer.find(b"content-length: ", 0, end)
        if end < 4 or at < 0:
            return False
        end += int(self.buffer[at + 16 : self.buffer.find(b"\r", at)])
        if len(self.buffer) < end:
            return False
        self.buffer = self.buffer[end:]
        return True

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        self.done.set_result(None)


class Listener(Caller):
    """A caller of streams, which counts their events."""

    def data_received(self, data: bytes) -> None:
        self.events += data.count(b"data: {")
        if data.endswith(b"\r\n0\r\n\r\n"):
            self.replies += 1
            if self.goes_on():
                self.transport.write(self.data)
            else:
                self.transport.close()


async def connected(kind: type[Caller], port: int, data: bytes, goes_on: Callable[[], bool]) -> Caller:
    loop = asyncio.get_running_loop()
    _, caller = await loop.create_connection(lambda: kind(data, goes_on), "127.0.0.1", port)
    return caller


async def ask(served: Served, data: bytes, concurrency: int, count: int) -> float:
    """Have so many requests answered; the seconds that takes."""
    left = iter(range(count - concurrency))
    begin = time.perf_counter()
    callers = [
        await connected(Caller, served.port, data, lambda: next(left, None) is not None)
        for _ in range(concurrency)
    ]
    await asyncio.gather(*(caller.done for caller in callers))
    if sum(caller.replies for caller in callers) != count:
        raise AssertionError(f"{count} requests, {[caller.replies for caller in callers]} replies")
    return time.perf_counter() - begin


async def unary(cores: list[str], mode: str, concurrency: int, count: int) -> dict[str, float]:
    """Replies a second, and what one costs the platform."""
    with serving(cores[1:], any_key=True) as served:
        data = request(V1 if mode == "v1" else V2, WORDS, served.key)
        await ask(served, data, concurrency, max(count // 10, concurrency))
        served.take()
        seconds = await ask(served, data, concurrency, count)
        return {"figure": count / seconds, "cpu": served.take()["cpu"] / count * 1e6}


async def streams(cores: list[str], concurrency: int, seconds: int) -> dict[str, float]:
    """The part of all events that come, and the worst delay of the event loop meanwhile."""
    with serving(cores[1:], any_key=True, chunk_delay=1 / RATE) as served:
        data, going = request(V2, LONG, served.key), True
        callers = []
        for _ in range(concurrency):
            callers.append(await connected(Listener, served.port, data, lambda: going))
            await asyncio.sleep(RAMP / concurrency)
        served.take()
        before, begin = sum(caller.events for caller in callers), time.perf_counter()
        await asyncio.sleep(seconds)
        came, took = sum(caller.events for caller in callers) - before, time.perf_counter() - begin
        taken = served.take()
        for caller in callers:
            caller.transport.abort()
        return {
            "figure": came / (concurrency * RATE * took),
            "cpu": taken["cpu"] / came * 1e6,
            "late": taken["late"],
            "own": taken["own"],
        }


async def memory(cores: list[str], concurrency: int, count: int) -> dict[str, float]:
    """KiB by which memory grows over so many requests, when the journal is full."""
    with serving(cores[1:], any_key=True) as served:
        data = request(V2, WORDS, served.key)
        await ask(served, data, concurrency, WARM_UP)
        before = served.take()["resident"]
        await ask(served, data, concurrency, count)
        after = served.take()["resident"]
        return {"figure": max(0.0, after - before), "resident": after / 1024}


def command() -> dict[str, float]:
    """Milliseconds from the start of ``qianfan serve`` to the first reply."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    data = request(V2, WORDS, "nobody's")
    begin = time.perf_counter()
    order = [str(Path(sys.executable).with_name("qianfan")), "serve", "--port", str(port)]
    with subprocess.Popen(order, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while True:
            with (
                contextlib.suppress(ConnectionRefusedError),
                socket.create_connection(("127.0.0.1", port)) as it,
            ):
                it.sendall(data)
                assert it.recv(65536).startswith(b"HTTP/1.1 401")
                break
            time.sleep(0.001)
        took = time.perf_counter() - begin
        process.terminate()
    return {"figure": took * 1e3}


def main() -> None:
    what, mode, concurrency, count, *cores = sys.argv[1:]
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(cores[0])})
    if what == "command":
        figures = command()
    elif what == "unary":
        figures = asyncio.run(unary(cores, mode, int(concurrency), int(count)))
    else:
        figures = asyncio.run(
            {"streams": streams, "memory": memory}[what](cores, int(concurrency), int(count))
        )
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
