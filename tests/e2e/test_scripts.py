"""The examples and the scripts, run as a newcomer runs them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.processes import PATIENCE, _bare_environment

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

posix = pytest.mark.skipif(os.name != "posix", reason="the scripts are for bash")


def run(command, **options):
    """Run a command and return how it ended, with its output as text."""
    options.setdefault("env", {**_bare_environment(), "PYTHONIOENCODING": "utf-8"})
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        encoding="utf-8",
        timeout=2 * PATIENCE,
        check=False,
        **options,
    )


#: A text in both languages, with an empty line and one that is too long for one vector.
LINES = "如何申请退款\r\n\r\nWhere do I find my invoice?\n" + "今天天气很好，" * 80 + "客服九点上班。\n"

#: Each example with its arguments, what is typed, and something of what it prints.
RUNS = [
    ("chat_async.py", [], "", "12*7 = 84"),
    ("chat_stream.py", [], "", "【本地平台】"),
    ("chat_stream.py", ["3", "+", "4", "等于多少"], "", "3 + 4 = 7"),
    ("completion.py", [], "", "SELECT 1;"),
    ("embedding.py", [], "", "1.00  如何申请退款 | 如何申请退款"),
    ("function_calling.py", [], "", 'get_weather({"city":"北京"})'),
    ("images.py", [], "", "提示词是：“西湖边的一只猫，水彩”"),
    ("images.py", ["猫.png"], "", "已写入 猫.png"),
    ("plugin.py", [], "", "['pluginMeta', 'plugin', 'plugin', 'chat', "),
    ("finetune.py", [], "", "  怎么修改微信的登录密码？ → 在“账户安全”里点“修改密码”"),
    ("openai_style.py", [], "", "Trip: "),
    ("rate_limit.py", [], "", "平台说：每分钟 100 次，还剩 95 次"),
    ("rerank.py", [], "", "文档 2：退款在退货入库后三个工作日内到账。"),
    ("rerank.py", ["发票", "在哪里"], "", "问：发票 在哪里"),
    ("semantic_search.py", ["lines.txt", "怎么", "申请退款"], "", "    1: 如何申请退款"),
    ("semantic_search.py", ["lines.txt"], "find an invoice\n\n", "    3: Where do I find my invoice?"),
    ("semantic_search.py", ["lines.txt"], "客服几点上班\n", "    4: 今天天气很好"),
]


def example(name, *arguments, folder, typed="", **env):
    """Run an example in a folder as its first lines say, where every warning is an error."""
    env = {**_bare_environment(), "PYTHONIOENCODING": "utf-8", "QIANFAN_LOCAL": "1", **env}
    command = [sys.executable, "-W", "error", ROOT / "examples" / name, *arguments]
    return run(command, env=env, input=typed, cwd=folder)  # dev mode tells of the slow first import


@pytest.mark.parametrize(("name", "arguments", "typed", "printed"), RUNS)
def test_an_example_runs(tmp_path, name, arguments, typed, printed):
    """Every example runs without a key, a network or a warning, and prints what it promises."""
    (tmp_path / "lines.txt").write_bytes(LINES.encode())
    done = example(name, *arguments, folder=tmp_path, typed=typed)

    assert (done.returncode, done.stderr) == (0, "")
    assert printed in done.stdout


def test_every_example_is_run_and_listed():
    """No example is left out of the table above, or of the examples' README."""
    listed = (ROOT / "examples/README.md").read_text(encoding="utf-8")
    names = {path.name for path in EXAMPLES}

    assert names == {name for name, *_ in RUNS}
    assert names == set(re.findall(r"^\| `(\w+\.py)", listed, re.MULTILINE))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot be read"),
        (b"", "is empty"),
        (b" \n\t\r\n", "is empty"),
        ("如何申请退款".encode("gbk"), "is no UTF-8 text"),
        (b"\x89PNG\r\n\x1a\n", "is no UTF-8 text"),
        (b"a\0b", "is a binary file"),
    ],
)
def test_search_in_a_file_that_cannot_be_searched(tmp_path, content, complaint):
    """A file that is missing, empty or binary is named in one line, without a traceback."""
    if content is not None:
        (tmp_path / "file").write_bytes(content)
    done = example("semantic_search.py", "file", "x", folder=tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(("file ", "读不了 file "))
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"), [([], "用法 (usage)"), (["lines.txt", "x"], "QIANFAN_LOCAL=1")]
)
def test_search_without_a_file_or_a_key(tmp_path, arguments, complaint):
    """Without a file the usage is shown, without a key what to do about it."""
    (tmp_path / "lines.txt").write_bytes(LINES.encode())
    done = example("semantic_search.py", *arguments, folder=tmp_path, QIANFAN_LOCAL="0")

    assert (done.returncode, done.stdout) == (1, "")
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def is_ready():
    """Say whether the clone's own environment is made from the present pyproject.toml."""
    wanted = run(["sh", "-c", f"cksum <'{ROOT / 'pyproject.toml'}'"]).stdout.strip()
    stamps = [ROOT / ".venv" / f".qianfan-{level}" for level in ("dev", "demo")]
    return any(stamp.exists() and stamp.read_text().strip() == wanted for stamp in stamps)


@posix
@pytest.mark.skipif(not (ROOT / ".venv").exists(), reason="the clone has no environment of its own")
@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "from elsewhere"])
def test_the_demo_answers(tmp_path, elsewhere):
    """scripts/demo finds the environment, from wherever it is called, and prints a streamed answer."""
    if not is_ready():
        pytest.skip("the environment is not up to date; scripts/setup makes it so")
    done = run([ROOT / "scripts/demo", "用一句话介绍杭州"], cwd=tmp_path if elsewhere else ROOT)

    assert (done.returncode, done.stderr) == (0, "")
    assert "问：用一句话介绍杭州" in done.stdout
    assert "【本地平台】" in done.stdout


# scripts/setup, in a copy of the tree, with nothing on its path but what a test puts there

GOOD_PYTHON = """#!{bash}
echo "python $*" >>"{log}"
case "$*" in
  "--version") echo "Python 3.12.1" ;;
  "-c "*) exit 0 ;;
  "-m venv .venv") {venv} ;;
esac
exit 0
"""

OLD_PYTHON = """#!{bash}
case "$*" in
  "--version") echo "Python 3.8.10" ;;
  *) exit 1 ;;
esac
"""

TOOLS = ("bash", "env", "dirname", "cksum", "cat", "rm", "mkdir", "cp", "chmod")


class Clone:
    """A copy of what the scripts need, and a path with nothing but their tools."""

    def __init__(self, folder):
        self.root = folder / "a clone"
        self.root.mkdir()
        shutil.copytree(ROOT / "scripts", self.root / "scripts")
        shutil.copy(ROOT / "pyproject.toml", self.root)
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.log = folder / "log"
        self.log.touch()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))

    def put(self, name, text, **values):
        """Put a program on the path."""
        program = self.bin / name
        bash = shutil.which("bash")
        program.write_text(text.format(bash=bash, log=self.log, **values), encoding="utf-8")
        program.chmod(0o755)

    def put_python(self, name="python3"):
        """Put a Python on the path that makes environments with nothing in them."""
        make = f'mkdir -p .venv/bin && cp "{self.bin / name}" .venv/bin/python'
        self.put(name, GOOD_PYTHON, venv=make)

    def run(self, *command, **env):
        """Run a script."""
        env = {"PATH": str(self.bin), "HOME": str(self.root), "LC_ALL": "C.UTF-8", **env}
        return run([self.root / "scripts" / command[0], *command[1:]], cwd=self.bin, env=env)

    def logged(self):
        """Return how the Pythons were called."""
        return self.log.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def clone(tmp_path):
    """A copy of the scripts in a tree of their own."""
    return Clone(tmp_path)


@posix
def test_setup_with_an_old_python(clone):
    """A Python that is too old is named, with what is needed, in both languages; nothing is made."""
    clone.put("python3", OLD_PYTHON)
    clone.put("python", OLD_PYTHON)
    done = clone.run("setup", "demo")

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "qianfan needs Python 3.10 or later; found: Python 3.8.10.",
        "需要 Python 3.10 或更高版本；可用 PYTHON=/路径/python3.12 指定。",
    ]
    assert not (clone.root / ".venv").exists()


@posix
def test_setup_without_python(clone):
    """Where there is no Python at all, the message says so in the same two lines."""
    done = clone.run("setup")

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "qianfan needs Python 3.10 or later; found: none.",
        "需要 Python 3.10 或更高版本；可用 PYTHON=/路径/python3.12 指定。",
    ]


@posix
@pytest.mark.parametrize("script", ["demo", "test"])
def test_demo_and_test_stop_where_setup_does(clone, script):
    """scripts/demo and scripts/test end with setup's message and no other."""
    clone.put("python3", OLD_PYTHON)
    done = clone.run(script)

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 2
    assert "3.8.10" in done.stderr


@posix
def test_setup_finds_a_newer_python_beside_an_old_one(clone):
    """Where python3 is too old, a newer one by its own name is used."""
    clone.put("python3", OLD_PYTHON)
    clone.put_python("python3.12")
    done = clone.run("setup", "demo")

    assert (done.returncode, done.stdout) == (0, "")
    assert "Python 3.12.1" in done.stderr
    assert (clone.root / ".venv/bin/python").exists()


@posix
def test_setup_takes_the_python_it_is_given(clone):
    """PYTHON names the one to use."""
    clone.put("python3", OLD_PYTHON)
    clone.put_python("mine")
    done = clone.run("setup", "demo", PYTHON=str(clone.bin / "mine"))

    assert done.returncode == 0
    assert "Ready" in done.stderr


@posix
def test_setup_is_done_once(clone):
    """A second setup does nothing and says nothing; a changed pyproject.toml sets up again."""
    clone.put_python()
    first = clone.run("setup", "dev")
    again = clone.run("setup", "dev"), clone.run("setup", "demo")
    calls = clone.logged()
    (clone.root / "pyproject.toml").write_text("# changed\n", encoding="utf-8")
    changed = clone.run("setup", "dev")

    assert "Installing qianfan[local,cli,dotenv,dev]" in first.stderr
    assert [(done.returncode, done.stdout, done.stderr) for done in again] == [(0, "", "")] * 2
    assert "Installing" in changed.stderr
    assert sum("pip install" in call for call in calls) == 1
    assert sum("-m venv" in call for call in clone.logged()) == 1


@posix
def test_setup_without_the_module_venv(clone):
    """Where the module venv is incomplete, the message says which package to install; no half is left."""
    clone.put("python3", GOOD_PYTHON, venv="mkdir -p .venv/bin; exit 1")
    done = clone.run("setup", "demo")

    assert done.returncode == 1
    assert "python3-venv" in done.stderr
    assert not (clone.root / ".venv").exists()


@posix
def test_setup_after_an_install_that_failed(clone):
    """An install that fails ends the setup, and the next one tries again."""
    clone.put_python()
    failing = clone.bin / "python3"
    text = failing.read_text(encoding="utf-8")
    failing.write_text(text.replace("esac", '  *"pip install"*) exit 1 ;;\nesac'), encoding="utf-8")
    failed = clone.run("setup", "demo")
    clone.put_python()
    shutil.copy(clone.bin / "python3", clone.root / ".venv/bin/python")
    done = clone.run("setup", "demo")

    assert failed.returncode != 0
    assert "Ready" not in failed.stderr
    assert (done.returncode, "Ready" in done.stderr) == (0, True)


@posix
def test_setup_uses_uv_where_it_is(clone):
    """Where uv is installed, it makes the environment."""
    clone.put_python()
    clone.put("uv", '#!{bash}\necho "uv $*" >>"{log}"\nmkdir -p .venv/bin\n')
    done = clone.run("setup", "demo")

    assert done.returncode == 0
    assert [call.split()[:2] for call in clone.logged()] == [["uv", "venv"], ["uv", "pip"]]
    assert "qianfan[local,cli]" in done.stderr


@posix
def test_setup_with_an_unknown_level(clone):
    """A level that setup does not know ends with its usage."""
    done = clone.run("setup", "everything")

    assert (done.returncode, done.stderr) == (
        2,
        "usage: scripts/setup [demo|dev|ray|compat|official|official-2023|browser|redis]\n",
    )


@posix
def test_test_passes_its_arguments_on(clone):
    """scripts/test gives its arguments to pytest, in the clone's environment and folder."""
    clone.put_python()
    clone.run("test", "-q", "tests/unit", "-k", "a or b")

    assert clone.logged()[-1] == "python -m pytest -q tests/unit -k a or b"
