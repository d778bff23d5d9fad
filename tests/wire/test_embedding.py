"""Embeddings over a socket: any number of texts, sent in parts, come back as one reply."""

from __future__ import annotations

import asyncio
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import numpy as np
import pytest
from support.processes import python
from support.replies import RESET, STALL, Gate, embedding_body, page, refusal, vector, vectors, whole
from support.server import elapsed
from support.worlds import World, unary

from qianfan.errors import (
    APIError,
    BadRequestError,
    ConnectionFailedError,
    InvalidArgumentError,
    RateLimitError,
    RequestError,
    RequestTimeoutError,
)

PREFIX = "/rpc/2.0/ai_custom/v1/wenxinworkshop/embeddings/"


def numbered(count):
    """Return so many texts, each unlike the others."""
    return [f"第{number}段" for number in range(count)]


def inputs(server):
    """Return the texts of each request, in the order in which the requests arrived."""
    return [request.json["input"] for request in server.requests]


def answering(server, script=lambda _number, _texts: None):
    """Let a server answer with the vectors of the texts asked, but where a script for the part says otherwise.

    Args:
        server: The server.
        script: Takes the part's number, told by its first text, and its texts; returns a script or None.
    """

    def choose(request):
        texts = request.json["input"]
        number = int(texts[0].strip("第段")) // max(1, len(texts))
        return script(number, texts) or vectors(texts)

    server.choose = choose


@pytest.fixture
def platform(server):
    """Return a server that answers every embedding with the vectors of its texts."""
    answering(server)
    return server


@pytest.fixture
def embeddings(make):
    """Return the embeddings of a client for the server."""
    return make().embeddings


@pytest.fixture
def tokenless(make):
    """Return embeddings with a token, so that every connection carries a part."""
    return make(ak="", sk="", access_token="24.mine").embeddings


@pytest.fixture
def meanwhile():
    """Run something beside the test; what it raises is raised at the end."""
    with ThreadPoolExecutor() as pool:
        started = []
        yield lambda act: started.append(pool.submit(act))
        for future in started:
            future.result()


# Parts


@unary
@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 32, 33, 48, 99, 100])
def test_texts_are_sent_in_parts_of_sixteen(world, platform, embeddings, count):
    """Any number of texts gives one reply, its vectors in the order of the texts, its usage the sum."""
    texts = numbered(count)
    reply = world.ask(embeddings, texts).reply

    sizes = [len(part) for part in inputs(platform)]
    assert sorted(sizes, reverse=True) == [16] * (count // 16) + [count % 16] * bool(count % 16)
    assert sorted(text for part in inputs(platform) for text in part) == sorted(texts)
    assert [item["embedding"] for item in reply["data"]] == [vector(text) for text in texts]
    assert [item["index"] for item in reply["data"]] == list(range(count))
    assert reply["usage"] == {"prompt_tokens": count, "total_tokens": count}
    assert {name: reply[name] for name in ("id", "object", "created")} == {
        "id": "as-9p8o7i6u5y",
        "object": "embedding_list",
        "created": 1698140200,
    }
    assert (reply.code, reply.headers["content-type"]) == (200, "application/json")


@unary
def test_vectors_have_a_row_for_each_text(world, platform, embeddings):
    """`vectors` holds the vectors of all parts as one array."""
    texts = [f"{number:03d}" for number in range(40)]
    platform.choose = lambda request: vectors(request.json["input"])
    found = world.ask(embeddings, texts).reply.vectors

    assert found.shape == (40, 3)
    assert found.tolist() == [vector(text) for text in texts]


@unary
@pytest.mark.parametrize(
    ("options", "texts", "sizes", "path"),
    [
        ({}, 20, [16, 4], "embedding-v1"),
        ({"model": "bge-large-zh"}, 20, [16, 4], "bge_large_zh"),
        ({"model": "tao-8k"}, 3, [1, 1, 1], "tao_8k"),
        ({"model": "TAO-8K"}, 2, [1, 1], "tao_8k"),
        ({"model": "tao-8k", "batch_size": 2}, 3, [2, 1], "tao_8k"),
        ({"model": "not-born-yet"}, 17, [16, 1], "not-born-yet"),
        ({"endpoint": "mine"}, 17, [16, 1], "mine"),
        ({"endpoint": "mine", "model": "tao-8k"}, 17, [16, 1], "mine"),
        ({"endpoint": "mine", "batch_size": 64}, 65, [64, 1], "mine"),
        ({"batch_size": 1}, 3, [1, 1, 1], "embedding-v1"),
        ({"batch_size": 20}, 20, [20], "embedding-v1"),
        ({"batch_size": None, "concurrency": None}, 17, [16, 1], "embedding-v1"),
    ],
)
def test_the_model_or_the_caller_decides_the_size(world, platform, embeddings, options, texts, sizes, path):
    """A part holds as many texts as the model takes, or as `batch_size` says."""
    world.ask(embeddings, numbered(texts), **options)

    assert sorted((len(part) for part in inputs(platform)), reverse=True) == sizes
    assert {request.path for request in platform.requests} == {PREFIX + path}


@unary
def test_every_part_says_the_same_beside_its_texts(world, platform, embeddings):
    """What a call sets is in each of its requests; what is for the client alone is in none."""
    options = {
        "user_id": "u-1",
        "extra": {"appeared_yesterday": [1]},
        "headers": {"X-A": "b"},
        "query": {"a": "1"},
        "request_id": "r-1",
        "batch_size": 2,
        "concurrency": 3,
        "retry_count": 1,
        "request_timeout": 5,
        "backoff_factor": 0,
    }
    world.ask(embeddings, numbered(5), **options).reply  # noqa: B018  # the requests are looked at

    assert len(platform.requests) == 3
    for request in platform.requests:
        assert {**request.json, "input": None} == {
            "input": None,
            "user_id": "u-1",
            "appeared_yesterday": [1],
        }
        assert (request.headers["x-a"], request.headers["request_id"], request.query["a"]) == (
            "b",
            "r-1",
            "1",
        )


@unary
def test_the_parts_share_one_token(world, platform, embeddings):
    """However many parts begin at once, the token is fetched once."""
    world.ask(embeddings, numbered(100)).reply  # noqa: B018  # the requests are looked at

    assert len(platform.token_requests) == 1
    assert {request.query["access_token"] for request in platform.requests} == {platform.token()}


@unary
@pytest.mark.parametrize(
    "kind",
    [
        tuple,
        iter,
        lambda texts: (text for text in texts),
        lambda texts: dict.fromkeys(texts).keys(),
        np.array,
    ],
    ids=["tuple", "iterator", "generator", "keys", "numpy"],
)
def test_whatever_gives_texts_does(world, platform, embeddings, kind):
    """Texts may come from a tuple, a generator, an array: from whatever gives them one by one."""
    reply = world.ask(embeddings, kind(numbered(20))).reply

    assert [item["embedding"] for item in reply["data"]] == [vector(text) for text in numbered(20)]
    assert sorted(map(len, inputs(platform))) == [4, 16]


@unary
def test_the_callers_list_stays_as_it_is(world, platform, embeddings):
    """A call changes nothing in the list it was given."""
    texts = numbered(33)
    world.ask(embeddings, texts)

    assert texts == numbered(33)
    assert len(platform.requests) == 3


@unary
def test_the_order_of_the_answers_does_not_matter(world, server, embeddings, meanwhile):
    """The first part may be answered last, and each part's vectors in any order: the reply is in order."""
    gate = Gate()

    def script(number, texts):
        body = embedding_body(texts)
        body["data"].reverse()
        return (gate, *whole(body)) if number == 0 else whole(body)

    def open_late():
        server.wait(lambda seen: len(seen.requests) == 6)  # all others were begun, so all but two answered
        gate.open()

    answering(server, script)
    meanwhile(open_late)
    reply = world.ask(embeddings, numbered(12), batch_size=2, concurrency=2).reply

    assert [item["embedding"] for item in reply["data"]] == [vector(text) for text in numbered(12)]
    assert [item["index"] for item in reply["data"]] == list(range(12))


# How many at once


@unary
@pytest.mark.parametrize(
    ("options", "texts", "most"),
    [
        ({}, 16 * 12, 8),
        ({"concurrency": None}, 16 * 12, 8),
        ({"concurrency": 3}, 16 * 12, 3),
        ({"concurrency": 1}, 16 * 4, 1),
        ({"concurrency": 50}, 16 * 4, 4),
    ],
    ids=["by default", "None", "3", "1", "more than parts"],
)
def test_so_many_parts_are_under_way_at_once(world, server, tokenless, meanwhile, options, texts, most):
    """Never more than `concurrency` requests are open at the server, and as many as that."""
    gates = [Gate() for _ in range(texts // 16)]
    at_once, opened = [], []

    def script(_number, texts):
        arrived = len(server.requests)
        at_once.append(arrived - len(opened))
        return (gates[arrived - 1], *vectors(texts))

    def let_one_after_another_go():
        for number, gate in enumerate(gates):
            server.wait(lambda seen, number=number: len(seen.requests) >= min(number + most, len(gates)))
            opened.append(number)
            gate.open()

    answering(server, script)
    meanwhile(let_one_after_another_go)
    reply = world.ask(tokenless, numbered(texts), **options).reply

    assert len(reply["data"]) == texts
    assert max(at_once) == most
    assert server.connections <= most


@unary
def test_every_part_has_its_place_in_the_rate_limit(world, platform, make):
    """A limit of requests counts each part: the third of three finds no place in time, and is not sent."""
    error = world.ask(
        make(request_per_minute=2).embeddings, numbered(48), concurrency=1, request_timeout=1
    ).error

    assert isinstance(error, RequestTimeoutError)
    assert inputs(platform) == [numbered(48)[:16], numbered(48)[16:32]]
    assert (error.inputs, len(error.partial["data"])) == (range(32, 48), 32)


@unary
def test_parts_leave_at_the_rate_of_the_limit(world, platform, make):
    """So many requests a second hold for the parts of one call together, however many may be at once."""
    embeddings = make(query_per_second=50).embeddings
    start = monotonic()
    reply = world.ask(embeddings, numbered(6), batch_size=1, concurrency=6).reply

    assert len(reply["data"]) == len(platform.requests) == 6
    assert elapsed(start) >= 5 / 50


# Failures


def told(error):
    """Return the indexes that an error's partial reply has vectors of, with these vectors."""
    return {item["index"]: item["embedding"] for item in error.partial["data"]}


#: How a part may fail for good, and the class and code that the caller sees.
LASTING = {
    "refused": (refusal(336003, "bad input"), BadRequestError, 336003),
    "too fast": (refusal(336501), RateLimitError, 336501),
    "an unknown code": (refusal(987654), APIError, 987654),
    "a page": (page(502), RequestError, None),
    "no connection": ((RESET,), ConnectionFailedError, None),
    "no JSON": (page(200), RequestError, None),
    "no vectors": (whole(embedding_body([])), RequestError, None),
}


@unary
@pytest.mark.parametrize("failure", LASTING)
def test_a_part_that_fails_says_which_texts_failed(world, server, embeddings, failure):
    """The error keeps class and code, and tells the failed texts and the vectors of the others."""
    script, kind, code = LASTING[failure]
    texts = numbered(12)
    answering(server, lambda number, _texts: script if number == 2 else None)
    error = world.ask(embeddings, texts, batch_size=2, concurrency=1).error

    assert (type(error), error.code) == (kind, code)
    assert error.inputs == range(4, 6)
    assert told(error) == {index: vector(texts[index]) for index in range(4)}
    assert error.partial["usage"] == {"prompt_tokens": 4, "total_tokens": 4}
    assert "texts[4:6]" in error.hint
    assert "error.partial" in error.hint
    assert "texts[4:6]" in str(error)
    assert "第6段" not in repr(inputs(server))  # nothing was begun after the failure


@unary
def test_the_first_part_to_fail_leaves_nothing_behind_it(world, server, embeddings):
    """Where no part succeeded there is no partial reply, and no word of one."""
    answering(server, lambda _number, _texts: refusal(336003))
    error = world.ask(embeddings, numbered(12), batch_size=2, concurrency=1).error

    assert (error.code, error.inputs, error.partial) == (336003, range(2), None)
    assert len(server.requests) == 1
    assert "error.partial" not in error.hint


@unary
def test_what_is_under_way_comes_to_its_end(world, server, tokenless, meanwhile):
    """Parts that were begun when another failed are read, and their vectors are in the partial reply."""
    gate = Gate()
    texts = numbered(20)

    def script(number, asked):
        if number == 1:
            return whole({"error_code": 336003, "error_msg": "bad"}, Connection="close")
        return (gate, *vectors(asked)) if number == 0 else None

    def open_late():
        server.wait(lambda seen: len(seen.requests) >= 2 and seen.open_connections == 1)
        gate.open()

    answering(server, script)
    meanwhile(open_late)
    error = world.ask(tokenless, texts, batch_size=2, concurrency=2).error

    assert (error.code, error.inputs) == (336003, range(2, 4))
    assert {0, 1} <= set(told(error))
    assert len(server.requests) <= 3  # of ten


@unary
def test_an_error_of_a_call_with_one_part_has_no_parts(world, server, embeddings):
    """A call that fits in one request fails as it is, without a word about parts."""
    server.always(refusal(336003, "bad"))
    error = world.ask(embeddings, numbered(16)).error

    assert (error.code, error.inputs, error.partial) == (336003, None, None)
    assert "texts[" not in str(error)


@unary
def test_a_part_is_tried_again_and_the_others_are_not(world, server, embeddings):
    """What passes with time is tried again for its part alone, and unseen by the caller."""
    failed = []

    def script(number, texts):
        if number == 1 and len(failed) < 2:
            failed.append(texts)
            return refusal(336100)
        return None

    answering(server, script)
    texts = numbered(6)
    reply = world.ask(embeddings, texts, batch_size=2).reply

    assert [item["embedding"] for item in reply["data"]] == [vector(text) for text in texts]
    assert sorted(inputs(server)) == sorted([texts[:2], *[texts[2:4]] * 3, texts[4:]])
    assert reply["usage"]["total_tokens"] == 6


@unary
@pytest.mark.parametrize("attempts", [1, 2])
def test_the_attempts_of_a_part_are_told(world, server, embeddings, attempts):
    """`retry_count` holds for each part, and the error tells what was tried of the failed one."""
    answering(server, lambda number, _texts: refusal(336100) if number == 1 else None)
    error = world.ask(embeddings, numbered(4), batch_size=2, concurrency=1, retry_count=attempts).error

    assert (error.code, len(error.attempts)) == (336100, attempts)
    assert inputs(server).count(numbered(4)[2:]) == attempts


@unary
def test_a_part_without_answer_times_out(world, server, embeddings):
    """`request_timeout` holds for each part; what the others gave is kept."""
    answering(server, lambda number, _texts: (STALL,) if number == 1 else None)
    start = monotonic()
    error = world.ask(embeddings, numbered(4), batch_size=2, concurrency=1, request_timeout=0.2).error

    assert isinstance(error, RequestTimeoutError)
    assert (error.inputs, set(told(error))) == (range(2, 4), {0, 1})
    assert 0.2 <= elapsed(start) < 5


@unary
@pytest.mark.parametrize(
    "data",
    [
        lambda data: data[:1],
        lambda data: [data[0], data[0]],
        lambda data: [*data, {**data[0], "index": 2}],
        lambda data: [{**item, "index": item["index"] + 1} for item in data],
        lambda _data: None,
    ],
    ids=["too few", "doubled", "too many", "misnumbered", "none"],
)
def test_a_part_with_wrong_vectors_is_no_reply(world, server, embeddings, data):
    """Vectors that cannot be told apart by their text are never passed on."""

    def script(number, texts):
        body = embedding_body(texts)
        return whole({**body, "data": data(body["data"])}) if number == 1 else None

    answering(server, script)
    error = world.ask(embeddings, numbered(6), batch_size=2, concurrency=1).error

    assert (type(error), error.status) == (RequestError, 200)
    assert (error.inputs, set(told(error))) == (range(2, 4), {0, 1})


# What cannot be right


@unary
@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ("世界上最高的山", "texts must be a list of str, not one str"),
        (b"bytes", "texts must be a list of str, not one bytes"),
        (bytearray(b"bytes"), "must be"),
        ({"text": "a"}, "texts must be a list of str, not one dict"),
        (None, "texts must be a list of str, not one NoneType"),
        (7, "texts must be a list of str, not one int"),
        ([], "texts is empty"),
        ((), "texts is empty"),
        ([""], r"texts\[0\] is empty"),
        (["a", " \n"], r"texts\[1\] is empty"),
        (["a", None], r"texts\[1\] must be a str, not NoneType"),
        (["a", b"b"], r"texts\[1\] must be a str, not bytes"),
        ([["a"]], r"texts\[0\] must be a str, not list"),
        ([*["a"] * 40, 3], r"texts\[40\] must be a str, not int"),
        (np.array([["a", "b"]]), r"texts\[0\] must be a str, not ndarray"),
        (np.array([0.5]), r"texts\[0\] must be a str, not float64"),
        (["a", "\ud800b"], r"texts\[1\] is no text that UTF-8 can write"),
        ([*["a"] * 40, "x" * 1001], r"texts\[40\] has 1001 characters, Embedding-V1 takes 1000"),
    ],
    ids=lambda value: repr(value)[:40] if not isinstance(value, str) else "",
)
def test_wrong_texts_are_refused_before_any_request(world, server, embeddings, texts, says):
    """What cannot be a list of texts, and a text the service would refuse, costs no request at all."""
    outcome = world.ask(embeddings, texts)

    assert isinstance(outcome.error, InvalidArgumentError)
    with pytest.raises(InvalidArgumentError, match=says):
        raise outcome.error
    assert (server.requests, server.token_requests) == ([], [])


@unary
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"stream": True}, "there is no stream=True"),
        ({"batch_size": 0}, "batch_size must be a number of at least 1"),
        ({"batch_size": -1}, "batch_size must be"),
        ({"batch_size": "many"}, "batch_size must be"),
        ({"batch_size": True}, "batch_size must be"),
        ({"batch_size": 2.5}, "batch_size must be"),
        ({"batch_size": float("inf")}, "batch_size must be"),
        ({"concurrency": 0}, "concurrency must be a number of at least 1"),
        ({"concurrency": float("nan")}, "concurrency must be"),
        ({"concurrency": float("inf")}, "concurrency must be"),
        ({"extra": {"input": ["x"]}}, "extra holds input"),
        ({"endpoint": "a/b"}, "more than a name"),
        ({"retry_count": -1}, "retry_count must be"),
        ({"request_timeout": 0}, "request_timeout must be"),
        ({"headers": ["x"]}, "headers must be a dict"),
        ({"user_id": {1}}, "cannot be written as JSON"),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("count", [1, 40])
def test_wrong_options_are_refused_before_any_request(world, server, embeddings, count, options, says):
    """An option that cannot be right costs no request, however many parts there would be."""
    outcome = world.ask(embeddings, numbered(count), **options)

    assert isinstance(outcome.error, InvalidArgumentError)
    with pytest.raises(InvalidArgumentError, match=says):
        raise outcome.error
    assert "texts[" not in outcome.error.hint  # it is not the texts that are wrong
    assert (server.requests, server.token_requests) == ([], [])


@unary
@pytest.mark.parametrize(
    ("model", "most"),
    [("Embedding-V1", 1000), ("bge-large-en", 2000), ("bge-large-zh", 2000), ("tao-8k", 28000)],
)
def test_the_longest_text_of_each_model(world, server, embeddings, model, most):
    """A text of the model's most characters is sent, one more is refused; the error says what to do."""
    server.choose = lambda request: vectors(request.json["input"])
    assert world.ask(embeddings, ["山" * most], model=model).error is None
    error = world.ask(embeddings, ["山" * (most + 1)], model=model.upper()).error

    assert isinstance(error, InvalidArgumentError)
    assert f"{most + 1} characters, {model} takes {most}" in error.message
    assert "endpoint=" in error.hint
    assert len(server.requests) == 1


@unary
@pytest.mark.parametrize("options", [{"endpoint": "embedding-v1"}, {"model": "not-born-yet"}])
def test_what_the_catalogue_does_not_know_is_the_services_to_judge(world, server, embeddings, options):
    """Texts for a service of one's own go out as they are, however long."""
    server.choose = lambda request: vectors(request.json["input"])

    assert world.ask(embeddings, ["山" * 40_000], **options).error is None


@unary
def test_a_closed_client_is_told(world, server, make):
    """Calls of a closed client are refused as they always are, in parts too."""
    client = make()
    world.close_client(client)
    error = world.ask(client.embeddings, numbered(40)).error

    assert isinstance(error, InvalidArgumentError)
    assert "this client is closed" in error.message
    assert server.requests == []


# Cut short


def test_a_cancelled_call_leaves_no_task_and_no_connection(server, make):
    """Cancelling the call ends every part at once: nothing runs on, and no connection stays open."""
    world = World("async")
    embeddings = make(ak="", sk="", access_token="24.mine").embeddings
    server.always((STALL,))

    async def cancel_in_the_middle():
        call = asyncio.ensure_future(embeddings.ado(numbered(100), concurrency=4))
        await asyncio.to_thread(server.wait, lambda seen: len(seen.requests) == 4)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        left = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.to_thread(server.wait_idle)
        await embeddings._client.aclose()
        return left

    assert world.run(cancel_in_the_middle()) == set()
    world.close()
    assert len(server.requests) == 4


def test_a_call_may_be_cancelled_by_its_timeout(server, make):
    """`asyncio.wait_for` around the call raises its own error, and the client serves on."""
    world = World("async")
    embeddings = make(ak="", sk="", access_token="24.mine").embeddings
    answering(server, lambda number, _texts: (STALL,) if number == 1 else None)

    async def wait_and_go_on():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(embeddings.ado(numbered(48)), 0.2)
        reply = await embeddings.ado(numbered(1))
        await embeddings._client.aclose()
        return reply

    assert len(world.run(wait_and_go_on())["data"]) == 1
    world.close()


_INTERRUPTED = """
import qianfan, threading, time
client = qianfan.Qianfan(access_token="24.mine", base_url={url!r})
start = time.monotonic()
try:
    client.embeddings.do([str(number) for number in range(100)], batch_size=1, concurrency={concurrency})
except KeyboardInterrupt:
    print("interrupted", time.monotonic() - start < 20)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
@pytest.mark.parametrize("concurrency", [1, 4])
def test_an_interrupted_call_ends_at_once(server, concurrency):
    """Ctrl-C in a sync call is a KeyboardInterrupt at once, and the program ends without waiting for parts."""
    server.always((STALL,))

    def interrupt():
        server.wait(lambda seen: len(seen.requests) == concurrency)
        return signal.SIGINT

    program = _INTERRUPTED.format(url=server.url, concurrency=concurrency)

    assert python(program, strict=False, meanwhile=interrupt) == "interrupted True\n"
    server.wait_idle()
    assert len(server.requests) == concurrency


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_an_interrupted_call_begins_nothing_more(server):
    """After Ctrl-C no further part is begun, also where those under way are answered then."""
    gates = [Gate() for _ in range(4)]
    waiting = iter(gates)

    def choose(request):
        texts = request.json["input"]
        if texts != ["afterwards"]:
            return (next(waiting), *vectors(texts))
        for gate in gates:
            gate.open()
        return vectors(texts)

    def interrupt():
        server.wait(lambda seen: len(seen.requests) == 4)
        return signal.SIGINT

    server.choose = choose
    program = _INTERRUPTED.format(url=server.url, concurrency=4)
    program += """
client.embeddings.do(["afterwards"])
for thread in threading.enumerate():
    if thread is not threading.current_thread():
        thread.join()
"""

    assert python(program, strict=False, meanwhile=interrupt) == "interrupted True\n"
    assert len(server.requests) == 5


def test_parts_do_not_wait_for_a_token_that_only_this_threads_loop_can_fetch(make, platform):  # noqa: ARG001  # it answers
    """A list sent from inside a running loop, as in a notebook, while a task of that loop fetches the token."""
    client = make(request_timeout=5)

    async def main():
        task = asyncio.ensure_future(client.embeddings.ado(["第0段"]))
        await asyncio.sleep(0)
        reply = client.embeddings.do(numbered(40))
        await task
        return reply

    assert len(asyncio.run(main()).data) == 40
