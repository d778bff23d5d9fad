"""What no client can draw out: its requests, its connections, its patience, and the memory it takes."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time

import pytest
from local_caller import PREFIX
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from v2_caller import MODEL
from wire_caller import HOST, Wire, ask, head, request

import qianfan.local
from qianfan.local import issued, oauth, quota
from qianfan.local.connection import Connection, Limits
from qianfan.local.journal import Call
from qianfan.local.quota import Limits as Quota
from qianfan.local.quota import Quotas
from qianfan.local.recent import Recent
from qianfan.local.server import Server
from qianfan.local.threads import Threads
from qianfan.local.wire import Refusal, Reply, Request

SOON = 0.2  # seconds that a client is given here
LARGE = Limits().head + 1
V1_ERROR = {"error_code", "error_msg", "id"}

get = head("/v2/models")
WORDS = {"model": MODEL, "messages": [{"role": "user", "content": "你好"}]}


class Stuck:
    """A user's function that does not return before it is released, and what calls it."""

    def __init__(self):
        self.began = threading.Semaphore(0)
        self.released = threading.Event()
        self.ask = request(
            f"{PREFIX}/plugin/mine/?access_token=24.x", {"query": "how long", "plugins": ["stuck"]}
        )

    def join(self, platform):
        """Be a plugin of a platform."""
        platform.add_plugin(self, name="stuck")
        platform.add_endpoint("mine", "plugin")

    def __call__(self, _):
        """Return when it is released."""
        self.began.release()
        assert self.released.wait(30)
        return "done"


class Limited:
    """A platform behind a server of its own, with other limits than usual."""

    def __init__(self, limits, chunk_delay):
        self.platform = qianfan.local.platform(any_key=True, chunk_delay=chunk_delay)
        self.server = Server(self.platform._app(), "127.0.0.1", 0, limits)
        self.url = self.server.url
        self.key = f"Authorization: Bearer {self.platform.api_key}"

    def wait_for_no_connection(self):
        """Return when the server has no connection left."""
        connections = self.server._uvicorn.server_state.connections
        for _ in range(3000):
            if not connections:
                return
            time.sleep(0.01)
        raise AssertionError(f"{len(connections)} connections are open")


@pytest.fixture
def limited():
    """Start platforms with limits; all are stopped at the end."""
    running = []

    def start(*, chunk_delay=0.0, **limits):
        running.append(Limited(Limits(**limits), chunk_delay))
        return running[-1]

    yield start
    for it in running:
        it.server.stop()
        it.platform.stop()


def refused(answer, status, code):
    """Assert that an answer is a refusal in the platform's shape, after which the connection ends."""
    assert (answer.status, answer.content["error_code"]) == (status, code)
    assert answer.content.keys() == V1_ERROR
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["connection"] == "close"


class TestHead:
    """What a request is before its body."""

    @pytest.mark.parametrize(
        "parts",
        [
            [head("/v2/models", "X: " + "a" * LARGE)],
            [b"GET / HTTP/1.1\r\nX: ", *[b"a" * 10_000] * 40],
            [head("/", *["a: b"] * 2000)],
            [head("/" + "a" * LARGE)],
            [b"GET /", *[b"a" * 10_000] * 40],
            [b"\r\n" * LARGE, b"\r\n" * LARGE],
            [head("/", "Transfer-Encoding: chunked", method="POST"), b"1\r\na\r\n0\r\n" + b"a: b\r\n" * 2000],
            [head("/", "Transfer-Encoding: chunked", method="POST"), b"0\r\na: ", *[b"a" * 10_000] * 40],
            [head("/", "Transfer-Encoding: chunked", method="POST"), b"1;", *[b"a" * 10_000] * 40],
        ],
        ids=[
            "a header",
            "a header without end",
            "many headers",
            "a path",
            "a path without end",
            "empty lines",
            "many trailers",
            "a trailer without end",
            "a chunk's extension",
        ],
    )
    def test_too_large(self, shared, parts):
        """A head, or what follows a body, has a size; beyond it the connection ends."""
        with Wire(shared.platform) as wire:
            wire.send(*parts)
            refused(wire.answer(), 431, 336007)
            assert wire.is_closed()

    def test_large(self, shared):
        """What fits is taken."""
        assert ask(shared.platform, head("/v2/models", *["X: " + "a" * 1000] * 25)).status == 401

    @pytest.mark.parametrize(
        "data",
        [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
            b"nothing like HTTP\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET / HTTP/3.7\r\n" + HOST + b"\r\n",
            b"BREW / HTTP/1.1\r\n" + HOST + b"\r\n",
            b"CONNECT example.com:443 HTTP/1.1\r\n" + HOST + b"\r\n",
            b"GET http://example.com HTTP/1.1\r\n" + HOST + b"\r\n",
            "GET /你好 HTTP/1.1\r\n".encode() + HOST + b"\r\n",
            head("/", "a\0b: c"),
            head("/", "Content-Length: x", method="POST"),
            head("/", "Content-Length: 1", "Content-Length: 2", method="POST"),
            head("/", "Content-Length: 3", "Transfer-Encoding: chunked", method="POST") + b"0\r\n\r\n",
            head("/", "Transfer-Encoding: chunked", method="POST") + b"zz\r\n\r\n",
        ],
        ids=[
            *("TLS", "words", "HTTP/2", "HTTP/3.7", "method", "CONNECT", "no path", "path", "name"),
            *("length", "lengths", "both", "chunk"),
        ],
    )
    def test_no_http(self, shared, data):
        """What is no HTTP is refused in the platform's shape."""
        with Wire(shared.platform) as wire:
            wire.send(data)
            refused(wire.answer(), 400, 336008)
            assert wire.is_closed()

    def test_what_was_asked_before_is_answered(self, limited):
        """Garbage behind a request does not take its answer away, not even of one that is too short."""
        platform = limited()
        whole = get * 3 + request("/v2/chat/completions", WORDS, platform.key)
        short = (
            head("/v2/chat/completions", platform.key, "Content-Length: 3", method="POST") + b'{"model":"m"}'
        )
        for sent, status in ((whole + b"garbage\r\n\r\n", 200), (short, 400)):
            with Wire(platform) as wire:
                wire.send(sent)
                *_, answer = iter(wire.answer, None)
                assert (answer.status, answer.headers["connection"]) == (status, "close")
                assert wire.is_closed()


class TestBody:
    """What a request is after its head."""

    @pytest.mark.parametrize("chunked", [False, True])
    def test_too_large(self, shared, chunked):
        """A body of more than 4 MiB is refused as soon as it is seen to be, and what still comes is dropped."""
        line = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {6 * 2**20}"
        part = b"a" * 2**20
        body = [(b"%x\r\n%b\r\n" % (len(part), part)) if chunked else part] * 6
        with Wire(shared.platform) as wire:
            wire.send(head("/v2/chat/completions", line, method="POST"), *body)
            answer = wire.answer()
            assert (answer.status, answer.content["error"]["code"]) == (413, "characters_too_long")
            wire.send(*[b"0\r\n\r\n"] * chunked, get)
            assert wire.answer().status == 401

    def test_in_tiny_chunks(self, limited):
        """A body may come in as many chunks as it likes."""
        platform = limited()
        body = b'{"model": "nix", "messages": []' + b" " * 30_000 + b"}"
        chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
        sent = (
            head("/v2/chat/completions", platform.key, "Transfer-Encoding: chunked", method="POST") + chunks
        )

        assert ask(platform, sent).content["error"]["code"] == "invalid_model"

    def test_half_closed(self, shared):
        """Whoever says at once that nothing more comes gets an answer; half a request gets none."""
        for sent, is_answered in ((head("/nix"), True), (request("/nix", {})[:-1], False)):
            with Wire(shared.platform) as wire:
                wire.send(sent)
                wire.end()
                assert (wire.answer() is not None) is is_answered


class TestPatience:
    """How long a client may take."""

    @pytest.mark.parametrize(
        "sent",
        [
            b"GET /v2/mod",
            head("/v2/models")[:-2],
            head("/v2/chat/completions", "Content-Length: 10", method="POST") + b"{",
            head("/v2/chat/completions", "Transfer-Encoding: chunked", method="POST") + b"5\r\nab",
            b"\r\n",
        ],
        ids=["line", "headers", "body", "chunk", "empty lines"],
    )
    @pytest.mark.parametrize("before", [0, 1])
    def test_a_request_without_end(self, limited, sent, before):
        """A request that does not end is refused, the first of a connection and a later one."""
        with Wire(limited(request=SOON)) as wire:
            for _ in range(before):
                wire.send(get)
                assert wire.answer().status == 401
            wire.send(sent)
            if sent != b"\r\n" or before:
                refused(wire.answer(), 408, 336008)
            assert wire.is_closed()

    def test_a_request_byte_by_byte(self, limited):
        """That something comes all the time is not enough."""
        with Wire(limited(request=SOON)) as wire:
            wire.send(b"GET / HTTP/1.1\r\nX: ")
            while wire.waits(SOON / 10):
                wire.send(b"a")
            refused(wire.answer(), 408, 336008)

    def test_silence(self, limited):
        """A connection by which nothing comes is closed without a word, at its beginning and after an answer."""
        with Wire(limited(request=SOON)) as wire:
            assert wire.is_closed()
        with Wire(limited(idle=0)) as wire:
            wire.send(get)
            assert wire.answer().status == 401
            assert wire.is_closed()

    def test_an_answer_may_take_its_time(self, limited):
        """A request that came whole is answered, however long that takes, whatever comes behind it."""
        platform, stuck = limited(request=SOON), Stuck()
        stuck.join(platform.platform)
        with Wire(platform) as wire:
            wire.send(stuck.ask + b"GET /v2/mod")
            assert wire.waits(3 * SOON)
            stuck.released.set()
            assert wire.answer().content["result"] == "done"
            refused(wire.answer(), 408, 336008)

    @pytest.mark.parametrize("behind", [0, 1, 3])
    def test_a_caller_who_leaves(self, limited, behind):
        """A stream whose caller is gone ends at once, also where the caller had asked for more behind it."""
        platform = limited(chunk_delay=30)
        stream = request("/v2/chat/completions", {**WORDS, "stream": True}, platform.key)
        with Wire(platform) as wire:
            wire.send(stream + get * behind)
            assert not wire.waits(30)

        assert platform.server.idle(20)
        (call,) = platform.platform.calls()
        assert call.duration is None

    def test_an_answer_that_nobody_reads(self, limited):
        """A client that does not read is cut, and with it goes what waits to be sent."""
        platform = limited(reading=SOON)
        embed = request("/v2/embeddings", {"model": "bge-large-zh", "input": ["你好"] * 16}, platform.key)
        with Wire(platform, receives=4096) as wire:
            wire.send(embed * 60)
            platform.wait_for_no_connection()


class TestCrowd:
    """Many at once."""

    def test_connections(self, limited):
        """Who comes when there are too many is told to come again, and let in when others have gone."""
        platform = limited(connections=2)
        wires = [Wire(platform) for _ in range(4)]
        for wire in wires:
            wire.send(get)
        answers = [wire.answer() for wire in wires]

        assert [answer.status for answer in answers] == [401, 401, 503, 503]
        assert answers[3].headers["connection"] == "close"
        assert answers[3].content["error"]["code"] == "rpm_rate_limit_exceeded"
        for wire in wires:
            wire.close()
        platform.wait_for_no_connection()
        assert ask(platform, get).status == 401

    def test_connections_far_beyond(self, limited):
        """Beyond twice the number a connection is cut at once."""
        platform = limited(connections=2)
        wires = [Wire(platform) for _ in range(5)]
        try:
            assert wires[4].is_closed()
        finally:
            for wire in wires:
                wire.close()

    def test_pipelined(self, limited):
        """Requests that come behind each other are answered in their order, unless there are too many."""
        platform = limited(pipelined=50)
        paths = [f"/nix{number}" for number in range(50)]
        with Wire(platform) as wire:
            wire.send(b"".join(map(head, paths)))
            answers = [wire.answer() for _ in paths]
        assert [answer.content["error_msg"].rpartition(" ")[2] for answer in answers] == paths

        with Wire(platform) as wire:
            wire.send(get * 1000)
            answers = list(iter(wire.answer, None))
            assert wire.is_closed()
        assert [answer.status for answer in answers] == [401] * 51

    @pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
    def test_no_file_is_left(self):
        """Where the process may open no more files, connections wait; when some are closed, it goes on."""
        program = """
import resource, socket
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
import qianfan.local
with qianfan.local.platform() as platform:
    address = ("127.0.0.1", int(platform.url.rpartition(":")[2]))
    held = []
    try:
        while True:
            held.append(socket.create_connection(address, timeout=20))
    except OSError:
        pass
    for connection in held:
        connection.close()
    with socket.create_connection(address, timeout=20) as last:
        last.sendall(b"GET / HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
        print(last.recv(15))
"""
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
        )
        assert done.stdout.strip() == "b'HTTP/1.1 200 OK'"
        assert "Traceback" not in done.stderr

    def test_threads(self, start):
        """Functions of the user's that never end do not take every thread there is; callers are told to wait."""
        platform, stuck = start(any_key=True).platform, Stuck()
        stuck.join(platform)
        platform._state.threads = Threads(most=2)
        for _ in range(2):
            with Wire(platform) as left:
                left.send(stuck.ask)
                assert stuck.began.acquire(timeout=30)
        assert ask(platform, stuck.ask).content["error_code"] == 336100

        stuck.released.set()
        while (answer := ask(platform, stuck.ask).content).get("error_code") == 336100:
            pass
        assert answer["result"] == "done"


def of_calls():
    """Return the objects that are made for connections and calls."""
    gc.collect()
    return [
        it
        for it in gc.get_objects()
        if isinstance(it, (Connection, RequestResponseCycle, Call, Request, Reply))
    ]


class TestMemory:
    """What callers leave behind."""

    def test_recent(self):
        """What was not looked at for longest makes room."""
        recent = Recent[int, str](3)
        for number in range(3):
            recent.setdefault(number, str(number))
        assert recent.get(0) == "0"
        assert recent.setdefault(3, "3") == "3"
        assert recent.setdefault(3, "again") == "3"

        assert [recent.get(number) for number in range(4)] == ["0", None, "2", "3"]

    def test_strangers(self):
        """Where any key does, only so many strangers and tokens are remembered, and none that is very long."""
        state = qianfan.local.platform(any_key=True)._state
        registry = state.registry
        for number in range(oauth.MOST + 10):
            asked = {"grant_type": "client_credentials", "client_id": f"ak{number}", "client_secret": "sk"}
            assert registry.exchange(Request("POST", "", asked, {}, b"", None, "", [])).status == 200
            registry.authenticate({"access_token": f"24.{number}"})
        for number in range(issued.MOST):
            registry.authenticate({"access_token": f"25.{number}"})

        assert len(registry._applications.values()) == oauth.MOST
        assert len(registry._tokens._tokens.values()) == issued.MOST
        asked = {"grant_type": "client_credentials", "client_id": "a" * 2000, "client_secret": "sk"}
        assert registry.exchange(Request("POST", "", asked, {}, b"", None, "", [])).status == 401
        with pytest.raises(Refusal):
            registry.authenticate({"access_token": "a" * 2000})

    def test_allowances(self):
        """Only so many allowances are remembered, those that are used longer than the others."""
        quotas = Quotas(qianfan.local.Clock(), Quota(rpm=1_000_000))
        for number in range(quota.MOST + 10):
            quotas.admit(0, str(number))
            first = quotas.admit(0, "0")

        assert len(quotas._allowances.values()) == quota.MOST
        assert first.headers()["X-Ratelimit-Remaining-Requests"] == str(1_000_000 - quota.MOST - 11)

    def test_names_of_endpoints(self, start):
        """Where any endpoint answers, a name has an end: it is remembered with its allowance."""
        caller = start(any_endpoint=True)
        codes = [caller.ask("你好", endpoint="a" * length).get("error_code") for length in (256, 257)]

        assert codes == [None, 3]

    def test_nothing_stays(self, limited):
        """When callers are gone, however they went, nothing of them is left but the journal."""
        before = of_calls()
        known = set(map(id, before))
        platform = limited(request=SOON, reading=SOON)
        stream = request("/v2/chat/completions", {**WORDS, "stream": True}, platform.key)
        for sent in (
            get,
            stream,
            stream * 3,
            stream + b"garbage\r\n\r\n",
            b"garbage\r\n\r\n",
            stream[:-1],
            b"",
        ):
            for reads in (True, False):
                with Wire(platform) as wire:
                    wire.send(sent)
                    if reads and sent:
                        wire.answer()
        platform.wait_for_no_connection()
        platform.platform.clear()
        assert platform.server.idle(30)
        platform.server.stop()  # which sees each task to its end

        assert [it for it in of_calls() if id(it) not in known] == []
