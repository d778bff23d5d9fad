"""Who may use the admin API: programs of this machine, and pages that this platform served itself."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_SAME = {"same-origin", "none"}  # of `Sec-Fetch-Site`: the page's own request, or the user's


def complaint(client: str, method: str, headers: Mapping[str, str]) -> str | None:
    """Return why a request is not let in; None where it is.

    What a browser sends for somebody else's page is recognised by the headers that only browsers write:
    a name in `Host` that leads to this machine by a trick, an `Origin`, or a body without JSON's type,
    which alone needs no leave.

    Args:
        client: The address it comes from.
        method: The HTTP method.
        headers: Its headers by lower-case name.
    """
    host = headers.get("host", "")
    if not is_loopback(client):
        return "the admin API answers on the machine that the platform runs on"
    if not is_loopback(_name(host)):
        return f"the admin API answers at a loopback address, not at {host!r}"
    if headers.get("origin", f"http://{host}") != f"http://{host}":
        return "the admin API answers no page of another origin"
    if headers.get("sec-fetch-site", "none") not in _SAME:
        return "the admin API answers no page of another site"
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if method not in {"GET", "HEAD"} and media_type != "application/json":
        return "the admin API takes what changes something with content-type: application/json"
    return None


def is_loopback(host: str) -> bool:
    """Return whether an address, or the name `localhost`, is this machine."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _name(host: str) -> str:
    """Return a `Host` without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()
