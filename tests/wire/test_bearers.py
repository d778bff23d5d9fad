"""What calls of v2 carry: an API key, a bearer exchanged for an IAM key pair, one that a function provides."""

from __future__ import annotations

import asyncio
import itertools
import threading
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
from baidubce.auth import bce_v1_signer
from baidubce.auth.bce_credentials import BceCredentials
from support.replies import CLOSE, RESET, STALL, Gate, page, whole
from support.server import Server
from support.v2 import exchange_refused, exchanged, refused
from support.worlds import KEY, MESSAGES, SK, World, crosswise, unary

from qianfan.errors import AuthError, InvalidArgumentError, RequestError, RequestTimeoutError

GREETING = "你好，很高兴见到你。"

TOKEN_REFUSED = refused(401, "invalid_iam_token", "IAM Certification failed")


def carried(server):
    """Return the bearers of the calls that came, in their order."""
    return [sent.headers.get("authorization", "").removeprefix("Bearer ") for sent in server.requests]


class TestKey:
    """An API key."""

    def test_headers(self, world, server, make_v2):
        """A call carries the key, and the application where one is named; nothing is exchanged."""
        world.ask(make_v2().chat).text  # noqa: B018  # raises what the call raised
        world.ask(make_v2(app_id="app-x").chat)

        assert carried(server) == [KEY, KEY]
        assert [sent.headers.get("appid") for sent in server.requests] == [None, "app-x"]
        assert (server.exchanges, server.token_requests) == ([], [])

    def test_a_header_of_the_call(self, world, server, make_v2):
        """The application that a call names itself counts, and goes out once."""
        world.ask(make_v2(app_id="app-x").chat, headers={"AppId": "app-y"})

        assert server.requests[0].headers["appid"] == "app-y"

    def test_a_refused_key_is_told_at_once(self, world, server, make_v2):
        """A key that is refused costs one request, and says where to look."""
        server.always(TOKEN_REFUSED)
        error = world.ask(make_v2().chat).error

        assert (type(error), error.code, error.status) == (AuthError, "invalid_iam_token", 401)
        assert "api_key=" in str(error)
        assert len(server.requests) == 1

    def test_access_token(self, server, make_v2):
        """The key itself is what `access_token()` gives."""
        assert make_v2().access_token() == make_v2().chat.access_token() == KEY
        assert server.requests == []


class TestExchange:
    """An IAM key pair, exchanged for a bearer."""

    @pytest.mark.parametrize(("world", "count"), [("sync", 50), ("sync-stream", 50)], indirect=["world"])
    def test_threads_exchange_once(self, world, server, make_v2, pair, count):
        """Fifty threads that start at once, without a bearer, make exactly one exchange."""
        outcomes = world.ask_all([make_v2(**pair).chat] * count)

        assert {outcome.text for outcome in outcomes} == {GREETING}
        assert (len(server.exchanges), len(server.requests)) == (1, count)
        assert set(carried(server)) == {server.bearer()}

    @pytest.mark.parametrize(("world", "count"), [("async", 200), ("async-stream", 200)], indirect=["world"])
    def test_tasks_exchange_once(self, world, server, make_v2, pair, count):
        """Two hundred tasks that start at once, without a bearer, make exactly one exchange."""
        outcomes = world.ask_all([make_v2(**pair).chat] * count)

        assert {outcome.text for outcome in outcomes} == {GREETING}
        assert (len(server.exchanges), len(server.requests)) == (1, count)

    def test_threads_and_tasks_exchange_once_together(self, server, make_v2, pair):
        """Threads and the tasks of two loops that start at once make one exchange between them."""
        gate = Gate()
        server.answer_exchange((gate, *exchanged(server.bearer())))
        client = make_v2(**pair)
        outcomes: list[str] = []
        waiting = threading.Semaphore(0)

        def in_a_thread():
            waiting.release()
            outcomes.append(client.chat.do(MESSAGES)["result"])

        def in_a_loop():
            async def tasks():
                waiting.release()
                replies = await asyncio.gather(*(client.chat.ado(MESSAGES) for _ in range(100)))
                outcomes.extend(reply["result"] for reply in replies)
                await client._pool.aclose()  # the test's own connections, in this loop

            asyncio.run(tasks())

        threads = [threading.Thread(target=target) for target in [in_a_thread] * 50 + [in_a_loop] * 2]
        for thread in threads:
            thread.start()
        for _ in threads:
            waiting.acquire(timeout=10)
        assert gate.reached.wait(10)
        gate.open()
        for thread in threads:
            thread.join()

        assert outcomes == [GREETING] * 250
        assert len(server.exchanges) == 1

    def test_the_request(self, server, make_v2, pair, monkeypatch):
        """It is a GET whose signature Baidu's own signer makes too; the Secret Key is not in it."""
        monkeypatch.setenv("QIANFAN_BEARER_TOKEN_EXPIRED_INTERVAL", "600")
        make_v2(**pair).chat.do(MESSAGES)
        [sent] = server.exchanges
        prefix, names, signature = sent.headers["authorization"].rsplit("/", 2)
        timestamp, expiration = prefix.split("/")[2:]
        theirs = bce_v1_signer.sign(
            BceCredentials(*pair.values()),
            b"GET",
            sent.path.encode(),
            {name.encode(): sent.headers[name].encode() for name in names.split(";")},
            {name.encode(): value.encode() for name, value in parse_qsl(urlsplit(sent.target).query)},
            int(datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp()),
            int(expiration),
            {name.encode() for name in names.split(";")},
        ).decode()

        assert (sent.method, sent.target) == ("GET", "/v1/BCE-BEARER/token?expireInSeconds=600")
        assert {"host", "x-bce-date"} <= set(names.split(";"))
        assert sent.headers["x-bce-date"] == timestamp
        assert signature == theirs.rpartition("/")[2]
        assert SK not in repr(sent)

    def test_a_bearer_serves_all_later_calls(self, world, server, make_v2, pair):
        """One bearer serves call after call, of threads and loops alike, and is what `access_token()` gives."""
        client = make_v2(**pair, app_id="app-x")
        for _ in range(3):
            assert world.ask(client.chat).text == GREETING

        assert client.access_token() == server.bearer()
        assert carried(server) == [server.bearer()] * 3
        assert {sent.headers["appid"] for sent in server.requests} == {"app-x"}
        assert len(server.exchanges) == 1

    def test_clients_with_equal_keys_share_the_bearer(self, world, server, make_v2, pair):
        """Equal keys share a bearer, whatever else differs; another secret has its own."""
        for more in ({}, {"app_id": "app-y"}, {"request_timeout": 7}, {"secret_key": "another"}):
            assert world.ask(make_v2(**{**pair, **more}).chat).text == GREETING

        assert carried(server) == [server.bearer(1)] * 3 + [server.bearer(2)]

    @unary
    def test_hosts_do_not_share_it(self, world, server, make_v2, pair):
        """A bearer of one IAM host is never sent for a client of another."""
        with Server() as other:
            for host in (server, other, server):
                assert world.ask(make_v2(**pair, iam_base_url=host.url).chat).text == GREETING
            bearers = [host.bearer() for host in (server, other, server)]

        assert carried(server) == bearers

    def test_a_bearer_near_its_end_is_renewed_ahead(self, world, server, make_v2, pair):
        """A bearer whose life is nearly over is not used again."""
        server.answer_exchange(exchanged("short-lived", "2024-11-05T03:04:05.678Z"), exchanged("long-lived"))
        client = make_v2(**pair)
        world.ask(client.chat)
        world.ask(client.chat)

        assert carried(server) == ["short-lived", "long-lived"]

    def test_a_refused_bearer_is_renewed_once(self, world, server, make_v2, pair):
        """A refusal costs one exchange and one more call, even where no retry is allowed."""
        server.answer(TOKEN_REFUSED)

        assert world.ask(make_v2(**pair).chat, retry_count=1).text == GREETING
        assert carried(server) == [server.bearer(1), server.bearer(2)]
        assert len(server.exchanges) == 2

    def test_a_second_refusal_is_final(self, world, server, make_v2, pair):
        """A bearer that is refused as soon as it was exchanged is the platform's last word."""
        server.always(TOKEN_REFUSED)
        error = world.ask(make_v2(**pair).chat).error

        assert (type(error), error.code) == (AuthError, "invalid_iam_token")
        assert len(error.attempts) == 2
        assert (len(server.requests), len(server.exchanges)) == (2, 2)

    @crosswise
    @pytest.mark.parametrize("code", ["invalid_appid", "invalid_model", "no_parameter_permission"])
    def test_other_refusals_renew_nothing(self, world, server, make_v2, pair, code):
        """What no bearer cures exchanges none."""
        server.always(refused(401, code))
        error = world.ask(make_v2(**pair).chat).error

        assert (type(error), error.code) == (AuthError, code)
        assert (len(server.requests), len(server.exchanges)) == (1, 1)

    def test_calls_that_are_refused_together_renew_once(self, world, server, make_v2, pair):
        """Ten calls whose shared bearer is refused at the same time exchange once between them."""
        chats = [make_v2(**pair).chat] * 10
        world.ask(chats[0])
        gates = [Gate() for _ in chats]
        server.answer(*[(gate, *TOKEN_REFUSED) for gate in gates])

        def refuse_when_all_have_asked():
            for gate in gates:
                gate.reached.wait(10)
            for gate in gates:
                gate.open()

        service = threading.Thread(target=refuse_when_all_have_asked)
        service.start()

        assert {outcome.error for outcome in world.ask_all(chats)} == {None}
        service.join()
        assert len(server.exchanges) == 2

    @crosswise
    @pytest.mark.parametrize(
        "message",
        [
            "NotFound, cause: Could not find credential.",
            "SignatureDoesNotMatch, cause: Fail to authn user: Signature does not match",
        ],
    )
    def test_wrong_keys_are_told_at_once(self, world, server, make_v2, pair, message):
        """Refused keys are an `AuthError` in IAM's words after one exchange and no call."""
        server.always_exchange(exchange_refused(403, message.partition(",")[0], message))
        error = world.ask(make_v2(**pair).chat).error

        assert (type(error), error.status) == (AuthError, 403)
        assert message in str(error)
        assert "Access Key" in error.hint
        assert (len(server.exchanges), len(server.requests)) == (1, 0)

    @crosswise
    @pytest.mark.parametrize(
        "bad_luck",
        [
            page(500),
            page(502),
            page(429, Retry_After="0"),
            exchange_refused(500, "InternalError"),
            (RESET,),
            (CLOSE,),
        ],
        ids=["500", "502", "429", "InternalError", "reset", "closed"],
    )
    def test_bad_luck_is_tried_again(self, world, server, make_v2, pair, bad_luck):
        """What passes with time is tried again for the exchange as for any call."""
        server.answer_exchange(bad_luck)

        assert world.ask(make_v2(**pair).chat).text == GREETING
        assert (len(server.exchanges), len(server.requests)) == (2, 1)

    @crosswise
    @pytest.mark.parametrize(
        "garbage",
        [
            whole({}),
            whole([]),
            whole({"token": "x"}),
            page(200),
            whole({"token": "x", "createTime": 1, "expireTime": 2}),
        ],
        ids=["empty", "list", "no times", "html", "bad times"],
    )
    def test_a_reply_without_a_token(self, world, server, make_v2, pair, garbage):
        """An exchange that answers something else says so, whatever it answers."""
        server.always_exchange(garbage)

        assert type(world.ask(make_v2(**pair).chat).error) is RequestError
        assert server.requests == []

    def test_an_exchange_that_is_not_answered(self, world, server, make_v2, pair, monkeypatch):
        """An exchange that is lost costs QIANFAN_AUTH_TIMEOUT, not the whole call."""
        monkeypatch.setenv("QIANFAN_AUTH_TIMEOUT", "0.1")
        server.answer_exchange((STALL,))

        assert world.ask(make_v2(**pair).chat, request_timeout=5).text == GREETING
        assert (len(server.exchanges), len(server.requests)) == (2, 1)

    def test_an_exchange_that_never_comes(self, world, server, make_v2, pair):
        """A bearer that never comes ends the call when its time is over."""
        server.always_exchange((STALL,))
        error = world.ask(make_v2(**pair).chat, request_timeout=0.1).error

        assert type(error) is RequestTimeoutError
        world.wait_idle(server)

    def test_followers_of_a_failed_leader_get_its_error(self, world, server, make_v2, pair):
        """Callers who wait for one exchange share its refusal, each with an error of its own."""
        server.always_exchange(exchange_refused())
        outcomes = world.ask_all([make_v2(**pair).chat] * 10)

        assert {type(outcome.error) for outcome in outcomes} == {AuthError}
        assert len({id(outcome.error) for outcome in outcomes}) == 10

    def test_a_follower_takes_over_from_a_cancelled_leader(self, server, make_v2, pair):
        """When the task that exchanges is cancelled, one that waits for it exchanges instead."""
        stalled = Gate()
        server.answer_exchange((stalled, STALL))
        client = make_v2(**pair)

        async def scene():
            leader = asyncio.create_task(client.chat.ado(MESSAGES))
            await asyncio.to_thread(stalled.reached.wait, 10)
            followers = [asyncio.create_task(client.chat.ado(MESSAGES)) for _ in range(5)]
            await asyncio.sleep(0)
            leader.cancel()
            replies = await asyncio.wait_for(asyncio.gather(*followers), 10)
            with pytest.raises(asyncio.CancelledError):
                await leader
            await client.aclose()
            return replies

        assert [reply["result"] for reply in asyncio.run(scene())] == [GREETING] * 5
        assert len(server.exchanges) == 2


def plain(*bearers):
    """Return a function that gives one bearer after the other."""
    given = itertools.chain(bearers[:-1], itertools.repeat(bearers[-1]))
    return lambda: next(given)


def coroutine(*bearers):
    """Return a coroutine function that does."""
    give = plain(*bearers)

    async def provide():
        await asyncio.sleep(0)
        return give()

    return provide


class Callable:
    """An object whose call is a coroutine function."""

    def __init__(self, *bearers):
        self._provide = coroutine(*bearers)

    async def __call__(self):
        """Give a bearer."""
        return await self._provide()


class Promise:
    """A function that gives what can be awaited, and is no coroutine."""

    def __init__(self, *bearers):
        self._give = plain(*bearers)

    def __call__(self):
        """Promise a bearer."""
        return Promised(self._give)


class Promised:
    """What can be awaited."""

    def __init__(self, give):
        self._give = give

    def __await__(self):
        """Give a bearer when awaited."""
        yield from asyncio.sleep(0).__await__()
        return self._give()


PROVIDERS = [plain, coroutine, Callable, Promise]

providers = pytest.mark.parametrize("provider", PROVIDERS, ids=lambda it: it.__name__)


class TestProvider:
    """A function of the user's that gives the bearer."""

    @providers
    def test_every_form(self, world, server, make_v2, provider):
        """Plain or a coroutine function, in either world: it is asked anew for every call."""
        client = make_v2(token_provider=provider("b1", "b2", "b3"), app_id="app-x")
        for _ in range(2):
            assert world.ask(client.chat).text == GREETING

        assert world.call(client, "access_token") == "b3"
        assert carried(server) == ["b1", "b2"]
        assert server.requests[0].headers["appid"] == "app-x"

    @providers
    def test_asked_anew_by_every_attempt(self, world, server, make_v2, provider):
        """An attempt that fails is followed by one with what the function gives then."""
        server.answer((RESET,), refused(500, "internal_error"))

        assert world.ask(make_v2(token_provider=provider("b1", "b2", "b3")).chat).text == GREETING
        assert carried(server) == ["b1", "b2", "b3"]

    @providers
    def test_a_refused_bearer(self, world, server, make_v2, provider):
        """A refusal asks once more, even where no retry is allowed; a second one is final."""
        server.answer(TOKEN_REFUSED)
        assert world.ask(make_v2(token_provider=provider("b1", "b2")).chat, retry_count=1).text == GREETING
        assert carried(server) == ["b1", "b2"]

        server.always(TOKEN_REFUSED)
        error = world.ask(make_v2(token_provider=provider("b1", "b2")).chat).error
        assert (type(error), len(server.requests)) == (AuthError, 4)

    @crosswise
    @providers
    @pytest.mark.parametrize("given", [None, "", 7, b"bytes", "two words"])
    def test_what_is_no_bearer(self, world, server, make_v2, provider, given):
        """What is no bearer is told before anything is sent, as the function's mistake."""
        error = world.ask(make_v2(token_provider=provider(given)).chat).error

        assert type(error) is InvalidArgumentError
        assert "token_provider" in str(error)
        assert server.connections == 0

    @pytest.mark.parametrize(
        "kind", [ZeroDivisionError, TimeoutError, StopIteration, KeyError], ids=lambda it: it.__name__
    )
    @pytest.mark.parametrize("is_async", [False, True], ids=["plain", "coroutine"])
    def test_what_it_raises(self, world, server, make_v2, kind, is_async):
        """Its own failure is the caller's as it is; one that would end a generator in silence is told apart."""

        def fail():
            raise kind("mine")

        async def afail():
            fail()

        error = world.ask(make_v2(token_provider=afail if is_async else fail).chat).error

        assert type(error) is (RuntimeError if kind is StopIteration else kind)
        if kind is StopIteration:
            assert "StopIteration" in str(error)
        else:
            assert error.args == ("mine",)
        assert server.connections == 0

    @pytest.mark.parametrize("world", ["sync", "sync-stream"], indirect=True)
    @providers
    def test_a_sync_call_in_a_running_loop(self, world, make_v2, provider):
        """A sync call inside a running loop asks a coroutine function all the same."""
        client = make_v2(token_provider=provider("b1"))

        async def scene():
            return world.ask(client.chat).text

        assert asyncio.run(scene()) == GREETING

    @unary
    def test_one_that_is_too_slow(self, world, server, make_v2):
        """A coroutine function is given the time of the call and no more, and is then cancelled."""
        cancelled = threading.Event()

        async def hang():
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                cancelled.set()

        error = world.ask(make_v2(token_provider=hang).chat, request_timeout=0.1).error

        assert type(error) is RequestTimeoutError
        assert "token_provider" in error.hint
        assert cancelled.is_set()
        assert server.connections == 0

    def test_a_plain_function_that_is_too_slow_for_a_task(self, server, make_v2):
        """A task waits for a plain function no longer than the call may take."""
        release = threading.Event()

        def hang():
            release.wait(10)
            return "late"

        world = World("async")
        error = world.ask(make_v2(token_provider=hang).chat, request_timeout=0.1).error
        release.set()
        world.close()

        assert type(error) is RequestTimeoutError
        assert server.connections == 0

    def test_one_that_is_cancelled(self, server, make_v2):
        """Cancelling a call while it asks cancels the function, and nothing is sent."""
        asked, ended = threading.Event(), threading.Event()

        async def hang():
            asked.set()
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                ended.set()

        client = make_v2(token_provider=hang)

        async def scene():
            task = asyncio.create_task(client.chat.ado(MESSAGES))
            await asyncio.to_thread(asked.wait, 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await client.aclose()

        asyncio.run(scene())
        assert ended.is_set()
        assert server.connections == 0

    def test_a_plain_function_does_not_hold_the_loop(self, make_v2):
        """While a plain function waits, other tasks go on."""
        release = threading.Event()

        def slow():
            assert release.wait(10)
            return "b1"

        client = make_v2(token_provider=slow)

        async def scene():
            task = asyncio.create_task(client.chat.ado(MESSAGES))
            await asyncio.sleep(0)
            release.set()  # would never be, where the function held the loop
            reply = await task
            await client.aclose()
            return reply

        assert asyncio.run(scene())["result"] == GREETING

    @pytest.mark.parametrize("world", ["sync", "async"], indirect=True)
    @providers
    def test_asked_once_a_call_under_a_limit(self, world, server, make_v2, provider):
        """A rate limit, which authorises what must be fresh twice, asks it once a call."""
        client = make_v2(token_provider=provider("b1", "b2", "b3"), query_per_second=1000)
        for _ in range(3):
            world.ask(client.chat)

        assert carried(server) == ["b1", "b2", "b3"]
