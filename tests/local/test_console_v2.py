"""Models, services and datasets by the console's v2."""

from __future__ import annotations

import pytest
from console_caller import lines
from console_v2_calls import NOT_FOUND, WRONG, job, model, service, task

INFERENCE = "/rpc/2.0/ai_custom/v1/wenxinworkshop"


class TestModels:
    """The actions of `model`."""

    def test_sets_and_models(self, still):
        """A set holds the models that tasks trained."""
        set_id, model_id = model(still)
        body = {"modelSetId": set_id, "sourceType": "Train", "description": "again"}
        task_id = still.result("modelrepo/modelVersionDetail", modelVersionId=model_id)
        task_id = task_id["sourceExtra"]["trainSourceExtra"]["runId"]
        again = still.done("model", "CreateCustomModel", **body, trainMeta={"taskId": task_id})
        shown = still.done("model", "DescribeModelSet", modelSetId=set_id)

        assert again == {"modelSetId": set_id, "modelId": again["modelId"], "modelVersion": "2"}
        models = shown.pop("modelList")
        assert shown.pop("modelIds") == [it["modelId"] for it in models]
        assert shown == {
            "modelSetId": set_id,
            "modelSetName": "mine",
            "source": "UserCreate",
            "modelType": "Text",
            "description": "",
            "createDate": "2023-11-14T22:43:20Z",
            "updateDate": "2023-11-14T22:43:20Z",
        }
        assert [it["modelId"] for it in models] == [model_id, again["modelId"]]
        assert models[1] == still.done("model", "DescribeModel", modelId=again["modelId"])
        assert models[1] == {
            "modelSetId": set_id,
            "modelSetName": "mine",
            "modelId": again["modelId"],
            "modelVersion": "2",
            "description": "again",
            "sourceType": "Train",
            "state": "Ready",
            "baseModel": "ERNIE-Bot-turbo-0725",
            "createDate": "2023-11-14T22:43:20Z",
        }

    def test_the_same_records_as_v1(self, still):
        """v2's set is v1's model, and its model v1's version, by any of their names."""
        set_id, model_id = model(still)

        assert still.result("modelrepo/modelDetail", modelId=set_id)["modelIdStr"] == set_id
        assert still.result("modelrepo/modelVersionDetail", modelVersionId=model_id)["modelIdStr"] == set_id
        for key in (5001, "5001", set_id):
            assert still.done("model", "DescribeModelSet", modelSetId=key)["modelSetId"] == set_id
        assert still.done("model", "DescribeModelSet", modelSetName="mine")["modelSetId"] == set_id
        for key in (7001, "7001", model_id):
            assert still.done("model", "DescribeModel", modelId=key)["modelId"] == model_id

    def test_system_sets(self, shared_console):
        """The platform's own sets, each of which is described as it is listed."""
        listed = shared_console.done("model", "DescribeSystemModelSets", maxKeys=100)["modelSetList"]

        for one in listed[:5]:
            described = shared_console.done("model", "DescribeModelSet", modelSetId=one["modelSetId"])
            assert described == {**one, "modelList": [], "modelIds": []}
            by_name = shared_console.done("model", "DescribeModelSet", modelSetName=one["modelSetName"])
            assert by_name == described
            detail = shared_console.result("modelrepo/modelDetail", modelId=one["modelSetId"])
            assert (one["modelSetName"], one["source"]) == (detail["modelName"], detail["source"])

    @pytest.mark.parametrize(
        ("changes", "refused"),
        [
            ({"modelSetId": None}, WRONG),
            ({"modelSetId": "am-0"}, WRONG),
            ({"modelSetId": "am-preset000001"}, WRONG),
            ({"sourceType": None}, WRONG),
            ({"sourceType": "Import"}, WRONG),
            ({"trainMeta": None}, WRONG),
            ({"trainMeta": []}, WRONG),
            ({"trainMeta": {}}, WRONG),
            ({"trainMeta": {"taskId": "task-0"}}, NOT_FOUND),
        ],
        ids=str,
    )
    def test_refused_models(self, still, changes, refused):
        """What is missing, wrong or unknown."""
        set_id = still.done("model", "CreateCustomModelSet", modelSetName="mine")["modelSetId"]
        body = {"modelSetId": set_id, "sourceType": "Train", "trainMeta": {"taskId": 301}}

        assert still.refused("model", "CreateCustomModel", **{**body, **changes}) == refused

    def test_an_unfinished_task(self, still):
        """Only what is done becomes a model."""
        set_id = still.done("model", "CreateCustomModelSet", modelSetName="mine", description="d")[
            "modelSetId"
        ]
        body = {"modelSetId": set_id, "sourceType": "Train", "trainMeta": {"taskId": task(still, job(still))}}

        assert still.refused("model", "CreateCustomModel", **body) == (409, "StatusInvalid")
        shown = still.done("model", "DescribeModelSet", modelSetId=set_id)
        assert (shown["modelList"], shown["description"]) == ([], "d")

    @pytest.mark.parametrize("name", [None, "", "x" * 51, 5], ids=str)
    def test_refused_sets(self, shared_console, name):
        """A name has 1 to 50 characters."""
        assert shared_console.refused("model", "CreateCustomModelSet", modelSetName=name) == WRONG

    @pytest.mark.parametrize(
        ("action", "name"),
        [
            ("DescribeModelSet", "modelSetId"),
            ("DeleteModelSet", "modelSetId"),
            ("DescribeModel", "modelId"),
            ("DeleteModel", "modelId"),
        ],
    )
    @pytest.mark.parametrize("key", [None, "am-0", 999, [], True], ids=str)
    def test_unknown(self, shared_console, action, name, key):
        """What is no id, or nobody's."""
        assert shared_console.refused("model", action, **{name: key}) == WRONG

    def test_delete(self, still):
        """Models and sets go, unless a service stands on them."""
        set_id, model_id = model(still)
        other_set, other = model(still, "other")
        service(still, set_id, model_id)

        assert still.refused("model", "DeleteModel", modelId=model_id) == WRONG
        assert still.refused("model", "DeleteModelSet", modelSetId=set_id) == WRONG
        assert still.refused("model", "DeleteModelSet", modelSetId="am-preset000001") == WRONG
        assert still.done("model", "DeleteModel", modelId=other) is True
        assert still.refused("model", "DescribeModel", modelId=other) == WRONG
        assert still.done("model", "DeleteModelSet", modelSetId=other_set) is True
        listed = still.done("model", "DescribeCustomModelSets")["modelSetList"]
        assert [it["modelSetId"] for it in listed] == [set_id]


class TestServices:
    """The actions of `service`."""

    def test_the_life_of_a_service(self, still):
        """A service deploys, serves, and is the one of v1."""
        set_id, model_id = model(still)
        service_id = service(still, set_id, model_id, description="d", resourceConfig={"replicasCount": 2})
        shown = still.done("service", "DescribeService", serviceId=service_id)

        assert shown == {
            "serviceId": service_id,
            "name": "my service",
            "description": "d",
            "modelSetId": set_id,
            "modelId": model_id,
            "urlSuffix": "mine",
            "url": f"{still.url}{INFERENCE}/chat/mine",
            "runStatus": "Deploying",
            "resourceConfig": {"replicasCount": 2},
            "createTime": "2023-11-14T22:43:20Z",
            "updateTime": "2023-11-14T22:43:20Z",
        }
        assert still.done("service", "DescribeServices")["serviceList"] == [shown]
        still.platform.advance(seconds=20)
        for key in (161, "161", service_id):
            assert still.done("service", "DescribeService", serviceId=key) == {
                **shown,
                "runStatus": "Serving",
            }
        assert still.result("service/detail", serviceId=service_id)["serviceStatus"] == "Done"

    def test_names_and_descriptions_change_at_once(self, still):
        """What a service is called changes without a deployment."""
        service_id = service(still, *model(still))
        still.platform.advance(seconds=60)
        assert still.done("service", "ModifyService", serviceId=service_id, name="new name") is True
        assert still.done("service", "ModifyService", serviceId=service_id, description="new") is True

        shown = still.done("service", "DescribeService", serviceId=service_id)
        assert (shown["name"], shown["description"], shown["runStatus"]) == ("new name", "new", "Serving")
        assert shown["updateTime"] == "2023-11-14T22:44:20Z"
        assert still.result("service/detail", serviceId=service_id)["modifyTime"] == 1_700_001_860

    @pytest.mark.parametrize("change", ["model", "instances"])
    def test_other_models_and_instances_are_deployed(self, still, change):
        """Another model, also of another set, or more instances take a deployment."""
        service_id = service(still, *model(still))
        set_id, model_id = model(still, "other")
        changes = {"modelId": model_id} if change == "model" else {"resourceConfig": {"replicasCount": 3}}
        still.done("service", "ModifyService", serviceId=service_id, **changes)
        shown = still.done("service", "DescribeService", serviceId=service_id)

        assert shown["runStatus"] == "Deploying"
        if change == "model":
            assert (shown["modelSetId"], shown["modelId"]) == (set_id, model_id)
        else:
            assert shown["resourceConfig"] == {"replicasCount": 3}
        still.platform.advance(seconds=20)
        still.done("service", "ModifyService", serviceId=service_id, **changes)  # the same again
        assert still.done("service", "DescribeService", serviceId=service_id)["runStatus"] == "Serving"

    def test_nothing_to_modify(self, still):
        """A call without changes changes nothing."""
        service_id = service(still, *model(still))
        before = still.done("service", "DescribeService", serviceId=service_id)

        assert still.done("service", "ModifyService", serviceId=service_id) is True
        assert still.done("service", "DescribeService", serviceId=service_id) == before

    @pytest.mark.parametrize(
        "changes",
        [
            {"serviceId": None},
            {"serviceId": "svco-0"},
            {"name": "x"},
            {"description": 5},
            {"modelId": "amv-0"},
            {"modelId": []},
            {"resourceConfig": 5},
            {"resourceConfig": {"replicasCount": 0}},
        ],
        ids=str,
    )
    def test_refused_changes(self, still, changes):
        """What is wrong or unknown changes nothing."""
        service_id = service(still, *model(still))
        before = still.done("service", "DescribeService", serviceId=service_id)

        assert (
            still.refused("service", "ModifyService", **{"serviceId": service_id, "name": "new", **changes})
            == WRONG
        )
        assert still.done("service", "DescribeService", serviceId=service_id) == before

    @pytest.mark.parametrize(
        "changes",
        [
            {"modelSetId": None},
            {"modelSetId": "am-0"},
            {"modelSetId": "am-preset000001"},
            {"modelId": None},
            {"modelId": "amv-0"},
            {"name": None},
            {"name": "x"},
            {"urlSuffix": None},
            {"urlSuffix": "a/b"},
            {"urlSuffix": "eb-instant"},
            {"resourceConfig": []},
            {"resourceConfig": {"replicasCount": "1"}},
            {"description": []},
        ],
        ids=str,
    )
    def test_refused_services(self, still, changes):
        """What is missing, wrong, unknown or taken."""
        set_id, model_id = model(still)
        body = {"modelSetId": set_id, "modelId": model_id, "name": "my service", "urlSuffix": "mine"}

        assert still.refused("service", "CreateService", **{**body, **changes}) == WRONG
        assert still.done("service", "DescribeServices")["serviceList"] == []

    def test_a_model_of_another_set(self, still):
        """The model must be of the set; an address is taken once."""
        set_id, model_id = model(still)
        other_set, _ = model(still, "other")
        body = {"modelSetId": other_set, "modelId": model_id, "name": "my service", "urlSuffix": "mine"}
        assert still.refused("service", "CreateService", **body) == WRONG

        service(still, set_id, model_id)
        assert still.refused("service", "CreateService", **{**body, "modelSetId": set_id}) == WRONG

    @pytest.mark.parametrize("key", [None, "svco-0", 999, {}], ids=str)
    def test_unknown(self, shared_console, key):
        """What is no id, or nobody's."""
        assert shared_console.refused("service", "DescribeService", serviceId=key) == WRONG

    def test_presets(self, shared_console):
        """The platform's own services, with their addresses."""
        listed = shared_console.done("service", "DescribePresetServices")["serviceList"]

        assert {
            "name": "ERNIE-Bot-turbo",
            "url": f"{shared_console.url}{INFERENCE}/chat/eb-instant",
            "apiType": "chat",
            "chargeStatus": "OPENED",
        } in listed


class TestDatasets:
    """The actions of `dataset`."""

    def test_a_registered_one(self, still):
        """A dataset that was registered has one version, which is published."""
        dataset = still.platform.add_dataset(lines(40), "set")
        shown = {"datasetId": dataset.group, "name": "set", "createDate": "2023-11-14T22:13:20Z"}
        version = {
            **shown,
            "versionId": dataset.uid,
            "version": "1",
            "entityCount": 40,
            "publishStatus": "Published",
        }

        assert still.done("dataset", "DescribeDatasets")["datasetList"] == [shown]
        for key in (dataset.id, dataset.group, dataset.uid):
            assert still.done("dataset", "DescribeDatasetVersions", datasetId=key)["versionList"] == [version]
            assert still.done("dataset", "DescribeDatasetVersion", versionId=key) == version
        assert still.done("dataset", "PublishDatasetVersion", versionId=dataset.uid) is True

    def test_a_created_one(self, still):
        """A dataset that is created is empty."""
        made = still.done("dataset", "CreateDataset", datasetName="empty")

        assert set(made) == {"datasetId", "versionId"}
        version = still.done("dataset", "DescribeDatasetVersion", versionId=made["versionId"])
        assert (version["datasetId"], version["entityCount"]) == (made["datasetId"], 0)

    @pytest.mark.parametrize(
        ("action", "name"), [("DeleteDataset", "datasetId"), ("DeleteDatasetVersion", "versionId")]
    )
    def test_delete(self, still, action, name):
        """A dataset goes, also with its only version."""
        dataset = still.platform.add_dataset(lines(40), "set")

        assert (
            still.done("dataset", action, **{name: dataset.group if name == "datasetId" else dataset.uid})
            is True
        )
        assert still.done("dataset", "DescribeDatasets")["datasetList"] == []
        assert still.refused("dataset", action, **{name: dataset.uid}) == WRONG

    @pytest.mark.parametrize(
        ("action", "name"),
        [
            ("DeleteDataset", "datasetId"),
            ("DescribeDatasetVersions", "datasetId"),
            ("DescribeDatasetVersion", "versionId"),
            ("PublishDatasetVersion", "versionId"),
            ("DeleteDatasetVersion", "versionId"),
        ],
    )
    @pytest.mark.parametrize("key", [None, "ds-0", "dg-0", 999, [], True], ids=str)
    def test_unknown(self, shared_console, action, name, key):
        """What is no id, or nobody's."""
        assert shared_console.refused("dataset", action, **{name: key}) == WRONG

    @pytest.mark.parametrize("name", [None, "", "x" * 51, []], ids=str)
    def test_refused(self, shared_console, name):
        """A name has 1 to 50 characters."""
        assert shared_console.refused("dataset", "CreateDataset", datasetName=name) == WRONG
