"""The v1 dialect: what goes on the wire, and what comes back means."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

import orjson
import pytest

from qianfan.core.call import Call
from qianfan.core.http import Reply, Request
from qianfan.core.sse import Event
from qianfan.core.v1 import V1, encode
from qianfan.errors import (
    AccessTokenExpiredError,
    APIError,
    AuthError,
    BadRequestError,
    InvalidArgumentError,
    QianfanError,
    QuotaError,
    RateLimitError,
    RequestError,
)
from qianfan.messages import Role
from qianfan.response import Record, Response

PREFIX = "https://host/rpc/2.0/ai_custom/v1/wenxinworkshop"
MESSAGES = [{"role": "user", "content": "你好"}]


def chat(model: str | None = None, endpoint: str | None = None, **fields: Any) -> Call:
    """Return a neutral chat request."""
    return Call("chat", model, endpoint, {"messages": MESSAGES, **fields})


def body(request: Request) -> Any:
    """Return what a request says."""
    return json.loads(request.body)


class TestUrl:
    """Which URL a model or an endpoint means (the platform documentation, §3.8)."""

    @pytest.mark.parametrize(
        ("model", "path"),
        [
            (None, "chat/eb-instant"),
            ("", "chat/eb-instant"),
            ("ERNIE-Bot-turbo", "chat/eb-instant"),
            ("ERNIE-Bot", "chat/completions"),
            ("ERNIE-Bot-4", "chat/completions_pro"),
            ("BLOOMZ-7B", "chat/bloomz_7b1"),
            ("Llama-2-7b-chat", "chat/llama_2_7b"),
            ("Llama-2-13b-chat", "chat/llama_2_13b"),
            ("Llama-2-70b-chat", "chat/llama_2_70b"),
            ("Qianfan-BLOOMZ-7B-compressed", "chat/qianfan_bloomz_7b_compressed"),
            ("Qianfan-Chinese-Llama-2-7B", "chat/qianfan_chinese_llama_2_7b"),
            ("ChatGLM2-6B-32K", "chat/chatglm2_6b_32k"),
            ("AquilaChat-7B", "chat/aquilachat_7b"),
            # case apart, later spellings, renamed and later models
            ("ernie-bot", "chat/completions"),
            ("ERNIE-BOT-4", "chat/completions_pro"),
            ("Llama-2-7B-Chat", "chat/llama_2_7b"),
            ("ERNIE-Lite-8K-0922", "chat/eb-instant"),
            ("ERNIE-3.5-8K", "chat/completions"),
            ("ERNIE-4.0-8K", "chat/completions_pro"),
            ("ERNIE-Bot-turbo-AI", "chat/ai_apaas"),
            ("ERNIE-Lite-8K", "chat/ernie-lite-8k"),
            # a model the catalogue does not know goes to the wire as it is
            ("my-model", "chat/my-model"),
            ("My-Model", "chat/My-Model"),
            ("模型 1/2?", "chat/%E6%A8%A1%E5%9E%8B%201%2F2%3F"),
        ],
    )
    def test_model(self, model: str | None, path: str) -> None:
        """A model's name gives the URL that the platform documents, or is itself the last part."""
        assert encode(chat(model), PREFIX).url == f"{PREFIX}/{path}"

    @pytest.mark.parametrize(
        ("model", "endpoint", "path"),
        [
            (None, "your_custom_endpoint", "chat/your_custom_endpoint"),
            ("ERNIE-Bot", "your_custom_endpoint", "chat/your_custom_endpoint"),
            ("ERNIE-Bot", "", "chat/completions"),
            (None, "a b?c", "chat/a%20b%3Fc"),
        ],
    )
    def test_endpoint(self, model: str | None, endpoint: str, path: str) -> None:
        """An endpoint decides over a model, and is the last part of the URL."""
        assert encode(chat(model, endpoint), PREFIX).url == f"{PREFIX}/{path}"

    @pytest.mark.parametrize(
        ("endpoint", "hint"),
        [
            ("/chat/mine", "endpoint='mine'"),
            ("chat/mine/", "endpoint='mine'"),
            (f"{PREFIX}/chat/mine", "endpoint='mine'"),
        ],
    )
    def test_more_than_a_name(self, endpoint: str, hint: str) -> None:
        """A path or a URL as endpoint is refused, and the part that would do is named."""
        with pytest.raises(InvalidArgumentError, match="more than a name") as caught:
            encode(chat(endpoint=endpoint), PREFIX)

        assert hint in str(caught.value)

    @pytest.mark.parametrize(
        ("call", "path"),
        [
            (chat(endpoint="private/my-service"), "private/my-service"),
            (chat(endpoint="/private/my-service"), "private/my-service"),
            (chat("ERNIE-Bot"), "chat/completions"),
        ],
    )
    def test_verbatim(self, call: Call, path: str) -> None:
        """With QIANFAN_USE_CUSTOM_ENDPOINT an endpoint is the whole rest of the URL."""
        assert encode(call, PREFIX, verbatim=True).url == f"{PREFIX}/{path}"

    def test_query(self) -> None:
        """Query parameters are added, encoded."""
        call = chat()._replace(query={"a": "1 &2", "b": "x"})

        assert encode(call, PREFIX).url == f"{PREFIX}/chat/eb-instant?a=1+%262&b=x"


class TestBody:
    """What the body says."""

    @pytest.mark.parametrize(
        ("fields", "sent"),
        [
            ({}, {}),
            ({"temperature": 0.5, "user_id": "u"}, {"temperature": 0.5, "user_id": "u"}),
            ({"stop": None, "temperature": None}, {}),
            ({"top_p": 0, "system": "", "stop": [], "disable_search": False},) * 2,
            ({"appeared_yesterday": {"a": [1, None]}},) * 2,
            ({"stop": ("a", "b")}, {"stop": ["a", "b"]}),
        ],
        ids=["nothing", "known", "None", "falsy", "unknown", "tuple"],
    )
    def test_fields(self, fields: dict[str, Any], sent: dict[str, Any]) -> None:
        """Fields travel as they are, known or not; only one that is None was not given."""
        assert body(encode(chat(**fields), PREFIX)) == {"messages": MESSAGES, **sent}

    @pytest.mark.parametrize(("stream", "sent"), [(True, {"stream": True}), (False, {})])
    def test_stream(self, stream: bool, sent: dict[str, Any]) -> None:
        """`stream` is said where it is wanted."""
        assert body(encode(chat()._replace(stream=stream), PREFIX)) == {"messages": MESSAGES, **sent}

    @pytest.mark.parametrize(
        ("message", "sent"),
        [
            ({"role": Role.User, "content": "x"}, {"role": "user", "content": "x"}),
            (Record({"role": "user", "content": "x"}), {"role": "user", "content": "x"}),
            (MappingProxyType({"role": "user", "content": "x"}), {"role": "user", "content": "x"}),
            (
                {"role": "assistant", "content": "", "function_call": Record({"name": "f"})},
                {"role": "assistant", "content": "", "function_call": {"name": "f"}},
            ),
        ],
        ids=["a role", "a record", "a mapping", "a function call"],
    )
    def test_messages(self, message: Any, sent: Any) -> None:
        """What replies and `Messages` hand out, and any mapping, can be sent again."""
        assert body(encode(Call("chat", None, None, {"messages": [message]}), PREFIX)) == {"messages": [sent]}

    @pytest.mark.parametrize(
        "value",
        [object(), {1, 2}, b"bytes", {1: "int key"}, "\ud800", 2**70, float],
        ids=lambda value: str(type(value)),
    )
    def test_what_is_no_json(self, value: Any) -> None:
        """A value that JSON cannot say is refused before anything is sent."""
        with pytest.raises(InvalidArgumentError, match="cannot be written as JSON") as caught:
            encode(chat(extra=value), PREFIX)

        assert caught.value.__cause__ is None

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
    def test_what_is_no_number(self, value: float) -> None:
        """A number that JSON does not have is refused, not sent as null."""
        with pytest.raises(InvalidArgumentError, match="temperature="):
            encode(chat(temperature=value), PREFIX)

    def test_the_call_stays_as_it_is(self) -> None:
        """Encoding changes nothing in what the caller gave."""
        fields = {"messages": MESSAGES, "stop": None}

        encode(Call("chat", None, None, fields, stream=True), PREFIX)

        assert fields == {"messages": MESSAGES, "stop": None}

    def test_headers(self) -> None:
        """Headers say JSON; the caller's come on top, for this call only."""
        with_own = encode(chat()._replace(headers={"Request_id": "r", "User-Agent": "mine"}), PREFIX).headers
        without = encode(chat(), PREFIX).headers

        assert (with_own["Request_id"], with_own["User-Agent"]) == ("r", "mine")
        assert without == {"Content-Type": "application/json"}

    @pytest.mark.parametrize(
        ("name", "value", "says"),
        [
            ("", "v", "'' is no name of an HTTP header"),
            ("X A", "v", "no name"),
            ("X:A", "v", "no name"),
            ("X-A\n", "v", "no name"),
            ("名", "v", "no name"),
            (1, "v", "no name"),
            ("X-A", "名", "header X-A holds"),
            ("X-A", "a\r\nX-B: b", "header X-A holds"),
            ("X-A", 1, "header X-A holds"),
            ("X-A", None, "header X-A holds"),
        ],
    )
    def test_what_is_no_header(self, name: Any, value: Any, says: str) -> None:
        """A header that HTTP cannot carry, or that would smuggle in another, is refused before it is sent."""
        with pytest.raises(InvalidArgumentError, match=says) as caught:
            encode(chat()._replace(headers={name: value}), PREFIX)

        assert caught.value.hint


JSON = {"Content-Type": "application/json"}


def reply(status: int = 200, headers: dict[str, str] | None = None, /, **fields: Any) -> Reply:
    """Return a JSON reply."""
    return Reply(status, {**JSON, **(headers or {})}, orjson.dumps(fields))


def error_of(answer: Reply, call: Call | None = None) -> Any:
    """Return the error that a reply reports."""
    with pytest.raises(QianfanError) as caught:
        V1(call or chat()).decode(answer)
    return caught.value


class TestDecode:
    """What a whole reply means."""

    @pytest.mark.parametrize(
        "fields",
        [
            {"id": "as-1", "result": "你好", "usage": {"total_tokens": 3}},
            {"result": ""},
            {"result": "", "function_call": {"name": "f", "arguments": "{}"}},
            {"result": "x", "error_code": 0, "error_msg": ""},
            {"function_call": {"name": "f", "arguments": "{}"}},
            {"result": "x", "code": "a field of its own", "msg": "hello"},
        ],
        ids=["an answer", "empty", "function call", "code 0", "a call alone", "code and msg"],
    )
    def test_success(self, fields: dict[str, Any]) -> None:
        """HTTP 200 with words or a call, and without an error, is the reply, with whatever fields it has."""
        answer = V1(chat()).decode(reply(200, {"X-A": "b"}, **fields))

        assert (answer.body, answer.code, answer.headers["X-A"]) == (fields, 200, "b")

    @pytest.mark.parametrize(
        ("fields", "kind", "code", "message"),
        [
            ({"error_code": 336003, "error_msg": "odd"}, BadRequestError, 336003, "odd"),
            ({"error_code": 336003, "error_message": "odd"}, BadRequestError, 336003, "odd"),
            ({"code": 336501, "msg": "RPM"}, RateLimitError, 336501, "RPM"),
            ({"error_code": 18}, RateLimitError, 18, "Open api qps request limit reached"),
            ({"error_code": 17, "error_msg": ""}, QuotaError, 17, "Open api daily request limit reached"),
            ({"error_code": 110, "error_msg": "old"}, AccessTokenExpiredError, 110, "old"),
            (
                {"error_code": 14, "error_msg": "IAM Certification failed"},
                AuthError,
                14,
                "IAM Certification failed",
            ),
            ({"error_code": 987654, "error_msg": "new"}, APIError, 987654, "new"),
            ({"error_code": 987654}, APIError, 987654, ""),
            ({"error_code": 336003, "error_msg": "odd", "result": ""}, BadRequestError, 336003, "odd"),
            ({"error_code": 336003, "error_msg": ["odd"]}, BadRequestError, 336003, "['odd']"),
        ],
    )
    @pytest.mark.parametrize("status", [200, 400, 500])
    def test_codes(self, status: int, fields: Any, kind: type[APIError], code: int, message: str) -> None:
        """Every spelling of an error is one, whatever the HTTP status says."""
        error = error_of(reply(status, **fields))

        assert (type(error), error.code, error.error_code, error.message) == (kind, code, code, message)
        assert error.status == status

    @pytest.mark.parametrize(
        ("status", "content_type", "body", "words"),
        [
            (
                502,
                "text/html",
                "<html>\n<h1>Bad   Gateway</h1>",
                ["HTTP 502", "text/html", "<html> <h1>Bad Gateway"],
            ),
            (200, "text/html", "<html>log in</html>", ["HTTP 200", "log in", "base_url"]),
            (200, None, "", ["HTTP 200", "no content type"]),
            (200, "application/json", "[1]", ["no JSON object", "[1]"]),
            (200, "application/json", "null", ["no JSON object"]),
            (200, "application/json", '{"result": "cut', ["no JSON object"]),
            (200, "application/json", "{}", ["no result", "{}"]),
            (200, "application/json", '{"id": "as-1", "usage": {}}', ["no result", "as-1"]),
            (404, "application/json", "{}", ["HTTP 404"]),
            (500, "application/json", '{"message": "x"}', ["HTTP 500", "message"]),
            (301, "text/plain", "moved", ["HTTP 301", "moved", "proxy"]),
        ],
    )
    def test_no_usable_reply(
        self, status: int, content_type: str | None, body: str, words: list[str]
    ) -> None:
        """What is no JSON object, holds no words, or is an HTTP error without a code, is shown as it came."""
        error = error_of(Reply(status, {"Content-Type": content_type} if content_type else {}, body.encode()))

        assert type(error) is RequestError
        assert (error.status, error.status_code, error.code, error.body) == (status, status, None, body)
        assert [word for word in words if word not in str(error)] == []

    def test_a_long_page_is_cut(self) -> None:
        """Of a long page, the start is enough, also where the cut falls into a character."""
        error = error_of(Reply(502, {}, "网关".encode() * 100_000))

        assert len(str(error)) < 400
        assert len(error.body) < 2001

    @pytest.mark.parametrize(
        ("headers", "fields", "request_id"),
        [
            ({"X-Baidu-Request-Id": "head"}, {"error_code": 18}, "head"),
            ({}, {"error_code": 18, "id": "as-1"}, "as-1"),
            ({"X-Baidu-Request-Id": "head"}, {"error_code": 18, "id": "as-1"}, "head"),
            ({"X-Baidu-Request-Id": "head"}, {"message": "x"}, "head"),
            ({}, {"error_code": 18}, None),
        ],
    )
    def test_request_id(self, headers: dict[str, str], fields: Any, request_id: str | None) -> None:
        """The request id comes from the header, else from the body, and stands in the text."""
        error = error_of(reply(500, headers, **fields))

        assert error.request_id == request_id
        assert (f"(request id {request_id})" in str(error)) is (request_id is not None)

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("3", 3.0),
            ("0", 0.0),
            ("", None),
            ("-3", None),
            ("soon", None),
            ("Wed, 21 Oct 2026 07:28:00 GMT", None),
            ("²", None),
        ],
    )
    def test_retry_after(self, value: str, seconds: float | None) -> None:
        """`Retry-After` in seconds is read; anything else is as if it were not there."""
        assert error_of(reply(429, {"Retry-After": value}, error_code=18)).retry_after == seconds


class TestHints:
    """What an error about an unknown model adds."""

    @pytest.mark.parametrize("code", [3, 336005])
    def test_a_near_miss(self, code: int) -> None:
        """A misspelt model's refusal names the models that look like it."""
        hint = error_of(reply(error_code=code), chat("ERNIE-Bot-turbp")).hint

        assert "ERNIE-Bot-turbp" in hint
        assert "ERNIE-Bot-turbo" in hint

    @pytest.mark.parametrize(
        ("call", "code"),
        [
            (chat("ERNIE-Bot"), 3),
            (chat("ernie-bot"), 3),
            (chat("zzzzzzzzzzzz"), 3),
            (chat(endpoint="ERNIE-Bot-turbp"), 3),
            (chat("ERNIE-Bot-turbp", "mine"), 3),
            (chat(), 3),
            (chat("ERNIE-Bot-turbp"), 336003),
        ],
        ids=[
            "a known one",
            "in lower case",
            "nothing alike",
            "an endpoint",
            "both",
            "neither",
            "another code",
        ],
    )
    def test_no_guess(self, call: Call, code: int) -> None:
        """Where a misspelt model cannot be the cause, the code's own hint stands."""
        assert "did you mean" not in error_of(reply(error_code=code), call).hint


HEAD = Reply(200, {"Content-Type": "text/event-stream", "X-Baidu-Request-Id": "head"})


def decode_event(data: str, name: str | None = None) -> Response:
    """Return what an event means."""
    return V1(chat()).decode_event(HEAD, Event(name, data.encode()))


class TestEvents:
    """What an event of a stream means."""

    @pytest.mark.parametrize(
        ("data", "name", "expected"),
        [
            ('{"result": "你", "is_end": false}', None, {"result": "你", "is_end": False}),
            ('{"result": "x"}', "chat", {"result": "x", "_event": "chat"}),
            ('{"result": "x", "error_code": 0}', None, {"result": "x", "error_code": 0}),
            ("{}", None, {}),
        ],
    )
    def test_success(self, data: str, name: str | None, expected: dict[str, Any]) -> None:
        """An event is a reply of its own, its name under `_event`."""
        item = decode_event(data, name)

        assert (item.body, item.code, item.headers) == (expected, 200, HEAD.headers)

    @pytest.mark.parametrize(
        ("data", "kind", "code"),
        [
            ('{"error_code": 336003, "error_msg": "odd"}', BadRequestError, 336003),
            ('{"error_code": 18, "error_message": "slow"}', RateLimitError, 18),
            ('{"code": 336501, "msg": "RPM"}', RateLimitError, 336501),
            ("no json", RequestError, None),
            ("[]", RequestError, None),
            ("null", RequestError, None),
            ("[DONE]", RequestError, None),
        ],
    )
    def test_errors(self, data: str, kind: type[QianfanError], code: int | None) -> None:
        """Every spelling of an error is one in a stream too, with the id of the request."""
        with pytest.raises(kind) as caught:
            decode_event(data)

        assert (type(caught.value), caught.value.code) == (kind, code)
        assert (caught.value.status, caught.value.request_id) == (200, "head")


class TestSum:
    """The sum of a stream's events."""

    @pytest.mark.parametrize(
        ("events", "expected"),
        [
            ([{"result": "你", "is_end": False}, {"result": "好", "is_end": True}], {"result": "你好"}),
            ([{"result": "a", "id": "1"}, {"result": "", "id": "2"}], {"result": "a", "id": "2"}),
            ([{"sentence_id": 0, "result": "a", "is_end": True}], {"result": "a"}),
            (
                [
                    {"result": "a", "usage": {"total_tokens": 1}},
                    {"result": "b", "usage": {"total_tokens": 2}},
                ],
                {"result": "ab", "usage": {"total_tokens": 2}},
            ),
            (
                [{"result": "", "function_call": {"name": "f"}}, {"result": "", "is_end": True}],
                {"result": "", "function_call": {"name": "f"}},
            ),
            ([{"result": "a"}, {"result": None, "is_end": True}], {"result": "a"}),
            ([{"need_clear_history": True, "is_end": True}], {"need_clear_history": True}),
            ([], {}),
        ],
        ids=["texts", "latest", "only in streams", "usage", "function call", "null", "no result", "no event"],
    )
    def test_reply(self, events: list[dict[str, Any]], expected: dict[str, Any]) -> None:
        """Texts are joined, of every other field the latest value counts: the unary reply."""
        reading = V1(chat()).reading(HEAD)
        for event in events:
            reading.add(Response(200, {}, event))

        assert reading.reply() == Response(200, {}, expected)
        assert reading.reply().headers == HEAD.headers

    @pytest.mark.parametrize(
        ("event", "ends"), [({"is_end": True}, True), ({"is_end": False}, False), ({}, False)]
    )
    def test_end(self, event: dict[str, Any], ends: bool) -> None:
        """`is_end` tells the last event."""
        assert V1(chat()).reading(HEAD).add(Response(200, {}, event)) is ends

    def test_sums_are_apart(self) -> None:
        """A sum taken in between stays as it is when more comes."""
        reading = V1(chat()).reading(HEAD)
        reading.add(Response(200, {}, {"result": "a"}))
        before = reading.reply()

        reading.add(Response(200, {}, {"result": "b"}))

        assert (before["result"], reading.reply()["result"]) == ("a", "ab")


def test_a_last_event_without_usage_takes_nothing_back() -> None:
    """The sum keeps the usage of an earlier event, and nothing that only streams have."""
    reading = V1(Call("chat", None, None, {})).reading(Reply(200, {}))
    for body in (
        {"result": "你", "sentence_id": 0, "is_end": False, "usage": {"total_tokens": 3}, "_event": "chat"},
        {"result": "好", "sentence_id": 1, "is_end": True, "usage": None},
    ):
        reading.add(Response(200, {}, body))

    assert reading.reply().body == {"result": "你好", "usage": {"total_tokens": 3}}


@pytest.mark.parametrize("endpoint", [".", ".."])
def test_dots_are_no_endpoint(endpoint: str) -> None:
    """An endpoint that would lead elsewhere is refused."""
    with pytest.raises(InvalidArgumentError, match="more than a name"):
        encode(Call("chat", None, endpoint, {"messages": []}), PREFIX)


def test_a_url_as_endpoint_tells_no_token() -> None:
    """A whole URL as endpoint is refused with its last part as the hint, and without the token in it."""
    with pytest.raises(InvalidArgumentError) as caught:
        encode(Call("chat", None, "https://h/chat/foo?access_token=24.secret", {"messages": []}), PREFIX)

    assert "endpoint='foo'" in caught.value.hint
    assert "24.secret" not in str(caught.value)
