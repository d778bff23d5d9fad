"""The calls of a client that ask for many inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable
    from os import PathLike

    from qianfan.bulk.ray.engine import RayEngine
    from qianfan.bulk.results import AsyncResults, Results
    from qianfan.client import Qianfan


#: Most inputs in flight, where nobody says.
MOST = 64


class Many:
    """What a client has for many inputs."""

    def map(
        self,
        inputs: Iterable[Any],
        kind: str = "chat",
        *,
        model: str | None = None,
        endpoint: str | None = None,
        prompt: Callable[[Any], Any] | None = None,
        ids: Callable[[Any], int | str] | None = None,
        concurrency: int = MOST,
        ordered: bool = True,
        checkpoint: str | PathLike[str] | None = None,
        retry_failed: bool = False,
        engine: str | RayEngine = "local",
        **parameters: Any,
    ) -> Results:
        """Ask for many inputs, several at once, and return what becomes of each.

        Inputs are read as outcomes are taken, so that any number of them takes the same memory. How many
        requests are in flight is found by trying: fewer where the service says that it is asked too fast. The
        limits and budgets of this client hold. An input that fails is an outcome with an error, and no more.

        Args:
            inputs: What is asked: a str each, the messages of a conversation, of an embedding also a list of
                texts; or a dict with the arguments of its call, such as `{"messages": [...], "temperature": 0.1}`.
            kind: What they are asked of: `chat`, `completion` or `embedding`.
            model: The model of all calls.
            endpoint: The service of all calls, by the last part of its address; it decides over `model`.
            prompt: A function that makes of an input what is asked, where that is not the input itself.
            ids: A function that makes of an input its id; by default its place, from 0.
            concurrency: Most inputs in flight, from 1. Each is a request, but for texts to embed: those that go
                out together share one, as many as the model takes; its usage is then told by their lengths.
            ordered: Whether outcomes come in the order of the inputs, or as they come.
            checkpoint: A file in which every outcome is recorded before it is handed on. The same call with the
                same file goes on where an earlier run ended, however that was: outcomes it recorded come again,
                and only what was in flight is asked twice. It has one result for each id.
            retry_failed: Whether failures that it recorded are asked again.
            engine: Who carries the calls out: `local` is this process; `ray` has the requests sent by workers of a
                Ray cluster, and `qianfan.RayEngine` says of which and how many.
            **parameters: What all calls have, as the resource's `do` takes it.

        Returns:
            An iterator of `Outcome`, with a `report`; close it, or use it by `with`, to leave early.

        Raises:
            InvalidArgumentError: An argument cannot be right; or, while iterating, the checkpoint is in use by
                another run or of other inputs.
            BudgetExceededError: While iterating, after what was in flight: a budget of this client is spent.
            BulkStoppedError: While iterating: 100 requests in a row failed, and no input was to blame.
            WorkersLostError: While iterating: no worker of the Ray cluster is left, or none came.
        """
        from qianfan.bulk import start

        plan = start.plan(
            kind,
            model,
            endpoint,
            prompt,
            ids,
            concurrency,
            ordered,
            checkpoint,
            retry_failed,
            engine,
            parameters,
        )
        return start.mapped(cast("Qianfan", self), inputs, plan)

    def amap(
        self,
        inputs: Iterable[Any] | AsyncIterable[Any],
        kind: str = "chat",
        *,
        model: str | None = None,
        endpoint: str | None = None,
        prompt: Callable[[Any], Any] | None = None,
        ids: Callable[[Any], int | str] | None = None,
        concurrency: int = MOST,
        ordered: bool = True,
        checkpoint: str | PathLike[str] | None = None,
        retry_failed: bool = False,
        engine: str | RayEngine = "local",
        **parameters: Any,
    ) -> AsyncResults:
        """Do what `map` does, in the running event loop: `async for outcome in client.amap(...)`."""
        from qianfan.bulk import start

        plan = start.plan(
            kind,
            model,
            endpoint,
            prompt,
            ids,
            concurrency,
            ordered,
            checkpoint,
            retry_failed,
            engine,
            parameters,
        )
        return start.amapped(cast("Qianfan", self), inputs, plan)
