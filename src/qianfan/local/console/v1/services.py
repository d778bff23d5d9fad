"""Services by v1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan import catalog
from qianfan.local import checks
from qianfan.local.console import fields, services, training

if TYPE_CHECKING:
    from qianfan.local.console.asked import Asked, Handler
    from qianfan.local.console.services import Service
    from qianfan.local.wire import Json


#: The first part of an address, by the kind of its models; what the list calls their `apiType`.
_KINDS = {"chat": "chat", "completion": "completions", "embedding": "embeddings"}


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


def _detail(asked: Asked) -> Json:
    service = asked.account.services.find(fields.required(asked.body, "serviceId", fields.key))
    models = asked.account.models
    model, version = models.find(service.model), models.version(service.version)
    status = service.status(asked.now)
    return {
        "id": service.id,
        "serviceUuid": service.uid,
        "modelId": model.id,
        "modelName": model.name,
        "modelType": 0,
        "templateType": 0,
        "iterationId": version.id,
        "modelVersion": version.id,
        "aiModelId": model.id,
        "aiModelVersionId": version.id,
        "version": str(version.version),
        "name": service.title,
        "uri": service.uri,
        "fullUri": asked.address("chat", service.uri),
        "url": asked.address("chat", service.uri),
        "applyStatus": 1,
        "serviceStatus": status,
        "sourceType": "Train",
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
        "creator": "local",
        "createTime": int(service.created),
        "modifyTime": int(service.changed),
    }


def _list(asked: Asked) -> Json:
    wanted = fields.optional(asked.body, "apiTypefilter", checks.strings(20, 50), [])
    common = [
        _listed(asked, kind, model.name, model.endpoint, "", services.DONE)
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
    listed = _listed(asked, "chat", service.title, service.uri, shown, service.status(asked.now))
    return {**listed, "serviceId": service.id, "serviceUuid": service.uid}


def _listed(asked: Asked, kind: str, title: str, uri: str, train_type: str, status: str) -> Json:
    return {
        "name": title,
        "url": asked.address(_KINDS[kind], uri),
        "apiType": _KINDS[kind],
        "chargeStatus": "OPENED",
        "versionList": [{"trainType": train_type, "serviceStatus": status}],
    }


ROUTES: dict[str, Handler] = {
    "service/apply": _apply,
    "service/detail": _detail,
    "service/list": _list,
}
