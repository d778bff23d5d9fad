"""Pages: v2 gives a list in parts, each of which says where the next begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qianfan.local import checks
from qianfan.local.console import fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from qianfan.local.wire import Json

_MOST_KEYS = 100  # of one page


def page(body: Json, records: Iterable[Any], name: str, show: Callable[[Any], Json]) -> Json:
    """Return one page of a list, newest first where `pageReverse`: from `marker` on, `maxKeys` at most.

    Raises:
        Refusal: 500001 one of these fields is wrong, or the marker names no record.
    """
    most = fields.optional(body, "maxKeys", checks.integer(1, _MOST_KEYS), _MOST_KEYS)
    marker = fields.optional(body, "marker", checks.text(), "")
    listed = list(records)
    if fields.optional(body, "pageReverse", checks.boolean, default=False):
        listed.reverse()
    keys: list[str] = [record.uid for record in listed]
    if marker and marker not in keys:
        raise fields.refusal(fields.PARAM, "marker names nothing in this list")
    first = keys.index(marker) if marker else 0
    rest = keys[first + most :]
    info: Json = {
        "marker": marker,
        "maxKeys": most,
        "isTruncated": bool(rest),
        "nextMarker": (rest or [""])[0],
    }
    return {"pageInfo": info, name: [show(record) for record in listed[first : first + most]]}
