"""Calls passed on to another platform as they are, and its answers passed back."""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from qianfan.local import scrub, sse
from qianfan.local.console import signature
from qianfan.local.upstream.http import Received, address, sent
from qianfan.local.wire import BrokenOffError, Refusal, Reply, as_object, parse

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from qianfan.local.wire import Request

#: Stands for the real platform, in place of a URL; before a URL, for a platform that is there.
PLATFORM = "qianfan"

# Where the real platform answers what.
_HOSTS = {
    "/rpc/": "https://aip.baidubce.com",
    "/rest/": "https://aip.baidubce.com",
    "/oauth/": "https://aip.baidubce.com",
    "/v1/BCE-BEARER/": "https://iam.bj.baidubce.com",
    "/v2/": "https://qianfan.baidubce.com",
    "/wenxinworkshop/": "https://qianfan.baidubce.com",
}

# Headers that are about one connection, or that are written anew for the next.
_HOP = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

_INFERENCE_V1 = "/rpc/"
_NO_PERMISSION = 6
_UNSUPPORTED, _NOT_FOUND = 3, 404


class _Pair(NamedTuple):
    """An access key and its secret key."""

    access_key: str
    secret_key: str


class Passing:
    """Another platform, to which calls are passed on.

    Args:
        where: `qianfan`, or `qianfan+` and a URL.
        key: What is shown to it in place of the callers' own: an API key of v2, or `ACCESS_KEY:SECRET_KEY`,
            which signs calls of v1 and of the console.
        timeout: Seconds it may be silent.
        via: What the platform goes by on the way there.

    Raises:
        ValueError: The URL is no address of HTTP.
    """

    def __init__(self, where: str, key: str | None, timeout: float, via: str) -> None:
        _, _, url = where.partition("+")
        self._url = address(url) if url else None
        access_key, colon, secret_key = (key or "").partition(":")
        self._key = _Pair(access_key, secret_key) if colon else key
        self._timeout = timeout
        self._via = via

    @property
    def has_key(self) -> bool:
        """Whether it is shown a key that is not the callers'."""
        return bool(self._key)

    async def reply(self, request: Request) -> Reply:
        """Return the other platform's answer.

        Raises:
            Refusal: It cannot be reached, is silent, or has no such path; its key is none for this call.
        """
        exchange = self._exchange(request)
        received = await anext(exchange)
        assert isinstance(received, Received)
        reply = Reply(
            status=received.status,
            media_type=received.headers.get("Content-Type", ""),
            headers=_own(received, request),
        )
        if received.is_stream:
            reply.coming = exchange  # type: ignore[assignment]  # after the head it gives bytes
            return reply
        async with aclosing(exchange):
            content = await anext(exchange)
        assert isinstance(content, bytes)
        reply.content, reply.body = content, as_object(scrub.content(parse(content))) or {}
        return reply

    async def _exchange(self, request: Request) -> AsyncGenerator[Received | bytes, None]:
        """Give the head of the answer, then the events of a stream as they come, else the whole body."""
        url = self._address(request)
        via = [*filter(None, [request.headers.get("via")]), f"1.1 {self._via}"]
        headers = {**self._headers(request, url), "via": ", ".join(via)}
        is_open = False
        try:
            async with sent(
                request.method, url, headers=headers, body=request.body, timeout=self._timeout
            ) as received:
                yield received
                if not received.is_stream:
                    yield await received.read()
                    return
                is_open = True
                async with aclosing(sse.cut(received.chunks())) as events:
                    async for event in events:
                        yield event
        except Refusal as refusal:
            if is_open:
                raise BrokenOffError(refusal.message) from None
            raise

    def _address(self, request: Request) -> str:
        """Return where a request goes, without the caller's token where another key is shown."""
        host = self._url or next(
            (host for path, host in _HOSTS.items() if request.path.startswith(path)), None
        )
        if host is None:
            words = f"the platform has no {request.path}, as far as is known"
            raise Refusal(_UNSUPPORTED, words, status=_NOT_FOUND)
        path, _, query = request.target.partition("?")
        if self._key and "access_token" in request.query:
            pairs = parse_qsl(query, keep_blank_values=True)
            query = urlencode([(name, value) for name, value in pairs if name != "access_token"])
        return f"{host}{path}?{query}" if query else f"{host}{path}"

    def _headers(self, request: Request, url: str) -> dict[str, str]:
        """Return the headers of a request that goes to a URL."""
        is_signed = request.headers.get("authorization", "").startswith(signature.SCHEME)
        headers = {name: value for name, value in request.headers.items() if name not in _HOP}
        if self._key is None:
            if is_signed:  # the host is signed, too
                headers["host"] = request.headers.get("host", "")
            return headers
        headers = {
            name: value
            for name, value in headers.items()
            if name != "authorization" and not name.startswith("x-bce-")
        }
        if isinstance(self._key, _Pair) != (is_signed or request.path.startswith(_INFERENCE_V1)):
            wanted = "ACCESS_KEY:SECRET_KEY" if isinstance(self._key, str) else "an API key"
            raise Refusal(
                _NO_PERMISSION, f"for {request.path} the local platform needs {wanted} as upstream_key"
            )
        if isinstance(self._key, str):
            return {**headers, "authorization": f"Bearer {self._key}"}
        host = urlsplit(url).netloc
        asked = replace(request, target=url.partition(host)[2])
        return {**headers, **signature.make(asked, host, *self._key, now=time.time())}


def _own(received: Received, request: Request) -> dict[str, str]:
    """Return the headers of an answer that are not written anew here."""
    written = {"x-baidu-request-id"} if "request_id" in request.headers else set[str]()
    return {
        name: value
        for name, value in received.headers.items()
        if name.lower() == "retry-after" or (name.lower().startswith("x-") and name.lower() not in written)
    }
