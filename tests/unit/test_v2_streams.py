"""The events of v2: what each means under the names of v1, and what they add up to (the platform documentation, §7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.v2 import DONE, USAGE, chat_body, choice, chunk, error_body, framed, tool_call, usage_chunk

from qianfan.core.flow import stream
from qianfan.core.retry import RetryPolicy
from qianfan.core.sse import Event, EventDecoder
from qianfan.core.tool_calls import ToolCalls
from qianfan.core.v2 import V2
from qianfan.errors import (
    APIError,
    BadRequestError,
    ConnectionFailedError,
    InternalError,
    QianfanError,
    RateLimitError,
    RequestError,
    StreamIncompleteError,
)

from .interpreter import Script
from .test_v2 import HEAD, chat, completion, decoded, exchange, reply

if TYPE_CHECKING:
    from qianfan.core.call import Call
    from qianfan.response import Response


class Read:
    """A stream that was read: its events, their sum, and whether its end came.

    Args:
        events: The events, as bodies or bytes.
        call: What was asked for.
        closed: Whether the body then ended, or the connection broke.
    """

    def __init__(self, *events: Any, call: Call | None = None, closed: bool = True) -> None:
        reading = V2(call or chat()).reading(HEAD)
        ready: list[Response] = []
        self.whole = False
        for it in events:
            data = it if isinstance(it, bytes) else orjson.dumps(it)
            if reading.take(Event(None, data), ready):
                self.whole = True
                break
        if closed and not self.whole:
            self.whole = reading.finish(ready)
        self.events = ready
        self.sum = reading.reply()

    def all(self, name: str) -> list[Any]:
        """Return a field of every event, None where it has none."""
        return [event.get(name) for event in self.events]


TEXT = (chunk("你", role="assistant"), chunk("好！", "stop", choice={"flag": 0}))


class TestStream:
    """What the events of a stream mean, and what they add up to."""

    def test_as_documented(self) -> None:
        """Every event has the names of v1; the last one tells why it ended, and the usage."""
        read = Read(*TEXT, usage_chunk(), DONE)

        assert read.whole
        assert read.all("result") == ["你", "好！"]
        assert read.all("is_end") == [False, True]
        assert read.all("sentence_id") == [0, 1]
        assert read.all("is_truncated") == read.all("need_clear_history") == [False, False]
        assert read.all("finish_reason") == [None, "stop"]
        assert read.all("usage") == [None, USAGE]
        assert [event.choices[0].delta.content for event in read.events] == ["你", "好！"]
        assert [event.choices[0].finish_reason for event in read.events] == [None, "stop"]
        assert all((event.id, event.model) == ("as-abcde12345", "ernie-3.5-8k") for event in read.events)

    @pytest.mark.parametrize(
        "rest",
        [
            (usage_chunk(), DONE),
            (DONE,),
            (),
            (usage_chunk(),),
            (usage_chunk(None), DONE),
            ({**chunk(), "choices": []}, DONE),
            ({"choices": []}, {"choices": None}, {"id": "x"}, DONE),
        ],
        ids=[
            "documented",
            "no usage",
            "cut after the end",
            "no [DONE]",
            "null usage",
            "keep-alive",
            "several",
        ],
    )
    def test_endings(self, rest: Any) -> None:
        """However a stream goes on after its end, it is whole, and the last event is the one with the reason."""
        read = Read(*TEXT, *rest)

        assert read.whole
        assert read.all("result") == ["你", "好！"]
        assert read.all("is_end") == [False, True]
        assert read.all("finish_reason") == [None, "stop"]

    def test_cut_before_its_end(self) -> None:
        """A stream without a reason and without its mark is not whole; what came is in the sum."""
        read = Read(chunk("你"), chunk("好"))

        assert not read.whole
        assert read.all("is_end") == [False, False]
        assert (read.sum["result"], read.sum["finish_reason"]) == ("你好", None)

    def test_done_without_a_reason(self) -> None:
        """`[DONE]` ends a stream too; an event without a text then stands for the end."""
        read = Read(chunk("你", reasoning_content="想"), chunk("好"), DONE)

        assert read.whole
        assert read.all("result") == ["你", "好", ""]
        assert read.all("is_end") == [False, False, True]
        assert read.all("reasoning_content") == ["想", None, None]
        assert read.events[-1].choices[0].delta.content is None
        assert (read.events[-1]["id"], read.events[-1]["finish_reason"]) == ("as-abcde12345", None)

    def test_nothing_but_done(self) -> None:
        """A stream of no text is one event."""
        read = Read(DONE)

        assert (read.whole, read.all("result"), read.all("is_end"), read.sum["result"]) == (
            True,
            [""],
            [True],
            "",
        )

    @pytest.mark.parametrize(
        "late", [chunk(), chunk("。"), chunk("", "stop")], ids=["empty", "text", "again"]
    )
    @pytest.mark.parametrize("rest", [(), (DONE,), (usage_chunk(), DONE)], ids=["closed", "done", "usage"])
    def test_something_after_the_end(self, late: Any, rest: Any) -> None:
        """What follows the reason is not lost, and the stream is whole however it then ends."""
        read = Read(*TEXT, late, *rest)

        assert read.whole
        assert "".join(read.all("result")) == read.sum["result"] == "你好！" + read.sum["result"][3:]
        assert read.all("is_end").count(True) == 1
        assert read.events[-1]["is_end"]
        assert read.sum["finish_reason"] == "stop"
        assert [reason for reason in read.all("finish_reason") if reason] in (["stop"], ["stop", "stop"])

    def test_usage_with_every_event(self) -> None:
        """Usage that comes with every event is each event's, and the last counts."""
        used = [{**USAGE, "total_tokens": total} for total in (4, 5)]
        read = Read(*({**event, "usage": usage} for event, usage in zip(TEXT, used, strict=True)), DONE)

        assert read.all("usage") == used
        assert read.sum["usage"] == used[1]

    def test_usage_before_the_end(self) -> None:
        """A usage without a text in the midst of a stream does not end it."""
        read = Read(TEXT[0], usage_chunk(), TEXT[1], DONE)

        assert (read.whole, read.all("result")) == (True, ["你", "好！"])
        assert read.all("usage") == [None, USAGE]

    def test_no_usage(self) -> None:
        """Where none was told none is made up."""
        read = Read(*TEXT, DONE)

        assert "usage" not in read.events[-1]
        assert "usage" not in read.sum
        assert read.sum.usage.total_tokens == 0

    def test_thoughts(self) -> None:
        """Thoughts come in increments and are summed apart from the text."""
        read = Read(
            chunk("", reasoning_content="先"),
            chunk(None, reasoning_content="想"),
            chunk("好", reasoning_content=None),
            chunk("", "stop"),
            DONE,
        )

        assert read.all("reasoning_content") == ["先", "想", None, None]
        assert read.all("result") == ["", "", "好", ""]
        assert (read.sum["reasoning_content"], read.sum["result"]) == ("先想", "好")
        assert read.sum.choices[0].message.reasoning_content == "先想"

    def test_what_a_search_found(self) -> None:
        """The sources of a web search are kept, whichever event tells them."""
        found = [{"index": 1, "url": "http://host", "title": "t"}]
        read = Read(chunk("你", top={"search_results": found}), chunk("好", "stop"), DONE)

        assert read.all("search_info") == [{"search_results": found}, None]
        assert read.sum["search_results"] == read.sum["search_info"]["search_results"] == found

    def test_what_a_search_found_is_told_at_the_end(self) -> None:
        """Sources that come with the usage are the last event's."""
        found = [{"index": 1, "url": "http://host", "title": "t"}]
        read = Read(*TEXT, {**usage_chunk(), "search_results": found}, DONE)

        assert read.all("search_results") == [None, found]
        assert read.all("search_info") == [None, {"search_results": found}]
        assert read.sum["search_results"] == found

    def test_a_whole_reply_as_an_event(self) -> None:
        """A whole reply that comes as an event is read as one."""
        read = Read(chat_body(choice("你好", message={"reasoning_content": "想"})), DONE)

        assert read.all("result") == ["你好"]
        assert read.sum == decoded(chat_body(choice("你好", message={"reasoning_content": "想"})))

    @pytest.mark.parametrize(
        ("last", "expected"),
        [
            (chunk("", "length"), {"is_truncated": True, "finish_reason": "length"}),
            (chunk("", "content_filter", choice={"flag": 2}), {"need_clear_history": True}),
            (
                chunk("", "stop", choice={"ban_round": -1, "flag": 1}),
                {"ban_round": -1, "need_clear_history": True},
            ),
        ],
    )
    def test_how_it_ended(self, last: Any, expected: dict[str, Any]) -> None:
        """The last event and the sum say how it ended, under the names of v1."""
        read = Read(chunk("你"), last, DONE)

        for made in (read.events[-1], read.sum):
            assert {name: made[name] for name in expected} == expected

    def test_several_answers(self) -> None:
        """Where several answers come at once, texts are not mixed: v1's names tell the first."""
        other = {"index": 1, "delta": {"content": "别"}}
        read = Read(
            chunk("你"),
            {**chunk(), "choices": [other]},
            chunk("好", "stop"),
            {**chunk(), "choices": [{**other, "finish_reason": "stop"}]},
            usage_chunk(),
            DONE,
        )

        assert (read.whole, read.sum["result"]) == (True, "你好")
        assert [text for text in read.all("result") if text] == ["你", "好"]
        assert read.all("is_end") == [False, False, False, False, True]
        assert [event.choices[0].delta.content for event in read.events] == ["你", "别", "好", "别", None]

    @pytest.mark.parametrize(
        "events",
        [
            [{"choices": "x"}],
            [{"choices": [None]}],
            [{"choices": {}}],
            [{"choices": [{"delta": None}]}],
            [{"choices": [{"delta": "x"}]}],
            [{"choices": [{"delta": {"content": 7}}]}],
            [{"choices": [{"delta": {"content": [{"text": "x"}]}}]}],
            [{"choices": [{"delta": {"tool_calls": None}}]}],
            [{"choices": [{"delta": {"tool_calls": {}}}]}],
            [{"choices": [{"delta": {"tool_calls": [None, "x", {}]}}]}],
            [{"choices": [{"delta": {"tool_calls": [{"index": "x", "function": 7}]}}]}],
            [{"choices": [{"delta": {"tool_calls": [{"index": 10**12, "id": "a"}]}}]}],
            [{"choices": [{"delta": {"reasoning_content": 7}}]}],
            [{"error": None, "choices": []}],
            [{}],
        ],
        ids=str,
    )
    def test_what_cannot_be_read(self, events: Any) -> None:
        """What has another form than documented says nothing, and breaks nothing."""
        read = Read(*TEXT[:1], *events, TEXT[1], DONE)

        assert (read.whole, read.sum["result"]) == (True, "你好！")

    @pytest.mark.parametrize("data", [b"no json", b"[]", b"null", b"[DONE", b"[DONE]x"])
    def test_no_event(self, data: bytes) -> None:
        """Data that is no JSON object, and not the mark, is an error that quotes it."""
        with pytest.raises(RequestError, match="no JSON object"):
            Read(TEXT[0], data)


class TestErrorsInStreams:
    """Errors after a stream has begun, with HTTP 200."""

    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            ("rpm_rate_limit_exceeded", RateLimitError),
            ("internal_error", InternalError),
            ("invalid_argument", BadRequestError),
            ("brand_new", APIError),
        ],
    )
    def test_class(self, code: str, kind: type[APIError]) -> None:
        """The code alone decides, as the status was sent before; an unknown one is the base of all."""
        with pytest.raises(APIError) as caught:
            Read(TEXT[0], error_body(code))

        assert (type(caught.value), caught.value.error_code) == (kind, code)
        assert (caught.value.status, caught.value.request_id) == (200, "head")

    def test_after_the_reason(self) -> None:
        """What was held back comes out before the error does."""
        reading = V2(chat()).reading(HEAD)
        ready: list[Response] = []
        for event in TEXT:
            reading.take(Event(None, orjson.dumps(event)), ready)
        with pytest.raises(InternalError):
            reading.take(Event(None, orjson.dumps(error_body("internal_error"))), ready)

        assert [event["result"] for event in ready] == ["你", "好！"]


def part(index: Any = 0, call_id: Any = None, name: Any = None, arguments: Any = None) -> dict[str, Any]:
    """Return an event with a part of a tool call; what is None is left out."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    told = {key: value for key, value in (("index", index), ("id", call_id)) if value is not None}
    return chunk(None, tool_calls=[{**told, "function": function}])


CALLS = {
    "as documented": (
        [part(0, "a", "f", ""), part(0, None, None, '{"x"'), part(0, None, None, ":1}")],
        [tool_call("a", "f", '{"x":1}')],
    ),
    "two, one after the other": (
        [part(0, "a", "f", "{"), part(0, None, None, "}"), part(1, "b", "g", "{"), part(1, None, None, "}")],
        [tool_call("a", "f"), tool_call("b", "g")],
    ),
    "two, interleaved": (
        [part(0, "a", "f", "{"), part(1, "b", "g", "{"), part(0, None, None, "}"), part(1, None, None, "}")],
        [tool_call("a", "f"), tool_call("b", "g")],
    ),
    "the second first": (
        [part(1, "b", "g", "{}"), part(0, "a", "f", "{}")],
        [tool_call("a"), tool_call("b", "g")],
    ),
    "the id late": ([part(0, None, "f", "{"), part(0, "a", None, "}")], [tool_call("a")]),
    "the id again and again": ([part(0, "a", "f", "{"), part(0, "a", None, "}")], [tool_call("a")]),
    "an empty id later": ([part(0, "a", "f", "{"), part(0, "", "", "}")], [tool_call("a")]),
    "the name again and again": (
        [part(0, "a", "get", "{"), part(0, "a", "get", "}")],
        [tool_call("a", "get")],
    ),
    "the name in pieces": (
        [part(0, "a", "get_", "{"), part(0, None, "weather", "}")],
        [tool_call("a", "get_weather")],
    ),
    "without an index": (
        [part(None, "a", "f", "{"), part(None, None, None, "}"), part(None, "b", "g", "{}")],
        [tool_call("a"), tool_call("b", "g")],
    ),
    "without an index, the id again": (
        [part(None, "a", "f", "{"), part(None, "a", None, "}")],
        [tool_call("a")],
    ),
    "without index and id": ([part(None, None, "f", "{"), part(None, None, None, "}")], [tool_call("", "f")]),
    "whole": ([part(0, "a", "f", "{}")], [tool_call("a")]),
}


class TestToolCallsInStreams:
    """Tool calls that come in parts."""

    @pytest.mark.parametrize(("events", "calls"), CALLS.values(), ids=CALLS)
    def test_put_together(self, events: list[Any], calls: list[Any]) -> None:
        """However the parts come, the last event has v1's function call whole, and the sum has all calls."""
        read = Read(*events, chunk("", "tool_calls"), usage_chunk(), DONE)
        first = {**calls[0]["function"], "id": calls[0]["id"]}

        assert [event for event in read.all("function_call") if event] == [first]
        assert read.events[-1]["function_call"] == read.sum["function_call"] == first
        assert read.sum["choices"][0]["message"]["tool_calls"] == calls
        assert (read.sum["finish_reason"], read.sum.choices[0].finish_reason) == (
            "function_call",
            "tool_calls",
        )

    def test_in_one_event(self) -> None:
        """Several calls may stand in one event."""
        both = [{"index": index, **tool_call(f"c{index}")} for index in (0, 1)]
        read = Read(chunk(None, tool_calls=both), chunk("", "tool_calls"), DONE)

        assert read.sum["choices"][0]["message"]["tool_calls"] == [tool_call("c0"), tool_call("c1")]

    def test_without_a_reason(self) -> None:
        """Where `[DONE]` alone ends the stream, the call is told by the event that stands for the end."""
        read = Read(part(0, "a", "f", "{}"), DONE)

        assert read.events[-1]["function_call"]["name"] == "f"

    def test_kinds_that_are_no_functions(self) -> None:
        """A call of another type keeps its type."""
        calls = ToolCalls()
        calls.add([{"index": 0, "id": "a", "type": "web_search"}])

        assert [(call["id"], call["type"]) for call in calls.all()] == [("a", "web_search")]


def as_stream(body: dict[str, Any], cut: list[str]) -> list[Any]:
    """Return the events by which a service would stream a whole reply, its text in the given pieces."""
    told = body["choices"][0]
    message = told["message"]
    events = [chunk("", role="assistant")]
    events += [chunk("", reasoning_content=thought) for thought in message.get("reasoning_content", "")]
    events += [chunk(piece) for piece in cut]
    for index, call in enumerate(message.get("tool_calls", ())):
        events.append(part(index, call["id"], call["function"]["name"], ""))
        events += [part(index, None, None, piece) for piece in call["function"]["arguments"]]
    rest = {name: value for name, value in told.items() if name not in {"index", "message", "finish_reason"}}
    return [*events, chunk("", told["finish_reason"], choice=rest), usage_chunk(body["usage"]), DONE]


PIECES = st.lists(st.text(max_size=4), max_size=5)


@st.composite
def answers(draw: Any) -> tuple[dict[str, Any], list[str]]:
    """Return the body of a whole reply and its text in pieces."""
    pieces = draw(PIECES)
    message: dict[str, Any] = {}
    if thoughts := draw(st.text(max_size=4)):
        message["reasoning_content"] = thoughts
    calls = draw(st.lists(st.text("ab", max_size=3), max_size=2))
    if calls:
        message["tool_calls"] = [
            tool_call(f"c{index}", "f", f'{{"a":"{text}"}}') for index, text in enumerate(calls)
        ]
    finish = draw(st.sampled_from(["stop", "length", "content_filter", "tool_calls"]))
    told = choice(
        "".join(pieces), finish, message=message, **draw(st.sampled_from([{}, {"flag": 1}, {"flag": 0}]))
    )
    return chat_body(told), pieces


@given(answers())
def test_the_sum_is_the_whole_reply(drawn: tuple[dict[str, Any], list[str]]) -> None:
    """A stream adds up to what the unary call returns, field by field."""
    whole, pieces = drawn
    read = Read(*as_stream(whole, pieces))

    assert read.whole
    assert read.sum == decoded(whole)
    assert "".join(read.all("result")) == read.sum["result"]


@given(answers(), st.data())
def test_cut_anywhere(drawn: tuple[dict[str, Any], list[str]], data: Any) -> None:
    """However the bytes are cut into chunks, the events are the same, `[DONE]` in pieces among them."""
    whole, pieces = drawn
    events = as_stream(whole, pieces)
    wire = b"".join(framed(*events))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(wire) - 1), max_size=8)))
    decoder = EventDecoder()
    chunks = [wire[start:end] for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    read = Read(*[event.data for piece in chunks for event in decoder.feed(piece)])

    assert read.events == Read(*events).events
    assert read.sum == decoded(whole)


@given(answers(), st.data())
def test_broken_off_anywhere(drawn: tuple[dict[str, Any], list[str]], data: Any) -> None:
    """A connection that breaks gives a whole reply or an incomplete one, never a wrong one."""
    whole, pieces = drawn
    wire = b"".join(framed(*as_stream(whole, pieces)))
    reason = wire.index(b'"finish_reason"')
    told = wire.index(b"\n\n", reason) + 2
    size = data.draw(st.integers(1, len(wire)))
    script = Script(
        HEAD, *[wire[:size]], data.draw(st.sampled_from([b"", ConnectionFailedError("broken")])), *[b""] * 3
    )
    try:
        script.run(stream(exchange(policy=RetryPolicy(attempts=1)), V2(chat())))
    except StreamIncompleteError as error:
        part = error.partial["result"]
        assert size < told
        assert decoded(whole)["result"].startswith(part)
    except ConnectionFailedError:
        assert size < wire.index(b"\n\n") + 2  # not even one event
    else:
        assert size >= told - 2  # an event without its empty line still counts
        assert "".join(text for batch in script.emitted for text in batch) == decoded(whole)["result"]


def test_byte_by_byte() -> None:
    """A stream that comes byte by byte is read as one that comes at once."""
    events = (*TEXT, usage_chunk(), DONE)
    script = Script(HEAD, *[bytes([byte]) for byte in b"".join(framed(*events))], b"")
    script.run(stream(exchange(), V2(chat())))

    assert script.emitted == [["你"], ["好！"]]


class TestWholeReplyForAStream:
    """Services that ignore `stream` and answer whole."""

    def test_one_event(self) -> None:
        """The reply is the one event, the first and the last, and reads as an event does."""
        sent = chat_body(choice("你好！", message={"tool_calls": [tool_call()], "reasoning_content": "想"}))
        reading = V2(chat()).reading(HEAD)
        event = decoded(sent)
        reading.add(event)

        assert (event["result"], event["is_end"], event["sentence_id"]) == ("你好！", True, 0)
        assert (event.choices[0].delta.content, event.choices[0].message.content) == ("你好！", "你好！")
        assert reading.reply() == decoded(sent)

    def test_on_the_wire(self) -> None:
        """The flow hands it out, and ends."""
        whole = reply(chat_body(choice("你好！")))
        script = Script(whole._replace(body=b""), whole.body, b"")
        script.run(stream(exchange(), V2(chat())))

        assert script.emitted == [["你好！"]]


class TestCompletionsInStreams:
    """Texts written on, in events."""

    def test_by_a_chat_model(self) -> None:
        """A chat model's stream adds up to a completion, as its whole reply is one."""
        read = Read(*TEXT, usage_chunk(), DONE, call=completion())
        whole = chat_body(choice("你好！", flag=0))

        assert read.sum == decoded(whole, completion())

    def test_by_a_model_that_writes_on(self) -> None:
        """The texts of `/completions` add up to its form."""
        call = completion(endpoint="mine")
        head = {"id": "as-1", "object": "completion", "created": 1, "model": "mine"}
        events = [
            {**head, "choices": [{"index": 0, "text": "很"}]},
            {**head, "choices": [{"index": 0, "text": "久", "finish_reason": "stop"}]},
            {**head, "choices": [], "usage": USAGE},
        ]
        read = Read(*events, DONE, call=call)
        whole = {**head, "choices": [{"index": 0, "text": "很久", "finish_reason": "stop"}], "usage": USAGE}

        assert read.all("result") == ["很", "久"]
        assert read.sum == decoded(whole, call)


#: Words that mean something in a reply of v2.
WORDS = """choices delta message content tool_calls function name arguments index id error code usage
    finish_reason text reasoning_content flag search_results"""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(WORDS.split()),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=4), st.booleans())
def test_any_json(events: list[Any], ended: bool) -> None:
    """Whatever JSON a service sends, it is read or refused in this package's own words."""
    try:
        read = Read(*events, *[DONE][: int(ended)])
    except QianfanError:
        return
    assert isinstance(read.sum["result"], str)
    assert all(isinstance(event["result"], str) for event in read.events)


@given(JSON, st.sampled_from([200, 400, 401, 429, 500]), st.sampled_from([chat(), completion(endpoint="x")]))
def test_any_whole_json(sent: Any, status: int, call: Call) -> None:
    """The same of whole replies."""
    try:
        made = decoded(sent, call, status)
    except QianfanError:
        return
    assert isinstance(made["result"], str)
    V2(call).reading(HEAD).add(made)
