"""What calls used, and budgets for it: in both worlds, on both APIs, whole and in events, many at once."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
import threading
import time

import pytest
from support.processes import python
from support.server import closed_port
from support.worlds import MESSAGES, streams, unary

import qianfan
from qianfan.core.ledger import Amount, Limits
from qianfan.errors import (
    BudgetExceededError,
    ConnectionFailedError,
    InvalidArgumentError,
    RateLimitTimeoutError,
    RequestError,
)
from qianfan.local.png import draw

#: The estimate for the question that all tests ask: two characters, and a word for the role.
ASKED = 3

#: A model by its name on either version.
ERNIE = {1: "ERNIE-Bot", 2: "ernie-3.5-8k"}


@pytest.fixture(params=[1, 2], ids=["v1", "v2"])
def version(request):
    """Each of the two APIs in turn."""
    return request.param


@pytest.fixture
def client(platform, version, world):
    """A client of the platform."""
    client = platform.client(version=version, backoff_factor=0)
    yield client
    world.close_client(client)
    client.close()


def plain(platform, **settings):
    """Return a client of v1, where the test has no world."""
    return platform.client(backoff_factor=0, **settings)


def test_usage_is_what_the_replies_say(world, platform, client, version):
    """By model as it is called on the wire, whatever name was passed; the default model by its own."""
    first = world.ask(client.chat, model="ERNIE-Bot").reply.usage
    second = world.ask(client.chat, model="ernie-bot").reply.usage
    third = world.ask(client.chat).reply.usage
    default = {1: "ERNIE-Bot-turbo", 2: "ernie-lite-8k"}[version]

    usage = client.usage
    assert set(usage) == {ERNIE[version], default}
    assert usage[ERNIE[version]] == (
        2,
        first.prompt_tokens + second.prompt_tokens,
        first.completion_tokens + second.completion_tokens,
        first.total_tokens + second.total_tokens,
        0,
        0,
    )
    assert usage[default].total_tokens == third.total_tokens
    assert usage.sum.requests == len(platform.calls("chat")) == 3


def test_a_service_of_ones_own_has_its_name(world, platform, client):
    """What is asked by its endpoint stands under it, with a model's name beside it or not."""
    platform.add_endpoint("mine", kind="chat")

    world.ask(client.chat, endpoint="mine")
    world.ask(client.chat, endpoint="mine", model="ERNIE-Bot")

    assert {name: used.requests for name, used in client.usage.items()} == {"mine": 2}


def test_a_budget_of_requests(world, platform, client):
    """What would pass it is told before it is sent, with what is used; outside nothing is limited."""
    with client.budget(requests=2) as budget:
        for _ in range(2):
            assert world.ask(client.chat).error is None
        error = world.ask(client.chat).error

    assert type(error) is BudgetExceededError
    assert (error.limits, error.used.requests, error.call.requests) == (Limits(2, None), 2, 1)
    assert "budget" in str(error)
    assert len(platform.calls("chat")) == budget.used.requests == 2
    assert world.ask(client.chat).error is None


def test_a_budget_of_tokens(world, platform, client, version):
    """A call must fit with the most its answer may take; then counts what the reply says."""
    with client.budget(tokens=150) as budget:
        unsaid = world.ask(client.chat).error
        said = world.ask(client.chat, model=ERNIE[version], max_output_tokens=100)

    assert type(unsaid) is BudgetExceededError
    assert unsaid.call == Amount(1, 1024 + ASKED)
    assert said.error is None
    assert budget.used == Amount(1, said.reply.usage.total_tokens)
    assert budget.remaining == Limits(None, 150 - said.reply.usage.total_tokens)
    assert len(platform.calls("chat")) == 1


def test_attempts_count(world, platform, client):
    """Each attempt is a request; a refused one used no token, and none is sent that would pass the budget."""
    platform.on("chat", times=2).code(18)
    with client.budget(tokens=10_000) as budget:
        outcome = world.ask(client.chat)

    assert budget.used == Amount(3, outcome.reply.usage.total_tokens)
    assert (client.usage.sum.requests, client.usage.sum.failed, client.usage.sum.untold) == (3, 2, 0)

    platform.on("chat", times=2).code(18)
    with client.budget(requests=1):
        error = world.ask(client.chat).error

    assert type(error) is BudgetExceededError
    assert len(error.attempts) == 1
    assert len(platform.calls("chat")) == 4


@pytest.mark.parametrize(("fault", "arguments"), [("stall", ()), ("status", (502,))])
def test_silence_may_have_used_all(world, platform, client, fault, arguments):
    """Where no answer comes, the estimate stays used, and the usage says that it was not told."""
    getattr(platform.on("chat"), fault)(*arguments)
    with client.budget() as budget:
        error = world.ask(client.chat, request_timeout=0.5, retry_count=1).error

    assert isinstance(error, RequestError)
    assert budget.used == Amount(1, 1024 + ASKED)
    assert (client.usage.sum.failed, client.usage.sum.untold, client.usage.sum.total_tokens) == (1, 1, 0)


def test_what_is_not_sent_is_no_request(world, platform, version):
    """No connection, or no place in the rate limit in time: nothing was sent, nothing counts."""
    nowhere = platform.client(version=version, base_url=f"http://127.0.0.1:{closed_port()}", backoff_factor=0)
    limited = platform.client(version=version, request_per_minute=1)
    with nowhere.budget() as budget:
        keys = {} if version == 2 else {"retry_count": 1}
        assert type(world.ask(nowhere.chat, **keys).error) is ConnectionFailedError
    with limited.budget() as other:
        world.ask(limited.chat)
        assert type(world.ask(limited.chat, request_timeout=0.2).error) is RateLimitTimeoutError

    assert budget.used == Amount(0, 0)
    assert other.used.requests == limited.usage.sum.requests == len(platform.calls("chat")) == 1
    for client in (nowhere, limited):
        world.close_client(client)
        client.close()


@streams
def test_a_stream_that_is_closed(world, platform, client):
    """A stream that is left early keeps the estimate: how much the service wrote, nobody told."""
    platform.on("chat").stall(after=1)
    with client.budget() as budget:
        opened = world.open(client.chat, max_output_tokens=300, model="ERNIE-Bot")
        opened.next()
        assert budget.in_flight == Amount(1, 300 + ASKED)
        opened.close()

    assert (budget.used, budget.in_flight) == (Amount(1, 300 + ASKED), Amount(0, 0))
    assert (client.usage.sum.requests, client.usage.sum.failed, client.usage.sum.untold) == (1, 0, 1)


@streams
def test_a_stream_that_breaks(world, platform, client):
    """A stream that is cut has failed, and keeps the estimate."""
    platform.on("chat").cut(after=1)
    with client.budget() as budget:
        assert isinstance(world.ask(client.chat).error, RequestError)

    assert budget.used == Amount(1, 1024 + ASKED)
    assert (client.usage.sum.failed, client.usage.sum.untold) == (1, 1)


@streams
def test_a_stream_goes_on_when_its_block_is_left(world, client):
    """What began under a budget counts there, whenever it ends."""
    with client.budget() as budget:
        opened = world.open(client.chat)
    opened.rest()

    assert budget.used.tokens == client.usage.sum.total_tokens > 0


def test_nested(world, platform, client):
    """Each budget that is open holds."""
    with client.budget(requests=3) as outer:
        world.ask(client.chat)
        with client.budget(requests=1) as inner:
            world.ask(client.chat)
            assert world.ask(client.chat).error.limits == Limits(1, None)
        world.ask(client.chat)
        assert world.ask(client.chat).error.limits == Limits(3, None)

    assert (outer.used.requests, inner.used.requests, len(platform.calls("chat"))) == (3, 1, 3)


def test_derived_clients(world, client):
    """What `with_options` makes has books of its own and keeps the budgets it comes from."""
    mine = client.with_options(retry_count=1)
    with client.budget(requests=2) as wide, mine.budget(requests=1) as narrow:
        assert world.ask(mine.chat).error is None
        assert type(world.ask(mine.chat).error) is BudgetExceededError
        assert world.ask(client.chat).error is None

    assert (wide.used.requests, narrow.used.requests) == (2, 1)
    assert (client.usage.sum.requests, mine.usage.sum.requests) == (2, 1)
    world.close_client(mine)


def kinds(platform):
    """Return a call of every kind of service, by the name that its usage has on v1."""
    platform.add_endpoint("shop", kind="plugin")
    return {
        "ERNIE-Bot-turbo": ("completions", "你好", {}),
        "SQLCoder-7B": ("completions", "所有用户", {"model": "SQLCoder-7B"}),
        "Embedding-V1": ("embeddings", ["一", "二"], {}),
        "bce-reranker-base_v1": ("rerank", "山", {"documents": ["高山", "大海"]}),
        "Stable-Diffusion-XL": ("images", "山", {}),
        "Fuyu-8B": ("image2text", "这是什么", {"image": draw("山", 8, 8, {})}),
        "shop": ("plugin", "你好", {"endpoint": "shop"}),
    }


@unary
def test_every_kind_counts(world, platform):
    """Whatever is asked of a model or a service stands in the usage and keeps the budget."""
    client = plain(platform)
    calls = kinds(platform)
    with client.budget(requests=len(calls)) as budget:
        for resource, asked, parameters in calls.values():
            outcome = world.ask(getattr(client, resource), asked, **parameters)
            assert outcome.error is None, resource
        for resource, asked, parameters in calls.values():
            error = world.ask(getattr(client, resource), asked, **parameters).error
            assert type(error) is BudgetExceededError

    assert {name: used.requests for name, used in client.usage.items()} == dict.fromkeys(calls, 1)
    assert budget.used.tokens == client.usage.sum.total_tokens
    world.close_client(client)
    client.close()


@unary
def test_parts_of_a_call_count_each(world, platform, client):
    """A call sent in several requests stops where the budget ends, with what it has so far."""
    with client.budget(requests=2) as budget:
        error = world.ask(client.embeddings, ["一", "二", "三"], batch_size=1, concurrency=1).error

    assert type(error) is BudgetExceededError
    assert error.inputs == range(2, 3)
    assert len(error.partial["data"]) == budget.used.requests == len(platform.calls("embedding")) == 2


@unary
def test_what_asks_no_model_is_not_counted(world, platform):
    """Tokens fetched and counted, models listed, and the console keep no budget and are no usage."""
    client = platform.client(version=2)
    old = plain(platform)
    with client.budget(requests=0), old.budget(requests=0):
        world.call(client.models, "list")
        world.call(old, "access_token")
        world.call(old.tokenizer, "count_tokens", "你好", mode="remote")
        world.call(old.finetune, "create_task", name="demo")

    assert client.usage.sum == old.usage.sum == (0,) * 6
    for each in (client, old):
        world.close_client(each)
        each.close()


@pytest.mark.parametrize("requests", [1, 50])
def test_many_at_once(platform, requests):
    """Eight threads and 64 tasks under one budget send exactly what it allows, and each is counted."""
    client = plain(platform)
    outcomes = []

    def ask():
        try:
            return client.chat.do(MESSAGES)
        except BudgetExceededError as error:
            return error

    def work():
        outcomes.extend(ask() for _ in range(10))

    threads = [threading.Thread(target=work) for _ in range(8)]

    async def tasks():
        outcomes.extend(
            await asyncio.gather(*(client.chat.ado(MESSAGES) for _ in range(64)), return_exceptions=True)
        )
        for thread in threads:
            await asyncio.to_thread(thread.join)
        await client.aclose()

    with client.budget(requests=requests) as budget:
        for thread in threads:
            thread.start()
        asyncio.run(tasks())

    replies = [outcome for outcome in outcomes if isinstance(outcome, qianfan.Response)]
    assert len(outcomes) == 8 * 10 + 64
    assert all(isinstance(other, BudgetExceededError) for other in outcomes if other not in replies)
    assert len(replies) == len(platform.calls("chat")) == budget.used.requests == requests
    total = sum(reply.usage.total_tokens for reply in replies)
    assert client.usage.sum.total_tokens == budget.used.tokens == total


def seen(platform):
    """Wait until a call has reached the platform."""
    deadline = time.monotonic() + 30
    while not platform.calls("chat"):
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_cancelled_call_keeps_its_estimate(platform):
    """A task that is cancelled while it waits for its answer may have been billed."""
    client = plain(platform)
    platform.on("chat").stall()

    async def scene():
        task = asyncio.ensure_future(client.chat.ado(MESSAGES))
        await asyncio.to_thread(seen, platform)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.aclose()

    with client.budget() as budget:
        asyncio.run(scene())
    client.close()

    assert (budget.used, budget.in_flight) == (Amount(1, 1024 + ASKED), Amount(0, 0))
    assert (client.usage.sum.failed, client.usage.sum.untold) == (0, 1)


@pytest.mark.parametrize("name", ["tokens", "requests"])
@pytest.mark.parametrize("value", [-1, 0.5, "200", True])
def test_bad_limits(platform, name, value):
    """What is no whole number from 0 is told at once."""
    client = plain(platform)
    with pytest.raises(InvalidArgumentError, match=name):
        client.budget(**{name: value})
    client.close()


def test_classic_objects_have_a_client(platform, monkeypatch):
    """The classes of 2023 lead to the books of the client they made."""
    for name, value in {"AK": platform.ak, "SK": platform.sk, "BASE_URL": platform.url}.items():
        monkeypatch.setenv(f"QIANFAN_{name}", value)
    chat = qianfan.ChatCompletion()
    with chat.client.budget(requests=1):
        chat.do(MESSAGES)
        with pytest.raises(BudgetExceededError):
            chat.do(MESSAGES)

    assert chat.client.usage.sum.requests == 1
    chat.client.close()


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])  # noqa: S301
def test_copies_start_anew(platform, copied):
    """A copied or pickled client has used nothing yet and has no open budget; its first goes on."""
    client = plain(platform)
    with client.budget(requests=1):
        client.chat.do(MESSAGES)
        twin = copied(client)
        twin.chat.do(MESSAGES)

    assert (client.usage.sum.requests, twin.usage.sum.requests) == (1, 1)
    usage = copied(client.usage)
    assert (dict(usage), usage.sum) == (dict(client.usage), client.usage.sum)
    for each in (client, twin):
        each.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_starts_anew():
    """A forked child counts from 0, and keeps the budget that was open, as far as it was used."""
    out = python(
        f"""
        import os, warnings, qianfan
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of every fork beside threads
        with qianfan.local.platform() as platform, platform.client() as client, client.budget(requests=3) as budget:
            client.chat.do({MESSAGES!r})
            pid = os.fork()
            if not pid:
                client.chat.do({MESSAGES!r})
                print(client.usage.sum.requests, budget.used.requests, flush=True)
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
            client.chat.do({MESSAGES!r})
            print(client.usage.sum.requests, budget.used.requests)
        """,
        strict=False,
    )

    assert out == "1 2\n2 2\n"
