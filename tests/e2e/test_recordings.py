"""A program recorded against a platform with its own keys, and run again without it: the SDK in all its ways."""

from __future__ import annotations

import logging

import pytest
from applications import register

import qianfan
from qianfan import errors

QUESTION = [{"role": "user", "content": "介绍一下杭州"}]

WAYS_IN = ["ak", "access_key on v2", "api_key"]


@pytest.fixture
def real(start):
    """The platform that stands for Baidu's."""
    return start()


@pytest.fixture
def folder(tmp_path):
    """The folder of the recordings."""
    return tmp_path / "tape"


@pytest.fixture
def recorder(start, real, folder):
    """A platform that passes calls on to it, and records."""
    return start(upstream=f"qianfan+{real.url}", record=folder)


@pytest.fixture(params=WAYS_IN)
def keys(request, real):
    """Keys of the real platform, of each kind."""
    if request.param == "ak":
        application = register(real)
        return {"ak": application.ak, "sk": application.sk}
    if request.param == "api_key":
        return {"api_key": real.add_api_key().key}
    pair = real.add_access_key()
    return {"access_key": pair.ak, "secret_key": pair.sk}


@pytest.fixture
def client(world):
    """Make clients for a platform, that send everything there; all are closed at the end."""
    clients = []

    def client(platform, **keys):
        places = dict.fromkeys(("base_url", "console_base_url", "iam_base_url"), platform.url)
        clients.append(qianfan.Qianfan(**places, backoff_factor=0, **keys))
        return clients[-1]

    yield client
    for made in clients:
        world.close_client(made)
        made.close()


def secrets(platform, keys):
    """Return all that nobody may read: the keys, and the tokens that were given for them."""
    state = platform._state  # nothing public tells tokens
    issued = [*state.registry._tokens.snapshot(), *state.keys._tokens.snapshot()]
    return [*(value for name, value in keys.items() if name != "ak"), *issued]


def test_a_program_runs_again_without_the_platform(world, client, real, recorder, folder, start, keys):
    """What was recorded with keys that count is replayed with others, whole, to the same end."""
    first = world.ask(client(recorder, **keys).chat, QUESTION)
    assert first.error is None
    assert len(real.calls("chat")) == 1
    recorder.stop()
    real.stop()

    platform = start(replay=folder, replay_pace=0)
    others = {name: f"{value[:-8]}{'0' * 8}" for name, value in keys.items()}
    again = world.ask(client(platform, **others).chat, QUESTION)

    assert again.error is None
    assert dict(again.reply) == dict(first.reply)
    assert again.events == first.events


def test_no_key_is_kept_or_shown(world, client, real, recorder, folder, keys, caplog):
    """Neither keys nor tokens stand in files, logs, journals or texts of the platform in front."""
    caplog.set_level(logging.DEBUG)
    made = client(recorder, **keys)
    world.ask(made.chat, QUESTION)
    world.ask(made.chat, QUESTION, temperature=9)
    world.call(made.embeddings, "do", ["一"])

    texts = [file.read_text("utf-8") for file in folder.iterdir()]
    shown = [*texts, str(recorder.calls()), repr(recorder), repr(recorder._state.options), caplog.text]
    assert len(texts) == 3
    known = secrets(real, keys)
    assert len(known) >= 2 or "api_key" in keys
    for secret in known:
        assert not any(secret in text for text in shown), secret


def test_jobs_go_on_as_they_were_recorded(world, client, real, recorder, folder, start):
    """The console's answers come again in their order: a job that was waited for ends again."""
    pair = real.add_access_key()
    keys = {"access_key": pair.ak, "secret_key": pair.sk}

    def tune(platform, moved):
        finetune = client(platform, **keys).finetune
        task = world.call(finetune, "create_task", name="demo")["result"]["id"]
        config = {"epoch": 1, "learningRate": 0.00003, "batchSize": 16, "maxSeqLen": 4096}
        job = world.call(
            finetune,
            "create_job",
            {
                "taskId": task,
                "baseTrainType": "ERNIE-Bot-turbo",
                "trainType": "ERNIE-Bot-turbo-0725",
                "trainMode": "SFT",
                "peftType": "LoRA",
                "trainConfig": config,
                "trainset": [{"type": 1, "id": real.add_dataset(samples()).id}],
                "trainsetRate": 20,
            },
        )["result"]["id"]
        states = []
        for _ in range(3):
            moved()
            states.append(world.call(finetune, "get_job", task_id=task, job_id=job)["result"]["trainStatus"])
        return states

    recorded = tune(recorder, lambda: real.advance(minutes=20))
    assert recorded[-1] == "FINISH"

    assert tune(start(replay=folder, replay_pace=0), lambda: None) == recorded


def samples():
    """Return a small dataset."""
    return [{"prompt": f"问题 {n}", "response": f"回答 {n}"} for n in range(40)]


def test_what_was_not_recorded_says_so(world, client, recorder, folder, start, keys):
    """A program that asks something new gets an error at once, which names what differs."""
    world.ask(client(recorder, **keys).chat, QUESTION)

    platform = start(replay=folder)
    outcome = world.ask(client(platform, **keys).chat, [{"role": "user", "content": "别的"}])

    assert isinstance(outcome.error, errors.APIError)
    assert "differs in body.messages[0].content" in str(outcome.error)
    assert len(platform.calls("chat")) == 1
