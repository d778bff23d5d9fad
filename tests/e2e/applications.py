"""Applications whose keys no other test has."""

from __future__ import annotations

import itertools

_numbers = itertools.count(1)


def register(platform):
    """Return a new application of a platform; no token of another test can serve it."""
    number = next(_numbers)
    return platform.add_application(f"ak-{number:08d}", f"sk-5up3r53cr3t-{number:08d}")
