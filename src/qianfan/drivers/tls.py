"""The TLS context of a network, the same for both transports."""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING

from qianfan.errors import InvalidArgumentError
from qianfan.log import log

if TYPE_CHECKING:
    from qianfan.settings import Network


def context(network: Network) -> ssl.SSLContext:
    """Return a context that verifies against the system's certificates, or those of `ca_bundle`."""
    bundle = network.ca_bundle
    try:
        if bundle and os.path.isdir(bundle):  # noqa: PTH112  # OpenSSL takes a path, not a Path
            made = ssl.create_default_context(capath=bundle)
        else:
            made = ssl.create_default_context(cafile=bundle)
    except (OSError, ssl.SSLError) as error:
        raise InvalidArgumentError(
            f"ca_bundle={bundle!r} cannot be read: {error}",
            hint="name a PEM file with certificates, or a folder that c_rehash prepared",
        ) from None
    if not network.verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
        log.warning("TLS certificates are not verified, as verify=False asks")
    return made
