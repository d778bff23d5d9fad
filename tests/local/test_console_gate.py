"""What all console calls have in common: what is asked and answered, in the two shapes of the wire."""

from __future__ import annotations

import email.utils
import json
import threading
import time

import pytest
from console_caller import check
from local_caller import PREFIX

import qianfan
from qianfan.codes import CODES
from qianfan.console import dataset, finetune, model, service, v2
from qianfan.console.operation import Console, Operation
from qianfan.local.console import signature
from qianfan.local.console import v2 as platform_v2
from qianfan.local.fidelity import RULES

TASK = "/wenxinworkshop/finetune/createTask"
JOBS = "/v2/finetuning"
QUERY = {"Action": "DescribeFineTuningJobs"}

NO_MONEY = 510403  # there is none to lack here

# What the client declares and this platform cannot do: nothing is known of what these answer, or it has
# neither the buckets nor the figures they are about.
NOT_HERE = (
    "/modelrepo/eval/",
    "/dataset/import",
    "/dataset/export",
    "/dataset/statusList",
    "Conf",
    "CompTask",
    "ImportTask",
    "ExportTask",
    "=CreateDatasetVersion",
    "=DescribeServiceMetric",
)


def declared():
    """Return the path of every call that the client declares."""
    groups = [
        group
        for module in (finetune, model, service, dataset, v2)
        for group in vars(module).values()
        if isinstance(group, type) and issubclass(group, Console) and group is not Console
    ]
    return sorted(
        {call._path for group in groups for call in vars(group).values() if isinstance(call, Operation)}
    )


class TestDeclaredCalls:
    """Every call that the client declares meets an answer or a refusal of the platform's shape."""

    @pytest.mark.parametrize("path", declared())
    def test_known(self, shared_console, path):
        """An empty body is answered, or told which field is missing; the few calls left out say so."""
        path, _, action = path.partition("?Action=")
        reply = shared_console.send(path, b"{}", {"Action": action} if action else None)
        code, told = check(reply, path), reply.data.decode()

        if any(part in f"{path}={action}" for part in NOT_HERE):
            assert code in {3, "InappropriateJSON"}
            assert "the local platform has no" in told
        else:
            assert code is None or (code in {500001, "InappropriateJSON"} and "is missing" in told)

    @pytest.mark.parametrize(
        ("path", "action", "status", "code"),
        [
            ("/wenxinworkshop/dataset/import", None, 404, 3),
            ("/wenxinworkshop/etl/create", None, 404, 3),
            ("/wenxinworkshop/", None, 404, 3),
            ("/v2/finetuning", "NoSuchAction", 400, "InappropriateJSON"),
            ("/v2/finetuning", "createfinetuningjob", 400, "InappropriateJSON"),
            ("/v2/finetuning", "", 400, "InappropriateJSON"),
            ("/v2/service", "CreateFineTuningJob", 400, "InappropriateJSON"),
            *(
                (f"/v2/{group}", "X", 400, "InappropriateJSON")
                for group in ("batchinference", "charge", "eval", "memory", "promptLabels", "promptTemplates")
            ),
        ],
    )
    def test_unknown(self, shared_console, path, action, status, code):
        """What this platform does not have is refused in the shape of its version."""
        reply = shared_console.send(path, b"{}", None if action is None else {"Action": action})

        assert (reply.status, check(reply, path)) == (status, code)

    @pytest.mark.parametrize(("path", "query"), [(TASK + "/", None), (JOBS, None)])
    def test_addresses(self, shared_console, path, query):
        """A slash at the end changes nothing, and an action belongs in the query, not in the body."""
        reply = shared_console.send(path, b'{"Action": "DescribeFineTuningJobs"}', query)

        assert check(reply, path) in {500001, "InappropriateJSON"}


def test_every_code_is_in_the_table_of_rules():
    """The table of rules names every code that the console's rules answer."""
    named = {rule.code for rule in RULES}
    denials = {
        reason[0] for name, reason in vars(signature).items() if name.isupper() and isinstance(reason, tuple)
    }

    assert len(denials) == 5
    assert denials | {code for _, code, _ in platform_v2.ERRORS.values()} - {"InternalError"} <= named
    numbers = {code for code in CODES if isinstance(code, int)}
    assert {code for code in numbers if 510_000 <= code < 520_000} - {NO_MONEY} <= named


class TestBodies:
    """Bodies and methods that are no console call."""

    @pytest.mark.parametrize(
        "body",
        [
            b"[]",
            b"null",
            b'"x"',
            b"1",
            b"{",
            b"\xff",
            b"{'name': 1}",
            b'{"name": "\\ud800"}',
            b'{"a": NaN}',
            b" ",
        ],
    )
    @pytest.mark.parametrize(
        ("path", "query", "code"), [(TASK, None, 500001), (JOBS, QUERY, "InappropriateJSON")]
    )
    def test_no_object(self, shared_console, path, query, code, body):
        """A body that is no JSON object is refused."""
        reply = shared_console.send(path, body, query)

        assert check(reply, path) == code
        assert "the body must be a JSON object" in reply.data.decode()

    def test_no_body(self, shared_console):
        """No body is an empty object."""
        assert check(shared_console.send(JOBS, b"", QUERY), JOBS) is None
        assert b"name is missing" in shared_console.send(TASK, b"").data

    @pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
    def test_methods(self, shared_console, method):
        """Only POST is taken."""
        first = shared_console.send(TASK, b'{"name": "method"}', method=method)
        second = shared_console.send(JOBS, b"{}", QUERY, method=method)

        assert (first.status, check(first, TASK)) == (200, 336101)
        assert (second.status, check(second, JOBS)) == (405, "MethodNotAllowed")

    def test_too_large(self, shared_console):
        """A body above 4 MiB is refused at HTTP 413, in the shape of its version."""
        body = b'{"name": "%b"}' % (b"x" * 4 * 1024 * 1024)
        first, second = shared_console.send(TASK, body), shared_console.send(JOBS, body, QUERY)

        assert (first.status, check(first, TASK)) == (413, 336007)
        assert (second.status, check(second, JOBS)) == (413, "EntityTooLarge")

    def test_large(self, shared_console):
        """A body just below is read."""
        body = b'{"name": "%b"}' % (b"x" * (4 * 1024 * 1024 - 20))

        assert check(shared_console.send(TASK, body), TASK) == 500001


def test_unknown_fields(console):
    """Fields that nobody asks for are ignored."""
    task = console().result(
        "finetune/createTask",
        name="demo",
        baseTrainType="ERNIE-Speed",
        trainType="x",
        stream=False,
        extra={"a": 1},
    )

    assert task["name"] == "demo"


def test_null_is_not_given(console):
    """A field that is null is as one that is missing."""
    caller = console()

    assert caller.result("finetune/createTask", name="demo", description=None)["description"] == ""
    assert caller.code("finetune/createTask", name=None) == 500001
    assert caller.done("finetuning", "DescribeFineTuningJobs", marker=None, maxKeys=None, pageReverse=None)


class TestTheDate:
    """Answers to whoever signs are dated by the clock that signatures are judged by."""

    @pytest.mark.parametrize(
        ("path", "query"), [(TASK, None), (JOBS, QUERY), (f"{PREFIX}/chat/completions", None)]
    )
    def test_the_machines(self, console, path, query):
        """However far the platform's clock was moved, the Date header is the machine's."""
        caller = console()
        caller.platform.advance(days=30)
        date = caller.send(path, b"{}", query).headers["Date"]

        assert abs(email.utils.parsedate_to_datetime(date).timestamp() - time.time()) < 60

    def test_a_wrong_secret_is_not_put_down_to_the_clock(self, console):
        """The client does not take the platform's moved clock for a fault of the machine's."""
        caller = console()
        caller.platform.advance(days=30)
        with caller.platform.client(secret_key="wrong") as client:  # noqa: SIM117  # one raises
            with pytest.raises(qianfan.errors.QianfanError) as caught:
                client.finetune.create_task("demo")

        assert "SignatureDoesNotMatch" in str(caught.value)
        assert "clock" not in str(caught.value)


def test_journal(console):
    """The journal has every call with its route, action, body and answer; secrets are masked."""
    caller = console()
    caller.result("finetune/createTask", name="demo")
    caller.send(TASK, json.dumps({"ak": "a", "sk": "leaked"}).encode())
    caller.act("finetuning", "DescribeFineTuningJobs", maxKeys=1)
    caller.send(TASK, b"{}", keys=("nobody", "x"))
    caller.http.request("GET", caller.platform.url + "/qianfan/visualdl/index")
    first, second, third, denied, curves = caller.platform.calls("console")

    assert [call.endpoint for call in (first, third, curves)] == [
        "finetune/createTask",
        "finetuning.DescribeFineTuningJobs",
        "visualdl/index",
    ]
    assert (first.body, first.status, first.reply["result"]["name"]) == ({"name": "demo"}, 200, "demo")
    assert second.body == {"ak": "a", "sk": "***"}
    assert third.query == {"Action": "DescribeFineTuningJobs"}
    assert (denied.status, denied.reply["code"]) == (403, "NotFound")
    assert {call.headers.get("authorization") for call in (first, second, third, denied)} == {"***"}


def test_answers_differ(shared_console):
    """Each answer has an id of its own."""
    first = {shared_console.call("finetune/createTask")["log_id"] for _ in range(5)}
    second = {shared_console.act(*("finetuning", "No"))[1]["requestId"] for _ in range(5)}

    assert (len(first), len(second)) == (5, 5)


def at_once(count, call):
    """Do the same in threads at once; return what each returned, sorted as text."""
    results, gate = [], threading.Barrier(count)

    def work(index):
        gate.wait(10)
        results.append(call(index))

    threads = [threading.Thread(target=work, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return sorted(results, key=str)


class TestAtOnce:
    """What may be there once is there once, however many ask for it at once."""

    def test_names(self, console):
        """One of many tasks of one name is created."""
        caller = console()
        answers = at_once(8, lambda _: caller.call("finetune/createTask", name="demo").get("error_code"))

        assert answers == [510201] * 7 + [None]

    def test_jobs(self, console):
        """One of many jobs of one task starts."""
        caller = console()
        body = caller.body(caller.task(), caller.dataset())
        answers = at_once(8, lambda _: caller.call("finetune/createJob", **body).get("error_code"))

        assert answers == [510402] * 7 + [None]

    def test_versions(self, console):
        """Versions that are published at once have numbers of their own."""
        caller = console()
        task, job = caller.finished()
        meta = {"taskId": task, "iterationId": job}
        model = caller.result("modelrepo/publishTrainModel", isNewModel=True, modelName="m", versionMeta=meta)
        body = {"isNewModel": False, "modelId": model["modelId"], "versionMeta": meta}
        answers = at_once(8, lambda _: caller.result("modelrepo/publishTrainModel", **body)["version"])

        assert answers == ["2", "3", "4", "5", "6", "7", "8", "9"]

    def test_addresses(self, console):
        """One of many services of one uri is created."""
        caller = console()
        model = caller.published()
        body = caller.service("mine", model["modelId"], model["versionId"])
        answers = at_once(8, lambda _: caller.call("service/apply", **body).get("error_code"))

        assert answers == [500001] * 7 + [None]
