"""The page that `vdlLink` of a job leads to; here it is the loss curve as JSON, to plot."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from qianfan.local.console.account import Account
    from qianfan.local.console.jobs import Job
    from qianfan.local.wire import Json

PATH = "/qianfan/visualdl/index"


def link(site: str, job: Job) -> str:
    """Return the address of a job's curve."""
    return f"{site}{PATH}?{urlencode({'displayToken': job.uid})}"


def show(account: Account, token: str) -> Json | None:
    """Return the curve of a job so far; None where the token is of no job."""
    job, now = account.jobs.get(token), account.clock.now()
    if job is None:
        return None
    return {"job": job.uid, "status": job.status(now), "loss": job.losses(now)}
