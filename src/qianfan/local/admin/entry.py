"""Who may use the admin API: programs of this machine and pages of this platform's own, or whoever has its token."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from qianfan.local import hosts
from qianfan.local.admin.asked import Wrong

if TYPE_CHECKING:
    from collections.abc import Mapping

_SAME = {"same-origin", "none"}  # of `Sec-Fetch-Site`: the page's own request, or the user's


def refusal(client: str, method: str, headers: Mapping[str, str], token: str | None = None) -> Wrong | None:
    """Return why a request is not let in; None where it is.

    Where there is a token, it alone opens: what comes from this machine may come from a proxy that stands
    before the platform, with anybody's requests.

    Args:
        client: The address it comes from.
        method: The HTTP method.
        headers: Its headers by lower-case name.
        token: The admin token of a platform that lets other machines in.
    """
    if token is None:
        complaint = _complaint(client, method, headers)
        return Wrong("forbidden", complaint, 403) if complaint else None
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode()):
        return None
    return Wrong(
        "unauthorized",
        "this platform lets other machines in: send its admin token as bearer, from here too",
        401,
    )


def _complaint(client: str, method: str, headers: Mapping[str, str]) -> str | None:
    """Return why a request is not of this machine.

    What a browser sends for somebody else's page is recognised by the headers that only browsers write:
    a name in `Host` that leads to this machine by a trick, an `Origin`, or a body without JSON's type,
    which alone needs no leave.
    """
    host = headers.get("host", "")
    if not hosts.is_local(client):
        return "the admin API answers this machine only"
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
