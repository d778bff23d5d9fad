"""What v2 refuses, with which code and words."""

from __future__ import annotations

import pytest
from v2_caller import MODEL, QUESTION, V2, refusal

from qianfan.codes import CODES
from qianfan.local.fidelity import RULES
from qianfan.local.v2 import errors
from qianfan.local.wire import Refusal

MESSAGES, ARGUMENT = "invalid_messages", "invalid_argument"
OPEN = "deepseek-v3"  # a model that is not ERNIE's


@pytest.fixture(scope="module")
def v2(shared):
    """A caller of one platform for the whole module."""
    return V2(shared)


def user(content="hi"):
    """Return a message of the user's."""
    return {"role": "user", "content": content}


def assistant(content="ok", *calls):
    """Return a message of the model's, with calls of these ids."""
    made = [{"id": c, "type": "function", "function": {"name": "f", "arguments": "{}"}} for c in calls]
    return {"role": "assistant", "content": content, **({"tool_calls": made} if calls else {})}


def tool(identifier, content="42"):
    """Return the answer to a call."""
    return {"role": "tool", "tool_call_id": identifier, "content": content}


SYSTEM = {"role": "system", "content": "x"}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/x.png"}}


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        (None, "messages must be an array of at least one message"),
        ([], "messages must be an array of at least one message"),
        ("hi", "messages must be an array of at least one message"),
        ({}, "messages must be an array of at least one message"),
        (["hi"], r"messages[0] must be an object"),
        ([{}], "the role of messages[0] must be one of system, user, assistant, tool"),
        ([{"role": 1}], "the role of messages[0] must be"),
        ([{"role": []}], "the role of messages[0] must be"),
        ([{"role": "function", "name": "f", "content": "x"}], "the role of messages[0] must be"),
        ([{"role": "developer", "content": "x"}], "the role of messages[0] must be"),
        ([{"role": "user"}], "the content of messages[0] must be a string or an array of parts"),
        ([user(None)], "the content of messages[0] must be"),
        ([user(5)], "the content of messages[0] must be"),
        ([user({})], "the content of messages[0] must be"),
        ([user([5])], "messages[0].content[0] must be"),
        ([user([{"type": "text"}])], "messages[0].content[0] must be"),
        ([user([{"type": "text", "text": 5}])], "messages[0].content[0] must be"),
        ([user([{"type": "audio", "text": "x"}])], "messages[0].content[0] must be"),
        ([user("")], "the content of the last message can't be blank"),
        ([user(" \n")], "the content of the last message can't be blank"),
        ([user([])], "the content of the last message can't be blank"),
        ([user([{"type": "text", "text": " "}])], "the content of the last message can't be blank"),
        ([SYSTEM], "the last message must be of user or tool"),
        ([user(), assistant()], "the last message must be of user or tool"),
        ([user(), SYSTEM], "messages[1]: only the first message may be of system"),
        ([SYSTEM, SYSTEM, user()], "messages[1]: only the first message may be of system"),
        ([{"role": "system"}, user()], "the content of messages[0] must be"),
        (
            [{"role": "system", "content": [IMAGE]}, user()],
            "messages[0]: only a user's message may have images",
        ),
        ([user(), assistant(None), user()], "the content of messages[1] must be"),
        ([user(), assistant([IMAGE]), user()], "messages[1]: only a user's message may have images"),
        (
            [user(), {"role": "assistant", "tool_calls": 5}, user()],
            "messages[1]: tool_calls must be an array",
        ),
        (
            [user(), {"role": "assistant", "tool_calls": [5]}, user()],
            "messages[1].tool_calls[0] must have an id",
        ),
        (
            [user(), {"role": "assistant", "tool_calls": [{"id": "a", "function": {}}]}, user()],
            "messages[1].tool_calls[0] must have an id and a function with a name",
        ),
        (
            [user(), {"role": "assistant", "tool_calls": [{"id": "", "function": {"name": "f"}}]}, user()],
            "messages[1].tool_calls[0] must have an id",
        ),
        (
            [
                user(),
                {
                    "role": "assistant",
                    "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": {}}}],
                },
                tool("a"),
            ],
            "messages[1].tool_calls[0]: arguments must be a JSON string",
        ),
        (
            [user(), assistant("", "a", "a"), tool("a")],
            "messages[1]: each of tool_calls must have an id of its own",
        ),
        ([tool("a")], "messages[0]: tool_call_id is no id"),
        ([user(), tool("a")], "messages[1]: tool_call_id is no id"),
        ([user(), assistant("", "a"), tool("b")], "messages[2]: tool_call_id is no id"),
        ([user(), assistant("", "a"), tool(None)], "messages[2]: tool_call_id is no id"),
        ([user(), assistant("", "a"), tool(["a"])], "messages[2]: tool_call_id is no id"),
        ([user(), assistant("", "a"), tool("a"), tool("a")], "messages[3]: tool_call_id is no id"),
        ([user(), assistant("", "a"), user()], "messages[2]: a tool message must come first for each of a"),
        ([user(), assistant("", "a", "b"), tool("b"), user()], "must come first for each of a"),
        ([user(), assistant("", "a", "b"), tool("b")], "no tool message answers a"),
        ([user(), assistant("", "a"), tool("a", "")], "the content of the last message can't be blank"),
        ([user(), assistant("", "a"), tool("a", None)], "the content of messages[2] must be"),
    ],
)
def test_messages(v2, messages, said):
    """Messages that break a rule are 400 `invalid_messages`, whatever the model, and told why."""
    for model in (MODEL, OPEN):
        status, kind, code, message = v2.refusal({"model": model, "messages": messages})

        assert (status, kind, code) == (400, "invalid_request_error", MESSAGES)
        assert said in message


@pytest.mark.parametrize(
    "messages",
    [
        [user(), user()],
        [assistant(), user()],
        [SYSTEM, assistant(), user()],
        [user(), assistant(), assistant(), user()],
        [user(), assistant("", "a"), tool("a"), user()],
    ],
)
def test_turns_of_ernie(v2, messages):
    """With models of ERNIE the sides take turns; other models do not mind."""
    assert v2.refusal({"model": MODEL, "messages": messages}) == (
        *(400, "invalid_request_error", MESSAGES),
        "messages of user (or tool) and assistant must take turns, the first of user",
    )
    assert v2.post({"model": OPEN, "messages": messages}).status == 200


@pytest.mark.parametrize(
    "messages",
    [
        [SYSTEM, user()],
        [user(""), assistant(""), user()],
        [user(), assistant(None, "a"), tool("a")],
        [user(), assistant("", "a", "b"), tool("b"), tool("a"), assistant(), user()],
        [user(), {**assistant(), "tool_calls": None, "reasoning_content": "x"}, user()],
        [user([IMAGE])],
    ],
)
def test_messages_that_are_good(v2, messages):
    """Conversations that keep the rules are answered."""
    assert v2.post({"model": MODEL, "messages": messages}).status == 200


def image(url):
    """Return a conversation with one image."""
    return [user([{"type": "image_url", "image_url": url}])]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (None, 'image_url must be {"url": ...}'),
        ("https://example.com/x.png", 'image_url must be {"url": ...}'),
        ({"url": 5}, 'image_url must be {"url": ...}'),
        ({"url": "ftp://x"}, "the url must begin with"),
        ({"url": "data:text/plain;base64,AAAA"}, "the url must begin with"),
        ({"url": "data:image/png,AAAA"}, "the url must begin with"),
        ({"url": "data:image/png;base64,???"}, "the image can't be read"),
        ({"url": "data:image/png;base64,AAAA"}, "the image can't be read: its format is none of"),
    ],
)
def test_images_that_cannot_be_read(v2, url, said):
    """An image that is no image is `invalid_image_url`."""
    status, kind, code, message = v2.refusal({"model": MODEL, "messages": image(url)})

    assert (status, kind, code) == (400, "invalid_request_error", "invalid_image_url")
    assert said in message


def named(name):
    """Return the choice of a tool by name."""
    return {"type": "function", "function": {"name": name}}


def function(**fields):
    """Return tools with one function."""
    return {"tools": [{"type": "function", "function": fields}]}


def schema(value):
    """Return the wish for a document of a schema."""
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": value}}}


def nested(levels):
    """Return a schema of so many levels."""
    inner = {"type": "string"}
    for _ in range(levels):
        inner = {"type": "array", "items": inner}
    return inner


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"stream": "yes"}, "stream must be a boolean"),
        ({"stream_options": []}, "stream_options must be an object"),
        ({"stream_options": {"include_usage": 1}}, "stream_options include_usage must be a boolean"),
        ({"temperature": 0}, "temperature must be a number in (0, 1]"),
        ({"temperature": 1.1}, "temperature must be a number in (0, 1]"),
        ({"temperature": "hot"}, "temperature must be a number in (0, 1]"),
        ({"top_p": -0.1}, "top_p must be a number in [0, 1]"),
        ({"penalty_score": 0.9}, "penalty_score must be a number in [1, 2]"),
        ({"frequency_penalty": 2.1}, "frequency_penalty must be a number in [-2, 2]"),
        ({"presence_penalty": -2.1}, "presence_penalty must be a number in [-2, 2]"),
        ({"repetition_penalty": 0}, "repetition_penalty must be a number in (0, 2]"),
        ({"max_tokens": 0}, "max_tokens must be an integer of at least 1"),
        ({"max_completion_tokens": 1.5}, "max_completion_tokens must be an integer of at least 1"),
        ({"seed": "x"}, "seed must be an integer"),
        ({"seed": True}, "seed must be an integer"),
        ({"stop": ""}, "stop must be an array of at most 4 strings of 1 to 20 characters"),
        ({"stop": ["a"] * 5}, "stop must be an array of at most 4 strings"),
        ({"stop": "x" * 21}, "stop must be an array of at most 4 strings"),
        ({"stop": 5}, "stop must be an array of at most 4 strings"),
        ({"user": 5}, "user must be a string"),
        ({"tools": {}}, "tools must be an array"),
        ({"tools": [5]}, 'tools[0] must be {"type": "function", "function": ...}'),
        ({"tools": [{"type": "function"}]}, "tools[0] must be"),
        ({"tools": [{"type": "retrieval", "function": {"name": "f"}}]}, "tools[0] must be"),
        (function(), "tools[0]: name can't be blank"),
        (
            function(name="f", parameters={"type": "string"}),
            "tools[0]: parameters of f must be a JSON schema",
        ),
        (function(name="f", parameters=[5]), "tools[0]: parameters of f must be a JSON schema"),
        (function(name="f", description=5), "tools[0]: description of f can't be blank"),
        (
            function(name="f", parameters={"type": "object", "properties": []}),
            "tools[0]: properties of f must be an object",
        ),
        (
            function(name="f", parameters={"type": "object", "properties": {"x": nested(70)}}),
            "tools[0]: f is nested more than 64 levels deep",
        ),
        ({"tool_choice": "any"}, "tool_choice must be one of auto, none, required, or name a function"),
        ({"tool_choice": 5}, "tool_choice must be one of"),
        ({"tool_choice": []}, "tool_choice must be one of"),
        ({"tool_choice": "required"}, "tool_choice is required, and there are no tools"),
        ({"tool_choice": named("g")}, "tool_choice names g, which is not in tools"),
        ({**function(name="f"), "tool_choice": named("g")}, "tool_choice names g, which is not in tools"),
        ({"parallel_tool_calls": "no"}, "parallel_tool_calls must be a boolean"),
        ({"response_format": "json_object"}, "response_format must be an object"),
        ({"response_format": {}}, "response_format type must be one of text, json_object, json_schema"),
        ({"response_format": {"type": "xml"}}, "response_format type must be one of"),
        ({"response_format": {"type": "json_schema"}}, "response_format json_schema must have a schema"),
        (schema(5), "response_format json_schema must have a schema"),
        (schema(nested(70)), "response_format json_schema is nested too deep"),
        ({"web_search": True}, "web_search must be an object"),
        ({"web_search": {"enable": "yes"}}, "web_search enable must be a boolean"),
    ],
)
def test_fields(v2, fields, said):
    """A field out of its range is 400 `invalid_argument`."""
    status, kind, code, message = v2.refusal({**QUESTION, **fields})

    assert (status, kind, code) == (400, "invalid_request_error", ARGUMENT)
    assert said in message


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": 1, "top_p": 0, "penalty_score": 2, "frequency_penalty": -2, "presence_penalty": 2},
        {"repetition_penalty": 2, "max_tokens": 1, "seed": -1, "stop": ["a", "b", "c", "d"], "user": "me"},
        {"functions": "unknown here", "n": 3, "metadata": {}, "logprobs": True},
        {"response_format": {"type": "text"}, "tools": [], "web_search": {}, "tool_choice": "auto"},
        {
            "web_search": {"enable": None, "search_mode": "auto"},
            "stream_options": {"include_usage": None, "x": 1},
        },
        dict.fromkeys(
            (
                *("stream", "stream_options", "temperature", "top_p", "stop", "seed", "user", "tools"),
                *("tool_choice", "parallel_tool_calls", "response_format", "web_search", "max_tokens"),
            )
        ),
    ],
)
def test_limits_unknown_fields_and_null_are_fine(v2, fields):
    """Values at the end of their range, unknown fields, and null for "not given" are answered."""
    assert v2.post({**QUESTION, **fields}).status == 200


@pytest.mark.parametrize(("temperature", "status"), [(0, 200), (2, 200), (2.1, 400)])
def test_temperature_of_other_models(v2, temperature, status):
    """Models that are not ERNIE's take temperatures from 0 to 2."""
    assert v2.post({**QUESTION, "model": OPEN, "temperature": temperature}).status == status


@pytest.mark.parametrize(
    ("body", "status", "code", "said"),
    [
        (b"", 400, "malformed_json", "Invalid Argument"),
        (b"{", 400, "malformed_json", "Invalid Argument"),
        (b"\xff", 400, "malformed_json", "Invalid Argument"),
        (b"[]", 400, ARGUMENT, "the body must be a JSON object"),
        (b'"hi"', 400, ARGUMENT, "the body must be a JSON object"),
        (b"{}", 400, "invalid_model", "model is empty"),
        (b'{"model":null}', 400, "invalid_model", "model is empty"),
        (b'{"model":""}', 400, "invalid_model", "model is empty"),
        (b'{"model":["x"]}', 400, "invalid_model", "model must be a string"),
        (b'{"model":"x"}', 401, "invalid_model", "No permission to use the model"),
    ],
)
@pytest.mark.parametrize(
    "path",
    ["/chat/completions", "/completions", "/embeddings", "/rerank", "/rerankers", "/images/generations"],
)
def test_bodies_and_models(v2, path, body, status, code, said):
    """What is no call of any kind is refused alike everywhere."""
    assert refusal(v2.send(path, body)) == (status, "invalid_request_error", code, said)


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ({"messages": [user("x" * 20001)]}, "characters_too_long", "the max input characters is 20000"),
        (
            {"messages": [{**SYSTEM, "content": "x" * 15000}, user("x" * 15000)]},
            "characters_too_long",
            "the max input characters is 20000",
        ),
        ({"messages": [user("字" * 5121)]}, "tokens_too_long", "Prompt tokens too long"),
    ],
)
def test_lengths(v2, body, code, said):
    """Messages longer than the model takes have codes of their own; the system's are counted."""
    assert v2.refusal({"model": MODEL, **body}) == (400, "invalid_request_error", code, said)


def test_a_body_that_is_too_large(v2):
    """A body of more than 4 MiB is refused at HTTP 413 in v2's shape; the exchange has its own."""
    body = b"x" * (4 * 1024 * 1024 + 1)
    for response in (
        v2.send("/chat/completions", body),
        v2.http.request("GET", f"{v2.platform.url}/qianfan/images/x.png", body=body),
    ):
        status, _, code, _ = refusal(response)
        assert (status, code) == (413, "characters_too_long")
    response = v2.http.request("GET", f"{v2.platform.url}/v1/BCE-BEARER/token", body=body)
    assert (response.status, response.json()["code"]) == (413, "EntityTooLarge")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/chat/completions", 405, "method_not_allowed"),
        ("PUT", "/embeddings", 405, "method_not_allowed"),
        ("POST", "/models", 405, "method_not_allowed"),
        ("GET", "/models/ernie-4.0-8k", 404, "not_found"),
        ("POST", "/images/edits", 404, "not_found"),
        ("POST", "/responses", 404, "not_found"),
        ("POST", "/chat/completions/", 404, "not_found"),
        ("GET", "/", 404, "not_found"),
    ],
)
def test_methods_and_paths(v2, method, path, status, code):
    """Other methods and paths are refused in v2's shape."""
    assert refusal(v2.send(path, b"{}", method=method))[:3] == (status, "invalid_request_error", code)


def test_a_fault_of_ours_has_the_shape_of_v2(start, caplog):
    """Should the platform itself fail, it answers 500 `internal_error` and logs why."""
    v2 = V2(start())
    v2.platform._state.quotas = None  # the one way to break it from outside

    with caplog.at_level("ERROR", "qianfan"):
        told = v2.refusal(QUESTION)

    assert told == (500, "internal_error", "internal_error", "Internal error")
    assert "the local platform failed on POST /v2/chat/completions" in caplog.text


def test_every_code_is_in_the_table_of_rules():
    """The table of rules says where each code of v2 is known from."""
    assert set(errors._ERRORS) <= {rule.code for rule in RULES}
    assert {errors.translated(Refusal(number)).code for number in CODES if isinstance(number, int)} <= set(
        errors._ERRORS
    )
