"""Replay: recordings answer what they were asked, over real sockets, whoever asks and whatever the key."""

from __future__ import annotations

import json
import threading
import time

import pytest
import urllib3
from console_caller import Console
from local_caller import PREFIX, conversation
from support import replies, v2
from v2_caller import MODEL, V2

from qianfan.local import on

QUESTION = {"messages": conversation("你好")}
STREAM = {**QUESTION, "stream": True}


@pytest.fixture
def folder(tmp_path):
    """The folder of the recordings."""
    return tmp_path / "tape"


@pytest.fixture
def record(start, folder):
    """Start platforms that record, with options."""
    return lambda **options: start(record=folder, **options)


@pytest.fixture
def replay(start, folder):
    """Start platforms that replay at once, unless options say otherwise."""
    return lambda **options: start(**{"replay": folder, "replay_pace": 0, **options})


@pytest.fixture
def scripted(record, upstream):
    """A caller of a platform that passes calls on to the scripted server, and records."""
    return record(upstream=f"qianfan+{upstream.url}")


def test_an_answer_comes_again(record, replay):
    """Whole answers and streams of both versions, of every kind, come again to the byte."""
    asked = [
        lambda caller: caller.post(QUESTION, token="any"),
        lambda caller: caller.post(STREAM, token="any"),
        lambda caller: caller.post({"input": ["一"]}, "embedding-v1", service="embeddings", token="any"),
        lambda caller: caller.post({**STREAM, "plugins": ["a"]}, "plugins", service="erniebot", token="any"),
        lambda caller: V2(caller).post({**QUESTION, "model": MODEL}),
        lambda caller: V2(caller).post({**STREAM, "model": MODEL}),
        lambda caller: V2(caller).post({**QUESTION, "model": "nobody's"}),
        lambda caller: V2(caller).get("/models"),
    ]
    caller = record(any_key=True)
    first = [ask(caller) for ask in asked]

    caller = replay()

    for ask, was in zip(asked, first, strict=True):
        again = ask(caller)
        assert (again.status, again.data) == (was.status, was.data)
        assert again.headers["Content-Type"] == was.headers["Content-Type"]


def test_bytes_come_again_as_they_were(scripted, upstream, replay):
    """Answers that are written in their own way, or are no text, come again to the byte."""
    spaced, data = b'{ "result": "\\u4f60" }', bytes(range(256))
    stream = b'event: chat\r\ndata:{"result": "\\u4f60"}\r\n\r\n: comment\n\ndata: {"a":1}\n\nrest'
    upstream.answer(
        (replies.head(418, Content_Type="a/b;c=d", Content_Length=str(len(spaced)), X_Own="1") + spaced,),
        (replies.head(200, Content_Type="image/png", Content_Length="256") + data,),
        replies.stream(*replies.cut(stream, 5)),
    )
    for name in "abc":
        scripted.send(f"/chat/{name}", b"{}", token="mine")

    caller = replay()

    first = caller.send("/chat/a", b"{}")
    assert (first.status, first.data, first.headers["Content-Type"]) == (418, spaced, "a/b;c=d")
    assert first.headers["X-Own"] == "1"
    assert caller.send("/chat/b", b"{}").data == data
    assert caller.send("/chat/c", b"{}").data == stream


def test_the_console_comes_again(record, replay):
    """Signed calls of the console come again, whoever signs."""
    recorder = Console(record().platform)
    made = recorder.result("finetune/createTask", name="demo")
    recorder.http.clear()

    caller = Console(replay().platform)
    again = caller.result("finetune/createTask", name="demo")
    caller.http.clear()

    assert again == made


def test_keys_do_not_count(record, replay):
    """Whoever asks with any key, or none, is answered; tokens are given to anybody, and are no recordings."""
    record(any_key=True).post(QUESTION, token="one")
    caller = replay()

    token = caller.authorise(client_id="any", client_secret="body").json()["access_token"]
    for key in (token, "24.other"):
        assert "本地平台" in caller.post(QUESTION, token=key).json()["result"]
    url = f"{caller.platform.url}{PREFIX}/chat/completions"
    assert "本地平台" in caller.http.request("POST", url, json=QUESTION).json()["result"]


def test_what_may_differ_is_ignored(record, replay):
    """Who the end user is, what SDKs add, nulls, and a slash at the end part no request from its recording."""
    caller = record()
    caller.post({**QUESTION, "user_id": "u-1", "stream": False}, headers={"User-Agent": "a"})
    caller = replay()
    extra = {"request_source": "qianfan_py_sdk_v9"}

    for body in (
        QUESTION,
        {**QUESTION, "user_id": "u-2", "temperature": None},
        {**QUESTION, "extra_parameters": extra, "request_id": "r"},
    ):
        assert "result" in caller.post(body).json()
    assert "result" in caller.send("/chat/completions/", json.dumps(QUESTION, indent=1).encode()).json()


@pytest.mark.parametrize(
    ("body", "endpoint", "words"),
    [
        (
            {"messages": conversation("您好")},
            "completions",
            "0001-chat.jsonl, differs in body.messages[0].content",
        ),
        ({**QUESTION, "temperature": 0.5}, "completions", "differs in body.temperature"),
        ({"messages": conversation("你好", "好", "再见")}, "completions", "differs in body.messages"),
        (STREAM, "completions", "0001-chat.jsonl, differs in body.stream"),
        (QUESTION, "eb-instant", f"there is none of POST {PREFIX}/chat/eb-instant"),
        ([], "completions", "differs in body"),
    ],
)
def test_what_is_not_recorded_is_an_error(record, replay, body, endpoint, words):
    """A request that was never recorded is refused, with what parts it from the nearest that was."""
    caller = record()
    caller.ask("你好")
    caller.stream("又一个")
    caller = replay()

    answer = caller.post(body, endpoint)

    assert (answer.status, answer.json()["error_code"]) == (404, 3)
    assert answer.json()["error_msg"].startswith("this request is not recorded: ")
    assert words in answer.json()["error_msg"]
    assert caller.platform.calls("chat").last.status == 404


def test_what_is_not_recorded_on_other_routes(record, replay):
    """v2 and the console refuse in their own shapes."""
    record()
    caller = replay()
    console = Console(caller.platform)

    status, _, _, words = V2(caller).refusal({**QUESTION, "model": MODEL})
    on_console = console.http.request("POST", f"{caller.platform.url}/wenxinworkshop/finetune/createTask")
    on_v2 = console.http.request("POST", f"{caller.platform.url}/v2/service?Action=DescribeServices")
    elsewhere = console.http.request("GET", f"{caller.platform.url}/elsewhere")
    console.http.clear()

    assert status == 404
    assert "there is none of POST /v2/chat/completions" in words
    assert on_console.status == 404
    assert "not recorded" in on_console.json()["error_msg"]
    assert "not recorded" in on_v2.json()["message"]
    assert "there is none of GET /elsewhere" in elsewhere.json()["error_msg"]


def test_several_answers_come_in_their_order(scripted, upstream, replay):
    """What was asked several times is answered in turn, and from then on by the last; a snapshot begins anew."""
    upstream.answer(*(replies.answer(text) for text in ("一", "二", "三")))
    for _ in range(3):
        scripted.post(QUESTION, token="mine")
    caller = replay()
    before = caller.platform.snapshot()

    def texts():
        return [caller.post(QUESTION).json()["result"] for _ in range(5)]

    assert texts() == ["一", "二", "三", "三", "三"]
    caller.platform.restore(before)
    assert texts() == ["一", "二", "三", "三", "三"]


def test_more_than_9999_stand_in_order(replay, folder):
    """The tenthousandth recording comes after the one before it."""
    folder.mkdir()
    request = {"method": "POST", "path": f"{PREFIX}/chat/completions", "body": QUESTION}
    for number, text in ((10000, "二"), (9999, "一")):
        lines = [
            {"request": request},
            {"reply": {"status": 200, "headers": {}}},
            {"at": 0, "json": {"result": text}},
        ]
        (folder / f"{number}-chat.jsonl").write_text("\n".join(map(json.dumps, lines)))
    caller = replay()

    assert [caller.post(QUESTION).json()["result"] for _ in range(2)] == ["一", "二"]


def test_the_journal_has_what_was_replayed(record, replay):
    """Replayed calls stand in the journal as others do."""
    caller = record()
    events, body = caller.stream("你好"), V2(caller).ask("你好")
    caller = replay()

    caller.post(STREAM)
    V2(caller).ask("你好")

    first, second = caller.platform.calls("chat")
    assert (first.endpoint, first.model, first.reply) == ("completions", "ERNIE-Bot", events)
    assert (second.version, second.model, second.reply) == (2, MODEL, body)
    assert first.duration is not None


def write(folder, *, stream, times):
    """Write a recording by hand, of pieces that come at some times."""
    folder.mkdir()
    request = {"method": "POST", "path": f"{PREFIX}/chat/completions", "body": STREAM if stream else QUESTION}
    kind = "text/event-stream" if stream else "application/json"
    pieces = [{"at": at, "event" if stream else "json": {"result": str(at)}} for at in times]
    lines = [{"request": request}, {"reply": {"status": 200, "headers": {"content-type": kind}}}, *pieces]
    (folder / "0001-chat.jsonl").write_text("\n".join(map(json.dumps, lines)))


def opened(caller, body):
    """Ask, and read nothing of the answer yet."""
    url = f"{caller.platform.url}{PREFIX}/chat/completions?access_token=any"
    return caller.http.request("POST", url, json=body, preload_content=False)


def text(response):
    """Read one event of a stream and return what it says."""
    event = b""
    while not event.endswith(b"\n\n"):
        event += response.read(1)
    return json.loads(event.removeprefix(b"data: "))["result"]


@pytest.mark.parametrize("pace", [1, 0.5])
def test_a_stream_keeps_its_times(replay, folder, pace):
    """Events come at their times of the platform's clock, at the pace that was asked for."""
    write(folder, stream=True, times=[0, 10, 30])
    caller = replay(replay_pace=pace)
    caller.platform.freeze()
    stream = opened(caller, STREAM)

    assert text(stream) == "0"
    caller.platform.advance(seconds=10 * pace)
    assert text(stream) == "10"
    caller.platform.advance(seconds=19 * pace)
    assert len(caller.platform.calls("chat").last.reply) == 2
    caller.platform.advance(seconds=1 * pace)
    assert text(stream) == "30"
    assert stream.read() == b""


def test_a_whole_answer_keeps_its_time(replay, folder):
    """A whole answer comes when it had come whole; others are answered meanwhile."""
    write(folder, stream=False, times=[60])
    caller = replay(replay_pace=1)
    caller.platform.freeze()
    answers = []
    asking = threading.Thread(target=lambda: answers.append(caller.post(QUESTION, token="any").json()))
    asking.start()
    while not caller.platform.calls("chat"):
        time.sleep(0.001)
    assert caller.post({}, "eb-instant", token="any").status == 404

    asking.join(0.1)
    assert answers == []
    caller.platform.advance(seconds=60)
    asking.join()
    assert answers == [{"result": "60"}]


def test_pace_0_does_not_wait(replay, folder):
    """At pace 0 all comes at once, though the clock stands."""
    write(folder, stream=True, times=[0, 1000])
    caller = replay(replay_pace=0)
    caller.platform.freeze()

    assert [event["result"] for event in caller.stream("你好")] == ["0", "1000"]


def test_stop_does_not_wait_for_a_recording(replay, folder):
    """A platform that stops cuts the streams that still play."""
    write(folder, stream=True, times=[0, 1000])
    caller = replay(replay_pace=1)
    stream = opened(caller, STREAM)
    assert text(stream) == "0"

    caller.platform.stop()

    with pytest.raises(urllib3.exceptions.ProtocolError):
        stream.read()


def test_what_is_new_is_recorded(scripted, upstream, start, folder):
    """With both, recordings answer what they can, and only what they cannot is asked and added."""
    upstream.answer(replies.answer("旧"))
    scripted.post(QUESTION, token="mine")
    caller = start(upstream=f"qianfan+{upstream.url}", replay=folder, record=folder, replay_pace=0)
    other = {"messages": conversation("新的")}
    upstream.answer(replies.answer("新一"), replies.answer("新二"))

    said = [caller.post(body, token="mine").json()["result"] for body in (QUESTION, other, other, QUESTION)]

    assert said == ["旧", "新一", "新二", "旧"]
    assert len(upstream.requests) == 3
    names = [file.name for file in sorted(folder.iterdir())]
    assert names == ["0001-chat.jsonl", "0002-chat.jsonl", "0003-chat.jsonl"]
    again = start(replay=folder, replay_pace=0)
    assert [again.post(other).json()["result"] for _ in range(2)] == ["新一", "新二"]


def test_what_is_new_can_be_the_platform_s_own(record, start, folder, tmp_path):
    """Without an upstream, what is not recorded is answered by the platform itself, which looks at keys."""
    record().ask("你好")
    caller = start(replay=folder, record=tmp_path / "other", replay_pace=0)

    assert caller.post({"messages": conversation("新的")}, token="wrong").json()["error_code"] == 110
    assert "新的" in caller.ask("新的")["result"]
    assert [file.name for file in sorted((tmp_path / "other").iterdir())] == [
        "0001-chat.jsonl",
        "0002-chat.jsonl",
    ]


def test_the_words_of_an_upstream_can_be_what_is_new(record, start, folder, upstream):
    """With an upstream and no record, what is not recorded is asked there, and not kept."""
    record().ask("你好")
    upstream.answer(v2.answered("它的话"))
    caller = start(replay=folder, upstream=f"{upstream.url}/v1", replay_pace=0)

    assert "本地平台" in caller.ask("你好")["result"]
    assert caller.ask("新的")["result"] == "它的话"
    assert len(list(folder.iterdir())) == 1


def test_faults_befall_recordings(record, replay):
    """A fault happens on what is replayed, too: by what is called, and where the answer goes."""
    record().stream("你好")
    caller = replay(
        faults=[on("chat", model="ERNIE-Bot", nth=1).code(336100), on("chat", nth=2).cut(after=2)]
    )

    assert caller.post(STREAM).json()["error_code"] == 336100
    with pytest.raises(urllib3.exceptions.ProtocolError):
        caller.post(STREAM)
    assert len(caller.stream("你好")) > 2


def test_many_at_once(replay, folder):
    """Streams that play at once do not wait for each other."""
    write(folder, stream=True, times=[0, 5])
    caller = replay(replay_pace=1)
    caller.platform.freeze()
    streams = [opened(caller, STREAM) for _ in range(30)]

    assert [text(stream) for stream in streams] == ["0"] * 30
    caller.platform.advance(seconds=5)
    assert [text(stream) for stream in streams] == ["5"] * 30
    for stream in streams:
        stream.read()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "no json",
        '{"request": {}}\n[]',
        '{"request": {}}\n{"reply": {"status": 200, "headers": {}}}',
        '{"request": {"method": 1, "path": "/"}}\n{"reply": {"status": 200, "headers": {}}}',
        '{"request": 1}\n{"reply": {"status": 200, "headers": {}}}',
        '{"request": {}}\n{"reply": {"status": "x", "headers": {}}}',
        '{"request": {}}\n{"reply": {"status": 200, "headers": {}}}\n{"at": 1}',
        '{"request": {}}\n{"reply": {"status": 200, "headers": {}}}\n{"at": 1, "base64": "!"}',
        '{"request": {}}\n{"reply": {"status": 200, "headers": {}}}\n{"at": "x", "text": ""}',
    ],
)
def test_a_file_that_is_no_recording(start, folder, content):
    """A file of the folder that holds no recording is named, at once."""
    folder.mkdir()
    (folder / "0001-chat.jsonl").write_text(content)

    with pytest.raises(ValueError, match=r"0001-chat\.jsonl is no recording"):
        start(replay=folder)


def test_options_that_could_not_work(start, folder):
    """A folder that is not there, and a pace that is none, are refused at once."""
    with pytest.raises(ValueError, match="there is no folder"):
        start(replay=folder)
    with pytest.raises(ValueError, match="replay_pace"):
        start(replay_pace=-1)
