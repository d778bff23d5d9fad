"""Programs that run under a pytest of another environment, and what it said of them.

All programs of an environment run in one process, since importing what they use takes longer than they do.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree as ET

import pytest
from support.processes import steers

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

#: The folder of programs of each level of scripts/setup.
FOLDERS = {"compat": "programs", "official": "programs_official"}

LEVELS = (*FOLDERS, "official-2023")

PATIENCE = 300  # seconds; they take about ten

_STEERING = ("LANGCHAIN_", "LANGSMITH_", "OPENAI_", "PYTEST_", "PYTHON")


class Program(NamedTuple):
    """A program: the level of its environment, its file and its name."""

    level: str
    file: str
    name: str


class Report(NamedTuple):
    """What another environment's pytest said."""

    output: str
    results: dict[tuple[str, str], list[ET.Element]]


def written(level: str) -> Iterator[Program]:
    """Find the programs of a level, without importing what they import."""
    for file in sorted((HERE / FOLDERS[level]).glob("test_*.py")):
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield Program(level, file.stem, node.name)


def python(level: str) -> Path:
    """Return the Python of a level's environment, which is made where it is not there or not up to date.

    Making it needs a package index; where there is none the test is skipped, but not in CI.
    """
    if os.name != "posix":
        pytest.skip("the scripts are for bash")
    done = _set_up(level)
    if done.returncode != 0:
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up(f"scripts/setup {level} could not make .venv-{level}: {done.stderr.strip()[-500:]}")
    return ROOT / f".venv-{level}/bin/python"


@cache
def _set_up(level: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "scripts/setup", level],
        env={"PYTHON": sys.executable, **os.environ},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def run(level: str, folder: Path) -> Report:
    """Run all programs of a level, at home in an empty folder."""
    report = folder / "report.xml"
    done = subprocess.run(
        [python(level), "-m", "pytest", "-q", f"--junitxml={report}", HERE / FOLDERS[level]],
        env={**bare_environment(), "HOME": str(folder), "HOST_PYTHON": sys.executable},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    assert report.exists(), done.stdout
    results: dict[tuple[str, str], list[ET.Element]] = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314  # written by the run above
        name = case.attrib["name"].partition("[")[0]
        results.setdefault((case.attrib["classname"], name), []).append(case)
    return Report(done.stdout, results)


def bare_environment() -> dict[str, str]:
    """Return the environment without what steers one of the clients, or pytest."""
    return {
        name: value for name, value in os.environ.items() if not (steers(name) or name.startswith(_STEERING))
    }
