"""A platform that is killed at any moment: its file opens, holds what was acknowledged, and nothing else.

A usual run kills 24 times; `QIANFAN_TEST_KILLS=500` kills more often, `QIANFAN_TEST_SEED=1` at other
moments.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import threading
import time

import pytest
import urllib3
from state_server import StateServer

import qianfan.local

pytestmark = pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL")

KILLS = int(os.environ.get("QIANFAN_TEST_KILLS", "24"))
SEED = os.environ.get("QIANFAN_TEST_SEED", "0")

KILLS_OF_A_FILE = 6
CALLERS = 4
FINISHED = 130  # seconds after which the README's job is done

NO_LONGER_RUNNING = 510302

# Where answers tell the two ids of what they made.
IDS = {
    "task": ("id", "uuid"),
    "job": ("id", "uuid"),
    "model": ("modelId", "modelIDStr"),
    "version": ("versionId", "versionIdStr"),
    "service": ("serviceId", "serviceUuid"),
}


class Ledger:
    """What was asked of the platforms on one file, and what they acknowledged, over all their lives.

    Attributes:
        asked: The names that were asked for, by kind; those of jobs that were asked to stop as `stop`.
        known: What was acknowledged, by kind and name.
        moved: The seconds that the clock was moved for sure, and those it may have been.
    """

    def __init__(self):
        self.asked = {kind: set() for kind in [*IDS, "stop"]}
        self.known = {kind: {} for kind in [*IDS, "stop"]}
        self.moved = [0, 0]
        self.lock = threading.Lock()


class Caller(threading.Thread):
    """Makes tasks, jobs, models and services of one name each, until the platform is gone."""

    def __init__(self, server, ledger, name):
        super().__init__(name=name)
        self.server = server
        self.ledger = ledger
        self.console = server.console()
        self.error = None

    def run(self):
        """Call until the platform is gone."""
        try:
            for index in range(1000):
                self.go_round(f"{self.name} {index}", stops=index % 3 == 2)
        except (urllib3.exceptions.HTTPError, EOFError):
            pass
        except Exception as error:  # noqa: BLE001  # told by the test
            self.error = error
        finally:
            self.console.http.clear()

    def go_round(self, name, *, stops):
        """Make a task and a job, and stop it or make a model and a service of it."""
        task = self.ask("task", name, "finetune/createTask", name=name)["id"]
        body = self.console.body(task, self.server.dataset, description=name)
        job = self.ask("job", name, "finetune/createJob", **body)["id"]
        if stops:
            self.ask("stop", name, "finetune/stopJob", taskId=task, jobId=job)
            return
        self.move()
        meta = {"taskId": task, "iterationId": job, "description": name}
        body = {"isNewModel": True, "modelName": name, "versionMeta": meta}
        self.ledger.asked["version"].add(name)
        made = self.ask("model", name, "modelrepo/publishTrainModel", **body)
        self.ledger.known["version"][name] = made
        body = self.console.service(name.replace(" ", "-"), made["modelId"], made["versionId"], name=name)
        self.ask("service", name, "service/apply", **body)

    def ask(self, kind, name, path, /, **body):
        """Make a call; keep in the ledger that it was made, and what was acknowledged."""
        self.ledger.asked[kind].add(name)
        answer = self.console.call(path, **body)
        if kind == "stop" and answer.get("error_code") == NO_LONGER_RUNNING:
            return None  # another caller had moved the clock
        assert "result" in answer, answer
        self.ledger.known[kind][name] = answer["result"]
        return answer["result"]

    def move(self):
        """Move the clock so far that jobs finish."""
        with self.ledger.lock:
            self.ledger.moved[1] += FINISHED
        if not self.server.advance(FINISHED):
            raise EOFError
        with self.ledger.lock:
            self.ledger.moved[0] += FINISHED


def check_copy(file):
    """Assert that SQLite itself finds whole what the kill left, looking at a copy."""
    copy = file.with_name("copy")
    for suffix in ("", "-wal", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            shutil.copy(f"{file}{suffix}", f"{copy}{suffix}")
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    for path in file.parent.glob("copy*"):
        path.unlink()


def by_name(records, key="name"):
    """Return records by a name, which none shares with another, nor its ids."""
    named = {getattr(record, key): record for record in records}
    assert len(named) == len({it.id for it in records}) == len({it.uid for it in records}) == len(records)
    return named


def kept(account):
    """Return what an account holds, by kind and name."""
    # v1 has no lists of tasks and jobs, and the pages of v2 would take long: the account itself is asked.
    tasks, models = account.tasks.all(), account.models.all()
    return {
        "task": by_name(tasks),
        "job": by_name([job for task in tasks for job in account.jobs.of(task)], "description"),
        "model": by_name(models),
        "version": by_name([it for model in models for it in account.models.versions(model)], "description"),
        "service": by_name(account.services.all(), "title"),
    }


def check(file, ledger):
    """Assert that the file holds what was acknowledged, whole, and nothing that was not asked for."""
    platform = qianfan.local.platform(state=file)
    found = kept(platform._state.account)
    for kind, (number, uid) in IDS.items():
        assert ledger.known[kind].keys() <= found[kind].keys() <= ledger.asked[kind]
        for name, told in ledger.known[kind].items():
            assert (found[kind][name].id, found[kind][name].uid) == (told[number], told[uid])

    tasks, jobs, models, versions, services = found.values()
    stopped = {name for name, job in jobs.items() if job.outcome == "STOP"}
    assert ledger.known["stop"].keys() <= stopped <= ledger.asked["stop"]
    for name, task in tasks.items():
        assert (task.runs, [name] * task.runs) == (int(name in jobs), [it for it in jobs if it == name])
    for name, job in jobs.items():
        assert (job.task, job.version) == (tasks[name].id, 1)
    assert models.keys() == versions.keys()  # one call makes both
    for name, version in versions.items():
        assert (version.model, version.job) == (models[name].id, jobs[name].id)
    for name, service in services.items():
        assert (service.model, service.version) == (models[name].id, versions[name].id)
    assert len(platform._state.account.datasets.all()) <= 1
    assert ledger.moved[0] <= platform._state.clock.offset <= ledger.moved[1]
    platform.stop()


def kill_one(file, ledger, name, chance):
    """Start a platform, let callers call, and kill it at a moment drawn by chance."""
    server, callers = StateServer(file), []
    if chance.random() < 0.25:
        time.sleep(chance.uniform(0, 0.3))  # it may not even serve yet
    else:
        server.ready()
        callers = [Caller(server, ledger, f"{name} {number}") for number in range(CALLERS)]
        for caller in callers:
            caller.start()
        time.sleep(chance.uniform(0, 0.4))
    complaints = server.end(signal.SIGKILL)
    for caller in callers:
        caller.join()
    assert [caller.error for caller in callers if caller.error] == []
    assert complaints == ""


@pytest.mark.parametrize("number", range(-(-KILLS // KILLS_OF_A_FILE)))
def test_killed(tmp_path, number):
    """Whenever it is killed, what it acknowledged is kept, and the next platform goes on from there."""
    chance = random.Random(f"{SEED} {number}")  # noqa: S311  # moments, no secrets
    file, ledger = tmp_path / "state", Ledger()
    for kill in range(KILLS_OF_A_FILE):
        kill_one(file, ledger, str(kill), chance)
        check_copy(file)
        check(file, ledger)
    print({kind: len(names) for kind, names in ledger.known.items()})  # noqa: T201  # figures to read
