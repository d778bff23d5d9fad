"""Streams as they come over the wire: whole, in pieces, odd, cut and broken."""

from __future__ import annotations

import gzip
from time import monotonic

import pytest
from support.replies import (
    CLOSE,
    RESET,
    STALL,
    Gate,
    answer,
    as_json,
    chat_body,
    chat_events,
    cut,
    event,
    events,
    head,
    refusal,
    stream,
    streamed,
)
from support.server import elapsed
from support.worlds import streams, unary

from qianfan.errors import APIError, BadRequestError, RequestError, StreamIncompleteError

TEXTS = ["你好", "，很高兴", "见到你。"]
GREETING = "".join(TEXTS)
BODIES = chat_events(*TEXTS)
LF = b"".join(map(event, BODIES))

#: The same three events in other framings.
FRAMINGS = {
    "as the platform frames": LF,
    "CR LF": LF.replace(b"\n", b"\r\n"),
    "CR": LF.replace(b"\n", b"\r"),
    "no space after the colon": LF.replace(b"data: ", b"data:"),
    "comments": b": hello\n\n" + LF.replace(b"\n\n", b"\n\n: keep-alive\n\n"),
    "event names": LF.replace(b"data:", b"event: chat\ndata:"),
    "ids and retries": LF.replace(b"data:", b"id: 7\nretry: 100\nunknown\ndata:"),
    "a byte order mark": b"\xef\xbb\xbf" + LF,
    "no empty line at the end": LF.removesuffix(b"\n"),
    "no newline at the end": LF.removesuffix(b"\n\n"),
    "extra empty lines": LF.replace(b"\n\n", b"\n\n\n\n"),
    "an event in two lines": LF.replace(b',"result"', b'\ndata: ,"result"'),
    "bare JSON lines": b"".join(as_json(body) + b"\n" for body in BODIES),
}


@streams
@pytest.mark.parametrize("framing", FRAMINGS)
def test_every_framing_gives_the_same_events(world, server, chat, framing):
    """However the three events are framed, they are the same three events."""
    server.answer(stream(FRAMINGS[framing]))

    assert world.ask(chat).events == TEXTS


@streams
@pytest.mark.parametrize(
    "framing", ["as the platform frames", "no empty line at the end", "no newline at the end"]
)
def test_a_body_may_end_with_its_connection(world, server, chat, framing):
    """A body without chunks or length ends when the connection does."""
    server.answer(stream(FRAMINGS[framing], chunked=False))

    assert world.ask(chat).events == TEXTS
    world.wait_idle(server)


@streams
@pytest.mark.parametrize("size", [1, 2, 3, 64])
@pytest.mark.parametrize("framing", ["as the platform frames", "CR LF", "a byte order mark"])
def test_every_cut_gives_the_same_events(world, server, chat, framing, size):
    """However the bytes are cut into chunks, they are the same three events."""
    server.answer(stream(*cut(FRAMINGS[framing], size)))

    assert world.ask(chat).events == TEXTS


@streams
def test_an_event_is_seen_when_it_comes(world, server, chat):
    """An event is handed out as soon as it is whole, while the service holds back the next."""
    gates = [Gate(), Gate()]
    first, second, third = events(*TEXTS)
    server.answer(stream(first, gates[0], second, gates[1], third))
    opened = world.open(chat)

    assert opened.next() == TEXTS[0]
    gates[0].open()
    assert opened.next() == TEXTS[1]
    gates[1].open()
    assert opened.rest() == [TEXTS[2]]


@streams
def test_events_come_one_by_one_also_where_they_arrive_together(world, server, chat):
    """Events that arrive in one piece are still handed out singly."""
    server.answer(stream(LF))
    opened = world.open(chat)

    assert [opened.next(), opened.next(), opened.next()] == TEXTS
    with pytest.raises(StopIteration):
        opened.next()


@streams
def test_an_event_of_a_megabyte_is_one_event(world, server, chat):
    """The size of an event has no limit of ours."""
    text = "千" * 350_000
    server.answer(stream(*cut(b"".join(events(text, "帆")), 9_999)))

    assert world.ask(chat).events == [text, "帆"]


@streams
def test_ten_thousand_events_arrive(world, server, chat):
    """A long stream arrives whole."""
    server.answer(stream(*cut(b"".join(events(*["字"] * 10_000)), 65_536)))

    assert world.ask(chat).text == "字" * 10_000


@streams
def test_the_name_of_an_event_is_kept(world, server, chat):
    """The name of an `event:` line is in the event's body, as later SDKs have it."""
    server.answer(stream(b"event: plugin\n" + LF))
    opened = world.open(chat)

    assert opened.event()["_event"] == "plugin"
    assert "_event" not in opened.collect()


@streams
def test_collect_gives_what_the_unary_call_gives(world, server, chat):
    """A collected stream equals the unary reply: texts joined, of the rest the latest."""
    server.answer(stream(*events(*TEXTS)), answer(GREETING))
    collected = world.open(chat).collect()
    world.streams = False

    assert collected == world.ask(chat).reply
    assert collected.headers["Content-Type"].startswith("text/event-stream")


@streams
def test_collect_counts_what_was_read_before(world, server, chat):
    """What was iterated is part of what is collected."""
    server.answer(streamed(*TEXTS))
    opened = world.open(chat)
    opened.next()

    assert opened.collect()["result"] == GREETING


@streams
def test_a_function_call_is_collected(world, server, chat):
    """A function call arrives in one event and is in the whole reply."""
    call = {"name": "get_weather", "arguments": '{"city":"北京"}'}
    body = chat_body("", function_call=call, sentence_id=0, is_end=True)
    server.answer(stream(event(body)))

    assert world.open(chat).collect()["function_call"] == call


@streams
def test_a_whole_reply_to_a_stream_request_is_one_event(world, server, chat):
    """A service that ignores `stream` gives a stream of one event."""
    server.answer(answer(GREETING))
    outcome = world.ask(chat)

    assert outcome.events == [GREETING]
    assert outcome.text == GREETING


@unary
def test_a_reply_in_chunks_is_one_reply(world, server, chat):
    """A whole reply may come in chunks too."""
    body = answer(GREETING)[0].partition(b"\r\n\r\n")[2]
    pieces = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in cut(body, 5)]
    server.answer(
        (head(200, Content_Type="application/json", Transfer_Encoding="chunked"), *pieces, b"0\r\n\r\n")
    )

    assert world.ask(chat).text == GREETING


#: Errors that take the place of a stream.
NOT_STREAMS = {
    "as JSON": refusal(336003, "no such temperature"),
    "as JSON in an event stream": stream(as_json({"error_code": 336003, "error_msg": "no such temperature"})),
    "as JSON and a newline": stream(
        as_json({"error_code": 336003, "error_msg": "no such temperature"}) + b"\n"
    ),
    "as an event": stream(event({"error_code": 336003, "error_msg": "no such temperature"})),
}


@streams
@pytest.mark.parametrize("kind", NOT_STREAMS)
def test_an_error_instead_of_a_stream_is_told(world, server, chat, kind):
    """An error that takes a stream's place is raised in the platform's words."""
    server.answer(NOT_STREAMS[kind])
    outcome = world.ask(chat)

    assert type(outcome.error) is BadRequestError
    assert outcome.error.error_msg == "no such temperature"
    assert outcome.events == []


#: Ends of a stream after two of its three events: what follows them, and the error it gives.
ENDS = {
    "an error event": ([event({"error_code": 336003, "error_msg": "unsafe"})], BadRequestError),
    "a bare error line": ([b'{"error_code":336003,"error_msg":"unsafe"}\n'], BadRequestError),
    "a bare error line without newline": ([b'{"error_code":336003,"error_msg":"unsafe"}'], BadRequestError),
    "an error with an unknown code": ([event({"error_code": 987654, "error_msg": "?"})], APIError),
    "no JSON": ([b"data: <html>\n\n"], RequestError),
    "no object": ([b"data: [1]\n\n"], RequestError),
    "broken JSON": ([b'data: {"result":\n\n'], RequestError),
    "the end of the body": ([], StreamIncompleteError),
    "half an event": ([b'data: {"result":"x"'], StreamIncompleteError),
    "a cut": ([CLOSE], StreamIncompleteError),
    "a reset": ([RESET], StreamIncompleteError),
}


@streams
@pytest.mark.parametrize(
    ("end", "chunked"),
    [
        *((end, True) for end in ENDS),
        ("the end of the body", False),
        ("half an event", False),
        ("a bare error line without newline", False),
    ],
)
def test_a_stream_that_ends_badly_says_so_and_keeps_what_came(world, server, chat, end, chunked):
    """Whatever ends a stream before its end mark is raised after the events that came, with their sum."""
    steps, expected = ENDS[end]
    server.answer(stream(*events(*TEXTS)[:2], *steps, chunked=chunked))
    outcome = world.ask(chat)

    assert type(outcome.error) is expected
    assert outcome.events == TEXTS[:2]
    assert outcome.error.partial["result"] == "你好，很高兴"
    assert outcome.error.attempts == () or len(outcome.error.attempts) == 1
    world.wait_idle(server) if steps[-1:] in ([CLOSE], [RESET]) else None


@streams
def test_events_that_come_with_an_error_are_handed_out_first(world, server, chat):
    """Events that arrive in one piece with an error are not lost to it."""
    server.answer(stream(b"".join(events(*TEXTS)[:2]) + event({"error_code": 336003, "error_msg": "unsafe"})))
    outcome = world.ask(chat)

    assert outcome.events == TEXTS[:2]
    assert type(outcome.error) is BadRequestError


@streams
def test_a_stream_that_failed_stays_ended(world, server, chat):
    """After its error a stream yields nothing more and does not hang."""
    server.answer(stream(*events(*TEXTS)[:1], CLOSE))
    opened = world.open(chat)
    opened.next()
    with pytest.raises(StreamIncompleteError):
        opened.next()

    with pytest.raises(StopIteration):
        opened.next()
    with pytest.raises(StreamIncompleteError):  # nor does the part pass for the whole now
        opened.collect()


@streams
def test_what_follows_the_end_mark_is_ignored(world, server, chat):
    """The end mark is the end, whatever a service still sends."""
    server.answer(stream(*events(*TEXTS), event({"error_code": 1, "error_msg": "late"})))

    assert world.ask(chat).text == GREETING


@streams
def test_a_service_that_keeps_the_connection_open_does_not_hold_up_the_caller(world, server, chat):
    """After the end mark the caller is not kept waiting for the body's end."""
    server.answer(stream(*events(*TEXTS), STALL))
    began = monotonic()
    outcome = world.ask(chat)

    assert outcome.events == TEXTS
    assert outcome.text == GREETING
    assert elapsed(began) < 2
    world.wait(server, lambda server: server.open_connections <= 1)


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_reply_compressed_unasked_is_read(world, server, chat, framing):
    """A proxy that compresses although nobody asked it to does no harm."""
    body, kind = (
        (LF, "text/event-stream") if world.streams else (as_json(chat_body(GREETING)), "application/json")
    )
    body = gzip.compress(body)
    frame = {"Content_Length": str(len(body))}
    if framing == "chunked":
        body, frame = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body), {"Transfer_Encoding": "chunked"}
    server.answer((head(200, Content_Type=kind, Content_Encoding="gzip", **frame) + body,))

    assert world.ask(chat, retry_count=1).text == GREETING


@streams
def test_a_content_type_in_capitals_is_a_stream_too(world, server, chat):
    """The case of a content type means nothing."""
    server.answer(stream(LF, Content_Type="Text/Event-Stream"))

    assert world.ask(chat).events == TEXTS
