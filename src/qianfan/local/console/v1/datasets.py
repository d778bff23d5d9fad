"""Datasets by v1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.local.console import fields
from qianfan.local.console.datasets import LONGEST_NAME

if TYPE_CHECKING:
    from qianfan.local.console.asked import Asked, Handler
    from qianfan.local.console.datasets import Dataset
    from qianfan.local.wire import Json


def _create(asked: Asked) -> Json:
    name = fields.required(asked.body, "name", fields.length(1, LONGEST_NAME))
    return _shown(asked.account.datasets.create(name, []))


def _info(asked: Asked) -> Json:
    return _shown(_found(asked))


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
