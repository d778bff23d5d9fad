"""LangChain's own classes, unmodified, on this package: the results of programs/, one by one.

The programs run under a pytest of the compat environment, all in one process, since importing
LangChain takes longer than they do.
"""

from __future__ import annotations

import ast
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree as ET

import pytest
from support.processes import steers

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = Path(__file__).parent / "programs"
PATIENCE = 300  # seconds; they take about ten


def written() -> Iterator[tuple[str, str]]:
    """Find the programs by file and name, without importing LangChain."""
    for file in sorted(PROGRAMS.glob("test_*.py")):
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield file.stem, node.name


WRITTEN = list(written())


class Run(NamedTuple):
    """What the compat environment's pytest said."""

    output: str
    results: dict[tuple[str, str], list[ET.Element]]


@pytest.fixture(scope="session")
def run(compat_python, tmp_path_factory):
    """Run all programs once."""
    report = tmp_path_factory.mktemp("compat") / "report.xml"
    done = subprocess.run(
        [compat_python, "-m", "pytest", "-q", f"--junitxml={report}", PROGRAMS],
        env=bare_environment(),
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
    return Run(done.stdout, results)


def bare_environment() -> dict[str, str]:
    """Return the environment without what steers this package, LangChain or pytest."""
    others = ("LANGCHAIN_", "LANGSMITH_", "PYTEST_", "PYTHON")
    return {
        name: value for name, value in os.environ.items() if not (steers(name) or name.startswith(others))
    }


@pytest.mark.parametrize(("file", "name"), WRITTEN, ids=[f"{file}-{name}" for file, name in WRITTEN])
def test_a_program(run, file, name):
    """A program that a LangChain user writes does what it should, in each of its variants."""
    results = run.results.get((file, name), [])
    assert results, run.output

    wrong = [part.text or "" for case in results for part in case if part.tag in {"failure", "error"}]
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)
    reasons = [part.attrib["message"] for case in results for part in case.iter("skipped")]
    if len(reasons) == len(results):
        pytest.xfail(reasons[0])


def test_no_result_is_lost(run):
    """What was reported is what is written: no program failed to load, none goes unseen."""
    assert set(run.results) == set(WRITTEN), run.output
