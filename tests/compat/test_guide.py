"""What the guide shows of other clients, run as it stands against the local platform."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest
import suites
from support.processes import PATIENCE

import qianfan

PAGE = (suites.ROOT / "docs/guides/local-platform.md").read_text(encoding="utf-8")

#: Pages show what the tests' own environment has as `python`, which tests/e2e runs; this is for others.
PROGRAMS = re.findall(r"^```py\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [
    block for block in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL) if "curl" in block
]


@pytest.fixture
def run(tmp_path):
    """Run a command with the variables that lead clients of OpenAI's protocol to a platform."""
    with qianfan.local.platform() as platform:
        variables = {"OPENAI_BASE_URL": f"{platform.url}/v2", "OPENAI_API_KEY": platform.api_key}

        def run(*command):
            done = subprocess.run(
                command,
                capture_output=True,
                encoding="utf-8",
                env={**suites.bare_environment(), "PYTHONIOENCODING": "utf-8", **variables},
                cwd=tmp_path,
                timeout=PATIENCE,
                check=False,
            )
            assert (done.returncode, done.stderr) == (0, "")
            return done.stdout

        yield run


@pytest.mark.parametrize("program", PROGRAMS, ids=["openai", "langchain-openai"])
def test_a_program(run, program):
    """A program of the guide runs, and prints an answer and the length of a vector."""
    answer, length = run(suites.python("compat"), "-c", program).splitlines()

    assert answer.startswith("【本地平台】您好！")
    assert length == "384"


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command(run, command):
    """A curl command of the guide, pasted into a shell, prints an answer."""
    printed = json.loads(run("sh", "-c", command))

    assert printed["choices"][0]["message"]["content"].startswith("【本地平台】您好！")


def test_the_guide_shows_both():
    """The guide has programs and a command to run."""
    assert (len(PROGRAMS), len(COMMANDS)) == (2, 1)
