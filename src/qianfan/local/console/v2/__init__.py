"""The console's v2: its actions, and the shapes of what they answer.

Mind the names: v2's job is v1's task, its task v1's job, its model set v1's model, its model v1's version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.local.console.v2 import datasets, finetuning, models, services

if TYPE_CHECKING:
    from qianfan.local.console.asked import Handler
    from qianfan.local.wire import Refusal

#: Groups that the platform has and this one refuses every action of.
_OTHER_GROUPS = ("batchinference", "charge", "eval", "memory", "promptLabels", "promptTemplates")

#: What answers, by group and action.
ACTIONS: dict[str, dict[str, Handler]] = {
    "finetuning": finetuning.ACTIONS,
    "model": models.ACTIONS,
    "service": services.ACTIONS,
    "dataset": datasets.ACTIONS,
    **{group: {} for group in _OTHER_GROUPS},
}

_BAD_REQUEST, _NOT_FOUND, _METHOD_NOT_ALLOWED, _CONFLICT, _TOO_LARGE, _SERVER_ERROR = (
    400,
    404,
    405,
    409,
    413,
    500,
)

# HTTP status and code of a refusal, by v1's code; every other is the first.
_INAPPROPRIATE = _BAD_REQUEST, "InappropriateJSON"
_ERRORS = {
    336007: (_TOO_LARGE, "EntityTooLarge"),
    336101: (_METHOD_NOT_ALLOWED, "MethodNotAllowed"),
    500000: (_SERVER_ERROR, "InternalError"),
    510201: (_CONFLICT, "NameExists"),
    510202: (_NOT_FOUND, "NotFound"),
    510203: (_BAD_REQUEST, "OverLimit"),
    510301: (_NOT_FOUND, "NotFound"),
    510302: (_CONFLICT, "StatusInvalid"),
    510402: (_CONFLICT, "OverLimit"),
}


def error(refusal: Refusal) -> tuple[int, str]:
    """Return the HTTP status and the code of a refusal."""
    return _ERRORS.get(refusal.code, _INAPPROPRIATE)
