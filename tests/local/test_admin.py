"""The admin API: the platform for other languages and processes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

import pytest
import urllib3
from admin_caller import Admin
from local_caller import Caller

import qianfan.local
from qianfan.local.admin import entry

FAULT = {"on": {"route": "chat", "nth": 2}, "do": [{"kind": "status", "status": 429, "retry_after": 3}]}


@pytest.fixture
def admin():
    """Start platforms with options, each with a caller of its admin API; all are stopped at the end."""
    callers = []

    def start(**options):
        callers.append(Admin(qianfan.local.platform(**options).start()))
        return callers[-1]

    yield start
    for caller in callers:
        caller.http.clear()
        caller.platform.stop()


@pytest.fixture
def caller(request):
    """Make callers of platforms; all are closed at the end."""

    def make(admin):
        made = Caller(admin.platform)
        request.addfinalizer(made.http.clear)
        return made

    return make


def test_state_tells_a_first_look(admin):
    """One call tells what runs where, without a secret."""
    api = admin(rpm=7)

    state = api.do("GET", "/state")

    assert state["url"] == api.platform.url
    assert state["quotas"] == {"qps": None, "rpm": 7, "tpm": None}
    assert (state["calls"], state["faults"]) == ({"last": 0, "kept": 0}, 0)
    assert not any(secret in str(state) for secret in (api.platform.sk, api.platform.api_key))


def test_keys_bring_a_program_here(admin):
    """What sets a program up is given out."""
    api = admin()

    keys = api.do("GET", "/keys")

    assert keys["api_key"] == api.platform.api_key
    assert keys["environment"] == api.platform.environment


def test_calls_are_numbered_and_found_by_what_they_are(admin, caller):
    """The journal lists the calls with their numbers and filters them; the admin API's own are not in it."""
    api = admin()
    v1 = caller(api)
    v1.ask("你好")
    v1.ask("", endpoint="completions")
    v1.stream("再见")

    found = api.do("GET", "/calls")

    assert [call["number"] for call in found["calls"]] == [1, 2, 3, 4]
    assert (found["first"], found["last"]) == (1, 4)
    assert [call["route"] for call in found["calls"]] == ["token", "chat", "chat", "chat"]
    assert [call["failed"] for call in found["calls"]] == [False, False, True, False]

    def numbers(query):
        return [call["number"] for call in api.do("GET", f"/calls?{query}")["calls"]]

    assert numbers("route=token") == [1]
    assert numbers("failed=true") == [3]
    assert numbers("text=%E5%86%8D%E8%A7%81") == [4]
    assert numbers("version=1&status=200&failed=false") == [2, 4]
    assert numbers("after=2") == [3, 4]
    assert numbers("limit=1") == [4]
    assert numbers("after=99") == [1, 2, 3, 4]  # a number of another platform's


def test_a_call_in_full_is_masked_and_can_be_made_again(admin, caller, tmp_path):
    """A call shows what was asked and answered, without secrets, and copies that run."""
    api = admin()
    v1 = caller(api)
    v1.ask("it's $HOME `date`")

    call = api.do("GET", "/calls/2")

    assert call["body"]["messages"][0]["content"] == "it's $HOME `date`"
    assert call["query"] == {"access_token": "***"}
    assert v1.token not in str(call)
    assert call["reply"]["result"]
    done = subprocess.run(
        ["sh", "-c", "curl() { printf '%s\\n' \"$@\"; }; " + call["curl"]],
        env={"QIANFAN_ACCESS_TOKEN": "24.x", "HOME": "/nowhere"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"{api.platform.url}/rpc/" in done.stdout
    assert "access_token=24.x\n" in done.stdout
    assert '{"messages":[{"role":"user","content":"it\'s $HOME `date`"}]}' in done.stdout
    program = tmp_path / "again.py"
    program.write_text(call["python"], "utf-8")
    environment = {"QIANFAN_AK": api.platform.ak, "QIANFAN_SK": api.platform.sk, "PYTHONIOENCODING": "utf-8"}
    again = subprocess.run([sys.executable, program], env=environment, capture_output=True, check=True)
    assert again.stdout.decode().strip() == call["reply"]["result"].strip()


def test_no_secret_is_readable_wherever_it_stands(admin):
    """A key that somebody sends inside a body is shown neither in the call nor in its copies."""
    api = admin()
    url, key = f"{api.platform.url}/v2/nothing", api.platform.api_key
    for body in (json.dumps({"nested": [{"api_key": key}], "said": f"key {key}"}), f"not JSON {key}"):
        api.http.request("POST", url, body=body, headers={"x-api-key": key})

    for number in (1, 2):
        call = api.do("GET", f"/calls/{number}")
        assert key not in str(call)
        assert call["body"]


def test_a_stream_that_was_cut_is_not_running(admin, caller):
    """A call is running until its answer is sent or broken off."""
    api = admin(chunk_delay=3600)
    v1 = caller(api)
    body = b'{"messages": [{"role": "user", "content": "hi"}], "stream": true}'
    url = f"{api.platform.url}/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/completions?access_token={v1.token}"
    stream = v1.http.request("POST", url, body=body, preload_content=False)
    stream.read(6)
    assert api.do("GET", "/calls/2")["running"] is True

    stream.close()
    stream.release_conn()
    v1.http.clear()
    while api.do("GET", "/calls/2")["running"]:
        pass

    assert api.do("GET", "/calls/2")["duration"] is None


def test_other_calls_are_copied_without_the_sdk(admin, caller):
    """A call that is no chat is copied as a program that needs nothing but Python."""
    api = admin()
    caller(api).post({"input": ["a"]}, "embedding-v1", service="embeddings")

    call = api.do("GET", "/calls/2")

    compile(call["python"], "copy", "exec")
    assert "import qianfan" not in call["python"]
    assert "json.dumps({'input': ['a']})" in call["python"]


def test_who_waits_hears_of_the_next_call(admin, caller):
    """A request that waits is answered as soon as there is another call."""
    api, heard = admin(), []
    waiting = threading.Thread(target=lambda: heard.append(api.do("GET", "/calls?after=1&wait=30")))
    v1 = caller(api)
    assert v1.token
    waiting.start()
    v1.ask("你好")

    waiting.join(30)

    assert [call["number"] for call in heard[0]["calls"]] == [2]


def test_who_waits_long_is_answered_with_nothing(admin):
    """A wait ends by itself."""
    assert admin().do("GET", "/calls?wait=1")["calls"] == []


def test_a_platform_stops_while_somebody_waits(admin):
    """A request that waits does not hold up the platform's end."""
    api, ended = admin(), []

    def wait():
        try:
            api.do("GET", "/calls?wait=60")
        except urllib3.exceptions.HTTPError as error:
            ended.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    api.platform.stop()
    waiting.join(30)

    assert len(ended) == 1


def test_a_cleared_journal_goes_on_counting(admin, caller):
    """Numbers are never given twice, and whoever has old ones learns which are forgotten."""
    api = admin()
    v1 = caller(api)
    v1.ask("你好")
    api.do("DELETE", "/calls")

    assert api.do("GET", "/calls") == {"calls": [], "first": 3, "last": 2}
    v1.ask("你好")
    assert [call["number"] for call in api.do("GET", "/calls")["calls"]] == [3]
    assert api.refused("GET", "/calls/1")[:2] == (404, "not_found")


def test_the_clock_is_moved_stopped_and_let_go(admin):
    """The clock is moved forward, frozen and let run again."""
    api = admin(clock=qianfan.local.Clock(lambda: 1_700_000_000.0))

    assert api.do("GET", "/clock") == {"now": 1_700_000_000.0, "offset": 0.0, "frozen": False}
    assert api.do("POST", "/clock/advance", {"hours": 1, "seconds": 2})["offset"] == 3602
    assert api.do("POST", "/clock/freeze")["frozen"] is True
    assert api.do("POST", "/clock/unfreeze")["frozen"] is False


def test_faults_come_and_go(admin, caller):
    """A fault is added as data, counts what it meets, and is taken off by its number."""
    api = admin()
    v1 = caller(api)
    added = api.do("POST", "/faults", FAULT)
    assert added["python"] == 'on("chat", nth=2).status(429, retry_after=3)'

    statuses = [v1.post({"messages": [{"role": "user", "content": "你好"}]}).status for _ in range(3)]

    assert statuses == [200, 429, 200]
    (listed,) = api.do("GET", "/faults")["faults"]
    assert listed == {**added, "met": 3, "hits": 1}
    assert {name: listed[name] for name in FAULT} == FAULT
    assert api.do("GET", "/calls?failed=true")["calls"][0]["fault"] == added["python"]
    api.do("DELETE", f"/faults/{added['id']}")
    assert api.do("GET", "/faults")["faults"] == []
    assert api.refused("DELETE", f"/faults/{added['id']}")[0] == 404
    api.do("POST", "/faults", FAULT)
    api.do("DELETE", "/faults")
    assert len(api.platform.faults) == 0


def test_quotas_are_set_while_the_platform_runs(admin, caller):
    """Limits are changed and lifted; a reset brings those back that the platform was made with."""
    api = admin()
    v1 = caller(api)
    assert api.do("PUT", "/quotas", {"rpm": 1}) == {"qps": None, "rpm": 1, "tpm": None}
    assert [v1.ask("你好").get("error_code") for _ in range(2)] == [None, 336501]
    api.do("PUT", "/quotas", {"rpm": 5})
    assert "error_code" not in v1.ask("你好")

    api.do("POST", "/reset")

    assert api.do("GET", "/quotas") == {"qps": None, "rpm": None, "tpm": None}


def test_a_script_is_sent_and_shown(admin, caller):
    """Rules are added as a script's file has them, and shown with what they answered."""
    api = admin()
    v1 = caller(api)
    api.do("POST", "/script", {"rules": [{"text": "退款", "with": "七天内可以退款"}]})

    assert v1.ask("怎么退款")["result"] == "七天内可以退款"
    script = api.do("GET", "/script")
    assert [rule["calls"] for rule in script["rules"]] == [1]
    assert api.do("DELETE", "/script") == {"strict": False, "rules": []}
    status, code, message = api.refused("POST", "/script", {"rules": [{"text": "a"}]})
    assert (status, code) == (400, "invalid_argument")
    assert message.startswith("the script: rule 1: ")


def test_jobs_models_and_services_are_shown(admin):
    """What fine-tuning made is shown as it goes on: progress, losses, services."""
    api = admin(any_dataset=True, clock=qianfan.local.Clock(lambda: 1_700_000_000.0))
    with api.platform.client() as client:
        client.finetune.create_task(name="counter")
        client.finetune.create_job(
            {
                "taskId": 101,
                "baseTrainType": "BLOOMZ-7B",
                "trainType": "BLOOMZ-7B",
                "trainMode": "SFT",
                "peftType": "LoRA",
                "trainConfig": {"epoch": 4, "learningRate": 0.00002},
                "trainset": [{"type": 1, "id": 1}],
                "trainsetRate": 20,
            }
        )
        (job,) = api.do("GET", "/jobs")["jobs"]
        assert (job["status"], job["progress"], job["task_name"]) == ("RUNNING", 0, "counter")
        api.do("POST", "/clock/advance", {"minutes": 30})
        job = api.do("GET", f"/jobs/{job['id']}")
        assert (job["status"], job["progress"]) == ("FINISH", 100)
        assert job["losses"][0]["loss"] > job["losses"][-1]["loss"]
        meta = {"taskId": 101, "iterationId": job["id"]}
        model = client.model.publish(True, meta, model_name="m")["result"]
        client.service.create(model["modelId"], model["versionId"], "counter", "counter", 1, 1)
    (published,) = api.do("GET", "/models")["published"]
    assert [version["version"] for version in published["versions"]] == [1]
    (service,) = api.do("GET", "/services")["services"]
    assert (service["uri"], service["status"]) == ("counter", "Deploying")
    api.do("POST", "/clock/advance", {"minutes": 1})
    assert api.do("GET", "/services")["services"][0]["status"] == "Done"
    assert api.refused("POST", f"/jobs/{job['id']}/fail")[:2] == (400, "invalid_argument")
    assert api.refused("GET", "/jobs/9")[:2] == (404, "not_found")


def test_things_are_registered(admin):
    """Datasets, endpoints, applications and keys are registered as by the Python object."""
    api = admin()

    dataset = api.do("POST", "/datasets", {"name": "d", "samples": [{"prompt": "a", "response": "b"}]})
    assert api.do("GET", "/datasets")["datasets"] == [dataset]
    assert api.do("POST", "/endpoints", {"name": "mine"}) == {"name": "mine", "kind": "chat"}
    assert api.do("GET", "/endpoints") == {"endpoints": [{"name": "mine", "kind": "chat"}]}
    assert api.do("POST", "/applications", {"ak": "a", "sk": "b"})["ak"] == "a"
    assert api.do("POST", "/api-keys")["api_key"].startswith("bce-v3/")
    assert api.do("POST", "/access-keys").keys() == {"access_key", "secret_key"}
    assert api.do("DELETE", "/tokens") == {}


def test_a_snapshot_is_come_back_to(admin, caller):
    """What was known at a snapshot is known again, and what came later is not."""
    api = admin()
    v1 = caller(api)
    api.do("POST", "/faults", FAULT)
    number = api.do("POST", "/snapshots")["id"]
    api.do("DELETE", "/faults")
    v1.ask("你好")

    api.do("POST", f"/snapshots/{number}/restore")

    assert len(api.do("GET", "/faults")["faults"]) == 1
    assert api.do("GET", "/calls")["calls"] == []
    api.do("DELETE", f"/snapshots/{number}")
    assert api.refused("POST", f"/snapshots/{number}/restore")[:2] == (404, "not_found")


def test_a_reset_cuts_open_streams_and_not_who_asked_for_it(admin, caller):
    """A reset cuts the calls that are being answered, and is itself answered."""
    api = admin(chunk_delay=3600)
    v1 = caller(api)
    body = b'{"messages": [{"role": "user", "content": "hi"}], "stream": true}'
    url = f"{api.platform.url}/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/completions?access_token={v1.token}"
    stream = v1.http.request("POST", url, body=body, preload_content=False)
    assert stream.read(6) == b"data: "

    assert api.do("POST", "/reset") == {}

    with pytest.raises(urllib3.exceptions.ProtocolError):
        stream.read()
    assert api.do("GET", "/calls")["calls"] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/nothing", None, 404, "not_found"),
        ("PUT", "/clock", {}, 405, "method_not_allowed"),
        ("POST", "/clock/advance", {"hour": 1}, 400, "invalid_argument"),
        ("POST", "/clock/advance", {"hours": "1"}, 400, "invalid_argument"),
        ("POST", "/clock/advance", [], 400, "invalid_json"),
        ("POST", "/faults", {"on": {"route": "nix"}, "do": []}, 400, "invalid_argument"),
        ("POST", "/faults", {}, 400, "invalid_argument"),
        ("PUT", "/quotas", {"qps": 0}, 400, "invalid_argument"),
        ("POST", "/datasets", {"samples": [{}]}, 400, "invalid_argument"),
        ("POST", "/datasets", {"samples": "/etc/passwd"}, 400, "invalid_argument"),
        ("POST", "/endpoints", {}, 400, "invalid_argument"),
        ("POST", "/endpoints", {"name": "a/b"}, 400, "invalid_argument"),
        ("GET", "/calls?limit=x", None, 400, "invalid_argument"),
        ("GET", "/calls?wait=61", None, 400, "invalid_argument"),
        ("GET", "/calls/x", None, 404, "not_found"),
    ],
)
def test_what_cannot_be_done_is_refused(admin, method, path, body, status, code):
    """Every refusal has one shape, a code for programs and words for people."""
    assert admin().refused(method, path, body)[:2] == (status, code)


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "192.168.1.7"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"content_type": "text/plain"},
    ],
)
def test_pages_of_others_are_kept_out(admin, headers):
    """A page from elsewhere, open in a browser on this machine, can neither read nor change anything."""
    assert admin().refused("POST", "/clock/freeze", **headers)[0] == 403


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "127.8.8.8", "[::ffff:127.0.0.1]"])
def test_this_machine_is_let_in(host):
    """Every name of this machine will do."""
    headers = {"host": f"{host}:8866", "origin": f"http://{host}:8866", "content-type": "application/json"}

    assert entry.refusal("127.0.0.1", "POST", headers) is None


@pytest.mark.parametrize("client", ["192.168.1.7", "10.0.0.1", "::ffff:10.0.0.1", "2001:db8::1", ""])
def test_other_machines_are_kept_out(client):
    """Whoever comes from another machine is refused, whatever it says."""
    assert entry.refusal(client, "GET", {"host": "127.0.0.1:8866"})
