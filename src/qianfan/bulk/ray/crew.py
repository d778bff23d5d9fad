"""The workers of a run: who is there, who is lost, and when nobody is left."""

from __future__ import annotations

import asyncio
import copy
from random import choice
from typing import TYPE_CHECKING, Any

from qianfan.bulk.ray.member import Member, lost
from qianfan.bulk.ray.session import SESSION, library
from qianfan.bulk.ray.worker import Worker
from qianfan.errors import WorkersLostError
from qianfan.version import VERSION

if TYPE_CHECKING:
    from qianfan.bulk.ray.engine import RayEngine
    from qianfan.core.http import Reply, Request
    from qianfan.settings import Network

#: Seconds between two messages of a worker, for each worker: all of them take a quarter of a core at most.
_BEAT = 0.002

#: Most seconds after the time of a request in which its worker has to say so.
_GRACE = 30.0

#: Seconds after which it is looked whether a lost worker is back.
_PAUSE = 0.5


class Crew:
    """A transport whose connections are held by workers of a Ray cluster.

    Ray starts them, and starts those anew that are lost; a request goes to one that is there.

    Args:
        engine: Which cluster, and how many workers.
        most: Most requests at once.
        network: How workers reach the service.
    """

    def __init__(self, engine: RayEngine, most: int, network: Network) -> None:
        self._engine = engine
        self._most = most
        self._network = network
        self._starting: asyncio.Task[None] | None = None
        self._joined = False
        self._hire: Any = None  # what makes an actor
        self._beat = _BEAT
        self._tending: dict[Member, asyncio.Task[None]] = {}
        self._present: list[Member] = []
        self._changed = asyncio.Event()  # somebody is there, or nobody will be
        self._patience: asyncio.TimerHandle | None = None  # while nobody is there
        self._failure: WorkersLostError | None = None

    async def present(self) -> None:
        """Wait until there is a worker.

        Raises:
            WorkersLostError: None is left, or none came in time.
        """
        if self._starting is None:
            self._starting = asyncio.ensure_future(self._start())
        while not self._present:
            await self._changed.wait()
            if self._failure is not None:
                raise copy.copy(self._failure)

    async def send(self, request: Request, deadline: float) -> Reply:
        """Return the whole reply, or raise why there is none by the deadline (of `time.monotonic`)."""
        if not self._present:
            raise lost("no other is there", sent=False)
        # The better of any two is nearly as good as the best of all, and found at once.
        one, other = choice(self._present), choice(self._present)  # noqa: S311
        return await (one if one.load < other.load else other).send(request, deadline)

    async def aclose(self) -> None:
        """Let the workers go, and leave the cluster; safe to repeat."""
        if self._starting is not None:
            await self._starting
        for member in list(self._tending):
            self._dismiss(member)
        self._hush()
        if self._joined:
            self._joined = False
            await SESSION.leave()

    async def _start(self) -> None:
        try:
            cpus = await SESSION.join(self._engine.address)
            self._joined = True
            self._engage_all(cpus)
        except Exception as error:  # noqa: BLE001  # Ray raises many kinds
            self._give_up(f"{type(error).__name__}: {error}")

    def _engage_all(self, cpus: int) -> None:
        options = {"num_cpus": 0.5, "scheduling_strategy": "SPREAD", **self._engine.options}
        self._hire = library().remote(Worker).options(max_restarts=-1, max_task_retries=0, **options).remote
        workers = self._engine.workers or max(1, min(cpus, self._most))
        self._beat = workers * _BEAT
        for _ in range(workers):
            self._engage()
        self._await()

    def _engage(self) -> None:
        member = Member(
            self._hire(self._network), self._beat, min(_GRACE, self._engine.timeout), self._replace
        )
        self._tending[member] = asyncio.ensure_future(self._tend(member))

    def _dismiss(self, member: Member) -> None:
        self._tending.pop(member).cancel()
        self._lose(member, "dismissed")
        ray = library()
        if ray.is_initialized():  # not so where the program ended it
            ray.kill(member.actor)

    def _replace(self, member: Member) -> None:
        """Take another worker for one that Ray thinks well and that does not answer."""
        if member in self._tending:
            self._dismiss(member)
            self._engage()

    async def _tend(self, member: Member) -> None:
        """Work with a worker, and again when Ray has started it anew, until it is lost for good."""
        raised = library().exceptions
        while True:
            try:
                await self._welcome(member)
                await member.work()
            except Exception as error:  # noqa: BLE001  # one that was forgotten would leave the run waiting
                self._lose(member, type(error).__name__)
                if isinstance(error, raised.ActorDiedError) or not isinstance(error, raised.RayError):
                    del self._tending[member]
                    if not self._tending:
                        self._give_up(f"the last one: {error}")
                    return
            await asyncio.sleep(_PAUSE)

    async def _welcome(self, member: Member) -> None:
        version = await member.actor.ready.remote()
        if version != VERSION:
            raise RuntimeError(f"a worker has qianfan {version}, and here is {VERSION}")
        self._present.append(member)
        self._hush()
        self._changed.set()

    def _lose(self, member: Member, cause: str) -> None:
        if member in self._present:
            self._present.remove(member)
            if not self._present:
                self._changed.clear()
                self._await()
        member.lose(cause)

    def _await(self) -> None:
        """Give up after a while, unless somebody comes."""
        seconds = self._engine.timeout
        self._patience = asyncio.get_running_loop().call_later(
            seconds, self._give_up, f"none was there for {seconds:g} s"
        )

    def _hush(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self, cause: str) -> None:
        self._hush()
        self._failure = WorkersLostError(cause)
        self._changed.set()
