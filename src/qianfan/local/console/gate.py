"""The console's way in: signature, body, transaction; and the shapes of answers and refusals."""

from __future__ import annotations

import secrets
import time
import uuid
from typing import TYPE_CHECKING

from qianfan.local.console import fields, signature, v1, v2, visualdl
from qianfan.local.console.asked import Asked
from qianfan.local.faults import codes
from qianfan.local.handler import Answering
from qianfan.local.wire import Refusal, Reply, as_object

if TYPE_CHECKING:
    from qianfan.local.console.account import Account
    from qianfan.local.faults import Faults
    from qianfan.local.journal import Call
    from qianfan.local.wire import Json, Request

PREFIX = "/wenxinworkshop"

UNSUPPORTED, BAD_METHOD = 3, 336101

_FORBIDDEN, _NOT_FOUND = 403, 404


class _Console(Answering):
    """What the gates of both versions have in common."""

    internal = 500000
    meets_faults = True

    def __init__(self, account: Account, faults: Faults) -> None:
        self._account = account
        self._faults = faults

    def takes_time(self, request: Request) -> bool:  # noqa: ARG002  # the store may wait for a disk
        """Return True: the store may wait for a disk."""
        return True

    def _let_in(self, request: Request, call: Call) -> Asked:
        """Return what is asked, if the signature and body are good.

        Raises:
            Denied: The signature is not.
            Struck: A fault takes the place of the answer.
            Refusal: The method or the body is not.
        """
        account = self._account
        now = account.clock.now()
        # By the machine's clock: whoever signs does not know how far the platform's was moved.
        account.access.authenticate(request, time.time())
        self._faults.meet(call)
        if request.method != "POST":
            raise Refusal(BAD_METHOD)
        body = as_object(request.content) if request.body else {}
        if body is None:
            raise fields.refusal(fields.PARAM, "the body must be a JSON object")
        return Asked(account, body, now, f"http://{request.headers['host']}")


class V1(_Console):
    """The routes of v1."""

    def reply(self, request: Request, call: Call) -> Reply:
        """Answer a call."""
        path = request.path.removeprefix(PREFIX + "/").rstrip("/")
        call.endpoint = path
        try:
            asked = self._let_in(request, call)
        except signature.Denied as denied:
            return signature.refusal(_FORBIDDEN, denied.code, denied.message)
        handler = v1.ROUTES.get(path)
        if handler is None:
            raise Refusal(UNSUPPORTED, f"the local platform has no {PREFIX}/{path}", status=_NOT_FOUND)
        with self._account.store.transaction():
            return Reply({"log_id": _log_id(), **v1.envelope(path), "result": handler(asked)})

    def refused(self, refusal: Refusal) -> Reply:
        """Return a refusal in v1's shape."""
        body: Json = {"log_id": _log_id(), "error_code": refusal.code, "error_msg": refusal.message}
        return Reply(body, status=refusal.status)


class V2(_Console):
    """The actions of one group of v2."""

    def reply(self, request: Request, call: Call) -> Reply:
        """Answer a call."""
        group = request.path.rpartition("/")[2]
        action = request.query.get("Action", "")
        call.endpoint = f"{group}.{action}"
        try:
            asked = self._let_in(request, call)
        except signature.Denied as denied:
            return signature.refusal(_FORBIDDEN, denied.code, denied.message)
        handler = v2.ACTIONS[group].get(action)
        if handler is None:
            raise fields.refusal(fields.PARAM, f"the local platform has no action {action!r} in {group}")
        with self._account.store.transaction():
            return Reply({"requestId": str(uuid.uuid4()), "result": handler(asked)})

    def refused(self, refusal: Refusal) -> Reply:
        """Return a refusal in v2's shape."""
        return _named(*v2.error(refusal))

    def coded(self, code: int | str, message: str) -> Reply:
        """Return the answer with an error code, by v2's word for it."""
        status, name, words = v2.ERRORS.get(code) or (*codes.of_gateway(code, codes.CONSOLE), "")
        return _named(status, name, message or words or codes.text(code))


class Curves(Answering):
    """The page of loss curves, which needs no signature."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def reply(self, request: Request, call: Call) -> Reply:
        """Show the curve of a job."""
        call.endpoint = "visualdl/index"
        shown = visualdl.show(self._account, request.query.get("displayToken", ""))
        if shown is None:
            return Reply({"error": "no job has this displayToken"}, status=_NOT_FOUND)
        return Reply(shown)

    def takes_time(self, request: Request) -> bool:  # noqa: ARG002  # the store may wait for a disk
        """Return True: the store may wait for a disk."""
        return True


def _named(status: int, code: str, message: str) -> Reply:
    body: Json = {"requestId": str(uuid.uuid4()), "code": code, "message": message}
    return Reply(body, status=status)


def _log_id() -> str:
    return str(secrets.randbelow(9 * 10**9) + 10**9)
