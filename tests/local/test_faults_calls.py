"""Which calls suffer a fault: by their order, by what they ask, by chance; and who tells."""

from __future__ import annotations

import json
import threading

import pytest
from console_caller import Console
from local_caller import PREFIX
from v2_caller import QUESTION, V2

import qianfan.local
from qianfan.local import on
from qianfan.local.v2 import images

BUSY = 336100


@pytest.fixture
def caller(start):
    """A caller of a platform without faults."""
    return start(seed=7)


def struck(caller, count, *, endpoint="completions"):
    """Ask so often, and return which of the calls were answered by a fault, counted from 1."""
    answers = [caller.ask("你好", endpoint=endpoint) for _ in range(count)]
    return [number for number, answer in enumerate(answers, 1) if "error_code" in answer]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7]),
        ({"nth": 2}, [2]),
        ({"nth": [1, 4]}, [1, 4]),
        ({"nth": range(3, 6)}, [3, 4, 5]),
        ({"every": 3}, [3, 6]),
        ({"times": 2}, [1, 2]),
        ({"every": 2, "times": 2}, [2, 4]),
        ({"nth": range(2, 100), "every": 3}, [3, 6]),
        ({"p": 0}, []),
        ({"p": 1}, [1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_which_in_their_order(caller, conditions, expected):
    """Calls are counted from 1; all conditions must hold."""
    placed = caller.platform.on("chat", **conditions).code(BUSY)

    assert struck(caller, 7) == expected
    assert (placed.met, placed.hits) == (7, len(expected))


def test_the_platform_is_given_its_faults(start):
    """A platform can begin with faults, as a list that stays the caller's."""
    faults = [on("chat", nth=2).code(BUSY)]
    first, second = start(faults=faults), start(faults=faults)

    assert struck(first, 3) == struck(second, 3) == [2]


@pytest.mark.parametrize(
    ("conditions", "meets"),
    [
        ({"model": "ERNIE-Bot"}, True),
        ({"model": "ernie-bot"}, True),
        ({"model": "completions"}, True),
        ({"model": "ERNIE-3.5-8K"}, True),
        ({"model": "ERNIE-Bot-4"}, False),
        ({"endpoint": "completions"}, True),
        ({"endpoint": "comp*"}, True),
        ({"endpoint": "eb-instant"}, False),
        ({"version": 1}, True),
        ({"version": 2}, False),
        ({"method": "post"}, True),
        ({"method": "GET"}, False),
        ({"path": f"{PREFIX}/chat/*"}, True),
        ({"path": "/chat"}, False),
        ({"stream": False}, True),
        ({"stream": True}, False),
        ({"text": "退款"}, True),
        ({"text": "第一句"}, False),
        ({"text": "回答"}, False),
    ],
)
def test_what_they_ask(caller, conditions, meets):
    """A call must be what the conditions say; the text is in what the user said last."""
    placed = caller.platform.on("chat", **conditions).code(BUSY)

    answer = caller.ask("第一句", "回答", "我要退款")

    assert ("error_code" in answer) == meets
    assert placed.met == meets


def test_what_calls_of_v2_ask(caller):
    """On v2 the model is the body's, the text may be in parts, and a stream is one too."""
    v2 = V2(caller)
    parts = [{"type": "text", "text": "这是"}, {"type": "text", "text": "退款"}]
    body = {**QUESTION, "stream": True, "messages": [{"role": "user", "content": parts}]}
    platform = caller.platform
    platform.on("chat", version=2, model=QUESTION["model"], stream=True, text="退款").code(BUSY)

    platform.on("chat", version=2, model="ERNIE-Bot-4", nth=1, stream=False).code(18)  # its name on v1

    assert v2.post(QUESTION).status == 429
    assert v2.post(QUESTION).status == 200
    assert v2.post(body).status == 429
    assert "error_code" not in caller.ask("退款")


@pytest.mark.parametrize(
    ("service", "endpoint", "body"),
    [
        ("embeddings", "embedding-v1", {"input": ["山", "退款"]}),
        ("completions", "sqlcoder_7b", {"prompt": "退款"}),
        ("reranker", "bce_reranker_base", {"query": "退款", "documents": ["七天"]}),
    ],
)
def test_the_text_of_other_kinds(caller, service, endpoint, body):
    """What is embedded, completed or looked for stands for what the user says."""
    caller.platform.on("*", text="退款").code(BUSY)

    changed = json.loads(json.dumps(body).replace(json.dumps("退款")[1:-1], json.dumps("发票")[1:-1]))

    assert caller.post(body, endpoint, service=service).json()["error_code"] == BUSY
    assert "error_code" not in caller.post(changed, endpoint, service=service).json()


def test_the_first_that_is_for_a_call(caller):
    """A call suffers the first fault that is for it; each fault counts every call that meets it."""
    first = caller.platform.on("chat", nth=2).code(18)
    second = caller.platform.on("chat", nth=[2, 3]).code(BUSY)

    codes = [caller.ask("你好").get("error_code") for _ in range(4)]

    assert codes == [None, 18, BUSY, None]
    assert (first.met, first.hits) == (4, 1)
    assert (second.met, second.hits) == (4, 1)


def test_a_fault_that_lost_a_call_keeps_its_times(caller):
    """A call that went to an earlier fault is not one of a later fault's `times`."""
    caller.platform.on("chat", nth=1).code(18)
    caller.platform.on("chat", times=1).code(BUSY)

    assert [caller.ask("你好").get("error_code") for _ in range(3)] == [18, BUSY, None]


def test_further_effects_begin_anew(caller):
    """An effect that is chained to a fault of the platform changes it in place."""
    placed = caller.platform.on("chat", nth=1).delay(0)
    assert "error_code" not in caller.ask("你好")
    assert (placed.met, placed.hits) == (1, 1)

    placed.code(BUSY)

    assert (placed.met, placed.hits) == (0, 0)
    assert struck(caller, 2) == [1]
    assert len(caller.platform.faults) == 1


def test_faults_come_off(caller):
    """One fault can be taken off, and all of them."""
    first = caller.platform.on("chat").code(18)
    caller.platform.on("chat").code(BUSY)

    first.remove()
    first.remove()
    assert caller.ask("你好")["error_code"] == BUSY
    caller.platform.faults.clear()
    assert struck(caller, 2) == []
    assert len(caller.platform.faults) == 0


class TestChance:
    """Chance, which can be repeated."""

    def outcome(self, start, **options):
        """Return which of 40 calls a fault struck that strikes half of them."""
        return struck(start(faults=[on("chat", p=0.5).code(BUSY)], **options), 40)

    def test_the_same_seed(self, start):
        """The same seed strikes the same calls; half of them, more or less."""
        first = self.outcome(start, seed=7)

        assert first == self.outcome(start, seed=7)
        assert first != self.outcome(start, seed=8)
        assert 10 < len(first) < 30

    def test_no_seed(self, start):
        """Without a seed each platform makes its own, and tells it."""
        first, second = start(), start()

        assert first.platform.faults.seed != second.platform.faults.seed
        assert str(first.platform.faults.seed) in repr(first.platform.faults)

    def test_a_run_is_repeated_from_its_file(self, start, tmp_path):
        """A run whose faults were saved comes back call by call."""
        first = start(faults=[on("chat", p=0.3).code(18), on("chat", p=0.3).code(BUSY)])
        first.platform.faults.save(tmp_path / "faults.json")
        again = start()
        again.platform.faults.load(tmp_path / "faults.json")

        def codes(caller):
            return [caller.ask("你好").get("error_code") for _ in range(30)]

        assert codes(first) == codes(again)

    def test_faults_do_not_share_their_chances(self, start):
        """Of two equal faults the second strikes calls that the first let go."""
        once = self.outcome(start, seed=7)
        platform = start(seed=7)
        for _ in range(2):
            platform.platform.on("chat", p=0.5).code(BUSY)

        twice = struck(platform, 40)

        assert set(once) < set(twice)

    def test_another_fault_changes_nothing(self, start):
        """A fault's chances are its own: another one beside it does not move them."""
        alone = self.outcome(start, seed=7)
        beside = start(faults=[on("embedding", p=0.5).code(18), on("chat", p=0.5).code(BUSY)], seed=7)

        assert struck(beside, 40) == alone


class TestRoutes:
    """A fault can be on every route, after authentication."""

    def test_each_by_its_name(self, caller):
        """A fault on a route leaves the others alone; `*` is all of them."""
        v2, console = V2(caller), Console(caller.platform)
        calls = {
            "token": caller.authorise,
            "chat": lambda: caller.post({"messages": []}),
            "embedding": lambda: caller.post({"input": ["山"]}, "embedding-v1", service="embeddings"),
            "erniebot": lambda: caller.post({}, "plugins", service="erniebot"),
            "tokenizer": lambda: caller.post({"prompt": "山"}, "erniebot", service="tokenizer"),
            "models": lambda: v2.get("/models"),
            "file": lambda: v2.http.request("GET", f"{caller.platform.url}{images.PATH}/nothing.png"),
            "unknown": lambda: caller.http.request("GET", caller.platform.url + "/nowhere"),
            "console": lambda: console.send("/wenxinworkshop/service/list", b"{}"),
            "exchange": lambda: console.send("/v1/BCE-BEARER/token", None, {}, "GET"),
        }
        assert caller.token
        for route, call in calls.items():
            caller.platform.faults.clear()
            caller.platform.on(route).status(418)

            assert [name for name, it in calls.items() if it().status == 418] == [route]
            caller.platform.faults.clear()
            caller.platform.on("*").status(418)
            assert call().status == 418
        console.http.clear()

    def test_strangers_meet_none(self, caller):
        """Who may not call is told so, and counts for no fault."""
        placed = caller.platform.on("*").code(BUSY)
        console = Console(caller.platform, keys=(caller.platform.access_key, "wrong"))

        assert caller.post({}, token="24.unknown").json()["error_code"] == 110
        assert V2(caller).post(QUESTION, key="nobody").status == 401
        assert console.send("/wenxinworkshop/service/list", b"{}").status == 403
        assert caller.post({}, "nowhere", token="24.unknown").json()["error_code"] == 3
        assert placed.met == 0
        console.http.clear()

    def test_before_the_quota(self, start):
        """A call that a fault answers takes nothing out of the quota."""
        caller = start(rpm=1, faults=[on("chat", nth=1).code(BUSY)])

        assert [caller.ask("你好").get("error_code") for _ in range(3)] == [BUSY, None, 336501]

    def test_nothing_is_done(self, caller):
        """What a status, a code or a reset answers was not done; what is cut, was."""
        console = Console(caller.platform)
        path = "/wenxinworkshop/finetune/createTask"

        def create(number):
            return console.send(path, json.dumps({"name": f"task_{number}"}).encode())

        caller.platform.on("console", endpoint="finetune/createTask", nth=1).code(500000)
        assert create(1).json()["error_code"] == 500000
        assert "result" in create(1).json()
        caller.platform.faults.clear()
        caller.platform.on("console", nth=1).cut(after=0, clean=True)
        assert create(2).data == b""
        assert create(2).json()["error_code"] == 510201  # the name exists
        console.http.clear()


class TestJournal:
    """The journal tells which fault a call suffered."""

    def test_the_fault_of_a_call(self, caller):
        """A call has its fault, or None."""
        fault = caller.platform.on("chat", nth=2).code(BUSY).fault
        for _ in range(3):
            caller.ask("你好")

        assert [call.fault for call in caller.platform.calls("chat")] == [None, fault, None]
        assert caller.platform.calls("chat")[1].reply["error_code"] == BUSY

    def test_counts_in_print(self, caller):
        """Printed, the faults are code, with what they have met."""
        caller.platform.on("chat", nth=2).code(BUSY)
        struck(caller, 3)
        caller.platform.on("token").reset()

        assert repr(caller.platform.faults).splitlines() == [
            "# 故障 2 个，随机种子 7",
            'on("chat", nth=2).code(336100)  # 遇到 3 次，发生 1 次',
            'on("token").reset()  # 遇到 0 次，发生 0 次',
        ]


def test_counting_from_many_threads(caller):
    """Calls that come at once are each counted once."""
    placed = caller.platform.on("chat", every=2).code(BUSY)
    found = []

    def ask():
        found.extend(struck(caller, 10))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    assert caller.token
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (placed.met, placed.hits, len(found)) == (80, 40, 40)


def test_faults_while_stopped():
    """Faults can be looked at and changed while the platform does not run."""
    platform = qianfan.local.platform(faults=[on("chat").reset()], seed=1)

    platform.on("embedding").reset()

    assert len(platform.faults) == 2
