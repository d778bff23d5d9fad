"""Jobs of fine-tuning: each trains a model once, on the platform's clock.

Nothing runs: what a job is doing is worked out from the time, so the clock may jump and the platform
may be away. (v2 calls a job a task.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from qianfan.local import checks
from qianfan.local.console import fields, training
from qianfan.local.console.store import Table
from qianfan.local.wire import Refusal, as_array, as_object

if TYPE_CHECKING:
    from qianfan.local.clock import Clock
    from qianfan.local.console.datasets import Datasets
    from qianfan.local.console.samples import Pair
    from qianfan.local.console.store import Store
    from qianfan.local.console.tasks import Task, Tasks
    from qianfan.local.wire import Json

TOO_FEW_SAMPLES, BAD_DATASET = 510101, 510102
NOT_FOUND, WRONG_STATUS = 510301, 510302
TOO_MANY_RUNNING, NO_INCREMENT = 510402, 510404

RUNNING, FINISH, FAIL, STOP = "RUNNING", "FINISH", "FAIL", "STOP"

LEAST_SAMPLES = 32

# A job whose description has one of these fails, part of the way.
FAILING = ("模拟失败", "simulate a failure")
_FAILS_AT = 0.4  # of its duration

_NORMAL, _INCREMENTAL = 0, 1
_PLATFORM_DATASET, _BUCKET = 1, 2


@dataclass(frozen=True, slots=True)
class Job:
    """A job.

    Attributes:
        id: Its number.
        uid: Its later name, `task-...`.
        task: The id of its task.
        version: Its number within the task, from 1.
        description: What it is for.
        train_type: What it trains, a key of `training.TRAINS`.
        config: What it trains with.
        datasets: The ids of all datasets that its model has seen, those of its base first.
        base: The id of the job whose model it goes on with; 0 where it starts from the base model.
        samples: How many samples it trains on.
        started: When it started, in seconds since 1970.
        duration: The seconds it takes where nothing comes between.
        cut: When it was stopped or failed, or will fail; None where it runs to its end.
        outcome: What it became or becomes then: `STOP` or `FAIL`.
        message: Why it failed.
    """

    id: int
    uid: str
    task: int
    version: int
    description: str
    train_type: str
    config: Json
    datasets: list[int]
    base: int
    samples: int
    started: float
    duration: float
    cut: float | None = None
    outcome: str = ""
    message: str = ""

    @property
    def name(self) -> str:
        """The task's number, by which its jobs are found."""
        return str(self.task)

    def ended(self, now: float) -> float | None:
        """Return when it ended; None while it is running."""
        end = self.started + self.duration if self.cut is None else self.cut
        return end if now >= end else None

    def status(self, now: float) -> str:
        """Return its `trainStatus`."""
        if self.ended(now) is None:
            return RUNNING
        return FINISH if self.cut is None else self.outcome

    def ran(self, now: float) -> float:
        """Return the seconds it has run."""
        return max(0.0, (self.ended(now) or now) - self.started)

    def trained(self, now: float) -> float:
        """Return the seconds it has trained, without the preparation."""
        return max(0.0, self.ran(now) - training.PREPARATION)

    def progress(self, now: float) -> int:
        """Return how far it is, from 0 to 100; only a finished job is at 100."""
        if self.status(now) == FINISH:
            return 100
        return min(99, int(100 * self.ran(now) / self.duration))

    def losses(self, now: float) -> list[Json]:
        """Return its loss curve so far."""
        done = self.trained(now) / (self.duration - training.PREPARATION)
        return training.losses(self.config, self.samples, min(1.0, done))


class Jobs:
    """The jobs of one platform."""

    def __init__(self, store: Store, clock: Clock, tasks: Tasks, datasets: Datasets) -> None:
        self._store = store
        self._clock = clock
        self._tasks = tasks
        self._datasets = datasets
        self._jobs = Table(store, "job", Job, "task-", first=301)

    def create(self, body: Json) -> Job:
        """Start the job that a body asks for, in v1's words.

        Raises:
            Refusal: A field is wrong, the task is unknown or has a job running.
        """
        with self._store.transaction():
            task = self._tasks.find(fields.required(body, "taskId", fields.key))
            description = fields.optional(body, "description", fields.description, "")
            kind = fields.optional(body, "jobRunType", fields.integer_of(_NORMAL, _INCREMENTAL), _NORMAL)
            base = self._base(body) if kind == _INCREMENTAL else None
            train_type = base.train_type if base else training.read_type(body)
            config = training.read_config(body, train_type)
            datasets, count = self._trainset(body)
            now = self._clock.now()
            if any(job.status(now) == RUNNING for job in self.of(task)):
                raise Refusal(TOO_MANY_RUNNING)
            duration = training.duration(config, count)
            fails = any(phrase in description.lower() for phrase in FAILING)
            self._tasks.put(replace(task, runs=task.runs + 1))
            return self._jobs.new(
                task=task.id,
                version=task.runs + 1,
                description=description,
                train_type=train_type,
                config=config,
                datasets=[*(base.datasets if base else []), *datasets],
                base=base.id if base else 0,
                samples=count,
                started=now,
                duration=duration,
                cut=now + _FAILS_AT * duration if fails else None,
                outcome=FAIL if fails else "",
                message="the description asks for a failure" if fails else "",
            )

    def find(self, task: Any, job: Any) -> Job:
        """Return the job of a task.

        Raises:
            Refusal: 510202 there is no such task, 510301 it has no such job.
        """
        owner, found = self._tasks.find(task), self._jobs.get(job)
        if found is None or found.task != owner.id:
            raise Refusal(NOT_FOUND)
        return found

    def get(self, key: Any) -> Job | None:
        """Return the job of an id or uid."""
        return self._jobs.get(key)

    def of(self, task: Task) -> list[Job]:
        """Return the jobs of a task, oldest first."""
        return self._jobs.all(str(task.id))

    def stop(self, job: Job) -> Job:
        """Stop a job.

        Raises:
            Refusal: 510302 it does not run.
        """
        return self._cut(job, STOP, "")

    def fail(self, job: Job, message: str) -> Job:
        """Let a job fail.

        Raises:
            Refusal: 510302 it does not run.
        """
        return self._cut(job, FAIL, message)

    def delete(self, job: Job) -> None:
        """Forget a job.

        Raises:
            Refusal: 510302 it is running.
        """
        if job.status(self._clock.now()) == RUNNING:
            raise Refusal(WRONG_STATUS)
        self._jobs.delete(job)

    def pairs(self, datasets: list[int]) -> list[Pair]:
        """Return the samples of some datasets."""
        return [pair for dataset in datasets for pair in self._datasets.pairs(dataset)]

    def _cut(self, job: Job, outcome: str, message: str) -> Job:
        with self._store.transaction():
            now = self._clock.now()
            if job.status(now) != RUNNING:
                raise Refusal(WRONG_STATUS)
            changed = replace(job, cut=now, outcome=outcome, message=message)
            self._jobs.put(changed)
            return changed

    def _base(self, body: Json) -> Job:
        config = fields.required(body, "increConfig", fields.json_object)
        task = fields.required(config, "taskId", fields.key, above="increConfig.")
        job = self.find(task, fields.required(config, "jobId", fields.key, above="increConfig."))
        if job.status(self._clock.now()) != FINISH:
            raise Refusal(WRONG_STATUS)
        if job.config["peftType"] != training.ALL:
            raise Refusal(NO_INCREMENT)
        return job

    def _trainset(self, body: Json) -> tuple[list[int], int]:
        items = as_array(fields.required(body, "trainset", checks.array, BAD_DATASET)) or []
        if not items:
            raise fields.refusal(BAD_DATASET, "trainset is empty")
        counts: dict[int, int] = {}  # a dataset that is named twice counts once
        for index, item in enumerate(items):
            place = f"trainset[{index}]"
            entry = as_object(item)
            if entry is None:
                raise fields.refusal(BAD_DATASET, f"{place} must be an object with type and id")
            kind = fields.integer_of(_PLATFORM_DATASET, _BUCKET)
            if fields.required(entry, "type", kind, BAD_DATASET, f"{place}.") == _BUCKET:
                raise fields.refusal(BAD_DATASET, f"{place}: the local platform reads no buckets (type 2)")
            key = fields.required(entry, "id", fields.key, BAD_DATASET, f"{place}.")
            found = self._datasets.to_train_on(key)
            if found is None:
                raise fields.refusal(BAD_DATASET, f"{place}: there is no dataset {key!r}")
            counts[found[0]] = found[1]
        total = sum(counts.values())
        if total < LEAST_SAMPLES:
            raise Refusal(TOO_FEW_SAMPLES)
        return list(counts), total
