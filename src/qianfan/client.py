"""The client: settings, credentials and connections in one object, and the resources on it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from qianfan import settings
from qianfan.core import flow, v1
from qianfan.core.auth.oauth import ApplicationAuth
from qianfan.core.auth.static import CodeAuth, NoAuth, TokenAuth
from qianfan.core.call import NO_OPTIONS, Options
from qianfan.core.limits import RateLimit
from qianfan.credentials import AccessCode, AccessToken, ApplicationKey
from qianfan.drivers import pools
from qianfan.drivers.shared import TOKENS
from qianfan.errors import InvalidArgumentError
from qianfan.resources.chat import Chat
from qianfan.settings import attempts, bounded, seconds

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from typing_extensions import Self, Unpack

    from qianfan.core.call import Call
    from qianfan.core.flow import Auth, Exchange
    from qianfan.core.retry import RetryPolicy
    from qianfan.drivers.aio import AsyncStream
    from qianfan.drivers.sync import Stream
    from qianfan.response import Response
    from qianfan.settings import ClientArguments, Settings


class Qianfan:
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

    def _start(self, resolved: Settings) -> None:
        self._settings = resolved
        self._pool = pools.lease(resolved.network)
        self._closed = False
        self._limit = RateLimit(resolved.query_per_second) if resolved.query_per_second else None

    @cached_property
    def chat(self) -> Chat:
        """Conversations with a model (对话 Chat)."""
        return Chat(self)

    def perform(self, call: Call, options: Options = NO_OPTIONS) -> Response | Stream:
        """Carry out a call; a stream comes back up to its first event."""
        from qianfan.drivers.sync import Stream, run

        exchange, dialect, transport = self._exchange(call, options), v1.V1(call), self._pool.sync()
        if call.stream:
            return Stream(flow.stream(exchange, dialect), transport)
        return run(flow.unary(exchange, dialect.decode), transport)

    def aperform(self, call: Call, options: Options = NO_OPTIONS) -> Awaitable[Response | AsyncStream]:
        """Return what carries a call out in the running event loop: one frame less for every call to pass."""
        from qianfan.drivers.aio import AsyncStream, run

        exchange, dialect, transport = self._exchange(call, options), v1.V1(call), self._pool.aio()
        if call.stream:
            return AsyncStream.open(flow.stream(exchange, dialect), transport)
        return run(flow.unary(exchange, dialect.decode), transport)

    def access_token(self) -> str:
        """Return the access token of the moment, fetched first where needed; "" where none is used."""
        from qianfan.drivers.sync import run

        self._check_open()
        return run(self._auth.access_token(self._settings.auth_timeout), self._pool.sync())

    async def aaccess_token(self) -> str:
        """Do what `access_token` does, in the running event loop."""
        from qianfan.drivers.aio import run

        self._check_open()
        return await run(self._auth.access_token(self._settings.auth_timeout), self._pool.aio())

    def close(self) -> None:
        """Close the connections, unless another client with equal settings is open; safe to repeat."""
        if self._release():
            self._pool.close()

    async def aclose(self) -> None:
        """Close the connections, those of the running event loop too; safe to repeat."""
        if self._release():
            await self._pool.aclose()

    def _check_open(self) -> None:
        if self._closed:
            raise InvalidArgumentError("this client is closed", hint="make a new one, or close it later")

    def _release(self) -> bool:
        was_open, self._closed = not self._closed, True
        return was_open and self._pool.release()

    def _exchange(self, call: Call, options: Options) -> Exchange:
        self._check_open()
        own = self._settings
        return flow.Exchange(
            request=v1.encode(call, self._base_url + own.model_prefix, verbatim=own.verbatim_endpoint),
            auth=self._auth,
            policy=_policy(own.retry, options),
            timeout=own.request_timeout
            if options.request_timeout is None
            else seconds("request_timeout", options.request_timeout),
            limit=self._limit,
        )

    @cached_property
    def _base_url(self) -> str:
        if not self._settings.local:
            return self._settings.base_url
        from qianfan import local

        return local.embedded().url

    @cached_property
    def _auth(self) -> Auth:
        own = self._settings
        match own.credential:
            case ApplicationKey(ak, sk):
                url = f"{self._base_url}/oauth/2.0/token"
                return ApplicationAuth(url, ak, sk, store=TOKENS, policy=own.retry, timeout=own.auth_timeout)
            case AccessToken(token):
                return TokenAuth(token)
            case AccessCode(code):
                return CodeAuth(code)
            case _:
                return NoAuth()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"Qianfan({self._settings.credential!r}, base_url={self._settings.base_url!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _from_settings, (self._settings,)


def _from_settings(resolved: Settings) -> Qianfan:
    client = Qianfan.__new__(Qianfan)
    client._start(resolved)  # noqa: SLF001  # a constructor for settings that are resolved already
    return client


def _policy(own: RetryPolicy, options: Options) -> RetryPolicy:
    """Return the client's retry policy with what a call sets for itself."""
    if options.retry_count is not None:
        own = own._replace(attempts=attempts("retry_count", options.retry_count))
    if options.backoff_factor is not None:
        own = own._replace(backoff_factor=bounded("backoff_factor", options.backoff_factor, least=0))
    return own
