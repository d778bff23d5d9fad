"""What a test leaves running does not reach the next one; and the same isolation without pytest."""

from __future__ import annotations

import pytest
from support.processes import python

pytest_plugins = ["pytester", "support.runs"]

WARN = ("-W", "always::qianfan.testing.LeftRunningWarning")


class TestLeftRunning:
    """What a test leaves running is told of there, and cut."""

    def test_a_thread_that_goes_on_calling(self, run):
        """A thread that calls again and again ends; no later test sees a call of it, or an error."""
        result = run(
            """
import itertools, threading, time

def go_on(pause):
    while True:
        bot.answer("from before")
        time.sleep(pause)

@pytest.mark.parametrize("number", range(9))
def test_polls(qianfan_platform, number):
    for _ in range(3):
        assert bot.answer("mine")
        time.sleep(0.01)
    assert [call.route for call in qianfan_platform.calls()] == ["token", "chat", "chat", "chat"]
    assert {call.messages[0]["content"] for call in qianfan_platform.calls("chat")} == {"mine"}
    thread = threading.Thread(target=go_on, args=[(0, 0.0005, 0.01)[number % 3]], name="poller", daemon=True)
    thread.start()
    while len(qianfan_platform.calls("chat")) < 5:
        time.sleep(0.001)

def test_all_ended(qianfan_platform):
    for thread in threading.enumerate():
        if thread.name == "poller":
            thread.join(10)
            assert not thread.is_alive()
    assert qianfan_platform.calls() == []
""",
            *WARN,
        )

        result.assert_outcomes(passed=10, warnings=9)
        result.stdout.fnmatch_lines(
            ["*LeftRunningWarning: left running by a test, and cut: the thread 'poller'*"]
        )

    def test_a_thread_that_is_only_about_to_call(self, run):
        """A thread that makes its first call when its test is over makes none."""
        result = run(
            """
import threading, time

SEEN = threading.Event()

def wait_and_call():
    while not SEEN.is_set():
        time.sleep(0.001)
    bot.answer("too late")

def test_starts(qianfan_platform):
    threading.Thread(target=wait_and_call, name="late").start()

def test_sees_nothing(qianfan_platform):
    (late,) = (thread for thread in threading.enumerate() if thread.name == "late")
    SEEN.set()
    late.join()
    assert qianfan_platform.calls() == []

def test_ends():
    import gc
    gc.collect()
"""
        )

        result.assert_outcomes(passed=3)

    @pytest.mark.parametrize(
        "way", ["a call", "a stream", "an async stream", "a task of a loop that goes on"]
    )
    def test_calls_that_are_being_answered(self, run, way):
        """A call or stream that is not answered yet is cut; what tries again reaches nobody."""
        result = run(
            f"""
import asyncio, threading, time

KEPT = []
pytestmark = pytest.mark.asyncio(loop_scope="module")

async def call_later():
    with pytest.raises(qianfan.errors.QianfanError):
        await bot.later("again")
    KEPT.append("refused")

@pytest.mark.qianfan(chunk_delay=60)
async def test_leaves(qianfan_platform):
    way = {way!r}
    if way == "a stream":
        KEPT.append(bot.streamed("you"))
        next(KEPT[0])
    elif way == "an async stream":
        KEPT.append(await qianfan.ChatCompletion().ado([{{"role": "user", "content": "you"}}], stream=True))
        await anext(KEPT[0])
    else:
        fault = qianfan_platform.on("chat").delay(60)
        if way == "a call":
            threading.Thread(target=bot.answer, args=["you"], name="caller").start()
        else:
            KEPT.append(asyncio.create_task(call_later()))
        while not fault.hits:
            await asyncio.sleep(0.001)

async def test_sees_nothing(qianfan_platform):
    if {way!r} == "a task of a loop that goes on":
        await KEPT[0]
        assert KEPT[1] == "refused"
    for thread in threading.enumerate():
        if thread.name == "caller":
            thread.join(10)
    assert qianfan_platform.calls() == []
    assert bot.answer("mine")

async def test_ends():
    KEPT.clear()
    import gc
    gc.collect()
""",
            *WARN,
        )

        result.assert_outcomes(passed=3, warnings=1)
        result.stdout.fnmatch_lines(["*LeftRunningWarning: left running by a test, and cut:*POST /rpc/*"])

    def test_threads_that_wait_for_work_are_kept(self, run):
        """Pools and loops in threads, as programs keep them, serve one test after the other."""
        result = run(
            """
import asyncio, queue, threading
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.pool import ThreadPool

POOL, OTHER, JOBS, LOOP = ThreadPoolExecutor(2), ThreadPool(1), queue.Queue(), asyncio.new_event_loop()

def work():
    while (job := JOBS.get()) is not None:
        job.set_result(bot.answer("queued"))

@pytest.mark.parametrize("number", range(3))
def test_works(qianfan_platform, number):
    if not number:
        threading.Thread(target=work, daemon=True).start()
        threading.Thread(target=LOOP.run_forever, daemon=True).start()
    answers = [POOL.submit(bot.answer, "pooled") for _ in range(4)]
    JOBS.put(queued := Future())
    answers += [queued, asyncio.run_coroutine_threadsafe(bot.later("in a loop"), LOOP)]
    assert all(answer.result(10) for answer in answers)
    assert OTHER.apply(bot.answer, ["other"])
    assert len(qianfan_platform.calls("chat")) == 7

def test_end():
    POOL.shutdown()
    OTHER.terminate()
    OTHER.join()
    asyncio.run_coroutine_threadsafe(LOOP.shutdown_asyncgens(), LOOP).result(10)
    LOOP.call_soon_threadsafe(LOOP.stop)
    JOBS.put(None)
"""
        )

        result.assert_outcomes(passed=4)

    def test_a_stream_that_is_left_in_the_middle_is_not_left_running(self, run):
        """Leaving a loop over a stream ends it, as everywhere."""
        result = run(
            """
@pytest.mark.qianfan(chunk_delay=0.01)
@pytest.mark.parametrize("number", range(5))
def test_break(qianfan_platform, number):
    for event in bot.streamed("a long question"):
        break
"""
        )

        result.assert_outcomes(passed=5)


class TestWithoutPytest:
    """`qianfan.testing.platform()` in unittest, or anywhere else."""

    def test_unittest(self):
        """Test cases, plain and async, have platforms of their own, and the environment is what it was."""
        said = python(
            """
            import io, os, unittest
            import qianfan, qianfan.testing

            MESSAGES = [{"role": "user", "content": "你好"}]
            before = dict(os.environ)

            class Test(unittest.TestCase):
                def setUp(self):
                    context = qianfan.testing.platform()
                    self.platform = context.__enter__()
                    self.addCleanup(context.__exit__, None, None, None)

                def test_one(self):
                    self.assertIn("本地平台", qianfan.ChatCompletion().do(MESSAGES)["result"])
                    self.assertEqual(len(self.platform.calls()), 2)

                def test_two(self):
                    qianfan.AK("mine")
                    os.environ["QIANFAN_MINE"] = "1"
                    self.assertEqual(self.platform.calls(), [])

            class AsyncTest(unittest.IsolatedAsyncioTestCase):
                async def test_version(self):
                    with qianfan.testing.platform(version=2, rpm=5) as platform:
                        await qianfan.ChatCompletion().ado(MESSAGES)
                        self.assertEqual(platform.calls("chat").last.version, 2)

            runner = unittest.TextTestRunner(io.StringIO())
            done = unittest.main(exit=False, argv=["test"], testRunner=runner)
            print(done.result.testsRun, done.result.wasSuccessful(), os.environ == before, qianfan.get_config().AK)
            """,
            QIANFAN_AK="of the machine",
            QIANFAN_SK="of the machine",
        )

        assert said.split() == ["3", "True", "True", "of", "the", "machine"]

    def test_a_test_that_fails(self):
        """After an error the environment and the setters are what they were, and the address is used again."""
        said = python(
            """
            import os
            import qianfan, qianfan.testing

            qianfan.AK("mine")
            before, urls = dict(os.environ), set()
            for _ in range(2):
                try:
                    with qianfan.testing.platform() as platform:
                        urls.add(platform.url)
                        raise KeyError
                except KeyError:
                    print(os.environ == before, qianfan.get_config().AK)
            print(len(urls))
            """
        )

        assert said.split() == ["True", "mine", "True", "mine", "1"]

    def test_other_hosts(self):
        """Another host is out of reach, and who keeps silent about it is told at the end of the block."""
        said = python(
            """
            import contextlib, socket
            import qianfan.testing

            for quiet in (False, True):
                try:
                    with qianfan.testing.platform():
                        with contextlib.suppress(RuntimeError if quiet else ()):
                            socket.create_connection(("example.com", 443))
                        print("went on")
                except qianfan.testing.OutsideCallError as error:
                    print(error)
            with qianfan.testing.platform(network=["192.0.2.1"]):
                with socket.socket() as sock:
                    sock.setblocking(False)
                    sock.connect_ex(("192.0.2.1", 9))
            """
        )

        first, went_on, second = said.splitlines()
        assert first == second
        assert first.startswith("<string>:10 tried to reach example.com:443, and ")
        assert first.endswith("qianfan.testing.platform(network=['example.com']) allows it")
        assert went_on == "went on"

    @pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork on this system")
    def test_a_forked_child_has_an_address_of_its_own(self):
        """A child does not wait for the server that only its parent has."""
        said = python(
            """
            import os, warnings
            import qianfan, qianfan.testing
            warnings.simplefilter("ignore", DeprecationWarning)

            with qianfan.testing.platform() as platform:
                parents = platform.url
            child = os.fork()
            with qianfan.testing.platform() as platform:
                qianfan.ChatCompletion().do([{"role": "user", "content": "你好"}])
                same = platform.url == parents
            if child:
                print(same, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            else:
                os._exit(same)
            """
        )

        assert said.split() == ["True", "0"]
