"""The environment in which other people's packages run on this one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

collect_ignore = ["programs"]  # for the Python of that environment: this one has no LangChain


@pytest.fixture(scope="session")
def compat_python():
    """The Python of .venv-compat, which is made where it is not there or not up to date.

    Making it needs a package index; where there is none the tests are skipped, but not in CI.
    """
    if os.name != "posix":
        pytest.skip("the scripts are for bash")
    done = subprocess.run(
        [ROOT / "scripts/setup", "compat"],
        env={"PYTHON": sys.executable, **os.environ},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode != 0:
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up(f"scripts/setup compat could not make .venv-compat: {done.stderr.strip()[-500:]}")
    return ROOT / ".venv-compat/bin/python"
