"""The v2 dialect: what goes on the wire, and what comes back means (the platform documentation, §5.2, §7)."""

from __future__ import annotations

import copy
import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest
from support.replies import TEXT
from support.v2 import DONE, USAGE, chat_body, choice, chunk, error_body, framed, tool_call

from qianfan import catalog
from qianfan.core.auth.bearer import KeyAuth
from qianfan.core.call import Call
from qianfan.core.flow import Exchange, stream, unary
from qianfan.core.http import Reply, Request
from qianfan.core.retry import RetryPolicy
from qianfan.core.v2 import V2, encode
from qianfan.errors import (
    APIError,
    AuthError,
    BadRequestError,
    InternalError,
    InvalidArgumentError,
    RateLimitError,
    RequestError,
)

from .interpreter import Script

if TYPE_CHECKING:
    from qianfan.response import Response

BASE = "https://host/v2"
USER = {"role": "user", "content": "你好"}
HEAD = Reply(200, {"Content-Type": "text/event-stream", "X-Baidu-Request-Id": "head"})


def chat(model: str | None = None, endpoint: str | None = None, **fields: Any) -> Call:
    """Return a neutral chat request."""
    return Call("chat", model, endpoint, {"messages": [USER], **fields})


def completion(model: str | None = None, endpoint: str | None = None, **fields: Any) -> Call:
    """Return a neutral request to write on."""
    return Call("completion", model, endpoint, {"prompt": "从前", **fields})


def body(request: Request) -> Any:
    """Return what a request says."""
    return json.loads(request.body)


class TestModel:
    """Which id a model or an endpoint means."""

    @pytest.mark.parametrize(
        ("model", "sent"),
        [
            (None, "ernie-lite-8k"),
            ("", "ernie-lite-8k"),
            # renamed by the platform's documentation, in any case
            ("ERNIE-Bot-turbo", "ernie-lite-8k"),
            ("ERNIE-Bot", "ernie-3.5-8k"),
            ("ernie-bot", "ernie-3.5-8k"),
            ("ERNIE-Bot-4", "ernie-4.0-8k"),
            ("ERNIE-Speed", "ernie-speed-8k"),
            ("ERNIE-4.0-Turbo-8K-Latest", "ernie-4.0-turbo-8k-latest"),
            # v2's own, in any case
            ("ernie-4.5-turbo-128k", "ernie-4.5-turbo-128k"),
            ("ERNIE-4.5-Turbo-128K", "ernie-4.5-turbo-128k"),
            ("DeepSeek-R1", "deepseek-r1"),
            # no successor is documented, or nothing is known: as it is
            ("Llama-2-7b-chat", "Llama-2-7b-chat"),
            ("My-Model_7", "My-Model_7"),
            ("org/模型", "org/模型"),
        ],
    )
    def test_model(self, model: str | None, sent: str) -> None:
        """A name goes as the id that the platform documents for it, or as it is."""
        request = encode(chat(model), BASE)

        assert (request.url, body(request)["model"]) == (f"{BASE}/chat/completions", sent)

    @pytest.mark.parametrize("model", [it for it in catalog.models("chat") if it.v2], ids=lambda it: it.name)
    def test_every_rename(self, model: catalog.Model) -> None:
        """Every name that the catalogue maps leads to a model that v2 has."""
        sent = body(encode(chat(model.name), BASE))["model"]

        assert sent == model.v2
        assert catalog.find_v2("chat", sent) is not None

    @pytest.mark.parametrize(
        ("model", "endpoint", "sent"),
        [
            (None, "my_service", "my_service"),
            ("ERNIE-Bot-4", "my_service", "my_service"),
            ("ERNIE-Bot-4", "", "ernie-4.0-8k"),
            # an endpoint of a preset service of v1 is its model; without a successor it is a name
            (None, "completions_pro", "ernie-4.0-8k"),
            (None, "eb-instant", "ernie-lite-8k"),
            (None, "llama_2_7b", "llama_2_7b"),
        ],
    )
    def test_endpoint(self, model: str | None, endpoint: str, sent: str) -> None:
        """A service of the user's own goes by its name, which decides over a model."""
        assert body(encode(chat(model, endpoint), BASE))["model"] == sent

    @pytest.mark.parametrize("endpoint", ["chat/mine", "/chat/mine/", f"{BASE}/chat/mine"])
    def test_more_than_a_name(self, endpoint: str) -> None:
        """A path or a URL as endpoint is refused as on v1, and the part that would do is named."""
        with pytest.raises(InvalidArgumentError, match="more than a name") as caught:
            encode(chat(endpoint=endpoint), BASE)

        assert "endpoint='mine'" in caught.value.hint

    @pytest.mark.parametrize(
        ("call", "path", "sent"),
        [
            (completion(), "/chat/completions", "ernie-lite-8k"),
            (completion("ERNIE-Bot-4"), "/chat/completions", "ernie-4.0-8k"),
            (completion("deepseek-v3"), "/chat/completions", "deepseek-v3"),
            (completion("unheard-of"), "/chat/completions", "unheard-of"),
            (completion("SQLCoder-7B"), "/completions", "SQLCoder-7B"),
            (completion(endpoint="my_service"), "/completions", "my_service"),
            (completion("SQLCoder-7B", "my_service"), "/completions", "my_service"),
            (completion("ERNIE-Bot-4", "my_service"), "/chat/completions", "my_service"),
            (completion("unheard-of", "my_service"), "/completions", "my_service"),
            (completion(endpoint="completions_pro"), "/chat/completions", "ernie-4.0-8k"),
        ],
        ids=lambda it: "/".join(filter(None, it[1:3])) if isinstance(it, Call) else it,
    )
    def test_completions(self, call: Call, path: str, sent: str) -> None:
        """A completion of a chat model is a chat, by the same rules as on v1."""
        request = encode(call, BASE)

        assert (request.url, body(request)["model"]) == (BASE + path, sent)
        if path == "/completions":
            assert body(request)["prompt"] == "从前"
        else:
            assert body(request)["messages"] == [{"role": "user", "content": "从前"}]
            assert "prompt" not in body(request)

    @pytest.mark.parametrize(
        ("kind", "fields", "path", "model"),
        [
            ("embedding", {"input": ["x"]}, "/embeddings", "embedding-v1"),
            ("reranker", {"query": "x", "documents": ["y"]}, "/rerank", "bce-reranker-base"),
            ("text2image", {"prompt": "x"}, "/images/generations", "irag-1.0"),
        ],
    )
    def test_other_kinds(self, kind: str, fields: dict[str, Any], path: str, model: str) -> None:
        """Every kind that v2 has goes to its own path, with its fields as they are and the user's id as v2 calls it."""
        request = encode(Call(kind, None, None, {**fields, "user_id": "u"}), BASE)

        assert (request.method, request.url) == ("POST", BASE + path)
        assert body(request) == {"model": model, **fields, "user": "u"}

    @pytest.mark.parametrize("kind", ["plugin", "image2text", "tokenizer"])
    def test_kinds_of_v1(self, kind: str) -> None:
        """What exists on v1 only is refused before anything is sent, with the keys that would do."""
        with pytest.raises(InvalidArgumentError, match=f"v2 has no {kind} services") as caught:
            encode(Call(kind, None, None, {"prompt": "x"}), BASE)

        assert "access_key=" in caught.value.hint

    def test_the_list_of_models(self) -> None:
        """The list is asked for without a body."""
        call = Call("models", None, None, {}, query={"a": "b c"}, headers={"X-A": "b"})

        assert encode(call, BASE) == Request(
            "GET", f"{BASE}/models?a=b+c", {"Content-Type": "application/json", "X-A": "b"}
        )


class TestBody:
    """What the body says."""

    @pytest.mark.parametrize(
        ("fields", "sent"),
        [
            ({}, {}),
            ({"temperature": 0.5, "seed": 7, "new": {"a": [1, None]}},) * 2,
            ({"stop": None, "temperature": None, "stream_options": None}, {}),
            ({"top_p": 0, "stop": [], "tools": []},) * 2,
            ({"stop": ("a", "b")}, {"stop": ["a", "b"]}),
            ({"user_id": "u", "max_output_tokens": 9}, {"user": "u", "max_completion_tokens": 9}),
            ({"temperature": np.float64(0.5), "seed": np.int64(7)}, {"temperature": 0.5, "seed": 7}),
            ({"temperature": np.float32(0.5), "flag": np.bool_(True)}, {"temperature": 0.5, "flag": True}),
            ({"vector": np.array([1.5, 2.5])}, {"vector": [1.5, 2.5]}),
            ({"extra": MappingProxyType({"a": 1})}, {"extra": {"a": 1}}),
        ],
        ids=[
            "nothing",
            "known",
            "None",
            "falsy",
            "tuple",
            "old words",
            "numpy",
            "numpy again",
            "array",
            "mapping",
        ],
    )
    def test_fields(self, fields: dict[str, Any], sent: dict[str, Any]) -> None:
        """Fields travel in the words of v2, known or not; only one that is None was not given."""
        assert body(encode(chat(**fields), BASE)) == {"model": "ernie-lite-8k", "messages": [USER], **sent}

    @pytest.mark.parametrize(
        "value", [float("nan"), float("inf"), np.float64("nan"), {1}, object(), "\ud800"], ids=repr
    )
    def test_no_json(self, value: Any) -> None:
        """What JSON does not have is refused before anything is sent."""
        with pytest.raises(InvalidArgumentError, match="JSON"):
            encode(chat(temperature=value), BASE)

    @pytest.mark.parametrize(
        ("given", "sent"),
        [
            (None, {"include_usage": True}),
            ({}, {"include_usage": True}),
            ({"include_usage": False}, {"include_usage": False}),
            ({"chunk_include_usage": True}, {"include_usage": True, "chunk_include_usage": True}),
            ("nonsense", "nonsense"),
        ],
    )
    def test_a_stream_tells_its_usage(self, given: Any, sent: Any) -> None:
        """A stream is asked to tell its usage, as v1 does unasked, unless the call says otherwise."""
        call = chat(stream_options=given)._replace(stream=True)

        assert body(encode(call, BASE)) == {
            "model": "ernie-lite-8k",
            "messages": [USER],
            "stream": True,
            "stream_options": sent,
        }

    def test_headers_and_query(self) -> None:
        """Headers and query of the call are added; no header goes out twice in two spellings."""
        headers = {"content-type": "application/json; charset=utf-8", "X-A": "b"}
        request = encode(chat()._replace(headers=headers, query={"a": "1 &2"}), BASE)

        assert request.headers == headers
        assert request.url == f"{BASE}/chat/completions?a=1+%262"

    def test_the_call_stays_as_it_is(self) -> None:
        """Writing a request changes nothing of the call, which every attempt shares."""
        fields = {
            "messages": [
                USER,
                {"role": "assistant", "content": "", "function_call": {"name": "f", "arguments": "{}"}},
            ],
            "functions": [{"name": "f"}],
            "system": "x",
            "disable_search": True,
            "stream_options": {"include_usage": True},
        }
        call = Call("chat", None, None, MappingProxyType(copy.deepcopy(fields)), stream=True)
        encode(call, BASE)

        assert dict(call.fields) == fields


def reply(sent: Any, status: int = 200, **headers: str) -> Reply:
    """Return a JSON reply; `Retry_After` stands for `Retry-After`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"Content-Type": "application/json", **named}, orjson.dumps(sent))


def decoded(sent: Any, call: Call | None = None, status: int = 200) -> Response:
    """Return what a reply means."""
    return V2(call or chat()).decode(reply(sent, status))


#: What code for v1 reads of every whole reply.
_V1_KEYS = (
    "id",
    "object",
    "created",
    "result",
    "is_truncated",
    "need_clear_history",
    "finish_reason",
    "usage",
)


class TestDecode:
    """What a whole reply means."""

    def test_both_forms(self) -> None:
        """The body keeps what came, and has the names of v1 beside it."""
        made = decoded(chat_body(choice(flag=0)))

        assert made.body == {
            **chat_body(choice(flag=0)),
            "result": TEXT,
            "is_truncated": False,
            "need_clear_history": False,
            "finish_reason": "stop",
        }
        assert made["result"] == made["body"]["result"] == made.choices[0].message.content == TEXT
        assert made["choices"][0]["message"]["content"] == made.result
        assert (made.usage.total_tokens, made.model, made.code) == (5, "ernie-3.5-8k", 200)
        assert all(key in made for key in _V1_KEYS)

    @pytest.mark.parametrize(
        ("told", "expected"),
        [
            (choice(None), {"result": ""}),
            (choice(""), {"result": ""}),
            ({"message": None, "finish_reason": "stop"}, {"result": ""}),
            ({}, {"result": "", "finish_reason": None}),
            (choice(["x"]), {"result": ""}),
            (choice(finish="length"), {"is_truncated": True, "finish_reason": "length"}),
            (choice(finish="normal"), {"is_truncated": False, "finish_reason": "normal"}),
            (
                choice(finish="content_filter"),
                {"finish_reason": "content_filter", "need_clear_history": False},
            ),
            (choice(finish="content_filter", flag=3), {"need_clear_history": True}),
            (choice(flag=0), {"need_clear_history": False}),
            (choice(need_clear_history=True), {"need_clear_history": True}),
            (choice(flag=1, ban_round=-1), {"need_clear_history": True, "ban_round": -1}),
            (choice(message={"reasoning_content": "想"}), {"result": TEXT, "reasoning_content": "想"}),
        ],
        ids=str,
    )
    def test_names_of_v1(self, told: Any, expected: dict[str, Any]) -> None:
        """What a choice says is said under the names of v1 too."""
        made = decoded(chat_body(told))

        assert {name: made[name] for name in expected} == expected

    def test_a_tool_call(self) -> None:
        """v1's one function call is the first tool call, with its id; it ended for v1's reason."""
        made = decoded(
            chat_body(choice(None, "tool_calls", message={"tool_calls": [tool_call(), tool_call("b")]}))
        )

        assert made["function_call"] == {"name": "f", "arguments": "{}", "id": "call_a"}
        assert (made["result"], made["finish_reason"]) == ("", "function_call")
        assert made["choices"][0]["finish_reason"] == made.choices[0].finish_reason == "tool_calls"
        assert [call.id for call in made.choices[0].message.tool_calls or ()] == ["call_a", "b"]

    @pytest.mark.parametrize("calls", [None, [], {}, "x", [None], ["f"]], ids=str)
    def test_no_tool_call(self, calls: Any) -> None:
        """Where there is none, or what cannot be read as one, there is no function call."""
        assert "function_call" not in decoded(chat_body(choice(message={"tool_calls": calls})))

    @pytest.mark.parametrize("call", [{"id": "x"}, {"id": None, "function": None}], ids=str)
    def test_a_call_of_nothing(self, call: Any) -> None:
        """A tool call without a function keeps its id alone."""
        made = decoded(chat_body(choice(message={"tool_calls": [call]})))

        assert made["function_call"] == {"id": call["id"] or ""}

    def test_what_a_search_found(self) -> None:
        """The sources of a web search stand where v1 has them too."""
        found = [{"index": 1, "url": "http://host", "title": "t"}]
        made = decoded(chat_body(search_results=found))

        assert made["search_info"] == {"search_results": found}
        assert made["search_results"] == found

    @pytest.mark.parametrize(
        ("call", "told", "result"),
        [
            (completion(), choice("很久"), "很久"),
            (completion(endpoint="mine"), {"index": 0, "text": "很久", "finish_reason": "stop"}, "很久"),
        ],
    )
    def test_completions(self, call: Call, told: Any, result: str) -> None:
        """A text written on is read from either form, and is called a completion."""
        made = decoded(chat_body(told), call)

        assert (made["result"], made["object"], made["finish_reason"]) == (result, "completion", "stop")

    def test_other_kinds(self) -> None:
        """Replies of kinds that do not write are left as they came."""
        sent = {"id": "as-1", "results": [{"index": 0}], "usage": USAGE}

        assert decoded(sent, Call("reranker", None, None, {})).body == sent

    def test_vectors(self) -> None:
        """Vectors come back in the order of the texts; a wrong number of them is no reply."""
        vectors = [{"embedding": [float(index)], "index": index} for index in (1, 0)]
        call = Call("embedding", None, None, {"input": ["a", "b"]})

        assert [it["index"] for it in decoded({"data": vectors}, call)["data"]] == [0, 1]
        with pytest.raises(RequestError, match="vectors came for 2 texts"):
            decoded({"data": vectors[:1]}, call)

    def test_error_null(self) -> None:
        """An error of null is none."""
        assert decoded(chat_body(error=None))["result"] == TEXT

    @pytest.mark.parametrize("choices", [[], None, {}, "x", [None], ["x"]], ids=str)
    def test_no_choices(self, choices: Any) -> None:
        """A reply that holds no answer is unusable, and is shown."""
        with pytest.raises(RequestError, match="holds no choices") as caught:
            decoded(chat_body(choices=choices))

        assert "as-abcde12345" in caught.value.body

    @pytest.mark.parametrize("sent", [[], "x", None, 1])
    def test_no_object(self, sent: Any) -> None:
        """A reply that is no JSON object is unusable."""
        with pytest.raises(RequestError, match="no JSON object"):
            decoded(sent)


#: What the documentation lists: status, code, class, and whether the call is tried again.
DOCUMENTED: list[tuple[int, str, type[APIError], bool]] = [
    (400, "malformed_json", BadRequestError, False),
    (400, "invalid_model", BadRequestError, False),
    (400, "invalid_messages", BadRequestError, False),
    (400, "characters_too_long", BadRequestError, False),
    (400, "tokens_too_long", BadRequestError, False),
    (400, "invalid_argument", BadRequestError, False),
    (400, "invalid_image_genration_prompt", BadRequestError, False),
    (400, "invalid_image_genration_refer_image", BadRequestError, False),
    (400, "invalid_image_url", BadRequestError, False),
    (400, "invalid_plugin_argument", BadRequestError, False),
    (400, "image_url_unsafe", BadRequestError, False),
    (401, "no_parameter_permission", AuthError, False),
    (401, "invalid_model", AuthError, False),
    (401, "invalid_appid", AuthError, False),
    (401, "invalid_iam_token", AuthError, False),
    (429, "rpm_rate_limit_exceeded", RateLimitError, True),
    (429, "tpm_rate_limit_exceeded", RateLimitError, True),
    (500, "internal_error", InternalError, True),
]

#: What it does not: the status decides.
OTHERS: list[tuple[int, Any, type[APIError], bool]] = [
    (400, "brand_new", BadRequestError, False),
    (404, "not_found", BadRequestError, False),
    (403, "brand_new", AuthError, False),
    (429, "brand_new", RateLimitError, True),
    (500, "brand_new", InternalError, True),
    (503, "brand_new", InternalError, True),
    (503, "invalid_argument", InternalError, True),
    (503, "rpm_rate_limit_exceeded", RateLimitError, True),
    (429, 336501, RateLimitError, True),
    (429, 18, RateLimitError, True),
]


class TestErrors:
    """What a refusal means."""

    @pytest.mark.parametrize(("status", "code", "kind", "again"), [*DOCUMENTED, *OTHERS])
    def test_class(self, status: int, code: Any, kind: type[APIError], again: bool) -> None:
        """Status and code together decide the class, and whether the call is worth another attempt."""
        with pytest.raises(APIError) as caught:
            decoded(error_body(code), status=status)
        error = caught.value

        assert (type(error), error.error_code, error.status) == (kind, code, status)
        assert (error.error_msg, error.request_id) == ("words", "as-0000000000")
        assert error.retryable is RetryPolicy().allows(error) is again

    @pytest.mark.parametrize(("status", "code", "kind", "again"), DOCUMENTED)
    def test_hints(self, status: int, code: str, kind: Any, again: bool) -> None:  # noqa: ARG002  # the table's
        """Every documented refusal says what to do next, in both languages."""
        with pytest.raises(APIError) as caught:
            decoded(error_body(code), status=status)

        assert caught.value.hint
        assert caught.value.hint in str(caught.value)

    @pytest.mark.parametrize(
        ("sent", "code", "message"),
        [
            ({"error": "out of order"}, "unknown", "out of order"),
            ({"error": {"message": "m"}}, "unknown", "m"),
            ({"error": {"type": "t", "message": "m"}}, "t", "m"),
            ({"error": {"code": None, "type": None, "message": None}}, "unknown", ""),
            ({"error": {"code": 7.5}}, "7.5", ""),
            ({"error": ["x"]}, "unknown", "['x']"),
            # as the console's gateway words it
            ({"requestId": "r-1", "code": "AccessDenied", "message": "m"}, "AccessDenied", "m"),
        ],
        ids=str,
    )
    def test_other_shapes(self, sent: Any, code: str, message: str) -> None:
        """An error in another shape is an error too."""
        with pytest.raises(BadRequestError) as caught:
            decoded(sent, status=400)

        assert (caught.value.error_code, caught.value.error_msg) == (code, message)
        assert caught.value.request_id == sent.get("requestId")

    def test_the_id_in_the_head(self) -> None:
        """The request id of the reply's head comes first."""
        with pytest.raises(APIError) as caught:
            V2(chat()).decode(reply(error_body(), 400, X_Baidu_Request_Id="head"))

        assert caught.value.request_id == "head"

    def test_an_error_with_200(self) -> None:
        """An error is one whatever the status says."""
        with pytest.raises(RateLimitError):
            decoded(error_body("rpm_rate_limit_exceeded"))

    @pytest.mark.parametrize(("status", "again"), [(502, True), (404, False)])
    def test_no_error_body(self, status: int, again: bool) -> None:
        """A status without the platform's words is told with the start of what came."""
        with pytest.raises(RequestError, match=f"HTTP {status}") as caught:
            decoded({"oh": "no"}, status=status)

        assert (caught.value.retryable, caught.value.body) == (again, '{"oh":"no"}')

    @pytest.mark.parametrize(
        ("call", "near"),
        [
            (chat("ernie-4.5-turbo-182k"), "ernie-4.5-turbo-128k"),
            (chat(endpoint="ernie-4.5-turbo-182k"), "ernie-4.5-turbo-128k"),
            (chat("ERNIE-4.0-8K-0613"), "ernie-4.0-8k"),
            (chat("ernie-4.5-turbo-128k"), None),
            (chat("ERNIE-Bot-4"), None),
            (chat("zzzzzz"), None),
            (chat(), None),
            (Call("models", None, None, {}), None),
        ],
        ids=[
            "misspelt",
            "as endpoint",
            "retired",
            "living",
            "renamed",
            "nothing like it",
            "default",
            "the list",
        ],
    )
    def test_an_unknown_model(self, call: Call, near: str | None) -> None:
        """The refusal of a model that the catalogue does not have names those that look like it."""
        with pytest.raises(AuthError) as caught:
            decoded(error_body("invalid_model"), call, 401)

        assert (near or "client.models.list()") in caught.value.hint
        assert ("near names" in caught.value.hint) is (near is not None)


POLICY = RetryPolicy()


def exchange(**rules: Any) -> Exchange:
    """Return an exchange whose pauses are half of what they may be at most."""
    request = encode(chat(), BASE)
    return Exchange(
        request,
        KeyAuth("bce-v3/ALTAK-x/y"),
        **{"policy": POLICY, "timeout": 60.0, "chance": lambda: 0.5, **rules},
    )


class TestRetry:
    """What is tried again, and when."""

    @pytest.mark.parametrize(("status", "code", "kind", "again"), [*DOCUMENTED, *OTHERS])
    def test_unary(self, status: int, code: Any, kind: type[APIError], again: bool) -> None:
        """Three attempts where the failure passes with time, one where it does not."""
        script = Script(*[reply(error_body(code), status)] * 3)
        with pytest.raises(kind) as caught:
            script.run(unary(exchange(), V2(chat()).decode))

        assert len(script.answers) == (0 if again else 2)
        assert len(caught.value.attempts) == (3 if again else 1)

    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_retry_after(self, status: int) -> None:
        """The wait that the service asks for is kept to."""
        refusal = reply(error_body("brand_new"), status, Retry_After="7")
        script = Script(refusal, reply(chat_body()))

        assert script.run(unary(exchange(), V2(chat()).decode))["result"] == TEXT
        assert script.pauses == [7.0]

    def test_codes_of_the_users_choice(self) -> None:
        """Codes that a user names count on v2 where they are numbers; its words are judged as documented."""
        policy = POLICY._replace(codes=frozenset({7}))
        script = Script(
            reply(error_body(7), 400), reply(error_body("internal_error"), 500), reply(chat_body())
        )

        assert script.run(unary(exchange(policy=policy), V2(chat()).decode))["result"] == TEXT

    def test_a_stream_refused(self) -> None:
        """A stream that is refused before its first event is tried again; the refusal comes whole, or as an event."""
        limited = error_body("rpm_rate_limit_exceeded")
        script = Script(
            *(reply(limited, 429)._replace(body=b""), orjson.dumps(limited), b""),
            *(HEAD, b"data: " + orjson.dumps(limited) + b"\n\n"),
            *(HEAD, *framed(chunk("好", "stop"), DONE), b""),
        )
        script.run(stream(exchange(), V2(chat())))

        assert script.emitted == [["好"]]
        assert script.pauses == [0.5, 1.0]

    def test_never_after_the_first_event(self) -> None:
        """A failure within the stream is final, whatever it is; what had come is kept."""
        script = Script(HEAD, *framed(chunk("你"), error_body("rpm_rate_limit_exceeded")))
        with pytest.raises(RateLimitError) as caught:
            script.run(stream(exchange(), V2(chat())))

        assert caught.value.partial["result"] == "你"
        assert script.pauses == []
