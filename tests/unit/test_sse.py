"""Server-sent events from bytes: any cut gives the same events."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qianfan.core.sse import Event, EventDecoder

BOM = b"\xef\xbb\xbf"


def decode(*chunks: bytes) -> list[Event]:
    """Return the events that chunks give together, the end of the body included."""
    decoder = EventDecoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return events + decoder.close()


def byte_by_byte(stream: bytes) -> list[bytes]:
    """Cut a stream into single bytes."""
    return [stream[index : index + 1] for index in range(len(stream))]


def data(*texts: str) -> list[Event]:
    """Return events without a name."""
    return [Event(None, text.encode()) for text in texts]


STREAMS = {
    "one event": (b"data: a\n\n", data("a")),
    "two events": (b"data: a\n\ndata: b\n\n", data("a", "b")),
    "no space after the colon": (b"data:a\n\n", data("a")),
    "only one space is dropped": (b"data:  a\n\n", data(" a")),
    "no empty line at the end": (b"data: a\n\ndata: b\n", data("a", "b")),
    "no newline at the end": (b"data: a\n\ndata: b", data("a", "b")),
    "CR LF": (b"data: a\r\n\r\ndata: b\r\n\r\n", data("a", "b")),
    "lone CR": (b"data: a\r\rdata: b\r\r", data("a", "b")),
    "CR at the very end": (b"data: a\r", data("a")),
    "newlines of all kinds": (b"data: a\r\n\ndata: b\r\r\ndata: c\n\r\n", data("a", "b", "c")),
    "comments": (b": keep-alive\n\ndata: a\n: in between\n\n:\n\n", data("a")),
    "unknown fields": (b"id: 7\nretry: 10\ndata: a\nfoo\n\n", data("a")),
    "a name": (b"event: plugin\ndata: a\n\ndata: b\n\n", [Event("plugin", b"a"), Event(None, b"b")]),
    "a name without space": (b"event:chat\r\ndata:a\r\n\r\n", [Event("chat", b"a")]),
    "a name after the data": (b"data: a\nevent: plugin\n\n", [Event("plugin", b"a")]),
    "a name without data": (b"event: ping\n\ndata: a\n\n", data("a")),
    "the last of two names": (b"event: a\nevent: b\ndata: x\n\n", [Event("b", b"x")]),
    "data in several lines": (b"data: a\ndata: b\ndata:\ndata: c\n\n", data("a\nb\n\nc")),
    "empty data": (b"data:\n\ndata: \n\ndata: a\n\n", data("a")),
    "empty lines": (b"\n\n\ndata: a\n\n\n\n", data("a")),
    "nothing": (b"", []),
    "a byte order mark": (BOM + b"data: a\n\n", data("a")),
    "a byte order mark later on": (b"data: a\n\n" + BOM + b"data: b\n\n", data("a")),
    "half a byte order mark": (BOM[:2], []),
    "not quite a byte order mark": (b"\xef\xbb data: a\n\ndata: b\n\n", data("b")),
    "a bare JSON line": (b'data: a\n\n{"error_code":18}\n', data("a", '{"error_code":18}')),
    "a bare JSON line and nothing else": (b'{"error_code":18}', data('{"error_code":18}')),
    "a bare JSON line keeps no name": (b'event: chat\n{"error_code":18}\n\n', data('{"error_code":18}')),
    "Chinese": ("data: 你好，世界\n\n".encode(), data("你好，世界")),
}


@pytest.mark.parametrize(("stream", "expected"), STREAMS.values(), ids=STREAMS)
def test_whole(stream: bytes, expected: list[Event]) -> None:
    """A stream that comes in one piece gives its events."""
    assert decode(stream) == expected


@pytest.mark.parametrize(("stream", "expected"), STREAMS.values(), ids=STREAMS)
def test_byte_by_byte(stream: bytes, expected: list[Event]) -> None:
    """A stream that comes in single bytes gives the same events."""
    assert decode(*byte_by_byte(stream)) == expected


@pytest.mark.parametrize(("stream", "expected"), STREAMS.values(), ids=STREAMS)
def test_cut_in_two(stream: bytes, expected: list[Event]) -> None:
    """A stream that is cut anywhere, with an empty chunk in the cut, gives the same events."""
    for cut in range(len(stream) + 1):
        assert decode(stream[:cut], b"", stream[cut:]) == expected


NEWLINES = st.sampled_from([b"\n", b"\r\n", b"\r"])
LINE = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=8)
NAME = st.none() | st.sampled_from(["chat", "plugin", "pluginMeta"])
COMMENTS = st.lists(st.just(b": keep-alive"), max_size=2)


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[Event]]:
    """Write some events as a service may; return the bytes and the events."""
    newline = draw(NEWLINES)
    stream, events = draw(st.sampled_from([b"", BOM])), []
    for name, lines, comments in draw(
        st.lists(st.tuples(NAME, st.lists(LINE, min_size=1, max_size=3), COMMENTS))
    ):
        written = [*comments, *([f"event: {name}".encode()] if name else [])]
        written += [b"data: " + line.encode() for line in lines]
        stream += newline.join([*written, b"", b""])
        if lines != [""]:  # an event whose data is empty is none
            events.append(Event(name, "\n".join(lines).encode()))
    return stream, events


@given(streams(), st.lists(st.integers(0, 200)))
@settings(deadline=None, max_examples=50)
def test_any_cuts(written: tuple[bytes, list[Event]], cuts: list[int]) -> None:
    """However a stream is cut, what was written comes out, each event with the byte that completes it."""
    stream, expected = written
    edges = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})

    assert decode(*(stream[start:end] for start, end in pairwise(edges))) == expected


@given(st.binary(max_size=60), st.integers(0, 60))
@settings(deadline=None, max_examples=50)
def test_garbage(stream: bytes, cut: int) -> None:
    """Bytes that are no events at all raise nothing and mean the same however they are cut."""
    assert decode(*byte_by_byte(stream)) == decode(stream[:cut], stream[cut:]) == decode(stream)


def test_an_event_is_out_with_its_last_byte() -> None:
    """The newline that ends an event brings it out: nothing waits for the next one."""
    decoder = EventDecoder()

    assert [decoder.feed(byte) for byte in byte_by_byte(b"data: a\n\n")] == [[]] * 8 + [data("a")]


def test_cr_is_not_waited_on() -> None:
    """A CR brings the event out at once, and the LF that may follow adds no second line."""
    decoder = EventDecoder()

    assert decoder.feed(b"data: a\r\n\r") == data("a")
    assert decoder.feed(b"\n") == []
    assert decoder.feed(b"data: b\r\n\r") == data("b")


@pytest.mark.parametrize("size", [1, 1024, 65536], ids="pieces of {} bytes".format)
def test_a_big_event_is_joined_once(size: int) -> None:
    """An event of 1 MB costs time linear in its bytes: its pieces lie untouched until the line is whole."""
    text = b"0123456789abcdef" * 65536
    stream = b"data: " + text
    decoder = EventDecoder()
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]

    assert not any(map(decoder.feed, pieces))

    # The one private part looked at here: a decoder that joined earlier would hold fewer pieces.
    assert len(decoder._tail) == len(pieces)
    assert decoder.feed(b"\n\n") == [Event(None, text)]
    assert not decoder._tail


def test_many_lines_in_one_chunk() -> None:
    """A chunk of 20,000 events gives them all, in their order."""
    assert decode(b"".join(b"data: %d\n\n" % n for n in range(20_000))) == data(*map(str, range(20_000)))


def test_a_bare_line_ends_the_event_before_it() -> None:
    """An error line right after a line of data comes after that data, not before it."""
    events = EventDecoder().feed(b'data: {"result":"a"}\n{"error_code":1}\n\n')

    assert [event.data for event in events] == [b'{"result":"a"}', b'{"error_code":1}']


def test_an_empty_name_is_none() -> None:
    """An `event:` line without a name names nothing."""
    assert EventDecoder().feed(b"event:\ndata: x\n\n") == [Event(None, b"x")]
