"""Whatever is sent, the answer is one of the platform's."""

from __future__ import annotations

import json
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qianfan.local import tokens

RELAXED = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

texts = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["你好", "hi", "天气", "12*7等于多少", "我叫什么", "触发安全审核", "现在几点"]),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
schemas = st.recursive(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["string", "integer", "number", "boolean", "array", "null", "x"])
            | anything
        },
        optional={
            "enum": st.lists(anything, max_size=3),
            "default": anything,
            "minimum": anything,
            "format": texts,
        },
    ),
    lambda inner: st.fixed_dictionaries(
        {"type": st.just("object"), "properties": st.dictionaries(texts, inner, max_size=3)},
        optional={"required": st.lists(texts, max_size=3), "description": texts},
    ),
    max_leaves=6,
)
functions = st.fixed_dictionaries(
    {"name": texts, "description": texts, "parameters": schemas | anything}, optional={"responses": anything}
)
messages = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "function"]) | texts, "content": texts | anything},
    optional={
        "name": texts,
        "function_call": st.fixed_dictionaries({"name": texts, "arguments": texts}) | anything,
    },
)
good_turns = (
    st.lists(texts.filter(bool), min_size=1, max_size=5)
    .filter(lambda turns: len(turns) % 2)
    .map(
        lambda turns: [
            {"role": ("user", "assistant")[i % 2], "content": turn} for i, turn in enumerate(turns)
        ]
    )
)
bodies = st.fixed_dictionaries(
    {"messages": good_turns | st.lists(messages | anything, max_size=5) | anything},
    optional={
        "stream": st.booleans(),
        "temperature": st.floats(0.01, 1) | anything,
        "system": texts | anything,
        "stop": st.lists(texts, max_size=5) | anything,
        "max_output_tokens": st.integers(2, 2048) | anything,
        "response_format": st.sampled_from(["text", "json_object"]) | anything,
        "functions": st.lists(functions, max_size=3) | anything,
        "tool_choice": functions.map(lambda f: {"type": "function", "function": f}) | anything,
        "user_id": anything,
    },
)


text_lists = st.lists(texts, max_size=5) | st.lists(texts, min_size=15, max_size=18)
sampling = {
    "stream": st.booleans() | anything,
    "temperature": st.floats(0.01, 1) | anything,
    "top_k": st.integers(1) | anything,
    "stop": st.lists(texts, max_size=5) | anything,
    "user_id": texts | anything,
}
other_bodies = st.one_of(
    st.tuples(
        st.sampled_from(["/completions/sqlcoder_7b", "/completions/codellama_7b_instruct"]),
        st.fixed_dictionaries({"prompt": texts | anything}, optional=sampling),
    ),
    st.tuples(
        st.sampled_from(["/embeddings/embedding-v1", "/embeddings/bge_large_zh", "/embeddings/tao_8k"]),
        st.fixed_dictionaries({"input": text_lists | anything}, optional={"user_id": texts | anything}),
    ),
    st.tuples(
        st.just("/reranker/bce_reranker_base"),
        st.fixed_dictionaries(
            {"query": texts | anything, "documents": text_lists | anything},
            optional={"top_n": st.integers() | anything, "user_id": texts | anything},
        ),
    ),
    st.tuples(
        st.just("/tokenizer/erniebot"),
        st.fixed_dictionaries({"prompt": texts | anything}, optional={"model": texts | anything}),
    ),
)
routes = st.sampled_from(
    [
        "/chat/eb-instant",
        "/completions/sqlcoder_7b",
        "/embeddings/embedding-v1",
        "/reranker/bce_reranker_base",
        "/tokenizer/erniebot",
    ]
)


def answers_of(response):
    """Return the answer or error of a response, or the events of its stream, which must end."""
    assert response.status == 200
    if not response.headers["Content-Type"].startswith("text/event-stream"):
        return [response.json()]
    events = [json.loads(line.removeprefix("data: ")) for line in response.data.decode().split("\n\n")[:-1]]
    assert [event["is_end"] for event in events] == [False] * (len(events) - 1) + [True]
    return events


def check(response):
    """Assert that a response is an answer or an error of the platform, whole or streamed."""
    for body in answers_of(response):
        if "error_code" in body:
            assert set(body) == {"error_code", "error_msg", "id"}
            assert body["error_code"] != 336000, "a fault of the local platform itself"
        else:
            assert re.fullmatch(r"as-[0-9a-z]{10}", body["id"])
            assert isinstance(body.get("result", ""), str)
            usage = body["usage"]
            assert usage["total_tokens"] == usage["prompt_tokens"] + usage.get("completion_tokens", 0)
        if "function_call" in body:
            assert isinstance(json.loads(body["function_call"]["arguments"]), dict)


@RELAXED
@given(bodies)
def test_any_body_gets_an_answer(shared, body):
    """Any JSON body is answered by the platform's own rules, never by a fault."""
    check(shared.post(body))


@RELAXED
@given(other_bodies)
def test_any_body_of_another_kind_gets_an_answer(shared, sent):
    """Completion, embedding, reranker and tokenizer answer any JSON body by their rules, never by a fault."""
    path, body = sent
    check(shared.send(path, json.dumps(body).encode()))


@RELAXED
@given(routes, st.binary(max_size=200))
def test_any_bytes_get_an_answer(shared, path, data):
    """Any bytes at all are answered in the platform's form."""
    check(shared.send(path, data))


@RELAXED
@given(st.text(max_size=200))
def test_pieces_make_up_the_text_and_its_tokens(text):
    """A text cut for streaming is whole again when joined, and costs the same."""
    cut = tokens.pieces(text)

    assert "".join(piece for piece, _ in cut) == text
    assert sum(cost for _, cost in cut) == tokens.tenths(text)
