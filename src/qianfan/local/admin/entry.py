"""Who may use the admin API: programs of this machine, pages that this platform served itself, and whoever has its token."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from qianfan.local import hosts

if TYPE_CHECKING:
    from collections.abc import Mapping

_SAME = {"same-origin", "none"}  # of `Sec-Fetch-Site`: the page's own request, or the user's


def complaint(client: str, method: str, headers: Mapping[str, str], token: str | None = None) -> str | None:
    """Return why a request is not let in; None where it is.

    What a browser sends for somebody else's page is recognised by the headers that only browsers write:
    a name in `Host` that leads to this machine by a trick, an `Origin`, or a body without JSON's type,
    which alone needs no leave.

    Args:
        client: The address it comes from.
        method: The HTTP method.
        headers: Its headers by lower-case name.
        token: The admin token, which opens to other machines; None where there is none.
    """
    host = headers.get("host", "")
    if not _is_known(token, headers):
        if not hosts.is_local(client):
            return "the admin API answers other machines that send the admin token as bearer"
        if not hosts.is_local(hosts.plain(hosts.without_port(host))):
            return f"the admin API answers at a loopback address, not at {host!r}"
    if headers.get("origin", f"http://{host}") != f"http://{host}":
        return "the admin API answers no page of another origin"
    if headers.get("sec-fetch-site", "none") not in _SAME:
        return "the admin API answers no page of another site"
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if method not in {"GET", "HEAD"} and media_type != "application/json":
        return "the admin API takes what changes something with content-type: application/json"
    return None


def _is_known(token: str | None, headers: Mapping[str, str]) -> bool:
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return (
        token is not None
        and scheme.lower() == "bearer"
        and hmac.compare_digest(given.strip().encode(), token.encode())
    )
