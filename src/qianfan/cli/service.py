"""`qianfan service`: the services that models are published as."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qianfan.cli.account import Local, State, account
from qianfan.cli.ending import clean_ending, say
from qianfan.cli.tables import Json, first, records, show
from qianfan.cli.values import Fields, Unchecked, identifier, pairs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qianfan.cli.tables import Blocks

app = typer.Typer(
    help="大模型服务：把模型部署为可以对话的服务。",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

_CHINA = timezone(timedelta(hours=8))  # as the platform's other times
_DEPLOYMENT = 1  # minutes of the local platform's clock that are enough


class Pool(str, Enum):
    """Where a service runs."""

    public = "public"
    private = "private"


_POOL_TYPES = {Pool.public: 1, Pool.private: 2}


@app.command("create")
def create(
    model: Annotated[str, typer.Option(help="模型的 id。", metavar="ID")],
    version: Annotated[str, typer.Option(help="模型版本的 id。", metavar="ID")],
    uri: Annotated[str, typer.Option(help="服务的地址名，2 到 20 个字符，即对话时的 --endpoint。")],
    name: Annotated[str | None, typer.Option(help="服务的名称，2 到 20 个字符，默认与地址名相同。")] = None,
    replicas: Annotated[int, typer.Option(help="实例数。", min=1)] = 1,
    pool: Annotated[Pool, typer.Option(help="资源池：公有或私有。")] = Pool.public,
    description: Annotated[
        str | None, typer.Option("--description", "-d", help="服务的描述，至多 500 个字符。")
    ] = None,
    param: Fields = None,
    no_validate: Unchecked = False,
    local: Local = False,
    state: State = None,
    json: Json = False,
) -> None:
    """把模型的一个版本部署为服务；本地平台的时钟随即前进到部署完成。"""
    from qianfan.console.service import Service

    with clean_ending(), account(local, state) as own:
        reply = Service(own.client).create(
            model_id=identifier(model),
            iteration_id=identifier(version),
            name=name or uri,
            uri=uri,
            replicas=replicas,
            pool_type=_POOL_TYPES[pool],
            description=description,
            extra=pairs(param, 'description="..."'),
            validate=not no_validate,
        )
        if own.platform is not None:
            own.platform.advance(minutes=_DEPLOYMENT)
            say(f"本地平台的时钟前进了 {_DEPLOYMENT} 分钟，部署已完成。", style="dim")
        show(reply, _created, as_json=json)
        if not json:
            say(f"下一步：qianfan chat --endpoint {uri}{own.flags} <问题>", style="dim")


@app.command("show")
def show_(
    service: Annotated[str, typer.Argument(help="服务的 id。", metavar="ID")],
    local: Local = False,
    state: State = None,
    json: Json = False,
) -> None:
    """查看服务。"""
    from qianfan.console.service import Service

    with clean_ending(), account(local, state) as own:
        show(Service(own.client).get(identifier(service)), _service, as_json=json)


@app.command("list")
def list_(
    preset: Annotated[bool, typer.Option("--preset", help="列出平台的预置服务，而不是自己的。")] = False,
    local: Local = False,
    state: State = None,
    json: Json = False,
) -> None:
    """列出服务；--json 时两者都有。"""
    from qianfan.console.service import Service

    with clean_ending(), account(local, state) as own:
        show(Service(own.client).list(), _common if preset else _custom, as_json=json)


def _created(result: Mapping[str, Any]) -> Blocks:
    return [{"服务 ID": result.get("serviceId")}]


def _service(result: Mapping[str, Any]) -> Blocks:
    return [
        {
            "服务 ID": result.get("id"),
            "名称": result.get("name"),
            "地址名": result.get("uri"),
            "状态": result.get("serviceStatus"),
            "模型 ID": first(result, "modelId", "aiModelId"),
            "模型": result.get("modelName"),
            "版本 ID": first(result, "iterationId", "aiModelVersionId"),
            "实例数": first(result, "vmConfig.instanceCount"),
            "描述": result.get("description"),
            "创建时间": _time(result.get("createTime")),
            "上线时间": _time(result.get("onlineTime")),
        }
    ]


def _custom(result: Mapping[str, Any]) -> Blocks | None:
    return _listed(records(result, "custom"))


def _common(result: Mapping[str, Any]) -> Blocks | None:
    return _listed(records(result, "common"))


def _listed(services: list[dict[str, Any]] | None) -> Blocks | None:
    if services is None:
        return None
    return [
        [
            {
                "服务 ID": service.get("serviceId"),
                "名称": service.get("name"),
                "地址名": str(service.get("url") or "").rpartition("/")[2],
                "类型": service.get("apiType"),
                "状态": [it.get("serviceStatus") for it in records(service, "versionList") or []],
            }
            for service in services
        ]
    ]


def _time(value: Any) -> Any:
    """Return a time to read: the platform gives seconds since 1970, or a text."""
    if not isinstance(value, int):
        return value
    return f"{datetime.fromtimestamp(value, _CHINA):%Y-%m-%d %H:%M:%S}" if value else None
