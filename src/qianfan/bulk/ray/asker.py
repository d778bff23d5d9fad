"""Carries the calls of a run out: all that is decided is decided here, and workers send the requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from qianfan.bulk.ray.crew import Crew
from qianfan.bulk.start import Here
from qianfan.drivers.pools import Pool
from qianfan.errors import WorkerLostError

if TYPE_CHECKING:
    from qianfan.bulk.ray.engine import RayEngine
    from qianfan.client import Qianfan
    from qianfan.drivers.transport_aiohttp import AiohttpTransport
    from qianfan.response import Response
    from qianfan.settings import Network

#: Workers that may be lost with a call. One that loses worker after worker is not asked for ever.
_TRIES = 4


class Away(Here):
    """An asker whose requests are sent by workers of a Ray cluster.

    Args:
        client: Whose settings and limits hold.
        kind: What is called.
        most: Most requests at once.
        engine: Which cluster, and how many workers.
    """

    def __init__(self, client: Qianfan, kind: str, most: int, engine: RayEngine) -> None:
        network = client._settings.network  # noqa: SLF001  # as `Here` does
        self._crew = Crew(engine, most, network)
        super().__init__(client, kind, _Pool(network, self._crew))
        self._once = self.ask
        self.ask = self._until_answered

    async def _until_answered(self, arguments: dict[str, Any]) -> Response:
        """Return the reply to a call; it is asked again, elsewhere, where its worker was lost."""
        for _ in range(_TRIES - 1):
            await self._crew.present()
            try:
                return await self._once(arguments)
            except WorkerLostError:
                continue
        await self._crew.present()
        return await self._once(arguments)


class _Pool(Pool):
    """Connections that are held by workers."""

    def __init__(self, network: Network, crew: Crew) -> None:
        super().__init__(network)
        self._crew = crew

    def aio(self) -> AiohttpTransport:
        return cast("AiohttpTransport", self._crew)  # of which a call that is no stream needs `send` alone

    def release(self) -> bool:
        return True

    async def aclose(self) -> None:
        await self._crew.aclose()
