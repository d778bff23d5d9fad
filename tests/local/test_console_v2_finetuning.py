"""Fine-tuning by the console's v2: a job holds tasks."""

from __future__ import annotations

import pytest
from console_caller import lines
from console_v2_calls import NOT_FOUND, WRONG, job, task, wanted


class TestFineTuning:
    """The actions of `finetuning`."""

    def test_the_life_of_a_task(self, still):
        """A task runs and is done, with the times of UTC, progress and a curve."""
        job_id = job(still)
        task_id = task(still, job_id)
        still.platform.advance(seconds=90)
        shown = still.done("finetuning", "DescribeFineTuningTask", taskId=task_id)

        curve = shown.pop("metrics")["loss"]
        assert len(curve) == 20
        assert shown == {
            "jobId": job_id,
            "taskId": task_id,
            "jobName": "demo",
            "jobDescription": "",
            "model": "ERNIE-Bot-turbo-0725",
            "trainMode": "SFT",
            "parameterScale": "LoRA",
            "hyperParameterConfig": {"epoch": 4, "learningRate": 0.00002, "maxSeqLen": 4096},
            "runStatus": "Running",
            "runProgress": "75%",
            "runTime": 90,
            "createDate": "2023-11-14T22:13:20Z",
            "startDate": "2023-11-14T22:13:20Z",
            "finishDate": "",
            "vdlLink": f"{still.url}/qianfan/visualdl/index?displayToken={task_id}",
            "failReason": "",
        }
        still.platform.advance(minutes=30)
        shown = still.done("finetuning", "DescribeFineTuningTask", taskId=task_id)
        assert (shown["runStatus"], shown["runProgress"]) == ("Done", "100%")
        assert shown["finishDate"] == "2023-11-14T22:15:20Z"

    def test_other_ends(self, still):
        """A task is stopped, or fails and says why."""
        job_id = job(still)
        first = task(still, job_id)
        assert still.done("finetuning", "StopFineTuningTask", taskId=first) is True
        second = task(still, job_id)
        still.platform.fail_job(second, "no space left")
        third = task(still, job_id, description="模拟失败")
        still.platform.advance(minutes=30)

        shown = [
            still.done("finetuning", "DescribeFineTuningTask", taskId=it) for it in (first, second, third)
        ]
        assert [(it["runStatus"], it["failReason"]) for it in shown] == [
            ("Stopped", ""),
            ("Failed", "no space left"),
            ("Failed", "the description asks for a failure"),
        ]

    def test_the_same_records_as_v1(self, still):
        """v2's job is v1's task, and its task v1's job, by any of their names."""
        job_id = job(still)
        task_id = task(still, job_id)

        detail = still.detail(job_id, task_id)
        assert (detail["taskIdStr"], detail["runIdStr"]) == (job_id, task_id)
        assert (detail["taskId"], detail["id"], detail["taskName"]) == (101, 301, "demo")
        for key in (301, "301", task_id):
            assert still.done("finetuning", "DescribeFineTuningTask", taskId=key)["taskId"] == task_id
        for key in (101, "101", job_id):
            listed = still.done("finetuning", "DescribeFineTuningTasks", jobId=key)
            assert [it["taskId"] for it in listed["taskList"]] == [task_id]

    def test_what_v1_made(self, still):
        """A task of v1 is listed as a job without a model, in which v2 starts nothing."""
        made = still.result("finetune/createTask", name="old", description="d")
        still.job(made["id"], still.dataset())
        (listed,) = still.done("finetuning", "DescribeFineTuningJobs")["jobList"]

        assert listed == {
            "jobId": made["uuid"],
            "name": "old",
            "description": "d",
            "model": "",
            "trainMode": "SFT",
            "createDate": "2023-11-14T22:13:20Z",
        }
        (shown,) = still.done("finetuning", "DescribeFineTuningTasks", jobId=made["uuid"])["taskList"]
        assert shown["model"] == "ERNIE-Bot-turbo-0725"
        assert still.refused("finetuning", "CreateFineTuningTask", **wanted(still, made["uuid"])) == WRONG

    def test_supported_models(self, shared_console):
        """Every model that can be tuned, and in which ways; each of them can."""
        listed = shared_console.done("finetuning", "DescribeFineTuningSupportModels")

        assert {it["modelType"] for it in listed} == {"text2text"}
        turbo = next(it for it in listed if it["model"] == "ERNIE-Bot-turbo-0725")
        assert turbo["baseModel"] == "ERNIE-Bot-turbo"
        (mode,) = turbo["supportTrainMode"]
        assert mode["trainMode"] == "SFT"
        scales = {
            it["parameterScale"]: it["supportHyperParameterConfig"] for it in mode["supportParameterScale"]
        }
        assert list(scales) == ["FullFineTuning", "LoRA"]
        assert [
            (it["key"], it["type"], it["checkType"], it["checkValue"], it["default"]) for it in scales["LoRA"]
        ] == [
            ("epoch", "int", "range", [1, 50], 1),
            ("learningRate", "float", "range", [0.00001, 0.00004], 0.00002),
            ("maxSeqLen", "int", "choice", [4096, 8192], 4096),
        ]
        for number, listed_model in enumerate(listed):
            job_id = job(shared_console, f"kind {number}", listed_model["model"])
            (mode,) = listed_model["supportTrainMode"]
            scales = {it["parameterScale"] for it in mode["supportParameterScale"]}
            for scale in mode["supportParameterScale"]:
                config = {it["key"]: it["default"] for it in scale["supportHyperParameterConfig"]}
                for named in (scale["parameterScale"], None):
                    task_id = task(shared_console, job_id, parameterScale=named, hyperParameterConfig=config)
                    shown = shared_console.done("finetuning", "DescribeFineTuningTask", taskId=task_id)
                    assert shown["hyperParameterConfig"] == config
                    assert shown["parameterScale"] in ([named] if named else scales)
                    shared_console.done("finetuning", "StopFineTuningTask", taskId=task_id)

    @pytest.mark.parametrize(
        ("changes", "refused"),
        [
            ({"name": None}, WRONG),
            ({"name": "x"}, WRONG),
            ({"name": 5}, WRONG),
            ({"name": "taken"}, (409, "NameExists")),
            ({"model": None}, WRONG),
            ({"model": "ERNIE-Bot-turbo"}, WRONG),
            ({"model": []}, WRONG),
            ({"trainMode": None}, WRONG),
            ({"trainMode": "PostPretrain"}, WRONG),
            ({"description": "x" * 501}, WRONG),
        ],
        ids=str,
    )
    def test_refused_jobs(self, still, changes, refused):
        """What is missing, wrong or taken."""
        job(still, "taken")
        body = {"name": "free", "model": "BLOOMZ-7B", "trainMode": "SFT"}

        assert still.refused("finetuning", "CreateFineTuningJob", **{**body, **changes}) == refused

    @pytest.mark.parametrize(
        ("changes", "refused", "says"),
        [
            ({"jobId": None}, WRONG, "jobId is missing"),
            ({"jobId": "job-000000000000"}, NOT_FOUND, "job not exist"),
            ({"parameterScale": "ALL"}, WRONG, "parameterScale must be one of FullFineTuning, LoRA"),
            ({"parameterScale": "PromptTuning"}, WRONG, "parameterScale must be one of FullFineTuning, LoRA"),
            ({"hyperParameterConfig": None}, WRONG, "hyperParameterConfig is missing"),
            ({"hyperParameterConfig": []}, WRONG, "hyperParameterConfig must be an object"),
            ({"hyperParameterConfig": {}}, WRONG, "hyperParameterConfig.epoch is missing"),
            ({"datasetConfig": None}, WRONG, "datasetConfig is missing"),
            ({"datasetConfig": {}}, WRONG, "datasetConfig.sourceType is missing"),
            (
                {"datasetConfig": {"sourceType": "Bos"}},
                WRONG,
                "datasetConfig.sourceType must be one of Platform",
            ),
            ({"datasetConfig": {"sourceType": "Platform"}}, WRONG, "datasetConfig.versions is missing"),
            (
                {"datasetConfig": {"sourceType": "Platform", "versions": {}}},
                WRONG,
                "datasetConfig.versions must be an array",
            ),
            (
                {"datasetConfig": {"sourceType": "Platform", "versions": []}},
                WRONG,
                "datasetConfig.versions is empty",
            ),
            (
                {"datasetConfig": {"sourceType": "Platform", "versions": [5]}},
                WRONG,
                "datasetConfig.versions[0].versionId is missing",
            ),
            (
                {"datasetConfig": {"sourceType": "Platform", "versions": [{"versionId": "ds-0"}]}},
                WRONG,
                "datasetConfig.versions[0]: there is no dataset 'ds-0'",
            ),
        ],
        ids=str,
    )
    def test_refused_tasks(self, still, changes, refused, says):
        """What is missing, wrong or unknown, in v2's own names of the fields."""
        body = wanted(still, job(still), **changes)
        status, answer = still.act("finetuning", "CreateFineTuningTask", **body)

        assert (status, answer["code"]) == refused
        assert answer["message"].endswith(says)

    @pytest.mark.parametrize(("split", "refused"), [(51, WRONG), (-1, WRONG), ("20", WRONG), (False, WRONG)])
    def test_refused_splits(self, still, split, refused):
        """The share that is kept for validation is 0 to 50 per cent."""
        body = wanted(still, job(still))
        body["datasetConfig"]["splitRatio"] = split
        status, answer = still.act("finetuning", "CreateFineTuningTask", **body)

        assert (status, answer["code"]) == refused
        assert "datasetConfig.splitRatio must be a number in [0, 50]" in answer["message"]

    @pytest.mark.parametrize("split", [0, 50, None])
    def test_splits(self, still, split):
        """It may be null or missing."""
        body = wanted(still, job(still))
        body["datasetConfig"]["splitRatio"] = split

        assert still.done("finetuning", "CreateFineTuningTask", **body)

    def test_too_few_samples(self, still):
        """32 samples are the least."""
        few = [{"versionId": still.platform.add_dataset(lines(31), "few").uid}]
        data = {"sourceType": "Platform", "versions": few}
        status, answer = still.act(
            "finetuning", "CreateFineTuningTask", **wanted(still, job(still), datasetConfig=data)
        )

        assert (status, answer["code"]) == WRONG
        assert answer["message"] == "dataset entity count not enough, at least 32"

    def test_one_at_a_time(self, still):
        """A job runs one task at a time."""
        job_id = job(still)
        task(still, job_id)

        assert still.refused("finetuning", "CreateFineTuningTask", **wanted(still, job_id)) == (
            409,
            "OverLimit",
        )

    @pytest.mark.parametrize(
        "action", ["DescribeFineTuningTask", "StopFineTuningTask", "DeleteFineTuningTask"]
    )
    @pytest.mark.parametrize(
        ("key", "refused"),
        [(None, WRONG), ([], WRONG), (True, WRONG), ("task-0", NOT_FOUND), (999, NOT_FOUND), ("", NOT_FOUND)],
    )
    def test_unknown_tasks(self, shared_console, action, key, refused):
        """What is no id, and what is nobody's, are told apart."""
        assert shared_console.refused("finetuning", action, taskId=key) == refused

    @pytest.mark.parametrize("action", ["DescribeFineTuningTasks", "DeleteFineTuningJob"])
    @pytest.mark.parametrize(
        ("key", "refused"), [(None, WRONG), ({}, WRONG), ("job-0", NOT_FOUND), (999, NOT_FOUND)]
    )
    def test_unknown_jobs(self, shared_console, action, key, refused):
        """The same of jobs."""
        assert shared_console.refused("finetuning", action, jobId=key) == refused

    def test_words(self, still):
        """The messages call a job and a task as v2 does, not as v1."""
        job_id = job(still)
        task_id = task(still, job_id)
        again = {"name": "demo", "model": "BLOOMZ-7B", "trainMode": "SFT"}
        refused = [
            still.act("finetuning", "CreateFineTuningJob", **again),
            still.act("finetuning", "CreateFineTuningTask", **wanted(still, job_id)),
            still.act("finetuning", "DeleteFineTuningTask", taskId=task_id),
            still.act("finetuning", "DescribeFineTuningTask", taskId=999),
            still.act("finetuning", "DescribeFineTuningTasks", jobId=999),
        ]

        assert [answer["message"] for _, answer in refused] == [
            "job name exist",
            "task training count over limit",
            "task status invalid",
            "task not exist",
            "job not exist",
        ]

    def test_stop_twice(self, still):
        """A task that does not run cannot be stopped."""
        task_id = task(still, job(still))
        still.done("finetuning", "StopFineTuningTask", taskId=task_id)

        assert still.refused("finetuning", "StopFineTuningTask", taskId=task_id) == (409, "StatusInvalid")

    def test_delete(self, still):
        """A task that runs stays, and its job with it; ended ones go, and the name is free."""
        job_id = job(still)
        first = task(still, job_id)
        for action, key in (
            ("DeleteFineTuningTask", {"taskId": first}),
            ("DeleteFineTuningJob", {"jobId": job_id}),
        ):
            assert still.refused("finetuning", action, **key) == (409, "StatusInvalid")
        still.platform.advance(minutes=30)
        second = task(still, job_id)
        assert still.refused("finetuning", "DeleteFineTuningJob", jobId=job_id) == (409, "StatusInvalid")
        assert len(still.done("finetuning", "DescribeFineTuningTasks", jobId=job_id)["taskList"]) == 2

        assert still.done("finetuning", "DeleteFineTuningTask", taskId=first) is True
        assert still.refused("finetuning", "DescribeFineTuningTask", taskId=first) == NOT_FOUND
        assert still.code("finetune/jobDetail", taskId=job_id, jobId=first) == 510301
        still.platform.advance(minutes=30)
        assert still.done("finetuning", "DeleteFineTuningJob", jobId=job_id) is True
        assert still.refused("finetuning", "DescribeFineTuningTask", taskId=second) == NOT_FOUND
        assert still.code("finetune/jobDetail", taskId=job_id, jobId=second) == 510202
        assert job(still) != job_id
