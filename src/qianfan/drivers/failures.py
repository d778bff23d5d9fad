"""What a transport's exception means, said once for both transports."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from qianfan.errors import ConnectionFailedError, DeadConnectionError, RequestTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qianfan.core.http import Request


def connection_failure(
    request: Request, error: BaseException, *, dead: bool = False
) -> ConnectionFailedError:
    """Return the error for an exchange that no reply came of.

    Args:
        request: What was to be sent; only its scheme and host appear in the error.
        error: What the transport raised.
        dead: Whether a reused connection was found closed before a byte of the reply came.
    """
    parts = urlsplit(request.url)
    place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if dead:
        return DeadConnectionError(f"the connection to {place} had been closed by the other side")
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _final(
                f"the certificate of {place} is not trusted: {cause.verify_message or cause.reason}",
                "用 ca_bundle= 或 SSL_CERT_FILE 指定可信证书 (name the certificates to trust with ca_bundle= or SSL_CERT_FILE)",
            )
        if isinstance(cause, socket.gaierror):
            failure = ConnectionFailedError(
                f"the name of {place} cannot be resolved",
                hint="请检查 base_url、网络与 DNS (check base_url, the network and DNS)",
            )
            failure.transient = cause.errno == socket.EAI_AGAIN
            return failure
        if isinstance(cause, ConnectionRefusedError):
            return ConnectionFailedError(
                f"the connection to {place} was refused",
                hint="请检查地址与端口，服务是否已启动 (check host and port, and whether the service runs)",
            )
        if isinstance(cause, ssl.SSLError):
            return _final(
                f"no TLS with {place}: {cause.reason or cause}",
                "请检查 http/https 与代理 (check http/https and the proxy)",
            )
    return ConnectionFailedError(f"the connection to {place} failed: {_words(error)}")


def timed_out(request: Request | None = None) -> RequestTimeoutError:
    """Return the error for time that is over."""
    place = f" by {urlsplit(request.url).netloc.rpartition('@')[2]}" if request else ""
    return RequestTimeoutError(
        f"no answer{place} within request_timeout",
        hint="增大 request_timeout，或用 stream=True (raise request_timeout, or use stream=True)",
    )


def _final(message: str, hint: str) -> ConnectionFailedError:
    failure = ConnectionFailedError(message, hint=hint)
    failure.transient = False
    return failure


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Walk from an exception to what it wraps, however the transport keeps it."""
    waiting, seen = [error], set[int]()
    while waiting:
        cause = waiting.pop()
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        linked = (cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args)
        waiting += [link for link in linked if isinstance(link, BaseException)]


def _words(error: BaseException) -> str:
    """Name the innermost cause; the outer wrappers may quote a URL with a token in it."""
    *_, innermost = _causes(error)
    reason = getattr(innermost, "strerror", None) or (
        str(innermost) if isinstance(innermost, OSError) else ""
    )
    return reason or type(innermost).__name__
