"""All that one platform knows, and the options it was made with."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qianfan import catalog
from qianfan.local.journal import Journal
from qianfan.local.oauth import Registry
from qianfan.local.quota import Limits, Quotas

if TYPE_CHECKING:
    from qianfan.local.clock import Clock


@dataclass(frozen=True, slots=True)
class Options:
    """How a platform behaves; see `qianfan.local.platform` for what each means."""

    qps: float | None = None
    rpm: int | None = None
    tpm: int | None = None
    token_lifetime: int = 2_592_000
    any_key: bool = False
    any_endpoint: bool = False
    chunk_delay: float = 0.0
    journal_size: int = 10_000

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
    """Applications, tokens, quotas, endpoints and journal, shared by the server and the Python API.

    Each part guards itself with a short lock of its own; none is held while bytes are sent.

    Args:
        options: How the platform behaves.
        clock: The time of all parts.
    """

    def __init__(self, options: Options, clock: Clock) -> None:
        self.options = options
        self.clock = clock
        self.registry = Registry(clock, options.token_lifetime, any_key=options.any_key)
        self.quotas = Quotas(clock, Limits(options.qps, options.rpm, options.tpm))
        self.journal = Journal(options.journal_size)
        self._models: dict[str, catalog.Model] = {}
        for model in catalog.models("chat"):
            self._models.setdefault(model.endpoint, model)
        self._custom: set[str] = set()
        self._lock = threading.Lock()

    def add_endpoint(self, name: str) -> None:
        """Let a custom service answer at `/chat/<name>`.

        Raises:
            ValueError: The name is empty or has a character a URL's segment cannot have.
        """
        if not name or not name.isascii() or any(c in "/?#%" or c.isspace() for c in name):
            raise ValueError(f"an endpoint is one segment of a URL, not {name!r}")
        with self._lock:
            self._custom.add(name)

    def model(self, endpoint: str) -> catalog.Model | None:
        """Return the catalogue's model of an endpoint; None for a custom service."""
        return self._models.get(endpoint)

    def serves(self, endpoint: str) -> bool:
        """Return whether some service answers at the endpoint."""
        return endpoint in self._models or self.options.any_endpoint or endpoint in self._custom
