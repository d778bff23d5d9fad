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

#: What a refusal is in v2, by its code in v1: HTTP status, code, and the words that call a job a task, where
#: they are not v1's.
ERRORS: dict[int | str, tuple[int, str, str]] = {
    336007: (413, "EntityTooLarge", ""),
    336101: (405, "MethodNotAllowed", ""),
    500000: (500, "InternalError", ""),
    510201: (409, "NameExists", "job name exist"),
    510202: (404, "NotFound", "job not exist"),
    510203: (400, "OverLimit", "job count over limit"),
    510301: (404, "NotFound", "task not exist"),
    510302: (409, "StatusInvalid", "task status invalid"),
    510402: (409, "OverLimit", "task training count over limit"),
}
_EVERY_OTHER = 400, "InappropriateJSON", ""


def error(refusal: Refusal) -> tuple[int, str, str]:
    """Return the HTTP status, the code and the message of a refusal."""
    status, code, message = ERRORS.get(refusal.code, _EVERY_OTHER)
    return status, code, message or refusal.message
