"""Services by the console's v1: deploying a model, looking at it, and the lists."""

from __future__ import annotations

import pytest

from qianfan import catalog

APPLY, DETAIL = "service/apply", "service/detail"

INFERENCE = "/rpc/2.0/ai_custom/v1/wenxinworkshop"


@pytest.fixture(scope="module")
def model(shared_console):
    """What publishing a model on the shared platform answered."""
    return shared_console.published()


class TestApplying:
    """`apply`."""

    def test_answer(self, still):
        """The answer has the documented fields, and a twin that is a text."""
        made = still.published()
        answer = still.result(APPLY, **still.service("mine", made["modelId"], made["versionId"]))

        assert answer.pop("serviceUuid").startswith("svco-")
        assert answer == {"result": True, "serviceId": 161}

    @pytest.mark.parametrize("name", ["iterationId", "modelVersionId"])
    @pytest.mark.parametrize("key", ["versionId", "text", "versionIdStr"])
    def test_both_names_of_a_version(self, still, name, key):
        """A version is called `iterationId` as in 2023, or `modelVersionId`, by any of its names."""
        made = still.published()
        made["text"] = str(made["versionId"])
        body = still.service("mine", made["modelIDStr"], None)
        body = {field: value for field, value in body.items() if field != "iterationId"}

        assert still.result(APPLY, **body, **{name: made[key]})["serviceId"] == 161

    @pytest.mark.parametrize(
        "changes",
        [
            {"modelId": None},
            {"modelId": 999},
            {"modelId": "am-preset000001"},
            {"modelId": True},
            {"iterationId": None},
            {"iterationId": 999},
            {"iterationId": {}},
            {"modelVersionId": 999},
            {"name": None},
            {"name": "x"},
            {"name": "x" * 21},
            {"name": 5},
            {"uri": None},
            {"uri": "x"},
            {"uri": "x" * 21},
            {"uri": "a/b"},
            {"uri": "a b"},
            {"uri": "..%2f"},
            {"uri": "服务地址"},
            {"uri": "mine\n"},
            {"uri": ["mine"]},
            {"replicas": None},
            {"replicas": 0},
            {"replicas": -1},
            {"replicas": "1"},
            {"replicas": 1.5},
            {"replicas": True},
            {"poolType": None},
            {"poolType": 0},
            {"poolType": 3},
            {"poolType": "1"},
            {"poolType": True},
            {"description": "x" * 501},
            {"description": 5},
        ],
        ids=str,
    )
    def test_refusals(self, shared_console, model, changes):
        """What is missing, unknown or out of range is refused, and names the field."""
        body = shared_console.service("other", model["modelId"], model["versionId"])
        answer = shared_console.call(APPLY, **{**body, **changes})

        assert answer["error_code"] == 500001
        (name,) = changes
        assert name in answer["error_msg"] or "there is no model" in answer["error_msg"]
        assert shared_console.result("service/list")["custom"] == []

    def test_a_version_of_another_model(self, still):
        """The version must be the model's."""
        task, job = still.finished()
        meta = {"taskId": task, "iterationId": job}
        for name in ("one", "two"):
            still.result("modelrepo/publishTrainModel", isNewModel=True, modelName=name, versionMeta=meta)

        assert still.code(APPLY, **still.service("mine", 5001, 7002)) == 500001

    @pytest.mark.parametrize(
        "changes",
        [
            {"name": "ab"},
            {"name": "服" * 20},
            {"uri": "a-"},
            {"uri": "A_b-0123456789012345"},
            {"replicas": 1000},
            {"poolType": 2},
            {"description": "长" * 500},
            {"unknown": {}},
        ],
        ids=str,
    )
    def test_accepted(self, still, changes):
        """The ends of the ranges are within them."""
        made = still.published()

        body = still.service("mine", made["modelId"], made["versionId"])
        assert still.result(APPLY, **{**body, **changes})["serviceId"] == 161

    def test_addresses_that_are_taken(self, still):
        """No service takes the address of another, nor of a model of the platform's own."""
        made = still.published()
        body = still.service("mine", made["modelId"], made["versionId"])
        still.result(APPLY, **body)

        taken = still.call(APPLY, **{**body, "name": "other"})
        assert (taken["error_code"], taken["error_msg"]) == (500001, "param invalid: the uri 'mine' is taken")
        assert still.result(APPLY, **{**body, "uri": "Mine"})["serviceId"] == 162
        endpoints = {
            it.endpoint
            for kind in ("chat", "completion")
            for it in catalog.models(kind)
            if it.family == "chat"
        }
        fitting = sorted(it for it in endpoints if 2 <= len(it) <= 20 and "." not in it)
        assert len(fitting) > 20
        fitting += [it.id for it in catalog.v2_models("chat") if 2 <= len(it.id) <= 20 and "." not in it.id]
        fitting.append("DeepSeek-R1")
        assert {it: still.code(APPLY, **{**body, "uri": it}) for it in fitting} == dict.fromkeys(
            fitting, 500001
        )


class TestDetail:
    """`detail`."""

    def test_answer(self, still):
        """The fields of 2023, those of 2024, and what a deployment adds in its time."""
        made = still.published()
        body = still.service(
            "mine", made["modelId"], made["versionId"], replicas=3, poolType=2, description="d"
        )
        created = still.result(APPLY, **body)
        address = f"{still.url}{INFERENCE}/chat/mine"
        begun = 1_700_000_000 + 1800

        detail = still.result(DETAIL, serviceId=created["serviceId"])
        assert detail == {
            "id": 161,
            "serviceUuid": created["serviceUuid"],
            "modelId": 5001,
            "modelName": "demo",
            "modelType": 0,
            "templateType": 0,
            "iterationId": 7001,
            "modelVersion": 7001,
            "aiModelId": 5001,
            "aiModelVersionId": 7001,
            "version": "1",
            "name": "my service",
            "uri": "mine",
            "fullUri": address,
            "url": address,
            "applyStatus": 1,
            "serviceStatus": "Deploying",
            "sourceType": "Train",
            "onlineTime": 0,
            "callUnitPrice": 0,
            "description": "d",
            "devApiId": 161,
            "apiId": 161,
            "vmConfig": {
                "resourceId": "",
                "instanceCount": 3,
                "CPUNum": 0,
                "memory": 0,
                "GPUType": "",
                "GPUNum": 0,
                "volumeId": "",
            },
            "timeout": 0,
            "qps": 0,
            "noAuthAccess": False,
            "hasDeploying": True,
            "openDcl": False,
            "payType": 0,
            "creator": "local",
            "createTime": begun,
            "modifyTime": begun,
        }
        still.platform.advance(seconds=20)
        assert still.result(DETAIL, serviceId=161) == {
            **detail,
            "serviceStatus": "Done",
            "hasDeploying": False,
            "onlineTime": begun + 20,
        }

    def test_by_any_name(self, still):
        """A service is named by number, number as text, or later name."""
        made = still.published()
        created = still.result(APPLY, **still.service("mine", made["modelId"], made["versionId"]))

        for key in (161, "161", created["serviceUuid"]):
            assert still.result(DETAIL, serviceId=key)["id"] == 161

    @pytest.mark.parametrize("key", [None, 999, 0, "mine", "svco-0", False, 161.0, {}], ids=str)
    def test_refusals(self, shared_console, key):
        """What is no id, or nobody's, is refused; the address is no id."""
        assert shared_console.code(DETAIL, serviceId=key) == 500001


class TestList:
    """`list`."""

    def test_answer(self, still):
        """The platform's services and the account's, in one shape."""
        made = still.published()
        created = still.result(APPLY, **still.service("mine", made["modelId"], made["versionId"]))
        listed = still.result("service/list")

        assert set(listed) == {"common", "custom"}
        own = {"trainType": "ernieBotLite-v201-8k", "serviceStatus": "Deploying"}
        assert listed["custom"] == [
            {
                "name": "my service",
                "url": f"{still.url}{INFERENCE}/chat/mine",
                "apiType": "chat",
                "chargeStatus": "OPENED",
                "versionList": [own],
                "serviceId": 161,
                "serviceUuid": created["serviceUuid"],
            }
        ]
        turbo = next(it for it in listed["common"] if it["name"] == "ERNIE-Bot-turbo")
        assert turbo == {
            "name": "ERNIE-Bot-turbo",
            "url": f"{still.url}{INFERENCE}/chat/eb-instant",
            "apiType": "chat",
            "chargeStatus": "OPENED",
            "versionList": [{"trainType": "", "serviceStatus": "Done"}],
        }
        still.platform.advance(seconds=20)
        assert still.result("service/list")["custom"][0]["versionList"] == [{**own, "serviceStatus": "Done"}]

    def test_filter(self, still):
        """Only services of the types asked for; an empty filter is none."""
        made = still.published()
        still.result(APPLY, **still.service("mine", made["modelId"], made["versionId"]))
        every = still.result("service/list", apiTypefilter=[])

        kinds = {it["apiType"] for it in every["common"]}
        assert kinds == {"chat", "completions", "embeddings"}
        for kind in kinds:
            listed = still.result("service/list", apiTypefilter=[kind])
            assert listed["common"] == [it for it in every["common"] if it["apiType"] == kind]
            assert len(listed["custom"]) == (kind == "chat")
        assert still.result("service/list", apiTypefilter=["none"]) == {"common": [], "custom": []}

    @pytest.mark.parametrize("wanted", ["chat", [1], {}, [""], 5], ids=str)
    def test_refusals(self, shared_console, wanted):
        """The filter is an array of texts."""
        assert shared_console.code("service/list", apiTypefilter=wanted) == 500001

    def test_every_address_answers(self, shared_console):
        """Each address of the platform's services is known where it stands: a call needs no more than a token."""
        for listed in shared_console.result("service/list")["common"]:
            reply = shared_console.http.request("POST", listed["url"], body=b"{}")
            assert (listed["name"], reply.json()["error_code"]) == (listed["name"], 110)
