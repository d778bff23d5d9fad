"""How the platform's things look as JSON."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import orjson

from qianfan.local import scrub
from qianfan.local.wire import as_array, as_object

if TYPE_CHECKING:
    from qianfan.local.clock import Clock
    from qianfan.local.console.account import Account
    from qianfan.local.console.jobs import Job
    from qianfan.local.console.models import Model
    from qianfan.local.console.services import Service
    from qianfan.local.faults import Placed
    from qianfan.local.journal import Call
    from qianfan.local.wire import Json

_LONGEST = 200  # characters of what a call said, in a list


def clock(clock: Clock) -> Json:
    """Return what a clock shows."""
    return {"now": clock.now(), "offset": clock.offset, "frozen": clock.frozen}


def line(number: int, call: Call) -> Json:
    """Return a call as a list shows it."""
    code = call.error_code
    return {
        "number": number,
        "time": call.time,
        "method": call.method,
        "path": call.path,
        "route": call.route,
        "version": call.version,
        "model": call.model,
        "endpoint": call.endpoint,
        "status": call.status,
        "error_code": code,
        "failed": code is not None or not 0 < call.status < 400,
        "stream": is_stream(call),
        "running": call.open,
        "duration": call.duration,
        "fault": repr(call.fault) if call.fault else None,
        "text": _said(call)[:_LONGEST],
    }


def scrubbed(call: Call) -> Call:
    """Return a call whose request shows no secret, wherever in it one stands."""
    body = scrub.content(call.body)
    asked = (body or "").encode() if isinstance(body, str | None) else orjson.dumps(body)
    return replace(call, query=scrub.content(call.query), headers=scrub.content(call.headers), asked=asked)


def is_stream(call: Call) -> bool:
    """Return whether a call is answered by events."""
    return isinstance(call.answered, list)


def job(account: Account, job: Job) -> Json:
    """Return a job, how far it is, and its loss curve so far."""
    now = account.clock.now()
    return {
        "id": job.id,
        "uid": job.uid,
        "task": job.task,
        "version": job.version,
        "description": job.description,
        "train_type": job.train_type,
        "config": job.config,
        "datasets": job.datasets,
        "samples": job.samples,
        "started": job.started,
        "duration": job.duration,
        "ended": job.ended(now),
        "status": job.status(now),
        "progress": job.progress(now),
        "message": job.message if job.ended(now) else "",
        "losses": job.losses(now),
    }


def service(account: Account, service: Service) -> Json:
    """Return a service and whether it answers."""
    return {**record(service), "online": service.online, "status": service.status(account.clock.now())}


def model(account: Account, model: Model) -> Json:
    """Return a model and what of it was published."""
    return {**record(model), "versions": [record(version) for version in account.models.versions(model)]}


def fault(number: int, placed: Placed) -> Json:
    """Return a fault and what it has met."""
    return {
        "id": number,
        **placed.fault.as_json(),
        "python": repr(placed.fault),
        "met": placed.met,
        "hits": placed.hits,
    }


def record(kept: Any) -> Json:
    """Return the fields of a record, those apart that the store alone needs."""
    return {field.name: getattr(kept, field.name) for field in fields(kept)}


def _said(call: Call) -> str:
    """Return what a call was about: the end of a conversation, or what stands for it elsewhere."""
    body = as_object(call.body) or {}
    last = as_object(call.messages[-1]) if call.messages else None
    said = last.get("content") if last else body.get("prompt", body.get("query", body.get("input")))
    parts = as_array(said)
    if parts is not None:
        texts = (part if isinstance(part, str) else (as_object(part) or {}).get("text", "") for part in parts)
        said = " ".join(map(str, texts))
    return said if isinstance(said, str) else ""
