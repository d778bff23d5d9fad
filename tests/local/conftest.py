"""Running platforms, each with a caller."""

from __future__ import annotations

import logging

import pytest
from console_caller import Console
from local_caller import Caller
from support.server import Server

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


@pytest.fixture(scope="module")
def open_platform():
    """A platform that lets everybody in, so that whatever is sent comes far."""
    with qianfan.local.platform(any_key=True, any_endpoint=True, any_dataset=True) as running:
        yield running


@pytest.fixture
def quiet(caplog):
    """Nothing is logged as an error: neither a fault of a platform's nor one of its event loop."""
    caplog.set_level(logging.WARNING, "asyncio")
    caplog.set_level(logging.WARNING, "qianfan")
    yield
    ours = [record for record in caplog.records if record.name in ("asyncio", "qianfan")]
    assert [record.getMessage() for record in ours] == []


@pytest.fixture
def console():
    """Start platforms with options, each with a caller of its console; all are stopped at the end."""
    callers = []

    def start(**options):
        callers.append(Console(qianfan.local.platform(**options).start()))
        return callers[-1]

    yield start
    for caller in callers:
        caller.http.clear()
        caller.platform.stop()


@pytest.fixture
def still(console):
    """A caller of a console whose clock stands at 2023-11-15 06:13:20 of China until it is advanced."""
    return console(clock=qianfan.local.Clock(lambda: 1_700_000_000.0))


@pytest.fixture(scope="module")
def shared_console():
    """A caller of one platform's console for a whole module, for tests that do not mind each other."""
    with qianfan.local.platform() as platform:
        caller = Console(platform)
        yield caller
        caller.http.clear()


@pytest.fixture
def upstream():
    """A scripted server that stands for one with the words."""
    with Server() as running:
        yield running


@pytest.fixture
def behind(start, upstream):
    """Start platforms whose words the scripted server has, with options."""

    def behind(**options):
        return start(upstream=f"{upstream.url}/v1", **options)

    return behind
