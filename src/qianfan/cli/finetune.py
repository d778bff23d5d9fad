"""`qianfan finetune`: tasks, and the jobs that train."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  # typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qianfan.cli import training
from qianfan.cli.account import Local, State, account
from qianfan.cli.ending import clean_ending, say
from qianfan.cli.tables import Json, first, show, show_json
from qianfan.cli.values import Fields, JobId, TaskId, Unchecked, identifier, pairs
from qianfan.cli.waiting import status_command, wait_for
from qianfan.errors import JobError, QianfanError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qianfan.cli.account import Account
    from qianfan.cli.tables import Blocks
    from qianfan.console.job import Job

app = typer.Typer(
    help="大模型调优：任务，以及每次训练一个版本的运行。",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Wait = Annotated[bool, typer.Option("--wait", help="等待运行结束并显示进度；本地平台的时钟随之加快。")]
Timeout = Annotated[float | None, typer.Option("--timeout", help="最多等待的秒数，含 --wait。", min=0.1)]


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="任务的名称，2 到 20 个字符，不可重复。")],
    description: Annotated[
        str | None, typer.Option("--description", "-d", help="任务的描述，至多 500 个字符。")
    ] = None,
    param: Fields = None,
    no_validate: Unchecked = False,
    local: Local = False,
    state: State = None,
    json: Json = False,
) -> None:
    """创建任务。"""
    from qianfan.console.finetune import FineTune

    with clean_ending(), account(local, state) as own:
        fields = pairs(param, "trainType=BLOOMZ-7B")
        reply = FineTune(own.client).create_task(name, description, extra=fields, validate=not no_validate)
        show(reply, _task, as_json=json)
        if not json:
            task = first(reply.body, "result.id")
            say(f"下一步：qianfan finetune run --task {task} --dataset <数据集>{own.flags}", style="dim")


@app.command("run")
def run(
    task: Annotated[str | None, typer.Option("--task", "-t", help="任务的 id。", metavar="ID")] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option(help="数据集的 id，可重复；与 --local 同用时也可以是 JSONL 文件。", metavar="ID|FILE"),
    ] = None,
    base: Annotated[str | None, typer.Option(help=f"基础模型 baseTrainType，默认 {training.BASE}。")] = None,
    train_type: Annotated[
        str | None, typer.Option(help=f"基础模型的版本 trainType，默认 {training.TRAIN_TYPE}。")
    ] = None,
    peft: Annotated[
        str | None, typer.Option(help="训练方法 peftType：ALL、LoRA（默认）或 P-tuning。")
    ] = None,
    epoch: Annotated[int | None, typer.Option(help="轮数，1 到 50，默认 4。")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="学习率，默认 0.00002。")] = None,
    batch_size: Annotated[int | None, typer.Option(help="每步的样本数，部分模型可用。")] = None,
    max_seq_len: Annotated[
        int | None, typer.Option(help="样本的最大长度：4096（默认）或 8192，部分模型可用。")
    ] = None,
    trainset_rate: Annotated[float | None, typer.Option(help="留作测试的百分比，0 到 50，默认 20。")] = None,
    description: Annotated[str | None, typer.Option("--description", "-d", help="运行的描述。")] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="请求体的 JSON 文件，代替默认值；其余选项优先于它。", exists=True, dir_okay=False),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            "-p",
            help="请求体的其他字段，名=JSON 值，可重复；对象里的字段写作 trainConfig.名。",
            metavar="NAME=JSON",
        ),
    ] = None,
    wait: Wait = False,
    timeout: Timeout = None,
    no_validate: Unchecked = False,
    local: Local = False,
    state: State = None,
    json: Json = False,
) -> None:
    """在任务中训练一次。"""
    from qianfan.console.finetune import FineTune

    options = {
        "taskId": None if task is None else identifier(task),
        "baseTrainType": base,
        "trainType": train_type,
        "peftType": peft,
        "trainConfig.epoch": epoch,
        "trainConfig.learningRate": learning_rate,
        "trainConfig.batchSize": batch_size,
        "trainConfig.maxSeqLen": max_seq_len,
        "trainsetRate": trainset_rate,
        "description": description,
    }
    with clean_ending():
        body = training.described(file, options, pairs(param, "jobRunType=0"), dataset or [])
        with account(local, state) as own:
            if dataset:
                body["trainset"] = training.trainset(own, dataset)
            job = FineTune(own.client).create_job(body, validate=not no_validate)
            if wait or timeout is not None:
                _waited(job, own, timeout, as_json=json)
                return
            show(job, lambda _: [{"任务 ID": job.task_id, "运行 ID": job.job_id}], as_json=json)
            if not json:
                say(f"下一步：{status_command(job, own)}", style="dim")


@app.command("status")
def status(
    task: TaskId,
    job: JobId,
    wait: Wait = False,
    timeout: Timeout = None,
    local: Local = False,
    state: State = None,
    json: Json = False,
) -> None:
    """查看运行的状态与进度。"""
    from qianfan.console.finetune import FineTune

    with clean_ending(), account(local, state) as own:
        seen = FineTune(own.client).get_job(identifier(task), identifier(job))
        if wait or timeout is not None:
            _waited(seen, own, timeout, as_json=json)
        else:
            show(seen, _job, as_json=json)


@app.command("stop")
def stop(task: TaskId, job: JobId, local: Local = False, state: State = None, json: Json = False) -> None:
    """停止运行。"""
    from qianfan.console.finetune import FineTune

    with clean_ending(), account(local, state) as own:
        stopped = FineTune(own.client).stop_job(identifier(task), identifier(job)).body.get("result")
        if json:
            show_json(stopped)
        elif stopped:
            say(f"运行 {job} 已停止。", style="green")
        if not stopped:
            raise QianfanError(f"平台没有停止运行 {job} (the platform did not stop the job)")


def _waited(job: Job, own: Account, timeout: float | None, *, as_json: bool) -> None:
    """Wait for a job's end and show it, however it ended."""
    try:
        job = wait_for(job, own, timeout)
    except JobError as error:
        show(error.job, _job, as_json=as_json)
        raise
    show(job, _job, as_json=as_json)
    if not as_json:
        hint = (
            f"下一步：qianfan model publish --task {job.task_id} --job {job.job_id} --name <名称>{own.flags}"
        )
        say(hint, style="dim")


def _task(result: Mapping[str, Any]) -> Blocks:
    return [
        {
            "任务 ID": result.get("id"),
            "名称": result.get("name"),
            "描述": result.get("description"),
            "创建时间": result.get("createTime"),
        }
    ]


def _job(result: Mapping[str, Any]) -> Blocks:
    progress = result.get("progress")
    return [
        {
            "任务 ID": result.get("taskId"),
            "任务": result.get("taskName"),
            "运行 ID": result.get("id"),
            "版本": result.get("version"),
            "描述": result.get("description"),
            "状态": result.get("trainStatus"),
            "失败原因": result.get("failReason"),
            "进度": None if progress is None else f"{progress}%",
            "基础模型": result.get("trainType"),
            "训练方法": result.get("peftType"),
            "开始时间": result.get("startTime"),
            "结束时间": _time(first(result, "finishTime", "finishtime")),
        }
    ]


def _time(value: Any) -> Any:
    """Return a time; None for the zeros that stand for one that has not come."""
    return None if str(value).startswith("0000") else value
