"""What a scripted server answers, as plain data: a script is a tuple of steps."""

from __future__ import annotations

import asyncio
import json
import threading
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


class End(Enum):
    """How a script ends, where the connection does not stay open for the next request."""

    CLOSE = "close"  # the server closes in good order
    RESET = "reset"  # the server breaks the connection
    STALL = "stall"  # the server says no more, until the client goes


CLOSE, RESET, STALL = End.CLOSE, End.RESET, End.STALL


class Pause(NamedTuple):
    """Real time that passes, where it must."""

    seconds: float


class Gate:
    """A point of a script at which the server waits until the test opens it."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._lock = threading.Lock()
        self._is_open = False
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def open(self) -> None:
        """Let the server go on, now and from now on."""
        with self._lock:
            self._is_open = True
            waiting, self._waiting = self._waiting, []
        for loop, event in waiting:
            loop.call_soon_threadsafe(event.set)

    async def wait(self) -> None:
        """Wait, in the server's loop, until the test opens the gate."""
        event = asyncio.Event()
        with self._lock:
            if self._is_open:
                event.set()
            else:
                self._waiting.append((asyncio.get_running_loop(), event))
        self.reached.set()
        await event.wait()


Step: TypeAlias = "bytes | Gate | Pause | End"
Script: TypeAlias = "tuple[Step, ...]"


def head(status: int = 200, **headers: str) -> bytes:
    """Return a status line and headers; `Content_Type` stands for `Content-Type`."""
    lines = [f"HTTP/1.1 {status} Scripted"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def page(status: int, text: str = "<html>Bad Gateway</html>", **headers: str) -> Script:
    """Return a reply that is no JSON."""
    return (_framed(status, text.encode(), {"Content_Type": "text/html", **headers}),)


def whole(body: Any, status: int = 200, **headers: str) -> Script:
    """Return a JSON reply."""
    return (_framed(status, as_json(body), {"Content_Type": "application/json", **headers}),)


def _framed(status: int, body: bytes, headers: Mapping[str, str]) -> bytes:
    return head(status, Content_Length=str(len(body)), **headers) + body


def as_json(body: Any) -> bytes:
    """Return a body as the platform writes it."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


#: What the server answers where a test has no other wish.
TEXT = "你好，很高兴见到你。"


def chat_body(text: str = TEXT, **fields: Any) -> dict[str, Any]:
    """Return the body of a chat reply."""
    return {
        "id": "as-7c2kq0v9x1",
        "object": "chat.completion",
        "created": 1698140000,
        "result": text,
        "is_truncated": False,
        "need_clear_history": False,
        "usage": {"prompt_tokens": 4, "completion_tokens": len(text), "total_tokens": 4 + len(text)},
        **fields,
    }


def answer(text: str = TEXT, **fields: Any) -> Script:
    """Return a chat reply."""
    return whole(chat_body(text, **fields))


def vector(text: str) -> list[float]:
    """Return a vector by which a text is known again."""
    return [float(byte) for byte in text.encode()]


def embedding_body(texts: Sequence[str], **fields: Any) -> dict[str, Any]:
    """Return the body of an embedding reply; each text counts as one token."""
    return {
        "id": "as-9p8o7i6u5y",
        "object": "embedding_list",
        "created": 1698140200,
        "data": [
            {"object": "embedding", "embedding": vector(text), "index": index}
            for index, text in enumerate(texts)
        ],
        "usage": {"prompt_tokens": len(texts), "total_tokens": len(texts)},
        **fields,
    }


def vectors(texts: Sequence[str], **fields: Any) -> Script:
    """Return an embedding reply."""
    return whole(embedding_body(texts, **fields))


def refusal(code: int, message: str = "refused", **headers: str) -> Script:
    """Return an error as v1 words it: HTTP 200, and a code in the body."""
    return whole({"error_code": code, "error_msg": message, "id": "as-0000000000"}, **headers)


def token_refusal(description: str = "unknown client id", status: int = 401) -> Script:
    """Return what the token address answers to keys it does not know."""
    return whole({"error": "invalid_client", "error_description": description}, status)


def chat_events(*texts: str) -> list[dict[str, Any]]:
    """Return the bodies of a stream's events, the last with the end mark."""
    bodies: list[dict[str, Any]] = []
    said = 0
    for index, text in enumerate(texts):
        said += len(text)
        usage = {"prompt_tokens": 4, "completion_tokens": said, "total_tokens": 4 + said}
        last = index == len(texts) - 1
        bodies.append(chat_body(text, sentence_id=index, is_end=last, usage=usage))
    return bodies


def event(body: Any) -> bytes:
    """Return one event as v1 frames it."""
    return b"data: " + as_json(body) + b"\n\n"


def events(*texts: str) -> list[bytes]:
    """Return the events of a stream, the last with the end mark."""
    return [event(body) for body in chat_events(*texts)]


def stream(*parts: Step, chunked: bool = True, ended: bool = True, **headers: str) -> Script:
    """Return a reply that comes in parts.

    Args:
        parts: Each piece of bytes becomes one chunk; other steps stand between them.
        chunked: Whether the body is in chunks; else it ends with the connection.
        ended: Whether the body comes to its proper end.
        **headers: Headers to add.
    """
    kind = {"Content_Type": "text/event-stream; charset=utf-8", **headers}
    if not chunked:
        return (head(Connection="close", **kind), *parts, CLOSE) if ended else (head(**kind), *parts)
    steps = [b"%x\r\n%b\r\n" % (len(part), part) if isinstance(part, bytes) else part for part in parts]
    return (head(Transfer_Encoding="chunked", **kind), *steps, *([b"0\r\n\r\n"] if ended else []))


def streamed(*texts: str) -> Script:
    """Return a chat reply in events."""
    return stream(*events(*(texts or ("你好", "，很高兴", "见到你。"))))


def cut(data: bytes, size: int) -> Sequence[bytes]:
    """Return bytes in pieces of one size."""
    return [data[start : start + size] for start in range(0, len(data), size)]


def drip(data: bytes, seconds: float) -> Iterator[Step]:
    """Return bytes that come one by one, so many seconds apart."""
    for piece in cut(data, 1):
        yield piece
        yield Pause(seconds)
