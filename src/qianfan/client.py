"""The client: settings, credentials and connections in one object, and the resources on it."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from qianfan import routes, settings
from qianfan.bulk.many import Many
from qianfan.core import flow
from qianfan.core.call import NO_OPTIONS, Options
from qianfan.core.effects import Together
from qianfan.core.ledger import Budget, Ledger
from qianfan.drivers import pools
from qianfan.drivers.shared import after_fork
from qianfan.errors import InvalidArgumentError
from qianfan.resources.chat import Chat
from qianfan.settings import overridden, seconds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from typing_extensions import Self, Unpack

    from qianfan.console.dataset import Dataset
    from qianfan.console.finetune import FineTune
    from qianfan.console.model import Model
    from qianfan.console.service import Service
    from qianfan.core.call import Call
    from qianfan.core.effects import Flow
    from qianfan.core.flow import Dialect, Exchange
    from qianfan.core.ledger import UsageByModel
    from qianfan.drivers.aio import AsyncStream
    from qianfan.drivers.pools import Pool
    from qianfan.drivers.sync import Stream
    from qianfan.resources.completion import Completions
    from qianfan.resources.embedding import Embeddings
    from qianfan.resources.images import ImageReading, Images
    from qianfan.resources.models import Models
    from qianfan.resources.plugin import Plugins
    from qianfan.resources.rerank import Rerank
    from qianfan.resources.tokens import Tokens
    from qianfan.response import Response
    from qianfan.routes import Route
    from qianfan.settings import ClientArguments, ConsoleSettings, Settings

    Join = Callable[[Sequence[Call], Sequence[Response | Exception | None]], Response]


class Qianfan(Many):
    """A client with credentials of its own: many may live side by side in one process.

    Clients with equal network settings share connections, clients with equal credentials share the
    access token. One client serves threads, event loops one after another, forked children, and
    can be pickled. Close it, or use it in a `with` block, to close what it opened.

    Args:
        **arguments: See `qianfan.settings.ClientArguments`; what is not given comes from
            `qianfan.AK()` and its kin, then from the environment, at this moment.

    Raises:
        InvalidArgumentError: No credential, half of one, or a value that does not fit.
    """

    def __init__(self, **arguments: Unpack[ClientArguments]) -> None:
        self._start(settings.resolve(arguments))

    def _start(self, resolved: Settings, parent: Ledger | None = None) -> None:
        self._settings = resolved
        self._ledger = Ledger(_GUARD, parent)
        after_fork(self._ledger)
        self._pool = pools.lease(resolved.network)
        self._console_pool = pools.lease(
            resolved.console.network
        )  # the same pool where the networks are equal
        self._closed = False
        if resolved.limiter is not None:
            after_fork(resolved.limiter)

    @cached_property
    def chat(self) -> Chat:
        """Conversations with a model (对话 Chat)."""
        return Chat(self)

    @cached_property
    def completions(self) -> Completions:
        """Texts written on from a prompt (续写 Completion)."""
        from qianfan.resources.completion import Completions

        return Completions(self)

    @cached_property
    def embeddings(self) -> Embeddings:
        """Texts turned into vectors (向量化 Embedding)."""
        from qianfan.resources.embedding import Embeddings

        return Embeddings(self)

    @cached_property
    def plugin(self) -> Plugins:
        """Applications made of plugins (插件 Plugin)."""
        from qianfan.resources.plugin import Plugins

        return Plugins(self)

    @cached_property
    def rerank(self) -> Rerank:
        """Documents in the order of their relevance (重排序 Reranker)."""
        from qianfan.resources.rerank import Rerank

        return Rerank(self)

    @cached_property
    def images(self) -> Images:
        """Images made from a text (文生图 Text2Image)."""
        from qianfan.resources.images import Images

        return Images(self)

    @cached_property
    def image2text(self) -> ImageReading:
        """Images told in words (图像理解 Image2Text)."""
        from qianfan.resources.images import ImageReading

        return ImageReading(self)

    @cached_property
    def models(self) -> Models:
        """The models that the key may use."""
        from qianfan.resources.models import Models

        return Models(self)

    @cached_property
    def tokenizer(self) -> Tokens:
        """The number of tokens of a text."""
        from qianfan.resources.tokens import Tokens

        return Tokens(self)

    def with_options(
        self,
        *,
        request_timeout: float | None = None,
        retry_count: int | None = None,
        backoff_factor: float | None = None,
        timeout: float | None = None,
        max_retries: int | None = None,
    ) -> Qianfan:
        """Return a client with other options and the same credentials, connections and limits.

        What it uses counts in this client's `usage` too.

        Args:
            request_timeout: Seconds a call may take, above 0.
            retry_count: Attempts of a call in all, from 1.
            backoff_factor: Seconds the first pause between attempts is drawn from, from 0.
            timeout: openai's name of `request_timeout`.
            max_retries: Attempts after the first, from 0; openai's way to say `retry_count`.
        """
        if retry_count is None and max_retries is not None:
            retry_count = settings.attempts("max_retries", max_retries) + 1
        wait = timeout if request_timeout is None else request_timeout
        options = Options(retry_count, None, backoff_factor)

        def changed(own: Any) -> Any:
            return replace(
                own,
                retry=overridden(own.retry, options),
                request_timeout=own.request_timeout if wait is None else seconds("request_timeout", wait),
            )

        own = self._settings
        return _from_settings(changed(replace(own, console=changed(own.console))), self._ledger)

    @property
    def usage(self) -> UsageByModel:
        """What the calls of this client used up to now, and of those that `with_options` made of it.

        By model, or by the name of a service of your own; `usage.sum` is all of it. Each attempt of a
        call is a request. Not counted: tokens fetched, tokens counted, models listed, the console. A
        copy, from a pickle or in a forked child, counts from 0.
        """
        return self._ledger.usage

    def budget(self, *, tokens: int | None = None, requests: int | None = None) -> Budget:
        """Return a budget for all calls that begin while it is open, from any thread or task.

        `with client.budget(tokens=50_000, requests=200) as budget:` raises before the attempt that
        might pass it: a request has to fit with its input and the most its answer may take, which is
        `max_output_tokens`, or 1024 where the call does not say. What the reply says it used counts in
        the end. Budgets in each other all hold, and those of a client hold for what `with_options`
        makes of it.

        Args:
            tokens: Most tokens, input and output, from 0.
            requests: Most requests, each attempt of a call being one, from 0.

        Raises:
            InvalidArgumentError: A limit is no whole number from 0.
        """
        return Budget(self._ledger, tokens, requests)

    def perform(self, call: Call, options: Options = NO_OPTIONS) -> Response | Stream:
        """Carry out a call; a stream comes back up to its first event."""
        if not call.stream:
            return self.ask(call, options)
        from qianfan.drivers.sync import Stream

        return Stream(flow.stream(*self._exchange(call, options)), self._pool.sync())

    def ask(self, call: Call, options: Options = NO_OPTIONS) -> Response:
        """Carry out a call whose reply comes whole."""
        from qianfan.drivers.sync import run

        return run(self._unary(call, options), self._pool.sync())

    def ask_all(self, calls: Sequence[Call], options: Options, at_once: int, join: Join) -> Response:
        """Carry out calls, so many at a time, and join their replies to one."""
        from qianfan.drivers.sync import run

        return run(self._joined(calls, options, at_once, join), self._pool.sync())

    def aperform(self, call: Call, options: Options = NO_OPTIONS) -> Awaitable[Response | AsyncStream]:
        """Return what carries a call out in the running event loop: one frame less for every call to pass."""
        if not call.stream:
            return self.aask(call, options)
        from qianfan.drivers.aio import AsyncStream

        return AsyncStream.open(flow.stream(*self._exchange(call, options)), self._pool.aio())

    def aask(self, call: Call, options: Options = NO_OPTIONS) -> Awaitable[Response]:
        """Do what `ask` does, in the running event loop."""
        from qianfan.drivers.aio import run

        return run(self._unary(call, options), self._pool.aio())

    def aask_all(
        self, calls: Sequence[Call], options: Options, at_once: int, join: Join
    ) -> Awaitable[Response]:
        """Do what `ask_all` does, in the running event loop."""
        from qianfan.drivers.aio import run

        return run(self._joined(calls, options, at_once, join), self._pool.aio())

    @cached_property
    def finetune(self) -> FineTune:
        """Fine-tuning (大模型调优)."""
        from qianfan.console.finetune import FineTune

        return FineTune(self)

    @cached_property
    def model(self) -> Model:
        """The models of an account (大模型管理)."""
        from qianfan.console.model import Model

        return Model(self)

    @cached_property
    def service(self) -> Service:
        """The services that models are published as (大模型服务)."""
        from qianfan.console.service import Service

        return Service(self)

    @cached_property
    def dataset(self) -> Dataset:
        """Datasets (数据集)."""
        from qianfan.console.dataset import Dataset

        return Dataset(self)

    @property
    def console(self) -> tuple[ConsoleSettings, str, Pool]:
        """What the calls of its console groups need: settings, scheme and host, and connections."""
        self._check_open()
        own = self._settings.console
        return own, self._local_url if own.local else own.base_url, self._console_pool

    @property
    def version(self) -> int:
        """Which API answers: 1 or 2."""
        return self._settings.version

    def access_token(self) -> str:
        """Return the access token of the moment, fetched first where needed; "" where none is used."""
        from qianfan.drivers.sync import run

        self._check_open()
        return run(self._route.auth.access_token(self._settings.auth_timeout), self._pool.sync())

    async def aaccess_token(self) -> str:
        """Do what `access_token` does, in the running event loop."""
        from qianfan.drivers.aio import run

        self._check_open()
        return await run(self._route.auth.access_token(self._settings.auth_timeout), self._pool.aio())

    def close(self) -> None:
        """Close the connections, unless another client with equal settings is open; safe to repeat."""
        for pool in self._released():
            pool.close()

    async def aclose(self) -> None:
        """Close the connections, those of the running event loop too; safe to repeat."""
        for pool in self._released():
            await pool.aclose()

    def _check_open(self) -> None:
        if self._closed:
            raise InvalidArgumentError("this client is closed", hint="make a new one, or close it later")

    def _released(self) -> list[Pool]:
        """Give the leases back, once; return the pools that nobody else uses."""
        was_open, self._closed = not self._closed, True
        return [pool for pool in (self._pool, self._console_pool) if was_open and pool.release()]

    def _unary(self, call: Call, options: Options) -> Flow[Response]:
        exchange, dialect = self._exchange(call, options)
        return flow.unary(exchange, dialect.decode)

    def _joined(self, calls: Sequence[Call], options: Options, at_once: int, join: Join) -> Flow[Response]:
        outcomes = yield Together([flow.later(self._unary, call, options) for call in calls], at_once)
        return join(calls, outcomes)

    def _exchange(self, call: Call, options: Options) -> tuple[Exchange, Dialect]:
        self._check_open()
        own, limiter = self._settings, self._settings.limiter
        route = self._route if call.kind in self._route.kinds else self._v1_route
        counted = call.kind not in _UNCOUNTED
        budgets = self._ledger.budgets if counted else ()
        exchange = flow.Exchange(
            request=route.encode(call),
            auth=route.auth,
            policy=overridden(own.retry, options),
            timeout=own.request_timeout
            if options.request_timeout is None
            else seconds("request_timeout", options.request_timeout),
            limiter=limiter,
            tokens=_tokens(call) if budgets or (limiter is not None and limiter.counts_tokens) else 0,
            notice=options.notice,
            ledger=self._ledger if counted else None,
            model=route.service(call) if counted else "",
            budgets=budgets,
        )
        return exchange, route.dialect(call)

    @cached_property
    def _local_url(self) -> str:
        """The address of the platform in this process; asked once, so that a forked child stays with its parent's."""
        from qianfan import local

        return local.embedded().url

    @cached_property
    def _route(self) -> Route:
        """The way of nearly all calls."""
        return routes.chosen(self._settings)

    @cached_property
    def _v1_route(self) -> Route:
        """The way of calls to services that exist on v1 only."""
        return routes.to_v1(self._settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        own = self._settings
        base_url = own.v2_url if own.version == 2 else own.base_url
        return f"Qianfan({own.credential!r}, base_url={base_url!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _from_settings, (self._settings,)


class _Guard:
    """The lock of all ledgers; one that a thread may take again, as signal handlers ask for the usage."""

    def __init__(self) -> None:
        self.forget()
        after_fork(self)

    def forget(self) -> None:
        """Start anew: in a forked child it is open, whoever held it in the parent."""
        self.lock = threading.RLock()


_GUARD = _Guard()

#: Kinds of calls that ask no model: what their replies call usage is none.
_UNCOUNTED = frozenset({"models", "tokenizer"})


def _tokens(call: Call) -> int:
    from qianfan.core.tokens import expected  # its patterns take longer to build than a call takes

    return expected(call)


def _from_settings(resolved: Settings, parent: Ledger | None = None) -> Qianfan:
    client = Qianfan.__new__(Qianfan)
    client._start(resolved, parent)  # noqa: SLF001  # a constructor for settings that are resolved already
    return client
