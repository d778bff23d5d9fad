"""What the admin API can do: a function for each operation, and the table of them."""

from __future__ import annotations

import threading
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakKeyDictionary

from qianfan import catalog
from qianfan.local import checks, copies, scrub
from qianfan.local.admin import shapes
from qianfan.local.admin.asked import Wrong, not_found
from qianfan.local.console import jobs
from qianfan.local.faults.fault import from_json
from qianfan.local.quota import Limits
from qianfan.local.v2.models import KINDS
from qianfan.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from qianfan.local.admin.asked import Asked
    from qianfan.local.console.jobs import Job
    from qianfan.local.faults import Placed
    from qianfan.local.platform import Platform
    from qianfan.local.snapshots import Snapshot
    from qianfan.local.state import State
    from qianfan.local.wire import Json

_MOST_CALLS = 1000  # in one answer
_USUAL_CALLS = 100

_TIME = checks.number(0, 315_360_000)  # seconds, ten years


class Admin:
    """One platform, as its admin API sees it.

    Args:
        platform: What its owner holds.
        state: What it knows.
    """

    def __init__(self, platform: Platform, state: State) -> None:
        self.platform = platform
        self.state = state
        self._numbers: WeakKeyDictionary[Placed, int] = WeakKeyDictionary()
        self._snapshots: dict[str, Snapshot] = {}
        self._count = 0  # of all that got a number
        self._lock = threading.Lock()

    def number(self, placed: Placed) -> int:
        """Return the number by which a fault can be named, the same as long as it is there."""
        with self._lock:
            if placed not in self._numbers:
                self._count += 1
                self._numbers[placed] = self._count
            return self._numbers[placed]

    def keep(self, snapshot: Snapshot) -> int:
        """Keep a snapshot; return its number."""
        with self._lock:
            self._count += 1
            self._snapshots[str(self._count)] = snapshot
            return self._count

    def kept(self, number: str) -> Snapshot:
        """Return the snapshot of a number.

        Raises:
            Wrong: There is none.
        """
        found = self._snapshots.get(number)
        if found is None:
            raise not_found(f"there is no snapshot {number}")
        return found

    def drop(self, number: str) -> None:
        """Forget a snapshot.

        Raises:
            Wrong: There is none.
        """
        self.kept(number)
        self._snapshots.pop(number, None)


Operation: TypeAlias = "Callable[[Admin, Asked], Json]"


def show_state(admin: Admin, asked: Asked) -> Json:
    """Return what a first look shows."""
    state = admin.state
    now = state.clock.now()
    options = {name: value for name, value in asdict(state.options).items() if name in _OPTIONS}
    return {
        "version": VERSION,
        "url": admin.platform.url,
        "clock": shapes.clock(state.clock),
        "options": options,
        "quotas": show_quotas(admin, asked),
        "calls": {"last": state.journal.last, "kept": len(state.journal.calls())},
        "faults": len(admin.platform.faults),
        "jobs": {"running": sum(job.status(now) == jobs.RUNNING for job in _jobs(admin))},
        "services": len(state.account.services.all()),
    }


_OPTIONS = ("token_lifetime", "any_key", "any_endpoint", "any_dataset", "chunk_delay", "journal_size")


def show_keys(admin: Admin, asked: Asked) -> Json:
    """Return the platform's own keys, the same on every platform, for whoever starts a program from here."""
    del asked
    return {
        "api_key": admin.platform.api_key,
        "app_id": admin.platform.app_id,
        "environment": admin.platform.environment,
    }


def list_calls(admin: Admin, asked: Asked) -> Json:
    """Return calls, oldest first: the newest that fit, or those after a number."""
    journal = admin.state.journal
    after, limit = asked.number("after", 0), asked.number("limit", _USUAL_CALLS, most=_MOST_CALLS)
    last, kept = journal.last, journal.numbered()
    last = kept[-1][0] if kept else last
    if after > last:  # it is another platform's: this one has begun anew
        after = 0
    wanted = _filter(asked)
    newest = (shapes.line(number, call) for number, call in reversed(kept) if number > after)
    found = list(islice(filter(wanted, newest), limit))
    return {"calls": found[::-1], "first": kept[0][0] if kept else last + 1, "last": last}


def _filter(asked: Asked) -> Callable[[Json], bool]:
    """Return what says whether a call is one that the parameters ask for."""
    query = asked.query
    equal: Json = {name: query[name] for name in ("route", "model", "endpoint", "method") if name in query}
    equal |= {name: asked.number(name, 0) for name in ("status", "version") if name in query}
    if "failed" in query:
        equal["failed"] = query["failed"] != "false"
    text = query.get("text", "")
    return lambda line: text in line["text"] and all(line[name] == value for name, value in equal.items())


def show_call(admin: Admin, asked: Asked) -> Json:
    """Return one call in full, and how to make it again."""
    number = asked.path["number"]
    for known, call in admin.state.journal.numbered():
        if str(known) == number:
            url, seen = admin.platform.url, shapes.scrubbed(call)
            return {
                **shapes.line(known, call),
                "query": seen.query,
                "headers": seen.headers,
                "body": seen.body,
                "reply": scrub.content(call.reply),
                "curl": copies.curl(seen, url),
                "python": copies.python(seen, url),
            }
    raise not_found(f"the journal holds no call {number}")


def clear_calls(admin: Admin, asked: Asked) -> Json:
    """Empty the journal."""
    asked.given()
    admin.platform.clear()
    return {}


def show_clock(admin: Admin, asked: Asked) -> Json:
    """Return what the clock shows."""
    del asked
    return shapes.clock(admin.state.clock)


def advance(admin: Admin, asked: Asked) -> Json:
    """Move the clock forward."""
    admin.platform.advance(**asked.given(seconds=_TIME, minutes=_TIME, hours=_TIME, days=_TIME))
    return show_clock(admin, asked)


def freeze(admin: Admin, asked: Asked) -> Json:
    """Stop the clock."""
    asked.given()
    admin.platform.freeze()
    return show_clock(admin, asked)


def unfreeze(admin: Admin, asked: Asked) -> Json:
    """Let the clock run on."""
    asked.given()
    admin.platform.unfreeze()
    return show_clock(admin, asked)


def list_faults(admin: Admin, asked: Asked) -> Json:
    """Return the faults, in the order in which they are asked, and what chance began with."""
    del asked
    faults = admin.platform.faults
    return {"seed": faults.seed, "faults": [shapes.fault(admin.number(it), it) for it in faults]}


def add_fault(admin: Admin, asked: Asked) -> Json:
    """Add a fault, given as `Fault.as_json` writes it."""
    placed = admin.platform.faults.add(from_json(asked.body))
    return shapes.fault(admin.number(placed), placed)


def remove_fault(admin: Admin, asked: Asked) -> Json:
    """Take one fault off."""
    number = asked.path["number"]
    for placed in admin.platform.faults:
        if str(admin.number(placed)) == number:
            placed.remove()
            return {}
    raise not_found(f"there is no fault {number}")


def clear_faults(admin: Admin, asked: Asked) -> Json:
    """Take all faults off."""
    asked.given()
    admin.platform.faults.clear()
    return {}


def show_script(admin: Admin, asked: Asked) -> Json:
    """Return the rules of the script, in the order in which they are tried."""
    del asked
    script = admin.platform.script
    return {"strict": script.strict, "rules": [{"says": repr(rule), "calls": rule.calls} for rule in script]}


def add_to_script(admin: Admin, asked: Asked) -> Json:
    """Add rules, given as a script's file has them."""
    admin.platform.script.add(asked.body)
    return show_script(admin, asked)


def clear_script(admin: Admin, asked: Asked) -> Json:
    """Forget every rule."""
    asked.given()
    admin.platform.script.clear()
    return show_script(admin, asked)


def reset(admin: Admin, asked: Asked) -> Json:
    """Make the platform as new, with the same options."""
    asked.given()
    admin.platform.reset()
    return {}


def take_snapshot(admin: Admin, asked: Asked) -> Json:
    """Keep all that the platform knows, as long as this process runs."""
    asked.given()
    return {"id": admin.keep(admin.platform.snapshot())}


def restore_snapshot(admin: Admin, asked: Asked) -> Json:
    """Know what was known at a snapshot, and nothing that came later."""
    asked.given()
    admin.platform.restore(admin.kept(asked.path["number"]))
    return {}


def drop_snapshot(admin: Admin, asked: Asked) -> Json:
    """Forget a snapshot."""
    asked.given()
    admin.drop(asked.path["number"])
    return {}


def list_models(admin: Admin, asked: Asked) -> Json:
    """Return the catalogue's models of v2, the account's own, and what answers beside them."""
    del asked
    account = admin.state.account
    return {
        "catalogue": [
            {"name": model.id, "kind": kind, "reasoning": model.reasoning}
            for kind in KINDS
            for model in catalog.v2_models(kind)
        ],
        "published": [shapes.model(account, model) for model in account.models.all()],
        "endpoints": list_endpoints(admin)["endpoints"],
    }


def list_endpoints(admin: Admin, asked: Asked | None = None) -> Json:
    """Return the custom services that answer."""
    del asked
    return {"endpoints": [{"name": name, "kind": kind} for kind, name in admin.state.endpoints.snapshot()]}


def add_endpoint(admin: Admin, asked: Asked) -> Json:
    """Let a custom service answer."""
    given = asked.given(name=checks.text(), kind=checks.text())
    admin.platform.add_endpoint(_needed(given, "name"), given.get("kind", "chat"))
    return {"name": given["name"], "kind": given.get("kind", "chat")}


def list_jobs(admin: Admin, asked: Asked) -> Json:
    """Return the jobs of fine-tuning, the newest first, each with its task."""
    del asked
    account = admin.state.account
    names = {task.id: task.name for task in account.tasks.all()}
    found = sorted(_jobs(admin), key=lambda job: job.id, reverse=True)
    return {"jobs": [{**shapes.job(account, job), "task_name": names.get(job.task)} for job in found]}


def show_job(admin: Admin, asked: Asked) -> Json:
    """Return one job."""
    return shapes.job(admin.state.account, _job(admin, asked))


def fail_job(admin: Admin, asked: Asked) -> Json:
    """Let a running job fail."""
    given = asked.given(message=checks.text())
    _job(admin, asked)
    admin.platform.fail_job(asked.path["id"], **given)
    return show_job(admin, asked)


def list_services(admin: Admin, asked: Asked) -> Json:
    """Return the services of the account."""
    del asked
    account = admin.state.account
    return {"services": [shapes.service(account, service) for service in account.services.all()]}


def show_quotas(admin: Admin, asked: Asked) -> Json:
    """Return what each application may ask of each endpoint; null is unlimited."""
    del asked
    return asdict(admin.state.quotas.limits)


def set_quotas(admin: Admin, asked: Asked) -> Json:
    """Set all limits anew; one that is not given, or null, limits nothing."""
    whole = checks.integer(1)
    given = asked.given(qps=checks.number(0, 1_000_000, above=True), rpm=whole, tpm=whole)
    admin.state.quotas.limits = Limits(**given)
    return show_quotas(admin, asked)


def list_datasets(admin: Admin, asked: Asked) -> Json:
    """Return the datasets."""
    del asked
    return {"datasets": [shapes.record(dataset) for dataset in admin.state.account.datasets.all()]}


def add_dataset(admin: Admin, asked: Asked) -> Json:
    """Register a dataset of the lines that are given; no file of this machine is read."""
    given = asked.given(samples=checks.array, name=checks.text())
    return shapes.record(admin.platform.add_dataset(_needed(given, "samples"), given.get("name", "dataset")))


def add_application(admin: Admin, asked: Asked) -> Json:
    """Register an application."""
    made = admin.platform.add_application(**asked.given(ak=checks.text(), sk=checks.text()))
    return {"ak": made.ak, "sk": made.sk, "app_id": made.app_id}


def add_access_key(admin: Admin, asked: Asked) -> Json:
    """Register an access key."""
    made = admin.platform.add_access_key(**asked.given(ak=checks.text(), sk=checks.text()))
    return {"access_key": made.ak, "secret_key": made.sk}


def add_api_key(admin: Admin, asked: Asked) -> Json:
    """Register an API key of v2."""
    return {"api_key": admin.platform.add_api_key(**asked.given(key=checks.text())).key}


def revoke_tokens(admin: Admin, asked: Asked) -> Json:
    """Make every token issued so far unknown."""
    asked.given()
    admin.platform.revoke_tokens()
    return {}


#: By path under the prefix, then by method.
TABLE: dict[str, dict[str, Operation]] = {
    "/state": {"GET": show_state},
    "/keys": {"GET": show_keys},
    "/calls": {"GET": list_calls, "DELETE": clear_calls},
    "/calls/{number}": {"GET": show_call},
    "/clock": {"GET": show_clock},
    "/clock/advance": {"POST": advance},
    "/clock/freeze": {"POST": freeze},
    "/clock/unfreeze": {"POST": unfreeze},
    "/faults": {"GET": list_faults, "POST": add_fault, "DELETE": clear_faults},
    "/faults/{number}": {"DELETE": remove_fault},
    "/script": {"GET": show_script, "POST": add_to_script, "DELETE": clear_script},
    "/reset": {"POST": reset},
    "/snapshots": {"POST": take_snapshot},
    "/snapshots/{number}": {"DELETE": drop_snapshot},
    "/snapshots/{number}/restore": {"POST": restore_snapshot},
    "/models": {"GET": list_models},
    "/endpoints": {"GET": list_endpoints, "POST": add_endpoint},
    "/jobs": {"GET": list_jobs},
    "/jobs/{id}": {"GET": show_job},
    "/jobs/{id}/fail": {"POST": fail_job},
    "/services": {"GET": list_services},
    "/quotas": {"GET": show_quotas, "PUT": set_quotas},
    "/datasets": {"GET": list_datasets, "POST": add_dataset},
    "/applications": {"POST": add_application},
    "/access-keys": {"POST": add_access_key},
    "/api-keys": {"POST": add_api_key},
    "/tokens": {"DELETE": revoke_tokens},
}


def _jobs(admin: Admin) -> list[Job]:
    account = admin.state.account
    return [job for task in account.tasks.all() for job in account.jobs.of(task)]


def _job(admin: Admin, asked: Asked) -> Job:
    key = asked.path["id"]
    found = admin.state.account.jobs.get(key)
    if found is None:
        raise not_found(f"there is no job {key!r}")
    return found


def _needed(given: Json, name: str) -> Any:
    if name not in given:
        raise Wrong("invalid_argument", f"{name} is missing")
    return given[name]
