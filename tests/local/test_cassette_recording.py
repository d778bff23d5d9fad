"""Recording: which calls become files, what stands in them, and what never does."""

from __future__ import annotations

import json
import re

import pytest
import urllib3
from console_caller import Console
from local_caller import PREFIX, conversation
from support import replies, v2
from support.replies import CLOSE, STALL, Gate
from v2_caller import MODEL, V2

from qianfan.local import on

QUESTION = {"messages": conversation("你好")}


@pytest.fixture
def recording(start, tmp_path):
    """Start platforms that record into a folder of the test's, with options."""
    return lambda **options: start(record=tmp_path / "tape", **options)


@pytest.fixture
def files(tmp_path):
    """Return the recordings by name, each as its lines."""

    def files():
        found = sorted((tmp_path / "tape").iterdir())
        return {file.name: [json.loads(line) for line in file.read_bytes().splitlines()] for file in found}

    return files


def test_a_call_is_a_file(recording, files):
    """A file has the request, the head of the answer, and its body, each in a line; and no header of the caller's."""
    caller = recording()

    answer = caller.post({**QUESTION, "temperature": 0.5}, headers={"X-Mine": "1", "Request_id": "r-1"})

    ((name, (asked, head, body)),) = files().items()
    assert name == "0001-chat.jsonl"
    assert asked["request"] == {
        "method": "POST",
        "path": f"{PREFIX}/chat/completions",
        "body": {**QUESTION, "temperature": 0.5},
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", asked["recorded"])
    assert head == {"reply": {"status": 200, "headers": {"content-type": "application/json; charset=utf-8"}}}
    assert body == {"at": body["at"], "json": answer.json()}
    assert 0 < body["at"] < 10


def test_a_stream_is_a_line_for_each_event(recording, files):
    """Each event has the seconds from the request at which it left; they never fall."""
    events = recording().stream("你好")

    ((_, (_, head, *pieces)),) = files().items()
    assert head["reply"]["headers"] == {"content-type": "text/event-stream; charset=utf-8"}
    assert [piece["event"] for piece in pieces] == events
    times = [piece["at"] for piece in pieces]
    assert times == sorted(times)


def test_the_end_mark_and_names_of_events_are_kept(recording, files):
    """What is more than JSON behind `data:` is kept as it was."""
    caller = recording()
    body = {**QUESTION, "plugins": ["a"], "stream": True}

    V2(caller).stream("你好")
    caller.post(body, "plugins", service="erniebot")

    chat, plugin = files().values()
    assert chat[-1]["text"] == "data: [DONE]\n\n"
    assert plugin[2]["text"].startswith("event: pluginMeta\ndata: {")


def test_pauses_are_kept(recording, upstream, files):
    """An event that came later has a later time."""
    gate = Gate()
    first, second = replies.events("一", "二")
    upstream.answer(replies.stream(first, gate, second))
    caller = recording(upstream=f"qianfan+{upstream.url}")
    url = f"{caller.platform.url}{PREFIX}/chat/completions?access_token=mine"

    response = caller.http.request("POST", url, json={**QUESTION, "stream": True}, preload_content=False)
    response.read(len(first))
    gate.open()
    response.read()

    ((_, (_, _, one, two)),) = files().items()
    assert one["at"] <= two["at"]


def test_calls_are_numbered(recording, tmp_path):
    """Files are numbered as the calls ended, by another platform in the same folder, too."""
    caller = recording()
    caller.ask("你好")
    caller.post({"input": ["一"]}, "embedding-v1", service="embeddings")
    console = Console(caller.platform)
    console.result("finetune/createTask", name="demo")
    console.http.clear()
    (tmp_path / "tape" / "notes.txt").write_text("mine")
    (tmp_path / "tape" / "mine.jsonl").write_text("{}")

    recording().ask("你好")

    names = [file.name for file in sorted((tmp_path / "tape").iterdir())]
    assert names == [
        "0001-chat.jsonl",
        "0002-embedding.jsonl",
        "0003-console.jsonl",
        "0004-chat.jsonl",
        "mine.jsonl",
        "notes.txt",
    ]


def test_errors_are_kept(recording, files):
    """What the platform refuses is what it says; it is kept as every other answer."""
    caller = recording(rpm=1)

    caller.ask("你好", "您好")
    caller.ask("你好")
    V2(caller).post({**QUESTION, "model": "nobody's"})

    on_v1, limited, on_v2 = files().values()
    assert on_v1[2]["json"]["error_code"] == 336006
    assert limited[2]["json"]["error_code"] == 336501
    assert limited[1]["reply"]["headers"]["x-ratelimit-limit-requests"] == "1"
    assert (on_v2[1]["reply"]["status"], on_v2[2]["json"]["error"]["code"]) == (401, "invalid_model")


def test_bodies_of_every_kind_are_kept(recording, upstream, files):
    """JSON that is written in another way stays as text, what is no text as base64; so does a request's body."""
    spaced, data = b'{ "result": "\\u4f60" }', bytes([0, 255])
    for body in (spaced, data, b"", b"<html>"):
        upstream.answer((replies.head(200, Content_Type="a/b", Content_Length=str(len(body))) + body,))
    caller = recording(upstream=f"qianfan+{upstream.url}")

    for body in (b"not json", b"", b"[1]", b'{"a": 1}'):
        caller.send("/chat/completions", body, token="mine")

    kept = [(lines[0]["request"], lines[2]) for lines in files().values()]
    assert [{name: value for name, value in piece.items() if name != "at"} for _, piece in kept] == [
        {"text": '{ "result": "\\u4f60" }'},
        {"base64": "AP8="},
        {"text": ""},
        {"text": "<html>"},
    ]
    assert [request.get("text") for request, _ in kept] == ["not json", None, None, None]
    assert [request.get("body") for request, _ in kept] == [None, None, [1], {"a": 1}]


def test_what_is_no_answer_is_not_kept(recording, upstream, files):
    """Streams that broke off, or whose caller left, and what another server failed to answer, leave no file."""
    upstream.answer(
        replies.stream(*replies.events("一", "二"), CLOSE, ended=False),
        replies.stream(*replies.events("一"), STALL, ended=False),
        (CLOSE,),
    )
    caller = recording(upstream=f"qianfan+{upstream.url}")
    body = {**QUESTION, "stream": True}
    url = f"{caller.platform.url}{PREFIX}/chat/completions?access_token=mine"

    with pytest.raises(urllib3.exceptions.ProtocolError):
        caller.post(body, token="mine")
    left = caller.http.request("POST", url, json=body, preload_content=False)
    left.read(10)
    left.close()
    upstream.wait_idle()
    assert "broke off" in caller.post(body, token="mine").json()["error_msg"]

    assert files() == {}


def test_failures_of_the_words_are_not_kept(recording, upstream, files):
    """Errors of an upstream that has the words are its own, before a stream and within one."""
    upstream.answer(v2.refused(500), v2.streamed_events(v2.chunk("一"), v2.error_body()), v2.answered())
    caller = recording(upstream=f"{upstream.url}/v1")

    caller.ask("你好")
    caller.stream("你好")
    caller.ask("你好")

    assert list(files()) == ["0001-chat.jsonl"]


def test_faults_are_not_kept(recording, files):
    """What a fault did is no answer of the platform's."""
    caller = recording(faults=[on("chat", nth=1).code(336100), on("chat", nth=2).split(1)])

    caller.ask("你好")
    caller.stream("你好")
    caller.ask("你好")

    assert len(files()) == 1


def test_tokens_are_never_kept(recording, start, files):
    """Calls for tokens, of OAuth and of the exchange, leave no file, passed on or not."""
    real = start()
    for options in ({}, {"upstream": f"qianfan+{real.platform.url}"}):
        caller = recording(**options)
        answer = caller.authorise(client_id=real.platform.ak, client_secret=real.platform.sk)
        assert "access_token" in answer.json()
        console = Console(caller.platform)
        assert console.http.request("GET", f"{caller.platform.url}/v1/BCE-BEARER/token").status == 403
        console.http.clear()

    assert files() == {}


def test_no_secret_is_in_a_file(recording, upstream, tmp_path):
    """Keys of every kind and place, of callers and of the platform's own, stand in no file, whoever repeats them."""
    access, secret = "ALTAK0123456789abcdef", "5up3r53cr3t5up3r53cr3t"
    token = "24.0123456789abcdef0123456789abcdef.2592000.1700000000.282335-36000001"
    bearer = f"bce-v3/ALTAK-0123456789/{'a1' * 20}"
    signature = f"bce-auth-v1/{access}/2024-01-01T00:00:00Z/1800/host/{'0f' * 32}"
    mine = "my-own-upstream-key-0123456789"
    caller = recording(upstream=f"qianfan+{upstream.url}")
    echo = {
        "note": f"bearer {bearer}, token {token}, {signature} and {mine}",
        "sk": secret,
        "list": [{"access_token": token, "secretKey": secret, "url": f"http://x/?displayToken={secret}&a=1"}],
        "text": f'{{"client_secret": "{secret}"}} client_secret={secret} https://x/?access_token={token}&b=2',
    }
    upstream.answer(
        replies.whole(echo),
        replies.whole(echo),
        replies.stream(replies.event(echo), f"data: note {mine} {bearer}\n\n".encode()),
        replies.page(500, f"<html>{token} {mine}</html>"),
    )
    body = {**QUESTION, "api_key": mine, "messages": conversation(f"我的密钥是 {bearer}")}

    caller.post(body, token=token, headers={"Cookie": f"a={mine}", "Authorization": signature})
    V2(caller).post({**body, "model": MODEL}, key=mine)
    V2(caller).post({**body, "model": MODEL, "stream": True}, key=mine)
    caller.send("/chat/completions", f"sk={secret} {bearer}".encode(), token=mine)

    texts = [file.read_text() for file in (tmp_path / "tape").iterdir()]
    assert len(texts) == 4
    for shown in (secret, token, bearer, signature, mine, access, "a1" * 20, "0f" * 32):
        assert not any(shown in text for text in texts), shown
    assert all("***" in text for text in texts)
    assert any("&b=2" in text for text in texts)


def test_a_secret_that_begins_as_another_is_scrubbed_whole(recording, upstream, tmp_path):
    """Where one secret is the beginning of another, nothing of the longer one is left."""
    for _ in range(2):
        upstream.answer(replies.whole({"note": "my-own-key-1 my-own-key-1-longer-7"}))
    caller = V2(recording(upstream=f"qianfan+{upstream.url}"))

    for key in ("my-own-key-1", "my-own-key-1-longer-7"):
        caller.post({**QUESTION, "model": MODEL, "api_key": "my-own-key-1-longer-7"}, key=key)

    for file in (tmp_path / "tape").iterdir():
        assert "*** ***" in file.read_text()


def test_the_platform_s_own_key_is_in_no_file(recording, upstream, tmp_path):
    """A configured key is scrubbed too, though no caller ever said it."""
    access, secret = "ALTAK0123456789abcdef", "5up3r53cr3t5up3r53cr3t"
    upstream.answer(replies.whole({"note": f"{access} {secret}"}))
    caller = recording(upstream=f"qianfan+{upstream.url}", upstream_key=f"{access}:{secret}")

    caller.post(QUESTION, token="any")

    (file,) = (tmp_path / "tape").iterdir()
    assert "*** ***" in file.read_text()


def test_words_that_look_like_no_secret_stay(recording, tmp_path):
    """Short keys, usage and log probabilities are no secrets; texts that speak of keys stay readable."""
    caller = recording(any_key=True)
    text = "token 是什么？sk 是什么？max_tokens=5, task: a-long-task-name, a bearer of good news, token = get_access_token()"

    caller.post({"messages": conversation(text)}, token="a", headers={"Cookie": "messages=1"})

    (file,) = (tmp_path / "tape").iterdir()
    assert text in file.read_text()
    assert "***" not in file.read_text()


def test_what_is_nested_too_deep_is_cut(recording, files, upstream):
    """Bodies nested so deep that nobody reads them are kept, without their depths."""
    deep = b"[" * 900 + b"]" * 900
    upstream.answer((replies.head(200, Content_Type="application/json", Content_Length="1800") + deep,))
    caller = recording(upstream=f"qianfan+{upstream.url}")

    assert caller.send("/chat/completions", deep, token="mine").data == deep

    ((_, (asked, _, answered)),) = files().items()
    for kept in (asked["request"]["body"], answered["json"]):
        assert str(kept).count("[") == 64
        assert "***" in str(kept)


def test_a_folder_that_cannot_be_made(start, tmp_path):
    """A record that could not be kept is refused at once."""
    (tmp_path / "file").write_text("")

    with pytest.raises(OSError, match="file"):
        start(record=tmp_path / "file" / "tape")


def test_a_file_that_cannot_be_written(recording, tmp_path, caplog):
    """The caller has its answer, and the log says what was not kept."""
    caller = recording()
    (tmp_path / "tape").rmdir()

    assert "本地平台" in caller.ask("你好")["result"]
    assert "could not be recorded" in caplog.text
