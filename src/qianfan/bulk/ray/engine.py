"""`RayEngine`: which cluster, how many workers."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from qianfan.errors import InvalidArgumentError
from qianfan.settings import seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qianfan.bulk.ray.asker import Away
    from qianfan.client import Qianfan


@dataclass(frozen=True)
class RayEngine:
    """Has the requests of a run sent by workers of a Ray cluster: `client.map(..., engine=RayEngine(workers=8))`.

    Limits, budgets, tokens, retries, order and checkpoint stay in this process and hold for all workers together;
    each of them holds connections. A process that is in a cluster already, by `ray.init`, stays in it.

    Args:
        address: The cluster's, such as `10.0.0.1:6379`, or `auto` for the one that runs on this machine; by default
            that of `RAY_ADDRESS`, and where it is not set, one that is started for the run: `local`.
        workers: How many, from 1; by default one for each CPU of the cluster, and no more than `concurrency`. One
            sends more than a thousand requests a second.
        timeout: Seconds above 0 that a run waits while no worker is there, before it ends.
        options: What Ray is told of the workers, such as `{"num_cpus": 1, "runtime_env": {...}}`; each takes half
            a CPU where nothing is said.

    Raises:
        InvalidArgumentError: An argument does not fit, or Ray is not installed.
    """

    address: str | None = None
    workers: int | None = None
    timeout: float = 300.0
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)  # may hold what is secret

    def __post_init__(self) -> None:
        if find_spec("ray") is None:
            raise InvalidArgumentError("Ray is not installed", hint="pip install 'qianfan[ray]'")
        workers = self.workers
        if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
            raise InvalidArgumentError(f"workers must be a whole number from 1, not {workers!r}")
        seconds("timeout", self.timeout)
        if self.address is not None and self.address.startswith("ray://"):
            raise InvalidArgumentError(
                "Ray Client (ray://) is not supported",
                hint="run this program on a machine of the cluster, and leave address out",
            )

    def asker(self, client: Qianfan, kind: str, most: int) -> Away:
        """Return who carries the calls of a run out."""
        from qianfan.bulk.ray.asker import Away

        return Away(client, kind, most, self)
