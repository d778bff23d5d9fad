"""Models of the account: a model holds versions, each published from a finished job.

(v2 calls a model a model set, and a version a model.)
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from qianfan.local.console import fields, jobs
from qianfan.local.console.store import Table
from qianfan.local.wire import Refusal

if TYPE_CHECKING:
    from qianfan.local.clock import Clock
    from qianfan.local.console.jobs import Job
    from qianfan.local.console.store import Store

LONGEST_NAME = 50


@dataclass(frozen=True, slots=True)
class Model:
    """A model.

    Attributes:
        id: Its number.
        uid: Its later name, `am-...`.
        name: What it is called.
        description: What it is for.
        created: When it was published first, in seconds since 1970.
        changed: When a version came or went last.
        versions: How many versions it ever had.
        tags: Its tags.
    """

    id: int
    uid: str
    name: str
    description: str
    created: float
    changed: float
    versions: int = 0
    tags: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a model.

    Attributes:
        id: Its number.
        uid: Its later name, `amv-...`.
        model: The id of its model.
        version: Its number within the model, from 1.
        description: What it is for.
        created: When it was published, in seconds since 1970.
        train_type: What was trained, a key of `training.TRAINS`.
        datasets: The ids of the datasets it has learnt.
        task: The id of the task, the name of the task, and the number of the job it comes from.
        job: The id of that job.
    """

    id: int
    uid: str
    model: int
    version: int
    description: str
    created: float
    train_type: str
    datasets: list[int]
    task: tuple[int, str, int]
    job: int

    @property
    def name(self) -> str:
        """The model's number, by which its versions are found."""
        return str(self.model)


class Models:
    """The models of one platform."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._models = Table(store, "model", Model, "am-", first=5001)
        self._versions = Table(store, "version", Version, "amv-", first=7001)

    def create(self, name: str, description: str, tags: list[str]) -> Model:
        """Create a model without versions."""
        now = self._clock.now()
        return self._models.new(name=name, description=description, created=now, changed=now, tags=tags)

    def publish(self, model: Model, job: Job, task_name: str, description: str) -> Version:
        """Make a job's result the next version of a model.

        Raises:
            Refusal: 510302 the job is not finished.
        """
        with self._store.transaction():
            now = self._clock.now()
            if job.status(now) != jobs.FINISH:
                raise Refusal(jobs.WRONG_STATUS)
            number = model.versions + 1
            self._models.put(replace(model, versions=number, changed=now))
            return self._versions.new(
                model=model.id,
                version=number,
                description=description,
                created=now,
                train_type=job.train_type,
                datasets=job.datasets,
                task=(job.task, task_name, job.version),
                job=job.id,
            )

    def find(self, key: Any) -> Model:
        """Return the model of an id or uid.

        Raises:
            Refusal: 500001 there is none.
        """
        model = self._models.get(key)
        if model is None:
            raise fields.refusal(fields.PARAM, f"there is no model {key!r}")
        return model

    def called(self, name: str) -> Model:
        """Return the model of a name, the oldest of several.

        Raises:
            Refusal: 500001 there is none.
        """
        models = self._models.all(name)
        if not models:
            raise fields.refusal(fields.PARAM, f"there is no model of the name {name!r}")
        return models[0]

    def version(self, key: Any) -> Version:
        """Return the version of an id or uid.

        Raises:
            Refusal: 500001 there is none.
        """
        version = self._versions.get(key)
        if version is None:
            raise fields.refusal(fields.PARAM, f"there is no model version {key!r}")
        return version

    def versions(self, model: Model) -> list[Version]:
        """Return the versions of a model, oldest first."""
        return self._versions.all(str(model.id))

    def all(self) -> list[Model]:
        """Return every model, oldest first."""
        return self._models.all()

    def delete(self, model: Model) -> None:
        """Forget a model and its versions."""
        with self._store.transaction():
            for version in self.versions(model):
                self._versions.delete(version)
            self._models.delete(model)

    def delete_version(self, version: Version) -> None:
        """Forget a version; its model stays."""
        with self._store.transaction():
            model = self.find(version.model)
            self._models.put(replace(model, changed=self._clock.now()))
            self._versions.delete(version)
