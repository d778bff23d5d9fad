"""Whatever is sent to the console, the answer has one of its shapes, and nothing breaks down."""

from __future__ import annotations

import json
import logging

import pytest
from console_caller import README_JOB, Console, check, lines
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import qianfan.local
from qianfan.local.console import v1, v2

RELAXED = settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

CALLS = [
    *((f"/wenxinworkshop/{path}", None) for path in v1.ROUTES),
    *((f"/v2/{group}", action) for group, actions in v2.ACTIONS.items() for action in [*actions, "No"]),
]

texts = st.text(max_size=22) | st.sampled_from(["", "demo", "mine", "模拟失败", "x" * 600, "\x00"])
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
# Ids of what is there, and of what is not.
numbers = st.sampled_from(
    [101, 102, 301, 302, 1001, 5001, 7001, 161, 0, -1, 2**63, 2**64 - 1, 2**70, 10**400]
)
ids = numbers | numbers.map(str) | st.sampled_from(["am-preset000001", "job-x", "ds-x", "dg-x"]) | anything
names = st.text(min_size=1, max_size=20) | anything
trains = st.fixed_dictionaries(
    {},
    optional={
        "epoch": st.integers(0, 60) | anything,
        "learningRate": st.floats(0, 0.0003) | anything,
        "batchSize": st.integers(0, 70) | anything,
        "maxSeqLen": st.sampled_from([4096, 8192]) | anything,
    },
)
sets = st.lists(
    st.fixed_dictionaries({}, optional={"type": st.sampled_from([1, 2]) | anything, "id": ids}), max_size=3
)
fields = {
    **dict.fromkeys(
        (
            "taskId",
            "jobId",
            "modelId",
            "modelVersionId",
            "iterationId",
            "serviceId",
            "datasetId",
            "versionId",
        ),
        ids,
    ),
    "modelSetId": ids,
    **dict.fromkeys(("modelIDs", "modelVersionIds"), st.lists(ids, max_size=3) | anything),
    **dict.fromkeys(("name", "modelName", "modelSetName", "description"), names),
    **dict.fromkeys(("uri", "urlSuffix"), st.from_regex(r"\A[a-z0-9_-]{2,20}\Z") | anything),
    "baseTrainType": st.sampled_from(["ERNIE-Bot-turbo", "BLOOMZ-7B"]) | anything,
    **dict.fromkeys(
        ("trainType", "model"), st.sampled_from(["ERNIE-Bot-turbo-0725", "BLOOMZ-7B"]) | anything
    ),
    "trainMode": st.sampled_from(["SFT"]) | anything,
    "peftType": st.sampled_from(["ALL", "LoRA", "P-tuning"]) | anything,
    "parameterScale": st.sampled_from(["FullFineTuning", "LoRA", "PromptTuning"]) | anything,
    **dict.fromkeys(
        ("trainConfig", "hyperParameterConfig"), st.just(README_JOB["trainConfig"]) | trains | anything
    ),
    "trainset": sets | anything,
    "datasetConfig": st.fixed_dictionaries(
        {},
        optional={
            "sourceType": st.just("Platform") | anything,
            "versions": st.lists(st.fixed_dictionaries({"versionId": ids}), max_size=2) | anything,
            "splitRatio": st.integers(0, 50) | anything,
        },
    )
    | anything,
    "trainsetRate": st.integers(0, 50) | anything,
    "jobRunType": st.sampled_from([0, 1]) | anything,
    "increConfig": st.fixed_dictionaries({}, optional={"taskId": ids, "jobId": ids}) | anything,
    "isNewModel": st.booleans() | anything,
    "versionMeta": st.fixed_dictionaries(
        {}, optional={"taskId": ids, "iterationId": ids, "description": names}
    )
    | anything,
    "trainMeta": st.fixed_dictionaries({}, optional={"taskId": ids}) | anything,
    "sourceType": st.just("Train") | anything,
    "tags": st.lists(texts, max_size=3) | anything,
    "replicas": st.integers(0, 2**65) | anything,
    "poolType": st.sampled_from([1, 2]) | anything,
    "resourceConfig": st.fixed_dictionaries({}, optional={"replicasCount": st.integers(0, 5) | anything})
    | anything,
    "apiTypefilter": st.lists(texts, max_size=2) | anything,
    "maxKeys": st.integers(0, 110) | anything,
    "marker": texts | anything,
    "pageReverse": st.booleans() | anything,
}
bodies = st.fixed_dictionaries({}, optional=fields)


@pytest.fixture(scope="module")
def fuzzed():
    """A platform with something of everything, and a log in which nothing may appear."""
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    logging.getLogger("qianfan").addHandler(handler)
    with qianfan.local.platform() as platform:
        caller = Console(platform)
        made = caller.published(peftType="ALL")
        caller.result("service/apply", **caller.service("mine", made["modelId"], made["versionId"]))
        caller.job(101, caller.dataset())
        yield caller
        caller.http.clear()
    logging.getLogger("qianfan").removeHandler(handler)
    assert records == []


@RELAXED
@given(st.sampled_from(CALLS), bodies)
def test_any_body_gets_an_answer(fuzzed, call, body):
    """Any fields in any call are answered or refused in the shape of its version."""
    path, action = call
    reply = fuzzed.send(path, json.dumps(body).encode(), {"Action": action} if action else None)

    assert reply.status in ({200} if action is None else {200, 400, 404, 409})
    assert check(reply, path) not in {500000, "InternalError"}


@RELAXED
@given(st.sampled_from(CALLS), st.binary(max_size=200) | anything.map(lambda it: json.dumps(it).encode()))
def test_any_bytes_get_an_answer(fuzzed, call, data):
    """So are any bytes, and any JSON that is no object."""
    path, action = call
    reply = fuzzed.send(path, data, {"Action": action} if action else None)

    assert check(reply, path) not in {500000, "InternalError"}


@RELAXED
@given(
    st.text(
        st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=["Cs"]), max_size=150
    )
)
def test_any_authorization_gets_an_answer(fuzzed, text):
    """Any Authorization header is denied with a reason."""
    headers = [("Host", "localhost"), ("Authorization", text)]
    status, _, answer = fuzzed.exact("POST", "/wenxinworkshop/finetune/createTask", headers)

    assert (status, set(answer)) == (403, {"code", "message", "requestId"})


@RELAXED
@given(st.lists(st.binary(max_size=60) | anything.map(json.dumps) | st.sampled_from(lines(3)), max_size=6))
def test_any_lines_are_samples_or_told(fuzzed, source):
    """Any lines are registered, or refused with the numbers of the bad ones."""
    try:
        fuzzed.platform.add_dataset(source, "fuzz")
    except ValueError as error:
        told = str(error).split("\n")[1:]
        numbers = [int(it.removeprefix("line ").partition(":")[0]) for it in told]
        assert numbers == sorted(set(numbers))
        assert all(1 <= number <= len(source) for number in numbers)
