"""`qianfan chat`: one question, standard input, or a conversation."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path  # noqa: TC003  # typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qianfan.cli.account import STATE, caller
from qianfan.cli.ending import clean_ending, say
from qianfan.cli.models import names
from qianfan.cli.values import pairs
from qianfan.errors import InvalidArgumentError, QianfanError
from qianfan.messages import Messages
from qianfan.resources.base import CallOptions

if TYPE_CHECKING:
    from qianfan.resources.chat import Chat

_CHUNK_DELAY = 0.02  # seconds between the embedded platform's events, so that one sees them come


def chat(
    prompt: Annotated[str | None, typer.Argument(help="问题；不给时从管道读取，或进入多轮对话。")] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="模型名，默认 ERNIE-Bot-turbo（v2 为 ernie-lite-8k）。",
            autocompletion=names,
        ),
    ] = None,
    endpoint: Annotated[str | None, typer.Option("--endpoint", "-e", help="自己发布的服务的地址名。")] = None,
    system: Annotated[str | None, typer.Option("--system", "-s", help="模型人设。")] = None,
    temperature: Annotated[float | None, typer.Option(help="随机程度，(0, 1]。")] = None,
    top_p: Annotated[float | None, typer.Option(help="候选词范围，[0, 1]。")] = None,
    penalty_score: Annotated[float | None, typer.Option(help="重复惩罚，[1, 2]。")] = None,
    max_output_tokens: Annotated[int | None, typer.Option(help="回答的最多 token 数。")] = None,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", help="其他参数，名=JSON 值，可重复。", metavar="NAME=JSON"),
    ] = None,
    timeout: Annotated[float | None, typer.Option(help="等待下一段回答的秒数。")] = None,
    local: Annotated[
        bool,
        typer.Option(
            "--local",
            help=f"使用本地平台，无需密钥与网络；--endpoint 的服务在当前目录的 {STATE} 里（若有）。",
        ),
    ] = False,
    state: Annotated[
        Path | None,
        typer.Option(help="本地平台的状态文件，含 --local。", exists=True, dir_okay=False, metavar="FILE"),
    ] = None,
) -> None:
    """与模型对话，回答边生成边输出。"""
    parameters: dict[str, Any] = {
        "model": model,
        "endpoint": endpoint,
        "system": system,
        "temperature": temperature,
        "top_p": top_p,
        "penalty_score": penalty_score,
        "max_output_tokens": max_output_tokens,
        "request_timeout": timeout,
    }
    with clean_ending():
        parameters.update(model_parameters(param))
        if prompt is None and not (sys.stdin and sys.stdin.isatty()):
            prompt = _piped()
        if prompt is not None and not prompt.strip():
            raise InvalidArgumentError("问题是空的 (the prompt is empty)")
        with caller(endpoint, local, state, _CHUNK_DELAY) as client:
            if prompt is None:
                _converse(client.chat, parameters)
            else:
                messages = Messages()
                messages.append(prompt)
                _answer(client.chat, messages, parameters)


def _piped() -> str:
    """Return what standard input holds."""
    try:
        return sys.stdin.read().strip() if sys.stdin else ""
    except UnicodeDecodeError as error:
        raise InvalidArgumentError(
            f"输入不是 {error.encoding} 文本 (the input is no {error.encoding} text)"
        ) from None


#: What has an option of its own, or none that could be set here.
_NO_PARAMETERS = frozenset({"messages", "model", "endpoint", "stream", *CallOptions.__annotations__})


def model_parameters(given: list[str] | None) -> dict[str, Any]:
    """Return `NAME=JSON` arguments as a dict, which holds parameters of the model only."""
    parameters = pairs(given, "disable_search=true")
    for name in parameters:
        if name in _NO_PARAMETERS:
            raise InvalidArgumentError(f"--param {name} 不是模型参数 (is no parameter of the model)")
    return parameters


def _answer(service: Chat, messages: Messages, parameters: dict[str, Any]) -> None:
    """Write the answer as it comes, and add it to the conversation."""
    with service.do(messages, stream=True, **parameters) as stream:
        try:
            for event in stream:
                sys.stdout.write(event.get("result") or "")
                sys.stdout.flush()
        finally:
            sys.stdout.write("\n")
        reply = stream.so_far()
    if call := reply.get("function_call"):
        sys.stdout.write(f"{call.get('name')}({call.get('arguments')})\n")
    if reply.get("is_truncated"):
        say("（回答因长度被截断）", style="yellow")
    if reply.get("need_clear_history"):
        say("（平台建议清空对话历史）", style="yellow")
    messages.append(reply)


def _converse(service: Chat, parameters: dict[str, Any]) -> None:
    """Hold a conversation until /exit or Ctrl-D; Ctrl-C stops an answer."""
    with contextlib.suppress(ImportError):  # not on Windows
        import readline  # noqa: F401  # arrow keys and history in input()
    say("多轮对话：/clear 清空历史，/exit 或 Ctrl-D 退出，Ctrl-C 停止回答。", style="dim")
    messages = Messages()
    while True:
        try:
            question = input("> ").strip()
        except (EOFError, KeyboardInterrupt):
            sys.stdout.write("\n")
            return
        if question == "/exit":
            return
        if question == "/clear":
            messages = Messages()
        elif question:
            messages = _turn(service, messages, question, parameters)


def _turn(service: Chat, messages: Messages, question: str, parameters: dict[str, Any]) -> Messages:
    """Return the conversation with one more turn, or as it was where the turn failed."""
    extended = Messages()
    for message in messages:
        extended.append(message)
    extended.append(question)
    try:
        _answer(service, extended, parameters)
    except KeyboardInterrupt:
        sys.stdout.write("\n")
    except QianfanError as error:
        say(error)
    else:
        return extended
    return messages
