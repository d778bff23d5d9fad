"""An upstream that fails: the platform's own codes, the upstream's words, and no key in any of them."""

from __future__ import annotations

import json
import logging
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from local_caller import conversation
from support import replies, v2
from support.replies import CLOSE, RESET, STALL
from support.server import closed_port
from v2_caller import MODEL, V2, refusal

import qianfan.local

KEY = "secret-of-the-upstream-0123456789"
QUESTION = {"messages": conversation("你好")}

ANSWERS = {
    "chat": ("/chat/completions", {**QUESTION, "model": MODEL}),
    "stream": ("/chat/completions", {**QUESTION, "model": MODEL, "stream": True}),
    "embedding": ("/embeddings", {"model": "embedding-v1", "input": ["一"]}),
}


SERVICES = {"chat": "chat", "stream": "chat", "embedding": "embeddings"}


@pytest.fixture(params=list(ANSWERS))
def fails(request, upstream, behind):
    """Return what both versions answer where the upstream does so, of each kind of call."""
    caller = behind(upstream_key=KEY)
    path, body = ANSWERS[request.param]
    kind, endpoint = ("embeddings", "embedding-v1") if "input" in body else ("chat", "completions")

    def fails(*scripts):
        upstream.answer(*scripts, *scripts)
        first = caller.post(body, endpoint, service=kind)
        assert first.status == 200
        assert first.headers["Content-Type"].startswith("application/json")
        second = V2(caller).post(body, path)
        return (first.json()["error_code"], first.json()["error_msg"]), refusal(second), second.headers

    return fails


@pytest.mark.parametrize(
    ("status", "first", "second"),
    [
        (400, 336003, (400, "invalid_argument")),
        (422, 336003, (400, "invalid_argument")),
        (401, 6, (401, "invalid_model")),
        (403, 6, (401, "invalid_model")),
        (404, 6, (401, "invalid_model")),
        (413, 336007, (400, "characters_too_long")),
        (429, 336501, (429, "rpm_rate_limit_exceeded")),
        (500, 336000, (500, "internal_error")),
        (503, 336000, (500, "internal_error")),
        (301, 336000, (500, "internal_error")),
    ],
)
def test_statuses_are_codes(fails, status, first, second):
    """A status of the upstream's is the platform's nearest code, with the upstream's words."""
    (code, words), (http, _, word, also), _ = fails(v2.refused(status, "x", "model not found"))

    assert (code, (http, word)) == (first, second)
    assert words == also == f"the upstream answered HTTP {status}: model not found"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "m"}}, "m"),
        ({"error": "m"}, "m"),
        ({"message": "m", "object": "error"}, "m"),
        ({"detail": "m"}, "m"),
        ({"error_code": 1, "error_msg": "m"}, "m"),
        ({"detail": [{"loc": 1}]}, '{"detail":[{"loc":1}]}'),
        ([], "[]"),
        ({"error": {"message": "a\n b" + "c" * 9999}}, "a b" + "c" * 497),
    ],
)
def test_words_are_found_in_every_form(upstream, behind, body, words):
    """Servers differ in the form of their errors; the words arrive, in one line and not too long."""
    upstream.answer(replies.whole(body, 400))

    assert behind().ask("你好")["error_msg"] == f"the upstream answered HTTP 400: {words}"


def test_a_page_is_told_too(upstream, behind):
    """What is no JSON stands as it is."""
    upstream.answer(replies.page(502))

    assert behind().ask("你好")["error_msg"] == "the upstream answered HTTP 502: <html>Bad Gateway</html>"


def test_retry_after_arrives(fails):
    """How long to wait is the upstream's to say."""
    *_, headers = fails(v2.refused(429, "x", "slow down", Retry_After="7"))

    assert headers["Retry-After"] == "7"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ((RESET,), "broke off"),
        ((CLOSE,), "broke off"),
        ((STALL,), "was silent for 0.2 s"),
        (replies.whole([]), "no JSON object"),
        (replies.whole({}), "answer has no "),
        (replies.page(200, "<html>"), "no JSON object"),
        ((replies.head(200, Content_Length="99", Content_Type="application/json"), b"{", CLOSE), "broke off"),
    ],
    ids=["reset", "closed", "silent", "array", "empty", "page", "cut"],
)
@pytest.mark.parametrize("kind", ["chat", "embeddings"])
def test_whatever_is_no_answer_is_internal(upstream, behind, script, words, kind):
    """An upstream that is silent, breaks off or talks nonsense is a fault which may be gone the next time."""
    upstream.answer(script, script)
    caller = behind(upstream_timeout=0.2)
    path, body = ANSWERS["chat" if kind == "chat" else "embedding"]

    first = caller.post(body, "completions" if kind == "chat" else "embedding-v1", service=kind).json()
    second = V2(caller).refusal(body, path)

    assert first["error_code"] == 336000
    assert second[:3] == (500, "internal_error", "internal_error")
    assert words in first["error_msg"]
    assert first["error_msg"] == second[3]


def test_an_upstream_that_is_not_there(start):
    """A refused connection is told with the address and the reason."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    caller = start(upstream=f"http://127.0.0.1:{port}/v1")

    answer = caller.ask("你好")

    assert answer["error_code"] == 336000
    assert f"http://127.0.0.1:{port} cannot be reached: Connect" in answer["error_msg"]


def test_a_name_that_nobody_has(start):
    """A host that does not exist is told with its name."""
    answer = start(upstream="http://upstream.invalid/v1").ask("你好")

    assert "http://upstream.invalid cannot be reached" in answer["error_msg"]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (v2.streamed_events(v2.chunk("你"), v2.error_body("x", "out of memory")), "out of memory"),
        (v2.streamed_events(v2.chunk("你"), b"{nonsense"), "no JSON object"),
        (v2.streamed_events(v2.chunk("你")), "ended before its end mark"),
        (replies.stream(*v2.framed(v2.chunk("你")), CLOSE, ended=False), "broke off"),
        (replies.stream(*v2.framed(v2.chunk("你")), RESET, ended=False), "broke off"),
        (replies.stream(*v2.framed(v2.chunk("你")), STALL, ended=False), "was silent for 0.2 s"),
    ],
    ids=["error", "nonsense", "ended", "closed", "reset", "silent"],
)
def test_a_stream_that_fails_says_so(upstream, behind, script, words):
    """What came before arrives; then an event has the platform's error, and nothing follows."""
    upstream.answer(script, script)
    caller = behind(upstream_timeout=0.2)

    first, failed = caller.stream("你好")
    second = V2(caller).post({**QUESTION, "model": MODEL, "stream": True})

    assert first["result"] == "你"
    assert failed["error_code"] == 336000
    assert words in failed["error_msg"]
    *_, last, nothing = second.data.decode().split("\n\n")
    error = json.loads(last.removeprefix("data: "))["error"]
    assert (error["code"], nothing) == ("internal_error", "")
    assert error["message"] == failed["error_msg"]
    assert caller.platform.calls("chat")[0].reply[-1] == failed


def test_an_error_before_the_first_word_is_no_stream(upstream, behind):
    """An upstream that begins a stream with an error is answered as an error."""
    upstream.answer(v2.streamed_events(v2.error_body("x", "no memory")))

    response = behind().post({**QUESTION, "stream": True})

    assert response.headers["Content-Type"].startswith("application/json")
    assert response.json()["error_msg"] == "the upstream answered HTTP 200: no memory"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def some(**members):
    """Make objects that have some of the members, and others of any kind in their places."""
    values = {name: value | json_values for name, value in members.items()}
    return st.fixed_dictionaries({}, optional=values) | json_values


said = some(
    content=st.text(max_size=5) | st.lists(some(text=st.text(max_size=5)), max_size=2),
    reasoning=st.text(max_size=5),
    tool_calls=st.lists(
        some(
            index=st.integers(0, 1),
            id=st.text(max_size=2),
            function=some(name=st.text(), arguments=st.text()),
        ),
        max_size=2,
    ),
)
bodies = some(
    choices=st.lists(
        some(message=said, delta=said, finish_reason=st.sampled_from(["stop", "length"])), max_size=2
    ),
    usage=some(**dict.fromkeys(["prompt_tokens", "completion_tokens", "total_tokens"], st.integers(0, 9))),
    data=st.lists(
        some(embedding=st.lists(st.floats(allow_nan=False), max_size=2), index=st.integers(0, 1)), max_size=2
    ),
    error=some(message=st.text(max_size=5)),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(bodies, min_size=1, max_size=3))
def test_whatever_an_upstream_says_is_no_fault(upstream, talking, bodies):
    """Any JSON where an answer or the parts of one should be gives an answer, or an error of the platform's."""
    events = v2.streamed_events(*bodies, v2.DONE)
    upstream.choose = lambda request: events if request.json.get("stream") else replies.whole(bodies[0])

    for kind, (path, body) in ANSWERS.items():
        first = talking.post(
            body, "embedding-v1" if kind == "embedding" else "completions", service=SERVICES[kind]
        )
        second = V2(talking).post(body, path)
        for answer in (first, second):
            assert b"the upstream" in answer.data or b"error" not in answer.data, answer.data


@pytest.fixture
def talking(behind):
    """A caller of one platform with an upstream, for many examples."""
    return behind()


@pytest.mark.parametrize("vectors", [[], [[1.0], [2.0]], ["AAAA"], [[]], None])
def test_vectors_that_are_none(upstream, behind, vectors):
    """An answer with another number of vectors, or with what is no vector, is refused."""
    data = None if vectors is None else [{"embedding": it, "index": i} for i, it in enumerate(vectors)]
    upstream.answer(replies.whole({"data": data}))

    answer = behind().post({"input": ["一"]}, "embedding-v1", service="embeddings").json()

    assert answer["error_code"] == 336000
    assert "no vector for each of 1 texts" in answer["error_msg"]


def test_a_connection_that_failed_is_closed(upstream, behind):
    """After every kind of end nothing is left open at the upstream."""
    upstream.answer(
        v2.refused(500),
        replies.stream(*v2.framed(v2.chunk("你"), b"nonsense"), STALL, ended=False),
        v2.streamed(),
    )
    caller = behind()

    caller.ask("你好")
    caller.stream("你好")
    caller.stream("你好")

    upstream.wait_idle()
    assert upstream.connections == 3


def test_no_key_shows_anywhere(upstream, behind, caplog):
    """The upstream's key is in no error, log, journal or text of the platform, though the upstream repeats it."""
    caplog.set_level(logging.DEBUG)
    told = f"Incorrect API key provided: {KEY}. Also bearer {KEY} and sk-abcdefghijklmnopqrstuv"
    upstream.answer(
        v2.refused(401, "x", told),
        v2.refused(401, "x", told),
        v2.streamed_events(v2.chunk("你"), v2.error_body("x", told)),
        replies.page(500, told),
    )
    caller = behind(upstream_key=KEY)

    shown = [
        caller.ask("你好"),
        V2(caller).refusal({**QUESTION, "model": MODEL}),
        caller.stream("你好"),
        caller.ask("你好"),
        caller.platform.calls(),
        caller.platform,
        caller.platform._state.options,
        caplog.records,
        caplog.text,
    ]

    assert upstream.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert "Incorrect API key provided: ***" in str(shown)
    for secret in (KEY, "sk-abcdefghijklmnopqrstuv"):
        assert secret not in str(shown) + repr(shown)


@pytest.mark.parametrize("where", ["", "qianfan+"], ids=["its words", "passed on"])
@pytest.mark.parametrize("asked", ["chat", "stream", "embedding"])
def test_an_upstream_that_is_the_platform_itself(start, where, asked):
    """A platform that would ask itself for ever says so, once, in an error that nobody tries again."""
    port = closed_port()
    url, keys = f"http://127.0.0.1:{port}", qianfan.local.platform()
    caller = start(
        port=port, upstream=f"{where}{url}{'' if where else '/v2'}", upstream_key=keys.api_key, any_key=True
    )
    path, body = ANSWERS[asked]

    status, _, code, words = refusal(V2(caller).post(body, path))

    assert (status, code) == (400, "invalid_argument")
    assert "the upstream of this local platform is the platform itself" in words
    assert len(caller.platform.calls()) == 2


def test_platforms_behind_each_other_in_a_circle(start):
    """Two platforms that pass calls on to each other say so too."""
    ports = closed_port(), closed_port()
    first, _ = (
        start(port=own, upstream=f"qianfan+http://127.0.0.1:{other}")
        for own, other in (ports, reversed(ports))
    )
    _, _, code, words = refusal(V2(first).post(ANSWERS["chat"][1]))

    assert code == "invalid_argument"
    assert "is the platform itself" in words
