"""Snapshots of a platform: everything comes back, nothing else stays."""

from __future__ import annotations

import gc
import json
import statistics
import threading
import time

import pytest
import urllib3
from console_caller import lines
from local_caller import Caller
from v2_caller import V2

import qianfan.local

NOW = 1_700_000_000.0

QUESTION = {"messages": [{"role": "user", "content": "你好"}]}


def ask(caller, text="你好", **options):
    """Return the error code of a chat, or None where it is answered."""
    return caller.post({"messages": [{"role": "user", "content": text}]}, **options).json().get("error_code")


# Each changes a platform, and returns what tells whether it was changed: of each part of the state at least one.


def a_token(caller):
    """Ask for a token; is it known?"""
    caller.saved = caller.authorise().json()["access_token"]
    return lambda: ask(caller, token=caller.saved)


def a_revocation(caller):
    """Revoke a token; is it known?"""
    token = caller.token
    caller.platform.revoke_tokens()
    return lambda: ask(caller, token=token)


def an_application(caller):
    """Add an application, which calls; is it known?"""
    keys = {"client_id": "own", "client_secret": "secret"}
    caller.platform.add_application("own", "secret")
    assert caller.authorise(**keys).status == 200
    return lambda: caller.authorise(**keys).status


def a_key_of_v2(caller):
    """Add an API key, which calls; is it known?"""
    v2 = V2(caller)
    caller.platform.add_api_key("bce-v3/mine/key")
    v2.post({"model": "ernie-4.0-8k", **QUESTION}, key="bce-v3/mine/key")
    return lambda: v2.get("/models", key="bce-v3/mine/key").status


def an_access_key(caller):
    """Add an access key; is it known?"""
    caller.platform.add_access_key("ALTAKmine", "secret")
    return lambda: caller.platform._state.account.access._keys.named("ALTAKmine")


def a_dataset(caller):
    """Register a dataset; is it there?"""
    dataset = caller.platform.add_dataset(lines())
    return lambda: caller.platform._state.account.datasets.get(dataset.id)


def an_endpoint(caller):
    """Add an endpoint; does it answer?"""
    caller.platform.add_endpoint("mine")
    return lambda: ask(caller, endpoint="mine")


def a_plugin(caller):
    """Add a plugin; what does it answer?"""
    caller.platform.add_endpoint("app", "plugin")
    caller.platform.add_plugin(lambda _: "from the plugin", name="mine")
    return lambda: (
        caller.post({"query": "?", "plugins": ["mine"]}, "app", service="plugin").json().get("result")
    )


def knowledge(caller):
    """Add a text; what does a question about it get?"""
    question = "Where is the blue parrot of the harbour?"
    caller.platform.add_endpoint("app", "plugin")
    caller.platform.add_knowledge("The blue parrot of the harbour is in the mast.")
    return lambda: caller.post({"query": question}, "app", service="plugin").json().get("result")


def calls(caller):
    """Call; what is in the journal?"""
    caller.ask("你好")
    return lambda: [call.path for call in caller.platform.calls()]


def an_emptied_journal(caller):
    """Empty the journal; how many calls are in it?"""
    caller.platform.clear()
    return lambda: len(caller.platform.calls("token"))


def a_used_quota(caller):
    """Call as often as is allowed; is another call refused?"""
    for _ in range(3):
        assert ask(caller) is None
    return lambda: ask(caller)


def a_clock_moved(caller):
    """Move the clock; what time is it?"""
    caller.platform.advance(hours=1)
    return caller.platform._state.clock.now


def a_clock_stopped(caller):
    """Stop the clock; does it stand still?"""
    caller.platform.freeze()
    return lambda: caller.platform._state.clock.frozen


def a_fault(caller):
    """Add a fault; does a call suffer it?"""
    caller.platform.faults.on("chat").code(336100)
    return lambda: ask(caller)


def a_rule(caller):
    """Script a reply; is it given?"""
    caller.platform.script.reply(with_="scripted")
    return lambda: caller.ask("你好").get("result")


def a_strict_script(caller):
    """Have what no rule answers refused; is it?"""
    caller.platform.script.strict = True
    return lambda: ask(caller)


CHANGES = [
    a_token,
    a_revocation,
    an_application,
    a_key_of_v2,
    an_access_key,
    a_dataset,
    an_endpoint,
    a_plugin,
    knowledge,
    calls,
    an_emptied_journal,
    a_used_quota,
    a_clock_moved,
    a_clock_stopped,
    a_fault,
    a_rule,
    a_strict_script,
]


def known(platform):
    """Return all that a platform knows, as values to compare."""
    saved = dict(platform.snapshot().saved)
    return {**saved, "faults": saved["faults"].placed, "script": saved["script"][1:]}


@pytest.fixture
def caller(start):
    """A caller of a platform with quotas and a clock that stands still, who has a token."""
    caller = start(rpm=3, clock=qianfan.local.Clock(lambda: NOW))
    assert caller.token
    return caller


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__.strip("_"))
def test_a_change_goes_and_comes_back(caller, change):
    """What was done after a snapshot is undone by restoring it, and done again by restoring a later one."""
    snapshots = [caller.platform.snapshot()]
    look = change(caller)
    snapshots.append(caller.platform.snapshot())
    seen = []

    for index in (1, 0, 1, 0):
        caller.platform.restore(snapshots[index])
        seen.append(look())

    assert seen[0] == seen[2] != seen[1] == seen[3]


def test_reset_makes_it_as_new(caller):
    """After a reset a platform knows what a new one does, whatever was done to it."""
    for change in reversed(CHANGES):  # a call that is made before there is a fault
        if change is not a_used_quota:
            change(caller)

    caller.platform.reset()

    assert known(caller.platform) == known(qianfan.local.platform(clock=qianfan.local.Clock(lambda: NOW)))
    assert ask(caller) == 110
    assert caller.authorise().status == 200


def test_a_clock_begins_where_it_began():
    """A reset takes a clock back to where the platform found it, be it ahead of its source or stopped."""
    clock = qianfan.local.Clock(lambda: NOW)
    clock.advance(100)
    clock.freeze()
    platform = qianfan.local.platform(clock=clock)
    platform.advance(days=3)
    platform.unfreeze()

    platform.reset()

    assert (clock.now(), clock.frozen) == (NOW + 100, True)


def test_a_snapshot_is_good_for_another_platform(start, console):
    """What was prepared once, a trained model say, answers on every platform that is given the snapshot."""
    prepared = console()
    published = prepared.published()
    service = prepared.service("mine", published["modelId"], published["versionId"])
    prepared.result("service/apply", **service)
    prepared.platform.advance(minutes=1)
    first = Caller(prepared.platform)
    assert ask(first, endpoint="mine") is None
    snapshot = prepared.platform.snapshot()
    prepared.platform.stop()
    first.http.clear()

    for _ in range(2):
        other = start()
        other.platform.restore(snapshot)

        sample = lines()[7]
        answer = other.post(
            {"messages": [{"role": "user", "content": sample["prompt"]}]}, "mine", token=first.token
        )
        assert sample["response"] in answer.json()["result"]


def test_a_restored_model_answers_from_its_own_samples(console):
    """Samples that were learnt before are forgotten: ids are given again, to other datasets."""
    caller = console()
    empty = caller.platform.snapshot()
    chat = Caller(caller.platform)

    for word in ("red", "blue"):
        caller.platform.restore(empty)
        samples = [{**line, "response": f"{word} {line['response']}"} for line in lines()]
        published = caller.published(dataset=caller.platform.add_dataset(samples).id)
        caller.result("service/apply", **caller.service("mine", published["modelId"], published["versionId"]))
        caller.platform.advance(minutes=1)
        chat.saved = None
        assert word in chat.ask(samples[0]["prompt"], endpoint="mine")["result"]
    chat.http.clear()


@pytest.mark.parametrize("method", ["restore", "reset"])
def test_running_calls_are_cut(start, method):
    """A stream that is running is cut, and neither it nor the journal of the snapshot goes on."""
    caller = start(chunk_delay=30)
    url = f"{caller.platform.url}/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/eb-instant?access_token={caller.token}"
    response = caller.http.request("POST", url, json={**QUESTION, "stream": True}, preload_content=False)
    assert response.read1()
    snapshot = caller.platform.snapshot()

    if method == "restore":
        caller.platform.restore(snapshot)
    else:
        caller.platform.reset()

    with pytest.raises(urllib3.exceptions.ProtocolError):
        response.read()
    response.close()
    kept = caller.platform.calls("chat")
    assert [(len(call.reply), call.duration) for call in kept] == ([(1, None)] if method == "restore" else [])


def test_a_snapshot_holds_a_running_stream_as_it_was(start):
    """Events that come after a snapshot are not in it."""
    caller = start(chunk_delay=10, clock=qianfan.local.Clock(lambda: NOW))
    url = f"{caller.platform.url}/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/eb-instant?access_token={caller.token}"
    response = caller.http.request("POST", url, json={**QUESTION, "stream": True}, preload_content=False)
    assert response.read1()
    snapshot = caller.platform.snapshot()

    caller.platform.advance(hours=1)
    assert response.read()
    assert len(caller.platform.calls("chat").last.reply) > 1
    caller.platform.restore(snapshot)

    assert len(caller.platform.calls("chat").last.reply) == 1


def test_a_fault_counts_on_from_where_it_was(caller):
    """A fault has met and dealt out at a snapshot what it had; its chances come in the same order again."""
    fault = caller.platform.faults.on("chat", p=0.5, times=2).code(336100)
    assert ask(caller) in {None, 336100}
    snapshot, counted = caller.platform.snapshot(), (fault.met, fault.hits)
    runs = []

    for _ in range(2):
        caller.platform.restore(snapshot)
        assert (fault.met, fault.hits) == counted
        caller.platform.restore(snapshot)
        runs.append([ask(caller) for _ in range(2)])

    assert runs[0] == runs[1]
    assert fault.met == 3


def test_a_script_goes_on_from_where_it_was(caller):
    """A rule has said at a snapshot what it had, and says the rest after it again, to whoever holds it."""
    rule = caller.platform.script.reply(with_=["one", "two", "three"])
    assert caller.ask("你好")["result"] == "one"
    snapshot = caller.platform.snapshot()

    for _ in range(2):
        assert caller.ask("你好")["result"] == "two"
        rule.then(with_="and then")
        caller.platform.restore(snapshot)
        assert rule.calls == 1
        assert "then" not in repr(rule)


def test_a_fault_of_another_platform_counts_for_itself(caller, start):
    """A restored fault of another platform is that platform's no longer."""
    fault = caller.platform.faults.on("chat", times=1).code(336100)
    other = start(clock=qianfan.local.Clock(lambda: NOW))
    other.platform.restore(caller.platform.snapshot())

    assert [ask(other, token=caller.token), ask(other, token=caller.token)] == [336100, None]
    assert (fault.met, fault.hits) == (0, 0)
    assert ask(caller) == 336100


def test_a_rule_of_another_platform_counts_for_itself(caller, start):
    """A restored rule of another platform is that platform's no longer."""
    rule = caller.platform.script.reply(with_=["one", "two"])
    snapshot = caller.platform.snapshot()
    for _ in range(2):
        other = start(clock=qianfan.local.Clock(lambda: NOW))
        other.platform.restore(snapshot)
        other.saved = caller.token

        assert [other.ask("你好")["result"], other.ask("你好")["result"]] == ["one", "two"]

    assert rule.calls == 0


def test_idle_connections_stay(caller):
    """A restore costs nobody a connection whose last call is answered."""
    assert ask(caller) is None

    caller.platform.restore(caller.platform.snapshot())
    assert ask(caller) is None

    pool = caller.http.connection_from_url(caller.platform.url)
    assert pool.num_connections == 1


def test_a_call_may_restore(start):
    """A plugin that restores the platform it answers for is cut itself, and nothing waits for it."""
    caller = start()
    snapshot = caller.platform.snapshot()
    restored = threading.Event()

    def plugin(_):
        caller.platform.restore(snapshot)
        restored.set()

    caller.platform.add_endpoint("app", "plugin")
    caller.platform.add_plugin(plugin)
    token = caller.token
    with pytest.raises(urllib3.exceptions.ProtocolError):
        caller.post({"query": "?", "plugins": ["plugin"]}, "app", service="plugin", token=token)

    assert restored.wait(10)
    assert caller.platform.calls() == []


class TestStateFile:
    """A platform that keeps its state in a file."""

    def test_a_restored_state_is_what_the_file_keeps(self, tmp_path):
        """What was restored, from whichever platform, is there after a restart, the clock too."""
        made = qianfan.local.platform()
        made.add_application("own", "secret")
        made.advance(hours=5)
        kept = qianfan.local.platform(state=tmp_path / "state")
        kept.add_dataset(lines())

        kept.restore(made.snapshot())
        kept.stop()

        again = qianfan.local.platform(state=tmp_path / "state")
        with pytest.raises(ValueError, match="own"):
            again.add_application("own")
        assert again._state.clock.offset == 5 * 3600
        assert again._state.account.datasets.all() == []
        again.stop()

    def test_a_reset_empties_the_file(self, tmp_path):
        """Nothing is left of what was kept, and the platform's own keys are those of every platform."""
        kept = qianfan.local.platform(state=tmp_path / "state")
        kept.add_application("own", "secret")
        kept.add_dataset(lines())
        kept.reset()
        kept.stop()

        again = qianfan.local.platform(state=tmp_path / "state")
        assert known(again) == known(qianfan.local.platform())
        assert again.ak == qianfan.local.platform().ak
        again.stop()


def test_what_it_costs(console):
    """A snapshot and a restore of a platform in use take less than a test notices; pytest -s shows the time."""
    caller = console()
    caller.published()
    chat = Caller(caller.platform)
    for _ in range(20):
        chat.ask("你好")
    chat.http.clear()
    took = {"snapshot": [], "restore": [], "reset": []}
    snapshot = caller.platform.snapshot()
    gc.collect()

    for _ in range(200):
        for name, action in (
            ("snapshot", caller.platform.snapshot),
            ("restore", lambda: caller.platform.restore(snapshot)),
            ("reset", caller.platform.reset),
        ):
            began = time.perf_counter()
            action()
            took[name].append(time.perf_counter() - began)

    medians = {name: round(1e3 * statistics.median(times), 2) for name, times in took.items()}
    print(json.dumps(medians), "ms")  # noqa: T201  # a figure to read; a bound on it would fail on a busy machine
