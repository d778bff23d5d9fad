"""A console call, declared by its typed signature, its path and the names of its fields."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeAlias, TypedDict, TypeVar

from qianfan import credentials, settings
from qianfan.core import console, flow
from qianfan.core.auth.iam import IamAuth
from qianfan.core.call import NO_OPTIONS, Options
from qianfan.credentials import IamKey
from qianfan.drivers import pools
from qianfan.errors import InvalidArgumentError
from qianfan.response import Response
from qianfan.settings import overridden, seconds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from qianfan.client import Qianfan
    from qianfan.core.effects import Flow
    from qianfan.drivers.pools import Pool
    from qianfan.settings import ConsoleSettings, Network

Check: TypeAlias = "Callable[[Mapping[str, Any]], None]"
Becoming: TypeAlias = "Callable[[Account, Mapping[str, Any], Response], Any]"

P = ParamSpec("P")
R = TypeVar("R", bound=Response)

#: Stands for a parameter that holds the whole body.
BODY = "*"


class ConsoleOptions(TypedDict, total=False):
    """What every console call may set for itself; none of it enters the body.

    A name that is neither listed here nor an argument of the call travels in the body as it is.

    Attributes:
        ak: The Access Key of this call.
        sk: The Secret Key of this call.
        retry_count: Attempts in all, from 1; default 1. 0 counts as 1.
        request_timeout: Seconds for the call with its attempts, above 0; default 60.
        backoff_factor: Seconds the first pause between attempts is drawn from, from 0; default 0.
        validate: Whether to check the fields before anything is sent, default True.
        extra: Body fields this package does not know yet.
        headers: HTTP headers to add.
    """

    ak: str | None
    sk: str | None
    retry_count: int | None
    request_timeout: float | None
    backoff_factor: float | None
    validate: bool | None
    extra: Mapping[str, Any] | None
    headers: Mapping[str, str] | None


class Console:
    """A group of console calls.

    They may be called on the class, with the keys that setters and environment give at that moment,
    or on the attribute of a client that is named for the group.

    Args:
        client: Whose keys, settings and connections to use.
    """

    def __init__(self, client: Qianfan | None = None) -> None:
        self.client = client


class Operation(Generic[P, R]):
    """A declared call: `FineTune.create_task(...)` or `client.finetune.create_task(...)`.

    Args:
        declared: The signature and docstring; its body is empty.
        path: The URL's path, for v2 with its `?Action=`.
        names: The wire's name of each parameter that has another one; `BODY` for the whole body.
        check: Raises `InvalidArgumentError` for fields the service cannot take.
        reply: What a reply becomes; told the client, the fields and the reply.
    """

    def __init__(
        self,
        declared: Callable[Concatenate[Any, P], R],
        path: str,
        names: Mapping[str, str],
        check: Check | None,
        reply: Becoming | None,
    ) -> None:
        self.__doc__ = declared.__doc__
        self.__name__ = declared.__name__
        self._signature = inspect.signature(declared)
        self._path = path
        self._names = names
        self._check = check
        self._reply = reply

    @cached_property
    def shown(self) -> inspect.Signature:
        """The signature without `self`."""
        return self._signature.replace(parameters=list(self._signature.parameters.values())[1:])

    def twin(self) -> AsyncOperation[P, R]:
        """Return the same call for event loops."""
        return AsyncOperation(self)

    def __get__(self, group: Console | None, owner: type[Console]) -> Callable[P, R]:
        from qianfan.drivers.sync import run

        def ask(*args: P.args, **kwargs: P.kwargs) -> R:
            begun, pool = self.begin(group, args, kwargs)
            return run(begun, pool.sync())

        ask.__name__, ask.__doc__ = self.__name__, self.__doc__
        ask.__signature__ = self.shown  # type: ignore[attr-defined]  # what help() and notebooks show
        return ask

    def begin(
        self, group: Console | None, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[Flow[R], Pool]:
        """Return the flow of a call and the connections it takes; nothing has been sent."""
        fields = self._fields(args, kwargs)
        take = fields.pop
        ak, sk = take("ak", None), take("sk", None)
        options = Options(
            take("retry_count", None), take("request_timeout", None), take("backoff_factor", None)
        )
        headers, extra = take("headers", None), take("extra", None)
        if take("validate", None) is not False and self._check is not None:
            self._check(fields)
        account = Account.of(group, ak, sk)
        return self.asked(account, {**fields, **(extra or {})}, headers, options), account.pool

    def asked(
        self,
        account: Account,
        fields: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
        options: Options = NO_OPTIONS,
    ) -> Flow[R]:
        """Return the flow that asks for fields by the names of the wire."""
        timeout = options.request_timeout
        exchange = flow.Exchange(
            request=console.encode(account.url + self._path, fields, headers),
            auth=account.auth(),
            policy=overridden(account.settings.retry, options),
            timeout=account.settings.request_timeout
            if timeout is None
            else seconds("request_timeout", timeout),
        )
        return self._finished(exchange, account, fields)

    def _finished(self, exchange: flow.Exchange, account: Account, fields: Mapping[str, Any]) -> Flow[R]:
        reply = yield from flow.unary(exchange, console.decode)
        made: R = self._reply(account, fields, reply) if self._reply else reply  # type: ignore[assignment]  # declared so
        return made

    def _fields(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments by the names of the wire, options among them."""
        given = self._signature.bind(None, *args, **kwargs).arguments
        fields: dict[str, Any] = {}
        for name, value in list(given.items())[1:]:
            wire = self._names.get(name) or _camel(name)
            if name == "options":
                fields.update(value)
            elif wire != BODY:
                fields[wire] = value
            elif isinstance(value, Mapping):
                fields.update(value)
            else:
                raise InvalidArgumentError(f"{name} must be a dict, not {type(value).__name__}")
        return fields


class AsyncOperation(Generic[P, R]):
    """The twin of an operation, for event loops."""

    def __init__(self, operation: Operation[P, R]) -> None:
        self._operation = operation
        self.__doc__ = f"Do what `{operation.__name__}` does, in the running event loop."

    def __get__(self, group: Console | None, owner: type[Console]) -> Callable[P, Awaitable[R]]:
        from qianfan.drivers.aio import run

        def ask(*args: P.args, **kwargs: P.kwargs) -> Awaitable[R]:
            begun, pool = self._operation.begin(group, args, kwargs)
            return run(begun, pool.aio())

        ask.__doc__ = self.__doc__
        ask.__signature__ = self._operation.shown  # type: ignore[attr-defined]  # what help() and notebooks show
        return ask


def operation(
    path: str, *, check: Check | None = None, reply: Becoming | None = None, **names: str
) -> Callable[[Callable[Concatenate[Any, P], R]], Operation[P, R]]:
    """Declare a console call; see `Operation`."""

    def declare(declared: Callable[Concatenate[Any, P], R]) -> Operation[P, R]:
        return Operation(declared, path, names, check, reply)

    return declare


class Account:
    """Who calls, and over which connections.

    Attributes:
        settings: The console's settings, with the call's own key where it has one.
        pool: The connections.
        url: The service's scheme and host.
    """

    def __init__(self, settings: ConsoleSettings, pool: Pool) -> None:
        self.settings = settings
        self.pool = pool
        self.url = settings.base_url
        if settings.local:
            from qianfan import local

            self.url = local.embedded().url

    @classmethod
    def of(cls, group: Console | None, ak: str | None, sk: str | None) -> Account:
        """Return the account of a group, or of a call that brings keys of its own."""
        client = group.client if group is not None else None  # the group is ours
        if client is None:
            own = settings.resolve_console({"access_key": ak, "secret_key": sk})
            return cls(own, _pool(own.network))
        own, pool = client.console
        if ak or sk:
            own = replace(own, key=IamKey(ak or own.key.access_key, sk or own.key.secret_key))
        return cls(own, pool)

    def auth(self) -> IamAuth:
        """Return what signs the requests."""
        key = credentials.iam_key(self.settings.key)
        return IamAuth(key.access_key, key.secret_key, self.settings.expiration)


_pools: dict[Network, Pool] = {}


def _pool(network: Network) -> Pool:
    """Return the connections of calls on a class; they stay open, as nobody could close them."""
    pool = _pools.get(network)
    if pool is None:
        pool = _pools.setdefault(network, pools.lease(network))
    return pool


def _camel(name: str) -> str:
    """Return the wire's usual name of a parameter: `model_version_id` is `modelVersionId`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
