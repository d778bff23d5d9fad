"""The ASGI side of the admin API: lets callers in, finds the operation, answers in JSON."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from qianfan.local.admin import PREFIX, entry
from qianfan.local.admin.asked import Asked, Wrong, not_found, read_body
from qianfan.local.admin.operations import TABLE, Admin
from qianfan.local.faults import codes
from qianfan.local.wire import Refusal, Reply

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from qianfan.local.admin.operations import Operation
    from qianfan.local.platform import Platform
    from qianfan.local.state import State
    from qianfan.local.wire import Json

_MOST_BYTES = 64 * 1024 * 1024  # of a body: datasets come whole
_LONGEST_WAIT = 60  # seconds for the next call

_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}

_log = logging.getLogger("qianfan")


def routes(platform: Platform, state: State) -> list[Route]:
    """Return the routes of the admin API."""
    admin = Admin(platform, state)
    table = {**TABLE, "/{rest:path}": {}}
    return [Route(PREFIX + path, _Door(admin, operations)) for path, operations in table.items()]


class _Door:
    """What answers at one path.

    Args:
        admin: The platform.
        operations: What can be done there, by method; nothing where nothing is.
    """

    def __init__(self, admin: Admin, operations: dict[str, Operation]) -> None:
        self._admin = admin
        self._operations = operations

    def coded(self, code: int | str, message: str) -> Reply:
        """Return the answer with an error code."""
        return Reply({"error": {"code": codes.word(code), "message": message}})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            status, body = 200, await self._answer(Request(scope, receive))
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001  # the boundary: whatever fails is told in the same shape
            status, body = _failed(scope, error)
        response = Response(orjson.dumps(body), status, _HEADERS, "application/json")
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Json:
        headers = dict(request.headers)
        client = request.client.host if request.client else ""
        token = self._admin.state.options.admin_token
        refused = entry.refusal(client, request.method, headers, token)
        if refused is not None:
            raise refused
        if not self._operations:
            raise not_found(f"the admin API has no {request.url.path}")
        operation = self._operations.get(request.method)
        if operation is None:
            raise Wrong("method_not_allowed", f"use {' or '.join(self._operations)}", 405)
        asked = Asked(dict(request.path_params), dict(request.query_params), await _read(request))
        wait = asked.number("wait", 0, most=_LONGEST_WAIT)
        if wait:
            await self._next_call(asked.number("after", 0), wait, request.receive)
        # A thread, since the store may wait for a disk.
        return await asyncio.to_thread(operation, self._admin, asked)

    async def _next_call(self, after: int, seconds: int, receive: Receive) -> None:
        """Wait until there is a call of a higher number, the time is over, or the caller is gone."""
        journal = self._admin.state.journal
        if after > journal.last:  # it is another platform's number: this one has begun anew
            return
        either: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(journal.wait_beyond(after)),
            asyncio.ensure_future(receive()),
        ]
        try:
            done, _ = await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiting in either:
                waiting.cancel()
        if either[1] in done:
            raise ClientDisconnect


async def _read(request: Request) -> Json:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise Wrong("too_large", f"the body is larger than {_MOST_BYTES} bytes", 413)
    return read_body(bytes(body))


def _failed(scope: Scope, error: Exception) -> tuple[int, Json]:
    """Return the status and the body of what went wrong."""
    match error:
        case Wrong(code=code, status=status):
            pass
        case Refusal(code=code):
            status = 400
        case ValueError():
            code, status = "invalid_argument", 400
        case _:
            _log.error("the admin API failed on %s %s", scope["method"], scope["path"], exc_info=error)
            return 500, {
                "error": {"code": "internal_error", "message": "the platform failed; its log says more"}
            }
    return status, {"error": {"code": code, "message": str(error)}}
