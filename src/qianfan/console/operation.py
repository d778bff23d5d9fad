"""A console call, declared by its typed signature, its path and the names of its fields."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property, wraps
from types import MethodType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeAlias, TypedDict, TypeVar

from qianfan import credentials, settings
from qianfan.core import console, flow
from qianfan.core.auth.iam import IamAuth
from qianfan.core.call import Options
from qianfan.credentials import IamKey
from qianfan.drivers import pools
from qianfan.errors import InvalidArgumentError
from qianfan.resources.base import mapping
from qianfan.response import Response
from qianfan.settings import overridden, seconds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from qianfan.client import Qianfan
    from qianfan.core.effects import Flow
    from qianfan.core.http import Reply
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

    A name that is neither listed here nor an argument of the call travels in the body as it is; typed
    code passes it in `extra`.

    Attributes:
        ak: The Access Key of this call.
        sk: The Secret Key of this call.
        access_key: The same as `ak`, by the name that clients have for it.
        secret_key: The same as `sk`, likewise.
        retry_count: Attempts in all, from 1; default 1. 0 counts as 1.
        request_timeout: Seconds for the call with its attempts, above 0; default 60.
        backoff_factor: Seconds the first pause between attempts is drawn from, from 0; default 0.
        validate: Whether to check the fields before anything is sent, default True.
        extra: Body fields this package does not know yet.
        headers: HTTP headers to add.
    """

    ak: str | None
    sk: str | None
    access_key: str | None
    secret_key: str | None
    retry_count: int | None
    request_timeout: float | None
    backoff_factor: float | None
    validate: bool | None
    extra: Mapping[str, Any] | None
    headers: Mapping[str, str] | None


_OPTIONS = frozenset(ConsoleOptions.__annotations__)
_NO_OPTIONS: ConsoleOptions = {}


class Console:
    """A group of console calls.

    They may be called on the class, with the keys that setters and environment give at that moment,
    or on the attribute of a client that is named for the group.

    Args:
        client: Whose keys, settings and connections to use.
    """

    client: Qianfan | None = None

    def __init__(self, client: Qianfan | None = None) -> None:
        self.client = client

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.client,)

    @cached_property
    def account(self) -> Account:
        """Who calls, where a call brings no keys of its own; the class has none: it looks anew each time."""
        assert self.client is not None, "a group is made by a client"
        own, url, _ = self.client.console
        return Account(own, url, self.client)


Group: TypeAlias = "Console | type[Console]"


class Operation(Generic[P, R]):
    """A declared call: `FineTune.create_task(...)` or `client.finetune.create_task(...)`.

    Args:
        declared: The signature and docstring; its body is empty.
        path: The URL's path, for v2 with its `?Action=`.
        names: The wire's name of each parameter that has another one; `BODY` for the whole body.
        check: Raises `InvalidArgumentError` for fields the service cannot take.
        reply: What a reply becomes; told the account, the fields and the reply.
    """

    def __init__(
        self,
        declared: Callable[Concatenate[Any, P], R],
        path: str,
        names: Mapping[str, str],
        check: Check | None,
        reply: Becoming | None,
    ) -> None:
        self.declared = declared
        self._signature = inspect.signature(declared)
        self._path = path
        parameters = list(self._signature.parameters.values())[1:-1]  # between `self` and `**options`
        self._names = {it.name: names.get(it.name) or _camel(it.name) for it in parameters}
        self._required = {it.name for it in parameters if it.default is it.empty}
        self._check = check
        self._reply = reply

        @wraps(declared)
        def ask(group: Group, *args: P.args, **kwargs: P.kwargs) -> R:
            from qianfan.drivers.sync import run

            begun, pool = self.begin(group, args, kwargs)
            return run(begun, pool.sync())

        self._ask = ask

    def twin(self) -> AsyncOperation[P, R]:
        """Return the same call for event loops."""
        return AsyncOperation(self)

    def __get__(self, group: Console | None, owner: type[Console]) -> Callable[P, R]:
        return MethodType(self._ask, group or owner)  # a method, so that it pickles and help() knows it

    def begin(self, group: Group, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Flow[R], Pool]:
        """Return the flow of a call and the connections it takes; nothing has been sent."""
        fields, options = self._told(args, kwargs)
        if self._check is not None and options.get("validate") is not False:
            self._check(fields)
        account = Account.of(group, options)
        return self.asked(account, fields, options), account.pool

    def asked(
        self,
        account: Account,
        fields: Mapping[str, Any],
        options: ConsoleOptions = _NO_OPTIONS,
        deadline: float | None = None,
    ) -> Flow[R]:
        """Return the flow that asks for fields by the names of the wire, by a deadline where there is one."""
        timeout = options.get("request_timeout")
        headers = mapping("headers", options.get("headers"))
        own = Options(options.get("retry_count"), timeout, options.get("backoff_factor"))
        exchange = flow.Exchange(
            request=console.encode(account.url + self._path, fields, headers),
            auth=account.auth,
            policy=overridden(account.settings.retry, own),
            timeout=account.settings.request_timeout
            if timeout is None
            else seconds("request_timeout", timeout),
        )

        def read(reply: Reply) -> R:
            made = console.decode(reply)
            return self._reply(account, fields, made) if self._reply else made  # type: ignore[return-value]  # declared so

        return flow.unary(exchange, read, deadline)

    def _told(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[dict[str, Any], ConsoleOptions]:
        """Return the fields by the names of the wire, and the options.

        Raises:
            TypeError: An argument is missing, or there is one too many.
            InvalidArgumentError: The body is no dict, or a field is given twice.
        """
        given = {**dict(zip(self._names, args, strict=False)), **kwargs}
        if len(given) != len(args) + len(kwargs) or not self._required <= given.keys():
            self._misfit(args, kwargs)
        fields: dict[str, Any] = {}
        options: ConsoleOptions = {}
        for name, value in given.items():
            wire = self._names.get(name)
            if wire == BODY:
                _join(fields, _object(name, value))
            elif wire is None and name in _OPTIONS:
                options[name] = value  # type: ignore[literal-required]  # one of its names
            else:
                _put(fields, wire or name, value)
        _join(fields, mapping("extra", options.get("extra")))
        return fields, options

    def _misfit(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Raise what Python says of arguments that do not fit a signature."""
        try:
            self._signature.bind(None, *args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self.declared.__qualname__}(): {error}") from None


class AsyncOperation(Generic[P, R]):
    """The twin of an operation, for event loops."""

    def __init__(self, operation: Operation[P, R]) -> None:
        declared = operation.declared

        @wraps(declared)
        async def ask(group: Group, *args: P.args, **kwargs: P.kwargs) -> R:
            from qianfan.drivers.aio import run

            begun, pool = operation.begin(group, args, kwargs)
            return await run(begun, pool.aio())

        owner = declared.__qualname__.rpartition(".")[0]
        ask.__name__, ask.__qualname__ = f"a{declared.__name__}", f"{owner}.a{declared.__name__}"
        ask.__doc__ = f"Do what `{declared.__name__}` does, in the running event loop."
        self._ask = ask

    def __get__(self, group: Console | None, owner: type[Console]) -> Callable[P, Awaitable[R]]:
        return MethodType(self._ask, group or owner)


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
        url: The service's scheme and host.
    """

    def __init__(self, settings: ConsoleSettings, url: str, client: Qianfan | None = None) -> None:
        self.settings = settings
        self.url = url
        self._client = client

    @classmethod
    def of(cls, group: Group, options: ConsoleOptions) -> Account:
        """Return the account of a group, or of a call that brings keys of its own."""
        ak = _text("ak", options.get("ak") or options.get("access_key"))
        sk = _text("sk", options.get("sk") or options.get("secret_key"))
        if group.client is None or isinstance(group, type):
            own = settings.resolve_console({"access_key": ak, "secret_key": sk})
            return cls(own, _embedded() if own.local else own.base_url)
        account = group.account
        if not ak and not sk:
            return account
        own = account.settings
        key = IamKey(ak or own.key.access_key, sk or own.key.secret_key)
        return cls(replace(own, key=key), account.url, group.client)

    @property
    def pool(self) -> Pool:
        """The connections.

        Raises:
            InvalidArgumentError: They were a client's, and it is closed.
        """
        return _pool(self.settings.network) if self._client is None else self._client.console[2]

    @cached_property
    def auth(self) -> IamAuth:
        """What signs the requests.

        Raises:
            InvalidArgumentError: There is no key, half of one, or one that cannot be.
        """
        key = credentials.iam_key(self.settings.key)
        return IamAuth(key.access_key, key.secret_key, self.settings.expiration)

    def __reduce__(self) -> tuple[Any, ...]:
        return Account, (self.settings, self.url)


_pools: dict[Network, Pool] = {}


def _pool(network: Network) -> Pool:
    """Return the connections of calls on a class; they stay open, as nobody could close them."""
    pool = _pools.get(network)
    if pool is None:
        pool = _pools.setdefault(network, pools.lease(network))
    return pool


def _embedded() -> str:
    """Return the address of the platform in this process."""
    from qianfan import local

    return local.embedded().url


def _text(name: str, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise InvalidArgumentError(f"{name} must be a str, not {type(value).__name__}")
    return value


def _object(name: str, value: Any) -> Mapping[str, Any]:
    """Return an argument that is a whole body."""
    if not isinstance(value, Mapping):
        raise InvalidArgumentError(f"{name} must be a dict, not {type(value).__name__}")
    return value


def _join(fields: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add fields to others."""
    for name, value in more.items():
        _put(fields, name, value)


def _put(fields: dict[str, Any], name: str, value: Any) -> None:
    """Add a field to others; one that is None was not given."""
    if name in fields:
        raise InvalidArgumentError(f"{name} is given twice")
    if value is not None:
        fields[name] = value


def _camel(name: str) -> str:
    """Return the wire's usual name of a parameter: `model_version_id` is `modelVersionId`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
