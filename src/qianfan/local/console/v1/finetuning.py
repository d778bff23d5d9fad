"""Fine-tuning by v1: tasks, and the jobs they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.local.console import fields, jobs, training, visualdl

if TYPE_CHECKING:
    from qianfan.local.console.asked import Asked, Handler
    from qianfan.local.console.jobs import Job
    from qianfan.local.wire import Json


def _create_task(asked: Asked) -> Json:
    name = fields.required(asked.body, "name", fields.name)
    description = fields.optional(asked.body, "description", fields.description, "")
    task = asked.account.tasks.create(name, description)
    return {
        "id": task.id,
        "uuid": task.uid,
        "name": task.name,
        "description": task.description,
        "createTime": fields.china_time(task.created),
    }


def _create_job(asked: Asked) -> Json:
    job = asked.account.jobs.create(asked.body)
    return {"id": job.id, "uuid": job.uid}


def _job_detail(asked: Asked) -> Json:
    job = _job(asked)
    task = asked.account.tasks.find(job.task)
    status = job.status(asked.now)
    detail: Json = {
        "id": job.id,
        "uuid": job.uid,
        "description": job.description,
        "taskId": task.id,
        "taskIdStr": task.uid,
        "runIdStr": job.uid,
        "taskName": task.name,
        "version": job.version,
        "jobRunType": int(job.base > 0),
        "trainType": training.TRAINS[job.train_type].shown,
        "trainMode": job.config["trainMode"],
        "peftType": job.config["peftType"],
        "trainStatus": status,
        "progress": job.progress(asked.now),
        "runTime": int(job.ran(asked.now)),
        "trainTime": int(job.trained(asked.now)),
        "startTime": fields.china_time(job.started),
        "finishTime": fields.china_time(job.ended(asked.now)),
        "vdlLink": visualdl.link(asked.site, job),
        "metrics": {"loss": job.losses(asked.now)},
    }
    if status == jobs.FAIL:
        detail["failReason"] = job.message
    return detail


def _stop_job(asked: Asked) -> bool:
    asked.account.jobs.stop(_job(asked))
    return True


def _job(asked: Asked) -> Job:
    task = fields.required(asked.body, "taskId", fields.key)
    return asked.account.jobs.find(task, fields.required(asked.body, "jobId", fields.key))


ROUTES: dict[str, Handler] = {
    "finetune/createTask": _create_task,
    "finetune/createJob": _create_job,
    "finetune/jobDetail": _job_detail,
    "finetune/stopJob": _stop_job,
}
