"""The journal: what it keeps, and that it does not grow with what is sent."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from qianfan.local.journal import MASK, Journal, open_call
from qianfan.local.wire import Reply, Request, parse

SIZE = 100_000  # of the journals here, in bytes


def request(body=b"{}", headers=()):
    """Return a request of a body and headers."""
    return Request("POST", "/x", {}, dict(headers), body, parse(body), "/x", [])


def call(body=b"{}", answer=None, *, journal):
    """Let a journal keep a call of a body, answered by JSON or, where a list is given, by events."""
    entry = open_call(request(body), "chat", 0.0)
    is_stream = isinstance(answer, list)
    journal.add(entry, Reply(events=answer) if is_stream else Reply(answer or {}))
    for event in answer if is_stream else ():
        journal.tell(entry, json.dumps(event).encode())
    return entry


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b'{"a": [1, {"b": null}]}', {"a": [1, {"b": None}]}),
        (b'{"SK": "s", "api_key": ["t"], "a": 1}', {"SK": MASK, "api_key": MASK, "a": 1}),
        (b'{"s\\u006b": "secret"}', {"sk": MASK}),
        (b"[1, 2]", [1, 2]),
        (b"null", None),
        (b"", None),
        (b"\xff no JSON", "\ufffd no JSON"),
        (b'{"sk": ' + b"[" * 500 + b"]" * 500 + b', "a": 1}', {"sk": MASK, "a": 1}),
        (b'{"sk": 1, "a": ' + b"[" * 500 + b"]" * 500 + b"}", {"sk": MASK, "a": MASK}),
    ],
    ids=["object", "secrets", "escaped", "array", "null", "nothing", "no JSON", "deep secret", "deep"],
)
def test_body_is_what_was_asked(body, kept):
    """A body reads as the JSON it was, or as text; the values of secret names are gone."""
    entry = call(body, journal=Journal(10))

    assert entry.body == kept
    assert b"secret" not in entry.asked


@pytest.mark.parametrize(
    "answer", [{"result": "你好", "usage": {"total_tokens": 1}}, [{"a": 1}, {"a": 2}], []]
)
def test_reply_is_what_was_answered(answer):
    """An answer reads as the JSON it was, a stream as the list of its events; each look is a copy."""
    entry = call(answer=answer, journal=Journal(10))
    entry.reply.clear()

    assert entry.reply == answer


def test_secrets_of_answers_are_masked():
    """A token that is answered is not readable in the journal."""
    assert call(answer={"access_token": "24.x", "expires_in": 1}, journal=Journal(10)).reply == {
        "access_token": MASK,
        "expires_in": 1,
    }


def test_large_calls_push_the_oldest_out():
    """The calls together keep a size, whatever their number; the last one stays however large it is."""
    journal = Journal(1000, SIZE)
    large = b'"' + b"x" * (SIZE // 4) + b'"'
    for _ in range(10):
        last = call(large, journal=journal)
    assert len(journal.calls()) == 3
    assert journal.calls()[-1] is last

    call(b'"' + b"x" * SIZE * 2 + b'"', journal=journal)
    assert len(journal.calls()) == 1
    for _ in range(10):
        call(journal=journal)
    assert len(journal.calls()) == 10


@pytest.mark.parametrize("part", ["headers", "target", "answer", "events"])
def test_every_part_has_its_size(part):
    """What is large in a call may be its headers, its address, its answer or its events."""
    journal, text = Journal(1000, SIZE), "x" * (SIZE // 4)
    for _ in range(10):
        asked = request(headers={"a": text} if part == "headers" else {})
        if part == "headers":
            asked.received.append((b"a", text.encode()))
        if part == "target":
            asked = Request("POST", "/" + text, {}, {}, b"", parse(b""), "/" + text, [])
        entry = open_call(asked, "chat", 0.0)
        journal.add(entry, Reply({"a": text}) if part == "answer" else Reply(events=[]))
        if part == "events":
            for _ in range(25):
                journal.tell(entry, json.dumps(text[: SIZE // 100]).encode())

    assert 0 < len(journal.calls()) <= 4


def test_stream_without_end_is_remembered_by_its_beginning():
    """A stream does not grow in the journal beyond the journal's size, in it or pushed out of it."""
    journal, event = Journal(2, SIZE), b'"' + b"x" * 1000 + b'"'
    kept, forgotten = (call(answer=[], journal=journal) for _ in range(2))
    journal.clear()
    journal.add(kept, Reply(events=[]))
    for _ in range(500):
        journal.tell(kept, event)
        journal.tell(forgotten, event)

    assert SIZE // 1100 < len(kept.reply) <= SIZE // 1000 + 1
    assert len(forgotten.reply) <= SIZE // 1000 + 1
    assert journal.calls() == [kept]
    call(journal=journal)
    assert len(journal.calls()) == 1


def test_large_bodies_over_the_wire(start):
    """Many large bodies leave the newest calls readable, and no more than a size of them."""
    caller = start()
    body = {"messages": [{"role": "user", "content": "x" * 3_000_000}]}
    for _ in range(30):
        caller.post(body)

    calls = caller.platform.calls("chat")
    assert 15 < len(calls) < 25
    assert calls.last.body == body
    assert calls.last.reply["error_code"] == 336007


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_what_is_kept_takes_what_it_says():
    """A short JSON that is kept takes a few hundred bytes of the process, not the kilobytes of orjson's buffer."""
    program = """
from pathlib import Path
from qianfan.local.wire import written

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

before, event = resident(), {"result": "x" * 200}
kept = [written(event) for _ in range(50_000)]
print((resident() - before) // len(kept))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )

    assert int(done.stdout) < 1000
