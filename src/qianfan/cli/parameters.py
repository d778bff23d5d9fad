"""Options of the commands that call a model: what is asked of whom, and how it is to answer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from qianfan.cli.account import STATE
from qianfan.cli.values import pairs
from qianfan.errors import InvalidArgumentError
from qianfan.resources.base import CallOptions

Endpoint = Annotated[str | None, typer.Option("--endpoint", "-e", help="自己发布的服务的地址名。")]
Temperature = Annotated[float | None, typer.Option(help="随机程度，(0, 1]。")]
TopP = Annotated[float | None, typer.Option(help="候选词范围，[0, 1]。")]
PenaltyScore = Annotated[float | None, typer.Option(help="重复惩罚，[1, 2]。")]
Param = Annotated[
    list[str] | None,
    typer.Option("--param", "-p", help="其他参数，名=JSON 值，可重复。", metavar="NAME=JSON"),
]
Local = Annotated[
    bool,
    typer.Option(
        "--local",
        help=f"使用本地平台，无需密钥与网络；--endpoint 的服务在当前目录的 {STATE} 里（若有）。",
    ),
]
State = Annotated[
    Path | None,
    typer.Option(help="本地平台的状态文件，含 --local。", exists=True, dir_okay=False, metavar="FILE"),
]

#: What has an option of its own, or none that could be set here.
_NO_PARAMETERS = frozenset({"messages", "model", "endpoint", "stream", *CallOptions.__annotations__})


def model_parameters(given: list[str] | None) -> dict[str, Any]:
    """Return `NAME=JSON` arguments as a dict, which holds parameters of the model only."""
    parameters = pairs(given, "disable_search=true")
    for name in parameters:
        if name in _NO_PARAMETERS:
            raise InvalidArgumentError(f"--param {name} 不是模型参数 (is no parameter of the model)")
    return parameters
