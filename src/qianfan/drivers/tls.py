"""The TLS context of a network, the same for both transports."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from qianfan.errors import InvalidArgumentError

if TYPE_CHECKING:
    from qianfan.settings import Network


def context(network: Network) -> ssl.SSLContext:
    """Return a context that verifies against the system's certificates, or those of `ca_bundle`."""
    try:
        made = ssl.create_default_context(cafile=network.ca_bundle)
    except (OSError, ssl.SSLError) as error:
        raise InvalidArgumentError(
            f"ca_bundle={network.ca_bundle!r} cannot be read: {error}",
            hint="name a PEM file with certificates",
        ) from None
    if not network.verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made
