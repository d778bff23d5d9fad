"""What it takes to let other machines in: the user's leave, and a token that nobody else knows."""

from __future__ import annotations

import secrets

from qianfan.local import hosts

_LEAST = 16  # characters of a token
_BYTES = 24  # of a token that is made up


def token(host: str, given: str | None, *, allowed: bool) -> str | None:
    """Return the admin token of a platform, from which its own keys are made; None where it needs none.

    Args:
        host: The address it listens on.
        given: The token, if its user has one.
        allowed: Whether other machines are to be let in.

    Raises:
        ValueError: The address is open to other machines that are not let in, or the token is too short,
            cannot stand in a header, or is for nothing.
    """
    if allowed:
        if given is not None and (
            len(given) < _LEAST or not given.isascii() or not given.isprintable() or " " in given
        ):
            raise ValueError(f"an admin token has at least {_LEAST} characters, ASCII without spaces")
        return given or secrets.token_urlsafe(_BYTES)
    if given is not None:
        raise ValueError(
            "an admin token (QIANFAN_ADMIN_TOKEN) is for platforms that let other machines in "
            "(--allow-remote, allow_remote=True)"
        )
    if not hosts.is_local(hosts.plain(host)):
        raise ValueError(
            f"other machines can reach the host {host!r}: let them in (--allow-remote, allow_remote=True), "
            "with keys of this platform's own, or listen on 127.0.0.1"
        )
    return None
