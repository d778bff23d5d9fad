"""`qianfan migrate` in processes of its own, and what it advises, on the local platform."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import Terminal, environment, one_line, posix, run
from support.processes import PATIENCE

import qianfan
from qianfan.errors import InvalidArgumentError

SAMPLES = Path(__file__).parents[1] / "samples/migrate"

#: What in the samples looks like a key.
KEYS = re.compile(r"Zx81mQp0\w*|aB3dE5fG\w*|0123456789abcdef\w*")


def test_a_report_for_people():
    """Findings stand file by file in columns, what to do below each; then counts, settings and limits."""
    done = run("migrate", str(SAMPLES / "chat_2023.py"))
    lines = done.stdout.splitlines()

    assert (done.returncode, done.stderr) == (1, "")
    assert lines[0] == str(SAMPLES / "chat_2023.py")
    assert lines[1].split() == ["必须改", "8:12", "key-environment", "环境变量", "QIANFAN_AK", "只用于", "v1"]
    assert lines[2].strip() == "→ 改设 QIANFAN_API_KEY，或 QIANFAN_ACCESS_KEY 与 QIANFAN_SECRET_KEY"
    assert "读了 1 个文件：必须改 8，会不同 2，提示 6，看不到 0" in lines
    assert "需要设置" in lines
    assert "这份报告看不到" in lines
    assert not KEYS.search(done.stdout)


def test_a_report_for_scripts():
    """--json gives the same findings, with cells where there are some, and no key."""
    done = run("migrate", "--json", str(SAMPLES))
    report = json.loads(done.stdout)
    expected = json.loads((SAMPLES / "expected.json").read_text(encoding="utf-8"))

    assert (done.returncode, done.stderr) == (1, "")
    assert report["files"] == len(expected)
    assert sum(report["counts"].values()) == len(report["findings"]) == sum(map(len, expected.values()))
    assert set(report["findings"][0]) == {"file", "line", "column", "rule", "severity", "what", "todo"}
    assert [it["cell"] for it in report["findings"] if it["file"].endswith(".ipynb")] == [2, 2, 3, 4]
    assert report["settings"]
    assert report["limits"]
    assert not KEYS.search(done.stdout)


def test_nothing_must_change():
    """A program that is on v2 already ends with 0, and says all the same what was not seen."""
    done = run("migrate", str(SAMPLES / "moved.py"))

    assert (done.returncode, done.stderr) == (0, "")
    assert "必须改 0" in done.stdout
    assert "这份报告看不到" in done.stdout


def test_a_notebook():
    """A finding in a notebook has its cell."""
    assert "第 3 格 3:26  model-gone" in run("migrate", str(SAMPLES / "notebook.ipynb")).stdout


def test_wrong_calls(tmp_path):
    """A path that is not there, one without programs, and no path at all end with 2."""
    assert "nowhere" in one_line(run("migrate", "nowhere"), 2)
    assert "没有 Python 文件" in one_line(run("migrate", str(tmp_path)), 2)
    assert run("migrate").returncode == 2


def test_the_files_are_left_alone(tmp_path):
    """The command writes nothing beside what it reads, and does not run it."""
    (tmp_path / "a.py").write_text("raise SystemExit(9)\n")
    assert run("migrate", str(tmp_path)).returncode == 0

    assert [it.name for it in tmp_path.iterdir()] == ["a.py"]


def test_a_reader_that_has_enough():
    """A pipe that is closed early ends the command without a word."""
    done = subprocess.run(
        f"{sys.executable} -m qianfan migrate {SAMPLES} | head -n 1",
        shell=True,
        env=environment(),
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )

    assert done.stdout.decode().startswith(str(SAMPLES))
    assert done.stderr == b""


@pytest.mark.parametrize("name", ["\x1b[31m.py", "a\nb.py"])
def test_names_that_a_terminal_would_obey(tmp_path, name):
    """What a file is called, or a program says, moves no cursor and makes no line."""
    (tmp_path / name).write_text("import qianfan\nqianfan.ChatCompletion(model='\\x1b[2J\\nx')\n")
    done = run("migrate", str(tmp_path))

    assert done.returncode == 0
    assert done.stdout.count("model-unknown") == 1
    assert len(done.stdout.splitlines()[0]) == len(str(tmp_path / name))


@posix
def test_colours_at_a_terminal():
    """At a terminal the same lines come in colour."""
    terminal = Terminal("migrate", str(SAMPLES / "moved.py"), TERM="xterm")
    try:
        assert terminal.end() == 0
        assert "model-v2" in terminal.screen
    finally:
        terminal.close()


# what it advises


@pytest.fixture
def keys(platform):
    """What leads to v2 of the platform, as the advice says to set it."""
    key = platform.add_access_key()
    return {
        "QIANFAN_ACCESS_KEY": key.ak,
        "QIANFAN_SECRET_KEY": key.sk,
        "QIANFAN_BASE_URL": platform.url,
        "QIANFAN_IAM_BASE_URL": platform.url,
        "QIANFAN_CONSOLE_API_BASE_URL": platform.url,
    }


def test_a_moved_program_runs_on_v2(platform, keys):
    """A program without findings that must change runs on v2 with the keys the report says to set."""
    done = subprocess.run(
        [sys.executable, SAMPLES / "moved.py"],
        env=environment(**keys),
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert [call.version for call in platform.calls("chat")] == [2, 2]
    assert [call.model for call in platform.calls("chat")] == ["ernie-4.5-turbo-128k", "ernie-4.0-8k"]


def test_keys_of_v1_keep_a_program_on_v1(platform, keys, monkeypatch):
    """Keys of v1 in the code lead to v1 although the environment has some of v2: they must go."""
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    qianfan.ChatCompletion(ak=platform.environment["QIANFAN_AK"], sk=platform.environment["QIANFAN_SK"]).do(
        [{"role": "user", "content": "你好"}]
    )

    assert [call.version for call in platform.calls("chat")] == [1]


def test_a_model_that_is_gone_is_refused(platform, keys, monkeypatch):
    """A model without a successor goes to v2 by its name, and is refused there."""
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    chat = qianfan.ChatCompletion()
    with pytest.raises(qianfan.errors.APIError) as caught:
        chat.do([{"role": "user", "content": "你好"}], model="BLOOMZ-7B")

    assert caught.value.error_code == "invalid_model"
    assert platform.calls("chat").last.model == "BLOOMZ-7B"


def test_a_service_of_v1_is_refused_before_it_is_asked(platform):
    """With an API key alone, what exists on v1 only is refused before anything is sent."""
    plugin = qianfan.Plugin(api_key="bce-v3/ALTAK-x/y", base_url=f"{platform.url}/v2")
    with pytest.raises(InvalidArgumentError):
        plugin.do(endpoint="x", prompt="你好")

    assert platform.calls() == []
