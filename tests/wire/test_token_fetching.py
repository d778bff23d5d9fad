"""How the access token is fetched, shared, renewed and refused."""

from __future__ import annotations

import asyncio
import threading

import pytest
from support.replies import CLOSE, RESET, STALL, Gate, page, refusal, token_refusal, whole
from support.worlds import MESSAGES, SK, World, crosswise, unary

import qianfan
from qianfan.errors import AccessTokenExpiredError, AuthError, RequestError, RequestTimeoutError


def issue(token, lifetime=2592000):
    """Return a token reply that a gate or another step may precede."""
    return whole({"access_token": token, "expires_in": lifetime})


@pytest.mark.parametrize(("world", "count"), [("sync", 50), ("sync-stream", 50)], indirect=["world"])
def test_threads_that_start_at_once_fetch_one_token(world, server, make, count):
    """Fifty threads that start at once, with no token, make exactly one token request."""
    client = make()
    outcomes = world.ask_all([client.chat] * count)

    assert {outcome.text for outcome in outcomes} == {"你好，很高兴见到你。"}
    assert (len(server.token_requests), len(server.requests)) == (1, count)


@pytest.mark.parametrize(("world", "count"), [("async", 200), ("async-stream", 200)], indirect=["world"])
def test_tasks_that_start_at_once_fetch_one_token(world, server, make, count):
    """Two hundred tasks that start at once, with no token, make exactly one token request."""
    client = make()
    outcomes = world.ask_all([client.chat] * count)

    assert {outcome.text for outcome in outcomes} == {"你好，很高兴见到你。"}
    assert (len(server.token_requests), len(server.requests)) == (1, count)


def test_threads_and_tasks_fetch_one_token_together(server, make):
    """Threads and the tasks of two loops that start at once make one token request between them."""
    gate = Gate()
    server.answer_token((gate, *issue(server.token())))
    client = make()
    outcomes: list[str] = []
    waiting = threading.Semaphore(0)

    def in_a_thread():
        waiting.release()
        outcomes.append(client.chat.do(MESSAGES)["result"])

    def in_a_loop():
        async def tasks():
            waiting.release()
            replies = await asyncio.gather(*(client.chat.ado(MESSAGES) for _ in range(10)))
            outcomes.extend(reply["result"] for reply in replies)
            await client._pool.aclose()  # the test's own connections, in this loop

        asyncio.run(tasks())

    threads = [threading.Thread(target=target) for target in [in_a_thread] * 10 + [in_a_loop] * 2]
    for thread in threads:
        thread.start()
    for _ in threads:
        waiting.acquire(timeout=5)
    assert gate.reached.wait(5)
    gate.open()
    for thread in threads:
        thread.join()

    assert outcomes == ["你好，很高兴见到你。"] * 30
    assert len(server.token_requests) == 1


def test_a_token_serves_all_later_calls(world, server, chat):
    """One token serves call after call."""
    assert [world.ask(chat).text for _ in range(3)] == ["你好，很高兴见到你。"] * 3
    assert len(server.token_requests) == 1


def test_objects_with_equal_keys_share_the_token(world, server, make):
    """Two objects with equal keys fetch one token, one with other keys fetches its own."""
    for arguments in ({}, {}, {"ak": "another"}):
        world.ask(make(**arguments).chat).text  # noqa: B018  # raises what the call raised

    assert len(server.token_requests) == 2


def test_a_token_near_its_end_is_renewed_ahead(world, server, chat):
    """A token whose life is nearly over is not used again."""
    server.answer_token(issue("short-lived", 0), issue("long-lived"))
    world.ask(chat)
    world.ask(chat)

    assert [sent.query["access_token"] for sent in server.requests] == ["short-lived", "long-lived"]


@pytest.mark.parametrize("code", [110, 111])
def test_a_refused_token_is_renewed_once(world, server, chat, code):
    """110 and 111 cost one new token and one repeated call, even where no retry is allowed."""
    server.answer(refusal(code))

    assert world.ask(chat, retry_count=1).text == "你好，很高兴见到你。"
    assert [sent.query["access_token"] for sent in server.requests] == [server.token(1), server.token(2)]
    assert len(server.token_requests) == 2


@pytest.mark.parametrize("code", [110, 111])
def test_a_second_refusal_of_the_token_is_final(world, server, chat, code):
    """A token that is refused as soon as it was fetched is the platform's last word, in its own words."""
    server.always(refusal(code, "Access token says no"))
    error = world.ask(chat).error

    assert type(error) is AccessTokenExpiredError
    assert (error.error_code, error.error_msg) == (code, "Access token says no")
    assert len(error.attempts) == 2
    assert (len(server.requests), len(server.token_requests)) == (2, 2)


def test_a_ready_made_token_that_is_refused_is_not_renewed(world, server, make):
    """Where the user gave the token there is no other: the refusal is final at once."""
    server.always(refusal(111))

    error = world.ask(make(ak="", sk="", access_token="mine").chat).error

    assert type(error) is AccessTokenExpiredError
    assert (len(server.requests), len(server.token_requests)) == (1, 0)


def test_calls_that_are_refused_together_renew_once(world, server, make):
    """Ten calls whose shared token is refused at the same time fetch one new token between them."""
    chats = [make().chat] * 10
    world.ask(chats[0])
    gates = [Gate() for _ in chats]
    server.answer(*[(gate, *refusal(111)) for gate in gates])

    def refuse_when_all_have_asked():
        for gate in gates:
            gate.reached.wait(5)
        for gate in gates:
            gate.open()

    service = threading.Thread(target=refuse_when_all_have_asked)
    service.start()

    assert {outcome.error for outcome in world.ask_all(chats)} == {None}
    service.join()
    assert len(server.token_requests) == 2


@crosswise
@pytest.mark.parametrize("words", ["unknown client id", "Client authentication failed"])
@pytest.mark.parametrize("status", [200, 401])
def test_wrong_keys_are_told_at_once_in_the_platforms_words(world, server, chat, words, status):
    """A wrong API Key or Secret Key is an `AuthError` after exactly one token request and no call."""
    server.always_token(token_refusal(words, status))
    error = world.ask(chat).error

    assert type(error) is AuthError
    assert words in str(error)
    assert "API Key" in str(error)
    assert (error.status, error.error_code) == (status, "invalid_client")
    assert (len(server.token_requests), len(server.requests)) == (1, 0)


@crosswise
@pytest.mark.parametrize(
    "bad_luck",
    [
        page(500),
        page(502),
        page(429, Retry_After="0"),
        (RESET,),
        (CLOSE,),
        whole({"error": "unknown_error", "error_description": "x"}, 500),
    ],
    ids=["500", "502", "429", "reset", "closed", "unknown_error"],
)
def test_a_token_call_with_bad_luck_is_tried_again(world, server, chat, bad_luck):
    """What passes with time is tried again for the token as for any call."""
    server.answer_token(bad_luck)

    assert world.ask(chat).text == "你好，很高兴见到你。"
    assert (len(server.token_requests), len(server.requests)) == (2, 1)


def test_a_token_call_that_is_not_answered_is_tried_again(world, server, make, monkeypatch):
    """A token call that is lost costs QIANFAN_AUTH_TIMEOUT, not the whole call."""
    monkeypatch.setenv("QIANFAN_AUTH_TIMEOUT", "0.1")
    server.answer_token((STALL,))

    assert world.ask(make().chat, request_timeout=5).text == "你好，很高兴见到你。"
    assert (len(server.token_requests), len(server.requests)) == (2, 1)


def test_a_token_call_is_bounded_by_request_timeout(world, server, chat):
    """A token that never comes ends the call when its time is over."""
    server.always_token((STALL,))
    error = world.ask(chat, request_timeout=0.1).error

    assert type(error) is RequestTimeoutError
    world.wait_idle(server)


def test_a_token_call_that_fails_for_good_is_bounded(world, server, chat):
    """Where every token call fails, the call ends with that failure after retry_count of them, not their square."""
    server.always_token(page(500))
    error = world.ask(chat, retry_count=3).error

    assert type(error) is RequestError
    assert error.status == 500
    assert (len(server.token_requests), len(server.requests)) == (3, 0)


@crosswise
@pytest.mark.parametrize(
    "reply",
    [
        whole({"expires_in": 1}),
        whole({}),
        whole([]),
        page(200),
        whole({"access_token": "x", "expires_in": "soon"}),
    ],
    ids=["no token", "empty", "list", "html", "bad lifetime"],
)
def test_a_token_reply_without_a_token_is_an_error(world, server, chat, reply):
    """A token address that answers something else says so, whatever it answers."""
    server.always_token(reply)

    assert type(world.ask(chat).error) is RequestError
    assert server.requests == []


def test_access_token_returns_the_token_calls_use(server, make):
    """`access_token()` fetches the token where needed, and calls then use that one."""
    client = make()

    assert client.access_token() == client.chat.access_token() == server.token()
    client.chat.do(MESSAGES)
    assert len(server.token_requests) == 1


def test_followers_of_a_failed_leader_get_its_error(world, server, make):
    """Callers who wait for one token call share its refusal: one token request in all."""
    server.always_token(token_refusal())
    outcomes = world.ask_all([make().chat] * 10)

    assert {type(outcome.error) for outcome in outcomes} == {AuthError}
    assert len({id(outcome.error) for outcome in outcomes}) == 10
    assert len(server.token_requests) <= 10


def test_a_follower_takes_over_from_a_cancelled_leader(server, make):
    """When the task that fetches the token is cancelled, one that waits for it fetches it instead."""
    stalled = Gate()
    server.answer_token((stalled, STALL))
    client = make()

    async def scene():
        leader = asyncio.create_task(client.chat.ado(MESSAGES))
        await asyncio.to_thread(stalled.reached.wait, 5)
        followers = [asyncio.create_task(client.chat.ado(MESSAGES)) for _ in range(5)]
        await asyncio.sleep(0)
        leader.cancel()
        replies = await asyncio.wait_for(asyncio.gather(*followers), 5)
        with pytest.raises(asyncio.CancelledError):
            await leader
        await client.aclose()
        return replies

    assert [reply["result"] for reply in asyncio.run(scene())] == ["你好，很高兴见到你。"] * 5
    assert len(server.token_requests) == 2


def test_a_cancelled_follower_leaves_the_others_alone(server, make):
    """A task that is cancelled while it waits for another's token call ends alone."""
    gate = Gate()
    server.answer_token((gate, *issue(server.token())))
    client = make()

    async def scene():
        leader = asyncio.create_task(client.chat.ado(MESSAGES))
        await asyncio.to_thread(gate.reached.wait, 5)
        followers = [asyncio.create_task(client.chat.ado(MESSAGES)) for _ in range(3)]
        await asyncio.sleep(0)
        followers[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await followers[0]
        gate.open()
        replies = await asyncio.gather(leader, *followers[1:])
        await client.aclose()
        return replies

    assert len(asyncio.run(scene())) == 3
    assert len(server.token_requests) == 1


def test_a_follower_whose_time_is_over_gives_up(server, make):
    """A caller who waits for another's token call waits no longer than its own time."""
    gate = Gate()
    server.answer_token((gate, *issue(server.token())))
    client = make()
    leader = threading.Thread(target=client.chat.do, args=(MESSAGES,))
    leader.start()
    assert gate.reached.wait(5)
    for way in ("sync", "async"):
        world = World(way)
        error = world.ask(client.chat, request_timeout=0.1).error
        assert type(error) is RequestTimeoutError
        world.close()
    gate.open()
    leader.join()

    assert len(server.token_requests) == 1


def test_a_sync_call_in_a_running_loop_does_not_wait_for_that_loop(server, make):
    """A sync call made inside a loop whose task fetches the token fetches one itself, and so cannot deadlock."""
    stalled = Gate()
    server.answer_token((stalled, *issue("from the task")))
    client = make()

    async def scene():
        task = asyncio.create_task(client.chat.ado(MESSAGES))
        await asyncio.to_thread(stalled.reached.wait, 5)
        reply = client.chat.do(MESSAGES, request_timeout=5)
        stalled.open()
        replies = reply, await task
        await client.aclose()
        return replies

    assert [reply["result"] for reply in asyncio.run(scene())] == ["你好，很高兴见到你。"] * 2
    assert len(server.token_requests) == 2


@unary
def test_a_task_waits_for_a_threads_token_call(world, server, make):
    """Who comes while a thread fetches the token waits for that thread."""
    gate = Gate()
    server.answer_token((gate, *issue(server.token())))
    client = make()
    thread = threading.Thread(target=client.chat.do, args=(MESSAGES,))
    thread.start()
    assert gate.reached.wait(5)
    threading.Timer(0.05, gate.open).start()

    assert world.ask(client.chat).text == "你好，很高兴见到你。"
    thread.join()
    assert len(server.token_requests) == 1


def test_the_classic_class_fetches_no_token_before_its_first_call(server, network, keys):
    """Making an object sends nothing."""
    qianfan.ChatCompletion(base_url=server.url, **keys, **network)

    assert (server.connections, SK) == (0, keys["sk"])
