"""Datasets: registered from files and lines, by the console's v1, with bad lines told by their number."""

from __future__ import annotations

import json

import pytest
from console_caller import lines

INFO = "dataset/info"

GOOD = '{"prompt": "p", "response": "r"}'


def learnt(caller, dataset):
    """Return the pairs that a dataset has."""
    return caller.platform._state.account.datasets.pairs(dataset.id)


class TestRegistering:
    """`platform.add_dataset`."""

    @pytest.mark.parametrize("kind", [str, lambda path: path], ids=["str", "Path"])
    def test_a_file(self, console, tmp_path, kind):
        """A JSONL file is read; by default it is called as the file is."""
        path = tmp_path / "客服问答.jsonl"
        path.write_text(
            "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines(40)), encoding="utf-8"
        )
        caller = console()
        dataset = caller.platform.add_dataset(kind(path))

        assert (dataset.id, dataset.name, dataset.count) == (1001, "客服问答", 40)
        assert learnt(caller, dataset)[7] == tuple(lines(40)[7].values())

    @pytest.mark.parametrize(
        ("data", "pairs"),
        [
            (f"{GOOD}\n{GOOD}\n", 2),
            (f"{GOOD}\r\n{GOOD}\r\n", 2),
            (f"\ufeff{GOOD}", 1),
            (f"\n\n  \n{GOOD}\n\t\n", 1),
            ("", 0),
            ('{"prompt": "a\\nb\u2028c", "response": "r"}', 1),
            ('[{"prompt": "p", "response": [["r"]]}]', 1),
            (
                '[{"prompt": "p", "response": [["best", "second"], ["third"]]}, {"prompt": "q", "response": "s"}]',
                2,
            ),
            ('[{"prompt": "p", "response": ["r"]}]', 1),
            ('{"prompt": "p", "response": "r", "id": 5, "history": []}', 1),
        ],
    )
    def test_forms(self, console, tmp_path, data, pairs):
        """Lines may end as they like and be blank; a line is one pair, or an array of turns in the platform's form."""
        path = tmp_path / "set.jsonl"
        path.write_bytes(data.encode())
        caller = console()
        dataset = caller.platform.add_dataset(path)

        assert dataset.count == len(learnt(caller, dataset)) == pairs

    @pytest.mark.parametrize(
        "source",
        [
            [GOOD, GOOD.encode(), json.loads(GOOD)],
            (GOOD for _ in range(3)),
            [[{"prompt": "p", "response": "r"}] * 3],
            [json.dumps([{"prompt": "p", "response": [["r"]]}] * 3)],
        ],
        ids=["texts, bytes and dicts", "generator", "arrays", "turns"],
    )
    def test_lines(self, console, source):
        """Lines may be given in place of a file."""
        caller = console()
        dataset = caller.platform.add_dataset(source)

        assert dataset.name == "dataset"
        assert learnt(caller, dataset) == [("p", "r")] * 3

    @pytest.mark.parametrize(
        ("line", "says"),
        [
            ("{", "is not JSON"),
            ("hello", "is not JSON"),
            (b"\xff\xfe", "is not JSON"),
            ("{'prompt': 'p', 'response': 'r'}", "is not JSON"),
            ('"text"', "is neither an object nor an array of objects"),
            ("5", "is neither an object nor an array of objects"),
            ("[]", "is an empty array"),
            ("[5]", "is neither an object nor an array of objects"),
            ("{}", "prompt must be a string that is not blank"),
            ('{"prompt": "p"}', "response must be"),
            ('{"prompt": "", "response": "r"}', "prompt must be"),
            ('{"prompt": " \\n", "response": "r"}', "prompt must be"),
            ('{"prompt": 5, "response": "r"}', "prompt must be"),
            ('{"prompt": ["p"], "response": "r"}', "prompt must be"),
            ('{"prompt": "p", "response": " "}', "response must be"),
            ('{"prompt": "p", "response": []}', "response must be"),
            ('{"prompt": "p", "response": [[]]}', "response must be"),
            ('{"prompt": "p", "response": [[5]]}', "response must be"),
            ('{"prompt": "p", "response": {"a": "r"}}', "response must be"),
            ('[{"prompt": "p", "response": "r"}, {"prompt": "q"}]', "response must be"),
            ({"prompt": "\ud800", "response": "r"}, "prompt must be"),
            ({"prompt": "p", "response": "a\udfff"}, "response must be"),
            (5, "is int, not text"),
            (None, "is NoneType, not text"),
        ],
        ids=str,
    )
    def test_bad_lines(self, console, line, says):
        """A bad line is told with its number, and nothing is registered."""
        caller = console()

        with pytest.raises(ValueError, match=r"^a bad line\nline 3: ") as caught:
            caller.platform.add_dataset([GOOD, "", line, GOOD])
        assert says in str(caught.value)
        assert caller.done("dataset", "DescribeDatasets")["datasetList"] == []

    def test_bad_lines_of_a_file(self, console, tmp_path):
        """The file is named, and every bad line up to twenty."""
        path = tmp_path / "set.jsonl"
        path.write_text("\n".join([GOOD, *["bad"] * 25, GOOD]))

        with pytest.raises(ValueError, match="bad lines") as caught:
            console().platform.add_dataset(path)
        told = str(caught.value).split("\n")
        assert told[0] == f"{path}: 25 bad lines"
        assert [it.partition(":")[0] for it in told[1:-1]] == [f"line {number}" for number in range(2, 22)]
        assert told[-1] == "and 5 more"

    def test_no_file(self, console, tmp_path):
        """A file that is not there is told as such."""
        with pytest.raises(FileNotFoundError):
            console().platform.add_dataset(tmp_path / "none.jsonl")
        with pytest.raises(IsADirectoryError):
            console().platform.add_dataset(tmp_path)

    @pytest.mark.parametrize("name", ["", "x" * 51])
    def test_names(self, console, name):
        """A name has 1 to 50 characters; that of a file is cut."""
        with pytest.raises(ValueError, match="1 to 50 characters"):
            console().platform.add_dataset([GOOD], name)

    def test_a_long_file_name(self, console, tmp_path):
        """A dataset is named by the first 50 characters of its file's name."""
        path = tmp_path / ("x" * 80 + ".jsonl")
        path.write_text(GOOD)

        assert console().platform.add_dataset(path).name == "x" * 50

    def test_again(self, console):
        """The same samples of the same name are the same dataset; others are others."""
        platform = console().platform
        first = platform.add_dataset(lines(40), "one")

        assert platform.add_dataset(lines(40), "one") == first
        others = [platform.add_dataset(lines(40), "two"), platform.add_dataset(lines(39), "one")]
        others.append(platform.add_dataset([*lines(39), json.loads(GOOD)], "one"))
        assert [it.id for it in others] == [1002, 1003, 1004]


class TestV1:
    """The routes of v1."""

    def test_info(self, still):
        """A dataset, by any of its names."""
        dataset = still.platform.add_dataset(lines(40), "set")

        assert (dataset.uid[:3], dataset.group[:3], dataset.uid[3:]) == ("ds-", "dg-", dataset.group[3:])
        for key in (dataset.id, str(dataset.id), dataset.uid, dataset.group):
            assert still.result(INFO, datasetId=key) == {
                "id": 1001,
                "datasetId": dataset.uid,
                "groupPK": dataset.group,
                "name": "set",
                "entityCount": 40,
                "createTime": "2023-11-15T06:13:20+08:00",
                "versionInfo": {
                    "datasetPK": dataset.uid,
                    "datasetId": 1001,
                    "versionId": 1,
                    "dataType": 4,
                    "projectType": 20,
                    "templateType": 2000,
                    "storageType": "sysBos",
                    "storage": dict.fromkeys(
                        ("storageId", "storageName", "storagePath", "rawStoragePath", "region"), ""
                    ),
                    "importStatus": 2,
                    "releaseStatus": 2,
                    "entityCount": 40,
                },
            }

    def test_create(self, still):
        """A dataset that is created here is empty, and stays so: no job trains on it."""
        made = still.result("dataset/create", name="empty")

        assert (made["id"], made["name"], made["entityCount"]) == (1001, "empty", 0)
        assert (made.pop("versionId"), set(made.pop("storageInfo"))) == (
            1,
            {"storageId", "storageName", "storagePath", "rawStoragePath", "region"},
        )
        shown = still.result(INFO, datasetId=made["datasetId"])
        assert shown.pop("versionInfo")["entityCount"] == 0
        assert shown == made
        assert still.code("finetune/createJob", **still.body(still.task(), made["id"])) == 510101

    def test_delete(self, still):
        """A deleted dataset is gone for new jobs; those that run, and their models, keep what they learn."""
        dataset, task = still.dataset(), still.task()
        job = still.job(task, dataset)
        assert still.result("dataset/release", datasetId=dataset) is True
        assert still.result("dataset/delete", datasetId=dataset) is True

        assert still.code(INFO, datasetId=dataset) == 500001
        assert still.code("finetune/createJob", **still.body(still.task("two"), dataset)) == 510102
        still.platform.advance(minutes=30)
        assert still.detail(task, job)["trainStatus"] == "FINISH"
        assert still.platform.add_dataset(lines(40), "set").id == 1002

    @pytest.mark.parametrize("route", [INFO, "dataset/release", "dataset/delete"])
    @pytest.mark.parametrize("key", [None, 1, "", "ds-", "dg-000000000000", [], True, 1.5], ids=str)
    def test_refusals(self, shared_console, route, key):
        """What is no id, or nobody's, is refused."""
        assert shared_console.code(route, datasetId=key) == 500001

    @pytest.mark.parametrize("name", [None, "", "x" * 51, 5, []], ids=str)
    def test_wrong_names(self, shared_console, name):
        """A name has 1 to 50 characters."""
        assert shared_console.code("dataset/create", name=name) == 500001
