"""The commands by name."""

from __future__ import annotations

from typing import Annotated

import typer

from qianfan.cli import chat, doctor, finetune, migrate, model, models, platform, serve, service
from qianfan.cli.batch import command as batch
from qianfan.version import VERSION

app = typer.Typer(
    name="qianfan",
    help="百度千帆大模型平台：对话，调优、模型与服务，以及在本机运行的本地平台。",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(VERSION)
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="显示版本号。", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options that belong to no command."""


app.command("chat")(chat.chat)
app.command("batch")(batch.batch)
app.command("serve")(serve.serve)
app.command("doctor")(doctor.doctor)
app.command("migrate")(migrate.migrate)
app.command("models")(models.models)
app.add_typer(finetune.app, name="finetune")
app.add_typer(model.app, name="model")
app.add_typer(service.app, name="service")
app.add_typer(platform.app, name="platform")
