"""Fine-tuning by the console's v1: tasks, and what their jobs may ask for."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import pytest
from console_caller import README_JOB, lines

NEW = itertools.count(1)


class Ready(NamedTuple):
    """A caller, and what a job needs."""

    caller: object
    task: int
    dataset: int

    def code(self, **changes):
        """Return how the README's job is taken with changes: the refusal's code, or None; None takes a field away."""
        body = self.caller.body(self.task, self.dataset, **changes)
        return self.answer({name: value for name, value in body.items() if value is not None}).get(
            "error_code"
        )

    def answer(self, body):
        """Return the answer to a job."""
        return self.caller.call("finetune/createJob", **body)


@pytest.fixture(scope="module")
def ready(shared_console):
    """A task without jobs, and a dataset."""
    return Ready(shared_console, shared_console.task("ready"), shared_console.dataset())


@pytest.fixture
def another(ready):
    """The same with a task of its own, in which a job may start."""
    return ready._replace(task=ready.caller.task(f"task {next(NEW)}"))


class TestTasks:
    """`createTask`."""

    def test_answer(self, still):
        """The answer has the documented fields and the later string id; the time is China's."""
        answer = still.result("finetune/createTask", name="demo", description="a demo")

        uid = answer.pop("uuid")
        assert (uid[:4], len(uid), uid[4:].isalnum(), uid.islower()) == ("job-", 16, True, True)
        assert answer == {
            "id": 101,
            "name": "demo",
            "description": "a demo",
            "createTime": "2023-11-15 06:13:20",
        }

    def test_without_a_description(self, still):
        """A description that is not given is empty."""
        assert still.result("finetune/createTask", name="demo")["description"] == ""

    @pytest.mark.parametrize(
        "name", ["ab", "x" * 20, "模型", "千" * 20, "a b", "🚀🚀", "' OR 1=1 --", "%", "\n\t"][:7]
    )
    def test_names(self, shared_console, name):
        """Names have 2 to 20 characters, whichever."""
        assert shared_console.result("finetune/createTask", name=name)["name"] == name

    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"name": None},
            {"name": ""},
            {"name": "a"},
            {"name": "x" * 21},
            {"name": 12},
            {"name": ["ab"]},
            {"name": {}},
            {"name": True},
            {"name": "ok", "description": "x" * 501},
            {"name": "ok", "description": 1},
            {"name": "ok", "description": []},
        ],
        ids=str,
    )
    def test_wrong_fields(self, shared_console, fields):
        """What is missing, too short, too long or of another type answers 500001 and names the field."""
        answer = shared_console.call("finetune/createTask", **fields)

        assert answer["error_code"] == 500001
        assert answer["error_msg"].startswith("param invalid: ")
        assert ("description" if "description" in fields else "name") in answer["error_msg"]

    def test_a_long_description(self, shared_console):
        """500 characters are allowed."""
        text = "长" * 500

        assert (
            shared_console.result("finetune/createTask", name="long", description=text)["description"] == text
        )

    def test_a_name_that_exists(self, still):
        """No two tasks share a name; other spellings are other names."""
        still.task("demo")

        answer = still.call("finetune/createTask", name="demo")
        assert (answer["error_code"], answer["error_msg"]) == (510201, "task name exist")
        assert still.task("Demo") == 102
        assert still.task("demo ") == 103

    def test_too_many(self, still):
        """A thousand tasks are the most."""
        account = still.platform._state.account
        with account.store.transaction():
            for number in range(1000):
                account.tasks.create(f"task {number}", "")

        answer = still.call("finetune/createTask", name="one more")
        assert (answer["error_code"], answer["error_msg"]) == (510203, "task count over limit")
        still.done("finetuning", "DeleteFineTuningJob", jobId="101")
        assert still.task("one more") == 1101


class TestCreateJob:
    """`createJob`: what a job may ask for."""

    def test_the_readme_of_2023(self, another):
        """The README's job starts, though `batchSize` is not used by this base model."""
        answer = another.caller.result(
            "finetune/createJob", **another.caller.body(another.task, another.dataset)
        )

        assert set(answer) == {"id", "uuid"}
        assert isinstance(answer["id"], int)
        assert answer["uuid"].startswith("task-")

    @pytest.mark.parametrize(
        "name",
        ["taskId", "trainMode", "peftType", "trainsetRate", "baseTrainType", "trainType"],
    )
    def test_missing_fields(self, ready, name):
        """A field that must be there answers 500001."""
        assert ready.code(**{name: None}) == 500001

    @pytest.mark.parametrize(("name", "code"), [("trainConfig", 510401), ("trainset", 510102)])
    def test_missing_parts(self, ready, name, code):
        """A part that is missing answers its own code."""
        assert ready.code(**{name: None}) == code

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"taskId": 999}, 510202),
            ({"taskId": "job-000000000000"}, 510202),
            ({"taskId": -1}, 510202),
            ({"taskId": 2**64 - 1}, 510202),
            ({"taskId": "9" * 400}, 510202),
            ({"taskId": ""}, 510202),
            ({"taskId": True}, 500001),
            ({"taskId": 1.0}, 500001),
            ({"taskId": [1]}, 500001),
            ({"description": "x" * 501}, 500001),
            ({"description": 5}, 500001),
            ({"jobRunType": 2}, 500001),
            ({"jobRunType": "0"}, 500001),
            ({"jobRunType": True}, 500001),
            ({"baseTrainType": "ERNIE-Bot"}, 500001),
            ({"baseTrainType": ["ERNIE-Bot-turbo"]}, 500001),
            ({"trainType": "ERNIE-Bot-turbo"}, 500001),
            ({"trainType": "BLOOMZ-7B"}, 500001),
            ({"baseTrainType": "BLOOMZ-7B"}, 500001),
            ({"trainMode": "sft"}, 500001),
            ({"trainMode": "PostPretrain"}, 500001),
            ({"peftType": "lora"}, 500001),
            ({"peftType": "P-tuning"}, 500001),
            ({"trainsetRate": -1}, 500001),
            ({"trainsetRate": 51}, 500001),
            ({"trainsetRate": "20"}, 500001),
            ({"trainConfig": []}, 510401),
            ({"trainset": {}}, 510102),
            ({"trainset": []}, 510102),
            ({"trainset": [1]}, 510102),
            ({"trainset": [{}]}, 510102),
            ({"trainset": [{"type": 1}]}, 510102),
            ({"trainset": [{"id": 1001}]}, 510102),
            ({"trainset": [{"type": 3, "id": 1001}]}, 510102),
            ({"trainset": [{"type": "1", "id": 1001}]}, 510102),
            ({"trainset": [{"type": 2, "bosPath": "bos:/bucket"}]}, 510102),
            ({"trainset": [{"type": 1, "id": 999}]}, 510102),
            ({"trainset": [{"type": 1, "id": "ds-000000000000"}]}, 510102),
            ({"trainset": [{"type": 1, "id": True}]}, 510102),
            ({"trainset": [{"type": 1, "id": 1001}, {"type": 1, "id": 999}]}, 510102),
        ],
        ids=str,
    )
    def test_wrong_fields(self, ready, changes, code):
        """What is wrong answers the code of its part."""
        assert ready.code(**changes) == code

    @pytest.mark.parametrize(
        "changes",
        [
            {"trainsetRate": 0},
            {"trainsetRate": 50},
            {"trainsetRate": 12.5},
            {"description": "x" * 500},
            {"jobRunType": 0},
            {"peftType": "ALL"},
            {"validationset": [{"type": 1, "id": 5}]},
        ],
        ids=str,
    )
    def test_other_jobs(self, another, changes):
        """The ends of the ranges are within them; fields that nobody knows are ignored."""
        assert another.code(**changes) is None

    def test_refusals_say_where(self, ready):
        """The message is the platform's words, and which field is wrong."""
        body = ready.caller.body(ready.task, ready.dataset, trainset=[{"type": 1, "id": 999}])
        assert ready.answer(body)["error_msg"] == (
            "dataset config error: trainset[0]: there is no dataset 999"
        )
        config = {**README_JOB["trainConfig"], "epoch": 51}
        body = ready.caller.body(ready.task, ready.dataset, trainConfig=config)
        assert ready.answer(body)["error_msg"] == (
            "train config error: trainConfig.epoch must be an integer in [1, 50]"
        )

    @pytest.mark.parametrize(
        "key", [int, str, lambda _: "uid", lambda _: "group"], ids=["id", "text", "ds", "dg"]
    )
    def test_datasets_by_any_name(self, another, key):
        """A dataset is named by its number, as number or text, or by its later names."""
        dataset = another.caller.platform.add_dataset(lines(), "set")
        key = key(dataset.id)

        assert another.code(trainset=[{"type": 1, "id": getattr(dataset, str(key), key)}]) is None

    def test_tasks_by_any_name(self, ready):
        """A task is named by its number, as number or text, or by its later name."""
        task = ready.caller.result("finetune/createTask", name=f"task {next(NEW)}")

        for key in (task["id"], str(task["id"]), task["uuid"]):
            job = ready.caller.job(key, ready.dataset)
            assert ready.caller.detail(key, str(job))["taskId"] == task["id"]
            ready.caller.result("finetune/stopJob", taskId=key, jobId=job)

    @pytest.mark.parametrize(
        ("counts", "code"), [([31], 510101), ([32], None), ([16, 16], None), ([30, 1], 510101), ([0], 510101)]
    )
    def test_samples(self, another, counts, code):
        """32 samples are the least, of all datasets together."""
        ids = [
            another.caller.platform.add_dataset(lines(n), f"set {place}").id for place, n in enumerate(counts)
        ]

        assert another.code(trainset=[{"type": 1, "id": it} for it in ids]) == code

    def test_a_dataset_twice(self, another):
        """A dataset that is named twice has no more samples than it has."""
        twice = [{"type": 1, "id": another.caller.platform.add_dataset(lines(16), "twice").id}] * 2

        assert another.code(trainset=twice) == 510101

    def test_one_at_a_time(self, still):
        """A task runs one job at a time; another task has its own."""
        dataset, task = still.dataset(), still.task()
        job = still.job(task, dataset)

        answer = still.call("finetune/createJob", **still.body(task, dataset))
        assert (answer["error_code"], answer["error_msg"]) == (510402, "job training count over limit")
        still.job(still.task("other"), dataset)
        still.result("finetune/stopJob", taskId=task, jobId=job)
        assert still.detail(task, still.job(task, dataset))["version"] == 2

    def test_any_dataset(self, console):
        """Where any dataset does, built-in samples stand for those that are not there; the rules stay."""
        caller = console(any_dataset=True)
        task = caller.task()

        assert caller.code("finetune/createJob", **caller.body(task, True)) == 510102
        assert caller.code("finetune/createJob", **caller.body(task, caller.dataset(5))) == 510101
        assert caller.job(task, 12345)


class Kind(NamedTuple):
    """What a `trainType` is and takes.

    Attributes:
        name: The `trainType`.
        base: Its `baseTrainType`.
        shown: What answers call it.
        peft: The values of `peftType`.
        batch: The ends of `batchSize`; None where it is not used.
        lengths: The values of `maxSeqLen`; None where it is not used.
    """

    name: str
    base: str
    shown: str
    peft: list[str]
    batch: tuple[int, int] | None = None
    lengths: tuple[int, int] | None = None

    def numbers(self):
        """Return a `trainConfig` that it takes."""
        config = {"epoch": 2, "learningRate": 0.00002}
        if self.batch:
            config["batchSize"] = self.batch[0]
        if self.lengths:
            config["maxSeqLen"] = self.lengths[0]
        return config

    def start(self, ready, peft, config):
        """Return the code of a job's refusal; None where it started, and was stopped again."""
        fields = {"baseTrainType": self.base, "trainType": self.name, "peftType": peft, "trainConfig": config}
        answer = ready.answer(ready.caller.body(ready.task, ready.dataset, **fields))
        if "result" in answer:
            ready.caller.result("finetune/stopJob", taskId=ready.task, jobId=answer["result"]["id"])
        return answer.get("error_code")


TURBO, EVERY = "ERNIE-Bot-turbo", ["ALL", "LoRA", "P-tuning"]

KINDS = [
    Kind("ERNIE-Bot-turbo-0516", TURBO, "ernieBotLite-v100", ["ALL"], (16, 64)),
    Kind("ERNIE-Bot-turbo-0704", TURBO, "ernieBotLite-v200", EVERY),
    Kind("ERNIE-Bot-turbo-0725", TURBO, "ernieBotLite-v201-8k", ["ALL", "LoRA"], None, (4096, 8192)),
    Kind("ERNIE-Bot-turbo-0922", TURBO, "ernieBotLite-v202-8k", ["ALL", "LoRA"], None, (4096, 8192)),
    Kind("BLOOMZ-7B", "BLOOMZ-7B", "bloomz-7b", EVERY, (4, 64)),
    Kind("Llama-2-7b", "Llama-2-7b", "llama2-7b", EVERY, (4, 64)),
    Kind("Llama-2-13b", "Llama-2-13b", "llama2-13b", EVERY, (4, 64)),
    Kind("SQLCoder-7B", "SQLCoder-7B", "sqlcoder-7b", EVERY, (4, 64)),
    Kind("ChatGLM2-6B", "ChatGLM2-6B", "chatglm2-6b", EVERY, (4, 64)),
    Kind("Baichuan2-13B", "Baichuan2-13B", "baichuan2-13b", EVERY, (4, 64)),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
class TestKinds:
    """What each base model lets a job ask for."""

    def test_shown(self, another, kind):
        """A job of the kind runs, and its detail names the kind by the platform's internal code."""
        fields = {"baseTrainType": kind.base, "trainType": kind.name, "peftType": kind.peft[0]}
        job = another.caller.job(another.task, another.dataset, **fields, trainConfig=kind.numbers())

        detail = another.caller.detail(another.task, job)
        assert (detail["trainType"], detail["peftType"]) == (kind.shown, kind.peft[0])

    def test_peft(self, another, kind):
        """Only the documented values of `peftType`."""
        values = ["ALL", "LoRA", "P-tuning", "Freeze", ""]

        assert [it for it in values if kind.start(another, it, kind.numbers()) is None] == kind.peft

    @pytest.mark.parametrize("name", ["epoch", "learningRate", "batchSize", "maxSeqLen"])
    def test_numbers(self, another, kind, name):
        """Each number has its documented range, its ends within it."""
        for value, code in values_of(kind)[name]:
            config = {**kind.numbers(), name: value}
            config = {field: number for field, number in config.items() if number != MISSING}
            assert (value, kind.start(another, kind.peft[0], config)) == (value, code)


MISSING = "missing"


def values_of(kind):
    """Return values of each number, with the code each answers."""
    low, high = (0.00001, 0.00004) if kind.name[-4:] in {"0704", "0725", "0922"} else (0.0000002, 0.0002)
    no_numbers = [MISSING, None, "1", True, []]
    if kind.batch:
        batch = [*kind.batch, MISSING, None], [kind.batch[0] - 1, kind.batch[1] + 1, "8", 16.5]
    else:
        batch = [4, 10**6, "8", MISSING, None], []
    taken_and_not = {
        "epoch": ([1, 50], [0, 51, 1.5, 2**63, *no_numbers]),
        "learningRate": ([low, high], [low * 0.9, high * 1.1, 0, -low, *no_numbers]),
        "batchSize": batch,
        "maxSeqLen": ([4096, 8192], [2048, "4096", *no_numbers]) if kind.lengths else ([1, "x", MISSING], []),
    }
    return {
        name: [*((value, None) for value in taken), *((value, 510401) for value in refused)]
        for name, (taken, refused) in taken_and_not.items()
    }
