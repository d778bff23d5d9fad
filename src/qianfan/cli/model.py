"""`qianfan model`: the models of an account, and publishing what a job trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from qianfan.cli.account import Local, State, account
from qianfan.cli.ending import clean_ending, say
from qianfan.cli.tables import Json, first, records, show
from qianfan.cli.values import Fields, JobId, TaskId, Unchecked, identifier, pairs
from qianfan.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qianfan.cli.tables import Blocks, Row

app = typer.Typer(
    help="大模型管理：模型，以及它由运行发布的版本。",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.command("list")
def list_(
    preset: Annotated[bool, typer.Option("--preset", help="列出平台的预置模型，而不是自己的。")] = False,
    local: Local = False,
    state: State = None,
    json: Json = False,
) -> None:
    """列出模型。"""
    from qianfan.console.model import Model

    with clean_ending(), account(local, state) as own:
        models = Model(own.client)
        show(models.list_preset() if preset else models.list_user(), _models, as_json=json)


@app.command("show")
def show_(
    model: Annotated[
        str | None, typer.Argument(help="模型的 id。", metavar="[ID]", show_default=False)
    ] = None,
    version: Annotated[
        str | None, typer.Option("--version", help="只看一个版本：版本的 id。", metavar="ID")
    ] = None,
    local: Local = False,
    state: State = None,
    json: Json = False,
) -> None:
    """查看模型的全部版本，或其中一个版本。"""
    from qianfan.console.model import Model

    with clean_ending():
        if (model is None) == (version is None):
            raise InvalidArgumentError(
                "给出模型的 id 或 --version 其中之一 (give either a model's id or --version)"
            )
        with account(local, state) as own:
            models = Model(own.client)
            if version is not None:
                show(models.detail(identifier(version)), _version, as_json=json)
            elif model is not None:
                show(models.list(identifier(model)), _model, as_json=json)


@app.command("publish")
def publish(
    task: TaskId,
    job: JobId,
    name: Annotated[str | None, typer.Option(help="发布为新模型：它的名称。")] = None,
    model: Annotated[
        str | None, typer.Option(help="发布为已有模型的新版本：模型的 id。", metavar="ID")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(help="模型的标签，可重复。")] = None,
    param: Fields = None,
    no_validate: Unchecked = False,
    local: Local = False,
    state: State = None,
    json: Json = False,
) -> None:
    """把已完成的运行发布为模型的一个版本。"""
    from qianfan.console.model import Model

    with clean_ending():
        if (name is None) == (model is None):
            raise InvalidArgumentError(
                "给出 --name（新模型）或 --model（已有模型）其中之一 (give either --name or --model)"
            )
        fields = pairs(param, "tags=[]")
        with account(local, state) as own:
            reply = Model(own.client).publish(
                is_new=model is None,
                version_meta={"taskId": identifier(task), "iterationId": identifier(job)},
                model_name=name,
                model_id=None if model is None else identifier(model),
                tags=tag or None,
                extra=fields,
                validate=not no_validate,
            )
            show(reply, _published, as_json=json)
            if not json:
                ids = f"--model {first(reply.body, 'result.modelId')} --version {first(reply.body, 'result.versionId')}"
                say(f"下一步：qianfan service create {ids} --uri <地址名>{own.flags}", style="dim")


def _models(result: Mapping[str, Any]) -> Blocks | None:
    models = records(result, "modelList")
    if models is None:
        return None
    return [
        [
            {
                "模型 ID": first(model, "modelId", "modelIdStr"),
                "名称": model.get("modelName"),
                "版本数": len(records(model, "modelVersionList") or []) or None,
                "标签": model.get("tags"),
                "创建时间": model.get("createTime"),
            }
            for model in models
        ]
    ]


def _model(result: Mapping[str, Any]) -> Blocks:
    versions = [_version_row(version) for version in records(result, "modelVersionList") or []]
    return [
        {
            "模型 ID": result.get("modelId"),
            "名称": result.get("modelName"),
            "描述": result.get("description"),
            "标签": result.get("tags"),
            "创建时间": result.get("createTime"),
        },
        versions,
    ]


def _version(result: Mapping[str, Any]) -> Blocks:
    return [{"模型 ID": result.get("modelId"), "名称": result.get("modelName"), **_version_row(result)}]


def _version_row(version: Mapping[str, Any]) -> Row:
    source = "sourceExtra.trainSourceExtra"
    return {
        "版本 ID": first(version, "modelVersionId", "modelVersionIdStr"),
        "版本": version.get("version"),
        "状态": version.get("state"),
        "基础模型": version.get("trainType"),
        "任务 ID": first(version, f"{source}.taskId"),
        "运行 ID": first(version, f"{source}.runId"),
        "描述": version.get("description"),
        "创建时间": version.get("createTime"),
    }


def _published(result: Mapping[str, Any]) -> Blocks:
    return [
        {
            "模型 ID": result.get("modelId"),
            "版本 ID": result.get("versionId"),
            "版本": result.get("version"),
        }
    ]
