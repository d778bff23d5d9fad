"""What stands before the routes: only what is meant for this platform, and not too much at once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from starlette.routing import Match

from qianfan.local import hosts
from qianfan.local.connection import IS_SURPLUS
from qianfan.local.handler import Answering
from qianfan.local.wire import JSON

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.routing import Router
    from starlette.types import Receive, Scope, Send

_INTERNAL, _BAD_REQUEST, _BUSY = 336000, 336008, 336100

_WEB = frozenset({b"http", b"https", b"null"})  # what the pages of web sites have in `Origin`

_MOST_REMEMBERED = 64  # values of `Host` that were let in


_log = logging.getLogger("qianfan")


class _Refusal(NamedTuple):
    """An error code, what it says, and how HTTP is to carry it, where not as the route does."""

    code: int
    message: str = ""
    status: int | None = None
    headers: dict[str, str] = {}  # noqa: RUF012  # nobody changes it


_NOWHERE = Answering()


class Guard:
    """Lets requests in that are meant for this platform.

    A page that is open in a browser on this machine can send requests here, and have the name of its own
    server lead here so that it may even read the answers ("DNS rebinding"). They carry the page's address
    in `Origin`, or that name in `Host`, which no page can change.

    Args:
        app: What is behind.
        names: The names of this machine beside `localhost`.
    """

    def __init__(self, app: Router, names: Iterable[str]) -> None:
        self._app = app
        self._names = frozenset(map(hosts.plain, names))
        self._known: set[bytes] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or refuse it."""
        refusal = self._refusal(scope)
        if refusal is None:
            try:
                await self._app(scope, receive, send)
            except Exception:  # noqa: BLE001  # the last boundary: no fault of ours may look like anything else
                _log.exception("the local platform failed on %s %s", scope["method"], scope["path"])
                refusal = _Refusal(_INTERNAL)
        if refusal is not None:
            await self._refuse(refusal, scope, send)

    def _refusal(self, scope: Scope) -> _Refusal | None:
        state, headers = scope["state"], scope["headers"]
        given = [value for name, value in headers if name == b"host"]
        if len(given) > 1 or (not given and scope["http_version"] != "1.0"):
            return _Refusal(_BAD_REQUEST, "a request has one header Host", 400)
        if not all(map(self._is_ours, given)):
            message = (
                f"the local platform does not go by the name {given[0].decode('latin-1')!r}: call an address, "
                "such as 127.0.0.1, or start it with this name allowed (--allow-host, allow_hosts=)"
            )
            return _Refusal(_BAD_REQUEST, message, 421)
        origin = next((value for name, value in headers if name == b"origin"), b"")
        if origin and not self._is_of_ours(origin, given):
            message = f"the local platform answers no page of {origin.decode('latin-1')!r}"
            return _Refusal(_BAD_REQUEST, message, 403)
        if state.get(IS_SURPLUS):
            return _Refusal(_BUSY, "too many connections are open", 503, {"connection": "close"})
        return None

    def _is_ours(self, host: bytes) -> bool:
        if host in self._known:
            return True
        name = _name(host)
        is_ours = name in self._names or hosts.is_local(name) or hosts.is_address(name)
        if is_ours and len(self._known) < _MOST_REMEMBERED:
            self._known.add(host)
        return is_ours

    def _is_of_ours(self, origin: bytes, given: list[bytes]) -> bool:
        """Return whether a page is this machine's own, or of no web site: a desktop program's."""
        scheme, _, host = origin.partition(b"://")
        if scheme not in _WEB:
            return True
        name = _name(host)
        return host in given or name in self._names or hosts.is_local(name)

    async def _refuse(self, refusal: _Refusal, scope: Scope, send: Send) -> None:
        """Answer in the shape that errors have where the request went."""
        matches = (route.matches(scope) for route in self._app.routes)
        found = (child["endpoint"] for match, child in matches if match is Match.FULL)
        coded = getattr(next(found, _NOWHERE), "coded", _NOWHERE.coded)
        reply = coded(refusal.code, refusal.message)
        content = reply.encoded()
        headers = {"content-type": JSON, "content-length": str(len(content)), **refusal.headers}
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        status = refusal.status or reply.status
        await send({"type": "http.response.start", "status": status, "headers": encoded})
        await send({"type": "http.response.body", "body": content})


def _name(host: bytes) -> str:
    return hosts.plain(hosts.without_port(host.decode("latin-1")))
