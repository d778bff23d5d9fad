"""Jobs by the console's v1: their states on the platform's clock, curves, ends and increments."""

from __future__ import annotations

import itertools

import pytest
from console_caller import README_JOB


class TestDetail:
    """`jobDetail`."""

    def test_answer(self, still):
        """The answer has the documented fields, their twins of later years, and a curve."""
        task = still.result("finetune/createTask", name="demo")
        job = still.result(
            "finetune/createJob", **still.body(task["id"], still.dataset(), description="first")
        )
        still.platform.advance(seconds=90)

        detail = still.detail(task["id"], job["id"])
        curve = detail.pop("metrics")["loss"]
        assert detail == {
            "id": 301,
            "uuid": job["uuid"],
            "description": "first",
            "taskId": 101,
            "taskIdStr": task["uuid"],
            "runIdStr": job["uuid"],
            "taskName": "demo",
            "version": 1,
            "jobRunType": 0,
            "trainType": "ernieBotLite-v201-8k",
            "trainMode": "SFT",
            "peftType": "LoRA",
            "trainStatus": "RUNNING",
            "progress": 75,
            "runTime": 90,
            "trainTime": 30,
            "startTime": "2023-11-15 06:13:20",
            "finishTime": "0000-00-00 00:00:00",
            "vdlLink": f"{still.url}/qianfan/visualdl/index?displayToken={job['uuid']}",
        }
        assert {frozenset(point) for point in curve} == {frozenset({"step", "epoch", "loss"})}

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"taskId": 999}, 510202),
            ({"jobId": 999}, 510301),
            ({"jobId": "task-000000000000"}, 510301),
            ({"jobId": -5}, 510301),
            ({"taskId": None}, 500001),
            ({"jobId": None}, 500001),
            ({"taskId": 1.5}, 500001),
            ({"jobId": {}}, 500001),
            ({"jobId": False}, 500001),
        ],
        ids=str,
    )
    @pytest.mark.parametrize("route", ["finetune/jobDetail", "finetune/stopJob"])
    def test_refusals(self, still, route, changes, code):
        """An unknown task, an unknown job and what is no id are told apart."""
        task = still.task()
        job = still.job(task, still.dataset())

        assert still.code(route, **{"taskId": task, "jobId": job, **changes}) == code

    def test_a_job_of_another_task(self, still):
        """A job is found under its own task only, by none of its names elsewhere."""
        dataset, task, other = still.dataset(), still.task("one"), still.task("other")
        job = still.result("finetune/createJob", **still.body(task, dataset))

        for key in (job["id"], str(job["id"]), job["uuid"]):
            assert still.detail(task, key)["id"] == job["id"]
            assert still.code("finetune/jobDetail", taskId=other, jobId=key) == 510301
            assert still.code("finetune/stopJob", taskId=other, jobId=key) == 510301
        # The names of tasks and jobs are not each other's.
        assert still.code("finetune/jobDetail", taskId=job["id"], jobId=task) == 510202


class TestStates:
    """How a job goes on as the platform's time does."""

    @pytest.mark.parametrize(
        ("passed", "status", "progress", "ran", "trained", "points"),
        [
            (0, "RUNNING", 0, 0, 0, 0),
            (30, "RUNNING", 25, 30, 0, 0),
            (60, "RUNNING", 50, 60, 0, 0),
            (75, "RUNNING", 62, 75, 15, 10),
            (90, "RUNNING", 75, 90, 30, 20),
            (119, "RUNNING", 99, 119, 59, 39),
            (119.9, "RUNNING", 99, 119, 59, 39),
            (120, "FINISH", 100, 120, 60, 40),
            (1800, "FINISH", 100, 120, 60, 40),
            (86_400 * 400, "FINISH", 100, 120, 60, 40),
        ],
    )
    def test_as_time_goes(self, still, passed, status, progress, ran, trained, points):
        """The job of 40 samples and 4 epochs takes two minutes, the first of them to prepare."""
        task = still.task()
        job = still.job(task, still.dataset())
        still.platform.advance(seconds=passed)
        detail = still.detail(task, job)

        assert (detail["trainStatus"], detail["progress"]) == (status, progress)
        assert (detail["runTime"], detail["trainTime"]) == (ran, trained)
        assert len(detail["metrics"]["loss"]) == points
        ends = "2023-11-15 06:15:20" if status == "FINISH" else "0000-00-00 00:00:00"
        assert detail["finishTime"] == ends

    @pytest.mark.parametrize(
        ("count", "epoch", "seconds"), [(32, 1, 120), (100, 10, 310), (400, 10, 1060), (5000, 50, 1500)]
    )
    def test_length(self, still, count, epoch, seconds):
        """More samples and epochs take longer, but half an hour finishes any job."""
        task = still.task()
        config = {**README_JOB["trainConfig"], "epoch": epoch}
        job = still.job(task, still.dataset(count), trainConfig=config)

        still.platform.advance(seconds=seconds - 1)
        assert still.detail(task, job)["trainStatus"] == "RUNNING"
        still.platform.advance(seconds=1)
        assert still.detail(task, job)["trainStatus"] == "FINISH"

    def test_progress(self, still):
        """Progress, times and the curve only grow, and what was drawn of the curve stays."""
        task = still.task()
        job = still.job(task, still.dataset(100), trainConfig={**README_JOB["trainConfig"], "epoch": 5})
        details = []
        while not details or details[-1]["trainStatus"] == "RUNNING":
            details.append(still.detail(task, job))
            still.platform.advance(seconds=7)

        for name in ("progress", "runTime", "trainTime"):
            values = [detail[name] for detail in details]
            assert values == sorted(values)
        assert [detail["progress"] == 100 for detail in details].index(True) == len(details) - 1
        curves = [detail["metrics"]["loss"] for detail in details]
        assert all(later[: len(earlier)] == earlier for earlier, later in itertools.pairwise(curves))

    @pytest.mark.parametrize("epoch", [1, 4, 50])
    @pytest.mark.parametrize("count", [32, 1000])
    def test_curve(self, still, epoch, count):
        """A finished job's curve goes from the first steps to the last, falls, and has at most 100 points."""
        task, job = still.finished(
            dataset=still.dataset(count), trainConfig={**README_JOB["trainConfig"], "epoch": epoch}
        )
        curve = still.detail(task, job)["metrics"]["loss"]
        steps = [point["step"] for point in curve]

        assert 1 <= len(curve) <= 100
        assert steps == sorted(set(steps))
        assert (steps[-1], curve[-1]["epoch"]) == (epoch * count // 4, epoch)
        assert 0 < curve[-1]["loss"] < curve[0]["loss"] < 3
        assert all(point["loss"] > 0 for point in curve)

    def test_the_same_job_has_the_same_curve(self, console):
        """The curve of the same job is the same on every platform."""
        curves = []
        for _ in range(2):
            caller = console()
            curves.append(caller.detail(*caller.finished())["metrics"])

        assert curves[0] == curves[1]

    def test_the_curves_page(self, still):
        """The job's link leads, unsigned, to its curve so far, as JSON to plot."""
        task = still.task()
        job = still.job(task, still.dataset())
        still.platform.advance(seconds=90)
        detail = still.detail(task, job)
        reply = still.http.request("GET", detail["vdlLink"])

        assert reply.json() == {"job": detail["uuid"], "status": "RUNNING", "loss": detail["metrics"]["loss"]}
        for token in ("", "?displayToken=", "?displayToken=task-000000000000"):
            reply = still.http.request("GET", f"{still.url}/qianfan/visualdl/index{token}")
            assert (reply.status, reply.json()) == (404, {"error": "no job has this displayToken"})


class TestEnds:
    """Jobs that are stopped or fail."""

    def test_stop(self, still):
        """A stopped job stays as it was when it was stopped."""
        task = still.task()
        job = still.job(task, still.dataset())
        still.platform.advance(seconds=90)
        assert still.result("finetune/stopJob", taskId=task, jobId=job) is True

        before = still.detail(task, job)
        assert (before["trainStatus"], before["progress"], before["runTime"]) == ("STOP", 75, 90)
        assert before["finishTime"] == "2023-11-15 06:14:50"
        still.platform.advance(hours=1)
        assert still.detail(task, job) == before

    @pytest.mark.parametrize("end", ["finished", "stopped", "failed"])
    def test_stop_twice(self, still, end):
        """A job that does not run cannot be stopped."""
        task = still.task()
        job = still.job(task, still.dataset())
        if end == "finished":
            still.platform.advance(minutes=30)
        elif end == "stopped":
            still.result("finetune/stopJob", taskId=task, jobId=job)
        else:
            still.platform.fail_job(job)
        before = still.detail(task, job)

        answer = still.call("finetune/stopJob", taskId=task, jobId=job)
        assert (answer["error_code"], answer["error_msg"]) == (510302, "job status invalid")
        assert still.detail(task, job) == before

    @pytest.mark.parametrize("name", ["id", "text", "uuid"])
    def test_fail(self, still, name):
        """A job that is told to fail has failed, and says why."""
        task = still.task()
        made = still.result("finetune/createJob", **still.body(task, still.dataset()))
        job = made["id"]
        still.platform.advance(seconds=30)
        still.platform.fail_job({"id": job, "text": str(job), "uuid": made["uuid"]}[name], "磁盘已满")

        detail = still.detail(task, job)
        assert (detail["trainStatus"], detail["progress"], detail["failReason"]) == ("FAIL", 25, "磁盘已满")
        assert detail["finishTime"] == "2023-11-15 06:13:50"

    def test_fail_what_does_not_run(self, still):
        """Only a running job can be told to fail."""
        task, job = still.finished()

        with pytest.raises(ValueError, match=f"the job {job} is not running"):
            still.platform.fail_job(job)
        with pytest.raises(ValueError, match="there is no job 'task-x'"):
            still.platform.fail_job("task-x")
        assert still.detail(task, job)["trainStatus"] == "FINISH"

    @pytest.mark.parametrize(
        "description", ["模拟失败", "请模拟失败一次", "Simulate a failure", "to SIMULATE A FAILURE."]
    )
    def test_fail_by_description(self, still, description):
        """A job whose description asks for it fails part of the way."""
        task = still.task()
        job = still.job(task, still.dataset(), description=description)

        still.platform.advance(seconds=47)
        assert still.detail(task, job)["trainStatus"] == "RUNNING"
        still.platform.advance(seconds=1)
        detail = still.detail(task, job)
        assert (detail["trainStatus"], detail["progress"], detail["runTime"]) == ("FAIL", 40, 48)
        assert detail["failReason"] == "the description asks for a failure"
        still.platform.advance(hours=1)
        assert still.detail(task, job) == detail

    def test_stop_before_it_fails(self, still):
        """A job that would fail can be stopped before it does."""
        task = still.task()
        job = still.job(task, still.dataset(), description="模拟失败")
        still.result("finetune/stopJob", taskId=task, jobId=job)
        still.platform.advance(hours=1)

        detail = still.detail(task, job)
        assert detail["trainStatus"] == "STOP"
        assert "failReason" not in detail

    def test_other_descriptions(self, still):
        """Words about failures fail nothing."""
        task, job = still.finished(description="失败的样本; failure cases")

        assert still.detail(task, job)["trainStatus"] == "FINISH"


class TestIncrements:
    """Jobs that go on with another job's model."""

    @staticmethod
    def body(task, job, dataset, **changes):
        """Return the body of an incremental job: no base model, as the other job has one."""
        body = {"taskId": task, "jobRunType": 1, "increConfig": {"taskId": task, "jobId": job}, **README_JOB}
        del body["baseTrainType"], body["trainType"]
        return {**body, "peftType": "ALL", "trainset": [{"type": 1, "id": dataset}], **changes}

    def test_increment(self, still):
        """It trains the other's base model, and says that it is an increment."""
        task, base = still.finished(peftType="ALL")
        job = still.result("finetune/createJob", **self.body(task, base, still.dataset()))["id"]

        detail = still.detail(task, job)
        assert (detail["jobRunType"], detail["trainType"], detail["version"]) == (
            1,
            "ernieBotLite-v201-8k",
            2,
        )

    def test_in_another_task(self, still):
        """The base may be a job of another task, by any of its names; an increment may be a base again."""
        task, base = still.finished("one", peftType="ALL")
        other = still.result("finetune/createTask", name="other")
        names = still.detail(task, base)
        increment = {"taskId": names["taskIdStr"], "jobId": names["uuid"]}
        body = self.body(other["uuid"], base, still.dataset(), increConfig=increment)
        job = still.result("finetune/createJob", **body)["id"]
        still.platform.advance(minutes=30)

        increment = {"taskId": str(other["id"]), "jobId": str(job)}
        body = self.body(other["id"], base, still.dataset(), increConfig=increment)
        assert still.detail(other["id"], still.result("finetune/createJob", **body)["id"])["version"] == 2

    @pytest.mark.parametrize(
        ("peft", "state", "code"),
        [
            ("LoRA", "finished", 510404),
            ("ALL", "running", 510302),
            ("ALL", "stopped", 510302),
            ("ALL", "failed", 510302),
        ],
    )
    def test_bases(self, still, peft, state, code):
        """The base is a finished job whose every weight was trained."""
        task, other, dataset = still.task("base"), still.task("other"), still.dataset()
        base = still.job(task, dataset, peftType=peft)
        if state == "finished":
            still.platform.advance(minutes=30)
        elif state == "stopped":
            still.result("finetune/stopJob", taskId=task, jobId=base)
        elif state == "failed":
            still.platform.fail_job(base)
        increment = {"taskId": task, "jobId": base}

        assert (
            still.code("finetune/createJob", **self.body(other, base, dataset, increConfig=increment)) == code
        )

    @pytest.mark.parametrize(
        ("increment", "code"),
        [
            (None, 500001),
            ([], 500001),
            ({}, 500001),
            ({"taskId": 101}, 500001),
            ({"jobId": 301}, 500001),
            ({"taskId": 999, "jobId": 301}, 510202),
            ({"taskId": 101, "jobId": 999}, 510301),
            ({"taskId": 102, "jobId": 301}, 510301),
        ],
        ids=str,
    )
    def test_wrong_bases(self, still, increment, code):
        """`increConfig` names a task and its job."""
        assert still.finished(peftType="ALL") == (101, 301)
        still.task("other")

        body = self.body(101, 301, still.dataset(), increConfig=increment)
        assert still.code("finetune/createJob", **body) == code

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"peftType": "P-tuning"}, 500001),
            ({"trainConfig": {"epoch": 1, "learningRate": 0.0002, "maxSeqLen": 4096}}, 510401),
            ({"trainConfig": {"epoch": 1, "learningRate": 0.00002}}, 510401),
        ],
        ids=str,
    )
    def test_ranges(self, still, changes, code):
        """The ranges are those of the base model."""
        task, base = still.finished(peftType="ALL")

        assert still.code("finetune/createJob", **self.body(task, base, still.dataset(), **changes)) == code


def test_jobs_of_many_tasks(still):
    """Ids are given once and for all; versions count within a task."""
    dataset, tasks = still.dataset(), [still.task(name) for name in ("one", "two")]
    jobs = [still.job(task, dataset) for task in tasks]
    still.platform.advance(minutes=30)
    jobs += [still.job(task, dataset) for task in tasks]

    assert (tasks, jobs) == ([101, 102], [301, 302, 303, 304])
    assert [still.detail(tasks[i % 2], job)["version"] for i, job in enumerate(jobs)] == [1, 1, 2, 2]
    uids = {still.detail(tasks[i % 2], job)["uuid"] for i, job in enumerate(jobs)}
    assert len(uids) == 4


def test_nothing_is_left_of_a_refusal(still):
    """A call that is refused changes nothing: the next job has the number that it would have had."""
    task, dataset = still.task(), still.dataset()
    for changes in ({"trainsetRate": 99}, {"trainset": []}, {"trainConfig": {}}):
        still.code("finetune/createJob", **still.body(task, dataset, **changes))
    job = still.job(task, dataset)

    assert (job, still.detail(task, job)["version"]) == (301, 1)
    assert len(still.done("finetuning", "DescribeFineTuningTasks", jobId=task)["taskList"]) == 1
