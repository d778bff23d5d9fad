"""What the console must know after every call, in plain Python: no store, no wire, no code of the platform.

The calls of `Life` come in pairs: `may_...` returns the codes with which a call may be refused, none
where it must be answered; the other takes over what the answer tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

BEGINNING = 1_700_000_000.0
CHINA = timezone(timedelta(hours=8))

RUNNING, FINISH, FAIL, STOP = "RUNNING", "FINISH", "FAIL", "STOP"

BAD_FIELD = 500001
FEW_SAMPLES, BAD_DATASET = 510101, 510102
NAME_EXISTS, NO_TASK, NO_JOB, WRONG_STATUS = 510201, 510202, 510301, 510302
BAD_CONFIG, ALREADY_RUNNING, NO_INCREMENT = 510401, 510402, 510404
NO_SERVICE, DEPLOYING = 3, 6

#: What v2 calls the refusals.
IN_WORDS = {
    BAD_FIELD: "InappropriateJSON",
    FEW_SAMPLES: "InappropriateJSON",
    BAD_DATASET: "InappropriateJSON",
    NAME_EXISTS: "NameExists",
    NO_TASK: "NotFound",
    NO_JOB: "NotFound",
    WRONG_STATUS: "StatusInvalid",
    BAD_CONFIG: "InappropriateJSON",
    ALREADY_RUNNING: "OverLimit",
    NO_INCREMENT: "InappropriateJSON",
}

# As the platform's documentation of its own rules has them.
PREPARATION, SECONDS_PER_SAMPLE, SHORTEST, LONGEST = 60, 0.25, 120, 1500
FAILS_AT, FAILING = 0.4, "simulate a failure"
DEPLOYMENT = 20

LEAST_SAMPLES = 32


@dataclass(eq=False)
class Record:
    """What all kinds have: two ids, of which v2 does not tell the number."""

    id: int | None
    uid: str


@dataclass(eq=False)
class Task(Record):
    """A task; `model` is what v2 fixed for its jobs, if it did."""

    name: str
    description: str
    model: str
    created: float
    runs: int = 0


@dataclass(eq=False)
class Job(Record):
    """A job, and the moment at which it was or will be cut short."""

    task: Task
    run: int
    description: str
    train_type: str
    peft: str
    base: bool
    datasets: list[Dataset]
    started: float
    duration: float
    cut: float | None = None
    outcome: str = FINISH
    reason: str = ""
    progress: int = 0  # the largest that was told

    @property
    def end(self):
        """The moment it ends."""
        return self.started + self.duration if self.cut is None else self.cut

    def status(self, now):
        """Return its status."""
        return RUNNING if now < self.end else self.outcome


@dataclass(eq=False)
class Model(Record):
    """A model."""

    name: str
    tags: list[str]
    created: float
    changed: float
    published: int = 0


@dataclass(eq=False)
class Version(Record):
    """A version of a model."""

    model: Model
    number: int
    job: Job
    task_name: str
    created: float


@dataclass(eq=False)
class Service(Record):
    """A service."""

    version: Version
    title: str
    uri: str
    description: str
    replicas: int
    created: float
    changed: float
    deployed: float

    def is_deploying(self, now):
        """Return whether it does not answer yet."""
        return now < self.deployed + DEPLOYMENT


@dataclass(eq=False)
class Dataset(Record):
    """A dataset; it answers for models that learnt it even when it is deleted."""

    name: str
    samples: dict[str, str]
    created: float


class Kind:
    """The records of one kind that are there, oldest first, and every id that was ever given."""

    def __init__(self):
        self._alive = {}
        self._used = set()
        self.gone = []

    def add(self, record):
        """Take over a new record, whose ids must be new."""
        assert record.uid not in self._used, f"{record} has a uid that was used before"
        self._used.add(record.uid)
        self._alive[record.uid] = record
        if record.id is not None:
            self._use(record.id)
        return record

    def number(self, record, number):
        """Take over the number of a record, which must be new or the one it has."""
        if record.id is None:
            self._use(number)
            record.id = number
        assert record.id == number, f"{record} was told to be {number}"

    def _use(self, number):
        assert number not in self._used, f"the id {number} was used before"
        self._used.add(number)

    def remove(self, record):
        """Let a record go."""
        self.gone.append(self._alive.pop(record.uid))

    def all(self):
        """Return what is there, oldest first."""
        return list(self._alive.values())


class Life:
    """All that one account has."""

    def __init__(self):
        self.now = BEGINNING
        self.tasks, self.jobs = Kind(), Kind()
        self.models, self.versions, self.services = Kind(), Kind(), Kind()
        self.datasets = Kind()

    def jobs_of(self, task):
        """Return the jobs of a task, oldest first."""
        return [job for job in self.jobs.all() if job.task is task]

    def versions_of(self, model):
        """Return the versions of a model, oldest first."""
        return [version for version in self.versions.all() if version.model is model]

    def running(self, jobs):
        """Return whether one of some jobs is running."""
        return any(job.status(self.now) == RUNNING for job in jobs)

    # Fine-tuning

    def may_refuse_task(self, name, description):
        """Return the codes for a task of this name and description."""
        codes = {NAME_EXISTS} if any(task.name == name for task in self.tasks.all()) else set()
        if not 2 <= len(name) <= 20 or len(description or "") > 500:
            codes.add(BAD_FIELD)
        return codes

    def task(self, number, uid, name, description, model=""):
        """Take over a task."""
        return self.tasks.add(Task(number, uid, name, description or "", model, self.now))

    def may_refuse_job(self, task, datasets, base=None, *, incremental=False):
        """Return the codes for a job of a task (None: an unknown one) on datasets, on top of a base."""
        codes = set()
        if task is None:
            codes.add(NO_TASK)
        elif self.running(self.jobs_of(task)):
            codes.add(ALREADY_RUNNING)
        if None in datasets:
            codes.add(BAD_DATASET)
        elif sum(len(dataset.samples) for dataset in dict.fromkeys(datasets)) < LEAST_SAMPLES:
            codes.add(FEW_SAMPLES)
        if incremental:
            codes |= self._may_refuse_base(base)
        return codes

    def _may_refuse_base(self, base):
        if base is None:
            return {NO_JOB, NO_TASK}
        codes = set() if base.status(self.now) == FINISH else {WRONG_STATUS}
        return codes if base.peft == "ALL" else codes | {NO_INCREMENT}

    def job(self, number, uid, task, description, train_type, peft, epochs, datasets, base=None):
        """Take over a job."""
        datasets = list(dict.fromkeys(datasets))
        samples = sum(len(dataset.samples) for dataset in datasets)
        duration = min(max(PREPARATION + SECONDS_PER_SAMPLE * samples * epochs, SHORTEST), LONGEST)
        task.runs += 1
        learnt = [*(base.datasets if base else []), *datasets]
        job = Job(
            number, uid, task, task.runs, description or "", train_type, peft, base is not None, learnt,
            self.now, duration,
        )  # fmt: skip
        if FAILING in job.description:
            self._cut(job, self.now + FAILS_AT * duration, FAIL, "the description asks for a failure")
        return self.jobs.add(job)

    def may_refuse_end(self, job):
        """Return the codes for stopping a job of a task that is there."""
        if job is None:
            return {NO_JOB, NO_TASK}
        return set() if job.status(self.now) == RUNNING else {WRONG_STATUS}

    def stop(self, job):
        """Take over that a job was stopped."""
        self._cut(job, self.now, STOP, "")

    def fail(self, job, reason):
        """Take over that a job failed."""
        self._cut(job, self.now, FAIL, reason)

    def _cut(self, job, moment, outcome, reason):
        job.cut, job.outcome, job.reason = moment, outcome, reason

    def may_refuse_deletion(self, jobs):
        """Return the codes for deleting jobs."""
        return {WRONG_STATUS} if self.running(jobs) else set()

    # Models

    def may_refuse_publishing(self, job, model):
        """Return the codes for publishing a job as a version of a model (None: unknown)."""
        codes = set() if model else {BAD_FIELD}
        if job is None:
            return codes | {NO_JOB, NO_TASK}
        return codes if job.status(self.now) == FINISH else codes | {WRONG_STATUS}

    def model(self, number, uid, name, tags=()):
        """Take over a model without versions."""
        return self.models.add(Model(number, uid, name, list(tags), self.now, self.now))

    def version(self, number, uid, model, job):
        """Take over a version."""
        model.published += 1
        model.changed = self.now
        return self.versions.add(Version(number, uid, model, model.published, job, job.task.name, self.now))

    def in_use(self, versions):
        """Return whether a service stands on one of some versions."""
        return any(service.version in versions for service in self.services.all())

    def delete_model(self, model):
        """Take over that a model is gone."""
        for version in self.versions_of(model):
            self.versions.remove(version)
        self.models.remove(model)

    def delete_version(self, version):
        """Take over that a version is gone."""
        self.versions.remove(version)
        version.model.changed = self.now

    # Services

    def may_refuse_service(self, model, version, title, uri):
        """Return the codes for a service of a version of a model."""
        taken = {service.uri for service in self.services.all()} | {"eb-instant", "completions"}
        fits = model and version and version.model is model and uri not in taken
        return set() if fits and 2 <= len(title) <= 20 and 2 <= len(uri) <= 20 else {BAD_FIELD}

    def service(self, number, uid, version, title, uri, replicas, description=""):
        """Take over a service."""
        times = self.now, self.now, self.now
        return self.services.add(Service(number, uid, version, title, uri, description, replicas, *times))

    def change(self, service, version, title, replicas):
        """Take over that a service was changed."""
        if (service.version, service.replicas) != (version, replicas):
            service.deployed = self.now
        service.version, service.title, service.replicas, service.changed = version, title, replicas, self.now

    def may_refuse_chat(self, uri):
        """Return the codes for a question to an address."""
        service = self.at(uri)
        if service is None:
            return {NO_SERVICE}
        return {DEPLOYING} if service.is_deploying(self.now) else set()

    def at(self, uri):
        """Return the service of an address, or None."""
        return next((service for service in self.services.all() if service.uri == uri), None)

    def learnt(self, service):
        """Return what the model of a service has learnt: responses by prompt."""
        return {
            prompt: response
            for dataset in service.version.job.datasets
            for prompt, response in dataset.samples.items()
        }

    # Datasets

    def dataset(self, number, uid, name, samples):
        """Take over a dataset."""
        return self.datasets.add(Dataset(number, uid, name, samples, self.now))

    def same_dataset(self, name, samples):
        """Return the dataset of this name and these samples, or None."""
        same = (it for it in self.datasets.all() if (it.name, it.samples) == (name, samples))
        return next(same, None)


def china_time(seconds):
    """Return a time as v1's fine-tuning writes it."""
    return datetime.fromtimestamp(int(seconds), CHINA).strftime("%Y-%m-%d %H:%M:%S")
