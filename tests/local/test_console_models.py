"""Models by the console's v1: publishing what a job trained, looking at it, deleting it."""

from __future__ import annotations

import pytest

PUBLISH = "modelrepo/publishTrainModel"
MODEL, VERSION = "modelrepo/modelDetail", "modelrepo/modelVersionDetail"
DELETE, DELETE_VERSIONS = "modelrepo/model/batchDelete", "modelrepo/model/version/batchDelete"


def publish(caller, task, job, **changes):
    """Return the answer of publishing a job as a new model, or as changes tell."""
    body = {"isNewModel": True, "modelName": "mine", "versionMeta": {"taskId": task, "iterationId": job}}
    return caller.result(PUBLISH, **{**body, **changes})


@pytest.fixture(scope="module")
def done(shared_console):
    """Task and job of a finished job on the shared platform."""
    return shared_console.finished("done")


class TestPublishing:
    """`publishTrainModel`."""

    def test_a_new_model(self, still):
        """The answer has the documented fields, and twins that are texts."""
        answer = publish(still, *still.finished())

        names = answer.pop("modelIDStr"), answer.pop("versionIdStr")
        assert (names[0][:3], names[1][:4]) == ("am-", "amv-")
        assert answer == {"modelId": 5001, "version": "1", "versionId": 7001}

    def test_another_version(self, still):
        """A model takes further versions, by any of its names, of any job."""
        first = publish(still, *still.finished("one"))
        task, job = still.finished("two")
        more = [
            publish(still, task, job, isNewModel=False, modelName=None, modelId=key)
            for key in (first["modelId"], str(first["modelId"]), first["modelIDStr"])
        ]

        assert [(it["modelId"], it["version"], it["versionId"]) for it in more] == [
            (5001, "2", 7002),
            (5001, "3", 7003),
            (5001, "4", 7004),
        ]

    def test_jobs_by_any_name(self, still):
        """Task and job are named by number, number as text, or later name."""
        task, job = still.finished()
        detail = still.detail(task, job)

        for names in ((task, job), (str(task), str(job)), (detail["taskIdStr"], detail["runIdStr"])):
            assert publish(still, *names)["version"] == "1"

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"isNewModel": None}, 500001),
            ({"isNewModel": "true"}, 500001),
            ({"isNewModel": 1}, 500001),
            ({"modelName": None}, 500001),
            ({"modelName": ""}, 500001),
            ({"modelName": "x" * 51}, 500001),
            ({"modelName": 5}, 500001),
            ({"isNewModel": False}, 500001),
            ({"isNewModel": False, "modelId": 999}, 500001),
            ({"isNewModel": False, "modelId": "am-preset000001"}, 500001),
            ({"isNewModel": False, "modelId": []}, 500001),
            ({"versionMeta": None}, 500001),
            ({"versionMeta": []}, 500001),
            ({"versionMeta": {}}, 500001),
            ({"versionMeta": {"taskId": 101}}, 500001),
            ({"versionMeta": {"iterationId": 301}}, 500001),
            ({"versionMeta": {"taskId": 999, "iterationId": 301}}, 510202),
            ({"versionMeta": {"taskId": 101, "iterationId": 999}}, 510301),
            ({"versionMeta": {"taskId": 101, "iterationId": 301, "description": 5}}, 500001),
            ({"tags": "tag"}, 500001),
            ({"tags": [5]}, 500001),
            ({"tags": [""]}, 500001),
        ],
        ids=str,
    )
    def test_refusals(self, shared_console, done, changes, code):
        """What is missing or unknown is refused, and no model is left of it."""
        assert done == (101, 301)
        body = {"isNewModel": True, "modelName": "no", "versionMeta": {"taskId": 101, "iterationId": 301}}

        assert shared_console.code(PUBLISH, **{**body, **changes}) == code
        assert shared_console.result("modelrepo/model/user/list") == {"total": 0, "modelList": []}

    @pytest.mark.parametrize("state", ["running", "stopped", "failed"])
    def test_unfinished(self, still, state):
        """Only a finished job can be published, as a new model or not; no empty model is left."""
        model = publish(still, *still.finished("one"))["modelId"]
        task = still.task("two")
        job = still.job(task, still.dataset())
        if state == "stopped":
            still.result("finetune/stopJob", taskId=task, jobId=job)
        elif state == "failed":
            still.platform.fail_job(job)
        meta = {"taskId": task, "iterationId": job}

        answer = still.call(PUBLISH, isNewModel=True, modelName="x", versionMeta=meta)
        assert (answer["error_code"], answer["error_msg"]) == (510302, "job status invalid")
        assert still.code(PUBLISH, isNewModel=False, modelId=model, versionMeta=meta) == 510302
        assert still.result("modelrepo/model/user/list")["total"] == 1
        assert len(still.result(MODEL, modelId=model)["modelVersionList"]) == 1

    def test_a_job_of_another_task(self, still):
        """A job is published with its own task."""
        _, job = still.finished("one")

        meta = {"taskId": still.task("two"), "iterationId": job}
        assert still.code(PUBLISH, isNewModel=True, modelName="x", versionMeta=meta) == 510301


class TestDetails:
    """`modelDetail` and `modelVersionDetail`."""

    def test_a_model(self, still):
        """A model has the documented fields, and all its versions."""
        task, job = still.finished("demo")  # half an hour
        meta = {"taskId": task, "iterationId": job, "description": "first"}
        made = publish(still, task, job, versionMeta=meta, tags=["客服", "v1"])
        still.platform.advance(hours=1)
        publish(still, task, job, isNewModel=False, modelId=made["modelId"])

        model = still.result(MODEL, modelId=made["modelId"])
        versions = model.pop("modelVersionList")
        assert model == {
            "modelId": 5001,
            "modelIdStr": made["modelIDStr"],
            "modelName": "mine",
            "source": "UserCreate",
            "modelType": 0,
            "createUserId": 1,
            "createUser": "local",
            "createTime": "2023-11-15T06:43:20+08:00",
            "modifyTime": "2023-11-15T07:43:20+08:00",
            "description": "first",
            "tags": ["客服", "v1"],
        }
        assert [(it["modelVersionId"], it["version"]) for it in versions] == [(7001, "1"), (7002, "2")]

    def test_a_version(self, still):
        """A version has the documented fields; its own detail adds `params`, as JSON Schema says it."""
        task, job = still.finished("demo")
        made = publish(still, task, job)
        (listed,) = still.result(MODEL, modelId=made["modelId"])["modelVersionList"]
        version = still.result(VERSION, modelVersionId=made["versionId"])

        params = version.pop("params")
        assert set(params) == {"input", "output"}
        assert params["input"]["type"] == params["output"]["type"] == "object"
        assert version == listed
        assert version == {
            "modelId": 5001,
            "modelIdStr": made["modelIDStr"],
            "modelName": "mine",
            "modelVersionId": 7001,
            "modelVersionIdStr": made["versionIdStr"],
            "version": "1",
            "description": "",
            "sourceType": "Train",
            "sourceExtra": {
                "trainSourceExtra": {
                    "taskId": task,
                    "taskName": "demo",
                    "iterationVersion": 1,
                    "runId": job,
                }
            },
            "framework": "paddle",
            "algorithm": "ERNIE-Bot-turbo",
            "modelNet": "ERNIE-Bot-turbo",
            "state": "Ready",
            "ioMode": "chat",
            "ioLength": "",
            "copyright": "",
            "property": {},
            "createTime": "2023-11-15T06:43:20+08:00",
            "modifyTime": "2023-11-15T06:43:20+08:00",
            "deployResource": ["Private"],
            "supportOptions": ["Deploy"],
            "trainType": "ernieBotLite-v201-8k",
        }

    def test_by_any_name(self, still):
        """Models and versions are named by number, number as text, or later name."""
        made = publish(still, *still.finished())

        for key in (made["modelId"], str(made["modelId"]), made["modelIDStr"]):
            assert still.result(MODEL, modelId=key)["modelId"] == 5001
        for key in (made["versionId"], str(made["versionId"]), made["versionIdStr"]):
            assert still.result(VERSION, modelVersionId=key)["modelVersionId"] == 7001

    @pytest.mark.parametrize("key", [None, 999, -1, "", "am-", "amv-0", 7001.5, True, [7001], 2**63], ids=str)
    def test_refusals(self, shared_console, key):
        """What is no id, or nobody's, is refused."""
        assert shared_console.code(MODEL, modelId=key) == 500001
        assert shared_console.code(VERSION, modelVersionId=key) == 500001

    def test_each_others_names(self, still):
        """The name of a version is no name of a model, nor the other way round."""
        made = publish(still, *still.finished())

        assert still.code(MODEL, modelId=made["versionIdStr"]) == 500001
        assert still.code(VERSION, modelVersionId=made["modelIDStr"]) == 500001
        assert still.code(MODEL, modelId=made["versionId"]) == 500001


class TestLists:
    """The lists of models."""

    def test_own(self, still):
        """The account's own models, oldest first, each with its versions."""
        task, job = still.finished()
        for name in ("one", "two"):
            publish(still, task, job, modelName=name)
        listed = still.result("modelrepo/model/user/list")

        assert listed["total"] == 2
        assert [it["modelName"] for it in listed["modelList"]] == ["one", "two"]
        assert listed["modelList"][0] == still.result(MODEL, modelId=5001)

    def test_presets(self, shared_console):
        """The platform's own models, each of which has a detail by any of its names."""
        listed = shared_console.result("modelrepo/model/preset/list")
        models = listed["modelList"]

        assert listed["total"] == len(models) > 50
        assert {it["source"] for it in models} == {"PlatformPreset"}
        assert {"ERNIE-Bot-turbo", "ERNIE-Bot-4", "Llama-2-7b-chat"} <= {it["modelName"] for it in models}
        assert (
            len({it["modelId"] for it in models}) == len({it["modelIdStr"] for it in models}) == len(models)
        )
        for model in models:
            for key in (model["modelId"], str(model["modelId"]), model["modelIdStr"]):
                assert shared_console.result(MODEL, modelId=key) == model


class TestDeleting:
    """`batchDelete` of models and of versions."""

    def test_models(self, still):
        """A model goes with its versions; the number of a deleted model is not given again."""
        task, job = still.finished()
        made = [publish(still, task, job, modelName=name) for name in ("one", "two", "three", "four")]
        keys = [made[0]["modelId"], str(made[1]["modelId"]), made[2]["modelIDStr"], made[2]["modelIDStr"]]

        assert still.result(DELETE, modelIDs=keys) is True
        assert [it["modelName"] for it in still.result("modelrepo/model/user/list")["modelList"]] == ["four"]
        assert still.code(MODEL, modelId=5001) == 500001
        assert still.code(VERSION, modelVersionId=7001) == 500001
        assert publish(still, task, job)["modelId"] == 5005

    def test_versions(self, still):
        """A version goes without its model; the next has the next number."""
        task, job = still.finished()
        made = publish(still, task, job)
        second = publish(still, task, job, isNewModel=False, modelId=5001)
        still.platform.advance(hours=1)

        assert still.result(DELETE_VERSIONS, modelVersionIds=[second["versionIdStr"]]) is True
        model = still.result(MODEL, modelId=5001)
        assert [it["modelVersionId"] for it in model["modelVersionList"]] == [made["versionId"]]
        assert model["modifyTime"] == "2023-11-15T07:43:20+08:00"
        assert publish(still, task, job, isNewModel=False, modelId=5001)["version"] == "3"

    @pytest.mark.parametrize(("route", "name"), [(DELETE, "modelIDs"), (DELETE_VERSIONS, "modelVersionIds")])
    @pytest.mark.parametrize(
        "keys",
        [None, [], "am-1", 5001, {}, [None], [True], [1.5], [[5001]], [999], ["x"], [5001] * 101],
        ids=str,
    )
    def test_refusals(self, shared_console, route, name, keys):
        """An array of 1 to 100 ids, all of which are there."""
        assert shared_console.code(route, **{name: keys}) == 500001

    def test_all_or_nothing(self, still):
        """Where one cannot go, all stay."""
        task, job = still.finished()
        publish(still, task, job)

        assert still.code(DELETE, modelIDs=[5001, 999]) == 500001
        assert still.code(DELETE_VERSIONS, modelVersionIds=[7001, 999]) == 500001
        assert len(still.result(MODEL, modelId=5001)["modelVersionList"]) == 1

    def test_models_in_use(self, still):
        """A model or version that a service stands on stays, and says why."""
        task, job = still.finished()
        publish(still, task, job)
        publish(still, task, job, isNewModel=False, modelId=5001)
        publish(still, task, job, modelName="free")
        still.result("service/apply", **still.service("mine", 5001, 7001))

        answer = still.call(DELETE, modelIDs=[5002, 5001])
        assert (answer["error_code"], answer["error_msg"]) == (
            500001,
            "param invalid: a service stands on the model",
        )
        assert still.result("modelrepo/model/user/list")["total"] == 2
        assert still.code(DELETE_VERSIONS, modelVersionIds=[7002, 7001]) == 500001
        assert still.result(DELETE_VERSIONS, modelVersionIds=[7002]) is True
        assert still.result(DELETE, modelIDs=[5002]) is True
