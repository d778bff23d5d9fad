"""Whom a command talks to: the user's account, or a local platform that keeps its state in a file."""

from __future__ import annotations

import shlex
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from qianfan.cli.ending import say
from qianfan.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qianfan.client import Qianfan
    from qianfan.local import Platform
    from qianfan.settings import ClientArguments

#: Where commands keep the local platform's state, so that the next one goes on from there.
STATE = Path(".qianfan", "local.db")

Local = Annotated[
    bool,
    typer.Option("--local", help=f"使用本地平台，无需密钥与网络；状态保存在当前目录的 {STATE}。"),
]
State = Annotated[
    Path | None,
    typer.Option("--state", help="本地平台的状态文件，含 --local。", dir_okay=False, metavar="FILE"),
]


class Account(NamedTuple):
    """Whom a command of the console talks to.

    Attributes:
        client: The client of the local platform; None for the account that the environment names.
        platform: The local platform, while the command lasts.
        flags: What leads another command to the same account.
    """

    client: Qianfan | None = None
    platform: Platform | None = None
    flags: str = ""


def wants_local(local: bool, state: Path | None) -> bool:
    """Say whether options or QIANFAN_LOCAL ask for the local platform."""
    from qianfan import settings

    return local or state is not None or settings.resolve_console({}).local


@contextmanager
def account(local: bool, state: Path | None) -> Iterator[Account]:
    """Give the account that a command of the console is for."""
    if not wants_local(local, state):
        yield Account()
        return
    flags = " --local" if state is None else f" --state {shlex.quote(str(state))}"
    with running(state or _usual_state()) as platform, platform.client() as client:
        yield Account(client, platform, flags)


@contextmanager
def caller(
    endpoint: str | None,
    local: bool,
    state: Path | None,
    chunk_delay: float = 0.0,
    settings: ClientArguments | None = None,
    version: int = 1,
) -> Iterator[Qianfan]:
    """Give a client that calls models: of the user's account, or of a platform that lives as long as the command.

    Args:
        endpoint: The service of one's own that it will call, which the platform then has; or None.
        local: Whether `--local` was given.
        state: The platform's file, or None.
        chunk_delay: Seconds between the platform's events.
        settings: Further settings of the client.
        version: Which of the platform's APIs is called; of the account's, its key says it.
    """
    settings = settings or {}
    if not wants_local(local, state):
        from qianfan.client import Qianfan

        with Qianfan(**settings) as client:
            yield client
        return
    if state is None and endpoint and STATE.exists():  # a preset model leaves the file to others
        state = STATE
    with (
        running(state, chunk_delay) as platform,
        platform.client(**{"version": version, **settings}) as client,
    ):
        if endpoint and state is None:
            try:
                platform.add_endpoint(endpoint)
            except ValueError as error:
                raise InvalidArgumentError(f"--endpoint: {error}") from None
        yield client


@contextmanager
def running(state: Path | None, chunk_delay: float = 0.0) -> Iterator[Platform]:
    """Run a local platform while a command lasts.

    Raises:
        InvalidArgumentError: The file holds no state, or another platform uses it.
    """
    from qianfan.local import platform

    try:
        made = platform(state=state, chunk_delay=chunk_delay)
    except ValueError as error:
        raise InvalidArgumentError(
            str(error),
            hint="qianfan serve 正在使用它时，按 serve 打印的内容设置环境变量，不带 --local "
            "(where qianfan serve uses it, set what it printed and omit --local)",
        ) from None
    with made:
        yield made


def _usual_state() -> Path:
    """Return the state file of the current directory; say where it is when it is new."""
    if not STATE.exists():
        if not STATE.parent.exists():
            STATE.parent.mkdir()
            (STATE.parent / ".gitignore").write_text("*\n")
        say(f"本地平台的状态保存在 {STATE.resolve()}", style="dim")
    return STATE
