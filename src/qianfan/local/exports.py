"""Calls of the journal as files: JSON for programs, a shell script that makes them again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from qianfan.local import copies

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from qianfan.local.journal import Call
    from qianfan.local.wire import Json

_TOKEN = "QIANFAN_ACCESS_TOKEN"  # noqa: S105  # a variable's name

_ASK_FOR_IT = (
    '{token}=${{{token}:-$(curl -sS -X POST "{address}/oauth/2.0/token?grant_type=client_credentials'
    '&client_id=$QIANFAN_AK&client_secret=$QIANFAN_SK"'
    """ | sed -n 's/.*"access_token":"\\([^"]*\\)".*/\\1/p')}}"""
)


def jsonl(calls: Sequence[Call]) -> str:
    """Return calls as JSON, a line each."""
    return "".join(f"{_line(call)}\n" for call in calls)


def script(calls: Sequence[Call]) -> str:
    """Return a shell script that makes calls again in their order."""
    needed = set[str]().union(*map(copies.variables, calls))
    head = []
    if _TOKEN in needed:
        needed = needed - {_TOKEN} | {"QIANFAN_AK", "QIANFAN_SK"}
        head = [_ASK_FOR_IT.format(token=_TOKEN, address=copies.address(calls[0]))]
    if needed:
        head.insert(0, ": " + " ".join(f'"${{{name}:?}}"' for name in sorted(needed)))
    return "".join(f"{command}\n" for command in [*head, *(call.curl for call in calls)])


def written(text: str, path: str | os.PathLike[str] | None) -> str:
    """Return a text, and write it to a file where one is named."""
    if path is not None:
        Path(path).write_text(text, "utf-8")
    return text


def _line(call: Call) -> str:
    told = _told(call)
    try:
        return orjson.dumps(told).decode()
    except TypeError:  # its body is nested deeper than can be written
        return orjson.dumps({**told, "body": call.asked.decode("utf-8", "replace")}).decode()


def _told(call: Call) -> Json:
    names = ("time", "route", "version", "method", "path", "query", "headers", "endpoint", "model", "body")
    return {
        **{name: getattr(call, name) for name in (*names, "status", "reply", "error_code", "duration")},
        "rule": repr(call.rule) if call.rule else None,
        "fault": call.fault.as_json() if call.fault else None,
    }
