"""The console's v1: its routes, and the shapes of what they answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from qianfan import catalog
from qianfan.local import checks
from qianfan.local.console import fields, jobs, services, training, visualdl
from qianfan.local.console.datasets import LONGEST_NAME as LONGEST_DATASET_NAME
from qianfan.local.console.models import LONGEST_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qianfan.local.console.account import Account
    from qianfan.local.console.datasets import Dataset
    from qianfan.local.console.jobs import Job
    from qianfan.local.console.models import Model, Version
    from qianfan.local.console.services import Service
    from qianfan.local.wire import Json

INFERENCE = "/rpc/2.0/ai_custom/v1/wenxinworkshop"

_USER, _USER_NAME = 1, "local"  # the one account of a local platform
_TRAIN, _TEXT = "Train", 0

#: What is documented of every text model: what goes in and what comes out.
_PARAMETERS: Json = {
    "input": {"type": "object", "required": ["messages"], "properties": {"messages": {"type": "array"}}},
    "output": {"type": "object", "properties": {"result": {"type": "string"}}},
}

_MOST_DELETED = 100  # in one call
_KINDS = {"chat": "chat", "completion": "completions", "embedding": "embeddings"}


class Asked(NamedTuple):
    """A call that was let in.

    Attributes:
        account: What the console manages.
        body: The JSON object sent.
        now: The platform's time.
        site: Scheme and host that the caller reaches the platform by.
    """

    account: Account
    body: Json
    now: float
    site: str


Handler: TypeAlias = Callable[[Asked], Any]


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


def _publish(asked: Asked) -> Json:
    account, body = asked.account, asked.body
    is_new = fields.required(body, "isNewModel", checks.boolean)
    meta = fields.required(body, "versionMeta", fields.json_object)
    tags = fields.optional(body, "tags", checks.strings(20, 50), [])
    description = fields.optional(meta, "description", fields.description, "", above="versionMeta.")
    task = account.tasks.find(fields.required(meta, "taskId", fields.key, above="versionMeta."))
    job = account.jobs.find(task.id, fields.required(meta, "iterationId", fields.key, above="versionMeta."))
    if is_new:
        name = fields.required(body, "modelName", fields.length(1, LONGEST_NAME))
        model = account.models.create(name, description, tags)
    else:
        model = account.models.find(fields.required(body, "modelId", fields.key))
    version = account.models.publish(model, job, task.name, description)
    return {
        "modelId": model.id,
        "modelIDStr": model.uid,
        "version": str(version.version),
        "versionId": version.id,
        "versionIdStr": version.uid,
    }


def _model_detail(asked: Asked) -> Json:
    return _model(asked, asked.account.models.find(fields.required(asked.body, "modelId", fields.key)))


def _version_detail(asked: Asked) -> Json:
    models = asked.account.models
    version = models.version(fields.required(asked.body, "modelVersionId", fields.key))
    return {**_version(models.find(version.model), version), "params": _PARAMETERS}


def _user_models(asked: Asked) -> Json:
    models = [_model(asked, model) for model in asked.account.models.all()]
    return {"total": len(models), "modelList": models}


def _preset_models(asked: Asked) -> Json:  # noqa: ARG001  # one shape for all handlers
    models = [
        {
            "modelId": number,
            "modelIdStr": preset_uid(number),
            "modelName": model.name,
            "source": "PlatformPreset",
            "modelType": _TEXT,
            "description": "",
            "modelVersionList": [],
        }
        for number, model in enumerate(catalog.models("chat"), 1)
        if model.alias_of is None
    ]
    return {"total": len(models), "modelList": models}


def _delete_models(asked: Asked) -> bool:
    found = map(asked.account.models.find, _keys(asked.body, "modelIDs"))
    return delete_models(asked.account, found)


def _delete_versions(asked: Asked) -> bool:
    found = map(asked.account.models.version, _keys(asked.body, "modelVersionIds"))
    return delete_versions(asked.account, found)


def delete_models(account: Account, models: Iterable[Model]) -> bool:
    """Delete models and their versions, and say so.

    Raises:
        Refusal: 500001 a service stands on one of them.
    """
    for model in {model.id: model for model in models}.values():
        _refuse_used(account, account.models.versions(model))
        account.models.delete(model)
    return True


def delete_versions(account: Account, versions: Iterable[Version]) -> bool:
    """Delete versions of models, and say so.

    Raises:
        Refusal: 500001 a service stands on one of them.
    """
    found = {version.id: version for version in versions}.values()
    _refuse_used(account, list(found))
    for version in found:
        account.models.delete_version(version)
    return True


def _keys(body: Json, name: str) -> list[int | str]:
    def check(value: Any) -> str | None:
        fits = (
            isinstance(value, list) and 1 <= len(value) <= _MOST_DELETED and not any(map(fields.key, value))
        )
        return None if fits else f"must be an array of 1 to {_MOST_DELETED} ids"

    keys: list[int | str] = fields.required(body, name, check)
    return keys


def _refuse_used(account: Account, versions: list[Version]) -> None:
    if account.services.use(versions):
        raise fields.refusal(fields.PARAM, "a service stands on the model")


def preset_uid(number: int) -> str:
    """Return the name of the platform's model of this number in the catalogue."""
    return f"am-preset{number:06}"


def _model(asked: Asked, model: Model) -> Json:
    versions = asked.account.models.versions(model)
    return {
        "modelId": model.id,
        "modelIdStr": model.uid,
        "modelName": model.name,
        "source": "UserCreate",
        "modelType": _TEXT,
        "createUserId": _USER,
        "createUser": _USER_NAME,
        "createTime": fields.iso_time(model.created),
        "modifyTime": fields.iso_time(model.changed),
        "description": model.description,
        "tags": model.tags,
        "modelVersionList": [_version(model, version) for version in versions],
    }


def _version(model: Model, version: Version) -> Json:
    task, task_name, run = version.task
    train = training.TRAINS[version.train_type]
    return {
        "modelId": model.id,
        "modelIdStr": model.uid,
        "modelName": model.name,
        "modelVersionId": version.id,
        "modelVersionIdStr": version.uid,
        "version": str(version.version),
        "description": version.description,
        "sourceType": _TRAIN,
        "sourceExtra": {
            "trainSourceExtra": {
                "taskId": task,
                "taskName": task_name,
                "iterationVersion": run,
                "runId": version.job,
            }
        },
        "framework": "paddle",
        "algorithm": train.base,
        "modelNet": train.base,
        "state": "Ready",
        "ioMode": "chat",
        "ioLength": "",
        "copyright": "",
        "property": {},
        "createTime": fields.iso_time(version.created),
        "modifyTime": fields.iso_time(version.created),
        "deployResource": ["Private"],
        "supportOptions": ["Deploy"],
        "trainType": train.shown,
    }


def _apply(asked: Asked) -> Json:
    account, body = asked.account, asked.body
    model = account.models.find(fields.required(body, "modelId", fields.key))
    which = "modelVersionId" if body.get("modelVersionId") is not None else "iterationId"
    version = account.models.version(fields.required(body, which, fields.key))
    if version.model != model.id:
        raise fields.refusal(fields.PARAM, f"{which} is no version of the model")
    service = account.services.create(
        version,
        fields.required(body, "name", fields.name),
        fields.required(body, "uri", fields.uri),
        fields.optional(body, "description", fields.description, ""),
        replicas=fields.required(body, "replicas", checks.integer(1)),
        pool=fields.required(body, "poolType", fields.integer_of(1, 2)),
    )
    return {"result": True, "serviceId": service.id, "serviceUuid": service.uid}


def _service_detail(asked: Asked) -> Json:
    services_, models = asked.account.services, asked.account.models
    service = services_.find(fields.required(asked.body, "serviceId", fields.key))
    model, version = models.find(service.model), models.version(service.version)
    status = service.status(asked.now)
    return {
        "id": service.id,
        "serviceUuid": service.uid,
        "modelId": model.id,
        "modelName": model.name,
        "modelType": _TEXT,
        "templateType": 0,
        "iterationId": version.id,
        "modelVersion": version.id,
        "version": str(version.version),
        "name": service.title,
        "uri": service.uri,
        "fullUri": f"{asked.site}{INFERENCE}/chat/{service.uri}",
        "url": f"{asked.site}{INFERENCE}/chat/{service.uri}",
        "applyStatus": 1,
        "serviceStatus": status,
        "sourceType": _TRAIN,
        "onlineTime": int(service.online) if status == services.DONE else 0,
        "callUnitPrice": 0,
        "description": service.description,
        "devApiId": service.id,
        "apiId": service.id,
        "vmConfig": {
            "resourceId": "",
            "instanceCount": service.replicas,
            "CPUNum": 0,
            "memory": 0,
            "GPUType": "",
            "GPUNum": 0,
            "volumeId": "",
        },
        "timeout": 0,
        "qps": 0,
        "noAuthAccess": False,
        "hasDeploying": status == services.DEPLOYING,
        "openDcl": False,
        "payType": 0,
        "creator": _USER_NAME,
        "createTime": int(service.created),
        "modifyTime": int(service.changed),
    }


def _service_list(asked: Asked) -> Json:
    wanted = fields.optional(asked.body, "apiTypefilter", checks.strings(20, 50), [])
    common = [
        _listed(asked.site, kind, model.name, model.endpoint, "", services.DONE)
        for kind in _KINDS
        for model in catalog.models(kind)
        if model.alias_of is None and model.family == kind
    ]
    custom = [_custom(asked, service) for service in asked.account.services.all()]
    return {
        "common": [service for service in common if not wanted or service["apiType"] in wanted],
        "custom": [service for service in custom if not wanted or service["apiType"] in wanted],
    }


def _custom(asked: Asked, service: Service) -> Json:
    shown = training.TRAINS[service.train_type].shown
    listed = _listed(asked.site, "chat", service.title, service.uri, shown, service.status(asked.now))
    return {**listed, "serviceId": service.id, "serviceUuid": service.uid}


def _listed(site: str, kind: str, title: str, uri: str, train_type: str, status: str) -> Json:
    return {
        "name": title,
        "url": f"{site}{INFERENCE}/{_KINDS[kind]}/{uri}",
        "apiType": _KINDS[kind],
        "chargeStatus": "OPENED",
        "versionList": [{"trainType": train_type, "serviceStatus": status}],
    }


def _create_dataset(asked: Asked) -> Json:
    name = fields.required(asked.body, "name", fields.length(1, LONGEST_DATASET_NAME))
    return _dataset(asked.account.datasets.create(name, []))


def _dataset_info(asked: Asked) -> Json:
    key = fields.required(asked.body, "datasetId", fields.key)
    dataset = asked.account.datasets.find(key)
    if dataset is None:
        raise fields.refusal(fields.PARAM, f"there is no dataset {key!r}")
    return _dataset(dataset)


def _dataset(dataset: Dataset) -> Json:
    return {
        "id": dataset.id,
        "datasetId": dataset.uid,
        "groupPK": dataset.group,
        "name": dataset.name,
        "entityCount": dataset.count,
        "createTime": fields.iso_time(dataset.created),
    }


#: What answers, by the path below `/wenxinworkshop/`.
ROUTES: dict[str, Handler] = {
    "finetune/createTask": _create_task,
    "finetune/createJob": _create_job,
    "finetune/jobDetail": _job_detail,
    "finetune/stopJob": _stop_job,
    "modelrepo/modelDetail": _model_detail,
    "modelrepo/modelVersionDetail": _version_detail,
    "modelrepo/publishTrainModel": _publish,
    "modelrepo/model/preset/list": _preset_models,
    "modelrepo/model/user/list": _user_models,
    "modelrepo/model/batchDelete": _delete_models,
    "modelrepo/model/version/batchDelete": _delete_versions,
    "service/apply": _apply,
    "service/detail": _service_detail,
    "service/list": _service_list,
    "dataset/create": _create_dataset,
    "dataset/info": _dataset_info,
}
