"""`qianfan serve` with others behind it: an upstream, a platform that calls are passed on to, recordings."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest
from support.commands import run, started
from support.processes import PATIENCE

import qianfan

KEY = "QIANFAN_UPSTREAM_KEY"

QUESTION = [{"role": "user", "content": "介绍一下杭州"}]


class Serving:
    """A command that serves; it is ended, and what it wrote is read, by `stop`."""

    def __init__(self, *options, **env):
        self.process = started("serve", "--port", "0", *options, **env)
        self.out = ""
        while "Ctrl-C" not in self.out:
            line = self.process.stdout.readline().decode()
            assert line, self.process.stderr.read()
            self.out += line
        self.environment = dict(re.findall(r"export (QIANFAN_\w+)=(\S+)", self.out))

    def ask(self, **keys):
        """Ask its chat, by default with the keys that it printed, and return the words."""
        keys = keys or {"ak": self.environment["QIANFAN_AK"], "sk": self.environment["QIANFAN_SK"]}
        with qianfan.Qianfan(base_url=self.environment["QIANFAN_BASE_URL"], **keys) as client:
            return client.chat.do(QUESTION)["result"]

    def stop(self):
        """End it well, and return all that it wrote."""
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, err
        return self.out + out.decode() + err.decode()


@pytest.fixture
def serving():
    """Start commands that serve; all are ended at the end."""
    running = []

    def serving(*options, **env):
        running.append(Serving(*options, **env))
        return running[-1]

    yield serving
    for one in running:
        with one.process:
            pass


def test_words_of_an_upstream(serving, platform):
    """The upstream and its models are options, its key is in the environment, and is printed nowhere."""
    platform.reply(model="ernie-4.0-8k", with_="后面的平台说的")
    key = platform.add_api_key().key

    server = serving(
        "--upstream", f"{platform.url}/v2", "--upstream-model", "chat=ernie-4.0-8k", **{KEY: key}
    )

    assert server.ask() == "后面的平台说的"
    written = server.stop()
    assert f"上游 (upstream): {platform.url}/v2" in written
    assert key not in written


def test_recording_and_replaying(serving, platform, tmp_path):
    """Calls that are passed on with the caller's keys are recorded, and replayed without the other platform."""
    folder, keys = tmp_path / "tape", {"ak": platform.ak, "sk": platform.sk}

    recorder = serving("--upstream", f"qianfan+{platform.url}", "--record", str(folder))
    recorded = recorder.ask(**keys)
    written = recorder.stop()
    platform.stop()
    replaying = serving("--replay", str(folder), "--replay-pace", "0")
    replayed = replaying.ask(ak="any", sk="body")

    assert recorded == replayed
    assert "请用自己在该平台的密钥" in written
    assert f"录制到 (recording to): {folder}" in written
    assert f"回放 (replaying): {folder}" in replaying.stop()
    assert [file.name for file in folder.iterdir()] == ["0001-chat.jsonl"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--upstream", "host:1"], "an upstream is a URL"),
        (["--upstream", "http://me:5up3r53cr3t@host/v1"], "no login"),
        (["--upstream", "http://host/v1", "--upstream-timeout", "0"], "above 0"),
        (["--upstream", "http://host/v1", "--upstream-model", "chat="], "must not be empty"),
        (["--replay", str(Path(__file__).parent / "nowhere")], "does not exist"),
        (["--replay-pace", "-1"], "replay-pace"),
    ],
)
def test_what_could_not_work(options, words):
    """A wrong option ends the command with exit code 2, and no secret in what it says."""
    done = run("serve", "--port", "0", *options)

    assert (done.returncode, done.stdout) == (2, "")
    assert words in " ".join(done.stderr.replace("│", " ").split())
    assert "5up3r53cr3t" not in done.stderr
