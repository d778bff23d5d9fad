"""The commands `qianfan platform`, against a platform that runs in another process than they do."""

from __future__ import annotations

import json
import shlex
import subprocess

import pytest
from support.commands import COMMAND, environment, one_line, run
from support.server import closed_port

import qianfan.local


@pytest.fixture
def at(platform):
    """Run a command, given as one line, against the platform."""
    return lambda line: run("platform", *shlex.split(line), QIANFAN_PLATFORM_URL=platform.url)


@pytest.fixture
def told(at):
    """Return the JSON that a command prints."""

    def told(line):
        done = at(f"{line} --json")
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    return told


def ask(platform, text, **settings):
    """Ask a chat model something; return the answer, or the error."""
    with platform.client(retry_count=1, **settings) as client:
        try:
            return client.chat.do(messages=[{"role": "user", "content": text}])["result"]
        except qianfan.errors.QianfanError as error:
            return error


def test_faults_are_added_listed_and_taken_off(platform, at, told):
    """A fault is added by options, seen to strike, and taken off by its number."""
    added = told("fault add chat --nth 2 --status 429 --retry-after 3")
    assert added["python"] == 'on("chat", nth=2).status(429, retry_after=3)'

    answers = [ask(platform, "你好") for _ in range(2)]

    assert isinstance(answers[0], str)
    assert isinstance(answers[1], qianfan.errors.QianfanError)
    shown = at("fault list").stdout
    assert "retry_after=3" in shown
    assert shown.splitlines()[1].split()[-2:] == ["2", "1"]
    assert at(f"fault remove {added['id']}").returncode == 0
    assert "没有" in at("fault list").stderr
    assert "1" in one_line(at(f"fault remove {added['id']}"), 2)


@pytest.mark.parametrize(
    ("options", "python"),
    [
        ("chat --reset", 'on("chat").reset()'),
        ("chat --stream --cut 0", 'on("chat", stream=True).cut(after=0)'),
        ("'*' --p 0.1 --delay 2 --code 336100", 'on("*", p=0.1).delay(2).code(336100)'),
        ("chat --code invalid_model --message 没有", 'on("chat").code("invalid_model", message="没有")'),
        ("chat --nth 1 --nth 3 --garbage 1", 'on("chat", nth=[1, 3]).garbage(after=1)'),
        (
            "token --every 2 --times 1 --slow-headers 0.5 --split 3 --stall 1",
            'on("token", every=2, times=1).stall(1).split(3).slow_headers(0.5)',
        ),
        (
            "chat --model m --endpoint e --api-version 2 --text 你 --no-stream --status 503",
            'on("chat", model="m", endpoint="e", version=2, stream=False, text="你").status(503)',
        ),
    ],
)
def test_every_fault_can_be_written_as_options(platform, told, options, python):
    """Each condition and each effect has an option."""
    assert told(f"fault add {options}")["python"] == python
    assert [repr(placed.fault) for placed in platform.faults] == [python]


def test_calls_are_listed_and_copied(platform, at, told):
    """The journal is listed and filtered; one call is shown in full, or as what makes it again."""
    ask(platform, "你好")
    ask(platform, "今天天气怎么样")

    assert [call["text"] for call in told("calls --route chat")] == ["你好", "今天天气怎么样"]
    assert [call["number"] for call in told("calls --text 天气")] == [3]
    assert told("calls --failed") == []
    assert len(told("calls --limit 1")) == 1
    shown = at("calls --route chat").stdout
    assert "POST chat" in shown
    assert "ERNIE-Bot-turbo" in shown
    assert at("call 2 --curl").stdout.startswith("curl -sS ")
    assert "qianfan.Qianfan(" in at("call 2 --python").stdout
    assert json.loads(at("call 2").stdout)["body"]["messages"][0]["content"] == "你好"
    assert "call 9" in one_line(at("call 9"), 2)
    assert at("clear").returncode == 0
    assert platform.calls() == []


def test_calls_are_followed(platform):
    """With `--follow` a call is printed when it is there."""
    command = [*COMMAND, "platform", "calls", "--follow", "--json", "--url", platform.url]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env=environment(PYTHONUNBUFFERED="1")
    ) as following:
        ask(platform, "你好")
        lines = [json.loads(following.stdout.readline()) for _ in range(2)]
        following.kill()

    assert [line["route"] for line in lines] == ["token", "chat"]


def test_the_clock_is_steered(at, told):
    """The clock is frozen, moved on and let go."""
    assert told("clock freeze")["frozen"] is True
    before = told("clock show")["now"]
    assert told("clock advance --hours 1 --minutes 30")["now"] == before + 5400
    assert "已暂停" in at("clock show").stdout
    assert told("clock unfreeze")["frozen"] is False
    assert "9999" in one_line(at("clock advance --days 9999999"), 2)


def test_a_script_is_loaded(platform, at, told, tmp_path):
    """A file's rules answer from then on."""
    file = tmp_path / "script.json"
    file.write_text(json.dumps([{"text": "退款", "with": "七天内可以退款"}]), "utf-8")

    told(f"script load {shlex.quote(str(file))}")

    assert ask(platform, "怎么退款") == "七天内可以退款"
    assert told("script list")["rules"][0]["calls"] == 1
    assert at("script clear").returncode == 0
    assert told("script list")["rules"] == []
    file.write_text("{")
    assert at(f"script load {shlex.quote(str(file))}").returncode == 2


def test_quotas_are_set_and_lifted(told):
    """One limit is set beside the others; all are lifted."""
    assert told("quota --rpm 5") == {"qps": None, "rpm": 5, "tpm": None}
    assert told("quota --qps 2") == {"qps": 2.0, "rpm": 5, "tpm": None}
    assert told("quota") == {"qps": 2.0, "rpm": 5, "tpm": None}
    assert told("quota --lift") == {"qps": None, "rpm": None, "tpm": None}


def test_the_platform_is_looked_at_and_reset(platform, at, told):
    """A first look, and the way back to the beginning."""
    ask(platform, "你好")
    assert told("state")["calls"]["kept"] == 2
    assert platform.url in at("state").stdout

    assert at("reset").returncode == 0

    assert told("state")["calls"]["kept"] == 0


def test_a_platform_that_lets_other_machines_in():
    """Its admin token is in the environment, since what stands in a command can be seen by others."""
    with qianfan.local.platform(host="0.0.0.0", allow_remote=True) as platform:

        def state(**env):
            return run("platform", "state", "--url", platform.url, **env)

        assert platform.url in state(QIANFAN_ADMIN_TOKEN=platform.admin_token).stdout
        for token in ({}, {"QIANFAN_ADMIN_TOKEN": "some-other-token"}, {"QIANFAN_ADMIN_TOKEN": "令牌"}):
            line = one_line(state(**token), 2)
            assert "QIANFAN_ADMIN_TOKEN" in line
            assert platform.admin_token not in line
            assert "some-other-token" not in line


def test_no_platform_is_told_in_one_line():
    """Where nobody answers, or somebody else, one line says what to do."""
    port = closed_port()
    assert "qianfan serve" in one_line(run("platform", "state", "--url", f"http://127.0.0.1:{port}"), 1)
    assert "--url" in one_line(run("platform", "state", "--url", "file:///etc/passwd"), 2)
