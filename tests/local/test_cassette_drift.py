"""Drift: where the shape of what was recorded is not what the local platform answers."""

from __future__ import annotations

import json

import pytest
from console_caller import Console
from local_caller import PREFIX, conversation
from v2_caller import MODEL, V2

from qianfan.local.cassette import Difference, drift

QUESTION = {"messages": conversation("你好")}


@pytest.fixture
def folder(tmp_path):
    """The folder of the recordings."""
    return tmp_path / "tape"


def write(folder, answer, *, body=QUESTION, path=f"{PREFIX}/chat/completions", status=200, **kept):
    """Write a recording by hand: of a whole answer, or of a list of events."""
    folder.mkdir(exist_ok=True)
    is_stream = isinstance(answer, list)
    kind = kept.get("kind", "text/event-stream; charset=utf-8" if is_stream else "application/json")
    pieces = [{"at": 0, "event": event} for event in answer] if is_stream else [{"at": 0, "json": answer}]
    head = {"status": status, "headers": {"content-type": kind}}
    lines = [{"request": {"method": "POST", "path": path, "body": body}}, {"reply": head}, *pieces]
    (folder / "0001-chat.jsonl").write_text("\n".join(map(json.dumps, lines)))


def test_the_platform_does_not_drift_from_itself(start, folder):
    """What the local platform answered has the shapes of what it answers: of every kind, errors too."""
    caller = start(record=folder, any_endpoint=True, any_key=True)
    second, console = V2(caller), Console(caller.platform)
    for stream in (False, True):
        caller.post({**QUESTION, "stream": stream})
        second.post({**QUESTION, "model": MODEL, "stream": stream, "stream_options": {"include_usage": True}})
        caller.post({**QUESTION, "stream": stream}, "my-own")
        caller.post({"prompt": "你好", "stream": stream}, "sqlcoder_7b", service="completions")
    caller.post({"input": ["一"]}, "embedding-v1", service="embeddings")
    caller.post({"messages": []})
    second.post({"model": MODEL, "messages": []})
    second.get("/models")
    console.result("finetune/createTask", name="demo")
    console.http.clear()
    start(record=folder).post(QUESTION, "nobody's")
    V2(start(record=folder)).post({**QUESTION, "model": "nobody's"})

    assert len(list(folder.iterdir())) == 15
    assert drift(folder) == []


def test_fields_that_came_went_or_changed(folder, shared):
    """A field that only one side has, or has in another type, is a difference."""
    body = shared.ask("你好")
    del body["is_truncated"]
    write(
        folder,
        {**body, "created": "2024", "usage": {**body["usage"], "details": {"cached": 1}}, "flag": None},
    )

    assert drift(folder) == [
        Difference("0001-chat.jsonl", "created", "string", "number"),
        Difference("0001-chat.jsonl", "flag", "null", "absent"),
        Difference("0001-chat.jsonl", "is_truncated", "absent", "boolean"),
        Difference("0001-chat.jsonl", "usage.details", "object", "absent"),
        Difference("0001-chat.jsonl", "usage.details.cached", "number", "absent"),
    ]
    assert str(drift(folder)[0]) == "0001-chat.jsonl: created: string recorded, number here"


def test_events_are_compared_together(folder, shared):
    """The events of a stream are one shape: a field that any of them has, with all types it has in them."""
    events = shared.stream("你好")
    events[1]["flag"] = 1
    events[2]["result"] = None
    write(folder, events, body={**QUESTION, "stream": True})

    assert [tuple(it)[1:] for it in drift(folder)] == [
        ("flag", "number", "absent"),
        ("result", "null or string", "string"),
    ]


def test_items_are_compared_together(folder):
    """The items of an array are one shape, wherever they stand."""
    choices = [{"index": 0}, {"index": "1", "delta": [[]]}]
    write(folder, {"choices": choices}, body={**QUESTION, "model": MODEL}, path="/v2/chat/completions")

    assert ("choices[].index", "number or string", "number") in [tuple(it)[1:] for it in drift(folder)]
    assert ("choices[].delta[]", "array", "absent") in [tuple(it)[1:] for it in drift(folder)]


def test_another_status_says_it_all(folder):
    """Where the HTTP status differs, nothing else is compared."""
    write(folder, {"error": {}}, status=429, body={**QUESTION, "model": MODEL}, path="/v2/chat/completions")

    assert drift(folder) == [Difference("0001-chat.jsonl", "status", "429", "200")]


def test_another_kind_of_body(folder):
    """A stream where a whole answer was recorded is a difference, and a text in place of JSON."""
    write(folder, {"a": 1}, kind="text/html")
    assert ("content-type", "text/html", "application/json") in [tuple(it)[1:] for it in drift(folder)]

    write(folder, "a text")
    assert ("the whole", "string", "object") in [tuple(it)[1:] for it in drift(folder)]


def test_what_is_no_model_s_is_left_out(folder):
    """Calls of the console depend on what was done before, and are not compared."""
    for path in ("/wenxinworkshop/finetune/createTask", "/elsewhere"):
        write(folder, {"strange": 1}, path=path)
        assert drift(folder) == []


def test_a_folder_that_is_not_there(folder):
    """A folder without recordings has no drift; one that is not there is an error."""
    with pytest.raises(ValueError, match="there is no folder"):
        drift(folder)
    folder.mkdir()
    assert drift(str(folder)) == []
