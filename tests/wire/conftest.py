"""Fixtures of the wire tests: a scripted server, clients for it, and the four ways of calling."""

from __future__ import annotations

import gc
import itertools
import os
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from support.processes import steers
from support.server import Server
from support.worlds import KEY, SK, WAYS, World

import qianfan
from qianfan.drivers.shared import TOKENS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the developer's machine says about proxies, certificates and keys."""
    for variable in os.environ:
        if steers(variable):
            monkeypatch.delenv(variable)


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Collect what a test left behind while its name still stands in the report."""
    yield
    gc.collect(1)  # what is older is not this test's, and would take ten times as long
    TOKENS.clear()  # they are kept by the address of a server, and a later one may have the same


@pytest.fixture
def server() -> Iterator[Server]:
    """Return a scripted server."""
    with Server() as running:
        yield running


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Return a certificate authority that nobody trusts unless told to."""
    return trustme.CA()


@pytest.fixture(scope="session")
def trusted(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with the authority's certificate."""
    bundle = tmp_path_factory.mktemp("authority") / "trusted.pem"
    authority.cert_pem.write_to_path(str(bundle))
    return bundle


@pytest.fixture
def network(trusted: Path) -> dict[str, Any]:
    """Return network settings that no other test has, so that the connections are the test's own."""
    bundle = trusted.with_name(f"{next(_numbers)}.pem")
    bundle.symlink_to(trusted)
    return {"ca_bundle": str(bundle)}


@pytest.fixture
def keys() -> dict[str, str]:
    """Return credentials that no other test has."""
    return {"ak": f"ak-{next(_numbers):08d}", "sk": SK}


@pytest.fixture
def make(
    server: Server, network: dict[str, Any], keys: dict[str, str], request: pytest.FixtureRequest
) -> Iterator[Callable[..., qianfan.Qianfan]]:
    """Return a maker of clients for the server, closed when the test is over."""
    world: World | None = request.getfixturevalue("world") if "world" in request.fixturenames else None
    made: list[qianfan.Qianfan] = []

    def make(**arguments: Any) -> qianfan.Qianfan:
        arguments = {"base_url": server.url, "backoff_factor": 0, **keys, **network, **arguments}
        made.append(qianfan.Qianfan(**arguments))
        return made[-1]

    yield make
    for client in made:
        if world is not None and world.is_async:
            world.run(client.aclose())
        client.close()


@pytest.fixture
def chat(make: Callable[..., qianfan.Qianfan]) -> Any:
    """Return the chat of a client for the server."""
    return make().chat


@pytest.fixture(params=WAYS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Return each of the four ways of calling in turn."""
    way = World(request.param)
    yield way
    way.close()


@pytest.fixture
def make_v2(make: Callable[..., qianfan.Qianfan], server: Server) -> Callable[..., qianfan.Qianfan]:
    """Return a maker of clients of v2 for the server; without a credential they have an API key."""

    def make_v2(**credential: Any) -> qianfan.Qianfan:
        own = (
            credential
            if {"api_key", "access_key", "token_provider"} & set(credential)
            else {"api_key": KEY, **credential}
        )
        return make(**{"ak": "", "sk": "", "iam_base_url": server.url, **own})

    return make_v2


@pytest.fixture
def pair() -> dict[str, str]:
    """Return an IAM key pair that no other test has."""
    return {"access_key": f"ALTAK{next(_numbers):020d}", "secret_key": SK}
