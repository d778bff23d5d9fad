"""What the services of all kinds have in common: routes, tokens, quotas, the journal."""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest

import qianfan.local


class Kind(NamedTuple):
    """A kind of service: its name, the first part of its URL, a preset model, a body it answers."""

    name: str
    service: str
    endpoint: str
    model: str
    body: dict
    cost: int  # tokens of the answer


KINDS = [
    Kind("completion", "completions", "sqlcoder_7b", "SQLCoder-7B", {"prompt": "你好", "stop": ["-"]}, 2),
    Kind("embedding", "embeddings", "bge_large_zh", "bge-large-zh", {"input": ["你好", "世界"]}, 4),
    Kind(
        "reranker",
        "reranker",
        "bce_reranker_base",
        "bce-reranker-base_v1",
        {"query": "你好", "documents": ["你好世界", "天气"]},
        8,
    ),
    Kind("tokenizer", "tokenizer", "erniebot", "erniebot", {"prompt": "你好"}, 2),
]
CUSTOM = [kind for kind in KINDS if kind.name != "tokenizer"]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request):
    """Each kind of service."""
    return request.param


def post(caller, kind, **options):
    """Send the kind's own body to its preset model."""
    return caller.post(kind.body, kind.endpoint, service=kind.service, **options)


def test_answer(shared, kind):
    """A plain answer at HTTP 200, without an error and without the headers of a quota."""
    response = post(shared, kind)

    assert response.status == 200
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert response.json()["usage"]["total_tokens"] == kind.cost
    assert not [name for name in response.headers if name.lower().startswith("x-ratelimit")]


@pytest.mark.parametrize(
    ("method", "body", "code"),
    [
        ("GET", b"", 336101),
        ("PUT", b"{}", 336101),
        ("POST", b"", 336002),
        ("POST", b"{", 336002),
        ("POST", b"\xff", 336002),
        ("POST", b"[]", 336001),
        ("POST", b"null", 336001),
        ("POST", b'"hello"', 336001),
    ],
)
def test_what_is_no_call(shared, kind, method, body, code):
    """Wrong methods and bodies are answered by the platform's codes, with an id."""
    answer = shared.send(f"/{kind.service}/{kind.endpoint}", body, method=method).json()

    assert answer["error_code"] == code
    assert answer["id"].startswith("as-")


@pytest.mark.parametrize("endpoint", ["no_such_endpoint", "", "eb-instant"])
def test_unknown_endpoints(shared, kind, endpoint):
    """An endpoint that is not of this kind is no service, though another kind may have it."""
    answer = shared.post(kind.body, endpoint, service=kind.service).json()

    assert answer == {"error_code": 3, "error_msg": "Unsupported openapi method"}


def test_tokens(start, kind):
    """A call needs a token that lives."""
    caller = start()

    assert post(caller, kind, token="unknown").json()["error_code"] == 110
    assert "usage" in post(caller, kind).json()
    caller.platform.advance(days=30)
    assert post(caller, kind).json()["error_code"] == 111


def test_requests_of_a_minute(start, kind):
    """Calls above the minute's answer 336501; the headers count down."""
    caller = start(rpm=1, clock=qianfan.local.Clock(lambda: 1_700_000_000.0))

    first, second = post(caller, kind), post(caller, kind)
    assert "usage" in first.json()
    assert first.headers["X-Ratelimit-Limit-Requests"] == "1"
    assert first.headers["X-Ratelimit-Remaining-Requests"] == "0"
    assert (second.status, second.json()["error_code"]) == (200, 336501)
    caller.platform.advance(minutes=1)
    assert "usage" in post(caller, kind).json()


def test_tokens_of_a_minute(start, kind):
    """Each answer takes its total tokens from the minute's; calls after the last of them answer 336502."""
    caller = start(tpm=kind.cost + 1, clock=qianfan.local.Clock(lambda: 1_700_000_000.0))

    responses = [post(caller, kind) for _ in range(3)]
    assert [r.headers["X-Ratelimit-Remaining-Tokens"] for r in responses] == ["1", "0", "0"]
    assert [r.json().get("error_code") for r in responses] == [None, None, 336502]


def test_calls_of_a_second(start, kind):
    """Calls above the second's answer 18."""
    caller = start(qps=1, clock=qianfan.local.Clock(lambda: 1_700_000_000.0))

    assert [post(caller, kind).json().get("error_code") for _ in range(2)] == [None, 18]


@pytest.mark.parametrize("kind", CUSTOM, ids=lambda kind: kind.name)
def test_custom_services(start, kind):
    """An added service of the kind answers, another name and another kind do not, unless all may."""
    caller = start()
    caller.platform.add_endpoint("mine", kind.name)

    assert "usage" in caller.post(kind.body, "mine", service=kind.service).json()
    assert caller.post(kind.body, "other", service=kind.service).json()["error_code"] == 3
    assert caller.ask("你好", endpoint="mine")["error_code"] == 3
    every = start(any_endpoint=True)
    assert "usage" in every.post(kind.body, "whatever", service=kind.service).json()


def test_the_tokenizer_is_one(start):
    """Nobody can publish a tokenizer, and letting every endpoint answer lets no other tokenizer answer."""
    caller = start(any_endpoint=True)

    with pytest.raises(ValueError, match="not 'tokenizer'"):
        caller.platform.add_endpoint("mine", "tokenizer")
    assert caller.post({"prompt": "a"}, "mine", service="tokenizer").json()["error_code"] == 3


def test_journal(start, kind):
    """The journal has each call under its kind, with what it turned out to be and what was answered."""
    caller = start()
    caller.platform.clear()
    answered, refused = post(caller, kind).json(), caller.post({}, kind.endpoint, service=kind.service).json()

    first, second = caller.platform.calls(kind.name)
    assert (first.route, first.endpoint, first.model) == (kind.name, kind.endpoint, kind.model)
    assert (first.body, first.reply, first.status) == (kind.body, answered, 200)
    assert (second.body, second.reply) == ({}, refused)
    assert json.dumps(first.query) == '{"access_token": "***"}'
