"""Many requests: in order, lazily, an error as a value, at the level that the service can take."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
import threading

import pytest

import qianfan
from qianfan import errors
from qianfan.bulk.packing import Packing
from qianfan.local import on


def texts(platform):
    """Return what the platform was asked, in the order it came."""
    return [call.messages[-1]["content"] for call in platform.calls("chat")]


def results(outcomes):
    """Return the answers."""
    return [outcome.response["result"] for outcome in outcomes]


@pytest.mark.parametrize("version", [1, 2])
def test_outcomes_in_order(echo, many, version):
    """Each input has an outcome, in the order of the inputs; the report counts them and their tokens."""
    with echo.client(version=version) as client:
        got = many(client, (f"问{number}" for number in range(300)), concurrency=32)

    assert [outcome.id for outcome in got] == list(range(300))
    assert results(got) == [f"答：问{number}" for number in range(300)]
    assert all(outcome.ok and not outcome.recorded and outcome.error is None for outcome in got)
    report = many.report
    assert (report.taken, report.done, report.failed, report.in_flight) == (300, 300, 0, 0)
    assert report.usage.total_tokens == sum(outcome.response.usage.total_tokens for outcome in got)
    assert report.seconds > 0


def test_as_they_come(echo, many):
    """Without order, a slow input holds up nobody."""
    echo.reply("慢", with_="慢", first_token=0.5)
    with echo.client() as client:
        got = many(client, ["慢", *(f"快{number}" for number in range(20))], ordered=False, concurrency=4)

    assert got[-1].id == 0
    assert sorted(outcome.id for outcome in got) == list(range(21))


def test_what_an_input_may_be(echo, many):
    """A text, a conversation in either form, a dict with parameters of its own."""
    conversation = qianfan.Messages()
    conversation.append("二")
    inputs = [
        "一",
        conversation,
        [{"role": "user", "content": "三"}],
        {"messages": [{"role": "user", "content": "四"}], "model": "ernie-4.5-turbo-128k", "top_p": 0.5},
    ]
    with echo.client(version=2) as client:
        got = many(client, inputs, model="ernie-lite-8k", temperature=0.3, concurrency=1)

    assert results(got) == ["答：一", "答：二", "答：三", "答：四"]
    assert [outcome.input for outcome in got] == inputs
    sent = [call.body for call in echo.calls("chat")]
    assert [body["model"] for body in sent] == ["ernie-lite-8k"] * 3 + ["ernie-4.5-turbo-128k"]
    assert {body["temperature"] for body in sent} == {0.3}
    assert sent[-1]["top_p"] == 0.5


def test_prompt_and_ids(echo, many):
    """Functions make of a row what is asked, and its id."""
    rows = [{"key": "甲", "text": "早"}, {"key": "乙", "text": "晚"}]
    with echo.client() as client:
        got = many(client, rows, prompt=lambda row: f"译：{row['text']}", ids=lambda row: row["key"])

    assert [(outcome.id, outcome.input) for outcome in got] == [("甲", rows[0]), ("乙", rows[1])]
    assert results(got) == ["答：译：早", "答：译：晚"]


def test_other_kinds(platform, many):
    """Completions and embeddings go the same way."""
    with platform.client() as client:
        written = many(client, ["在这个世界上", "从前"], "completion")
        vectors = many(client, ["一", ["二", "三"]], kind="embedding")

    assert all(outcome.response["result"] for outcome in written)
    assert [len(outcome.response.vectors) for outcome in vectors] == [1, 2]


class TestEmbedding:
    """Texts share requests, and nobody notices."""

    def test_as_many_as_a_request_takes(self, platform, many):
        """Hundreds of texts go out sixteen to a request; each has its own vector, and its part of the usage."""
        texts = [f"第 {number} 段文字" * (number % 3 + 1) for number in range(320)]
        with platform.client() as client:
            got = many(client, texts, "embedding", concurrency=64)
            alone = client.embeddings.do(texts[:5])

        assert len(platform.calls("embedding")) <= 320 / 16 * 1.5 + 1
        assert all(len(outcome.response["data"]) == 1 for outcome in got)
        assert [outcome.response["data"][0] for outcome in got[:1]] == alone["data"][:1]
        assert [outcome.response["data"][0]["embedding"] for outcome in got[:5]] == [
            item["embedding"] for item in alone["data"]
        ]
        told = sum(call.reply["usage"]["total_tokens"] for call in platform.calls("embedding")[:-1])
        assert many.report.usage.total_tokens == told

    def test_one_bad_text(self, platform, many):
        """A text that is refused harms none of those that went out with it."""
        with platform.client() as client:
            got = many(client, ["一", "", "三", "四" * 400, "五", 6, ["七", "八"]], "embedding")

        assert [outcome.ok for outcome in got] == [True, False, True, False, True, False, True]
        assert "texts[0] is empty" in str(got[1].error)
        assert len(got[6].response["data"]) == 2

    def test_a_text_that_the_service_refuses(self, platform, many):
        """Likewise where only the service knows that a text is too long."""
        with platform.client() as client:
            got = many(client, ["一", "四" * 400, "五"], "embedding", endpoint="embedding-v1")

        assert [outcome.ok for outcome in got] == [True, False, True]
        assert isinstance(got[1].error, errors.BadRequestError)
        assert got[0].error is None

    def test_failures(self, start, many):
        """What befalls a request befalls all texts in it; each is asked again."""
        platform = start(faults=[on("embedding", p=0.3).status(429)], seed=3)
        with platform.client(backoff_factor=0) as client:
            got = many(client, [str(number) for number in range(100)], "embedding", concurrency=32)

        assert all(outcome.ok for outcome in got)

    @pytest.mark.parametrize("data", [None, [], [{"index": 0}, {"index": 0}, {"index": 1}]], ids=str)
    async def test_a_reply_without_vectors(self, data):
        """A reply that does not hold a vector for each text is the error of those texts, and of no others."""

        async def ask(arguments):
            body = {} if data is None else {"data": data}
            return qianfan.Response(200, {}, body if "x" in arguments["texts"] else {"data": [{"index": 0}]})

        packing = Packing(ask)
        first = asyncio.gather(*(packing.ask({"texts": [text]}) for text in "xyz"), return_exceptions=True)
        told = await first
        assert [type(error) for error in told] == [errors.RequestError] * 3
        assert (await packing.ask({"texts": ["a"]}))["data"] == [{"index": 0}]
        await packing.aclose()

    def test_parameters_are_kept_apart(self, platform, many):
        """Texts for other models, or users, share no request."""
        inputs = [{"texts": [str(number)], "user_id": f"u{number % 2}"} for number in range(8)]
        with platform.client() as client:
            got = many(client, inputs, "embedding")

        assert all(outcome.ok for outcome in got)
        assert sorted(call.body["user_id"] for call in platform.calls("embedding")) == ["u0", "u1"]


WRONG = [
    (3, errors.InvalidArgumentError, "int is no input of chat"),
    (None, errors.InvalidArgumentError, "NoneType is no input of chat"),
    ({"role": "user"}, errors.InvalidArgumentError, "'messages'"),
    ([], errors.InvalidArgumentError, "messages"),
    ({"messages": [{"role": "user", "content": "x"}], "temperature": 7}, errors.BadRequestError, "336003"),
    ({"messages": [{"role": "user", "content": "x"}], "extra": 5}, errors.InvalidArgumentError, "extra"),
]


@pytest.mark.parametrize(("wrong", "kind", "said"), WRONG, ids=[str(case[2]) for case in WRONG])
def test_an_error_is_a_value(echo, many, wrong, kind, said):
    """An input that cannot be asked, or is refused, is an outcome like the others, and the others come."""
    with echo.client() as client:
        got = many(client, ["一", wrong, "三"], concurrency=2)

    assert [outcome.ok for outcome in got] == [True, False, True]
    assert isinstance(got[1].error, kind)
    assert said in str(got[1].error)
    assert (many.report.done, many.report.failed, many.failure) == (2, 1, None)
    with pytest.raises(kind):
        got[1].unwrap()


def test_a_function_that_fails(echo, many):
    """What the user's function raises is the error of that input, and its cause."""
    with echo.client() as client:
        got = many(client, [{"text": "一"}, {}, {"text": "三"}], prompt=lambda row: row["text"])

    assert [outcome.ok for outcome in got] == [True, False, True]
    assert "KeyError" in str(got[1].error)
    assert isinstance(got[1].error.__cause__, KeyError)


def test_inputs_are_read_as_outcomes_are_taken(echo, many):
    """An endless input is read a little ahead and no further, and is left at any time."""
    read = []
    numbers = (read.append(number) or str(number) for number in itertools.count())
    with echo.client() as client:
        got = many(client, numbers, concurrency=4, until=100)

    assert len(got) == 100
    assert len(read) <= 100 + 4 * 8 + 1


def test_inputs_are_read_where_they_belong(echo):
    """A plain iterable is read in the thread that iterates: some, as SQLite's, allow no other."""
    threads = set()

    def inputs():
        for number in range(50):
            threads.add(threading.get_ident())
            yield str(number)

    with echo.client() as client, client.map(inputs(), concurrency=4) as outcomes:
        assert len(list(outcomes)) == 50
    assert threads == {threading.get_ident()}


async def test_async_inputs(echo):
    """`amap` reads an async iterable too, and asks what there is while it waits for more."""
    more = asyncio.Event()

    async def inputs():
        yield "一"
        yield "二"
        await more.wait()
        yield "三"

    async with echo.client() as client, client.amap(inputs(), concurrency=4) as outcomes:
        first = [(await anext(outcomes)).response["result"] for _ in range(2)]
        more.set()
        rest = [outcome.response["result"] async for outcome in outcomes]

    assert (first, rest) == (["答：一", "答：二"], ["答：三"])


def test_broken_inputs(echo, many):
    """What the inputs raise comes after the outcomes of all that were read."""

    def inputs():
        yield from ("一", "二")
        raise OSError("the disk is gone")

    with echo.client() as client:
        got = many(client, inputs(), concurrency=2)

    assert results(got) == ["答：一", "答：二"]
    assert str(many.failure) == "the disk is gone"


def test_stop(start, many):
    """After `stop` nothing more is read, and all that was in flight comes."""
    platform = start()
    platform.reply(with_="好", first_token=0.05)
    read = []
    inputs = (read.append(number) or str(number) for number in range(10_000))
    with platform.client() as client:
        if many.way == "map":
            outcomes = client.map(inputs, concurrency=8)
            got = [next(outcomes) for _ in range(20)]
            outcomes.stop()
            got += list(outcomes)
        else:

            async def run():
                async with client, client.amap(inputs, concurrency=8) as outcomes:
                    got = [await anext(outcomes) for _ in range(20)]
                    outcomes.stop()
                    return got + [outcome async for outcome in outcomes]

            got = asyncio.run(run())

    assert [outcome.id for outcome in got] == list(range(len(got)))
    assert 20 <= len(got) <= 20 + 8 * 9
    assert len(platform.calls("chat")) == len(got)


def test_close_gives_up(start):
    """`close` waits for no reply and leaves no thread."""
    platform = start(faults=[on("chat").delay(60)])
    with platform.client() as client:
        outcomes = client.map(["一", "二"])
        reader = threading.Thread(target=lambda: next(outcomes, None))
        reader.start()
        while not platform.calls("chat"):
            reader.join(0.01)
        outcomes.close()
        reader.join(10)

        assert not reader.is_alive()
        assert list(outcomes) == []
    assert [thread for thread in threading.enumerate() if thread.name == "qianfan-map"] == []


BAD = [
    ({"inputs": "一句话"}, "inputs must be an iterable of inputs, not one str"),
    ({"inputs": 5}, "not one int"),
    ({"kind": "image"}, "kind must be one of chat, completion, embedding"),
    ({"concurrency": 0}, "concurrency"),
    ({"concurrency": 1.5}, "concurrency"),
    ({"stream": True}, "stream"),
    ({"prompt": "译：{}"}, "prompt must be a function"),
    ({"ids": "key"}, "ids must be a function"),
    ({"retry_failed": True}, "checkpoint"),
    ({"engine": "dask"}, "engine"),
]


@pytest.mark.parametrize(("wrong", "said"), BAD, ids=[str(case[0]) for case in BAD])
@pytest.mark.parametrize("way", ["map", "amap"])
def test_bad_arguments(platform, way, wrong, said):
    """What cannot be right is refused before anything is read or sent."""
    with platform.client() as client, pytest.raises(errors.InvalidArgumentError, match=said):
        getattr(client, way)(**{"inputs": ["一"], **wrong})


def test_a_closed_client(platform):
    """A closed client asks for nothing."""
    client = platform.client()
    client.close()

    for way in (client.map, client.amap):
        with pytest.raises(errors.InvalidArgumentError, match="closed"):
            way(["一"])


class TestLevel:
    """How many requests at once."""

    def test_refusals_lower_it_and_lose_nothing(self, start, many):
        """Half of all calls are answered 429: all inputs have their reply in the end."""
        platform = start(faults=[on("chat", p=0.5).status(429)], seed=7)
        with platform.client(backoff_factor=0) as client:
            got = many(client, [str(number) for number in range(150)], concurrency=32)

        assert [outcome.id for outcome in got] == list(range(150))
        assert all(outcome.ok for outcome in got)
        assert many.report.refusals == len(platform.calls("chat")) - 150
        assert many.report.level < 32

    def test_it_finds_the_limit_of_the_service(self, start, many):
        """A service that takes 20 calls a second gets all its calls, most of them once."""
        platform = start(qps=20)
        with platform.client(backoff_factor=0.5) as client:
            got = many(client, [str(number) for number in range(60)], concurrency=64)

        assert all(outcome.ok for outcome in got)
        assert many.report.level < 16

    def test_no_wait_for_a_place_is_a_failure(self, platform, many):
        """A slow rate limit of the client's own makes inputs wait for as long as it takes."""
        with platform.client(query_per_second=20, request_timeout=0.2) as client:
            got = many(client, [str(number) for number in range(30)], concurrency=16)

        assert all(outcome.ok for outcome in got)
        assert len(set(texts(platform))) == 30

    def test_no_more_than_asked_for(self, start, many):
        """Never are more requests in flight than `concurrency` allows."""
        platform = start()
        now, most = 0, 0
        lock = threading.Lock()

        def answer(request):  # noqa: ARG001  # the platform tells it
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)
            threading.Event().wait(0.01)
            with lock:
                now -= 1
            return "好"

        platform.reply(with_=answer)
        with platform.client() as client:
            many(client, [str(number) for number in range(60)], concurrency=3)

        assert most <= 3


class TestTheEnd:
    """What ends a run early."""

    def test_failure_after_failure(self, start, many):
        """A hundred failures in a row that are nobody's input end the run."""
        platform = start(faults=[on("chat").code(17)])
        with platform.client() as client:
            got = many(client, (str(number) for number in itertools.count()), concurrency=4)

        assert isinstance(many.failure, errors.BulkStoppedError)
        assert isinstance(many.failure.failure, errors.QuotaError)
        assert 100 <= len(got) <= 104
        assert all(isinstance(outcome.error, errors.QuotaError) for outcome in got)

    def test_bad_inputs_never_do(self, platform, many):
        """Any number of inputs that are wrong themselves end nothing."""
        with platform.client() as client:
            got = many(client, [5] * 300 + ["好"])

        assert [outcome.ok for outcome in got] == [False] * 300 + [True]
        assert many.failure is None

    def test_a_budget(self, platform, many):
        """A budget that is spent ends the run; what it paid for comes."""
        with platform.client() as client, client.budget(requests=10):
            got = many(client, [str(number) for number in range(50)], concurrency=4)

        assert isinstance(many.failure, errors.BudgetExceededError)
        assert [outcome.ok for outcome in got] == [True] * 10
        assert len(platform.calls("chat")) == 10
        assert client.usage.sum.requests == 10

    def test_a_budget_is_used_up(self, platform, many):
        """What requests in flight may use keeps others waiting, and is no reason to end the run early."""
        with platform.client() as client, client.budget(tokens=50_000) as budget:
            got = many(client, [str(number) for number in range(300)], concurrency=64)

        assert many.failure is None
        assert all(outcome.ok for outcome in got)
        assert budget.used.tokens == many.report.usage.total_tokens

    def test_a_budget_of_tokens(self, platform, many):
        """A run ends before a budget of tokens is passed, and when not one request more fits."""
        with platform.client() as client, client.budget(tokens=5_000) as budget:
            got = many(client, (str(number) for number in itertools.count()), concurrency=64)

        assert isinstance(many.failure, errors.BudgetExceededError)
        assert 5_000 - 1_100 <= budget.used.tokens <= 5_000
        assert len(got) == len(platform.calls("chat"))


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is told otherwise there")
def test_an_object_that_is_dropped(platform):
    """Results that nobody holds any more leave no thread behind."""
    with platform.client() as client:
        outcomes = client.map(str(number) for number in itertools.count())
        assert next(outcomes).ok
        threads = [thread for thread in threading.enumerate() if thread.name == "qianfan-map"]
        del outcomes
        for thread in threads:
            thread.join(10)

    assert len(threads) == 1
    assert not threads[0].is_alive()


NO_ARGUMENTS = [
    {5: 1},
    {"self": 1},
    {"stream": True},
]


@pytest.mark.parametrize("wrong", NO_ARGUMENTS, ids=str)
def test_names_that_are_no_arguments(echo, many, wrong):
    """A dict whose names cannot be arguments, or that wants a stream, fails alone."""
    ask = {"messages": [{"role": "user", "content": "二"}], **wrong}
    with echo.client() as client:
        got = many(client, ["一", ask, "三"])

    assert [outcome.ok for outcome in got] == [True, False, True]
    assert isinstance(got[1].error, errors.InvalidArgumentError)
    assert many.failure is None


@pytest.mark.parametrize("function", ["prompt", "ids"])
def test_a_function_that_exits(echo, many, function):
    """What is no failure but the end of the program ends the run, and nobody waits for ever."""

    def leave(item):
        raise SystemExit(item)

    with echo.client() as client, pytest.raises(SystemExit):
        many(client, ["一", "二"], **{function: leave})


def test_stop_before_the_first(echo, many):
    """A run that is stopped before it begins asks nothing, and one that is closed neither."""
    with echo.client() as client:
        if many.way == "map":
            for leave in ("stop", "close"):
                outcomes = client.map(["一", "二"])
                getattr(outcomes, leave)()
                assert list(outcomes) == []
        else:

            async def run():
                stopped, closed = client.amap(["一", "二"]), client.amap(["一", "二"])
                stopped.stop()
                await closed.aclose()
                return [outcome for results in (stopped, closed) async for outcome in results]

            assert asyncio.run(run()) == []
    assert echo.calls("chat") == []


def test_threads_share_results(echo):
    """Several threads may iterate one object: each outcome comes to one of them, and all see the end."""
    got = []
    with echo.client() as client:
        outcomes = client.map((str(number) for number in range(200)), concurrency=8)
        readers = [threading.Thread(target=lambda: got.extend(outcomes), daemon=True) for _ in range(3)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(20)

    assert not any(reader.is_alive() for reader in readers)
    assert sorted(outcome.id for outcome in got) == list(range(200))


def test_ctrl_c_while_inputs_are_read(start):
    """It waits for no reply; who goes on all the same is not told that the inputs were at their end."""

    def inputs():
        yield "一"
        yield "二"
        raise KeyboardInterrupt

    platform = start(faults=[on("chat", times=1).delay(60)])
    with platform.client() as client, client.map(inputs()) as outcomes:
        with pytest.raises(KeyboardInterrupt):
            next(outcomes)
        outcomes.stop()
        assert outcomes.report.done + outcomes.report.failed < 2


def test_inputs_begin_once(echo, many):
    """The inputs are asked for an iterator once: for a cursor, that is a query."""

    class Rows:
        begun = 0

        def __iter__(self):
            self.begun += 1
            return iter(["一", "二"])

    rows = Rows()
    with echo.client() as client:
        assert len(many(client, rows)) == 2
    assert rows.begun == 1


async def test_async_results_that_are_dropped(echo, tmp_path):
    """Leaving `async for` early without `aclose` leaves no task behind, and the checkpoint to others."""
    others = asyncio.all_tasks()
    with echo.client() as client:
        for _ in range(2):
            async for outcome in client.amap(
                (str(number) for number in itertools.count()), checkpoint=tmp_path / "run.jsonl"
            ):
                assert outcome.ok
                break
            while left := asyncio.all_tasks() - others:
                await asyncio.wait(left)


def test_a_loop_that_ends_first(echo, many, tmp_path):
    """A run whose event loop ends leaves the checkpoint to the next."""
    file = tmp_path / "run.jsonl"

    async def leave(client):
        results = client.amap((str(number) for number in itertools.count()), checkpoint=file)
        return (await anext(results)).ok

    with echo.client() as client:
        assert asyncio.run(leave(client))
        got = many(client, (str(number) for number in itertools.count()), checkpoint=file, until=3)

    assert [outcome.ok for outcome in got] == [True] * 3


async def test_a_budget_that_others_hold(start):
    """What another call of the same event loop may use is waited for, and the loop goes on meanwhile."""
    platform = start(faults=[on("chat", times=1).delay(0.2)])
    async with platform.client() as client:
        with client.budget(tokens=1500):
            other = asyncio.ensure_future(client.chat.ado(messages=[{"role": "user", "content": "先"}]))
            await asyncio.sleep(0)
            got = [outcome async for outcome in client.amap(["后"])]
            await other

    assert [outcome.ok for outcome in got] == [True]


PROGRAMS = {
    "no loop": """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4))
try:
    next(outcomes)
except OSError as error:
    print("told:", error.strerror)
""",
    "a fork": """
import os
next(outcomes)
if os.fork() == 0:
    try:
        while True:
            next(outcomes)
    except qianfan.errors.InvalidArgumentError as error:
        print("told:", error, flush=True)
        os._exit(0)
os.wait()
print(next(outcomes).ok)
""",
    "an exit": """
next(outcomes)
print("told")
""",
}


@pytest.mark.skipif(sys.platform == "win32", reason="processes have other limits there")
@pytest.mark.parametrize("name", PROGRAMS)
def test_processes(echo, name):
    """A process without a file to spare, one that forks, one that just ends: none hangs, and all is told."""
    program = f"""
import itertools, sys, warnings
import qianfan, asyncio, aiohttp
warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
client = qianfan.Qianfan(access_token=sys.argv[2], base_url=sys.argv[1])
outcomes = client.map(str(number) for number in itertools.count())
{PROGRAMS[name]}
"""
    with echo.client() as client:
        arguments = [echo.url, client.access_token()]
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        stdin=subprocess.DEVNULL,
    )

    assert done.stdout.startswith("told")
    assert done.stderr == "" or name == "no loop"  # of which asyncio leaves half
