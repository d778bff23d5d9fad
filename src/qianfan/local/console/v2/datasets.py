"""Datasets by v2: a dataset has one version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.local.console import fields, pages
from qianfan.local.console.datasets import LONGEST_NAME

if TYPE_CHECKING:
    from qianfan.local.console.asked import Asked, Handler
    from qianfan.local.console.datasets import Dataset
    from qianfan.local.wire import Json


def _create(asked: Asked) -> Json:
    name = fields.required(asked.body, "datasetName", fields.length(1, LONGEST_NAME))
    dataset = asked.account.datasets.create(name, [])
    return {"datasetId": dataset.group, "versionId": dataset.uid}


def _list(asked: Asked) -> Json:
    return pages.page(asked.body, asked.account.datasets.all(), "datasetList", _shown)


def _shown(dataset: Dataset) -> Json:
    created = fields.utc_time(dataset.created)
    return {"datasetId": dataset.group, "name": dataset.name, "createDate": created}


def _delete(asked: Asked) -> bool:
    asked.account.datasets.delete(_found(asked, "datasetId"))
    return True


def _list_versions(asked: Asked) -> Json:
    return pages.page(asked.body, [_found(asked, "datasetId")], "versionList", _shown_version)


def _describe_version(asked: Asked) -> Json:
    return _shown_version(_found(asked, "versionId"))


def _publish(asked: Asked) -> bool:
    _found(asked, "versionId")  # it is published from the start
    return True


def _delete_version(asked: Asked) -> bool:
    asked.account.datasets.delete(_found(asked, "versionId"))  # a dataset has no other
    return True


def _shown_version(dataset: Dataset) -> Json:
    return {
        **_shown(dataset),
        "versionId": dataset.uid,
        "version": "1",
        "entityCount": dataset.count,
        "publishStatus": "Published",
    }


def _found(asked: Asked, name: str) -> Dataset:
    return asked.account.datasets.find(fields.required(asked.body, name, fields.key))


ACTIONS: dict[str, Handler] = {
    "CreateDataset": _create,
    "DescribeDatasets": _list,
    "DeleteDataset": _delete,
    "DescribeDatasetVersions": _list_versions,
    "DescribeDatasetVersion": _describe_version,
    "PublishDatasetVersion": _publish,
    "DeleteDatasetVersion": _delete_version,
}
