"""A Redis for limits that are shared; where there is no redis-server, the tests say so and are skipped."""

from __future__ import annotations

import gc
import itertools
import os

import pytest
from support.processes import steers
from support.redis_server import PATH, RedisServer
from support.server import Server
from support.worlds import World

import qianfan

_names = itertools.count(1)


def pytest_collection_modifyitems(items):
    """Skip the tests of this folder where there is no redis-server."""
    if PATH is None:
        missing = pytest.mark.skip(reason="no redis-server: scripts/setup redis, or REDIS_SERVER=<path>")
        for item in items:
            if item.path.parent.name == "shared":
                item.add_marker(missing)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch):
    """Take away what the developer's machine says about keys and proxies."""
    for variable in list(os.environ):
        if steers(variable):
            monkeypatch.delenv(variable)


@pytest.fixture(autouse=True)
def _nothing_left():
    """Collect what a test left behind while its name still stands in the report."""
    yield
    gc.collect(1)


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory):
    """A Redis for tests that do not mind each other."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def redis_server(tmp_path):
    """A Redis of the test's own, to be killed and halted."""
    with RedisServer(tmp_path) as running:
        yield running


@pytest.fixture
def limiter_for():
    """Make limiters; those of one test have one name, as in processes of one program, and no other test has it."""
    name, made = f"test-{next(_names)}", []

    def limiter_for(redis, **arguments):
        arguments = {"name": name, **arguments}
        made.append(qianfan.RedisRateLimiter(redis.url, **arguments))
        return made[-1]

    yield limiter_for
    for limiter in made:
        limiter.close()


@pytest.fixture
def server():
    """A scripted server."""
    with Server() as running:
        yield running


@pytest.fixture(params=["sync", "async"])
def world(request):
    """Both worlds in turn."""
    way = World(request.param)
    yield way
    way.close()
