"""Calls passed on to another platform as they are: what arrives there, what comes back, with whose keys."""

from __future__ import annotations

import logging
import socket

import pytest
import urllib3
from console_caller import Console
from local_caller import Caller, conversation
from support import replies
from support.replies import CLOSE, RESET, STALL, Gate
from v2_caller import MODEL, V2

from qianfan.local import on

QUESTION = {"messages": conversation("你好")}

SECRET_KEY = "5up3r-53cr3t-0123456789"


@pytest.fixture
def real(start):
    """A caller of the platform that calls are passed on to."""
    return start()


@pytest.fixture
def front(start, real):
    """Start platforms that pass calls on, with options."""

    def front(**options):
        return start(upstream=f"qianfan+{real.platform.url}", **options)

    return front


@pytest.fixture
def raw(start, upstream):
    """A caller of a platform in front of the scripted server."""
    return start(upstream=f"qianfan+{upstream.url}")


def test_a_request_arrives_as_it_was(upstream, raw):
    """Method, path, query, headers and body reach the other platform byte by byte; those of a hop do not."""
    headers = {
        "X-Own": "1",
        "Authorization": "Bearer mine",
        "Content-Type": "application/json",
        "TE": "trailers",
    }

    raw.http.request(
        "POST", f"{raw.platform.url}/v2/x%2Fy?a=%20b&a=c&d=", body=b'{ "x": 1 }', headers=headers
    )

    (request,) = upstream.requests
    assert (request.method, request.target, request.body) == (
        "POST",
        "/v2/x%2Fy?a=%20b&a=c&d=",
        b'{ "x": 1 }',
    )
    assert (request.headers["x-own"], request.headers["authorization"]) == ("1", "Bearer mine")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["host"] == upstream.url.removeprefix("http://")
    assert request.headers["accept-encoding"] == "identity"
    assert "te" not in request.headers


def test_an_answer_comes_back_as_it_was(upstream, raw):
    """Status, body, type and the headers of its own come back byte by byte, whatever they are."""
    body = b'{ "error_code" : 17,\n "error_msg": "x" }'
    head = replies.head(
        418, Content_Type="application/json;x=y", Content_Length=str(len(body)), X_Own="1", Server="s"
    )
    upstream.answer((head + body,))

    answer = raw.post(QUESTION, token="mine")

    assert (answer.status, answer.data) == (418, body)
    assert answer.headers["Content-Type"] == "application/json;x=y"
    assert answer.headers["X-Own"] == "1"
    assert "Server" not in answer.headers
    assert raw.platform.calls("chat").last.reply == {"error_code": 17, "error_msg": "x"}


def test_bytes_that_are_no_text_come_back(upstream, raw):
    """A picture is passed back as it is."""
    data = bytes(range(256))
    upstream.answer((replies.head(200, Content_Type="image/png", Content_Length="256") + data,))

    assert raw.http.request("GET", f"{raw.platform.url}/qianfan/images/x.png").data == data


def test_a_stream_comes_back_as_it_comes(upstream, raw):
    """Each event leaves when it has come, byte by byte, however it is framed."""
    gate = Gate()
    first, second = b'event: chat\r\ndata:{"result": "\\u4f60"}\r\n\r\n', b": comment\n\ndata: {}\n\nrest"
    upstream.answer(replies.stream(first, gate, second))
    url = f"{raw.platform.url}/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/completions?access_token=mine"

    response = raw.http.request("POST", url, json={**QUESTION, "stream": True}, preload_content=False)

    assert response.read(len(first)) == first
    gate.open()
    assert response.read() == second
    assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert raw.platform.calls("chat").last.reply[0] == {"result": "你"}


@pytest.mark.parametrize("end", [CLOSE, RESET])
def test_a_stream_that_breaks_off_breaks_off(upstream, raw, end):
    """Where the other platform's connection breaks, the caller's does."""
    upstream.answer(replies.stream(*replies.events("一", "二"), end, ended=False))

    with pytest.raises(urllib3.exceptions.ProtocolError):
        raw.post({**QUESTION, "stream": True}, token="mine")

    call = raw.platform.calls("chat").last
    assert ([event["result"] for event in call.reply], call.duration) == (["一", "二"], None)


def test_a_caller_who_leaves_is_not_waited_for(upstream, raw):
    """A stream whose caller has gone is closed at the other platform."""
    upstream.answer(replies.stream(*replies.events("一"), STALL, ended=False))
    url = f"{raw.platform.url}/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/completions?access_token=mine"
    response = raw.http.request("POST", url, json={**QUESTION, "stream": True}, preload_content=False)
    response.read(10)

    response.close()

    upstream.wait_idle()


def test_a_platform_that_is_not_there(start):
    """What cannot be reached is an error in the shape of each route."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    caller = start(upstream=f"qianfan+http://127.0.0.1:{port}")
    console = Console(caller.platform)

    on_v1 = caller.post(QUESTION, token="mine").json()
    on_v2 = V2(caller).refusal({**QUESTION, "model": MODEL})
    on_console = console.http.request("POST", f"{caller.platform.url}/wenxinworkshop/finetune/createTask")
    console.http.clear()

    assert on_v1["error_code"] == 336000
    assert on_v2[:3] == (500, "internal_error", "internal_error")
    assert "log_id" in on_console.json()
    for words in (on_v1["error_msg"], on_v2[3], on_console.json()["error_msg"]):
        assert "cannot be reached" in words


def test_the_callers_keys_are_passed_on(real, front):
    """Without a key of its own the platform in front knows nobody: tokens and refusals are the other's."""
    caller = front()

    answer = Caller(caller.platform).authorise(client_secret="wrong")
    assert answer.status == 401
    assert caller.post(QUESTION, token="24.wrong").json()["error_code"] == 110
    token = caller.authorise(client_id=real.platform.ak, client_secret=real.platform.sk).json()[
        "access_token"
    ]
    assert "本地平台" in caller.post(QUESTION, token=token).json()["result"]
    assert V2(caller).post({**QUESTION, "model": MODEL}, key="bce-v3/ALTAK-x/1").status == 401
    assert V2(caller).post({**QUESTION, "model": MODEL}, key=real.platform.api_key).status == 200
    assert [call.route for call in caller.platform.calls()] == [call.route for call in real.platform.calls()]


def test_the_journal_says_what_was_called(real, front):
    """Calls that are passed on stand in the journal as others do, without secrets."""
    caller = front()
    token = caller.authorise(client_id=real.platform.ak, client_secret=real.platform.sk).json()[
        "access_token"
    ]
    caller.post(QUESTION, token=token)
    V2(caller).post({**QUESTION, "model": MODEL})
    console = Console(caller.platform)
    console.result("finetune/createTask", name="demo")
    console.http.request("POST", f"{caller.platform.url}/v2/service?Action=DescribeServices")
    console.http.clear()

    names = [(call.route, call.version, call.endpoint, call.model) for call in caller.platform.calls()]
    assert names == [(call.route, call.version, call.endpoint, call.model) for call in real.platform.calls()]
    assert names[1:] == [
        ("chat", 1, "completions", "ERNIE-Bot"),
        ("chat", 2, None, MODEL),
        ("console", 1, "finetune/createTask", None),
        ("console", 2, "service.DescribeServices", None),
    ]
    for secret in (token, real.platform.sk, real.platform.api_key):
        assert secret not in str(caller.platform.calls())


def test_a_signature_is_passed_on_with_its_host(real, front):
    """A signed call keeps its host, which is signed too."""
    caller = front()
    console = Console(caller.platform)

    assert console.result("finetune/createTask", name="demo")["name"] == "demo"
    assert real.platform.calls("console").last.headers["host"] == caller.platform.url.removeprefix("http://")
    console.http.clear()


def test_an_api_key_stands_in_for_all_bearers(real, front):
    """With an API key of its own the platform shows it in place of the callers', which may be any."""
    caller = V2(front(upstream_key=real.platform.api_key))

    assert caller.post({**QUESTION, "model": MODEL}, key="anything").status == 200
    (status, _, code, words) = caller.refusal({**QUESTION, "model": "nobody's"}, key="anything")
    assert (status, code, words) == (401, "invalid_model", "No permission to use the model")


def test_an_access_key_stands_in_for_all_signatures(real, front):
    """With an access key it signs what is v1's and the console's, and gives tokens to anybody itself."""
    pair = real.platform.add_access_key()
    caller = front(upstream_key=f"{pair.ak}:{pair.sk}")
    token = caller.authorise(client_id="any", client_secret="body").json()["access_token"]

    assert "本地平台" in caller.post(QUESTION, token=token).json()["result"]
    call = real.platform.calls("chat").last
    assert call.query == {}
    assert call.headers["authorization"] == "***"
    console = Console(caller.platform)
    assert console.result("finetune/createTask", name="demo")["name"] == "demo"
    console.http.clear()
    assert real.platform.calls("token") == []


@pytest.mark.parametrize("key", ["bce-v3/ALTAK-x/0123456789", f"ALTAKx:{SECRET_KEY}"])
def test_a_key_of_the_wrong_kind_says_which_is_wanted(front, key):
    """An API key opens v2 alone, an access key the rest; the other is refused here, in words."""
    caller = front(upstream_key=key)

    on_v1 = caller.post(QUESTION, token="any").json().get("error_msg", "")
    on_v2 = V2(caller).post({**QUESTION, "model": MODEL}, key="any").json()["error"]["message"]

    assert ("needs ACCESS_KEY:SECRET_KEY as upstream_key" in on_v1) is (":" not in key)
    assert ("needs an API key as upstream_key" in on_v2) is (":" in key)


def test_no_key_shows_anywhere(upstream, start, caplog):
    """Neither the platform's own key nor a caller's is in a log, an error, the journal or a text."""
    caplog.set_level(logging.DEBUG)
    key = f"ALTAK0123456789:{SECRET_KEY}"
    caller = start(upstream=f"qianfan+{upstream.url}", upstream_key=key)
    echo = replies.chat_body(sk=SECRET_KEY, note=f"key bce-v3/ALTAK-aaaa/{'0' * 40}")
    upstream.answer(replies.whole(echo), (RESET,))

    shown = [caller.post(QUESTION, token="24.any"), caller.post(QUESTION, token="24.any").data]
    shown += [caller.platform.calls(), caller.platform, caller.platform._state.options, caplog.text]

    assert "authorization" in upstream.requests[0].headers
    for secret in (SECRET_KEY, "0" * 40):
        assert secret not in str(shown)


def test_faults_befall_what_is_passed_on(real, front):
    """A fault of the platform's in front happens, whoever would answer."""
    caller = front(faults=[on("chat", model="ERNIE-Bot", nth=1).code(336100), on("chat", nth=3).cut(after=0)])
    token = real.token

    assert caller.post(QUESTION, token=token).json()["error_code"] == 336100
    assert "result" in caller.post(QUESTION, token=token).json()
    with pytest.raises(urllib3.exceptions.ProtocolError):
        caller.post(QUESTION, token=token)
    assert len(real.platform.calls("chat")) == 2


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/completions", "https://aip.baidubce.com"),
        ("/oauth/2.0/token", "https://aip.baidubce.com"),
        ("/rest/2.0/wenxinworkshop/api/v1/template/info", "https://aip.baidubce.com"),
        ("/wenxinworkshop/finetune/createTask", "https://qianfan.baidubce.com"),
        ("/v2/chat/completions", "https://qianfan.baidubce.com"),
        ("/v1/BCE-BEARER/token", "https://iam.bj.baidubce.com"),
    ],
)
def test_the_real_platform_has_a_host_for_each_path(monkeypatch, upstream, start, path, host):
    """Without an address, calls go to the host where the real platform answers them: here, as a proxy is told."""
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, upstream.url)
    upstream.always(replies.page(403))
    caller = start(upstream="qianfan")

    answer = caller.http.request("POST", f"{caller.platform.url}{path}", json={})

    assert b"upstream" in answer.data
    assert upstream.requests[-1].target == host.removeprefix("https://") + ":443"


def test_a_path_that_the_real_platform_has_not(start):
    """What is nowhere on the real platform goes nowhere."""
    caller = start(upstream="qianfan")

    answer = caller.http.request("GET", f"{caller.platform.url}/elsewhere")

    assert (answer.status, answer.json()["error_code"]) == (404, 3)


def test_names_of_models_stay(start):
    """Where calls are passed on as they are, models cannot go by other names."""
    with pytest.raises(ValueError, match="keep the names"):
        start(upstream="qianfan", upstream_model="x")
    with pytest.raises(ValueError, match="a URL such as"):
        start(upstream="qianfan+host")
