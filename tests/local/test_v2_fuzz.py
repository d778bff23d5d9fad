"""Whatever is sent to v2, the answer is one of its shapes, and never a fault."""

from __future__ import annotations

import json
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from v2_caller import MODEL, V2, chunks, refusal

from qianfan import catalog
from qianfan.local import tokens

RELAXED = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

texts = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["你好", "hi", "北京和上海的天气", "12*7等于多少", "触发安全审核", "Alice is 7 in Paris"]
    ),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | anything
schemas = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["string", "integer", "number", "boolean", "array", "null", "object"])
            | anything,
            "$ref": st.sampled_from(["#", "#/$defs/A", "#/$defs/B", "#/nowhere", "x"]) | anything,
            "enum": st.lists(anything, max_size=3),
            "const": anything,
            "default": anything,
            "format": st.sampled_from(["date", "date-time", "time", "uuid", "email", "x"]) | anything,
            "minimum": numbers,
            "maximum": numbers,
            "exclusiveMinimum": numbers,
            "exclusiveMaximum": numbers,
            "multipleOf": numbers,
            "minLength": numbers,
            "maxLength": numbers,
        },
    ),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["object", "array"]),
            "properties": st.dictionaries(st.sampled_from(["a", "城市", "b"]), inner, max_size=3),
            "required": st.lists(st.sampled_from(["a", "b", "c"]), max_size=3) | anything,
            "items": inner,
            "prefixItems": st.lists(inner, max_size=2),
            "minItems": st.integers(0, 5) | numbers,
            "maxItems": st.integers(0, 5) | numbers,
            "uniqueItems": st.booleans(),
            "anyOf": st.lists(inner, max_size=3),
            "allOf": st.lists(inner, max_size=3),
            "$defs": st.fixed_dictionaries({}, optional={"A": inner, "B": inner}),
        },
    ),
    max_leaves=10,
)
parts = st.lists(
    st.fixed_dictionaries({"type": st.just("text"), "text": texts})
    | st.fixed_dictionaries(
        {
            "type": st.just("image_url"),
            "image_url": st.fixed_dictionaries({"url": st.just("https://x/y.png") | texts}),
        }
    )
    | anything,
    max_size=3,
)
calls = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from(["a", "b"]) | anything,
            "function": st.fixed_dictionaries({"name": texts, "arguments": texts | anything}),
        }
    )
    | anything,
    max_size=2,
)
messages = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["system", "user", "assistant", "tool"]) | texts,
        "content": texts | parts | anything,
    },
    optional={"tool_calls": calls | anything, "tool_call_id": st.sampled_from(["a", "b"]) | anything},
)
good_turns = st.lists(texts, min_size=1, max_size=5).map(
    lambda turns: [{"role": ("user", "assistant")[i % 2], "content": turn} for i, turn in enumerate(turns)]
)
tools = st.lists(
    st.fixed_dictionaries(
        {
            "type": st.just("function"),
            "function": st.fixed_dictionaries(
                {"name": st.sampled_from(["get_weather", "f"]) | texts},
                optional={
                    "description": st.sampled_from(["查询天气", "Alice"]) | anything,
                    "parameters": schemas.map(lambda s: {**s, "type": "object"}) | anything,
                },
            ),
        }
    )
    | anything,
    max_size=3,
)
models = st.sampled_from([MODEL, "deepseek-r1", "deepseek-v3"]) | anything
bodies = st.fixed_dictionaries(
    {"model": models, "messages": good_turns | st.lists(messages | anything, max_size=5) | anything},
    optional={
        "stream": st.booleans(),
        "stream_options": st.fixed_dictionaries({"include_usage": st.booleans()}) | anything,
        "temperature": st.floats(0.01, 1) | anything,
        "stop": st.lists(texts, max_size=5) | anything,
        "max_tokens": st.integers(1, 2048) | anything,
        "max_completion_tokens": st.integers(1, 50) | anything,
        "response_format": st.fixed_dictionaries(
            {
                "type": st.just("json_schema"),
                "json_schema": st.fixed_dictionaries({"schema": schemas | anything}) | anything,
            }
        )
        | st.just({"type": "json_object"})
        | anything,
        "tools": tools | anything,
        "tool_choice": st.sampled_from(["auto", "none", "required"])
        | st.just({"type": "function", "function": {"name": "f"}})
        | anything,
        "parallel_tool_calls": st.booleans() | anything,
        "web_search": st.dictionaries(
            st.sampled_from(["enable", "enable_citation", "enable_trace"]), st.booleans()
        )
        | anything,
        "user": anything,
    },
)
asking = st.just(
    {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Alice is 7 in 北京"}],
        "max_tokens": 10**6,
    }
)
fitting = st.builds(
    lambda body, schema: {
        **body,
        "response_format": {"type": "json_schema", "json_schema": {"schema": schema}},
    },
    asking,
    schemas,
)
calling = st.builds(
    lambda body, given: {**body, "tools": given, "tool_choice": "required"}, asking, tools.filter(bool)
)
other_bodies = st.one_of(
    st.tuples(
        st.just("/completions"),
        st.fixed_dictionaries(
            {"model": models, "prompt": texts | anything},
            optional={"stream": st.booleans(), "stop": anything, "max_tokens": anything},
        ),
    ),
    st.tuples(
        st.just("/embeddings"),
        st.fixed_dictionaries(
            {
                "model": st.sampled_from([m.id for m in catalog.v2_models("embedding")]),
                "input": texts | st.lists(texts, max_size=18) | anything,
            },
            optional={"encoding_format": anything, "user": anything},
        ),
    ),
    st.tuples(
        st.sampled_from(["/rerank", "/rerankers"]),
        st.fixed_dictionaries(
            {
                "model": st.just("bce-reranker-base"),
                "query": texts | anything,
                "documents": st.lists(texts, max_size=5) | anything,
            },
            optional={"top_n": st.integers() | anything, "user": anything},
        ),
    ),
    st.tuples(
        st.just("/images/generations"),
        st.fixed_dictionaries(
            {"model": st.sampled_from(["irag-1.0", "flux.1-schnell"]), "prompt": texts | anything},
            optional={
                "n": st.integers(0, 5) | anything,
                "size": st.sampled_from(["512x512", "1x1", "2048x2048"]) | anything,
                "seed": st.integers() | anything,
                "refer_image": anything,
                "guidance": anything,
            },
        ),
    ),
)
paths = st.sampled_from(
    ["/chat/completions", "/completions", "/embeddings", "/rerank", "/images/generations", "/nowhere"]
)


def check(response):
    """Assert that a response is an answer or an error of v2, whole or streamed."""
    if response.status != 200:
        assert response.status in {400, 401, 404}, response.data
        refusal(response)
        return
    streamed = response.headers["Content-Type"].startswith("text/event-stream")
    for body in chunks(response) if streamed else [response.json()]:
        assert re.fullmatch(r"as-[0-9a-z]{10}", body["id"])
        usage = body.get("usage")
        if usage:
            assert usage["total_tokens"] == usage["prompt_tokens"] + usage.get("completion_tokens", 0)
        for choice in body.get("choices", ()):
            message = choice.get("message") or choice.get("delta") or {}
            assert isinstance(message.get("content", ""), str)
            for call in choice.get("message", {}).get("tool_calls", ()):
                assert isinstance(json.loads(call["function"]["arguments"]), dict)


@RELAXED
@given(bodies)
def test_any_body_gets_an_answer(shared, body):
    """Any JSON body is answered by v2's own rules, never by a fault."""
    check(V2(shared).post(body))


@RELAXED
@given(other_bodies)
def test_any_body_of_other_kinds_gets_an_answer(shared, call):
    """The other kinds answer any JSON body by the rules too."""
    path, body = call
    check(V2(shared).post(body, path))


@RELAXED
@given(paths, st.binary(max_size=200))
def test_any_bytes_get_an_answer(shared, path, data):
    """Any bytes at all are answered by the rules."""
    check(V2(shared).send(path, data))


@RELAXED
@given(fitting)
def test_any_schema_gets_json(shared, body):
    """Any schema is answered by JSON, or refused."""
    response = V2(shared).post(body)

    check(response)
    if response.status == 200:
        (choice,) = response.json()["choices"]
        assert choice["finish_reason"] == "stop"
        json.loads(choice["message"]["content"])


@RELAXED
@given(calling)
def test_any_tools_are_called_or_refused(shared, body):
    """Whatever the tools are, the call that must be made is made, or they are refused."""
    response = V2(shared).post(body)

    check(response)
    if response.status == 200:
        assert response.json()["choices"][0]["finish_reason"] == "tool_calls"


@RELAXED
@given(good_turns.filter(lambda turns: len(turns) % 2), st.sampled_from([MODEL, "deepseek-r1"]))
def test_streams_say_what_answers_say(shared, turns, model):
    """The pieces of a stream are the whole answer, and so is its usage."""
    v2 = V2(shared)
    body = {"model": model, "messages": turns}
    whole = v2.post(body)
    check(whole)
    if whole.status != 200:
        return
    streamed = chunks(v2.post({**body, "stream": True, "stream_options": {"include_usage": True}}))

    message = whole.json()["choices"][0]["message"]
    deltas = [event["choices"][0]["delta"] for event in streamed[:-1]]
    assert "".join(delta.get("content", "") for delta in deltas) == message["content"]
    thoughts = "".join(delta.get("reasoning_content", "") for delta in deltas)
    assert thoughts == message.get("reasoning_content", "")
    assert streamed[-1]["usage"] == whole.json()["usage"]
    assert tokens.count(thoughts, message["content"]) == whole.json()["usage"]["completion_tokens"]
