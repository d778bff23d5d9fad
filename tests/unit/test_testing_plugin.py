"""The pytest plugin, as runs of pytest see it: each is a process of its own, in which every warning is an error."""

from __future__ import annotations

import json

import pytest

pytest_plugins = ["pytester", "support.runs"]


class TestPlatform:
    """The fixture `qianfan_platform`."""

    def test_user_code_finds_it(self, run):
        """A program that reads its keys from the environment calls the platform, which tells what was asked."""
        result = run(
            """
def test_bot(qianfan_platform):
    assert "本地平台" in bot.answer("你好")
    call = qianfan_platform.calls("chat").last
    assert (call.messages, call.version) == ([{"role": "user", "content": "你好"}], 1)

async def test_async(qianfan_platform):
    assert "本地平台" in await bot.later("你好")
    assert len(qianfan_platform.calls("chat")) == 1
"""
        )

        result.assert_outcomes(passed=2)

    @pytest.mark.parametrize("how", ["in order", "reversed", "shuffled", "two workers"])
    def test_each_test_sees_its_own(self, run, pytester, how):
        """Whatever a test did, the next one finds nothing of it, in any order and number of processes."""
        pytester.makeconftest(
            f"""
import random

def pytest_collection_modifyitems(items):
    if {how!r} == "reversed":
        items.reverse()
    elif {how!r} == "shuffled":
        random.Random(7).shuffle(items)
"""
        )
        result = run(
            """
URLS = set()

@pytest.mark.parametrize("number", range(10))
def test_as_new(qianfan_platform, qianfan_client, number):
    platform = qianfan_platform
    known, saved = qianfan.local.platform(rpm=3).snapshot().saved, platform.snapshot().saved
    for part in known.keys() - {"faults", "script"}:
        assert saved[part] == known[part], part
    assert len(platform.faults) == len(platform.script) == 0
    URLS.add(platform.url)
    assert len(URLS) == 1

    for question in ("one", "two", "three"):
        assert bot.answer(question, retry_count=1)
    with pytest.raises(qianfan.errors.RateLimitError):
        bot.answer("four", retry_count=1)
    assert [call.path.rpartition("/")[2] for call in platform.calls()] == ["token", *["eb-instant"] * 4]
    qianfan_client.finetune.create_task(name="task")
    platform.add_application("own", "secret")
    platform.add_endpoint("mine")
    platform.add_dataset([{"prompt": "a", "response": "b"}] * 3)
    platform.add_knowledge("text")
    platform.add_plugin(print)
    platform.reply("you", with_="me")
    platform.on("chat").status(503)
    platform.advance(days=40)
    platform.freeze()

pytestmark = pytest.mark.qianfan(rpm=3)
""",
            *(["-n", "2"] if how == "two workers" else []),
        )

        result.assert_outcomes(passed=10)

    def test_workers_have_platforms_of_their_own(self, run, pytester):
        """Under xdist each process has one address for all its tests, which no other process has."""
        result = run(
            """
import os, pathlib

@pytest.mark.parametrize("number", range(8))
def test_where(qianfan_platform, number):
    bot.answer("你好")
    with pathlib.Path("urls").open("a") as urls:
        urls.write(f"{os.getpid()} {qianfan_platform.url}\\n")
""",
            *("-n", "2"),
        )

        result.assert_outcomes(passed=8)
        places = {tuple(line.split()) for line in (pytester.path / "urls").read_text().splitlines()}
        assert len(places) == len({pid for pid, _ in places}) == len({url for _, url in places})

    def test_an_object_outlives_its_test(self, run):
        """What user code makes once and keeps works in every later test, and no refused token shows there."""
        result = run(
            """
KEPT = []

@pytest.mark.parametrize("number", range(3))
def test_kept(qianfan_platform, number):
    if not KEPT:
        KEPT.append(qianfan.ChatCompletion())
    KEPT[0].do(messages=[{"role": "user", "content": "你好"}])
    assert [(call.route, "error_code" in call.reply) for call in qianfan_platform.calls()] == [
        ("token", False), ("chat", False)
    ]

@pytest.mark.parametrize("number", range(3))
async def test_kept_async(qianfan_platform, number):
    await KEPT[0].ado(messages=[{"role": "user", "content": "你好"}])
    assert [call.route for call in qianfan_platform.calls()] == ["token", "chat"]
"""
        )

        result.assert_outcomes(passed=6)

    def test_the_machines_settings_do_not_count(self, run, monkeypatch):
        """Variables, setters and proxies of the machine are away in the test, and there again after it."""
        monkeypatch.setenv("QIANFAN_ACCESS_TOKEN", "mine")
        monkeypatch.setenv("QIANFAN_QPS_LIMIT", "0.001")
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

        result = run(
            """
import os

@pytest.fixture(autouse=True)
def machine(monkeypatch):
    qianfan.AK("of the machine")
    before = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    yield
    monkeypatch.undo()
    assert {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"} == before
    assert qianfan.get_config().AK == "of the machine"

def test_bot(qianfan_platform, monkeypatch):
    steering = {name: value for name, value in os.environ.items() if name.startswith("QIANFAN_")}
    assert steering == qianfan_platform.environment
    assert "HTTP_PROXY" not in os.environ
    assert bot.answer("你好") and bot.answer("你好")
    monkeypatch.setenv("QIANFAN_AK", "of the test")
    qianfan.AK("of the test")
    qianfan.SK("of the test")
"""
        )

        result.assert_outcomes(passed=1)

    def test_marks(self, run):
        """Marks choose the version and the platform's options; the closest one has the last word."""
        result = run(
            """
pytestmark = pytest.mark.qianfan(rpm=1)
STILL = qianfan.local.Clock(lambda: 1_700_000_000.0)

@pytest.mark.qianfan(version=2)
def test_version(qianfan_platform, qianfan_client):
    bot.answer("你好")
    assert qianfan_client.version == 2
    with pytest.raises(qianfan.errors.RateLimitError):
        bot.answer("你好", retry_count=1)
    assert {call.version for call in qianfan_platform.calls()} == {2}

@pytest.mark.qianfan(rpm=2)
class TestClass:
    @pytest.mark.qianfan(rpm=3, token_lifetime=7)
    def test_closest(self, qianfan_platform):
        assert [bot.answer("你好") for _ in range(3)]
        assert qianfan_platform.calls("token").last.reply["expires_in"] == 7

    def test_class(self, qianfan_platform):
        assert [bot.answer("你好") for _ in range(2)]
        with pytest.raises(qianfan.errors.RateLimitError):
            bot.answer("你好", retry_count=1)

@pytest.mark.parametrize("number", range(2))
@pytest.mark.qianfan(clock=STILL)
def test_clock(qianfan_platform, number):
    assert STILL.now() == 1_700_000_000.0
    qianfan_platform.advance(days=3)
"""
        )

        result.assert_outcomes(passed=5)

    @pytest.mark.parametrize(
        ("mark", "complaint"),
        [
            ("rmp=60", "*no option of a test's platform: 'rmp'; known: *rpm*"),
            ("port=80", "*no option of a test's platform: 'port'*"),
            ("version=3", "*version must be 1 or 2, not 3*"),
            ("60", "*@pytest.mark.qianfan takes its options by name, not 60*"),
            ("rpm=0", "*rpm must be above 0*"),
        ],
    )
    def test_bad_marks(self, run, mark, complaint):
        """A mark that means nothing is an error of the test's, which says what would do."""
        result = run(f"@pytest.mark.qianfan({mark})\ndef test_it(qianfan_platform): pass\n")

        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines([complaint])

    def test_a_bad_mark_harms_no_other_test(self, run):
        """The address stays what it was."""
        result = run(
            """
URLS = set()

def test_before(qianfan_platform):
    URLS.add(qianfan_platform.url)

@pytest.mark.qianfan(rpm=0)
def test_bad(qianfan_platform):
    pass

def test_after(qianfan_platform):
    assert URLS == {qianfan_platform.url}
"""
        )

        result.assert_outcomes(passed=2, errors=1)

    def test_without_the_extra(self, run, pytester):
        """Where the server's packages are missing, the test says what to install."""
        pytester.makeconftest("import sys; sys.modules['starlette'] = None")

        result = run("def test_it(qianfan_platform): pass\n")

        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(["*pip install 'qianfan[[]local[]]'*"])

    def test_nested(self, run):
        """A test may run a second platform, which has the environment for as long as it runs."""
        result = run(
            """
def test_two(qianfan_platform):
    with qianfan.testing.platform(version=2) as second:
        assert bot.answer("你好") and second.url != qianfan_platform.url
        assert [call.version for call in second.calls()] == [2]
    assert bot.answer("你好")
    assert [call.route for call in qianfan_platform.calls()] == ["token", "chat"]
"""
        )

        result.assert_outcomes(passed=1)


class TestClient:
    """The fixture `qianfan_client`."""

    def test_sync_and_async(self, run):
        """It serves plain tests and those of pytest-asyncio and anyio, and leaves nothing open."""
        result = run(
            """
MESSAGES = [{"role": "user", "content": "你好"}]

def test_sync(qianfan_client):
    assert qianfan_client.chat.do(MESSAGES)["result"]
    assert list(qianfan_client.chat.do(MESSAGES, stream=True))

async def test_asyncio(qianfan_client):
    assert (await qianfan_client.chat.ado(MESSAGES))["result"]
    assert [event async for event in await qianfan_client.chat.ado(MESSAGES, stream=True)]

@pytest.mark.asyncio(loop_scope="module")
async def test_a_loop_that_goes_on(qianfan_client):
    assert (await qianfan_client.chat.ado(MESSAGES))["result"]

@pytest.mark.asyncio(loop_scope="module")
async def test_the_same_loop(qianfan_client, qianfan_platform):
    assert (await qianfan_client.chat.ado(MESSAGES))["result"]
    assert len(qianfan_platform.calls("chat")) == 1

def test_closed(qianfan_client):
    import gc
    gc.collect()
"""
        )
        result.assert_outcomes(passed=5)

        result = run(
            """
@pytest.mark.anyio
async def test_anyio(qianfan_client):
    assert (await qianfan_client.chat.ado([{"role": "user", "content": "你好"}]))["result"]

@pytest.fixture
def anyio_backend():
    return "asyncio"
""",
            *("-p", "no:asyncio", "-o", "addopts=", "-W", "ignore::pytest.PytestConfigWarning"),
        )
        result.assert_outcomes(passed=1)

    def test_it_is_closed(self, run):
        """After its test it cannot be used."""
        result = run(
            """
CLIENTS = []

def test_use(qianfan_client):
    CLIENTS.append(qianfan_client)
    qianfan_client.access_token()

def test_closed():
    with pytest.raises(qianfan.errors.InvalidArgumentError, match="closed"):
        CLIENTS[0].access_token()
"""
        )

        result.assert_outcomes(passed=2)


class TestCost:
    """What the plugin costs those who do not use it."""

    def test_nothing_is_imported(self, run, pytester):
        """A run without the fixtures imports four small modules of this package, and installs no audit hook."""
        pytester.makepyfile(bot="")
        result = run(
            """
import sys

def test_modules():
    loaded = {name for name in sys.modules if name.partition(".")[0] in ("qianfan", "starlette", "aiohttp")}
    assert loaded == {"qianfan", "qianfan.version", "qianfan.testing", "qianfan.testing.plugin"}
"""
        )

        result.assert_outcomes(passed=1)

    def test_what_it_takes(self, pytester, monkeypatch):
        """The import of the plugin, and a platform's set-up and tear-down; pytest -s shows how long they take."""
        code = """
import gc, json, statistics, time
import pytest

def timed(action):
    began = time.perf_counter()
    action()
    return time.perf_counter() - began

def load():
    import qianfan.testing.plugin

def enter_and_exit():
    with isolated():
        pass

def median(action):
    return round(1e3 * statistics.median(timed(action) for _ in range(200)), 2)

took = {"import": round(1e3 * timed(load), 2)}
from qianfan.testing.isolation import isolated
took["first"] = round(1e3 * timed(enter_and_exit), 2)
took["set-up and tear-down"] = median(enter_and_exit)
with isolated() as platform, platform.client() as client:
    client.chat.do([{"role": "user", "content": "hello"}])
    snapshot = platform.snapshot()
    took["snapshot"], took["restore"] = median(platform.snapshot), median(lambda: platform.restore(snapshot))
print(json.dumps(took))
"""
        monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        result = pytester.runpython_c(code)

        assert result.ret == 0
        print(json.loads(result.outlines[-1]), "ms")  # noqa: T201  # figures to read; bounds would fail on a busy machine
