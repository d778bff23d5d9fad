"""What runs in the cluster: one worker's connections. It knows no keys, limits or budgets, only requests."""

from __future__ import annotations

import asyncio
import pickle
from time import monotonic
from typing import TYPE_CHECKING, Any

from qianfan.drivers.transport_aiohttp import AiohttpTransport
from qianfan.errors import QianfanError
from qianfan.response import Headers
from qianfan.version import VERSION

if TYPE_CHECKING:
    from qianfan.core.http import Reply, Request
    from qianfan.settings import Network


class Worker:
    """Sends requests, any number at once; an actor of Ray.

    Parcels are pickled here and not by Ray, whose own pickling takes several times as long: a list of (number,
    request, seconds it may take) there, of (number, reply or error) back.
    """

    def __init__(self, network: Network) -> None:
        self._transport = AiohttpTransport(network)
        self._sending: set[asyncio.Task[None]] = set()
        self._done: list[tuple[int, Reply | QianfanError]] = []
        self._news = asyncio.Event()
        self._turn = 0

    async def ready(self) -> str:
        """Say that it is there, and of which version."""
        return VERSION

    async def take(self, parcel: bytes) -> None:
        """Send requests."""
        now = monotonic()
        for number, request, seconds in pickle.loads(parcel):  # noqa: S301  # it is the run's own
            task = asyncio.ensure_future(self._send(number, request, now + seconds))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def replies(self) -> bytes:
        """Return what replies have come since the last time, when there are any.

        Who asked before and still waits is answered with none: nobody hears it any more.
        """
        self._turn += 1
        turn = self._turn
        self._news.set()
        while not self._done and turn == self._turn:
            self._news.clear()
            await self._news.wait()
        done: list[Any] = []
        if turn == self._turn:
            done, self._done = self._done, done
        return pickle.dumps(done, pickle.HIGHEST_PROTOCOL)

    async def _send(self, number: int, request: Request, deadline: float) -> None:
        try:
            reply = await self._transport.send(request, deadline)
            ended: Reply | QianfanError = reply._replace(headers=Headers(reply.headers))
        except QianfanError as error:
            ended = error.with_traceback(None)
        except Exception as error:  # noqa: BLE001  # a call that nobody answers would wait for ever
            ended = QianfanError(f"a worker failed with {type(error).__name__}")
        self._done.append((number, ended))
        self._news.set()
