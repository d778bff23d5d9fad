"""Lists of the console's v2 come in pages."""

from __future__ import annotations

import pytest
from console_v2_calls import WRONG, job, model, service, task

LISTS = [
    ("finetuning", "DescribeFineTuningJobs", "jobList", "jobId"),
    ("model", "DescribeCustomModelSets", "modelSetList", "modelSetId"),
    ("dataset", "DescribeDatasets", "datasetList", "datasetId"),
]


def fill(caller, count):
    """Create so many of each listed kind."""
    for number in range(count):
        job(caller, f"job {number}")
        caller.done("model", "CreateCustomModelSet", modelSetName=f"set {number}")
        caller.done("dataset", "CreateDataset", datasetName=f"dataset {number}")


class TestPages:
    """Lists come in pages."""

    @pytest.mark.parametrize(("group", "action", "name", "key"), LISTS)
    @pytest.mark.parametrize("reverse", [False, True])
    def test_pages(self, console, group, action, name, key, reverse):
        """Following the markers gives every record once, oldest or newest first, and then ends."""
        caller = console()
        fill(caller, 7)
        whole = caller.done(group, action, pageReverse=reverse)
        keys, pages, marker = [], [], None
        while marker != "":
            page = caller.done(group, action, maxKeys=3, pageReverse=reverse, marker=marker)
            pages.append(page["pageInfo"])
            keys += [it[key] for it in page[name]]
            marker = page["pageInfo"]["nextMarker"]

        assert keys == [it[key] for it in whole[name]]
        assert [it["isTruncated"] for it in pages] == [True, True, False]
        assert [it["marker"] for it in pages[1:]] == [it["nextMarker"] for it in pages[:-1]]
        assert {it["maxKeys"] for it in pages} == {3}
        assert len(whole[name]) == len(set(keys)) == 7
        assert whole["pageInfo"] == {"marker": "", "maxKeys": 100, "isTruncated": False, "nextMarker": ""}

    def test_the_other_way_round(self, console):
        """Newest first is oldest first, turned round."""
        caller = console()
        fill(caller, 3)

        for group, action, name, _ in LISTS:
            turned = caller.done(group, action, pageReverse=True)[name]
            assert turned == caller.done(group, action)[name][::-1]
            assert len(turned) == 3

    def test_deleting_page_by_page(self, console):
        """The records of a page may be deleted before the next is asked for."""
        caller = console()
        fill(caller, 5)
        marker, count = "", 0
        while True:
            page = caller.done("finetuning", "DescribeFineTuningJobs", maxKeys=2, marker=marker)
            for listed in page["jobList"]:
                caller.done("finetuning", "DeleteFineTuningJob", jobId=listed["jobId"])
                count += 1
            marker = page["pageInfo"]["nextMarker"]
            if not page["pageInfo"]["isTruncated"]:
                break

        assert count == 5
        assert caller.done("finetuning", "DescribeFineTuningJobs")["jobList"] == []

    def test_lists_of_others(self, console):
        """Tasks of a job, services, versions and the platform's own sets come in pages too."""
        caller = console()
        set_id, model_id = model(caller)
        job_id = caller.done("finetuning", "DescribeFineTuningJobs")["jobList"][0]["jobId"]
        task(caller, job_id)
        for uri in ("one", "two"):
            service(caller, set_id, model_id, urlSuffix=uri)
        lists = [
            ("finetuning", "DescribeFineTuningTasks", "taskList", {"jobId": job_id}),
            ("service", "DescribeServices", "serviceList", {}),
            ("model", "DescribeSystemModelSets", "modelSetList", {}),
        ]

        for group, action, name, fields in lists:
            first = caller.done(group, action, maxKeys=1, **fields)
            assert (len(first[name]), first["pageInfo"]["isTruncated"]) == (1, True)
            second = caller.done(group, action, maxKeys=1, marker=first["pageInfo"]["nextMarker"], **fields)
            assert second[name] != first[name]
        versions = caller.done("dataset", "DescribeDatasetVersions", datasetId=1001)
        assert versions["pageInfo"]["isTruncated"] is False

    @pytest.mark.parametrize(
        "changes",
        [
            {"maxKeys": 0},
            {"maxKeys": 101},
            {"maxKeys": -1},
            {"maxKeys": "5"},
            {"maxKeys": 1.5},
            {"maxKeys": True},
            {"marker": "job-000000000000"},
            {"marker": 5},
            {"pageReverse": 1},
            {"pageReverse": "false"},
        ],
        ids=str,
    )
    def test_refused(self, shared_console, changes):
        """A page has 1 to 100 records, and begins at one of the list."""
        for group, action, _, _ in LISTS:
            assert shared_console.refused(group, action, **changes) == WRONG
