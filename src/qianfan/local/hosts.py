"""Names and addresses of machines: what a request is for, where it comes from, where a server listens."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")


def name(given: str) -> str:
    """Return the name of a host that somebody wrote down.

    Raises:
        ValueError: It is none, but an address of a page, say.
    """
    if not _NAME.fullmatch(given):
        raise ValueError(
            f"a host is allowed by its name, without scheme, port and wildcard, not as {given!r}"
        )
    return given


def is_local(host: str) -> bool:
    """Return whether a name or an address can only be this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    found = _address(host)
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return found is not None and (mapped or found).is_loopback


def is_address(host: str) -> bool:
    """Return whether a host is an IP address."""
    return _address(host) is not None


def without_port(host: str) -> str:
    """Return the name or the address of a header `Host`, in which an address of IPv6 stands in brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def plain(name: str) -> str:
    """Return a name as names are compared: in small letters, without the dot that ends a full one."""
    return name.lower().removesuffix(".")


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
