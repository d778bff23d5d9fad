"""Fine-tuning by v2: what it calls a job is v1's task, and its task is v1's job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.local import checks
from qianfan.local.console import fields, jobs, pages, training, visualdl
from qianfan.local.wire import Refusal, as_array, as_object

if TYPE_CHECKING:
    from qianfan.local.console.asked import Asked, Handler
    from qianfan.local.console.jobs import Job
    from qianfan.local.console.tasks import Task
    from qianfan.local.console.training import Train
    from qianfan.local.wire import Json

_STATUS = {jobs.RUNNING: "Running", jobs.FINISH: "Done", jobs.FAIL: "Failed", jobs.STOP: "Stopped"}

# What v1 calls a field, and what v2 does.
_NAMES = (
    ("trainConfig", "hyperParameterConfig"),
    ("trainsetRate", "datasetConfig.splitRatio"),
    ("trainset", "datasetConfig.versions"),
    ("].id ", "].versionId "),
)

#: `parameterScale`, and the `peftType` that it is in v1.
_SCALES = {"FullFineTuning": "ALL", "LoRA": "LoRA", "PromptTuning": "P-tuning"}

_USUAL_RATE = 0.00002  # in the range of every model


def _create_job(asked: Asked) -> Json:
    body = asked.body
    name = fields.required(body, "name", fields.name)
    model = fields.required(body, "model", checks.one_of(*training.TRAINS))
    fields.required(body, "trainMode", checks.one_of("SFT"))
    description = fields.optional(body, "description", fields.description, "")
    return {"jobId": asked.account.tasks.create(name, description, model).uid}


def _create_task(asked: Asked) -> Json:
    body, account = asked.body, asked.account
    task = _job(asked)
    if not task.train_type:
        raise fields.refusal(
            fields.PARAM, "the job was created by v1 and has no model: create its tasks by v1"
        )
    train = training.TRAINS[task.train_type]
    scales = [scale for scale, peft in _SCALES.items() if peft in train.peft]
    usual = "LoRA" if "LoRA" in scales else scales[0]
    scale = fields.optional(body, "parameterScale", checks.one_of(*scales), usual)
    data = fields.required(body, "datasetConfig", fields.json_object)
    split = data.get("splitRatio")
    wanted = {
        "taskId": task.id,
        "description": body.get("description"),
        "baseTrainType": train.base,
        "trainType": task.train_type,
        "trainMode": "SFT",
        "peftType": _SCALES[scale],
        "trainConfig": body.get("hyperParameterConfig"),
        "trainset": _trainset(data),
        "trainsetRate": 0 if split is None else split,
    }
    try:
        job = account.jobs.create(wanted)
    except Refusal as refusal:
        raise _in_our_words(refusal) from None
    return {"jobId": task.uid, "taskId": job.uid}


def _in_our_words(refusal: Refusal) -> Refusal:
    """Return a refusal that calls the fields as v2 does."""
    message = refusal.message
    for theirs, ours in _NAMES:
        message = message.replace(theirs, ours)
    return Refusal(refusal.code, message)


def _trainset(data: Json) -> list[Json]:
    """Return v1's `trainset` of v2's `datasetConfig`."""
    fields.required(data, "sourceType", checks.one_of("Platform"), jobs.BAD_DATASET, "datasetConfig.")
    versions = fields.required(data, "versions", checks.array, jobs.BAD_DATASET, "datasetConfig.")
    return [{"type": 1, "id": (as_object(item) or {}).get("versionId")} for item in as_array(versions) or []]


def _list_jobs(asked: Asked) -> Json:
    return pages.page(asked.body, asked.account.tasks.all(), "jobList", _shown_job)


def _shown_job(task: Task) -> Json:
    return {
        "jobId": task.uid,
        "name": task.name,
        "description": task.description,
        "model": task.train_type,
        "trainMode": "SFT",
        "createDate": fields.utc_time(task.created),
    }


def _list_tasks(asked: Asked) -> Json:
    task = _job(asked)
    return pages.page(
        asked.body, asked.account.jobs.of(task), "taskList", lambda job: _shown_task(asked, task, job)
    )


def _describe_task(asked: Asked) -> Json:
    task, job = _task(asked)
    scales = {peft: scale for scale, peft in _SCALES.items()}
    return {
        **_shown_task(asked, task, job),
        "parameterScale": scales[job.config["peftType"]],
        "hyperParameterConfig": job.config["trainConfig"],
        "runTime": int(job.ran(asked.now)),
        "vdlLink": visualdl.link(asked.site, job),
        "metrics": {"loss": job.losses(asked.now)},
        "failReason": job.message if job.status(asked.now) == jobs.FAIL else "",
    }


def _shown_task(asked: Asked, task: Task, job: Job) -> Json:
    return {
        "jobId": task.uid,
        "taskId": job.uid,
        "jobName": task.name,
        "jobDescription": task.description,
        "model": job.train_type,
        "trainMode": "SFT",
        "runStatus": _STATUS[job.status(asked.now)],
        "runProgress": f"{job.progress(asked.now)}%",
        "createDate": fields.utc_time(job.started),
        "startDate": fields.utc_time(job.started),
        "finishDate": fields.utc_time(job.ended(asked.now)),
    }


def _stop_task(asked: Asked) -> bool:
    asked.account.jobs.stop(_task(asked)[1])
    return True


def _delete_task(asked: Asked) -> bool:
    asked.account.jobs.delete(_task(asked)[1])
    return True


def _delete_job(asked: Asked) -> bool:
    account, task = asked.account, _job(asked)
    for job in account.jobs.of(task):
        account.jobs.delete(job)
    account.tasks.delete(task)
    return True


def _list_supported(asked: Asked) -> list[Json]:  # noqa: ARG001  # one shape for all handlers
    return [_supported(name, train) for name, train in training.TRAINS.items()]


def _supported(name: str, train: Train) -> Json:
    numbers = _numbers(train)
    scales = [
        {"parameterScale": scale, "supportHyperParameterConfig": numbers}
        for scale, peft in _SCALES.items()
        if peft in train.peft
    ]
    return {
        "model": name,
        "baseModel": train.base,
        "modelType": "text2text",
        "supportTrainMode": [{"trainMode": "SFT", "supportParameterScale": scales}],
    }


def _numbers(train: Train) -> list[Json]:
    """Return the numbers that a task may or must give, with their ranges or choices."""
    numbers = [
        _number("epoch", "int", "range", training.EPOCHS, 1),
        _number("learningRate", "float", "range", train.rate, _USUAL_RATE),
    ]
    if train.batch is not None:
        numbers.append(_number("batchSize", "int", "range", train.batch, train.batch[0]))
    if train.lengths:
        numbers.append(_number("maxSeqLen", "int", "choice", train.lengths, train.lengths[0]))
    return numbers


def _number(name: str, kind: str, check: str, values: tuple[float, ...], default: float) -> Json:
    return {
        "key": name,
        "name": name,
        "description": "",
        "type": kind,
        "checkType": check,
        "checkValue": list(values),
        "default": default,
    }


def _job(asked: Asked) -> Task:
    return asked.account.tasks.find(fields.required(asked.body, "jobId", fields.key))


def _task(asked: Asked) -> tuple[Task, Job]:
    """Return the task that a body names, as v1's job with its task."""
    account = asked.account
    job = account.jobs.get(fields.required(asked.body, "taskId", fields.key))
    if job is None:
        raise Refusal(jobs.NOT_FOUND)
    return account.tasks.find(job.task), job


ACTIONS: dict[str, Handler] = {
    "CreateFineTuningJob": _create_job,
    "CreateFineTuningTask": _create_task,
    "DescribeFineTuningJobs": _list_jobs,
    "DescribeFineTuningTasks": _list_tasks,
    "DescribeFineTuningTask": _describe_task,
    "StopFineTuningTask": _stop_task,
    "DeleteFineTuningTask": _delete_task,
    "DeleteFineTuningJob": _delete_job,
    "DescribeFineTuningSupportModels": _list_supported,
}
