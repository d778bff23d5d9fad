"""What type checkers make of the public surface. Checked by mypy and pyright, never run.

A line with an `ignore` is an error that must be found: both checkers fail where it is not needed.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import assert_type

import qianfan
from qianfan import AsyncStream, ChatCompletion, Messages, Qianfan, Response, Role, Stream, errors
from qianfan.response import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

MESSAGES = [{"role": "user", "content": "你好"}]


def do(chat: ChatCompletion, flag: bool) -> None:
    """Call: `stream` decides what comes back."""
    assert_type(chat.do(MESSAGES), Response)
    assert_type(chat.do(messages=MESSAGES, stream=False), Response)
    assert_type(chat.do(messages=MESSAGES, stream=True), Stream)
    assert_type(chat.do(messages=MESSAGES, stream=flag), Response | Stream)
    assert_type(chat.do(MESSAGES, "ERNIE-Bot", None, False), Response)
    assert_type(chat.do(MESSAGES, "ERNIE-Bot", stream=True), Stream)


async def ado(chat: ChatCompletion, flag: bool) -> None:
    """Call in the other world: the same decides."""
    assert_type(await chat.ado(MESSAGES), Response)
    assert_type(await chat.ado(messages=MESSAGES, stream=False), Response)
    assert_type(await chat.ado(messages=MESSAGES, stream=True), AsyncStream)
    assert_type(await chat.ado(messages=MESSAGES, stream=flag), Response | AsyncStream)


def streams(chat: ChatCompletion) -> None:
    """Iterate, collect, close."""
    for event in chat.do(MESSAGES, stream=True):
        assert_type(event, Response)
    with chat.do(MESSAGES, stream=True) as stream:
        assert_type(stream, Stream)
        assert_type(next(stream), Response)
        assert_type(stream.collect(), Response)
        assert_type(stream.so_far(), Response)
        stream.close()


async def async_streams(chat: ChatCompletion) -> None:
    """Iterate, collect, close, with `await`."""
    async for event in await chat.ado(MESSAGES, stream=True):
        assert_type(event, Response)
    async with await chat.ado(MESSAGES, stream=True) as stream:
        assert_type(stream, AsyncStream)
        assert_type(await stream.acollect(), Response)
        assert_type(stream.so_far(), Response)
        await stream.aclose()


def replies(response: Response) -> None:
    """Read as a mapping and by attribute."""
    mapping: Mapping[str, Any] = response
    assert_type(response.code, int)
    assert_type(response.body, dict[str, Any])
    headers: dict[str, str] = response.headers
    assert_type(headers["X-A"], str)
    assert_type(response.usage, Usage)
    assert_type(response.usage.total_tokens, int)
    assert_type(response.request_id, str | None)
    assert_type({**mapping}, dict[str, Any])
    text: str = response["result"]
    same: str = response.result
    city: str = response.function_call.arguments
    qianfan.QfResponse(200, {}, {"result": text + same + city})


def parameters(chat: ChatCompletion) -> None:
    """Give what a call may set; a name that is no parameter, or a value of another type, is an error."""
    chat.do(
        MESSAGES,
        model=None,
        endpoint=None,
        temperature=0.5,
        top_p=None,
        stop=["。"],
        system="你是诗人",
        functions=[{"name": "f", "description": "d", "parameters": {"type": "object"}}],
        extra={"appeared_yesterday": 1},
        headers={"X-A": "b"},
        query={"a": "b"},
        retry_count=0,
        request_timeout=1.5,
        backoff_factor=0,
        request_id="r-1",
    )
    chat.do(MESSAGES, temprature=0.5)  # type: ignore[call-overload]
    chat.do(MESSAGES, temperature="hot")  # type: ignore[call-overload]
    chat.do(MESSAGES, stream="yes")  # type: ignore[call-overload]
    chat.do("你好")  # type: ignore[arg-type]
    chat.do()  # type: ignore[call-overload]


async def async_parameters(chat: ChatCompletion) -> None:
    """Find the same mistakes in the other world."""
    await chat.ado(MESSAGES, temperature=0.5, extra={"appeared_yesterday": 1})
    await chat.ado(MESSAGES, temprature=0.5)  # type: ignore[call-overload]
    await chat.ado(MESSAGES, temperature="hot")  # type: ignore[call-overload]


def objects() -> None:
    """Make the classic object; a misspelt setting, or one of another type, is an error."""
    assert_type(ChatCompletion(), ChatCompletion)
    assert_type(ChatCompletion(ak="a", sk="s", model=None, query_per_second=0.5), ChatCompletion)
    assert_type(ChatCompletion("ERNIE-Bot", access_token=None, request_timeout=60), ChatCompletion)
    assert_type(ChatCompletion.models(), set[str])
    ChatCompletion(query_per_secound=1)  # type: ignore[call-arg]
    ChatCompletion(ak=1)  # type: ignore[arg-type]


def clients() -> None:
    """Make an explicit client and use what is on it."""
    with Qianfan(ak="a", sk="s", base_url="http://host", proxy="", verify=False, ca_bundle=None) as client:
        assert_type(client, Qianfan)
        assert_type(client.chat.do(MESSAGES, stream=True), Stream)
        assert_type(client.access_token(), str)
    client.close()
    Qianfan(model="ERNIE-Bot")  # type: ignore[call-arg]


async def async_clients() -> None:
    """Do the same in the other world."""
    async with Qianfan() as client:
        assert_type(client, Qianfan)
        assert_type(await client.chat.ado(MESSAGES), Response)
    await client.aclose()


def conversations(chat: ChatCompletion) -> None:
    """Build a conversation and send it."""
    messages = Messages()
    messages.append("你好")
    messages.append("你好", Role.User)
    messages.append(chat.do(messages))
    messages.append(chat.do(messages, stream=True))
    assert_type(len(messages), int)
    assert_type(messages[0], dict[str, Any])
    chat.do(tuple(MESSAGES))
    chat.do(message for message in MESSAGES)


def settings() -> None:
    """Set credentials, and take them back."""
    qianfan.AK("a")
    qianfan.SK(None)
    qianfan.AccessToken("t")
    qianfan.enable_log("DEBUG")
    qianfan.disable_log()
    qianfan.AK(1)  # type: ignore[arg-type]


def failures(error: errors.QianfanError) -> None:
    """Read what an error carries."""
    assert_type(error.code, int | str | None)
    assert_type(error.message, str)
    assert_type(error.hint, str)
    assert_type(error.request_id, str | None)
    assert_type(error.status, int | None)
    assert_type(error.attempts, tuple[errors.Attempt, ...])
    assert_type(error.retryable, bool)
    if isinstance(error, errors.APIError):
        assert_type(error.error_code, int | str)
        assert_type(error.error_msg, str)
    if isinstance(error, qianfan.errors.RequestError):
        assert_type(error.status_code, int | None)
        assert_type(error.body, str)
