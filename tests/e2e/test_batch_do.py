"""`batch_do`: a list in, a list out, as code on later SDKs has it."""

from __future__ import annotations

import threading

import pytest
from support.worlds import unary

import qianfan
from qianfan import errors
from qianfan.local import on


@pytest.fixture
def classic(echo, monkeypatch):
    """The settings that lead the classic classes to the platform."""
    with echo.client() as client:
        monkeypatch.setenv("QIANFAN_ACCESS_TOKEN", client.access_token())
    monkeypatch.setenv("QIANFAN_BASE_URL", echo.url)
    return echo


@pytest.fixture
def made():
    """Make objects of the classic classes; all are closed at the end."""
    objects = []

    def made(kind, **options):
        objects.append(kind(**options))
        return objects[-1]

    yield made
    for one in objects:
        one.client.close()


def asked(world, resource, *args, **options):
    """Return the replies in one world or the other."""
    if world.is_async:
        return world.run(resource.abatch_do(*args, **options))
    return resource.batch_do(*args, **options).results()


@unary
@pytest.mark.usefixtures("classic")
def test_chat(world, made):
    """Conversations and texts in, replies in their order out; an error is one of them."""
    messages = [{"role": "user", "content": "一"}]
    got = asked(world, made(qianfan.ChatCompletion), [messages, "二", [], "四"], worker_num=2)

    assert [reply["result"] for reply in (got[0], got[1], got[3])] == ["答：一", "答：二", "答：四"]
    assert isinstance(got[2], errors.InvalidArgumentError)


@unary
def test_parameters(classic, world, made):
    """All calls have the parameters given, and the model of the object; a dict has its own."""
    chat = made(qianfan.ChatCompletion, model="ERNIE-Bot-4")
    own = {"messages": [{"role": "user", "content": "二"}], "temperature": 0.9, "model": "ERNIE-Bot"}
    asked(world, chat, messages_list=["一", own], temperature=0.2)

    calls = sorted(classic.calls("chat"), key=lambda call: call.messages[-1]["content"])
    assert [(call.model, call.body["temperature"]) for call in calls] == [
        ("ERNIE-Bot-4", 0.2),
        ("ERNIE-Bot", 0.9),
    ]


@unary
@pytest.mark.usefixtures("classic")
def test_others(world, made):
    """Completion and Embedding have it too."""
    written = asked(world, made(qianfan.Completion), prompt_list=["从前", "以后"])
    vectors = asked(world, made(qianfan.Embedding), texts_list=[["一", "二"], ["三"]])

    assert all(reply["result"] for reply in written)
    assert [len(reply["data"]) for reply in vectors] == [2, 1]


def test_it_begins_at_once(classic, made):
    """Requests go out before anybody asks for a reply; the counts move, and every reading gives the same."""
    batch = made(qianfan.ChatCompletion).batch_do([str(number) for number in range(30)], worker_num=4)
    while batch.finished_count < 30:
        pass

    assert len(classic.calls("chat")) == 30
    assert (len(batch), batch.total_count, batch.success_count, batch.failed_count) == (30, 30, 30, 0)
    assert [reply["result"] for reply in batch] == [f"答：{number}" for number in range(30)]
    batch.wait()
    assert batch.results() == list(batch)


@unary
@pytest.mark.usefixtures("classic")
def test_nothing(world, made):
    """An empty list has no replies."""
    assert asked(world, made(qianfan.ChatCompletion), []) == []


@unary
@pytest.mark.parametrize(
    ("args", "options"),
    [((), {}), (("一句话",), {}), ((["一"],), {"stream": True}), ((["一"],), {"worker_num": 0})],
    ids=["no list", "a text", "streams", "no workers"],
)
def test_bad_arguments(classic, world, args, options, made):
    """What cannot be right is refused before anything is sent."""
    with pytest.raises(errors.InvalidArgumentError):
        asked(world, made(qianfan.ChatCompletion), *args, **options)
    assert classic.calls("chat") == []


def test_an_early_end_is_told_each_time(start, monkeypatch, made):
    """What ended it early is raised by every reading."""
    platform = start(faults=[on("chat").code(17)])
    with platform.client() as client:
        monkeypatch.setenv("QIANFAN_ACCESS_TOKEN", client.access_token())
    monkeypatch.setenv("QIANFAN_BASE_URL", platform.url)
    batch = made(qianfan.ChatCompletion).batch_do([str(number) for number in range(200)], worker_num=4)
    for _ in range(2):
        with pytest.raises(errors.BulkStoppedError):
            batch.wait()


@pytest.mark.usefixtures("classic")
def test_threads_read_one(made):
    """Several threads may read it: all have every reply, in its place."""
    readings = []
    batch = made(qianfan.ChatCompletion).batch_do([str(number) for number in range(100)], worker_num=8)
    readers = [threading.Thread(target=lambda: readings.append(batch.results())) for _ in range(3)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()

    assert [[reply["result"] for reply in reading] for reading in readings] == [
        [f"答：{number}" for number in range(100)]
    ] * 3
