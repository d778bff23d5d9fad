"""All that one platform knows, and the options it was made with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qianfan import catalog
from qianfan.local import endpoints
from qianfan.local.console.account import Account
from qianfan.local.console.store import MEMORY, Store
from qianfan.local.elsewhere import Elsewhere
from qianfan.local.endpoints import Endpoints
from qianfan.local.faults import Faults
from qianfan.local.journal import Journal
from qianfan.local.knowledge import Knowledge
from qianfan.local.oauth import Registry
from qianfan.local.plugins import Plugins
from qianfan.local.quota import Limits, Quotas
from qianfan.local.script import Script
from qianfan.local.threads import Threads
from qianfan.local.v2.keys import Keys

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qianfan.local.clock import Clock
    from qianfan.local.faults import Fault
    from qianfan.local.snapshots import Part

#: The kinds of preset models.
KINDS = ("chat", "completion", "embedding", "plugin", "text2image", "image2text", "reranker", "tokenizer")

_LONGEST_NAME = 256  # characters of an endpoint that was not added


@dataclass(frozen=True, slots=True)
class Options:
    """How a platform behaves; see `qianfan.local.platform` for what each means."""

    qps: float | None = None
    rpm: int | None = None
    tpm: int | None = None
    token_lifetime: int = 2_592_000
    any_key: bool = False
    any_endpoint: bool = False
    any_dataset: bool = False
    chunk_delay: float = 0.0
    journal_size: int = 10_000
    faults: Sequence[Fault] = ()
    seed: int | None = None
    upstream: str | None = None
    upstream_key: str | None = field(default=None, repr=False)
    upstream_model: str | Mapping[str, str] | None = None
    upstream_timeout: float = 300.0
    record: str | None = None
    replay: str | None = None
    replay_pace: float = 1.0
    allow_hosts: tuple[str, ...] = ()
    admin_token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse a value that could not work.

        Raises:
            ValueError: The value and what it must be.
        """
        if self.token_lifetime <= 0:
            raise ValueError(f"token_lifetime must be above 0 seconds, not {self.token_lifetime}")
        if self.chunk_delay < 0:
            raise ValueError(f"chunk_delay must not be below 0 seconds, not {self.chunk_delay}")
        if self.journal_size < 1:
            raise ValueError(f"journal_size must be at least 1, not {self.journal_size}")


class State:
    """Applications, tokens, quotas, endpoints, script, plugins, faults and journal, shared by the server and the Python API.

    Each part guards itself with a short lock of its own; none is held while bytes are sent.

    Args:
        options: How the platform behaves.
        clock: The time of all parts.
        path: The file that keeps what must outlive the process.

    Raises:
        ValueError: It is no such file, or in use.
        OSError: It cannot be written.
    """

    def __init__(self, options: Options, clock: Clock, path: str = MEMORY) -> None:
        self.options = options
        self.clock = clock
        self.faults = Faults(options.faults, options.seed)
        self.elsewhere = Elsewhere(options, clock, self.faults)
        any_key, secret = options.any_key or self.elsewhere.any_key, options.admin_token or ""
        if any_key and secret:
            raise ValueError(
                "a platform that lets other machines in must know its callers: no any_key=, and neither "
                "recordings nor another platform with a key of yours for whoever calls"
            )
        self.store = Store(path, clock)
        try:
            self.account = Account(
                self.store, clock, any_key=any_key, any_dataset=options.any_dataset, secret=secret
            )
            lifetime = options.token_lifetime
            self.registry = Registry(self.store, clock, lifetime, any_key=any_key, secret=secret)
            self.keys = Keys(self.store, clock, self.registry, any_key=any_key, secret=secret)
        except BaseException:
            self.store.close()
            raise
        self.quotas = Quotas(clock, Limits(options.qps, options.rpm, options.tpm))
        self.journal = Journal(options.journal_size)
        self.plugins = Plugins()
        self.knowledge = Knowledge()
        self.script = Script()
        self.endpoints = Endpoints()
        self.threads = Threads()
        self._models: dict[tuple[str, str], catalog.Model] = {}
        for kind in KINDS:
            for model in catalog.models(kind):
                self._models.setdefault((model.family, model.endpoint), model)

    @property
    def parts(self) -> dict[str, Part]:
        """All that changes, by name: what a snapshot keeps."""
        return {
            "store": self.store,
            "clock": self.clock,
            "account": self.account,
            "registry": self.registry,
            "keys": self.keys,
            "quotas": self.quotas,
            "journal": self.journal,
            "plugins": self.plugins,
            "knowledge": self.knowledge,
            "endpoints": self.endpoints,
            "script": self.script,
            "faults": self.faults,
            "elsewhere": self.elsewhere,
        }

    def model(self, family: str, endpoint: str) -> catalog.Model | None:
        """Return the catalogue's model of an endpoint; None for a custom service."""
        return self._models.get((family, endpoint))

    def serves(self, family: str, endpoint: str) -> bool:
        """Return whether some service answers at the endpoint."""
        return (family, endpoint) in self._models or self.serves_custom(family, endpoint)

    def serves_custom(self, kind: str, name: str) -> bool:
        """Return whether a custom service of a kind answers to the name."""
        if self.endpoints.has(kind, name):
            return True
        return self.options.any_endpoint and kind in endpoints.KINDS and len(name) <= _LONGEST_NAME
