"""Running platforms, each with a caller."""

from __future__ import annotations

import pytest
from local_caller import Caller

import qianfan.local


@pytest.fixture
def start():
    """Start platforms with options; all are stopped at the end, and their callers closed."""
    callers = []

    def start(**options):
        callers.append(Caller(qianfan.local.platform(**options).start()))
        return callers[-1]

    yield start
    for caller in callers:
        caller.http.clear()
        caller.platform.stop()


@pytest.fixture(scope="module")
def shared():
    """A caller of one platform for a whole module, for tests that leave nothing behind on it."""
    with qianfan.local.platform() as platform:
        caller = Caller(platform)
        yield caller
        caller.http.clear()
