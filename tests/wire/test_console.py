"""Console calls over a socket: what goes out, what comes back, and waiting for a job."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import traceback
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from support.processes import python
from support.replies import CLOSE, RESET, STALL, Gate, head, page, refusal, whole
from support.server import closed_port

import qianfan
from qianfan.errors import (
    APIError,
    ArgumentNotFoundError,
    AuthError,
    ConnectionFailedError,
    InvalidArgumentError,
    JobFailedError,
    JobStoppedError,
    JobTimeoutError,
    QianfanError,
    ValidationError,
)

#: How a refusal is told where there is no body.
WORDS = {
    "X_Bce_Error_Code": "NotFound",
    "X_Bce_Error_Message": "NotFound, cause: Could not find credential.",
}

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


def test_options_of_a_client(ask, server):
    """A client with other options has them for console calls too."""
    server.answer((CLOSE,))
    server.always(whole({"result": {"id": 7}}))
    first, ask.client = ask.client, ask.client.with_options(retry_count=2, backoff_factor=0)

    assert ask("finetune", "create_task", name="demo").result.id == 7
    first.close()


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
            whole({"requestId": "r-1", "code": "SignatureDoesNotMatch", "message": "no"}, 403),
            "SignatureDoesNotMatch",
            "no .*Access Key",
        ),
        (
            (head(403, Content_Length="0", **WORDS),),
            "NotFound",
            "Could not find credential. .*不是应用的 AK/SK",
        ),
        (page(403, **WORDS), "NotFound", "Could not find credential"),
    ],
)
def test_refusals(ask, server, reply, code, says):
    """The platform's own words and code, from the body of v1 and of v2 or from headers alone, with what to do."""
    server.always(reply)

    with pytest.raises(APIError, match=says) as refused:
        ask("finetune", "create_task", name="demo")
    assert refused.value.code == code
    assert refused.value.request_id in {"1", "r-1", None}
    assert isinstance(refused.value, AuthError) == (refused.value.status == 403)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"taskId": None}, "taskId is missing"),
        ({"trainset": {"type": 1, "id": 1}}, "trainset must be an array"),
        ({"trainset": [1]}, r"trainset\[0\] must be an object"),
        ({"trainset": [{"type": 3, "id": 1}]}, r"trainset\[0\].type must be one of 1, 2, not 3"),
        ({"trainset": [{"type": 1}]}, r"trainset\[0\].id is missing"),
        ({"trainsetRate": 51}, r"trainsetRate must be a number in \[0, 50\], not 51"),
        ({"peftType": "P-tuning"}, "peftType must be one of ALL, LoRA, not 'P-tuning'"),
        (
            {"trainConfig": {"epoch": 51, "learningRate": 0.00002, "maxSeqLen": 4096}},
            r"trainConfig.epoch must be a whole number in \[1, 50\], not 51",
        ),
        (
            {"trainConfig": {"epoch": 1.5, "learningRate": 0.00002, "maxSeqLen": 4096}},
            r"trainConfig.epoch must be a whole number in \[1, 50\], not 1.5",
        ),
        ({"trainConfig": [1]}, r"trainConfig must be an object, not \[1\]"),
        ({"jobRunType": 1}, "increConfig must be an object, not None"),
        ({"jobRunType": 1, "increConfig": {"taskId": 1}}, "increConfig.jobId is missing"),
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


@pytest.mark.parametrize("passing", [(CLOSE,), (RESET,), refusal(500000), page(502)])
def test_wait(ask, server, passing):
    """Waiting looks again and again, survives what passes, and tells the progress."""
    server.answer(whole({"result": {"id": 7}}), *states(("RUNNING", 10)), passing, *states(("FINISH", 100)))
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


def test_what_on_progress_raises_ends_the_wait(ask, server):
    """An error of the caller's own comes out as it is, whatever its kind."""
    server.always(states(("RUNNING", 40))[0])

    def give_up(_):
        raise ConnectionFailedError("mine")

    with pytest.raises(ConnectionFailedError, match="mine"):
        ask.wait(ask("finetune", "get_job", 88, 7), on_progress=give_up)
    assert len(server.requests) == 2


def test_on_progress_may_be_async(ask, server):
    """A coroutine function is awaited in an event loop, and refused where there is none."""
    server.answer(*states(("RUNNING", 0), ("RUNNING", 10), ("FINISH", 100)))
    job, seen = ask("finetune", "get_job", 88, 7), []

    async def note(job):
        await asyncio.sleep(0)
        seen.append(job.progress)

    if ask.is_async:
        assert ask.wait(job, on_progress=note).status == "FINISH"
    else:
        with pytest.raises(InvalidArgumentError, match="on_progress is a coroutine function"):
            ask.wait(job, on_progress=note)
    assert seen == ([10, 100] if ask.is_async else [])


def test_a_cancelled_wait_frees_its_connection(server):
    """`await_` passes a cancellation on, in the middle of a look and between two."""
    gate = Gate()
    server.answer(*states(("RUNNING", 0)), (gate, STALL))

    async def scene():
        async with qianfan.Qianfan(**KEYS, console_base_url=server.url) as client:
            job = await client.finetune.aget_job(88, 7)
            task = asyncio.ensure_future(job.await_())
            await asyncio.to_thread(gate.reached.wait, 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.to_thread(server.wait_idle)

            server.always(states(("RUNNING", 0))[0])
            looked = asyncio.Event()
            task = asyncio.ensure_future(job.await_(on_progress=lambda _: looked.set()))
            await looked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(scene())


def test_a_closed_client(ask, server):
    """Neither a call nor a job of a closed client sends anything, and a wait ends when its client is closed."""
    server.always(states(("RUNNING", 0))[0])
    job = ask("finetune", "get_job", 88, 7)

    with pytest.raises(InvalidArgumentError, match="client is closed"):
        ask.wait(job, on_progress=lambda _: ask.client.close())
    sent = len(server.requests)
    for call in (lambda: ask("finetune", "get_job", 88, 7), lambda: ask.wait(job)):
        with pytest.raises(InvalidArgumentError, match="client is closed"):
            call()
    assert len(server.requests) == sent == 2


def test_a_job_is_waited_for_in_another_process(ask, server):
    """A pickled job brings its keys and its place to a process of its own."""
    server.always(states(("RUNNING", 40))[0])
    job = ask("finetune", "get_job", 88, 7)
    server.always(states(("FINISH", 100))[0])
    wait = "asyncio.run(job.await_())" if ask.is_async else "job.wait()"

    out = python(
        f"""
        import asyncio, pickle
        job = pickle.loads({pickle.dumps(job)!r})
        print(job.progress, {wait}.progress)
        """
    )

    assert out == "40 100\n"
    assert KEYS["access_key"] in server.requests[-1].headers["authorization"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_forked_children_have_connections_of_their_own(server):
    """A child's calls, on the class and on a client, use no connection of its parent's."""
    server.always(whole({"result": {"id": 7}}))
    python(
        """
        import os, warnings, qianfan
        warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of forks beside threads
        client = qianfan.Qianfan()
        def ask():
            for group in (qianfan.FineTune, client.finetune):
                group.create_task("demo")
        ask()
        pid = os.fork()
        if pid == 0:
            ask()
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        ask()
        client.close()
        """,
        strict=False,
        QIANFAN_ACCESS_KEY=KEYS["access_key"],
        QIANFAN_SECRET_KEY=KEYS["secret_key"],
        QIANFAN_CONSOLE_API_BASE_URL=server.url,
    )

    parents, childs = ({sent.connection for sent in server.requests[at]} for at in (slice(2), slice(2, 4)))
    assert parents.isdisjoint(childs)
    assert {sent.connection for sent in server.requests[4:]} == parents


def test_a_wrong_clock_is_told(ask, server):
    """Where the service's clock is ten minutes away, the refusal says by how much, and what to do."""
    date = format_datetime(datetime.now(timezone.utc) + timedelta(minutes=10), usegmt=True)
    server.always(whole({"code": "RequestExpired", "message": "expired"}, 403, Date=date))

    with pytest.raises(AuthError, match=r"expired .*本机时钟与服务相差 (599|600|601) 秒.*behind"):
        ask("finetune", "create_task", name="demo")


def test_headers_of_the_platforms_own_kind_are_signed(ask, server):
    """A header that begins with x-bce- is among those that are signed, as the platform's own signer has it."""
    server.always(whole({"result": {"id": 7}}))
    ask("finetune", "create_task", name="demo", headers={"X-BCE-Region": "bj", "X-Other": "1"})

    (request,) = server.requests
    assert request.headers["x-bce-region"] == "bj"
    assert "/content-type;host;x-bce-date;x-bce-region/" in request.headers["authorization"]


#: What may go wrong, where the service quotes what it was sent.
FAILURES = [
    refusal(510201, f"task name exist, said {KEYS['secret_key']}"),
    whole({"code": "SignatureDoesNotMatch", "message": f"not {KEYS['secret_key']}"}, 403),
    (head(403, Content_Length="0", X_Bce_Error_Code="Denied", X_Bce_Error_Message=KEYS["secret_key"]),),
    page(502, f"<html>POST / Authorization: bce-auth-v1/a/b/300//0123 {KEYS['secret_key']}</html>"),
    whole([KEYS["secret_key"]]),
    (CLOSE,),
    (STALL,),
]


@pytest.mark.parametrize("failure", FAILURES)
def test_no_secret_shows(ask, server, caplog, failure):
    """Neither Secret Key nor signature is in an error, its traceback or pickle, or in any log at DEBUG."""
    for logger in ("", "qianfan", "urllib3", "aiohttp", "asyncio"):
        caplog.set_level(logging.DEBUG, logger)
    server.always(failure)

    with pytest.raises(QianfanError) as raised:
        ask("finetune", "create_task", name="demo", retry_count=2, request_timeout=0.3)

    error = raised.value
    told = [str(error), repr(error), repr(vars(error)), repr(pickle.dumps(error)), caplog.text]
    told += traceback.format_exception(type(error), error, error.__traceback__)
    told += [repr(vars(record)) for record in caplog.records]
    signature = server.requests[0].headers["authorization"].rpartition("/")[2]
    assert "qianfan" in caplog.text
    assert [secret for secret in (KEYS["secret_key"], signature) if secret in "".join(told)] == []


def test_no_repr_shows_a_secret(ask, server):
    """Client, groups, jobs and their errors show neither Secret Key nor signature."""
    server.always(states(("STOP", 40))[0])
    job = ask("finetune", "get_job", 88, 7)
    with pytest.raises(JobStoppedError) as stopped:
        ask.wait(job)

    things = (ask.client, ask.client.finetune, job, job.account, job.account.settings, job.account.auth)
    shown = [*map(repr, things), repr(vars(job.account)), repr(vars(stopped.value)), str(stopped.value)]
    assert KEYS["secret_key"] not in "".join(shown)


@pytest.mark.parametrize("name", ["access_key", "secret_key"])
def test_a_key_that_cannot_be_sent(server, name):
    """A key with a line break is refused before it reaches a transport, and is not told."""
    with pytest.raises(InvalidArgumentError, match=f"{name}= holds white space") as refused:
        qianfan.Qianfan(**{**KEYS, name: f"{KEYS[name]}\n"}, console_base_url=server.url)

    assert KEYS[name] not in str(refused.value)
    assert server.requests == []


def test_an_address_where_nobody_listens():
    """A console that is not there is named, on the class as on a client."""
    keys = {"ak": KEYS["access_key"], "sk": KEYS["secret_key"]}
    url = f"http://127.0.0.1:{closed_port()}"

    with (
        qianfan.Qianfan(**KEYS, console_base_url=url) as client,
        pytest.raises(ConnectionFailedError, match=url),
    ):
        client.finetune.create_task("demo", **keys)
