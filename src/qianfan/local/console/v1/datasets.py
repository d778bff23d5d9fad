"""Datasets by v1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.local.console import fields
from qianfan.local.console.datasets import LONGEST_NAME

if TYPE_CHECKING:
    from qianfan.local.console.asked import Asked, Handler
    from qianfan.local.console.datasets import Dataset
    from qianfan.local.wire import Json


#: What its routes answer beside the result, where other routes do not.
DONE: Json = {"status": 200, "success": True}

_TEXT, _CONVERSATION, _UNSORTED = 4, 20, 2000  # dataType, projectType, templateType
_FINISHED = 2  # importStatus, releaseStatus
_VERSION = 1

_STORAGE = dict.fromkeys(("storageId", "storageName", "storagePath", "rawStoragePath", "region"), "")


def _create(asked: Asked) -> Json:
    name = fields.required(asked.body, "name", fields.length(1, LONGEST_NAME))
    return {
        **_shown(asked.account.datasets.create(name, [])),
        "versionId": _VERSION,
        "storageInfo": _STORAGE,
    }


def _info(asked: Asked) -> Json:
    dataset = _found(asked)
    version = {
        "datasetPK": dataset.uid,
        "datasetId": dataset.id,
        "versionId": _VERSION,
        "dataType": _TEXT,
        "projectType": _CONVERSATION,
        "templateType": _UNSORTED,
        "storageType": "sysBos",
        "storage": _STORAGE,
        "importStatus": _FINISHED,
        "releaseStatus": _FINISHED,
        "entityCount": dataset.count,
    }
    return {**_shown(dataset), "versionInfo": version}


def _release(asked: Asked) -> bool:
    _found(asked)  # it is released from the start
    return True


def _delete(asked: Asked) -> bool:
    asked.account.datasets.delete(_found(asked))
    return True


def _found(asked: Asked) -> Dataset:
    return asked.account.datasets.find(fields.required(asked.body, "datasetId", fields.key))


def _shown(dataset: Dataset) -> Json:
    return {
        "id": dataset.id,
        "datasetId": dataset.uid,
        "groupPK": dataset.group,
        "name": dataset.name,
        "entityCount": dataset.count,
        "createTime": fields.iso_time(dataset.created),
    }


ROUTES: dict[str, Handler] = {
    "dataset/create": _create,
    "dataset/info": _info,
    "dataset/release": _release,
    "dataset/delete": _delete,
}
