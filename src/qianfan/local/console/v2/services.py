"""Services by v2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.local import checks
from qianfan.local.console import fields, pages, presets, services

if TYPE_CHECKING:
    from qianfan.local.console.asked import Asked, Handler
    from qianfan.local.console.services import Service
    from qianfan.local.wire import Json


def _create(asked: Asked) -> Json:
    body, account = asked.body, asked.account
    model = account.models.find(fields.required(body, "modelSetId", fields.key))
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


def _modify(asked: Asked) -> bool:
    body, account = asked.body, asked.account
    service = _found(asked)
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


def _list(asked: Asked) -> Json:
    return pages.page(
        asked.body,
        asked.account.services.all(),
        "serviceList",
        lambda service: _shown(asked, service),
    )


def _describe(asked: Asked) -> Json:
    return _shown(asked, _found(asked))


def _found(asked: Asked) -> Service:
    return asked.account.services.find(fields.required(asked.body, "serviceId", fields.key))


def _shown(asked: Asked, service: Service) -> Json:
    models = asked.account.models
    status = service.status(asked.now)
    return {
        "serviceId": service.uid,
        "name": service.title,
        "description": service.description,
        "modelSetId": models.find(service.model).uid,
        "modelId": models.version(service.version).uid,
        "urlSuffix": service.uri,
        "url": asked.address("chat", service.uri),
        "runStatus": "Serving" if status == services.DONE else status,
        "resourceConfig": {"replicasCount": service.replicas},
        "createTime": fields.utc_time(service.created),
        "updateTime": fields.utc_time(service.changed),
    }


def _list_presets(asked: Asked) -> Json:
    return {
        "serviceList": [
            {
                "name": preset.name,
                "url": asked.address("chat", preset.endpoint),
                "apiType": "chat",
                "chargeStatus": "OPENED",
            }
            for preset in presets.presets()
        ]
    }


ACTIONS: dict[str, Handler] = {
    "CreateService": _create,
    "DescribeServices": _list,
    "DescribeService": _describe,
    "ModifyService": _modify,
    "DescribePresetServices": _list_presets,
}
