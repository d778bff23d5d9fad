"""What every end-to-end test starts from: no setting but its own, and a local platform of its own."""

from __future__ import annotations

import gc
import os

import aiohttp  # noqa: F401  # see _few_objects_to_look_at
import pytest
import starlette.applications  # noqa: F401  # see _few_objects_to_look_at
import urllib3  # noqa: F401  # see _few_objects_to_look_at
import uvicorn  # noqa: F401  # see _few_objects_to_look_at
from applications import register
from support.many import Many
from support.processes import steers
from support.worlds import WAYS, World

import qianfan
from qianfan.drivers import pools
from qianfan.drivers.shared import TOKENS


@pytest.fixture(scope="session", autouse=True)
def _few_objects_to_look_at():
    """Keep what is already there out of the collections after every test: they then take a millisecond."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch):
    """Take away what the developer's machine says about keys and proxies, and the setters' words after."""
    for variable in list(os.environ):
        if steers(variable):
            monkeypatch.delenv(variable)
    yield
    for take_back in (qianfan.AK, qianfan.SK, qianfan.AccessToken, qianfan.AccessKey, qianfan.SecretKey):
        take_back(None)


@pytest.fixture(autouse=True)
def _nothing_left():
    """Collect what a test left behind while its name still stands in the report.

    Clients that are dropped leave their connections to the next one of the same network; here each has a
    platform of its own, and a thousand tests would keep a thousand of them. Tokens are kept by the address of
    a platform, and a later one may have the same.
    """
    yield
    gc.collect()
    pools._close_all()
    TOKENS.clear()


@pytest.fixture
def start():
    """Start platforms with options; all are stopped at the end."""
    running = []

    def start(**options):
        running.append(qianfan.local.platform(**options).start())
        return running[-1]

    yield start
    for platform in running:
        platform.stop()


@pytest.fixture
def platform(start):
    """A platform with the usual options."""
    return start()


@pytest.fixture
def echo(platform):
    """A platform whose models say what they are asked."""
    platform.reply(with_=lambda request: "答：" + request.text)
    return platform


@pytest.fixture(params=["map", "amap"])
def many(request):
    """Each of the two ways of asking for many in turn."""
    return Many(request.param)


@pytest.fixture
def make(request):
    """Make clients for a platform, with keys of their own; all are closed at the end."""
    world = request.getfixturevalue("world") if "world" in request.fixturenames else None
    clients = []

    def make(platform, **settings):
        if not {"ak", "sk", "access_token"} & settings.keys():
            application = register(platform)
            settings = {"ak": application.ak, "sk": application.sk, **settings}
        clients.append(qianfan.Qianfan(**{"base_url": platform.url, "backoff_factor": 0, **settings}))
        return clients[-1]

    yield make
    for client in clients:
        if world is not None:
            world.close_client(client)
        client.close()


@pytest.fixture
def chat(make, platform):
    """The chat of a client for the platform."""
    return make(platform).chat


@pytest.fixture(params=WAYS)
def world(request):
    """Each of the four ways of calling in turn."""
    way = World(request.param)
    yield way
    way.close()
