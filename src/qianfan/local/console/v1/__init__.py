"""The console's v1: its routes, and the shapes of what they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.local.console.v1 import datasets, finetuning, models, services

if TYPE_CHECKING:
    from qianfan.local.console.asked import Handler
    from qianfan.local.wire import Json

#: What answers, by the path below `/wenxinworkshop/`.
ROUTES: dict[str, Handler] = {
    **finetuning.ROUTES,
    **models.ROUTES,
    **services.ROUTES,
    **datasets.ROUTES,
}


def envelope(path: str) -> Json:
    """Return what a path answers beside `log_id` and `result` where it succeeds."""
    return datasets.DONE if path in datasets.ROUTES else {}
