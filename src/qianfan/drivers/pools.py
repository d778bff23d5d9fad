"""Connections shared by all clients whose network settings are equal."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING

from qianfan.drivers.shared import ForkSafeLock

if TYPE_CHECKING:
    from qianfan.drivers.transport_aiohttp import AiohttpTransport
    from qianfan.drivers.transport_urllib3 import Urllib3Transport
    from qianfan.settings import Network


class Pool:
    """The connections of one network, opened when first used.

    A client takes a lease and gives it back when it is closed; the last one closes the connections.
    A client that is dropped without closing keeps its lease: the next one with equal settings finds
    the connections warm, and what is left is closed at exit.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._leases = 0
        self._sync: Urllib3Transport | None = None
        self._async: AiohttpTransport | None = None

    def sync(self) -> Urllib3Transport:
        """Return the transport for threads."""
        if self._sync is None:
            from qianfan.drivers.transport_urllib3 import Urllib3Transport

            with _LOCK.lock:
                self._sync = self._sync or Urllib3Transport(self._network)
        return self._sync

    def aio(self) -> AiohttpTransport:
        """Return the transport for event loops; asyncio and aiohttp are imported by the first call."""
        if self._async is None:
            from qianfan.drivers.transport_aiohttp import AiohttpTransport

            with _LOCK.lock:
                self._async = self._async or AiohttpTransport(self._network)
        return self._async

    def release(self) -> bool:
        """Give a lease back; say whether it was the last."""
        with _LOCK.lock:
            self._leases -= 1
            last = self._leases == 0
            # What event loops have open stays known until they close it, or until the exit.
            if last and not (self._async and self._async.has_sessions):
                _POOLS.pop(self._network, None)
            return last

    def close(self) -> None:
        """Close the threads' connections; those of an event loop close with the loop, or by `aclose`."""
        if self._sync is not None:
            self._sync.close()

    def close_at_exit(self) -> None:
        """Close what no loop will close any more."""
        self.close()
        if self._async is not None:
            self._async.drop_closed_loops()

    async def aclose(self) -> None:
        """Close the connections of threads and of the running loop."""
        self.close()
        if self._async is not None:
            await self._async.aclose()


_LOCK = ForkSafeLock()
_POOLS: dict[Network, Pool] = {}


def lease(network: Network) -> Pool:
    """Return the pool of a network, with a lease on it."""
    with _LOCK.lock:
        pool = _POOLS.get(network)
        if pool is None:
            pool = _POOLS[network] = Pool(network)
        pool._leases += 1  # noqa: SLF001  # this file is the pool's own
        return pool


@atexit.register
def _close_all() -> None:
    for pool in list(_POOLS.values()):
        pool.close_at_exit()
