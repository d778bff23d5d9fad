"""The account: tasks, jobs, models, services, datasets and access keys of one platform, on one store."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from qianfan import catalog
from qianfan.local.console import fields, services, training
from qianfan.local.console.access import AccessKeys
from qianfan.local.console.datasets import Datasets
from qianfan.local.console.examples import Examples
from qianfan.local.console.jobs import Jobs
from qianfan.local.console.models import Models
from qianfan.local.console.services import Services
from qianfan.local.console.tasks import Tasks
from qianfan.local.wire import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qianfan.local.clock import Clock
    from qianfan.local.console.models import Model, Version
    from qianfan.local.console.store import Store

DEPLOYING = 6

_KEPT = 32  # training sets that stay indexed


class Tuned(NamedTuple):
    """A tuned model that answers.

    Attributes:
        base: The catalogue's model it was tuned from, if there is one.
        examples: What it has learnt.
    """

    base: catalog.Model | None
    examples: Examples


class Account:
    """All that the console manages.

    Args:
        store: Where it is kept.
        clock: The platform's clock.
        any_key: Let every access key in.
        any_dataset: Let the built-in samples stand for any dataset.
        secret: What Secret Keys are made from.
    """

    def __init__(
        self, store: Store, clock: Clock, *, any_key: bool, any_dataset: bool, secret: str = ""
    ) -> None:
        self.store = store
        self.clock = clock
        self.access = AccessKeys(store, any_key=any_key, secret=secret)
        self.datasets = Datasets(store, clock, any_dataset=any_dataset)
        self.tasks = Tasks(store, clock)
        self.jobs = Jobs(store, clock, self.tasks, self.datasets)
        self.models = Models(store, clock)
        self.services = Services(store, clock)
        self._examples = lru_cache(_KEPT)(self._learn)

    def snapshot(self) -> None:
        """Return nothing: the store has it all."""

    def restore(self, saved: None) -> None:  # noqa: ARG002  # there is nothing in it
        """Forget what was read from the store before."""
        self._examples.cache_clear()

    def tuned(self, uri: str) -> Tuned | None:
        """Return the tuned model that answers at `/chat/<uri>`; None where no service has the uri.

        Raises:
            Refusal: 6, the service is still deploying.
        """
        service = self.services.at(uri)
        if service is None:
            return None
        if service.status(self.clock.now()) == services.DEPLOYING:
            raise Refusal(DEPLOYING)
        base = catalog.by_endpoint("chat", training.TRAINS[service.train_type].endpoint)
        return Tuned(base, self._examples(tuple(service.datasets)))

    def delete_models(self, models: Iterable[Model]) -> None:
        """Delete models and their versions.

        Raises:
            Refusal: 500001 a service stands on one of them.
        """
        with self.store.transaction():
            for model in {model.id: model for model in models}.values():
                self._refuse_used(self.models.versions(model))
                self.models.delete(model)

    def delete_versions(self, versions: Iterable[Version]) -> None:
        """Delete versions of models.

        Raises:
            Refusal: 500001 a service stands on one of them.
        """
        with self.store.transaction():
            for version in {version.id: version for version in versions}.values():
                self._refuse_used([version])
                self.models.delete_version(version)

    def _refuse_used(self, versions: list[Version]) -> None:
        if self.services.use(versions):
            raise fields.refusal(fields.PARAM, "a service stands on the model")

    def _learn(self, datasets: tuple[int, ...]) -> Examples:
        return Examples(self.jobs.pairs(list(datasets)))
