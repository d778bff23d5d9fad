"""Tuning, models and services from end to end: both worlds, the whole loop, and its other ends."""

from __future__ import annotations

import asyncio
import pickle
import threading

import pytest
from support.processes import python
from support.worlds import unary

import qianfan
from qianfan.errors import (
    APIError,
    AuthError,
    BadRequestError,
    JobFailedError,
    JobStoppedError,
    JobTimeoutError,
)

pytestmark = unary

CITIES = ("杭州", "苏州", "南京", "上海", "宁波", "无锡", "常州", "绍兴")

#: What a chain of shops is asked: forty questions, more than the thirty-two that a training takes.
FAQ = [
    {"prompt": f"{city}门店{asked}", "response": f"{city}门店{answer}"}
    for city in CITIES
    for asked, answer in (
        ("几点开门？", "每天九点开门。"),
        ("几点关门？", "每天二十一点关门。"),
        ("怎么停车？", "停在地下二层。"),
        ("能开发票吗？", "的发票在服务台开。"),
        ("可以带宠物吗？", "不能带宠物。"),
    )
]


def body(task, dataset, **more):
    """Return a job's body as the README has it."""
    return {
        "taskId": task,
        "baseTrainType": "ERNIE-Bot-turbo",
        "trainType": "ERNIE-Bot-turbo-0725",
        "trainMode": "SFT",
        "peftType": "LoRA",
        "trainConfig": {"epoch": 4, "learningRate": 0.00002, "batchSize": 4, "maxSeqLen": 4096},
        "trainset": [{"type": 1, "id": dataset}],
        "trainsetRate": 20,
        **more,
    }


class Shop:
    """A shop on a platform: makes console calls in one of the two worlds."""

    def __init__(self, world, platform, client):
        self.world, self.platform, self.client = world, platform, client
        self.dataset = platform.add_dataset(FAQ, name="门店").id

    def start(self, name="shop", **more):
        """Create a task, and a job of it."""
        task = self.world.call(self.client.finetune, "create_task", name=name)["result"]["id"]
        return self.world.call(self.client.finetune, "create_job", body(task, self.dataset, **more))

    def wait(self, job, **options):
        """Wait for a job's end."""
        return self.world.run(job.await_(**options)) if self.world.is_async else job.wait(**options)

    def tuned(self, **more):
        """Return a job that has finished; the platform's clock goes on with every look."""
        return self.wait(
            self.start(**more), timeout=30, on_progress=lambda _: self.platform.advance(minutes=30)
        )

    def publish(self, job, **model):
        """Publish what a job trained."""
        model = model or {"is_new": True, "model_name": "门店模型"}
        meta = {"taskId": job.task_id, "iterationId": job.job_id}
        return self.world.call(self.client.model, "publish", version_meta=meta, **model)["result"]

    def serve(self, published, uri="shop"):
        """Publish a model as a service, and wait until it answers."""
        service = self.world.call(
            self.client.service, "create", published["modelId"], published["versionId"], "门店", uri, 1, 1
        )
        self.platform.advance(minutes=1)
        return service["result"]["serviceId"]

    def ask(self, question, uri="shop"):
        """Ask a service."""
        messages = [{"role": "user", "content": question}]
        return self.world.call(self.client.chat, "do", messages, endpoint=uri)["result"]


@pytest.fixture
def shop(world, platform):
    """A shop, and a client that calls for it."""
    client = platform.client()
    yield Shop(world, platform, client)
    world.close_client(client)


def test_the_whole_loop(shop):
    """Tune, wait with progress, publish, look at the model, serve, and ask what the base model cannot know."""
    job = shop.start()
    assert (job.status, job.progress, type(job.job_id)) == (None, 0, int)

    seen = []

    def go_on(job):
        seen.append((job.status, job.progress))
        shop.platform.advance(seconds=40 if len(seen) == 1 else 600)

    job = shop.wait(job, timeout=30, on_progress=go_on)
    assert [status for status, _ in seen] == ["RUNNING", "RUNNING", "FINISH"]
    assert 0 == seen[0][1] < seen[1][1] < seen[2][1] == job.progress == 100

    published = shop.publish(job)
    call, model, service = shop.world.call, shop.client.model, shop.client.service
    versions = call(model, "list", published["modelId"])["result"]["modelVersionList"]
    assert [version["modelVersionId"] for version in versions] == [published["versionId"]]
    assert call(model, "detail", published["versionId"]).result.modelName == "门店模型"

    number = shop.serve(published)
    assert call(service, "get", number)["result"]["serviceStatus"] == "Done"
    assert [item["name"] for item in call(service, "list")["result"]["custom"]] == ["门店"]
    assert shop.ask("请问宁波门店几点关门呀？") == "宁波门店每天二十一点关门。"
    assert shop.ask("请问宁波门店几点关门呀？", "eb-instant") != "宁波门店每天二十一点关门。"


def test_a_second_version(shop):
    """A job that goes on from another gives a second version of its model."""
    first = shop.tuned(peftType="ALL")
    published = shop.publish(first)
    base = {"jobRunType": 1, "increConfig": {"taskId": first.task_id, "jobId": first.job_id}}
    second = shop.tuned(name="again", peftType="ALL", **base)
    again = shop.publish(second, is_new=False, model_id=published["modelId"])

    assert (again["modelId"], again["version"]) == (published["modelId"], "2")


def test_a_job_that_fails(shop):
    """A failure is raised where the job is waited for, with the job and what to do."""

    def break_it(job):
        if job.status == "RUNNING":
            shop.platform.fail_job(job.job_id)

    with pytest.raises(JobFailedError, match=r"ended with FAIL.*error\.job") as failed:
        shop.wait(shop.start(), on_progress=break_it)
    assert failed.value.job.status == "FAIL"


def test_a_job_that_is_stopped(shop):
    """A job stopped by somebody else is told as such; it cannot be stopped twice, nor published."""
    job = shop.start()
    stop = (shop.client.finetune, "stop_job", job.task_id, job.job_id)
    assert shop.world.call(*stop)["result"] is True

    with pytest.raises(JobStoppedError):
        shop.wait(job)
    with pytest.raises(BadRequestError, match="510302"):
        shop.world.call(*stop)
    with pytest.raises(APIError, match="510302"):
        shop.publish(job)


def test_a_job_that_takes_too_long(shop):
    """A job that is not finished in time goes on, and can be waited for again."""
    job = shop.start()

    with pytest.raises(JobTimeoutError, match=r"not finished after 0\.1 s") as late:
        shop.wait(job, timeout=0.1)
    shop.platform.advance(hours=1)
    assert shop.wait(late.value.job).status == "FINISH"


def test_keys_of_a_call(shop):
    """Keys of a call sign it, and the looks at a job that it made; the next call has the client's again."""
    client = shop.platform.client(secret_key="wrong")
    key = shop.platform.add_access_key()
    keys = {"ak": key.ak, "sk": key.sk}
    task = shop.world.call(client.finetune, "create_task", "shop", **keys)["result"]["id"]
    job = shop.world.call(client.finetune, "create_job", body(task, shop.dataset), **keys)
    shop.platform.advance(hours=1)

    assert shop.wait(job).status == "FINISH"
    with pytest.raises(AuthError):
        shop.world.call(client.finetune, "get_job", task, job.job_id)
    shop.world.close_client(client)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"ak": "ALTAKnobody0123456789"}, "Could not find credential"),
        ({"sk": "another"}, "Signature does not match"),
    ],
)
def test_wrong_keys(shop, keys, says):
    """Keys the platform does not know are refused in its own words, at once, with what to look at."""
    with pytest.raises(AuthError, match=f"{says}.*不是应用的 AK/SK") as refused:
        shop.world.call(shop.client.finetune, "create_task", "shop", retry_count=3, **keys)
    assert len(refused.value.attempts) == 1


def test_two_accounts(shop, start):
    """What one account has, the other does not know, though both clients live side by side."""
    other = start()
    job = shop.start()
    client = other.client()

    with pytest.raises(BadRequestError, match="510202"):
        shop.world.call(client.finetune, "get_job", job.task_id, job.job_id)
    assert shop.world.call(client.finetune, "create_task", "shop")["result"]["name"] == "shop"
    shop.world.close_client(client)


def test_a_copied_client_and_job_go_on(shop):
    """A pickled client knows what the first one made, and a pickled job is waited for."""
    job = shop.start()
    client, again = pickle.loads(pickle.dumps((shop.client, job)))  # noqa: S301  # our own
    shop.platform.advance(hours=1)

    assert shop.wait(again).status == "FINISH"
    assert shop.world.call(client.finetune, "get_job", job.task_id, job.job_id).status == "FINISH"
    shop.world.close_client(client)


def test_wrong_dataset(shop):
    """A dataset that is not there, and one too small, are refused with what to do."""
    few = shop.platform.add_dataset(FAQ[:5], name="few").id
    task = shop.world.call(shop.client.finetune, "create_task", "shop")["result"]["id"]

    for dataset, code in ((987, 510102), (few, 510101)):
        with pytest.raises(APIError, match=f"{code}.*→"):
            shop.world.call(shop.client.finetune, "create_job", body(task, dataset))


def test_a_field_the_platform_refuses(shop):
    """What the client did not check the platform does, and its words name the field."""
    wrong = {"trainConfig": {"epoch": 99, "learningRate": 0.00002, "maxSeqLen": 4096}}
    task = shop.world.call(shop.client.finetune, "create_task", "shop")["result"]["id"]

    with pytest.raises(APIError, match=r"510401.*trainConfig\.epoch"):
        shop.world.call(shop.client.finetune, "create_job", body(task, shop.dataset, **wrong), validate=False)


def test_fields_this_package_does_not_know(shop):
    """Unknown fields travel, by keyword and in `extra`; headers do too."""
    shop.world.call(
        shop.client.finetune, "create_task", "shop", newest=1, extra={"newer": [2]}, headers={"X-Trace": "t"}
    )

    call = shop.platform.calls("console").last
    assert call.body == {"name": "shop", "newest": 1, "newer": [2]}
    assert call.headers["x-trace"] == "t"


def test_the_loop_by_v2(shop):
    """The console's v2 goes the same way by its own names."""
    call, client = shop.world.call, shop.client
    job = call(client.finetune.v2, "create_job", "shop", "ERNIE-Bot-turbo-0725", "SFT")["result"]["jobId"]
    version = call(client.dataset, "info", shop.dataset)["result"]["datasetId"]
    task = call(
        client.finetune.v2,
        "create_task",
        job,
        {"epoch": 4, "learningRate": 0.00002, "maxSeqLen": 4096},
        {"sourceType": "Platform", "versions": [{"versionId": version}], "splitRatio": 20},
    )["result"]["taskId"]
    assert call(client.finetune.v2, "get_task", task)["result"]["runStatus"] == "Running"
    shop.platform.advance(hours=1)
    assert call(client.finetune.v2, "get_task", task)["result"]["runStatus"] == "Done"
    jobs = call(client.finetune.v2, "list_jobs", max_keys=10)["result"]
    assert [item["jobId"] for item in jobs["jobList"]] == [job]

    with pytest.raises(APIError) as refused:
        call(client.finetune.v2, "get_task", "task-none")
    assert (refused.value.status, refused.value.code) == (404, "NotFound")
    assert refused.value.request_id


def test_what_the_platform_lacks_is_refused_in_its_shape(shop):
    """A route that the local platform does not serve is an error of this package, on v1 and on v2."""
    for group, name in ((shop.client.model.evaluation, "create"), (shop.client.model.v2, "create_export")):
        with pytest.raises(qianfan.errors.QianfanError):
            shop.world.call(group, name)


def test_calls_on_the_class(shop, monkeypatch):
    """Without a client, keys and address are read when a call is made; threads may call at once."""
    for name, value in shop.platform.environment.items():
        monkeypatch.setenv(name, value)
    shop.world.call(qianfan.FineTune, "create_task", "first")

    names = [f"task_{number}" for number in range(8)]
    threads = [threading.Thread(target=qianfan.FineTune.create_task, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(call.body["name"] for call in shop.platform.calls("console")) == ["first", *names]


def test_tasks_side_by_side(shop):
    """Many jobs are waited for at once in one loop, or in threads."""
    jobs = [shop.start(f"task_{number}") for number in range(4)]
    shop.platform.advance(hours=1)

    if shop.world.is_async:

        async def wait_for_all():
            return await asyncio.gather(*(job.await_() for job in jobs))

        done = shop.world.run(wait_for_all())
    else:
        done = [job.wait() for job in jobs]
    assert [job.status for job in done] == ["FINISH"] * 4


PROGRAM = """
import asyncio, os, pickle, warnings, qianfan
warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of forks beside threads
client = qianfan.Qianfan()
task = client.finetune.create_task("demo")["result"]["id"]
job = client.finetune.create_job({body})
pid = os.fork()
if pid == 0:
    print(client.finetune.get_job(task, job.job_id).status, flush=True)
    raise SystemExit(0)
os.waitpid(pid, 0)
qianfan.local.embedded().advance(hours=1)
print({wait}.status)
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="this system does not fork")
def test_a_program_without_keys(world):
    """Under QIANFAN_LOCAL a client's console calls go to the platform of its process, in a forked child too."""
    wait = "asyncio.run(job.await_())" if world.is_async else "job.wait()"
    program = PROGRAM.format(body=repr(body("task", 1)).replace("'task'", "task"), wait=wait)

    assert python(program, strict=False, QIANFAN_LOCAL="1") == "RUNNING\nFINISH\n"
