"""The exchange of IAM: an access key's signature for a token of v2."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from qianfan.local.console import signature
from qianfan.local.faults import codes
from qianfan.local.handler import Answering
from qianfan.local.wire import Refusal, Reply

if TYPE_CHECKING:
    from qianfan.local.console.account import Account
    from qianfan.local.journal import Call
    from qianfan.local.v2.keys import Keys
    from qianfan.local.wire import Request

PATH = "/v1/BCE-BEARER/token"

_DEFAULT, _LONGEST = 3_600, 2_592_000  # seconds
_BAD_REQUEST, _FORBIDDEN, _BAD_METHOD, _TOO_LARGE, _INTERNAL = 400, 403, 405, 413, 500

_USER = "3c8f5d0e7a9b4c61b2d47e90a1f6c358"  # the account's own; there is one on each platform


class Exchange(Answering):
    """The endpoint that gives tokens for access keys.

    Args:
        account: Whose access keys are good.
        keys: What remembers the tokens.
    """

    def __init__(self, account: Account, keys: Keys) -> None:
        self._account = account
        self._keys = keys

    def reply(self, request: Request, call: Call) -> Reply:  # noqa: ARG002  # one shape for all services
        """Return a new token."""
        if request.method != "GET":
            return signature.refusal(
                _BAD_METHOD, "MethodNotAllowed", f"method {request.method} is not supported"
            )
        now = time.time()  # the machine's: whoever signs does not know how far the platform's was moved
        try:
            self._account.access.authenticate(request, now)
        except signature.Denied as denied:
            return signature.refusal(_FORBIDDEN, denied.code, denied.message)
        asked = request.query.get("expireInSeconds", str(_DEFAULT))
        lifetime = (
            int(asked) if asked.isascii() and asked.isdigit() and len(asked) <= len(str(_LONGEST)) else 0
        )
        if not 0 < lifetime <= _LONGEST:
            return signature.refusal(
                _BAD_REQUEST, "InvalidParameter", f"expireInSeconds must be an integer in [1, {_LONGEST}]"
            )
        token, expires = self._keys.issue(signature.read(request, now).access_key, lifetime)
        return Reply(
            {
                "userId": _USER,
                "token": token,
                "status": "enable",
                "createTime": _written(expires - lifetime),
                "expireTime": _written(expires),
            }
        )

    def refused(self, refusal: Refusal) -> Reply:
        """Return a refusal of the server's in IAM's shape: of too large a body, or a fault of its own."""
        if refusal.status == _TOO_LARGE:
            return signature.refusal(_TOO_LARGE, "EntityTooLarge", refusal.message)
        return signature.refusal(_INTERNAL, "InternalError", refusal.message)

    def coded(self, code: int | str, message: str) -> Reply:
        """Return the answer with an error code, by IAM's word for it."""
        status, name = codes.of_gateway(code, codes.IAM)
        return signature.refusal(status, name, codes.text(code, message))

    def takes_time(self, request: Request) -> bool:  # noqa: ARG002  # the store may wait for a disk
        """Return True: the store may wait for a disk."""
        return True


def _written(seconds: float) -> str:
    """Return a time as RFC 3339 writes it, with milliseconds."""
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
