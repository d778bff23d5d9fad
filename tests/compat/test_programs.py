"""Other people's packages, unmodified: the results of the programs that use them, one by one."""

from __future__ import annotations

import pytest
import suites

PROGRAMS = [program for level in suites.FOLDERS for program in suites.written(level)]


@pytest.fixture(scope="session")
def reports(tmp_path_factory):
    """Return what an environment's pytest said; its programs run once a session."""
    known = {}

    def reports(level):
        if level not in known:
            known[level] = suites.run(level, tmp_path_factory.mktemp(level))
        return known[level]

    return reports


@pytest.mark.parametrize(("level", "file", "name"), PROGRAMS, ids=["-".join(it) for it in PROGRAMS])
def test_a_program(reports, level, file, name):
    """A program that a user writes does what it should, in each of its variants."""
    report = reports(level)
    results = report.results.get((file, name), [])
    assert results, report.output

    wrong = [part.text or "" for case in results for part in case if part.tag in {"failure", "error"}]
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)
    reasons = [part.attrib["message"] for case in results for part in case.iter("skipped")]
    if len(reasons) == len(results):
        pytest.xfail(reasons[0])


@pytest.mark.parametrize("level", suites.FOLDERS)
def test_no_result_is_lost(reports, level):
    """What was reported is what is written: no program failed to load, none goes unseen."""
    report = reports(level)

    assert set(report.results) == {(it.file, it.name) for it in suites.written(level)}, report.output
