"""Many clients with different credentials in one process: no request ever carries another's."""

from __future__ import annotations

import asyncio
import re
import threading
from contextlib import suppress
from itertools import count, cycle

import pytest
from support.replies import answer, refusal, streamed, whole
from support.server import EXCHANGE_PATH, TOKEN_PATH
from support.v2 import answered, exchanged, refused
from support.v2 import streamed as streamed_v2

import qianfan

TENANTS = 50
CALLS = 4

#: The kinds of credential, each as a tenant of that number has it.
KINDS = {
    "api_key": lambda tenant: {"api_key": f"bce-v3/ALTAK-{tenant}/key"},
    "app_id": lambda tenant: {"api_key": "bce-v3/ALTAK-shared/key", "app_id": f"app-{tenant}"},
    "pair": lambda tenant: {"access_key": f"ALTAK{tenant}", "secret_key": f"secret-{tenant}"},
    "provider": lambda tenant: {"token_provider": lambda: f"provided-{tenant}"},
    "coroutine": lambda tenant: {"token_provider": _later(f"provided-{tenant}")},
    "application": lambda tenant: {"ak": tenant, "sk": f"secret-{tenant}"},
    "token": lambda tenant: {"access_token": f"24.{tenant}"},
    "signed v1": lambda tenant: {
        "access_key": f"ALTAK{tenant}",
        "secret_key": f"secret-{tenant}",
        "version": 1,
    },
}

_TENANT = re.compile(r"tenant-\d{4}")


def _later(bearer):
    async def provide():
        await asyncio.sleep(0)
        return bearer

    return provide


def who(request):
    """Return the tenants that a request names, each with where."""
    told = {
        "query": request.query.get("access_token", ""),
        "bearer": request.headers.get("authorization", ""),
        "application": request.headers.get("appid", ""),
        "body": request.body.decode(),
    }
    return {place: set(_TENANT.findall(text)) for place, text in told.items() if _TENANT.search(text)}


class Platform:
    """A platform whose tokens name their tenants, and which now and then refuses one."""

    def __init__(self):
        self._numbers = count(1)

    def __call__(self, request):
        """Answer a request."""
        if request.path == TOKEN_PATH:
            return whole({"access_token": f"24.{request.query['client_id']}", "expires_in": 2592000})
        if request.path == EXCHANGE_PATH:
            return exchanged(f"bce-v3/ALTAK-exchanged/{_TENANT.findall(request.headers['authorization'])[0]}")
        streams, on_v2 = b'"stream":true' in request.body, request.path.startswith("/v2/")
        if not next(self._numbers) % 10:
            return refused(401, "invalid_iam_token") if on_v2 else refusal(110, "old")
        if on_v2:
            return streamed_v2() if streams else answered()
        return streamed() if streams else answer()


@pytest.fixture
def tenants(server, network):
    """Return a client for each tenant, of one kind of credential after the other, with its name."""
    server.choose = server.choose_token = Platform()
    made = []
    for number, kind in zip(range(TENANTS), cycle(KINDS), strict=False):
        tenant = f"tenant-{number:04d}"
        arguments = {
            "base_url": server.url,
            "iam_base_url": server.url,
            "backoff_factor": 0,
            "retry_count": 9,
        }
        made.append((tenant, qianfan.Qianfan(**arguments, **network, **KINDS[kind](tenant))))
    yield made
    for _, client in made:
        client.close()


def question(tenant):
    """Return a question that names its tenant."""
    return [{"role": "user", "content": tenant}]


def ask(tenant, client):
    """Ask some questions in turn, every second in a stream."""
    for number in range(CALLS):
        with suppress(qianfan.errors.AuthError):  # a key that is refused, as this platform does now and then
            reply = client.chat.do(question(tenant), stream=bool(number % 2))
            assert (reply.collect() if number % 2 else reply)["result"]


async def aask(tenant, client):
    """Do the same in a task."""
    for number in range(CALLS):
        with suppress(qianfan.errors.AuthError):
            reply = await client.chat.ado(question(tenant), stream=bool(number % 2))
            assert (await reply.acollect() if number % 2 else reply)["result"]


def in_threads(tenants):
    """Ask for all tenants at once, each in a thread."""
    start = threading.Barrier(len(tenants))

    def run(tenant, client):
        start.wait()
        ask(tenant, client)

    threads = [threading.Thread(target=run, args=pair) for pair in tenants]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def in_tasks(tenants):
    """Ask for all tenants at once, each in a task."""

    async def run():
        await asyncio.gather(*(aask(tenant, client) for tenant, client in tenants))
        for _, client in tenants:
            await client._pool.aclose()  # the test's own connections, in this loop

    asyncio.run(run())


def in_both(tenants):
    """Ask for all tenants at once, in threads and in tasks."""
    beside = threading.Thread(target=in_tasks, args=(tenants,))
    beside.start()
    in_threads(tenants)
    beside.join()


@pytest.mark.parametrize("way", [in_threads, in_tasks, in_both], ids=["threads", "tasks", "both"])
def test_every_request_carries_its_own(server, tenants, way):
    """Fifty tenants with every kind of credential, all at once: each request names one tenant, the same throughout."""
    way(tenants)
    seen = set()
    for request in server.requests:
        named = who(request)
        assert len(named) >= 2, f"a request without a credential: {named}"
        assert len(set.union(*named.values())) == 1, f"a request that names several: {named}"
        seen |= named["body"]

    assert seen == {tenant for tenant, _ in tenants}


@pytest.mark.parametrize("way", [in_threads, in_tasks], ids=["threads", "tasks"])
def test_settings_of_the_process_do_not_leak_in(server, tenants, way, monkeypatch):
    """What the environment and the setters say while the calls run changes no client that is made already."""
    for name in ("API_KEY", "AK", "SK", "ACCESS_TOKEN", "ACCESS_KEY", "SECRET_KEY", "APP_ID"):
        monkeypatch.setenv(f"QIANFAN_{name}", "tenant-9999")
    qianfan.AK("tenant-9999")
    qianfan.SK("tenant-9999")
    try:
        way(tenants)
    finally:
        qianfan.AK(None)
        qianfan.SK(None)

    assert all("tenant-9999" not in repr(request) for request in server.requests)


def test_a_client_made_among_others_keys(server, network, monkeypatch):
    """A client that is given a key takes nothing else from the environment, whatever kind of call it makes."""
    for name in ("AK", "SK", "ACCESS_TOKEN", "ACCESS_KEY", "SECRET_KEY"):
        monkeypatch.setenv(f"QIANFAN_{name}", "tenant-9999")
    with qianfan.Qianfan(api_key="bce-v3/ALTAK-tenant-0001/key", base_url=server.url, **network) as client:
        client.chat.do(question("tenant-0001"))
        with pytest.raises(qianfan.errors.InvalidArgumentError, match="v2 has no plugin services"):
            client.plugin.do("你好", endpoint="shop")

    assert [who(request)["bearer"] for request in server.requests] == [{"tenant-0001"}]
    assert server.token_requests == []
