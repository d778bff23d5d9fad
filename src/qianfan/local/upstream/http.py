"""HTTP to other servers, in the loop of the local platform's own; the only file here that knows aiohttp.

Each request has a connection of its own: a server that closes idle ones is never met too late, and a
request that is given up frees what it holds at once.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from qianfan.local.wire import Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

    import aiohttp

INTERNAL = 336000

_CONNECT_TIMEOUT = 10.0  # seconds

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def address(url: str) -> str:
    """Return a base URL as it is kept, without a slash at its end.

    Raises:
        ValueError: It is no address of HTTP, or has a login, a query or a fragment in it.
    """
    parts = urlsplit(url)
    _ = parts.port  # which refuses what is none
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an upstream is a URL such as http://127.0.0.1:11434/v1")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError(
            "an upstream's URL ends with its path, and has no login in it: a key goes in upstream_key"
        )
    return url.rstrip("/")


class Received:
    """A reply whose head has come.

    Attributes:
        status: The HTTP status.
        headers: The headers, whatever the case of their names.
    """

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.status: int = response.status
        self.headers: Mapping[str, str] = response.headers
        self._response = response

    @property
    def is_stream(self) -> bool:
        """Whether the body is events that come one by one."""
        return self.headers.get("Content-Type", "").startswith("text/event-stream")

    async def read(self) -> bytes:
        """Return the whole body."""
        return await self._response.read()

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Give the body as it comes; of one that breaks off all that came before."""
        content = self._response.content
        try:
            async for chunk in content.iter_any():
                yield chunk
        except Exception:
            # aiohttp forgets what arrived together with the break, and has no other way to it than this.
            yield b"".join(getattr(content, "_buffer", ()))
            raise


@asynccontextmanager
async def sent(
    method: str, url: str, *, headers: Mapping[str, str], body: bytes, timeout: float
) -> AsyncIterator[Received]:
    """Send a request; its connection is closed when the block ends, also where it is cancelled.

    Args:
        method: The HTTP method.
        url: The address, with its query as it goes to the wire.
        headers: The headers, `Host` and the length apart.
        body: The body.
        timeout: Seconds the server may be silent.

    Raises:
        Refusal: The server cannot be reached, is silent for too long, or breaks off, also within the block.
    """
    import aiohttp  # who asks nobody else needs none
    from yarl import URL

    place = "{0.scheme}://{0.netloc}".format(urlsplit(url))
    limits = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT, sock_read=timeout)
    try:
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=limits,
            ) as session,
            session.request(
                method,
                URL(url, encoded=True),
                headers={"Accept-Encoding": "identity", **headers},
                data=body,
                allow_redirects=False,
                proxy=_proxy(url),
            ) as response,
        ):
            yield Received(response)
    except aiohttp.ConnectionTimeoutError:
        raise _refusal(f"{place} cannot be reached in {_CONNECT_TIMEOUT:g} s") from None
    except aiohttp.ServerTimeoutError:
        raise _refusal(f"{place} was silent for {timeout:g} s") from None
    except aiohttp.ClientConnectorError as error:
        reason = error.os_error.strerror or type(error.os_error).__name__
        raise _refusal(f"{place} cannot be reached: {reason}") from None
    except (aiohttp.ClientError, OSError) as error:
        raise _refusal(f"{place} broke off: {type(error).__name__}") from None


def _refusal(words: str) -> Refusal:
    return Refusal(INTERNAL, f"the upstream {words}")


def _proxy(url: str) -> str | None:
    """Return the proxy that the environment names for an address.

    Raises:
        Refusal: It is none that HTTP goes through.
    """
    from urllib.request import getproxies, proxy_bypass  # slow to import

    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in _LOOPBACK or proxy_bypass(host):
        return None
    proxy = getproxies().get(parts.scheme)
    if proxy is not None and not proxy.startswith(("http://", "https://")):
        raise _refusal("is behind a proxy that is none of HTTP, which is not supported")
    return proxy
