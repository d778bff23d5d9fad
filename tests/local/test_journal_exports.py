"""What the journal tells of calls: chosen by their fields, as JSON, and as commands that make them again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
from local_caller import PREFIX, Caller
from v2_caller import V2

from qianfan import local
from qianfan.local import copies

QUESTION = {"messages": [{"role": "user", "content": 'it\'s "$HOME" `date`\n\\n %s'}]}

runs_commands = pytest.mark.skipif(
    not (shutil.which("sh") and shutil.which("curl") and shutil.which("openssl")),
    reason="sh, curl or openssl is not installed",
)


def environment(platform):
    """Return what the commands find in the environment."""
    return {**platform.environment, "QIANFAN_API_KEY": platform.api_key, "PATH": "/usr/bin:/bin"}


def shell(script, platform, **environ):
    """Run a script by `sh`, and return what it printed."""
    done = subprocess.run(
        ["sh", "-euc", script],
        env={**environment(platform), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.fixture
def caller(console):
    """A caller of the console, and by its `chat` of the models."""
    return console()


class TestWhere:
    """Calls by their fields."""

    @pytest.fixture
    def platform(self, start):
        """A platform that was asked for this and that."""
        caller = start()
        caller.ask("one")
        caller.ask("two", endpoint="completions_pro")
        caller.ask("three", "and", temperature=9)
        V2(caller).ask("four")
        return caller.platform

    @pytest.mark.parametrize(
        ("fields", "texts"),
        [
            ({}, ["one", "two", "three", "four"]),
            ({"version": 2}, ["four"]),
            ({"endpoint": "completions_pro"}, ["two"]),
            ({"model": "ERNIE-Bot-4", "status": 200}, ["two"]),
            ({"error_code": 336003}, ["three"]),
            ({"error_code": None, "version": 1}, ["one", "two"]),
            ({"status": 500}, []),
        ],
        ids=str,
    )
    def test_fields(self, platform, fields, texts):
        """Each field that is named must have the value."""
        found = platform.calls("chat", **fields)

        assert [call.messages[0]["content"] for call in found] == texts
        assert found == platform.calls().where(route="chat").where(**fields)

    def test_a_condition(self, platform):
        """A function chooses, together with fields; the first and the last of a choice are at hand."""
        calls = platform.calls().where(lambda call: len(call.messages) == 1, route="chat")

        assert (calls.first.messages[0]["content"], calls.last.messages[0]["content"]) == ("one", "four")
        assert calls.where(lambda call: "nowhere" in call.path) == []
        with pytest.raises(IndexError, match="no such call"):
            _ = local.Calls().first

    @pytest.mark.parametrize("name", ["modle", "_secret", "__class__"])
    def test_no_such_field(self, platform, name):
        """A field that calls do not have is a mistake, not a choice of nothing."""
        with pytest.raises(TypeError, match=f"no '{name}'"):
            platform.calls("chat", **{name: 1})


class TestErrorCode:
    """`Call.error_code`, in whichever shape the error came."""

    def test_each_shape(self, caller, start):
        """v1's, OAuth's, the console's and v2's errors are found, and none in an answer."""
        models = start()
        models.authorise(client_secret="wrong")
        models.ask("one", temperature=9)
        V2(models).post({"model": "none"}, key="wrong")
        models.ask("fine")
        models.post({**QUESTION, "stream": True}).read()
        caller.code("finetune/createTask")
        caller.act("finetuning", "NoSuchAction")

        codes = [call.error_code for call in (*models.platform.calls(), *caller.platform.calls())]

        assert codes == ["invalid_client", None, 336003, "invalid_iam_token", None, None, 500001, codes[-1]]
        assert isinstance(codes[-1], str)


class TestJsonLines:
    """`Calls.to_jsonl`."""

    def test_each_call_is_a_line(self, start, tmp_path):
        """All that is known of calls stands in it, of streams each event; secrets do not."""
        caller = start()
        caller.platform.on("chat", nth=2).code(18)
        caller.platform.reply("scripted", with_="as told")
        caller.ask("scripted")
        caller.ask("你好")
        caller.stream("hello")
        caller.send("/chat/completions", b"\xffno json\0")

        text = caller.platform.calls().to_jsonl(tmp_path / "calls.jsonl")

        assert (tmp_path / "calls.jsonl").read_text("utf-8") == text
        token, scripted, failed, streamed, broken = map(json.loads, text.splitlines())
        assert token["query"]["client_secret"] == token["reply"]["access_token"] == "***"
        assert (scripted["reply"]["result"], scripted["fault"]) == ("as told", None)
        assert "scripted" in scripted["rule"]
        assert (failed["body"]["messages"][0]["content"], failed["error_code"]) == ("你好", 18)
        assert failed["fault"]["on"] == {"route": "chat", "nth": 2}
        assert streamed["reply"][-1]["is_end"] is True
        assert streamed["duration"] > 0
        assert broken["body"].endswith("no json\0")
        assert caller.token not in text
        assert caller.platform.sk not in text

    @pytest.mark.parametrize("depth", [250, 260, 1000])
    def test_a_body_that_is_nested_deep(self, start, depth):
        """What is nested deeper than can be written again is told as the text that came."""
        caller = start()
        body = b'{"messages": ' + b"[" * depth + b"]" * depth + b"}"
        caller.send("/chat/completions", body)
        caller.ask("hello")
        calls = caller.platform.calls("chat")

        first, second = map(json.loads, calls.to_jsonl().splitlines())

        assert first["body"] == (json.loads(body) if depth == 250 else body.decode())
        assert second["body"]["messages"][0]["content"] == "hello"
        assert "[" * depth in calls[0].curl

    def test_no_calls(self, start, tmp_path):
        """No calls are no lines."""
        assert start().platform.calls().to_jsonl(tmp_path / "none") == ""
        assert (tmp_path / "none").read_bytes() == b""


def run(program, platform):
    """Run a program in Python, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**environment(platform), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


class TestPython:
    """`copies.python`: programs that run, with secrets from the environment alone."""

    @pytest.mark.parametrize(
        ("path", "body", "query", "method"),
        [
            (f"{PREFIX}/chat/completions", QUESTION, None, "POST"),
            (f"{PREFIX}/chat/completions", {**QUESTION, "stream": True}, None, "POST"),
            (f"{PREFIX}/embeddings/embedding-v1", {"input": ["a", "b"]}, None, "POST"),
            ("/wenxinworkshop/finetune/createTask", {"name": "任务"}, None, "POST"),
            ("/v2/finetuning", {}, {"Action": "DescribeFineTuningJobs"}, "POST"),
            ("/v2/finetuning", {}, {"Action": "no & such/action"}, "POST"),
            ("/v1/BCE-BEARER/token", None, {"expireInSeconds": "60"}, "GET"),
        ],
        ids=["chat", "stream", "embedding", "console v1", "console v2", "refused", "exchange"],
    )
    def test_a_signed_call(self, caller, path, body, query, method):
        """A call that was signed is signed anew, and is answered as it was."""
        sent = None if body is None else json.dumps(body).encode()
        caller.send(path, sent, query, method=method)
        call = caller.platform.calls().last
        program = copies.python(call, caller.platform.url)
        caller.platform.reset()

        assert run(program, caller.platform)
        again = caller.platform.calls().last
        for name in ("method", "path", "query", "route", "version", "endpoint", "status", "error_code"):
            assert getattr(again, name) == getattr(call, name), (name, program)
        assert again.body == call.body or call.route == "chat"  # the SDK words it anew
        assert caller.platform.secret_key not in program

    def test_a_refused_call(self, start):
        """What a refusal says is printed, as an answer is."""
        caller = start()
        V2(caller).post({"model": "nix", "input": ["a"]}, "/embeddings")
        call = caller.platform.calls().last

        said = run(copies.python(call, caller.platform.url), caller.platform)

        assert json.loads(said)["error"]["code"] == call.error_code == "invalid_model"


@runs_commands
class TestCurl:
    """`Call.curl` and `Calls.to_curl`: commands that run, with secrets from the environment alone."""

    def test_a_script_makes_the_calls_again(self, caller, tmp_path):
        """All calls of a platform are made again as they were: each finds an entry equal to its own."""
        platform = caller.platform
        models = Caller(platform)
        v2 = V2(models)
        models.post(QUESTION)
        models.post({**QUESTION, "stream": True})
        models.post({"input": ["a", "b"]}, "embedding-v1", service="embeddings")
        models.send("/chat/completions", "不是 JSON".encode())
        models.send("/nowhere", None, method="GET")
        signed = caller.send(f"{PREFIX}/chat/completions", json.dumps(QUESTION).encode())
        assert "result" in signed.json()
        v2.post({"model": "ernie-4.0-8k", **QUESTION}, headers={"appid": platform.app_id})
        v2.get("/models")
        v2.send("/chat/completions", b"{}", headers={"Authorization": "Bearer wrong"})
        caller.task("任务")
        caller.done("finetuning", "DescribeFineTuningJobs")
        caller.send("/v1/BCE-BEARER/token", None, {"expireInSeconds": "60"}, method="GET")
        calls = platform.calls()
        script = calls.to_curl(tmp_path / "calls.sh")
        models.http.clear()
        platform.reset()

        shell((tmp_path / "calls.sh").read_text("utf-8"), platform)

        # The token is asked for first, and then as often as before; a wrong key is a good one now.
        again = platform.calls()[1:]
        assert len(again) == len(calls)
        for call, copy in zip(calls, again, strict=True):
            for name in ("method", "path", "query", "body", "route", "version", "endpoint", "model"):
                assert getattr(copy, name) == getattr(call, name), (name, copy.curl)
            if call.error_code != "invalid_iam_token":
                assert (copy.status, copy.error_code) == (call.status, call.error_code), copy.curl
        for secret in (models.token, platform.sk, platform.secret_key, platform.api_key):
            assert secret not in script

    def test_a_call_alone(self, start):
        """A call's own command needs nothing but its variables."""
        caller = start()
        caller.post({**QUESTION, "stream": True})
        call = caller.platform.calls("chat").last

        said = shell(call.curl, caller.platform, QIANFAN_ACCESS_TOKEN=caller.token)

        assert said.startswith("data: ")
        again = caller.platform.calls("chat").last
        assert (again.body, again.error_code) == (call.body, None)

    def test_what_is_missing_is_told(self, start):
        """Without its variables a script makes no call, and says which it needs."""
        caller = start()
        caller.ask("hello")
        script = caller.platform.calls("chat").to_curl()
        caller.platform.clear()

        done = subprocess.run(
            ["sh", "-c", script], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False
        )

        assert done.returncode != 0
        assert "QIANFAN_AK" in done.stderr
        assert caller.platform.calls() == []

    def test_no_calls(self, start):
        """No calls are no commands."""
        assert start().platform.calls().to_curl() == ""
