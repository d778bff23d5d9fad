"""Programs of the official SDK that tune, publish and deploy by the routes of 2023."""

from __future__ import annotations

import pytest
from conftest import NUMBERS, QUESTION
from qianfan.resources.console import consts

import qianfan
from qianfan.resources import Data, FineTune, Model, Service

V1_MODEL = {"base_train_type": "ERNIE-Bot-turbo", "train_type": "ERNIE-Bot-turbo-0725"}


def started_job(task_id, dataset):
    """Start a job of v1; return its id."""
    job = {
        "taskId": task_id,
        "baseTrainType": "ERNIE-Bot-turbo",
        "trainType": "ERNIE-Bot-turbo-0725",
        "trainMode": "SFT",
        "peftType": "LoRA",
        "trainConfig": NUMBERS,
        "trainset": [{"type": 1, "id": dataset["id"]}],
        "trainsetRate": 20,
    }
    return FineTune.create_job(job)["result"]["id"]


def published(console, dataset):
    """Tune a model by v1 and publish it; return the ids."""
    task_id = FineTune.create_task("goods", **V1_MODEL)["result"]["id"]
    job_id = started_job(task_id, dataset)
    console.do("advance", hours=1)
    meta = {"taskId": task_id, "iterationId": job_id}
    return Model.publish(is_new=True, model_name="goods", version_meta=meta)["result"]


def test_tuning(console, dataset):
    """A task holds a job, which runs until its end; another is stopped."""
    task_id = FineTune.create_task("goods", **V1_MODEL, description="prices")["result"]["id"]
    job_id = started_job(task_id, dataset)
    running = FineTune.get_job(task_id, job_id)["result"]
    console.do("advance", hours=1)
    finished = FineTune.get_job(task_id, job_id)["result"]
    stopped = FineTune.stop_job(task_id, started_job(task_id, dataset))["result"]

    assert (running["trainStatus"], finished["trainStatus"]) == ("RUNNING", "FINISH")
    assert stopped is True


def test_publishing(console, dataset):
    """A model has a version; lists name it; both are deleted."""
    model = published(console, dataset)
    versions = Model.list(model["modelId"])["result"]["modelVersionList"]
    version = Model.detail(model["versionId"])["result"]
    listed = Model.user_list(name_filter="goods")["result"]["modelList"]
    Model.batch_delete_model_version([model["versionId"]])
    Model.batch_delete_model([model["modelId"]])

    assert [it["modelVersionId"] for it in versions] == [model["versionId"]]
    assert (version["modelName"], version["state"]) == ("goods", consts.ModelState.Ready)
    assert [it["modelName"] for it in listed] == ["goods"]
    assert Model.user_list()["result"]["modelList"] == []
    assert Model.preset_list(page_size=5)["result"]["modelList"]


def test_deploying(console, dataset):
    """A service answers at its address, from what its model has learnt."""
    model = published(console, dataset)
    made = Service.create(
        model_id=model["modelId"],
        model_version_id=model["versionId"],
        name="goods",
        uri="goods",
        replicas=1,
        pool_type=consts.DeployPoolType.PrivateResource,
    )["result"]
    before = Service.get(made["serviceId"])["result"]
    console.do("advance", hours=1)
    after = Service.get(made["serviceId"])["result"]

    assert before["serviceStatus"] == consts.ServiceStatus.Deploying
    assert after["serviceStatus"] == consts.ServiceStatus.Done
    assert [it["name"] for it in Service.list()["result"]["custom"]] == ["goods"]
    assert "7元。" in qianfan.ChatCompletion(endpoint="goods").do(messages=QUESTION)["result"]


def test_datasets(console):
    """A dataset is made, looked at, released and deleted."""
    made = Data.create_bare_dataset(
        "goods",
        consts.DataSetType.TextOnly,
        consts.DataProjectType.Conversation,
        consts.DataTemplateType.NonSortedConversation,
    )["result"]
    seen = Data.get_dataset_info(made["datasetId"])["result"]
    released = Data.release_dataset(made["datasetId"])["result"]
    Data.delete_dataset(made["datasetId"])

    assert (seen["groupPK"], seen["versionInfo"]["datasetPK"]) == (made["groupPK"], made["datasetId"])
    assert seen["versionInfo"]["releaseStatus"] == consts.DataReleaseStatus.Finished
    assert released
    with pytest.raises(qianfan.errors.APIError, match="there is no dataset"):
        Data.get_dataset_info(made["datasetId"])
    assert console.calls("console")[-1].endpoint == "dataset/info"


def test_keys_of_a_call(platform):
    """Keys may be given with a call; the SDK sends them in the body too, and no journal shows them."""
    keys = {"ak": platform.access_key, "sk": platform.secret_key}
    task = FineTune.create_task("goods", **V1_MODEL, **keys)["result"]

    assert task["id"]
    assert platform.secret_key not in str(platform.calls())


def test_refusals(console):
    """What the platform refuses is the SDK's APIError, with the platform's code."""
    with pytest.raises(qianfan.errors.APIError) as caught:
        FineTune.get_job(1, 2)

    assert caught.value.error_code == 510202
    assert len(console.calls("console")) == 1


@pytest.mark.parametrize("wrong", ["access", "secret"])
def test_a_wrong_key(console, give, wrong):
    """The SDK tells from the platform's words which of the two keys is wrong."""
    give({f"QIANFAN_{wrong.upper()}_KEY": "wrong"})
    with pytest.raises(
        qianfan.errors.RequestError, match=rf"{wrong.title()} Key\(`wrong\*\*\*`\) 错误"
    ) as caught:
        Service.list()

    assert caught.value.status_code == console.calls("console")[-1].status == 403
