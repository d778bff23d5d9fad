"""Keeps what is answered, as it is sent: piece by piece, with the time of each, without secrets."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from qianfan.local.cassette import exchange, tape
from qianfan.local.cassette.exchange import Exchange, Piece
from qianfan.local.sse import Cutter

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping
    from typing import Any

    from starlette.types import Send

    from qianfan.local.journal import Call
    from qianfan.local.wire import Reply, Request

_log = logging.getLogger("qianfan")

# Headers that say something about an answer, beside those of the platform's own.
_KEPT = frozenset({"content-type", "retry-after"})
_OWN, _NOT_KEPT = "x-", "x-baidu-request-id"


class Recorder:
    """Records into a folder, which is made where there is none.

    Args:
        folder: Where the files go.
        secrets: What they must not show, beside what the requests do.

    Raises:
        OSError: The folder cannot be made.
    """

    def __init__(self, folder: str, secrets: Iterable[str] = ()) -> None:
        Path(folder).mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._secrets = set(secrets)  # and those that the callers have shown so far

    def listening(self, request: Request, reply: Reply, call: Call, started: float, send: Send) -> Send:
        """Return what sends an answer and, where it comes to its end, keeps it.

        Args:
            request: The request.
            reply: The answer; only one that is still `recordable` at its end is kept.
            call: The journal's entry.
            started: When the request came, on the clock of `time.perf_counter`.
            send: What sends.
        """
        kept = Exchange(exchange.asked(request), recorded=_now())
        self._secrets.update(exchange.secrets(request))
        cutter = Cutter()

        async def listen(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                kept.status, kept.headers = message["status"], _headers(message["headers"])
            else:
                body, ends = message["body"], not message.get("more_body")
                pieces = cutter.feed(body) if kept.is_stream else [body]
                if ends:
                    pieces += cutter.rest()
                at = time.perf_counter() - started
                kept.pieces += (
                    Piece(at, exchange.scrubbed(piece, self._secrets, is_stream=kept.is_stream))
                    for piece in pieces
                )
                if ends and reply.recordable:  # first of all: whoever has the answer finds the file
                    self._write(call.route, kept)
            await send(message)

        return listen

    def _write(self, route: str, kept: Exchange) -> None:
        try:
            tape.add(self._folder, route, kept)
        except OSError as error:  # the caller has its answer
            _log.error("a call of %s could not be recorded in %s: %s", route, self._folder, error)


def _headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    named = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers)
    return {
        name: value for name, value in named if name in _KEPT or (name.startswith(_OWN) and name != _NOT_KEPT)
    }


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
