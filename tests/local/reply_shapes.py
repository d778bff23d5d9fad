"""The shapes of the console's answers, and whether an answer has its shape.

A shape is a type, a regular expression that all of a text matches, `[shape]` for an array, or a dict for
an object with these fields and no others; a name that ends in `?` may be missing. v1's are those of the
platform's documentation with the twins of the ids; fields that only this platform gives stand apart, as
do the answers of v2, of which no more than the ids is known.
"""

from __future__ import annotations

import re

CHINA_TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
ISO_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00"
UTC_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
NO_UTC_TIME = f"({UTC_TIME})?"
URL = r"http://127\.0\.0\.1:\d+/\S+"
DIGITS = r"\d+"

TASK_UID, JOB_UID = "job-[0-9a-z]{12}", "task-[0-9a-z]{12}"  # v2 swapped the names
MODEL_UID, VERSION_UID = "am-[0-9a-z]{12}", "amv-[0-9a-z]{12}"
SERVICE_UID, DATASET_UID, GROUP_UID = "svco-[0-9a-z]{12}", "ds-[0-9a-z]{12}", "dg-[0-9a-z]{12}"

LOSS = {"loss": [{"step": int, "epoch": (int, float), "loss": float}]}

VERSION = {
    "modelId": int,
    "modelIdStr?": MODEL_UID,
    "modelName": str,
    "modelVersionId": int,
    "modelVersionIdStr?": VERSION_UID,
    "version": DIGITS,
    "description": str,
    "sourceType": "Train|Import|PlatformPreset",
    "sourceExtra": {
        "trainSourceExtra": {"taskId": int, "taskName": str, "iterationVersion": int, "runId": int}
    },
    "framework": str,
    "algorithm": str,
    "modelNet": str,
    "state": "Creating|Ready|Fail",
    "ioMode": str,
    "ioLength": str,
    "copyright": str,
    "property": {},
    "createTime": ISO_TIME,
    "modifyTime": ISO_TIME,
    "deployResource": ["Private"],
    "supportOptions": ["Deploy"],
    "trainType": str,
}
MODEL = {
    "modelId": int,
    "modelIdStr?": MODEL_UID,
    "modelName": str,
    "source": "UserCreate|PlatformPreset",
    "modelType": int,
    "createUserId": int,
    "createUser": str,
    "createTime": ISO_TIME,
    "modifyTime": ISO_TIME,
    "description": str,
    "modelVersionList": [VERSION],
    "tags?": [str],  # ours
}
LISTED_SERVICE = {
    "name": str,
    "url": URL,
    "apiType": "chat|completions|embeddings",
    "chargeStatus": str,
    "versionList": [{"trainType": str, "serviceStatus": "Deploying|Done"}],
}
DATASET = {
    "id": int,
    "datasetId": DATASET_UID,
    "groupPK": GROUP_UID,
    "name": str,
    "entityCount": int,
    "createTime": ISO_TIME,
}
STORAGE = dict.fromkeys(("storageId", "storageName", "storagePath", "rawStoragePath", "region"), str)
DATASET_VERSION = {
    "datasetPK": DATASET_UID,
    "datasetId": int,
    "versionId": int,
    "dataType": int,
    "projectType": int,
    "templateType": int,
    "storageType": str,
    "storage": STORAGE,
    "importStatus": int,
    "releaseStatus": int,
    "entityCount": int,
}

PAGE = {"marker": str, "maxKeys": int, "isTruncated": bool, "nextMarker": str}
JOB_2 = {
    "jobId": TASK_UID,
    "name": str,
    "description": str,
    "model": str,
    "trainMode": "SFT",
    "createDate": UTC_TIME,
}
TASK_2 = {
    "jobId": TASK_UID,
    "taskId": JOB_UID,
    "jobName": str,
    "jobDescription": str,
    "model": str,
    "trainMode": "SFT",
    "runStatus": "Running|Done|Failed|Stopped|Waiting",
    "runProgress": r"\d{1,3}%",
    "createDate": UTC_TIME,
    "startDate": UTC_TIME,
    "finishDate": NO_UTC_TIME,
}
MODEL_2 = {
    "modelSetId": MODEL_UID,
    "modelSetName": str,
    "modelId": VERSION_UID,
    "modelVersion": DIGITS,
    "description": str,
    "sourceType": "Train",
    "state": "Ready",
    "baseModel": str,
    "createDate": UTC_TIME,
}
SET_2 = {
    "modelSetId": MODEL_UID,
    "modelSetName": str,
    "source": "UserCreate",
    "modelType": "Text",
    "description": str,
    "createDate": UTC_TIME,
    "updateDate": UTC_TIME,
}
SERVICE_2 = {
    "serviceId": SERVICE_UID,
    "name": str,
    "description": str,
    "modelSetId": MODEL_UID,
    "modelId": VERSION_UID,
    "urlSuffix": str,
    "url": URL,
    "runStatus": "New|Deploying|Done|Failed|Stopped|Serving",
    "resourceConfig": {"replicasCount": int},
    "createTime": UTC_TIME,
    "updateTime": UTC_TIME,
}

#: By the call's name in the SDK.
SHAPES = {
    "finetune.create_task": {
        "id": int,
        "uuid?": TASK_UID,
        "name": str,
        "description": str,
        "createTime": CHINA_TIME,
    },
    "finetune.create_job": {"id": int, "uuid?": JOB_UID},
    "finetune.get_job": {
        "id": int,
        "uuid?": JOB_UID,
        "description": str,
        "taskId": int,
        "taskIdStr?": TASK_UID,
        "runIdStr?": JOB_UID,
        "taskName": str,
        "version": int,
        "jobRunType": int,
        "trainType": str,
        "trainMode": "SFT",
        "peftType": "ALL|LoRA|P-tuning",
        "trainStatus": "RUNNING|FINISH|FAIL|STOP",
        "progress": int,
        "runTime": int,
        "trainTime": int,
        "startTime": CHINA_TIME,
        "finishTime": CHINA_TIME,
        "vdlLink": URL,
        "metrics?": LOSS,  # ours
        "failReason?": str,  # ours
    },
    "finetune.stop_job": bool,
    "model.publish": {
        "modelId": int,
        "modelIDStr?": MODEL_UID,
        "version": DIGITS,
        "versionId": int,
        "versionIdStr?": VERSION_UID,
    },
    "model.list": MODEL,
    "model.detail": {**VERSION, "params": {"input": dict, "output": dict}},
    "model.list_user": {"total": int, "modelList": [MODEL]},
    "model.delete": bool,
    "model.delete_version": bool,
    "service.create": {"result": bool, "serviceId": int, "serviceUuid?": SERVICE_UID},
    "service.get": {
        "id": int,
        "serviceUuid?": SERVICE_UID,
        "modelId": int,
        "modelName": str,
        "modelType": int,
        "templateType": int,
        "iterationId": int,
        "modelVersion": int,
        "version": DIGITS,
        "name": str,
        "uri": str,
        "fullUri": URL,
        "applyStatus": int,
        "serviceStatus": "New|Deploying|Done|Failed|Stopped",
        "sourceType": str,
        "onlineTime": int,
        "callUnitPrice": int,
        "description": str,
        "devApiId": int,
        "apiId": int,
        "vmConfig": {
            "resourceId": str,
            "instanceCount": int,
            "CPUNum": int,
            "memory": int,
            "GPUType": str,
            "GPUNum": int,
            "volumeId": str,
        },
        "timeout": int,
        "qps": int,
        "noAuthAccess": bool,
        "hasDeploying": bool,
        "openDcl": bool,
        "payType": int,
        "creator": str,
        "createTime": int,
        "modifyTime": int,
        "aiModelId?": int,  # of 2024, as are the next two
        "aiModelVersionId?": int,
        "url?": URL,
    },
    "service.list": {
        "common": [LISTED_SERVICE],
        "custom": [{**LISTED_SERVICE, "serviceId?": int, "serviceUuid?": SERVICE_UID}],
    },
    "dataset.create": {**DATASET, "versionId": int, "storageInfo": STORAGE},
    "dataset.info": {**DATASET, "versionInfo": DATASET_VERSION},
    "finetune.v2.create_job": {"jobId": TASK_UID},
    "finetune.v2.create_task": {"jobId": TASK_UID, "taskId": JOB_UID},
    "finetune.v2.list_jobs": {"pageInfo": PAGE, "jobList": [JOB_2]},
    "finetune.v2.list_tasks": {"pageInfo": PAGE, "taskList": [TASK_2]},
    "finetune.v2.get_task": {
        **TASK_2,
        "parameterScale": "FullFineTuning|LoRA|PromptTuning",
        "hyperParameterConfig": dict,
        "runTime": int,
        "vdlLink": URL,
        "metrics": LOSS,
        "failReason": str,
    },
    "model.v2.create_set": {"modelSetId": MODEL_UID},
    "model.v2.create": {"modelSetId": MODEL_UID, "modelId": VERSION_UID, "modelVersion": DIGITS},
    "model.v2.get_set": {**SET_2, "modelIds": [VERSION_UID], "modelList": [MODEL_2]},
    "model.v2.get": MODEL_2,
    "model.v2.list_custom_sets": {"pageInfo": PAGE, "modelSetList": [SET_2]},
    "service.v2.create": {"serviceId": SERVICE_UID},
    "service.v2.get": SERVICE_2,
    "service.v2.list": {"pageInfo": PAGE, "serviceList": [SERVICE_2]},
    "dataset.v2.list": {
        "pageInfo": PAGE,
        "datasetList": [{"datasetId": GROUP_UID, "name": str, "createDate": UTC_TIME}],
    },
    "finetune.v2.stop_task": bool,
    "finetune.v2.delete_task": bool,
    "finetune.v2.delete_job": bool,
    "model.v2.delete_set": bool,
    "model.v2.delete": bool,
    "service.v2.modify": bool,
    "dataset.v2.delete": bool,
}


def misfit(value, shape, place="result"):
    """Return where and how a value differs from a shape; None where it does not."""
    if isinstance(shape, dict):
        return _misfit_object(value, shape, place)
    if isinstance(shape, list):
        if not isinstance(value, list):
            return f"{place} is no array"
        misfits = (misfit(item, shape[0], f"{place}[{index}]") for index, item in enumerate(value))
        return next(filter(None, misfits), None)
    if isinstance(shape, str):
        fits = isinstance(value, str) and re.fullmatch(shape, value)
    else:
        fits = isinstance(value, shape) and (shape is bool or not isinstance(value, bool))
    return None if fits else f"{place} is {value!r}, not {shape}"


def _misfit_object(value, shape, place):
    if not isinstance(value, dict):
        return f"{place} is no object"
    known = {name.removesuffix("?"): inner for name, inner in shape.items()}
    missing = {name for name in shape if not name.endswith("?")} - value.keys()
    if missing or value.keys() - known.keys():
        return f"{place} lacks {missing or 'nothing'}, adds {value.keys() - known.keys() or 'nothing'}"
    misfits = (misfit(value[name], known[name], f"{place}.{name}") for name in value)
    return next(filter(None, misfits), None)
