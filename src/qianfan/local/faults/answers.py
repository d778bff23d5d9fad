"""The answers that faults give in place of the platform's."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, TypeAlias

import orjson

from qianfan.local.faults.effects import Code, Reset, Status
from qianfan.local.wire import Reply

if TYPE_CHECKING:
    from qianfan.local.handler import Answering

Instead: TypeAlias = Status | Code | Reset


class Struck(Exception):  # noqa: N818  # it is an answer, not an error of the program
    """Raised where a fault takes the place of the answer.

    Args:
        effect: What is answered.
    """

    def __init__(self, effect: Instead) -> None:
        self.effect = effect
        super().__init__(repr(effect))

    def reply(self, service: Answering) -> Reply:
        """Return the answer, as it looks on a service's route."""
        match self.effect:
            case Code(code, message=message):
                return service.coded(code, message)
            case Status(status):
                reply = _body(self.effect) or service.failed(status) or _page(status)
                if self.effect.retry_after is not None:
                    reply.headers = {**reply.headers, "Retry-After": str(self.effect.retry_after)}
                return reply
            case Reset():
                return Reply(status=0)  # which is never sent


def _body(effect: Status) -> Reply | None:
    body = effect.body
    if body is None:
        return None
    if isinstance(body, dict):
        return Reply(body, status=effect.status)
    if isinstance(body, str):
        return Reply(content=body.encode(), media_type="text/plain; charset=utf-8", status=effect.status)
    return Reply(content=orjson.dumps(body), status=effect.status)


def _page(status: int) -> Reply:
    """Return the page of a gateway, which knows nothing of the platform's errors."""
    title = f"{status} {phrase(status)}".strip()
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    return Reply(content=page.encode(), media_type="text/html", status=status)


def phrase(status: int) -> str:
    """Return HTTP's words for a status; none for one that HTTP does not know."""
    return _PHRASES.get(status, "")


_PHRASES = {known.value: known.phrase for known in HTTPStatus}
