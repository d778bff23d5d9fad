"""Services: a version of a model behind an address, `/chat/<uri>`.

A service is deploying for some seconds of the platform's clock, and then answers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from qianfan import catalog
from qianfan.local.console import fields
from qianfan.local.console.store import Table

if TYPE_CHECKING:
    from qianfan.local.clock import Clock
    from qianfan.local.console.models import Version
    from qianfan.local.console.store import Store

DEPLOYING, DONE = "Deploying", "Done"

_DEPLOYMENT = 20.0  # seconds


@dataclass(frozen=True, slots=True)
class Service:
    """A service.

    Attributes:
        id: Its number.
        uid: Its later name, `svco-...`.
        title: What it is called.
        uri: The last part of its address.
        description: What it is for.
        model: The id of its model.
        version: The id of the model's version.
        datasets: The ids of the datasets its model has learnt.
        train_type: What was trained, a key of `training.TRAINS`.
        replicas: How many instances it was given.
        pool: 1 for public resources, 2 for private ones.
        created: When it was created, in seconds since 1970.
        changed: When it was changed last, likewise.
        deployed: When its last deployment began, likewise.
    """

    id: int
    uid: str
    title: str
    uri: str
    description: str
    model: int
    version: int
    datasets: list[int]
    train_type: str
    replicas: int
    pool: int
    created: float
    changed: float
    deployed: float

    @property
    def name(self) -> str:
        """The uri, by which it is found."""
        return self.uri

    @property
    def online(self) -> float:
        """When it begins to answer."""
        return self.deployed + _DEPLOYMENT

    def status(self, now: float) -> str:
        """Return its `serviceStatus`."""
        return DONE if now >= self.online else DEPLOYING


class Services:
    """The services of one platform's account."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._services = Table(store, "service", Service, "svco-", first=161)

    def create(
        self, version: Version, title: str, uri: str, description: str, *, replicas: int, pool: int
    ) -> Service:
        """Create a service, which deploys at once.

        Raises:
            Refusal: 500001 something answers at the uri already.
        """
        now = self._clock.now()
        with self._store.transaction():
            presets = catalog.by_endpoint("chat", uri), catalog.find_v2("chat", uri)
            if self._services.named(uri) or any(presets):
                raise fields.refusal(fields.PARAM, f"the uri {uri!r} is taken")
            return self._services.new(
                title=title,
                uri=uri,
                description=description,
                model=version.model,
                version=version.id,
                datasets=version.datasets,
                train_type=version.train_type,
                replicas=replicas,
                pool=pool,
                created=now,
                changed=now,
                deployed=now,
            )

    def change(
        self, service: Service, version: Version, title: str, description: str, replicas: int
    ) -> Service:
        """Change a service; it deploys anew where its model or its instances are others."""
        now = self._clock.now()
        stays = (version.id, replicas) == (service.version, service.replicas)
        changed = replace(
            service,
            title=title,
            description=description,
            model=version.model,
            version=version.id,
            datasets=version.datasets,
            train_type=version.train_type,
            replicas=replicas,
            changed=now,
            deployed=service.deployed if stays else now,
        )
        self._services.put(changed)
        return changed

    def find(self, key: Any) -> Service:
        """Return the service of an id or uid.

        Raises:
            Refusal: 500001 there is none.
        """
        service = self._services.get(key)
        if service is None:
            raise fields.refusal(fields.PARAM, f"there is no service {key!r}")
        return service

    def at(self, uri: str) -> Service | None:
        """Return the service of an address."""
        return self._services.named(uri)

    def all(self) -> list[Service]:
        """Return every service, oldest first."""
        return self._services.all()

    def use(self, versions: list[Version]) -> bool:
        """Return whether a service stands on one of some versions."""
        used = {version.id for version in versions}
        return any(service.version in used for service in self.all())
