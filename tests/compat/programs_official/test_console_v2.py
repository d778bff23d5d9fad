"""Programs of the official SDK that tune, publish and deploy by the actions of 2024."""

from __future__ import annotations

import pytest
from conftest import NUMBERS, QUESTION
from qianfan.resources.console import consts

import qianfan
from qianfan.resources import Data, FineTune, Model, Service


def started_task(job_id, dataset):
    """Start a task of v2; return its id."""
    data = {"sourceType": "Platform", "versions": [{"versionId": dataset["uid"]}], "splitRatio": 20}
    scale = consts.TrainParameterScale.LoRA
    return FineTune.V2.create_task(job_id, scale, NUMBERS, data)["result"]["taskId"]


def created(console, dataset):
    """Tune a model by v2 and put it into a set; return the ids of the set and of the model."""
    job_id = FineTune.V2.create_job("goods", "ERNIE-Bot-turbo-0725", consts.TrainMode.SFT)["result"]["jobId"]
    task_id = started_task(job_id, dataset)
    console.do("advance", hours=1)
    text = consts.CustomModelSetModelType.Text2Text
    set_id = Model.V2.create_custom_model_set("goods", text)["result"]["modelSetId"]
    trained = consts.CreateCustomModelSourceType.Train
    made = Model.V2.create_custom_model(set_id, trained, train_meta={"taskId": task_id})["result"]
    return set_id, made["modelId"]


def test_tuning(console, dataset):
    """A job holds a task, which runs until its end; another is stopped and deleted, at last the job is."""
    job_id = FineTune.V2.create_job("goods", "ERNIE-Bot-turbo-0725", "SFT", "prices")["result"]["jobId"]
    task_id = started_task(job_id, dataset)
    running = FineTune.V2.task_detail(task_id)["result"]
    console.do("advance", hours=1)
    finished = FineTune.V2.task_detail(task_id)["result"]
    other = started_task(job_id, dataset)
    FineTune.V2.stop_task(other)
    FineTune.V2.delete_task(other)
    tasks = FineTune.V2.task_list(job_id, max_keys=10, page_reverse=True)["result"]["taskList"]
    jobs = FineTune.V2.job_list(max_keys=10)["result"]["jobList"]
    FineTune.V2.delete_job(job_id)

    assert running["runStatus"] == consts.TrainStatus.Running
    assert finished["runStatus"] == consts.TrainStatus.Finish
    assert [it["taskId"] for it in tasks] == [task_id]
    assert [it["jobId"] for it in jobs] == [job_id]
    assert FineTune.V2.job_list()["result"]["jobList"] == []


def test_publishing(console, dataset):
    """A set, by its id and by its name, has a model; lists name it; both are deleted."""
    set_id, model_id = created(console, dataset)
    seen = Model.V2.describe_model_set(model_set_id=set_id)["result"]
    by_name = Model.V2.describe_model_set("goods")["result"]
    listed = Model.V2.describe_custom_model_sets(max_keys=10)["result"]["modelSetList"]
    model = Model.V2.describe_model(model_id)["result"]
    Model.V2.delete_model(model_id)
    Model.V2.delete_model_set(set_id)

    assert seen == by_name
    assert seen["modelIds"] == [model_id]
    assert (model["modelSetId"], model["state"]) == (set_id, consts.ModelState.Ready)
    assert [it["modelSetId"] for it in listed] == [set_id]
    assert Model.V2.describe_custom_model_sets()["result"]["modelSetList"] == []
    assert Model.V2.describe_system_model_sets()["result"]["modelSetList"]


def test_deploying(console, dataset):
    """A service answers at its address, also after another of its set's models took the place."""
    set_id, model_id = created(console, dataset)
    resource, billing = {"type": "PrivateResource", "qps": 1}, {"paymentTiming": "Postpaid"}
    made = Service.V2.create_service(set_id, model_id, "goods", "goods", resource, billing)["result"]
    before = Service.V2.service_detail(made["serviceId"])["result"]
    Service.V2.modify_service(made["serviceId"], set_id, model_id)
    console.do("advance", hours=1)
    after = Service.V2.service_detail(made["serviceId"])["result"]

    assert before["runStatus"] == consts.ServiceStatus.Deploying
    assert after["runStatus"] == consts.ServiceStatus.Serving
    assert after["url"].endswith("/chat/goods")
    listed = Service.V2.service_list(name="goods")["result"]["serviceList"]
    assert [it["serviceId"] for it in listed] == [made["serviceId"]]
    assert Service.V2.describe_preset_services()["result"]["serviceList"]
    assert "7元。" in qianfan.ChatCompletion(endpoint="goods").do(messages=QUESTION)["result"]


def test_datasets(console):
    """A dataset has a version, which is published; both are deleted."""
    v2 = consts.V2
    made = Data.V2.create_dataset("goods", v2.DatasetFormat.PromptResponse, v2.StorageType.SysStorage)
    group, version = made["result"]["datasetId"], made["result"]["versionId"]
    versions = Data.V2.get_dataset_version_list(group)["result"]["versionList"]
    seen = Data.V2.get_dataset_version_info(version)["result"]
    Data.V2.publish_dataset_version(version)
    Data.V2.delete_dataset_version(version)

    assert versions == [seen]
    assert seen["versionId"] == version
    assert Data.V2.get_dataset_list()["result"]["datasetList"] == []
    assert console.calls("console")[-1].status == 200


def test_refusals(console):
    """What the platform refuses is the SDK's RequestError, since its status is not 200, with code and words."""
    with pytest.raises(qianfan.errors.RequestError, match="task not exist") as caught:
        FineTune.V2.task_detail("task-unknown")

    assert caught.value.status_code == console.calls("console")[-1].status == 404
