"""Console calls without a socket: how they are declared, what they send, how a job is waited for."""

from __future__ import annotations

import inspect
import pickle
import pydoc
from typing import TYPE_CHECKING, Any

import orjson
import pytest

import qianfan
from qianfan.console.evaluation import Evaluations
from qianfan.console.job import Job, _Watch
from qianfan.console.operation import Account, AsyncOperation, Console, Operation
from qianfan.console.v2 import DatasetV2, FineTuneV2, ModelV2, ServiceV2
from qianfan.core.effects import Send, Sleep
from qianfan.core.http import Reply
from qianfan.core.refusals import api_error
from qianfan.errors import (
    APIError,
    ConnectionFailedError,
    InvalidArgumentError,
    JobTimeoutError,
    RequestError,
    RequestTimeoutError,
)
from qianfan.response import Response
from qianfan.settings import resolve_console
from unit.copies import pickled
from unit.interpreter import After, Script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qianfan.core.effects import Flow

KEYS = {"access_key": "ALTAKFAKEfake0123456789abcd", "secret_key": "FAKEsecretFAKEsecretFAKEsecret00"}

GROUPS = (
    qianfan.FineTune,
    qianfan.Model,
    qianfan.Service,
    qianfan.Dataset,
    Evaluations,
    FineTuneV2,
    ModelV2,
    ServiceV2,
    DatasetV2,
)


def operations(kind: type) -> list[tuple[type[Console], str]]:
    """Return the groups' calls of a kind, by group and name."""
    return [
        (group, name) for group in GROUPS for name, value in vars(group).items() if isinstance(value, kind)
    ]


@pytest.mark.parametrize(("group", "name"), operations(Operation))
def test_every_call_has_its_twin(group: type[Console], name: str) -> None:
    """Each call has an async twin of the same signature; both look like methods of their group."""
    plain, twin = getattr(group, name), getattr(group, f"a{name}")

    assert inspect.signature(plain) == inspect.signature(twin)
    assert (inspect.iscoroutinefunction(plain), inspect.iscoroutinefunction(twin)) == (False, True)
    assert (twin.__name__, twin.__qualname__) == (f"a{name}", f"{group.__name__}.a{name}")
    assert plain.__doc__
    assert name in twin.__doc__
    assert f"{name}(" in pydoc.plain(pydoc.render_doc(group))


def test_earlier_code_finds_them() -> None:
    """The three groups of the README are also where later SDKs had them."""
    for name in ("FineTune", "Model", "Service"):
        assert getattr(qianfan.resources, name) is getattr(qianfan, name)


def test_there_is_no_twin_without_a_call() -> None:
    """Nothing exists in the async world only."""
    assert {(group, name[1:]) for group, name in operations(AsyncOperation)} == set(operations(Operation))


#: What the platform documents, or its SDKs call, of the groups that are declared here.
ROUTES = """
finetune/createTask finetune/createJob finetune/jobDetail finetune/stopJob
modelrepo/modelDetail modelrepo/modelVersionDetail modelrepo/publishTrainModel
modelrepo/model/preset/list modelrepo/model/user/list
modelrepo/model/batchDelete modelrepo/model/version/batchDelete
modelrepo/eval/create modelrepo/eval/detail modelrepo/eval/report modelrepo/eval/cancel modelrepo/eval/delete
modelrepo/eval/model/list modelrepo/eval/result/list
modelrepo/eval/result/export modelrepo/eval/result/export/info
service/apply service/detail service/list
dataset/create dataset/release dataset/import dataset/info dataset/statusList dataset/export dataset/delete
dataset/exportRecord dataset/importErrorDetail
"""
ACTIONS = {
    "finetuning": """
        CreateFineTuningJob CreateFineTuningTask DescribeFineTuningJobs DescribeFineTuningTasks
        DescribeFineTuningTask StopFineTuningTask DeleteFineTuningTask DeleteFineTuningJob
        DescribeFineTuningSupportModels""",
    "model": """
        CreateCustomModelSet DescribeSystemModelSets DescribeCustomModelSets DescribeModelSet DeleteModelSet
        CreateCustomModel CreateModelCustomConf DescribeModelSystemAdvancedConf DescribeModel
        DescribeModelCustomAdvancedConf DeleteModel CreateModelExportTask DescribeModelExportTask
        CreateModelCompTask DescribeModelCompTask DescribeModelCompTasks CancelModelCompTask DeleteModelCompTask""",
    "service": """
        CreateService DescribeServices DescribeService DescribeServiceMetric ModifyService DescribePresetServices""",
    "dataset": """
        CreateDataset DescribeDatasets DeleteDataset CreateDatasetVersion DescribeDatasetVersion
        DescribeDatasetVersions DeleteDatasetVersion PublishDatasetVersion CreateImportTask DescribeImportTask
        CreateExportTask DescribeExportTask""",
}


def test_every_route_has_a_call() -> None:
    """Every route and action of these groups is declared, once; not service/appList, which answers secrets."""
    known = [f"/wenxinworkshop/{route}" for route in ROUTES.split()]
    known += [
        f"/v2/{group}?Action={action}" for group, actions in ACTIONS.items() for action in actions.split()
    ]

    assert sorted(vars(group)[name]._path for group, name in operations(Operation)) == sorted(known)


@pytest.fixture
def client() -> Iterator[qianfan.Qianfan]:
    """Return a client of a console that nobody asks."""
    with qianfan.Qianfan(**KEYS, console_base_url="http://127.0.0.1:1") as client:
        yield client


def sent(call: Any, *args: Any, **kwargs: Any) -> tuple[Any, dict[str, str]]:
    """Return the body and the headers that a call sends."""
    script = Script(Reply(200, {}, b'{"result":{"id":7}}'))
    begun, _ = vars(type(call.__self__))[call.__name__].begin(call.__self__, args, kwargs)
    script.run(begun)
    (send,) = script.seen(Send)
    return orjson.loads(send.request.body), dict(send.request.headers)


OPTIONS = {
    "ak": "ALTAKcall",
    "sk": "s-call",
    "access_key": "ALTAKother",
    "secret_key": "s-other",
    "retry_count": 2,
    "request_timeout": 5,
    "backoff_factor": 0,
    "validate": True,
    "headers": {"X-A": "b"},
}


def test_no_option_is_a_field(client: qianfan.Qianfan) -> None:
    """Of all options nothing enters the body, the keys least of all, by whichever name they come."""
    body, headers = sent(client.finetune.create_task, "demo", **OPTIONS)

    assert body == {"name": "demo"}
    assert headers["X-A"] == "b"
    assert headers["Authorization"].startswith("bce-auth-v1/ALTAKcall/")


@pytest.mark.parametrize("names", [("ak", "sk"), ("access_key", "secret_key")])
def test_keys_of_a_call_have_two_names(client: qianfan.Qianfan, names: tuple[str, str]) -> None:
    """The README's ak and sk, and the names that clients have, sign a call."""
    keys = dict(zip(names, ("ALTAKcall", "s-call"), strict=True))

    assert "/ALTAKcall/" in sent(client.finetune.get_job, 1, 2, **keys)[1]["Authorization"]


def test_fields_come_every_way(client: qianfan.Qianfan) -> None:
    """Fields may be positional, named, unknown or in `extra`; None was not given."""
    body, _ = sent(
        client.service.create,
        *(1, 2, "svc", "shop"),
        replicas=1,
        pool_type=2,
        description=None,
        newField=[1],
        old_field=None,
        extra={"newest": {"a": None}},
    )

    assert body == {
        "modelId": 1,
        "modelVersionId": 2,
        "name": "svc",
        "uri": "shop",
        "replicas": 1,
        "poolType": 2,
        "newField": [1],
        "newest": {"a": None},
    }


def test_a_body_given_whole_keeps_all_it_has(client: qianfan.Qianfan) -> None:
    """A dict that is the whole body travels as it is, even where a field is called like an option."""
    body, headers = sent(
        client.finetune.create_job, {"taskId": 1, "headers": "h", "ak": "mine"}, validate=False
    )

    assert body == {"taskId": 1, "headers": "h", "ak": "mine"}
    assert KEYS["access_key"] in headers["Authorization"]


@pytest.mark.parametrize(
    "job",
    [
        {"baseTrainType": "Llama-2-13b", "trainType": "Llama-2-13b", "peftType": "Newest"},
        {"jobRunType": 1, "increConfig": {"taskId": 1, "jobId": 2}, "peftType": "ALL"},
    ],
)
def test_what_the_tables_do_not_know_goes_to_the_service(
    client: qianfan.Qianfan, job: dict[str, Any]
) -> None:
    """Another base model, an incremental job and a bucket are sent: their ranges are the service's to judge."""
    job = {
        **job,
        "taskId": 1,
        "trainMode": "SFT",
        "trainConfig": {"epoch": 1, "learningRate": 0.5},
        "trainset": [{"type": 2, "bosPath": "bos:/bucket/file"}],
        "trainsetRate": 0,
    }

    assert sent(client.finetune.create_job, job)[0] == job


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "error", "says"),
    [
        ("create_task", (), {}, TypeError, r"FineTune.create_task\(\): missing a required argument: 'name'"),
        ("create_task", ("a", "b", "c"), {}, TypeError, r"create_task\(\): too many positional arguments"),
        ("create_task", ("ab",), {"name": "cd"}, TypeError, "multiple values for argument 'name'"),
        ("create_job", ("text",), {}, InvalidArgumentError, "job must be a dict, not str"),
        ("create_task", ("ab",), {"extra": 5}, InvalidArgumentError, "extra must be a dict, not int"),
        ("create_task", ("ab",), {"extra": {"name": "cd"}}, InvalidArgumentError, "name is given twice"),
        ("get_job", (1, 2), {"taskId": 3}, InvalidArgumentError, "taskId is given twice"),
        ("create_task", ("ab",), {"headers": "x"}, InvalidArgumentError, "headers must be a dict, not str"),
        ("create_task", ("ab",), {"headers": {"X": "中"}}, InvalidArgumentError, "the header X"),
        ("create_task", ("ab",), {"headers": {"host": "x"}}, InvalidArgumentError, "header host"),
        ("create_task", ("ab",), {"headers": {"Authorization": "x"}}, InvalidArgumentError, "Authorization"),
        ("create_task", ("ab",), {"retry_count": "x"}, InvalidArgumentError, "retry_count must be a number"),
        ("create_task", ("ab",), {"request_timeout": 0}, InvalidArgumentError, "request_timeout must be"),
        ("create_task", ("ab",), {"other": object()}, InvalidArgumentError, "cannot be written as JSON"),
        ("create_task", ("ab",), {"ak": 5}, InvalidArgumentError, "ak must be a str, not int"),
        ("create_task", ("ab",), {"sk": "s\n"}, InvalidArgumentError, "secret_key= holds white space"),
        ("create_task", ("ab",), {"ak": "密"}, InvalidArgumentError, "access_key= holds white space"),
    ],
)
def test_wrong_arguments(
    client: qianfan.Qianfan,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    error: type[Exception],
    says: str,
) -> None:
    """What cannot be right is named, before anything is sent."""
    with pytest.raises(error, match=says):
        sent(getattr(client.finetune, name), *args, **kwargs)


def job(**settings: Any) -> Job:
    """Return a job as the platform has just created it."""
    own = resolve_console({**KEYS, **settings}, {})
    return Job(Response(200, {}, {"result": {"id": 7}}), Account(own, "http://host"), 88, 7)


def state(status: str, progress: int = 0) -> Reply:
    """Return a reply that says how a job stands."""
    return Reply(200, {}, orjson.dumps({"result": {"trainStatus": status, "progress": progress}}))


def looked(watch: _Watch, script: Script) -> list[str | None]:
    """Look until the job has ended; return its states."""
    seen: list[str | None] = []
    while seen[-1:] != ["FINISH"]:
        flow: Flow[Job] = watch.look()
        seen.append(script.run(flow).status)
    return seen


def test_pauses_grow() -> None:
    """The first look comes at once; the pauses grow from half a second to half a minute."""
    script = Script(*[state("RUNNING")] * 14, state("FINISH"))

    assert len(looked(_Watch(job(), None), script)) == 15
    assert script.kinds[0] == "Send"
    assert script.pauses[:3] == [0.5, 0.75, 1.125]
    assert script.pauses[-2:] == [30.0, 30.0]
    assert script.pauses == sorted(script.pauses)


@pytest.mark.parametrize(
    "failure",
    [
        ConnectionFailedError("refused"),
        RequestTimeoutError("late"),
        RequestError("HTTP 502", status=502),
        api_error(500000, "internal server error"),
        api_error(18, "qps"),
    ],
)
def test_what_passes_is_tried_again(failure: Exception) -> None:
    """Looks may fail ten times in a row; one that succeeds makes the others forgotten."""
    script = Script(*[failure] * 10, state("RUNNING"), *[failure] * 10, state("FINISH"))
    assert looked(_Watch(job(), None), script) == ["RUNNING", "FINISH"]

    with pytest.raises(type(failure)):
        looked(_Watch(job(), None), Script(*[failure] * 11))


@pytest.mark.parametrize(
    "failure", [api_error(510301, "job not exist"), RequestError("HTTP 404", status=404)]
)
def test_what_does_not_pass_is_raised(failure: Exception) -> None:
    """A refusal ends the waiting at once."""
    script = Script(failure)

    with pytest.raises((APIError, RequestError)):
        looked(_Watch(job(), None), script)
    assert script.kinds == ["Send"]


def test_the_last_look_comes_at_the_end() -> None:
    """The time is used up: the last pause is cut short, and a last look follows it."""
    script = Script(*[state("RUNNING", 40)] * 4)

    with pytest.raises(JobTimeoutError, match=r"the job 7 is not finished after 2 s") as late:
        looked(_Watch(job(), 2), script)
    assert script.pauses == [0.5, 0.75, 0.75]
    assert late.value.job.progress == 40
    assert "wait()" in str(late.value)


def test_a_look_does_not_outlast_the_waiting() -> None:
    """A look that is not answered is given up soon after the end of the waiting, whatever `request_timeout`."""
    script = Script(state("RUNNING"), After(7.0, RequestTimeoutError("late")), now=1000.0)

    with pytest.raises(JobTimeoutError):
        looked(_Watch(job(request_timeout=60.0), 2), script)
    assert [send.deadline for send in script.seen(Send)] == [1005.0, 1005.5]


@pytest.mark.parametrize("timeout", [0, -1, "x", float("nan")])
def test_wrong_timeouts(timeout: Any) -> None:
    """A time to wait is above 0."""
    with pytest.raises(InvalidArgumentError, match="timeout must be a number above 0"):
        job().wait(timeout)


def test_a_job_travels() -> None:
    """A pickled job is a job, which looks with the same keys at the same place; its repr tells none."""
    first = job()
    second = pickled(first)
    script = Script(state("FINISH"))
    script.run(second.look())
    (send,) = script.seen(Send)

    assert (type(second), second, second.task_id, second.job_id) == (Job, first, 88, 7)
    assert send.request.url == "http://host/wenxinworkshop/finetune/jobDetail"
    assert KEYS["access_key"] in send.request.headers["Authorization"]
    assert KEYS["secret_key"] not in repr(second)
    assert [sleep.seconds for sleep in script.seen(Sleep)] == []


def test_an_error_with_a_job_travels() -> None:
    """The job of an error is still there after a pickle, without its keys: it can be read, not waited for."""
    first = JobTimeoutError("late", job(), hint="wait")
    error = pickled(first)

    assert (str(error), error.job, error.job.job_id) == ("late → wait", first.job, 7)
    assert KEYS["secret_key"].encode() not in pickle.dumps(first)
    with pytest.raises(InvalidArgumentError, match=r"without keys → .*get_job"):
        error.job.wait()
    assert first.job.account.settings.key.access_key == KEYS["access_key"]


def test_a_call_travels(client: qianfan.Qianfan) -> None:
    """A call pickles as every method does, of a class and of a client."""
    assert pickled(qianfan.FineTune.create_task) == qianfan.FineTune.create_task
    assert sent(pickled(client.finetune.create_task), "demo")[0] == {"name": "demo"}
