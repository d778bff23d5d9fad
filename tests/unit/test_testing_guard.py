"""The guard: whoever tries to reach another host, by whichever library and thread, fails the test that runs."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester", "support.runs"]

#: Ways to reach another host, by name or by address, each a function of that host.
WAYS = """
import asyncio, contextlib, http.client, socket, threading, urllib.request
from concurrent.futures import ThreadPoolExecutor

def by_urllib(host):
    urllib.request.urlopen(f"http://{host}/")

def by_http_client(host):
    http.client.HTTPSConnection(host).request("GET", "/")

def by_urllib3(host):
    import urllib3
    with urllib3.PoolManager() as pool:
        pool.request("GET", f"https://{host}/")

def by_httpx(host):
    import httpx
    httpx.get(f"https://{host}/", trust_env=False)

def by_httpx_async(host):
    import httpx

    async def get():
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.get(f"https://{host}/")

    asyncio.run(get())

def by_aiohttp(host):
    import aiohttp

    async def get():
        async with aiohttp.ClientSession() as session:
            await session.get(f"https://{host}/")

    asyncio.run(get())

def by_asyncio(host):
    asyncio.run(asyncio.open_connection(host, 443))

def by_socket(host):
    socket.create_connection((host, 443))

def by_connect_ex(host):
    with socket.socket() as sock:
        sock.connect_ex((host, 443))

def by_udp(host):
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.sendto(b"metric", (host, 8125))

def by_look_up(host):
    socket.gethostbyname(host)

def by_qianfan(host):
    import qianfan
    with qianfan.Qianfan(ak="a", sk="s", base_url=f"https://{host}", retry_count=1) as client:
        client.chat.do([{"role": "user", "content": "hello"}])

def by_qianfan_async(host):
    import qianfan

    async def ask():
        async with qianfan.Qianfan(api_key="bce-v3/a/b", base_url=f"https://{host}", retry_count=1) as client:
            await client.chat.ado([{"role": "user", "content": "hello"}])

    asyncio.run(ask())

def by_thread(host):
    thread = threading.Thread(target=quietly, args=[by_socket, host], name="worker")
    thread.start()
    thread.join()

def by_pool(host):
    with ThreadPoolExecutor() as pool:
        pool.submit(by_socket, host).result()

def quietly(way, host):
    with contextlib.suppress(Exception):
        way(host)

ALL = [way for name, way in sorted(globals().items()) if name.startswith("by_")]

# What looks a name up by itself is heard of when it has an address.
BY_NAME = [way for way in ALL if way not in (by_connect_ex, by_udp)]
"""


@pytest.fixture
def guarded(run, pytester):
    """Run tests that know the ways."""
    pytester.makepyfile(ways=WAYS)

    def guarded(code, *arguments):
        return run(f"import ways\n{code}", *arguments)

    return guarded


@pytest.mark.parametrize(
    ("host", "ways", "number"), [("example.com", "BY_NAME", 13), ("192.0.2.1", "ALL", 15)]
)
def test_every_way_fails_the_test(guarded, host, ways, number, monkeypatch):
    """Each way is stopped before anything is sent, and the test fails whether it says so or keeps silent."""
    monkeypatch.setenv("COLUMNS", "400")  # pytest's summary then has whole messages
    result = guarded(
        f"""
@pytest.mark.parametrize("way", ways.{ways})
def test_loud(qianfan_platform, way):
    way({host!r})

@pytest.mark.parametrize("way", ways.{ways})
def test_quiet(qianfan_platform, way):
    ways.quietly(way, {host!r})

def test_clean(qianfan_platform):
    import gc
    gc.collect()
    assert bot.answer("你好")
"""
    )

    result.assert_outcomes(passed=1, failed=2 * number)
    failures = [line for line in result.outlines if line.startswith("FAILED")]
    assert len(failures) == 2 * number
    # Before Python 3.11, groups of exceptions tell only how many there are; what was tried stands below them.
    silent = [line for line in failures if f"tried to reach {host}" not in line]
    assert not [line for line in silent if "ExceptionGroup" not in line]


def test_what_is_said(guarded):
    """The report names the line of the test, the host and the port, and how to allow it."""
    result = guarded(
        """
def test_quiet(qianfan_platform):
    ways.quietly(ways.by_socket, "example.com")

def test_thread(qianfan_platform):
    ways.by_thread("example.com")

def test_other_failure(qianfan_platform):
    ways.quietly(ways.by_socket, "example.com")
    assert qianfan_platform is None
"""
    )

    result.assert_outcomes(failed=3)
    allowing = "@pytest.mark.qianfan(network=['example.com']) allows it"
    where = (
        "tried to reach example.com:443, and a test that uses the local platform reaches this machine only"
    )
    for place in (
        "test_it.py:5",
        "test_it.py::test_thread, in the thread 'worker',",
        "test_it.py:11",
    ):
        assert f"{place} {where}; {allowing}" in result.outlines, place


def test_this_machine_is_not_another(guarded):
    """Loopback by any of its names, sockets of files, and servers of the test's own are free."""
    result = guarded(
        """
import asyncio, http.server, socket, threading

def test_here(qianfan_platform, tmp_path):
    with http.server.HTTPServer(("localhost", 0), http.server.SimpleHTTPRequestHandler) as server:
        for host in ("127.0.0.1", "localhost", "LOCALHOST", "0.0.0.0", b"127.0.0.1"):
            socket.create_connection((host, server.server_port)).close()
    socket.getaddrinfo("::1", 80)
    socket.getaddrinfo(None, 80)
    socket.getaddrinfo("::ffff:127.0.0.1", 80)
    socket.getaddrinfo(socket.gethostname(), 80, proto=socket.IPPROTO_TCP)
    with socket.socket(socket.AF_UNIX) as sock, pytest.raises(FileNotFoundError):
        sock.connect(str(tmp_path / "sock"))
    assert asyncio.run(bot.later("你好"))
"""
    )

    result.assert_outcomes(passed=1)


def test_hosts_that_are_allowed(guarded):
    """`network` names hosts, with patterns, and what an allowed name resolves to is allowed too."""
    result = guarded(
        """
import socket

def reaches(host):
    with socket.socket() as sock:
        sock.setblocking(False)
        sock.connect_ex((host, 9))

@pytest.mark.qianfan(network=["192.0.2.*"])
class TestNetwork:
    def test_pattern(self, qianfan_platform):
        reaches("192.0.2.7")

    @pytest.mark.qianfan(network=["3325256704"])
    def test_both(self, qianfan_platform):
        reaches("192.0.2.7")
        (found, *_) = socket.getaddrinfo("3325256704", 9)  # 198.51.100.0, as no name server is needed to know
        reaches(found[4][0])
        reaches("198.51.100.0")

    def test_no_more(self, qianfan_platform):
        reaches("198.51.100.0")

def test_restored(qianfan_platform):
    assert socket.getaddrinfo.__module__ == "socket"
"""
    )

    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["FAILED test_it.py::TestNetwork::test_no_more *"])


@pytest.mark.parametrize(
    ("arguments", "failed"),
    [((), 0), (("--qianfan-offline",), 3), (("-o", "qianfan_offline=true"), 3)],
    ids=["default", "option", "setting"],
)
def test_tests_without_the_fixture(guarded, arguments, failed):
    """They are guarded only where the option says so for all; their set-up and tear-down too."""
    result = guarded(
        """
import socket

def reaches(host):
    with socket.socket() as sock:
        sock.setblocking(False)
        sock.connect_ex((host, 9))

@pytest.fixture
def before():
    reaches("192.0.2.1")

@pytest.fixture
def after():
    yield
    reaches("192.0.2.2")

def test_before(before):
    pass

def test_after(after):
    pass

class TestCase(__import__("unittest").TestCase):
    def test_unittest(self):
        reaches("192.0.2.3")

def test_free():
    reaches("127.0.0.1")
""",
        *arguments,
    )

    if failed:
        result.assert_outcomes(passed=2, errors=2, failed=1)
        text = result.stdout.str()
        assert all(f"tried to reach 192.0.2.{number}:9" in text for number in (1, 2, 3))
    else:
        result.assert_outcomes(passed=4)


def test_after_a_test_nothing_is_guarded(guarded):
    """The guard ends with its test."""
    result = guarded(
        """
import socket

def test_guarded(qianfan_platform):
    pass

def test_not_guarded():
    with socket.socket() as sock:
        sock.setblocking(False)
        sock.connect_ex(("192.0.2.1", 9))
"""
    )

    result.assert_outcomes(passed=2)
