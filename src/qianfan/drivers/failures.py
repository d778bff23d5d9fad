"""What a transport's exception means, said once for both transports."""

from __future__ import annotations

import re
import socket
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from qianfan.errors import (
    ConnectionFailedError,
    DeadConnectionError,
    RateLimitTimeoutError,
    RequestTimeoutError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from qianfan.core.http import Request


def connection_failure(
    request: Request, error: BaseException, *, proxy: str | None = None, dead: bool = False
) -> ConnectionFailedError:
    """Return the error for an exchange that no reply came of.

    Args:
        request: What was to be sent; only its scheme and host appear in the error.
        error: What the transport raised.
        proxy: The proxy it was to go through; only its host appears in the error.
        dead: Whether a reused connection was found closed before a byte of the reply came.
    """
    place = _place(request.url) + (f" through the proxy {_place(proxy)}" if proxy else "")
    if dead:
        return DeadConnectionError(f"the connection to {place} had been closed by the other side")
    # The innermost first: aiohttp's wrappers are kinds of what they wrap, but without its fields.
    for cause in reversed(list(_causes(error))):
        for kind, say in _KINDS:
            if isinstance(cause, kind):
                failure = say(place, cause)
                if failure is not None:
                    return failure
    return ConnectionFailedError(f"the connection to {place} failed: {_words(error)}")


def _untrusted(place: str, cause: Any) -> ConnectionFailedError:
    return _unconnected(
        f"the certificate of {place} is not trusted: {cause.verify_message or cause.reason}",
        "用 ca_bundle= 或 SSL_CERT_FILE 指定可信证书 "
        "(name the certificates to trust with ca_bundle= or SSL_CERT_FILE)",
    )


def _no_tls(place: str, cause: Any) -> ConnectionFailedError:
    failure = _unconnected(
        f"no TLS with {place}: {cause.reason or cause}",
        "请检查 http/https 与代理 (check http/https and the proxy)",
    )
    failure.sent = True  # it may have broken off later
    return failure


def _unresolved(place: str, cause: Any) -> ConnectionFailedError:
    return _unconnected(
        f"the name of {place} cannot be resolved",
        "请检查 base_url、网络与 DNS (check base_url, the network and DNS)",
        transient=cause.errno == socket.EAI_AGAIN,
    )


def _refused(place: str, _: Any) -> ConnectionFailedError:
    return _unconnected(
        f"the connection to {place} was refused",
        "请检查地址与端口，服务是否已启动 (check host and port, and whether the service runs)",
        transient=True,
    )


def _no_tunnel(place: str, cause: Any) -> ConnectionFailedError | None:
    """Return the error for a proxy's refusal, which http.client tells in words and aiohttp in a field."""
    words = re.search(r"Tunnel connection failed: (\d{3})", str(cause))
    status = int(words[1]) if words else getattr(cause, "status", None)
    if not isinstance(status, int):
        return None
    failure = _unconnected(
        f"no tunnel to {place}: HTTP {status}",
        "请检查代理及其用户名与密码 (check the proxy and its login)",
        transient=status >= 500,
    )
    failure.status = status
    return failure


#: What each kind of cause means; the first that knows says it.
_KINDS: tuple[tuple[type[BaseException], Callable[[str, Any], ConnectionFailedError | None]], ...] = (
    (ssl.SSLCertVerificationError, _untrusted),
    (ssl.SSLError, _no_tls),
    (socket.gaierror, _unresolved),
    (ConnectionRefusedError, _refused),
    (Exception, _no_tunnel),
)


_WAITING = {
    "answer": "增大 request_timeout，或用 stream=True；换取令牌时为 QIANFAN_AUTH_TIMEOUT "
    "(raise request_timeout, or use stream=True; for the token call it is QIANFAN_AUTH_TIMEOUT)",
    "access token": "增大 request_timeout 或 QIANFAN_AUTH_TIMEOUT (raise request_timeout or QIANFAN_AUTH_TIMEOUT)",
    "bearer": "token_provider 太慢：增大 request_timeout (token_provider is too slow: raise request_timeout)",
    "place in the rate limit": "增大 request_timeout，或放宽流控 (raise request_timeout, or the rate limits)",
}


def timed_out(what: str = "answer", *, request: Request | None = None) -> RequestTimeoutError:
    """Return the error for time that is over, by what was waited for."""
    place = f" by {_place(request.url)}" if request else ""
    kind = RateLimitTimeoutError if what == "place in the rate limit" else RequestTimeoutError
    return kind(f"no {what}{place} in time", hint=_WAITING[what])


def _unconnected(message: str, hint: str, *, transient: bool = False) -> ConnectionFailedError:
    failure = ConnectionFailedError(message, hint=hint)
    failure.transient = transient
    failure.sent = False
    return failure


def _place(url: str) -> str:
    """Return a URL's scheme and host, without a login."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Walk from an exception to what it wraps, however the transport keeps it."""
    waiting, seen = [error], set[int]()
    while waiting:
        cause = waiting.pop()
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        linked = (
            cause.__cause__,
            cause.__context__,
            getattr(cause, "reason", None),
            getattr(cause, "os_error", None),
            *cause.args,
        )
        waiting += [link for link in linked if isinstance(link, BaseException)]


def _words(error: BaseException) -> str:
    """Name the innermost cause; the outer wrappers may quote a URL with a token in it."""
    *_, innermost = _causes(error)
    reason = getattr(innermost, "strerror", None) or (
        str(innermost) if isinstance(innermost, OSError) else ""
    )
    return reason or type(innermost).__name__
