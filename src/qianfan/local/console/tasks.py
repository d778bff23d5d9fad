"""Tasks of fine-tuning: a task holds jobs; v2 says it the other way round, a job holds tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qianfan.local.console.store import Table
from qianfan.local.wire import Refusal

if TYPE_CHECKING:
    from qianfan.local.clock import Clock
    from qianfan.local.console.store import Store

NAME_EXISTS, NOT_FOUND, TOO_MANY = 510201, 510202, 510203

MOST_TASKS = 1000


@dataclass(frozen=True, slots=True)
class Task:
    """A task.

    Attributes:
        id: Its number.
        uid: Its later name, `job-...`.
        name: What it is called; no two tasks share a name.
        description: What it is for.
        created: When it was created, in seconds since 1970.
        train_type: The base model of its jobs, where v2 fixed one; else "".
        runs: How many jobs it ever had.
    """

    id: int
    uid: str
    name: str
    description: str
    created: float
    train_type: str = ""
    runs: int = 0


class Tasks:
    """The tasks of one platform."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._tasks = Table(store, "task", Task, "job-", first=101)

    def create(self, name: str, description: str, train_type: str = "") -> Task:
        """Create a task.

        Raises:
            Refusal: 510201 the name exists, 510203 there are too many.
        """
        with self._store.transaction():
            if self._tasks.named(name) is not None:
                raise Refusal(NAME_EXISTS)
            if self._tasks.count() >= MOST_TASKS:
                raise Refusal(TOO_MANY)
            return self._tasks.new(
                name=name, description=description, created=self._clock.now(), train_type=train_type
            )

    def find(self, key: Any) -> Task:
        """Return the task of an id or uid.

        Raises:
            Refusal: 510202 there is none.
        """
        task = self._tasks.get(key)
        if task is None:
            raise Refusal(NOT_FOUND)
        return task

    def put(self, task: Task) -> None:
        """Keep a changed task."""
        self._tasks.put(task)

    def all(self) -> list[Task]:
        """Return every task, oldest first."""
        return self._tasks.all()

    def delete(self, task: Task) -> None:
        """Forget a task."""
        self._tasks.delete(task)
