"""Datasets: what models are trained on. They do not change once they are registered."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qianfan.local.console import fields, samples
from qianfan.local.console.store import Table

if TYPE_CHECKING:
    from qianfan.local.clock import Clock
    from qianfan.local.console.samples import Pair, Source
    from qianfan.local.console.store import Store

BUILT_IN = 0  # the id of the sample set that stands for any dataset

LONGEST_NAME = 50


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset, with one version.

    Attributes:
        id: Its number, which a `trainset` names.
        uid: Its version's name, `ds-...`, which later requests use.
        name: What it is called.
        count: How many samples it has.
        created: When it was registered, in seconds since 1970.
    """

    id: int
    uid: str
    name: str
    count: int
    created: float

    @property
    def group(self) -> str:
        """The name of the dataset apart from its version, `dg-...`."""
        return "dg-" + self.uid.removeprefix("ds-")


@dataclass(frozen=True, slots=True)
class _Samples:
    """The samples of the dataset of the same id; they outlive it, as models answer from them."""

    id: int
    uid: str
    name: str
    pairs: list[Pair]


class Datasets:
    """The datasets of one platform.

    Args:
        store: Where they are kept.
        clock: The platform's clock.
        any_dataset: Let the built-in samples stand for a dataset that was never registered.
    """

    def __init__(self, store: Store, clock: Clock, *, any_dataset: bool) -> None:
        self._store = store
        self._clock = clock
        self._any = any_dataset
        self._datasets = Table(store, "dataset", Dataset, "ds-", first=1001)
        self._samples = Table(store, "samples", _Samples)

    def add(self, source: Source, name: str | None = None) -> Dataset:
        """Register a file or lines; the same samples of the same name are the same dataset.

        Raises:
            OSError: The file cannot be read.
            ValueError: Some lines are bad, or the name is empty or too long.
        """
        if name is None:
            name = Path(source).stem[:LONGEST_NAME] if isinstance(source, str | os.PathLike) else "dataset"
        if not name or len(name) > LONGEST_NAME:
            raise ValueError(f"a dataset's name has 1 to {LONGEST_NAME} characters, not {len(name)}")
        pairs = samples.read(source)
        with self._store.transaction():
            for dataset in self._datasets.all():
                if (dataset.name, dataset.count) == (name, len(pairs)) and self.pairs(dataset.id) == pairs:
                    return dataset
            return self.create(name, pairs)

    def create(self, name: str, pairs: list[Pair]) -> Dataset:
        """Keep a new dataset."""
        with self._store.transaction():
            dataset = self._datasets.new(name=name, count=len(pairs), created=self._clock.now())
            self._samples.put(_Samples(dataset.id, dataset.uid, name, pairs))
            return dataset

    def get(self, key: Any) -> Dataset | None:
        """Return the dataset of an id, `ds-...` or `dg-...`."""
        if isinstance(key, str) and key.startswith("dg-"):
            key = "ds-" + key.removeprefix("dg-")
        return self._datasets.get(key)

    def find(self, key: Any) -> Dataset:
        """Return the same.

        Raises:
            Refusal: 500001 there is none.
        """
        dataset = self.get(key)
        if dataset is None:
            raise fields.refusal(fields.PARAM, f"there is no dataset {key!r}")
        return dataset

    def to_train_on(self, key: Any) -> tuple[int, int] | None:
        """Return the id and the number of samples that a job gets for a dataset's key."""
        dataset = self.get(key)
        if dataset is not None:
            return dataset.id, dataset.count
        return (BUILT_IN, len(samples.built_in())) if self._any else None

    def all(self) -> list[Dataset]:
        """Return every dataset, oldest first."""
        return self._datasets.all()

    def delete(self, dataset: Dataset) -> None:
        """Forget a dataset; models that were trained on it go on."""
        self._datasets.delete(dataset)

    def pairs(self, number: int) -> list[Pair]:
        """Return the samples of a dataset, also of a deleted one."""
        if number == BUILT_IN:
            return samples.built_in()
        kept = self._samples.get(number)
        return [(prompt, response) for prompt, response in kept.pairs] if kept else []
