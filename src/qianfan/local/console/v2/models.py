"""Models by v2: what it calls a model set is v1's model, and its model is a version of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.local import checks
from qianfan.local.console import fields, jobs, pages, presets
from qianfan.local.console.models import LONGEST_NAME
from qianfan.local.wire import Refusal

if TYPE_CHECKING:
    from qianfan.local.console.asked import Asked, Handler
    from qianfan.local.console.models import Model, Version
    from qianfan.local.console.presets import Preset
    from qianfan.local.wire import Json


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
    return pages.page(asked.body, presets.presets(), "modelSetList", _shown_preset)


def _shown_preset(preset: Preset) -> Json:
    return {
        "modelSetId": preset.uid,
        "modelSetName": preset.name,
        "source": "PlatformPreset",
        "modelType": "Text",
    }


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
    found = _any_set(asked)
    if isinstance(found, presets.Preset):
        return {**_shown_preset(found), "modelIds": [], "modelList": []}
    versions = asked.account.models.versions(found)
    return {
        **_shown_set(found),
        "modelIds": [version.uid for version in versions],
        "modelList": [_shown_model(found, version) for version in versions],
    }


def _any_set(asked: Asked) -> Preset | Model:
    """Return the set of an id or, where none is given, of a name; the platform's own sets too."""
    body = asked.body
    if body.get("modelSetId") is None and body.get("modelSetName") is not None:
        name: str = fields.required(body, "modelSetName", checks.text())
        return presets.called(name) or asked.account.models.called(name)
    return presets.find(fields.required(body, "modelSetId", fields.key)) or _model_set(asked)


def _describe_model(asked: Asked) -> Json:
    version = _version(asked)
    return _shown_model(asked.account.models.find(version.model), version)


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
    asked.account.delete_models([_model_set(asked)])
    return True


def _delete_model(asked: Asked) -> bool:
    asked.account.delete_versions([_version(asked)])
    return True


def _model_set(asked: Asked) -> Model:
    return asked.account.models.find(fields.required(asked.body, "modelSetId", fields.key))


def _version(asked: Asked) -> Version:
    return asked.account.models.version(fields.required(asked.body, "modelId", fields.key))


ACTIONS: dict[str, Handler] = {
    "CreateCustomModelSet": _create_set,
    "CreateCustomModel": _create_model,
    "DescribeSystemModelSets": _system_sets,
    "DescribeCustomModelSets": _custom_sets,
    "DescribeModelSet": _describe_set,
    "DescribeModel": _describe_model,
    "DeleteModelSet": _delete_set,
    "DeleteModel": _delete_model,
}
