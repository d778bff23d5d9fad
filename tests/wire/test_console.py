"""Console calls over a socket: what goes out, what comes back, and waiting for a job."""

from __future__ import annotations

import asyncio

import pytest
from support.replies import CLOSE, refusal, whole

import qianfan
from qianfan.errors import (
    APIError,
    ArgumentNotFoundError,
    ConnectionFailedError,
    InvalidArgumentError,
    JobFailedError,
    JobStoppedError,
    JobTimeoutError,
    ValidationError,
)

KEYS = {"access_key": "ALTAKFAKEfake0123456789abcd", "secret_key": "FAKEsecretFAKEsecretFAKEsecret00"}

JOB = {
    "taskId": 88,
    "baseTrainType": "ERNIE-Bot-turbo",
    "trainType": "ERNIE-Bot-turbo-0725",
    "trainMode": "SFT",
    "peftType": "LoRA",
    "trainConfig": {"epoch": 4, "learningRate": 0.00002, "batchSize": 4, "maxSeqLen": 4096},
    "trainset": [{"type": 1, "id": 1234}],
    "trainsetRate": 20,
}

CALLS = [
    ("finetune", "create_task", {"name": "demo"}, "finetune/createTask", {"name": "demo"}),
    ("finetune", "create_job", {"job": JOB}, "finetune/createJob", JOB),
    ("finetune", "get_job", {"task_id": 1, "job_id": 2}, "finetune/jobDetail", {"taskId": 1, "jobId": 2}),
    ("finetune", "stop_job", {"task_id": 1, "job_id": 2}, "finetune/stopJob", {"taskId": 1, "jobId": 2}),
    ("model", "list", {"model_id": 5}, "modelrepo/modelDetail", {"modelId": 5}),
    ("model", "detail", {"model_version_id": 5}, "modelrepo/modelVersionDetail", {"modelVersionId": 5}),
    (
        "model",
        "publish",
        {"is_new": True, "model_name": "m", "version_meta": {"taskId": 1, "iterationId": 2}},
        "modelrepo/publishTrainModel",
        {"isNewModel": True, "modelName": "m", "versionMeta": {"taskId": 1, "iterationId": 2}},
    ),
    (
        "service",
        "create",
        {"model_id": 1, "iteration_id": 2, "name": "svc", "uri": "shop", "replicas": 1, "pool_type": 1},
        "service/apply",
        {"modelId": 1, "modelVersionId": 2, "name": "svc", "uri": "shop", "replicas": 1, "poolType": 1},
    ),
    ("service", "get", {"id": 164}, "service/detail", {"serviceId": 164}),
    ("service", "list", {}, "service/list", {}),
]


class Asking:
    """Makes console calls in one of the two worlds."""

    def __init__(self, world, server):
        self.is_async = world == "async"
        self.client = qianfan.Qianfan(**KEYS, console_base_url=server.url)

    def __call__(self, group, name, /, *args, **kwargs):
        """Make a call of a group, by its name on the client or as itself."""
        operations = getattr(self.client, group) if isinstance(group, str) else group
        if not self.is_async:
            return getattr(operations, name)(*args, **kwargs)

        async def ask():
            return await getattr(operations, f"a{name}")(*args, **kwargs)

        return asyncio.run(ask())

    def wait(self, job, **options):
        """Wait for a job's end."""
        return asyncio.run(job.await_(**options)) if self.is_async else job.wait(**options)


@pytest.fixture(params=["sync", "async"])
def ask(request, server):
    """Return a way to make console calls."""
    asking = Asking(request.param, server)
    yield asking
    asking.client.close()


@pytest.mark.parametrize(("group", "name", "arguments", "path", "body"), CALLS)
def test_calls(ask, server, group, name, arguments, path, body):
    """Each call goes to its path with its fields, signed, and its reply reads as every other."""
    server.always(whole({"log_id": "1", "result": {"id": 7}}))

    reply = ask(group, name, **arguments)

    (request,) = server.requests
    assert reply["result"]["id"] == reply.result.id == 7
    assert (request.method, request.path, request.json) == ("POST", f"/wenxinworkshop/{path}", body)
    assert request.headers["authorization"].startswith(f"bce-auth-v1/{KEYS['access_key']}/")


def test_v2_calls(ask, server):
    """A v2 call names its action in the query, which is signed too."""
    server.always(whole({"requestId": "1", "result": {"jobId": "job-1"}}))

    assert (
        ask(ask.client.finetune.v2, "create_job", name="demo", model="m", train_mode="SFT").result.jobId
        == "job-1"
    )
    (request,) = server.requests
    assert (request.path, request.query) == ("/v2/finetuning", {"Action": "CreateFineTuningJob"})


@pytest.mark.parametrize("where", ["environment", "setters", "call"])
def test_keys(ask, server, monkeypatch, where):
    """Keys of the call come before those of the setters, and those before the environment's; none enters a body."""
    server.always(whole({"result": {"id": 7}}))
    options = {}
    for name in ("ACCESS_KEY", "SECRET_KEY"):
        monkeypatch.setenv(f"QIANFAN_{name}", "ALTAKenvironment" if name == "ACCESS_KEY" else "s-env")
    monkeypatch.setenv("QIANFAN_CONSOLE_API_BASE_URL", server.url)
    if where != "environment":
        qianfan.AccessKey("ALTAKsetters")
        qianfan.SecretKey("s-set")
    if where == "call":
        options = {
            "ak": "ALTAKcall",
            "sk": "s-call",
            "retry_count": 2,
            "request_timeout": 5,
            "backoff_factor": 0,
        }

    try:
        ask(qianfan.FineTune, "create_task", name="demo", **options)
    finally:
        qianfan.AccessKey(None)
        qianfan.SecretKey(None)

    (request,) = server.requests
    assert request.json == {"name": "demo"}
    assert request.headers["authorization"].startswith(f"bce-auth-v1/ALTAK{where}/")


def test_no_keys(ask, monkeypatch):
    """Without keys nothing is sent, and the error says where they come from."""
    monkeypatch.delenv("QIANFAN_ACCESS_KEY", raising=False)
    monkeypatch.delenv("QIANFAN_SECRET_KEY", raising=False)

    with pytest.raises(InvalidArgumentError, match="QIANFAN_ACCESS_KEY"):
        ask(qianfan.FineTune, "create_task", name="demo")
    with pytest.raises(InvalidArgumentError, match="secret_key is missing"):
        ask(qianfan.FineTune, "create_task", name="demo", ak="ALTAKalone")


def test_an_attempt_is_signed_anew(ask, server):
    """Attempts carry signatures of their own; the URL stays what it was."""
    server.answer((CLOSE,), refusal(500000))
    server.always(whole({"result": {"id": 7}}))

    ask("finetune", "create_task", name="demo", retry_count=3)

    assert {request.path for request in server.requests} == {"/wenxinworkshop/finetune/createTask"}
    assert len(server.requests) == 3


def test_one_attempt_by_default(ask, server):
    """Console calls change things: nothing is tried again unless asked to."""
    server.always((CLOSE,))

    with pytest.raises(ConnectionFailedError):
        ask("finetune", "create_task", name="demo")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("reply", "code", "says"),
    [
        (
            whole({"log_id": "1", "error_code": 510201, "error_msg": "task name exist"}),
            510201,
            "task name exist",
        ),
        (
            whole({"requestId": "r-1", "code": "InappropriateJSON", "message": "param wrong"}, 400),
            "InappropriateJSON",
            "param wrong",
        ),
        (
            whole({"requestId": "r", "code": "SignatureDoesNotMatch", "message": "no"}, 403),
            "SignatureDoesNotMatch",
            "no",
        ),
    ],
)
def test_refusals(ask, server, reply, code, says):
    """The platform's own words and code, of v1 and of v2, without any key."""
    server.always(reply)

    with pytest.raises(APIError, match=says) as refused:
        ask("finetune", "create_task", name="demo")
    assert refused.value.code == code
    assert KEYS["secret_key"] not in f"{refused.value!r}{refused.value}"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"taskId": None}, "taskId is missing"),
        ({"trainset": {"type": 1, "id": 1}}, "trainset must be an array"),
        ({"trainset": [1]}, r"trainset\[0\] must be an object"),
        ({"trainset": [{"type": 3, "id": 1}]}, r"trainset\[0\].type must be one of 1, 2, not 3"),
        ({"trainsetRate": 51}, r"trainsetRate must be a number in \[0, 50\], not 51"),
        ({"peftType": "P-tuning"}, "peftType must be one of ALL, LoRA, not 'P-tuning'"),
        (
            {"trainConfig": {"epoch": 51, "learningRate": 0.00002, "maxSeqLen": 4096}},
            r"trainConfig.epoch must be a whole number in \[1, 50\], not 51",
        ),
        (
            {"trainConfig": {"epoch": 1, "learningRate": 0.1, "maxSeqLen": 4096}},
            r"trainConfig.learningRate must be a number in \[0.00001, 0.00004\], not 0.1",
        ),
        (
            {"trainConfig": {"epoch": 1, "learningRate": 0.00002, "maxSeqLen": 5}},
            "maxSeqLen must be one of 4096, 8192",
        ),
    ],
)
def test_wrong_jobs(ask, server, change, says):
    """A wrong field is named with its range and value before anything is sent; `validate=False` sends it."""
    server.always(whole({"result": {"id": 7}}))
    job = {**JOB, **change}

    with pytest.raises((ArgumentNotFoundError, ValidationError), match=says):
        ask("finetune", "create_job", job)
    assert server.requests == []

    ask("finetune", "create_job", job, validate=False)
    assert len(server.requests) == 1


@pytest.mark.parametrize("name", [None, "", "x", "x" * 21, 5])
def test_wrong_names(ask, server, name):
    """A task's name has 2 to 20 characters."""
    with pytest.raises(ValidationError, match="name must be a str of 2 to 20 characters"):
        ask("finetune", "create_task", name=name)
    assert server.requests == []


def states(*given):
    """Return replies in which a job goes through states."""
    return [whole({"result": {"trainStatus": status, "progress": progress}}) for status, progress in given]


def test_wait(ask, server):
    """Waiting looks again and again, survives what passes, and tells the progress."""
    server.answer(whole({"result": {"id": 7}}), *states(("RUNNING", 10)), (CLOSE,), *states(("FINISH", 100)))
    seen = []

    job = ask.wait(
        ask("finetune", "create_job", JOB), timeout=30, on_progress=lambda job: seen.append(job.progress)
    )

    assert (job.status, job.task_id, job.job_id, seen) == ("FINISH", 88, 7, [10, 100])
    assert server.requests[-1].json == {"taskId": 88, "jobId": 7}


@pytest.mark.parametrize(("status", "error"), [("FAIL", JobFailedError), ("STOP", JobStoppedError)])
def test_other_ends(ask, server, status, error):
    """A job that ends otherwise raises, with the job attached."""
    server.always(states((status, 40))[0])

    with pytest.raises(error) as ended:
        ask.wait(ask("finetune", "get_job", 88, 7))
    assert (ended.value.job.status, ended.value.job.progress) == (status, 40)


def test_wait_ends(ask, server):
    """The time to wait is bounded; the job is attached as it was last seen."""
    server.always(states(("RUNNING", 40))[0])

    with pytest.raises(JobTimeoutError, match=r"not finished after 0\.2 s") as late:
        ask.wait(ask("finetune", "get_job", 88, 7), timeout=0.2)
    assert late.value.job.progress == 40


def test_chat_needs_other_keys(server):
    """A client with IAM keys alone serves the console; its chat says what is missing before anything is sent."""
    client = qianfan.Qianfan(**KEYS, base_url=server.url)

    with pytest.raises(InvalidArgumentError, match="no credential found"):
        client.chat.do([{"role": "user", "content": "你好"}])
    with pytest.raises(InvalidArgumentError, match="no credential found"):
        qianfan.ChatCompletion(**KEYS)
    assert server.requests == []
    client.close()
