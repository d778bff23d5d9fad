"""`qianfan chat`: one question, standard input, or a conversation."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qianfan.cli.account import caller
from qianfan.cli.ending import clean_ending, say
from qianfan.cli.models import names
from qianfan.cli.parameters import (
    Endpoint,
    Local,
    Param,
    PenaltyScore,
    State,
    Temperature,
    TopP,
    model_parameters,
)
from qianfan.errors import InvalidArgumentError, QianfanError
from qianfan.messages import Messages

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
    endpoint: Endpoint = None,
    system: Annotated[str | None, typer.Option("--system", "-s", help="模型人设。")] = None,
    temperature: Temperature = None,
    top_p: TopP = None,
    penalty_score: PenaltyScore = None,
    max_output_tokens: Annotated[int | None, typer.Option(help="回答的最多 token 数。")] = None,
    param: Param = None,
    timeout: Annotated[float | None, typer.Option(help="等待下一段回答的秒数。")] = None,
    local: Local = False,
    state: State = None,
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
