"""The console's v2: its actions, and the shapes of what they answer.

Mind the names: v2's job is v1's task, its task v1's job, its model set v1's model, its model v1's version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan import catalog
from qianfan.local import checks
from qianfan.local.console import fields, jobs, pages, services, training, v1, visualdl
from qianfan.local.console.datasets import LONGEST_NAME as LONGEST_DATASET_NAME
from qianfan.local.console.models import LONGEST_NAME
from qianfan.local.wire import Refusal, as_array, as_object

if TYPE_CHECKING:
    from qianfan.local.console.datasets import Dataset
    from qianfan.local.console.jobs import Job
    from qianfan.local.console.models import Model, Version
    from qianfan.local.console.services import Service
    from qianfan.local.console.tasks import Task
    from qianfan.local.console.v1 import Asked, Handler
    from qianfan.local.wire import Json

_STATUS = {jobs.RUNNING: "Running", jobs.FINISH: "Done", jobs.FAIL: "Failed", jobs.STOP: "Stopped"}
_SCALES = {"FullFineTuning": "ALL", "LoRA": "LoRA", "PromptTuning": "P-tuning"}

_BAD_REQUEST, _NOT_FOUND, _METHOD_NOT_ALLOWED, _CONFLICT, _TOO_LARGE, _SERVER_ERROR = (
    400,
    404,
    405,
    409,
    413,
    500,
)

#: Groups that the platform has and this one refuses every action of.
_OTHER_GROUPS = ("batchinference", "charge", "eval", "memory", "promptLabels", "promptTemplates")

# HTTP status and code of a refusal, by v1's code; every other is the first.
_INAPPROPRIATE = _BAD_REQUEST, "InappropriateJSON"
_ERRORS = {
    336007: (_TOO_LARGE, "EntityTooLarge"),
    336101: (_METHOD_NOT_ALLOWED, "MethodNotAllowed"),
    500000: (_SERVER_ERROR, "InternalError"),
    510201: (_CONFLICT, "NameExists"),
    510202: (_NOT_FOUND, "NotFound"),
    510203: (_BAD_REQUEST, "OverLimit"),
    510301: (_NOT_FOUND, "NotFound"),
    510302: (_CONFLICT, "StatusInvalid"),
    510402: (_CONFLICT, "OverLimit"),
}


def error(refusal: Refusal) -> tuple[int, str]:
    """Return the HTTP status and the code of a refusal."""
    return _ERRORS.get(refusal.code, _INAPPROPRIATE)


def _create_tuning_job(asked: Asked) -> Json:
    body = asked.body
    name = fields.required(body, "name", fields.name)
    model = fields.required(body, "model", checks.one_of(*training.TRAINS))
    fields.required(body, "trainMode", checks.one_of("SFT"))
    description = fields.optional(body, "description", fields.description, "")
    return {"jobId": asked.account.tasks.create(name, description, model).uid}


def _create_tuning_task(asked: Asked) -> Json:
    body, account = asked.body, asked.account
    task = _tuning_job(asked)
    if not task.train_type:
        raise fields.refusal(
            fields.PARAM, "the job was created by v1 and has no model: create its tasks by v1"
        )
    data = fields.required(body, "datasetConfig", fields.json_object)
    scale = fields.optional(body, "parameterScale", checks.one_of(*_SCALES), "LoRA")
    job = account.jobs.create(
        {
            "taskId": task.id,
            "description": body.get("description"),
            "baseTrainType": training.TRAINS[task.train_type].base,
            "trainType": task.train_type,
            "trainMode": "SFT",
            "peftType": _SCALES[scale],
            "trainConfig": body.get("hyperParameterConfig"),
            "trainset": _trainset(data),
            "trainsetRate": data.get("splitRatio", 0),
        }
    )
    return {"jobId": task.uid, "taskId": job.uid}


def _trainset(data: Json) -> list[Json]:
    """Return v1's `trainset` of v2's `datasetConfig`."""
    fields.required(data, "sourceType", checks.one_of("Platform"), jobs.BAD_DATASET, "datasetConfig.")
    versions = fields.required(data, "versions", checks.array, jobs.BAD_DATASET, "datasetConfig.")
    return [{"type": 1, "id": (as_object(item) or {}).get("versionId")} for item in as_array(versions) or []]


def _tuning_jobs(asked: Asked) -> Json:
    return pages.page(asked.body, asked.account.tasks.all(), "jobList", _shown_tuning_job)


def _shown_tuning_job(task: Task) -> Json:
    return {
        "jobId": task.uid,
        "name": task.name,
        "description": task.description,
        "model": task.train_type,
        "trainMode": "SFT",
        "createDate": fields.utc_time(task.created),
    }


def _tuning_tasks(asked: Asked) -> Json:
    task = _tuning_job(asked)
    return pages.page(
        asked.body, asked.account.jobs.of(task), "taskList", lambda job: _shown_tuning_task(asked, task, job)
    )


def _tuning_task(asked: Asked) -> Json:
    task, job = _owned(asked)
    scales = {peft: scale for scale, peft in _SCALES.items()}
    return {
        **_shown_tuning_task(asked, task, job),
        "parameterScale": scales[job.config["peftType"]],
        "hyperParameterConfig": job.config["trainConfig"],
        "runTime": int(job.ran(asked.now)),
        "vdlLink": visualdl.link(asked.site, job),
        "metrics": {"loss": job.losses(asked.now)},
        "failReason": job.message if job.status(asked.now) == jobs.FAIL else "",
    }


def _shown_tuning_task(asked: Asked, task: Task, job: Job) -> Json:
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


def _stop_tuning_task(asked: Asked) -> bool:
    asked.account.jobs.stop(_owned(asked)[1])
    return True


def _delete_tuning_task(asked: Asked) -> bool:
    asked.account.jobs.delete(_owned(asked)[1])
    return True


def _delete_tuning_job(asked: Asked) -> bool:
    account, task = asked.account, _tuning_job(asked)
    for job in account.jobs.of(task):
        account.jobs.delete(job)
    account.tasks.delete(task)
    return True


def _tunable(asked: Asked) -> list[Json]:  # noqa: ARG001  # one shape for all handlers
    scales = {peft: scale for scale, peft in _SCALES.items()}
    return [
        {
            "model": name,
            "baseModel": train.base,
            "supportTrainMode": [
                {"trainMode": "SFT", "supportParameterScale": [scales[peft] for peft in train.peft]}
            ],
        }
        for name, train in training.TRAINS.items()
    ]


def _tuning_job(asked: Asked) -> Task:
    return asked.account.tasks.find(fields.required(asked.body, "jobId", fields.key))


def _owned(asked: Asked) -> tuple[Task, Job]:
    """Return the task that a body names, as v1's job with its task."""
    account = asked.account
    job = account.jobs.get(fields.required(asked.body, "taskId", fields.key))
    if job is None:
        raise Refusal(jobs.NOT_FOUND)
    return account.tasks.find(job.task), job


def _create_set(asked: Asked) -> Json:
    name = fields.required(asked.body, "modelSetName", fields.length(1, LONGEST_NAME))
    description = fields.optional(asked.body, "description", fields.description, "")
    return {"modelSetId": asked.account.models.create(name, description, []).uid}


def _create_model(asked: Asked) -> Json:
    body, account = asked.body, asked.account
    fields.required(body, "sourceType", checks.one_of("Train"))
    model_set = _model_set(asked)
    meta = fields.required(body, "trainMeta", fields.json_object)
    job = account.jobs.get(fields.required(meta, "taskId", fields.key, above="trainMeta."))
    if job is None:
        raise Refusal(jobs.NOT_FOUND)
    description = fields.optional(body, "description", fields.description, "")
    version = account.models.publish(model_set, job, account.tasks.find(job.task).name, description)
    return {"modelSetId": model_set.uid, "modelId": version.uid, "modelVersion": str(version.version)}


def _system_sets(asked: Asked) -> Json:
    presets = [(n, model) for n, model in enumerate(catalog.models("chat"), 1) if model.alias_of is None]
    return pages.page(
        asked.body,
        presets,
        "modelSetList",
        lambda preset: {
            "modelSetId": v1.preset_uid(preset[0]),
            "modelSetName": preset[1].name,
            "source": "PlatformPreset",
            "modelType": "Text",
        },
        lambda preset: v1.preset_uid(preset[0]),
    )


def _custom_sets(asked: Asked) -> Json:
    return pages.page(asked.body, asked.account.models.all(), "modelSetList", _shown_set)


def _shown_set(model: Model) -> Json:
    return {
        "modelSetId": model.uid,
        "modelSetName": model.name,
        "source": "UserCreate",
        "modelType": "Text",
        "description": model.description,
        "createDate": fields.utc_time(model.created),
        "updateDate": fields.utc_time(model.changed),
    }


def _describe_set(asked: Asked) -> Json:
    model = _model_set(asked)
    versions = asked.account.models.versions(model)
    return {**_shown_set(model), "modelList": [_shown_model(model, version) for version in versions]}


def _describe_model(asked: Asked) -> Json:
    models = asked.account.models
    version = models.version(fields.required(asked.body, "modelId", fields.key))
    return _shown_model(models.find(version.model), version)


def _shown_model(model: Model, version: Version) -> Json:
    return {
        "modelSetId": model.uid,
        "modelSetName": model.name,
        "modelId": version.uid,
        "modelVersion": str(version.version),
        "description": version.description,
        "sourceType": "Train",
        "state": "Ready",
        "baseModel": version.train_type,
        "createDate": fields.utc_time(version.created),
    }


def _delete_set(asked: Asked) -> bool:
    return v1.delete_models(asked.account, [_model_set(asked)])


def _delete_model(asked: Asked) -> bool:
    version = asked.account.models.version(fields.required(asked.body, "modelId", fields.key))
    return v1.delete_versions(asked.account, [version])


def _model_set(asked: Asked) -> Model:
    return asked.account.models.find(fields.required(asked.body, "modelSetId", fields.key))


def _create_service(asked: Asked) -> Json:
    body, account = asked.body, asked.account
    model = _model_set(asked)
    version = account.models.version(fields.required(body, "modelId", fields.key))
    if version.model != model.id:
        raise fields.refusal(fields.PARAM, "modelId is no model of the set")
    service = account.services.create(
        version,
        fields.required(body, "name", fields.name),
        fields.required(body, "urlSuffix", fields.uri),
        fields.optional(body, "description", fields.description, ""),
        replicas=_replicas(body, 1),
        pool=2,
    )
    return {"serviceId": service.uid}


def _modify_service(asked: Asked) -> bool:
    body, account = asked.body, asked.account
    service = _found_service(asked)
    account.services.change(
        service,
        account.models.version(fields.optional(body, "modelId", fields.key, service.version)),
        fields.optional(body, "name", fields.name, service.title),
        fields.optional(body, "description", fields.description, service.description),
        _replicas(body, service.replicas),
    )
    return True


def _replicas(body: Json, default: int) -> int:
    resource = fields.optional(body, "resourceConfig", fields.json_object, {})
    count: int = fields.optional(
        resource, "replicasCount", checks.integer(1), default, above="resourceConfig."
    )
    return count


def _services(asked: Asked) -> Json:
    return pages.page(
        asked.body,
        asked.account.services.all(),
        "serviceList",
        lambda service: _shown_service(asked, service),
    )


def _service(asked: Asked) -> Json:
    return _shown_service(asked, _found_service(asked))


def _found_service(asked: Asked) -> Service:
    return asked.account.services.find(fields.required(asked.body, "serviceId", fields.key))


def _shown_service(asked: Asked, service: Service) -> Json:
    models = asked.account.models
    status = service.status(asked.now)
    return {
        "serviceId": service.uid,
        "name": service.title,
        "description": service.description,
        "modelSetId": models.find(service.model).uid,
        "modelId": models.version(service.version).uid,
        "urlSuffix": service.uri,
        "url": f"{asked.site}{v1.INFERENCE}/chat/{service.uri}",
        "runStatus": "Serving" if status == services.DONE else status,
        "resourceConfig": {"replicasCount": service.replicas},
        "createTime": fields.utc_time(service.created),
        "updateTime": fields.utc_time(service.changed),
    }


def _preset_services(asked: Asked) -> Json:
    return {
        "serviceList": [
            {
                "name": model.name,
                "url": f"{asked.site}{v1.INFERENCE}/chat/{model.endpoint}",
                "apiType": "chat",
                "chargeStatus": "OPENED",
            }
            for model in catalog.models("chat")
            if model.alias_of is None
        ]
    }


def _create_dataset(asked: Asked) -> Json:
    name = fields.required(asked.body, "name", fields.length(1, LONGEST_DATASET_NAME))
    dataset = asked.account.datasets.create(name, [])
    return {"datasetId": dataset.group, "versionId": dataset.uid}


def _datasets(asked: Asked) -> Json:
    return pages.page(asked.body, asked.account.datasets.all(), "datasetList", _shown_dataset)


def _shown_dataset(dataset: Dataset) -> Json:
    created = fields.utc_time(dataset.created)
    return {"datasetId": dataset.group, "name": dataset.name, "createDate": created}


def _delete_dataset(asked: Asked) -> bool:
    asked.account.datasets.delete(_dataset(asked, "datasetId"))
    return True


def _dataset_versions(asked: Asked) -> Json:
    return pages.page(asked.body, [_dataset(asked, "datasetId")], "versionList", _shown_dataset_version)


def _dataset_version(asked: Asked) -> Json:
    return _shown_dataset_version(_dataset(asked, "versionId"))


def _publish_dataset_version(asked: Asked) -> bool:
    _dataset(asked, "versionId")  # it is published from the start
    return True


def _delete_dataset_version(asked: Asked) -> bool:
    asked.account.datasets.delete(_dataset(asked, "versionId"))  # a dataset has no other
    return True


def _shown_dataset_version(dataset: Dataset) -> Json:
    return {
        **_shown_dataset(dataset),
        "versionId": dataset.uid,
        "version": "1",
        "entityCount": dataset.count,
        "publishStatus": "Published",
    }


def _dataset(asked: Asked, name: str) -> Dataset:
    key = fields.required(asked.body, name, fields.key)
    dataset = asked.account.datasets.find(key)
    if dataset is None:
        raise fields.refusal(fields.PARAM, f"there is no dataset {key!r}")
    return dataset


#: What answers, by group and action.
ACTIONS: dict[str, dict[str, Handler]] = {
    "finetuning": {
        "CreateFineTuningJob": _create_tuning_job,
        "CreateFineTuningTask": _create_tuning_task,
        "DescribeFineTuningJobs": _tuning_jobs,
        "DescribeFineTuningTasks": _tuning_tasks,
        "DescribeFineTuningTask": _tuning_task,
        "StopFineTuningTask": _stop_tuning_task,
        "DeleteFineTuningTask": _delete_tuning_task,
        "DeleteFineTuningJob": _delete_tuning_job,
        "DescribeFineTuningSupportModels": _tunable,
    },
    "model": {
        "CreateCustomModelSet": _create_set,
        "CreateCustomModel": _create_model,
        "DescribeSystemModelSets": _system_sets,
        "DescribeCustomModelSets": _custom_sets,
        "DescribeModelSet": _describe_set,
        "DescribeModel": _describe_model,
        "DeleteModelSet": _delete_set,
        "DeleteModel": _delete_model,
    },
    "service": {
        "CreateService": _create_service,
        "DescribeServices": _services,
        "DescribeService": _service,
        "ModifyService": _modify_service,
        "DescribePresetServices": _preset_services,
    },
    "dataset": {
        "CreateDataset": _create_dataset,
        "DescribeDatasets": _datasets,
        "DeleteDataset": _delete_dataset,
        "DescribeDatasetVersions": _dataset_versions,
        "DescribeDatasetVersion": _dataset_version,
        "PublishDatasetVersion": _publish_dataset_version,
        "DeleteDatasetVersion": _delete_dataset_version,
    },
    **{group: {} for group in _OTHER_GROUPS},
}
