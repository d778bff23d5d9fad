"""Streams of an upstream: given on as they come, beside each other, and let go when the caller goes."""

from __future__ import annotations

import json

import pytest
import urllib3
from local_caller import PREFIX, conversation
from support import replies, v2
from support.replies import STALL, Gate
from v2_caller import MODEL, V2

from qianfan.local import on

QUESTION = {"messages": conversation("你好"), "stream": True}

VERSIONS = pytest.mark.parametrize("version", [1, 2])


def opened(caller, version, **fields):
    """Open a stream of a version; it is read by `text`."""
    url, headers = f"{caller.platform.url}{PREFIX}/chat/completions?access_token={caller.token}", {}
    if version == 2:
        url = f"{caller.platform.url}/v2/chat/completions"
        headers = {"Authorization": f"Bearer {caller.platform.api_key}"}
    body = {**QUESTION, "model": MODEL, **fields}
    return caller.http.request("POST", url, json=body, headers=headers, preload_content=False)


def text(response):
    """Read one event of a stream and return what it says."""
    event = b""
    while not event.endswith(b"\n\n"):
        event += response.read(1)
    body = json.loads(event.removeprefix(b"data: "))
    return body["result"] if "result" in body else body["choices"][0]["delta"].get("content")


@VERSIONS
def test_the_first_word_does_not_wait_for_the_rest(upstream, behind, version):
    """Each part leaves when it has come, while the upstream has not said the next."""
    gates = [Gate(), Gate()]
    first, second, *rest = v2.framed(v2.chunk("一"), v2.chunk("二"), v2.chunk("三", "stop"), v2.DONE)
    upstream.answer(replies.stream(first, gates[0], second, gates[1], *rest))

    stream = opened(behind(), version)

    assert text(stream) == "一"
    gates[0].open()
    assert text(stream) == "二"
    gates[1].open()
    assert text(stream) == "三"
    assert stream.read()


def test_events_that_are_cut_anywhere_are_whole(upstream, behind):
    """However the upstream's bytes arrive, in pieces of a character or many events at once, the words do."""
    events = v2.framed(
        v2.chunk("你好"), v2.chunk("，世界"), v2.chunk(None, "stop"), v2.usage_chunk(), v2.DONE
    )
    whole = b": comment\n\n" + b"".join(events)
    for script in (
        replies.stream(*replies.cut(whole, 1)),
        replies.stream(*replies.cut(whole, 7)),
        replies.stream(whole),
        replies.stream(whole.replace(b"\n", b"\r\n")),
        replies.stream(whole.replace(b"data: ", b"data:")),
        replies.stream(whole, chunked=False),
    ):
        upstream.answer(script)
    caller = behind()

    for _ in range(6):
        assert [event["result"] for event in caller.stream("你好")] == ["你好", "，世界", ""]


@VERSIONS
def test_a_caller_who_leaves_lets_the_upstream_go(upstream, behind, version):
    """A stream whose caller has gone is closed at the upstream, which would go on for nobody."""
    upstream.answer(replies.stream(*v2.framed(v2.chunk("一")), STALL, ended=False))
    caller = behind()
    stream = opened(caller, version)
    assert text(stream) == "一"

    stream.close()

    upstream.wait_idle()
    call = caller.platform.calls("chat").last
    assert (len(call.reply), call.duration) == (1, None)


@pytest.mark.parametrize("stream", [True, False])
def test_a_caller_who_leaves_before_an_answer(upstream, behind, stream):
    """An upstream that has not answered yet is let go, too."""
    gate = Gate()
    upstream.answer((gate,))
    caller = behind()
    impatient = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(read=0.1))
    url = f"{caller.platform.url}{PREFIX}/chat/completions?access_token={caller.token}"

    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        impatient.request("POST", url, json={**QUESTION, "stream": stream})

    upstream.wait(lambda server: server.requests)
    impatient.clear()
    upstream.wait_idle()
    gate.open()


@VERSIONS
def test_streams_go_on_beside_each_other(upstream, behind, version):
    """Fifty streams that are open at once do not wait for each other, nor does a call of another kind."""
    gate = Gate()
    first, *rest = v2.framed(v2.chunk("一"), v2.chunk("二", "stop"), v2.DONE)
    upstream.always(replies.stream(first, gate, *rest))
    caller = behind()

    streams = [opened(caller, version) for _ in range(50)]

    assert [text(stream) for stream in streams] == ["一"] * 50
    assert caller.post({"prompt": "你好"}, "erniebot", service="tokenizer").status == 200
    gate.open()
    assert [text(stream) for stream in streams] == ["二"] * 50
    for stream in streams:
        stream.read()


@VERSIONS
def test_stop_cuts_what_waits_for_the_upstream(upstream, behind, version):
    """A platform that stops does not wait for its upstream, and leaves nothing open there."""
    upstream.always(replies.stream(*v2.framed(v2.chunk("一")), STALL, ended=False))
    caller = behind()
    stream = opened(caller, version)
    assert text(stream) == "一"

    caller.platform.stop()

    upstream.wait_idle()
    with pytest.raises(urllib3.exceptions.ProtocolError):
        stream.read()


def test_a_caller_who_leaves_is_charged(upstream, behind):
    """What was said before a caller went is taken from the quota."""
    upstream.answer(replies.stream(*v2.framed(v2.chunk("一二三四五六七八九十" * 2)), STALL, ended=False))
    upstream.always(v2.answered())
    caller = behind(tpm=20)
    stream = opened(caller, 1)
    text(stream)

    stream.close()

    upstream.wait_idle()
    assert caller.ask("你好")["error_code"] == 336502


@VERSIONS
def test_faults_befall_the_upstream_s_words(upstream, behind, version):
    """A fault of the platform's happens on the way of the answer, whoever gave it."""
    upstream.always(v2.streamed("一", "二", "三"))
    caller = behind(faults=[on("chat").cut(after=2)])

    stream = opened(caller, version)

    assert [text(stream), text(stream)] == ["一", "二"]
    with pytest.raises(urllib3.exceptions.ProtocolError):
        stream.read()


def test_a_stream_after_a_stream(upstream, behind):
    """One connection of the caller's carries one stream after the other."""
    upstream.always(v2.streamed("一", "二"))
    caller = V2(behind())

    assert [len(caller.stream("你好")) for _ in range(3)] == [3, 3, 3]
