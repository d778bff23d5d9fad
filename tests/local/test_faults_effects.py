"""What each fault looks like to a client that knows nothing of the SDK."""

from __future__ import annotations

import json
import time

import pytest
from console_caller import Console
from raw_caller import CLOSED, RESET, chat, open_chat, read
from v2_caller import QUESTION, V2

import qianfan.local
from qianfan.local import on

WHOLE_V1 = {
    "id",
    "object",
    "created",
    "result",
    "is_truncated",
    "need_clear_history",
    "finish_reason",
    "usage",
}


@pytest.fixture
def caller(start):
    """A caller who has a token already."""
    caller = start()
    assert caller.token
    return caller


@pytest.fixture
def console(caller):
    """A caller of the same platform's console."""
    console = Console(caller.platform)
    yield console
    console.http.clear()


@pytest.fixture(autouse=True)
def _nothing_is_said(caplog):
    """See that neither the platform nor what it stands on finds anything wrong: faults are meant."""
    yield
    assert caplog.records == []


def set_fault(caller, fault):
    """Let one fault happen, and no other."""
    caller.platform.faults.clear()
    caller.platform.faults.add(fault)


class TestCodes:
    """`.code()` in the shape of each route's own errors."""

    @pytest.mark.parametrize(
        ("code", "answered"),
        [
            (336100, (336100, "Server high load, please try again later")),
            (18, (18, "Open api qps request limit reached")),
            ("rpm_rate_limit_exceeded", (336501, "Rate limit reached for RPM")),
            ("invalid_iam_token", (110, "Access token invalid or no longer valid")),
            ("image_url_unsafe", (336003, "Invalid param")),
            ("invalid_client", (110, "Access token invalid or no longer valid")),
        ],
    )
    def test_v1(self, caller, code, answered):
        """On v1 a number, with HTTP 200; a word is the nearest number."""
        set_fault(caller, on("chat").code(code))
        response = caller.post({"messages": []})
        body = response.json()

        assert response.status == 200
        assert (body["error_code"], body["error_msg"]) == answered
        assert ("id" in body) == (body["error_code"] > 999)

    @pytest.mark.parametrize(
        ("code", "answered"),
        [
            ("tpm_rate_limit_exceeded", (429, "rate_limit_exceeded", "Rate limit reached for TPM")),
            ("no_parameter_permission", (401, "access_denied", "No permission to use the parameter")),
            ("image_url_unsafe", (400, "unsafe_request", "The image is judged unsafe")),
            (336100, (429, "rate_limit_exceeded", "Rate limit reached for RPM")),
            (336000, (500, "internal_error", "Internal error")),
            (2, (500, "internal_error", "Internal error")),
            (110, (401, "invalid_request_error", "IAM Certification failed")),
            (17, (401, "invalid_request_error", "No permission to use the model")),
            (336003, (400, "invalid_request_error", "Invalid Argument")),
        ],
    )
    def test_v2(self, caller, code, answered):
        """On v2 a word, with its HTTP status; a number is the nearest word."""
        set_fault(caller, on("chat").code(code))
        response = V2(caller).post(QUESTION)
        body = response.json()

        assert set(body) == {"error", "id"}
        assert (response.status, body["error"]["type"], body["error"]["message"]) == answered

    @pytest.mark.parametrize(
        ("code", "answered"), [(500000, 500000), (510301, 510301), ("internal_error", 336000)]
    )
    def test_console_v1(self, caller, console, code, answered):
        """The console's v1 answers with a log_id."""
        set_fault(caller, on("console").code(code))
        response = console.send("/wenxinworkshop/service/list", b"{}")

        assert response.status == 200
        assert set(response.json()) == {"log_id", "error_code", "error_msg"}
        assert response.json()["error_code"] == answered

    @pytest.mark.parametrize(
        ("code", "answered"),
        [
            (510301, (404, "NotFound", "task not exist")),
            (500000, (500, "InternalError", "internal server error")),
            (18, (429, "OverLimit", "Open api qps request limit reached")),
            (500001, (400, "InappropriateJSON", "param invalid")),
            ("AccessDenied", (403, "AccessDenied", "AccessDenied")),
        ],
    )
    def test_console_v2(self, caller, console, code, answered):
        """The console's v2 answers with a requestId, a word and an HTTP status."""
        set_fault(caller, on("console").code(code))
        response = console.send("/v2/service", b"{}", {"Action": "DescribeServices"})
        body = response.json()

        assert set(body) == {"requestId", "code", "message"}
        assert (response.status, body["code"], body["message"]) == answered

    @pytest.mark.parametrize(
        ("code", "answered"),
        [
            ("invalid_client", (401, "invalid_client")),
            ("unknown_error", (500, "unknown_error")),
            (18, (429, "rate_limit_exceeded")),
            (336000, (500, "unknown_error")),
            (336003, (400, "invalid_request")),
            (14, (401, "invalid_client")),
        ],
    )
    def test_token(self, caller, code, answered):
        """The token endpoint answers as OAuth does."""
        set_fault(caller, on("token").code(code, message="说明"))
        response = caller.authorise()

        assert (response.status, response.json()["error"]) == answered
        assert response.json()["error_description"] == "说明"

    @pytest.mark.parametrize(
        ("code", "answered"),
        [
            (336000, (500, "InternalError")),
            (18, (429, "OverLimit")),
            (14, (403, "AccessDenied")),
            (336003, (400, "InvalidParameter")),
        ],
    )
    def test_exchange(self, caller, console, code, answered):
        """The exchange answers as IAM does, in body and headers."""
        set_fault(caller, on("exchange").code(code))
        response = console.send("/v1/BCE-BEARER/token", None, {}, "GET")

        assert (response.status, response.json()["code"]) == answered
        assert response.headers["X-Bce-Error-Code"] == answered[1]

    def test_words_of_your_own(self, caller):
        """A message replaces the platform's words, and a code of one's own is answered as it is."""
        set_fault(caller, on("chat").code(990001, message="新的错误"))
        assert caller.ask("你好")["error_msg"] == "新的错误"
        assert V2(caller).refusal(QUESTION)[0] == 500
        set_fault(caller, on("chat").code("new_error", message="新的错误"))
        assert V2(caller).refusal(QUESTION) == (400, "invalid_request_error", "new_error", "新的错误")
        assert caller.ask("你好")["error_code"] == 336000
        set_fault(caller, on("token").code("new_error", message="新的错误"))
        assert (caller.authorise().status, caller.authorise().json()["error"]) == (400, "new_error")

    def test_streams_too(self, caller):
        """A stream that a fault answers is an error like any other, and no stream."""
        set_fault(caller, on("chat").code(336100))
        response = caller.post({"messages": [], "stream": True})

        assert response.headers["content-type"].startswith("application/json")
        assert response.json()["error_code"] == 336100


class TestStatuses:
    """`.status()`."""

    @pytest.mark.parametrize("status", [301, 400, 403, 404, 429, 500, 502, 503, 504, 599])
    def test_the_page_of_a_gateway(self, caller, status):
        """A status without a body is the HTML page of a gateway."""
        set_fault(caller, on("chat").status(status))
        response = caller.http.request("POST", caller.platform.url + "/nowhere")
        assert response.status == 404
        response = caller.post({"messages": []})

        assert response.status == status
        assert response.headers["content-type"] == "text/html"
        assert f"<h1>{status}" in response.data.decode()
        assert "retry-after" not in response.headers

    @pytest.mark.parametrize(
        ("status", "code"),
        [(429, "rpm_rate_limit_exceeded"), (500, "internal_error"), (401, "invalid_iam_token"), (503, None)],
    )
    def test_v2_has_errors_of_its_own(self, caller, status, code):
        """On v2 a status that says all of an error is that error."""
        set_fault(caller, on("chat").status(status, retry_after=1_234_567))
        response = V2(caller).post(QUESTION)

        assert response.status == status
        assert response.headers["retry-after"] == "1234567"
        assert (response.json()["error"]["code"] if code else response.data[:6]) == (code or b"<html>")

    @pytest.mark.parametrize(
        ("body", "sent", "kind"),
        [
            ("太忙了", "太忙了".encode(), "text/plain; charset=utf-8"),
            ("", b"", "text/plain; charset=utf-8"),
            ({"a": 1}, b'{"a":1}', "application/json; charset=utf-8"),
            ([1, None], b"[1,null]", "application/json; charset=utf-8"),
            (False, b"false", "application/json; charset=utf-8"),
        ],
    )
    def test_a_body(self, caller, body, sent, kind):
        """A body is sent as it is given, as text or as JSON."""
        set_fault(caller, on("chat").status(200, body=body, retry_after=0.5))
        response = caller.post({"messages": []})

        assert (response.status, response.data, response.headers["content-type"]) == (200, sent, kind)
        assert response.headers["retry-after"] == "0.5"

    def test_the_connection_goes_on(self, caller):
        """After a status or a code the connection serves the next call."""
        set_fault(caller, on("chat", nth=1).status(503))
        assert caller.post({"messages": []}).status == 503
        assert "result" in caller.ask("你好")
        (pool,) = [caller.http.pools[key] for key in caller.http.pools.keys()]  # noqa: SIM118  # no dict

        assert pool.num_connections == 1


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("version", [1, 2])
class TestOnTheWay:
    """What befalls answers on their way, of both versions, whole and in events."""

    def test_reset(self, caller, version, stream):
        """The connection is broken before a byte; the journal has no status for it."""
        set_fault(caller, on("chat").reset())
        received = chat(caller, version=version, stream=stream)
        call = caller.platform.calls("chat").last

        assert received == (None, {}, b"", RESET)
        assert (call.status, call.duration, call.reply or None) == (0, None, None)

    @pytest.mark.parametrize("clean", [False, True])
    @pytest.mark.parametrize("after", [0, 1, 3, 1000])
    def test_cut(self, caller, version, stream, after, clean):
        """So many events arrive and never the last, or half of a whole answer; HTTP ends well if clean."""
        set_fault(caller, on("chat").cut(after=after, clean=clean))
        received = chat(caller, version=version, stream=stream)
        call = caller.platform.calls("chat").last

        assert (received.status, received.end, call.duration) == (200, CLOSED, None)
        if stream:
            caller.platform.faults.clear()
            whole = chat_events(caller, version)
            arrived = min(after, len(whole) - 1)
            assert [json.loads(event.removeprefix(b"data: ")) for event in received.events] == call.reply
            assert len(call.reply) == arrived
            assert received.chunks[arrived:] == ([b""] if clean else [])
        else:
            told = int(received.headers["content-length"])
            assert len(received.body) == (told if clean else told // 2 if after else 0)
            with pytest.raises(ValueError):
                json.loads(received.body)

    @pytest.mark.parametrize("after", [0, 2, 1000])
    def test_garbage(self, caller, version, stream, after):
        """What comes is no JSON, in a stream no event, and not even UTF-8; HTTP is in good order."""
        set_fault(caller, on("chat").garbage(after=after))
        received = chat(caller, version=version, stream=stream)

        assert (received.status, received.end) == (200, CLOSED)
        if stream:
            *events, junk = received.events
            assert len(caller.platform.calls("chat").last.reply) == len(events) - 1
            assert received.headers["content-type"].startswith("text/event-stream")
            assert received.chunks[-1] == b""
        else:
            junk = received.body
            assert int(received.headers["content-length"]) == len(junk)
            assert received.headers["content-type"].startswith("application/json")
        with pytest.raises(UnicodeDecodeError):
            junk.decode()

    @pytest.mark.parametrize("size", [1, 7, 100_000])
    def test_split(self, caller, version, stream, size):
        """The body is whole, in packets of so many bytes."""
        set_fault(caller, on("chat").split(size))
        received = chat(caller, version=version, stream=stream)
        call = caller.platform.calls("chat").last

        assert call.duration is not None
        if not stream:
            assert json.loads(received.body) == call.reply
            return
        assert [json.loads(event[6:]) for event in received.events if event != b"data: [DONE]"] == call.reply
        assert max(map(len, received.chunks)) <= size
        characters_are_cut = any("\ufffd" in chunk.decode("utf-8", "replace") for chunk in received.chunks)
        assert characters_are_cut == (size < 100)

    @pytest.mark.parametrize("after", [0, 1])
    def test_stall(self, caller, version, stream, after):
        """The connection is open and silent, by the platform's clock; then the answer goes on."""
        caller.platform.freeze()
        set_fault(caller, on("chat").stall(3600, after=after))
        connection = open_chat(caller, version=version, stream=stream)
        begin = connection.recv(1)
        caller.platform.advance(hours=1)
        received = read_on(connection, begin)

        assert received.status == 200
        assert caller.platform.calls("chat").last.duration is not None

    def test_slow_headers(self, caller, version, stream):
        """The head comes bit by bit, by the platform's clock."""
        caller.platform.freeze()
        set_fault(caller, on("chat").slow_headers(10))
        connection = open_chat(caller, version=version, stream=stream)
        wait_for_call(caller)
        caller.platform.advance(seconds=1)
        begin = connection.recv(1000)
        caller.platform.advance(seconds=9)
        received = read_on(connection, begin)

        assert received.status == 200
        assert b"\r\n\r\n" not in begin

    def test_delay(self, caller, version, stream):
        """The answer comes so much later, by the platform's clock, on a connection that goes on."""
        caller.platform.freeze()
        set_fault(caller, on("chat").delay(86_400))
        connection = open_chat(caller, version=version, stream=stream)
        wait_for_call(caller)
        caller.platform.advance(days=1)

        with connection:
            assert connection.recv(12) == b"HTTP/1.1 200"

    def test_all_at_once(self, caller, version, stream):
        """Effects that concern different parts of an answer happen together."""
        fault = on("chat").delay(0.01).slow_headers(0.01).stall(0.01, after=1).split(3).cut(after=2)
        set_fault(caller, fault)
        received = chat(caller, version=version, stream=stream)

        assert (received.status, received.end) == (200, CLOSED)
        assert caller.platform.calls("chat").last.fault == fault


def chat_events(caller, version):
    """Return the events of an undisturbed stream."""
    caller.platform.on("chat", nth=1).split(100_000)  # a connection that ends with the answer
    received = chat(caller, version=version, stream=True)
    return [event for event in received.events if event != b"data: [DONE]"]


def read_on(connection, begin):
    """Read the rest of an answer of which the begin was read."""

    class Rest:
        def __init__(self):
            self.begin = begin

        def recv(self, size):
            first, self.begin = self.begin, b""
            return first or connection.recv(size)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            connection.close()

    return read(Rest())


def wait_for_call(caller):
    """Wait until the journal has a call of chat."""
    deadline = time.monotonic() + 10
    while not caller.platform.calls("chat"):
        assert time.monotonic() < deadline
        time.sleep(0.001)


class TestConnections:
    """What becomes of connections, callers and the platform."""

    def test_a_stall_without_end_ends_with_the_caller(self, caller):
        """A caller who leaves a silent connection leaves nothing behind."""
        set_fault(caller, on("chat", times=1).stall())
        connection = open_chat(caller)
        assert connection.recv(12) == b"HTTP/1.1 200"
        connection.close()

        assert "result" in caller.ask("你好")

    @pytest.mark.parametrize(
        "fault",
        [on("chat").stall(), on("chat").stall(3600), on("chat").delay(3600), on("chat").slow_headers(3600)],
    )
    @pytest.mark.parametrize("stream", [False, True])
    def test_stop_ends_the_wait(self, fault, stream):
        """A platform that is stopped does not wait for its faults."""
        from local_caller import Caller

        caller = Caller(qianfan.local.platform(faults=[fault]).start())
        assert caller.token
        caller.platform.freeze()
        connection = open_chat(caller, stream=stream)
        wait_for_call(caller)
        caller.platform.stop()

        received = read(connection)
        assert received.end in {CLOSED, RESET}
        caller.http.clear()

    def test_a_caller_who_leaves_in_the_middle(self, caller):
        """A caller who has read enough of an answer that comes byte by byte may go."""
        set_fault(caller, on("chat", times=1).split(1))
        connection = open_chat(caller, "说" * 2000, stream=True)
        assert connection.recv(12) == b"HTTP/1.1 200"
        connection.close()

        assert "result" in caller.ask("你好")

    def test_http_1_0_has_no_chunks(self, caller):
        """An old client gets a stream that ends with the connection."""
        set_fault(caller, on("chat").split(100_000))
        received = chat(caller, stream=True, protocol="1.0")

        assert "transfer-encoding" not in received.headers
        assert json.loads(received.body.split(b"\n\n")[-2][6:])["is_end"] is True

    def test_head_has_no_body(self, caller):
        """What asks for the head alone gets it alone."""
        set_fault(caller, on("unknown").garbage())
        response = caller.http.request("HEAD", caller.platform.url + "/nowhere")

        assert (response.status, response.data) == (404, b"")

    def test_the_request_id_comes_back(self, caller):
        """The headers that every answer has are there under faults too."""
        set_fault(caller, on("chat").garbage())
        response = caller.post({"messages": []}, headers={"request_id": "mine-1"})

        assert response.headers["x-baidu-request-id"] == "mine-1"
        assert response.headers["date"]

    def test_chunk_delay_is_kept(self, start):
        """The events of a stream that a fault befalls keep their distance, by the platform's clock."""
        caller = start(chunk_delay=3600, faults=[on("chat").split(100_000)])
        assert caller.token
        caller.platform.freeze()
        connection = open_chat(caller, stream=True)
        received = b""
        while b"\n\n" not in received:
            received += connection.recv(65536)
        assert received.count(b"data: ") == 1
        for _ in range(100):
            caller.platform.advance(hours=1)
        assert read_on(connection, received).chunks[-1] == b""

    def test_functions_of_the_user_run_all_the_same(self, start):
        """A call that is answered in a thread meets faults like every other."""
        caller = start(
            any_endpoint=True, faults=[on("plugin", nth=1).status(503), on("plugin", nth=2).reset()]
        )
        caller.platform.add_plugin(lambda query: f"got {query}", name="echo", description="echo")

        assert caller.post({"query": "a"}, "mine/", service="plugin").status == 503
        with pytest.raises(Exception, match="reset"):
            caller.post({"query": "a"}, "mine/", service="plugin")
        assert caller.post({"query": "a", "plugins": ["echo"]}, "mine/", service="plugin").status == 200
