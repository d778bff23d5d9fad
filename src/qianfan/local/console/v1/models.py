"""Models by v1: a model holds versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qianfan.local import checks
from qianfan.local.console import fields, presets, training
from qianfan.local.console.models import LONGEST_NAME

if TYPE_CHECKING:
    from qianfan.local.console.asked import Asked, Handler
    from qianfan.local.console.models import Model, Version
    from qianfan.local.console.presets import Preset
    from qianfan.local.wire import Json

_USER, _USER_NAME = 1, "local"  # the one account of a local platform
_TEXT = 0  # modelType
_MOST_DELETED = 100  # in one call

#: What is documented of every text model: what goes in and what comes out.
_PARAMETERS: Json = {
    "input": {"type": "object", "required": ["messages"], "properties": {"messages": {"type": "array"}}},
    "output": {"type": "object", "properties": {"result": {"type": "string"}}},
}


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


def _detail(asked: Asked) -> Json:
    key = fields.required(asked.body, "modelId", fields.key)
    preset = presets.find(key)
    return _preset(preset) if preset else _model(asked, asked.account.models.find(key))


def _version_detail(asked: Asked) -> Json:
    models = asked.account.models
    version = models.version(fields.required(asked.body, "modelVersionId", fields.key))
    return {**_version(models.find(version.model), version), "params": _PARAMETERS}


def _user_models(asked: Asked) -> Json:
    models = [_model(asked, model) for model in asked.account.models.all()]
    return {"total": len(models), "modelList": models}


def _preset_models(asked: Asked) -> Json:  # noqa: ARG001  # one shape for all handlers
    models = [_preset(preset) for preset in presets.presets()]
    return {"total": len(models), "modelList": models}


def _preset(preset: Preset) -> Json:
    return {
        "modelId": preset.id,
        "modelIdStr": preset.uid,
        "modelName": preset.name,
        "source": "PlatformPreset",
        "modelType": _TEXT,
        "description": "",
        "modelVersionList": [],
    }


def _delete_models(asked: Asked) -> bool:
    account = asked.account
    account.delete_models([account.models.find(key) for key in _keys(asked.body, "modelIDs")])
    return True


def _delete_versions(asked: Asked) -> bool:
    account = asked.account
    account.delete_versions([account.models.version(key) for key in _keys(asked.body, "modelVersionIds")])
    return True


def _keys(body: Json, name: str) -> list[int | str]:
    def check(value: Any) -> str | None:
        fits = (
            isinstance(value, list) and 1 <= len(value) <= _MOST_DELETED and not any(map(fields.key, value))
        )
        return None if fits else f"must be an array of 1 to {_MOST_DELETED} ids"

    keys: list[int | str] = fields.required(body, name, check)
    return keys


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
        "sourceType": "Train",
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


ROUTES: dict[str, Handler] = {
    "modelrepo/modelDetail": _detail,
    "modelrepo/modelVersionDetail": _version_detail,
    "modelrepo/publishTrainModel": _publish,
    "modelrepo/model/preset/list": _preset_models,
    "modelrepo/model/user/list": _user_models,
    "modelrepo/model/batchDelete": _delete_models,
    "modelrepo/model/version/batchDelete": _delete_versions,
}
