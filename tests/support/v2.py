"""What v2 answers, as plain data; `support.replies` makes scripts of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.replies import TEXT, as_json, stream, whole

if TYPE_CHECKING:
    from support.replies import Script, Step

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}

DONE = b"[DONE]"


def choice(content: Any = TEXT, finish: Any = "stop", **fields: Any) -> dict[str, Any]:
    """Return a choice of a whole reply; `message` holds more fields of its message."""
    message = {"role": "assistant", "content": content, **fields.pop("message", {})}
    return {"index": 0, "message": message, "finish_reason": finish, **fields}


def chat_body(*choices: Any, **fields: Any) -> dict[str, Any]:
    """Return the body of a whole reply."""
    return {
        "id": "as-abcde12345",
        "object": "chat.completion",
        "created": 1730800000,
        "model": "ernie-3.5-8k",
        "choices": list(choices or [choice()]),
        "usage": USAGE,
        **fields,
    }


def tool_call(call_id: str = "call_a", name: str = "f", arguments: str = "{}") -> dict[str, Any]:
    """Return a tool call of a whole reply."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def chunk(content: Any = None, finish: Any = None, /, **fields: Any) -> dict[str, Any]:
    """Return an event of a stream.

    Args:
        content: The increment, None where the event has none.
        finish: Why the text ends, None where it goes on.
        **fields: More fields of the delta; `choice` holds more of the choice, `top` more of the event.
    """
    more, top = fields.pop("choice", {}), fields.pop("top", {})
    delta = {**({} if content is None else {"content": content}), **fields}
    ends = {} if finish is None else {"finish_reason": finish}
    return {
        "id": "as-abcde12345",
        "object": "chat.completion.chunk",
        "created": 1730800000,
        "model": "ernie-3.5-8k",
        "choices": [{"index": 0, "delta": delta, **ends, **more}],
        **top,
    }


def usage_chunk(usage: Any = USAGE) -> dict[str, Any]:
    """Return the event that tells the usage, after the text."""
    return {**chunk(), "choices": [], "usage": usage}


def framed(*events: Any) -> list[bytes]:
    """Return events as they are framed: bodies, or data as it is."""
    return [b"data: " + (it if isinstance(it, bytes) else as_json(it)) + b"\n\n" for it in events]


def error_body(
    code: Any = "invalid_argument", message: Any = "words", kind: str = "invalid_request_error"
) -> dict[str, Any]:
    """Return an error."""
    return {"error": {"code": code, "message": message, "type": kind}, "id": "as-0000000000"}


def answered(text: str = TEXT, **fields: Any) -> Script:
    """Return a whole reply."""
    return whole(chat_body(choice(text), **fields))


def streamed(*texts: str) -> Script:
    """Return a reply in events, with usage and end mark as the platform documents them."""
    *first, last = texts or ("你好", "，很高兴", "见到你。")
    events = [*(chunk(text) for text in first), chunk(last, "stop"), usage_chunk(), DONE]
    return stream(*framed(*events))


def streamed_events(*events: Any, **how: Any) -> Script:
    """Return a reply in the given events; see `support.replies.stream`."""
    parts: list[Step] = [*framed(*events)]
    return stream(*parts, **how)


def refused(
    status: int = 400, code: Any = "invalid_argument", message: str = "words", **headers: str
) -> Script:
    """Return an error with its HTTP status."""
    return whole(error_body(code, message), status, **headers)


def exchange_body(token: str, lifetime: str = "2024-11-05T15:04:05.678Z") -> dict[str, Any]:
    """Return what the exchange answers; the token is made at 03:04:05.678 and lives until `lifetime`."""
    return {
        "userId": "3c8f5d0e7a9b4c61b2d47e90a1f6c358",
        "token": token,
        "status": "enable",
        "createTime": "2024-11-05T03:04:05.678Z",
        "expireTime": lifetime,
    }


def exchanged(token: str, lifetime: str = "2024-11-05T15:04:05.678Z") -> Script:
    """Return the exchange's reply."""
    return whole(exchange_body(token, lifetime))


def exchange_refused(status: int = 403, code: str = "SignatureDoesNotMatch", message: str = "m") -> Script:
    """Return the exchange's refusal, which its headers tell too."""
    body = {"code": code, "message": message, "requestId": "r-1"}
    return whole(body, status, X_Bce_Error_Code=code, X_Bce_Error_Message=message)
