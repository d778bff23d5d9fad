"""Nearly good requests of every route: one thing in them is wrong, in what it is or in how it is written."""

from __future__ import annotations

import base64
import gzip
import json
import time
from datetime import datetime, timezone
from itertools import groupby
from urllib.parse import quote

import pytest
from answer_shapes import check
from console_caller import README_JOB
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from local_caller import PREFIX
from starlette.routing import Match
from v2_caller import MODEL
from wire_caller import Wire, head

from qianfan.local import page
from qianfan.local.admin import operations
from qianfan.local.console import v1, v2

pytestmark = pytest.mark.usefixtures("quiet")

RELAXED = settings(
    max_examples=600,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

IMAGE = base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x08\0\0\0\x08\x08\x02\0\0\0").decode()
MESSAGES = [
    {"role": "user", "content": "北京和上海的天气"},
    {"role": "assistant", "content": "晴"},
    {"role": "user", "content": "12*7等于多少"},
]
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "enum": ["北京"]}, "days": {"type": "integer", "minimum": 1}},
    "required": ["city"],
}
FUNCTION = {"name": "get_weather", "description": "查询天气", "parameters": SCHEMA}
SAMPLING = {
    "temperature": 0.5,
    "top_p": 0.5,
    "penalty_score": 1.5,
    "stop": ["。"],
    "user_id": "u",
    "stream": True,
}
ON_V1 = {
    "chat/completions": {
        "messages": MESSAGES,
        "system": "老师",
        "functions": [FUNCTION],
        "max_output_tokens": 9,
        "response_format": "json_object",
        **SAMPLING,
    },
    "chat/mine": {"messages": MESSAGES, "stream": False},
    "completions/sqlcoder_7b": {"prompt": "count users", **SAMPLING},
    "embeddings/embedding-v1": {"input": ["你好", "hi"], "user_id": "u"},
    "plugin/mine/": {
        "query": "12*7等于多少",
        "plugins": ["uuid-zhishiku"],
        "stream": True,
        "history": MESSAGES[:2],
        "llm": {"temperature": 0.5},
        "input_variables": {"a": "b"},
    },
    "plugin/mine": {"query": "天气", "verbose": True},
    "erniebot/plugins": {"messages": MESSAGES, "plugins": ["eChart"], "stream": True, "user_id": "u"},
    "erniebot/plugin": {"messages": MESSAGES, "plugins": ["eChart"]},
    "text2image/sd_xl": {
        "prompt": "猫",
        "negative_prompt": "狗",
        "size": "768x768",
        "n": 1,
        "steps": 20,
        "sampler_index": "Euler a",
        "seed": 1,
        "cfg_scale": 5,
        "style": "Base",
    },
    "image2text/fuyu_8b": {"prompt": "What is this?", "image": IMAGE, **SAMPLING, "seed": 1, "top_k": 3},
    "reranker/bce_reranker_base": {"query": "退货", "documents": ["七天内", "发票"], "top_n": 1},
    "tokenizer/erniebot": {"prompt": "你好", "model": "ernie-bot-4"},
}
ON_V2 = {
    "chat/completions": {
        "model": MODEL,
        "messages": [
            {"role": "system", "content": "老师"},
            {"role": "user", "content": [{"type": "text", "text": "天气"}, {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}}]},
            {"role": "assistant", "content": "", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "北京"}'}}]},
            {"role": "tool", "tool_call_id": "a", "content": "晴"},
            {"role": "assistant", "content": "晴"},
            {"role": "user", "content": "12*7等于多少"},
        ],
        "tools": [{"type": "function", "function": FUNCTION}],
        "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": SCHEMA}},
        "max_tokens": 9,
        "stream": True,
        "stream_options": {"include_usage": True},
        "web_search": {"enable": True, "enable_trace": True},
        "seed": 1,
        "temperature": 0.5,
    },
    "completions": {"model": MODEL, "prompt": "从前", "stream": False, "stop": ["。"]},
    "embeddings": {"model": "embedding-v1", "input": ["你好"], "encoding_format": "float"},
    "rerank": {"model": "bce-reranker-base", "query": "退货", "documents": ["七天内"], "top_n": 1},
    "rerankers": {"model": "bce-reranker-base", "query": "退货", "documents": ["七天内"]},
    "images/generations": {"model": "irag-1.0", "prompt": "猫", "n": 1, "size": "512x512", "seed": 1},
}  # fmt: skip
FAULT = {"on": {"route": "file", "nth": {"start": 1, "stop": 3, "step": 1}}, "do": [{"kind": "status", "status": 429}]}  # fmt: skip
ON_ADMIN = {
    "POST /clock/advance": {"seconds": 1, "minutes": 1},
    "POST /faults": FAULT,
    "POST /script": {"rules": [{"text": "退款", "with": "七天", "times": 1, "then": [{"with": "好"}]}], "strict": False},
    "PUT /quotas": {"qps": None, "rpm": None},
    "POST /datasets": {"name": "d", "samples": [{"prompt": "a", "response": "b"}]},
    "POST /endpoints": {"name": "my_service", "kind": "chat"},
    "POST /jobs/1/fail": {"message": "m"},
    "POST /applications": {"ak": "a", "sk": "b"},
    "POST /access-keys": {"ak": "a", "sk": "b"},
    "POST /api-keys": {"key": "k"},
}  # fmt: skip
# Of the console, whatever an action may take; the same words mean the same things in both versions.
CONSOLE = {
    **README_JOB,
    "taskId": 101,
    "jobId": 301,
    "modelId": 1001,
    "modelVersionId": 5001,
    "serviceId": 161,
    "name": "demo",
    "uri": "mine",
    "trainset": [{"type": 1, "id": 1}],
    "model": "ERNIE-Bot-turbo-0725",
    "trainMode": "SFT",
    "parameterScale": "LoRA",
    "hyperParameterConfig": {"epoch": 1, "learningRate": 0.00002},
    "datasetConfig": {"sourceType": "Platform", "versions": [{"versionId": "ds-1"}], "splitRatio": 20},
    "versionMeta": {"taskId": 101, "iterationId": 301},
    "resourceConfig": {"replicasCount": 1},
    "isNewModel": True,
    "modelName": "demo",
    **{key: [1001] for key in ("modelIDs", "modelVersionIds")},
    **dict.fromkeys(("modelSetName", "datasetName"), "demo"),
    **dict.fromkeys(("modelSetId", "iterationId"), 1001),
    **dict.fromkeys(("datasetId", "versionId"), "ds-1"),
    "maxKeys": 10,
    "marker": "",
}


def _requests():
    """Return method, target and good body of a request for each thing that can be asked."""
    yield from (("POST", f"{PREFIX}/{path}?access_token=x", body) for path, body in ON_V1.items())
    yield from (("POST", f"/v2/{path}", body) for path, body in ON_V2.items())
    yield from (("POST", f"/wenxinworkshop/{path}", CONSOLE) for path in v1.ROUTES)
    yield from (
        ("POST", f"/v2/{group}?Action={action}", CONSOLE)
        for group, actions in v2.ACTIONS.items()
        for action in [*actions, "No"]
    )
    for path, methods in operations.TABLE.items():
        target = "/_platform" + path.replace("{number}", "1").replace("{id}", "1")
        yield from ((it, target, ON_ADMIN.get(f"{it} {target[10:]}", {})) for it in methods)
    yield "POST", "/oauth/2.0/token?grant_type=client_credentials&client_id=a&client_secret=b", {}
    yield "GET", "/v1/BCE-BEARER/token?expireInSeconds=60", {}
    yield "GET", "/_platform/calls?limit=3&after=0&wait=0&route=chat&failed=true&status=200", {}
    files = (route.path for route in page.routes())
    for path in ("/v2/models", "/qianfan/images/x.png", "/qianfan/visualdl/index?displayToken=x", *files):
        yield "GET", path, {}
    for path in (f"{PREFIX}/no/such", "/v2/nix", "/_platform/nix", "/nix"):
        yield "GET", path, {}


REQUESTS = list(_requests())


def _group(target):
    starts = (PREFIX, "/wenxinworkshop", "/v2/", "/_p")
    return next((start for start in starts if target.startswith(start)), "") + "?" * ("Action" in target)


#: By where they go, so that the models, which have the fewest addresses, are not asked least.
GROUPS = [
    list(group)
    for _, group in groupby(sorted(REQUESTS, key=lambda it: _group(it[1])), key=lambda it: _group(it[1]))
]

_DEEP = "@deep@"  # stands for what json would not write
_rarely = st.sampled_from([False] * 14 + [True])
_texts = st.text(max_size=8) | st.sampled_from(
    ["", " ", "\ud800", "\0", "9" * 30, "9" * 5000, "-1e999", "x" * 3000, "{" * 200, "北京", _DEEP, "1*" * 500 + "1"]
)  # fmt: skip
_numbers = (
    st.integers()
    | st.floats()
    | st.sampled_from([10**400, -(10**400), 2**63, 2**64, -1, 0, 1, 2, 1e308, 5e-324])
)
_wrong = st.recursive(
    st.none() | st.booleans() | _numbers | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=2),
    max_leaves=4,
)


@st.composite
def _spoilt(draw, value):
    """Draw a JSON value in which one thing is another, mostly of the same type."""
    within = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    choices = [key for key, _ in within]
    if draw(_rarely):
        return draw(_wrong)
    if not choices:
        kinds = {str: _texts, bool: st.booleans(), int: _numbers, float: _numbers}
        return draw(kinds.get(type(value), _wrong))
    key = draw(st.sampled_from(choices))
    changed = dict(value) if isinstance(value, dict) else list(value)
    if draw(_rarely):
        del changed[key]
    else:
        changed[key] = draw(_spoilt(value[key]))
    return changed


def _written(draw, value):
    """Draw the bytes of a JSON value, written well or nearly."""
    text = json.dumps(value, ensure_ascii=not draw(_rarely))
    depth = draw(st.sampled_from([3, 200, 1023, 1025, 50_000]))
    text = text.replace(f'"{_DEEP}":', '"deep":').replace(f'"{_DEEP}"', "[" * depth + "]" * depth)
    if text.startswith("{") and draw(_rarely):
        twice = draw(st.sampled_from(['"model": 1', '"messages": []', '"a": 1, "a": 2']))
        text = f"{{{twice}, {text[1:]}" if value else f"{{{twice}}}"
    encoding = draw(st.sampled_from(["utf-8-sig", "utf-16", "utf-32"])) if draw(_rarely) else "utf-8"
    return text.encode(encoding, "surrogatepass")


def _led_astray(draw, target):
    """Draw a target in which a parameter, or the number of a thing, is another."""
    if "=" in target:
        name = draw(st.sampled_from(target.partition("?")[2].split("&"))).partition("=")[0]
        return target.replace(name + "=", f"{name}={quote(draw(_texts).encode('utf-8', 'surrogatepass'))}", 1)
    number = draw(st.sampled_from(["0", "-1", "%00", "9" * 5000, "%ff", "a", "%F0%9F%98%80"]))
    return target.replace("/1/", f"/{number}/") + ("" if "/1/" in target else f"/{number}")


@st.composite
def requests(draw):
    """Draw method and bytes of a request."""
    method, target, body = draw(st.sampled_from(draw(st.sampled_from(GROUPS))))
    content = _written(draw, draw(_spoilt(body))) if body or draw(_rarely) else b""
    kind = draw(st.sampled_from(["text/plain", "application/json; charset=gbk"])) if draw(_rarely) else ""
    lines = [f"Content-Type: {kind or 'application/json'}"]
    if not target.startswith((PREFIX, "/oauth")):
        lines.append(f"Authorization: {_signature() if _is_signed(target) else 'Bearer x'}")
    if draw(_rarely):
        target = _led_astray(draw, target)
    if draw(_rarely):
        content = gzip.compress(content)
        lines.append("Content-Encoding: gzip")
    if draw(_rarely):
        lines.append("Transfer-Encoding: chunked")
        content = (b"%x\r\n%b\r\n" % (len(content), content) if content else b"") + b"0\r\n\r\n"
    else:
        lines.append(f"Content-Length: {len(content)}")
    return method, head(target, *lines, method=method) + content


def _is_signed(target):
    groups = tuple(f"/v2/{group}?" for group in v2.ACTIONS)
    return target.startswith(("/wenxinworkshop", "/v1/", *groups))


def _signature():
    now = datetime.fromtimestamp(time.time(), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"bce-auth-v1/a/{now}/1800/host/{'0' * 64}"


def test_every_route_is_asked(open_platform):
    """There is a request here for each route of the platform."""
    routes = open_platform._app()._app.routes  # no public name
    asked = set()
    for method, target, _ in REQUESTS:
        scope = {"type": "http", "method": method, "path": target.partition("?")[0]}
        asked.add(next(it.path for it in routes if it.matches(scope)[0] is Match.FULL))

    assert {it.path for it in routes} == asked


@RELAXED
@given(requests())
def test_a_nearly_good_request(open_platform, sent):
    """It is answered, or refused in the shape that errors have on its route, and the connection goes on."""
    method, data = sent
    with Wire(open_platform) as wire:
        wire.send(data, head("/nix"))
        check(wire.answer(method))
        assert wire.answer().status == 404
