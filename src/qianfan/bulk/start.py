"""How a run begins: arguments in, the run ready to go out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from qianfan.bulk.job import KINDS, job
from qianfan.bulk.many import MOST
from qianfan.bulk.packing import Packing
from qianfan.bulk.results import AsyncResults, Results
from qianfan.bulk.run import Plan, Run
from qianfan.bulk.source import Source, source
from qianfan.client import Qianfan
from qianfan.errors import InvalidArgumentError
from qianfan.settings import whole

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping

    from qianfan.bulk.ray.engine import RayEngine
    from qianfan.core.call import Call, Options
    from qianfan.core.flow import Dialect, Exchange
    from qianfan.drivers.pools import Pool
    from qianfan.errors import QianfanError
    from qianfan.response import Response

#: How many inputs are read, for each request at once, before the outcome of the first is taken.
_AHEAD = 8


def plan(
    kind: str,
    model: str | None,
    endpoint: str | None,
    prompt: Callable[[Any], Any] | None,
    ids: Callable[[Any], int | str] | None,
    concurrency: int,
    ordered: bool,
    checkpoint: str | os.PathLike[str] | None,
    retry_failed: bool,
    engine: str | RayEngine,
    parameters: Mapping[str, Any],
) -> Plan:
    """Return how a run is to go, or raise `InvalidArgumentError` where it cannot."""
    most = whole("concurrency", concurrency, least=1)
    if retry_failed and checkpoint is None:
        raise InvalidArgumentError("retry_failed= needs a checkpoint=", hint="what failed is recorded there")
    return Plan(
        job(kind, model, endpoint, prompt, ids, parameters),
        most,
        ordered,
        None if checkpoint is None else os.fspath(checkpoint),
        retry_failed,
        most * _AHEAD,
        _engine(engine),
    )


def mapped(client: Qianfan, inputs: Iterable[Any], plan: Plan) -> Results:
    """Return the outcomes of a run that begins with the first that is asked for."""
    try:
        items = iter(inputs)  # once: for some, this begins the reading
    except TypeError:
        raise _no_inputs(inputs, "amap() takes async ones") from None
    if isinstance(inputs, (str, bytes)):
        raise _no_inputs(inputs, "[text] for one")
    _check_open(client)
    return Results(lambda feed: _run(client, feed, plan), items, plan.ahead)


def amapped(client: Qianfan, inputs: Iterable[Any] | AsyncIterable[Any], plan: Plan) -> AsyncResults:
    """Return the same as `mapped` does, for the running event loop."""
    if isinstance(inputs, (str, bytes)) or not (hasattr(inputs, "__aiter__") or hasattr(inputs, "__iter__")):
        raise _no_inputs(inputs, "[text] for one")
    _check_open(client)
    return AsyncResults(_run(client, source(inputs), plan))


def _check_open(client: Qianfan) -> None:
    client._check_open()  # noqa: SLF001  # what it would say of a call


def _no_inputs(inputs: object, hint: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"inputs must be an iterable of inputs, not one {type(inputs).__name__}", hint=hint
    )


def listed(
    kind: str,
    inputs: Iterable[Any],
    at_once: int | None,
    parameters: Mapping[str, Any],
) -> tuple[list[Any], Plan]:
    """Return a list of inputs, and how a run of them is to go that holds all its outcomes anyway."""
    if isinstance(inputs, (str, bytes)) or not hasattr(inputs, "__iter__"):
        raise _no_inputs(inputs, "[text] for one")
    whole = list(inputs)
    most = MOST if at_once is None else at_once
    own = plan(kind, None, None, None, None, most, True, None, False, "local", parameters)
    return whole, own._replace(ahead=max(len(whole), 1))


def _run(client: Qianfan, inputs: Source, plan: Plan) -> Run:
    asker = plan.engine(client, plan.job.kind, plan.most)
    run = Run(plan, inputs, asker)
    asker.watch(run.notice)
    return run


def _engine(engine: str | RayEngine) -> Callable[[Qianfan, str, int], Here]:
    """Return what makes who carries calls out, or raise `InvalidArgumentError`."""
    if engine == "local":
        return lambda client, kind, _: Here(client, kind)
    from qianfan.bulk.ray.engine import RayEngine

    if engine == "ray":
        return RayEngine().asker
    if isinstance(engine, RayEngine):
        return engine.asker
    raise InvalidArgumentError(f"engine must be 'local', 'ray' or a qianfan.RayEngine, not {engine!r}")


class Here:
    """Who carries calls out in this process's running event loop.

    Args:
        client: Whose settings and limits hold.
        kind: What is called: a key of `KINDS`.
        pool: The connections, where they are not the client's.
    """

    def __init__(self, client: Qianfan, kind: str, pool: Pool | None = None) -> None:
        self._client = _Watched(client, pool)
        ado: Callable[..., Awaitable[Response]] = getattr(self._client, KINDS[kind].resource).ado

        def ask(arguments: dict[str, Any]) -> Awaitable[Response]:
            return ado(**arguments)

        self._packing = Packing(ask) if kind == "embedding" else None
        self.ask: Callable[[dict[str, Any]], Awaitable[Response]] = (
            self._packing.ask if self._packing else ask
        )

    def watch(self, notice: Callable[[QianfanError], None]) -> None:
        """Have every failed attempt told, those too that a retry cures."""
        self._client.notice = notice

    async def aclose(self) -> None:
        """Close the connections, unless another client with equal settings is open."""
        if self._packing is not None:
            await self._packing.aclose()
        await self._client.aclose()


class _Watched(Qianfan):
    """A client whose failed attempts are told, and that waits for its place in the rate limit as long as it takes."""

    notice: Callable[[QianfanError], None]

    def __init__(self, client: Qianfan, pool: Pool | None) -> None:
        self._start(client._settings, client._ledger)  # noqa: SLF001  # it is one, with another's settings
        if pool is not None:
            self._pool.release()
            self._pool = pool

    def _exchange(self, call: Call, options: Options) -> tuple[Exchange, Dialect]:
        exchange, dialect = super()._exchange(call, options)
        exchange.notice = self.notice
        exchange.patient = True
        return exchange, dialect
