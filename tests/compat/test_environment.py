"""The environments of other people's packages: made once, of the right packages, from this clone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import suites
from suites import LEVELS, ROOT

posix = pytest.mark.skipif(os.name != "posix", reason="the scripts are for bash")


def setup(root, level, **env):
    """Run a clone's scripts/setup."""
    return subprocess.run(
        [root / "scripts/setup", level],
        env={**os.environ, **env},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize("level", LEVELS)
def test_it_is_made_once(level):
    """Where it is up to date, a setup does nothing and says nothing."""
    made = suites.python(level).stat().st_mtime_ns
    done = setup(ROOT, level)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert suites.python(level).stat().st_mtime_ns == made


LOOK = """
import json, qianfan
from importlib.metadata import distributions
found = [d for d in distributions() if d.metadata["Name"].lower() == "qianfan"]
print(json.dumps([qianfan.__file__, [[d.version, d.read_text("direct_url.json")] for d in found]]))
"""


def look(level):
    """Return where an environment imports `qianfan` from, its version, and whence it was installed."""
    done = subprocess.run(
        [suites.python(level), "-I", "-c", LOOK], capture_output=True, encoding="utf-8", check=True
    )
    imported, [[version, source]] = json.loads(done.stdout.splitlines()[-1])
    return Path(imported), version, source


def test_others_import_this_package():
    """The only `qianfan` beside LangChain is this clone's, editable."""
    imported, _, source = look("compat")

    assert imported == ROOT / "src/qianfan/__init__.py"
    assert json.loads(source)["dir_info"] == {"editable": True}


@pytest.mark.parametrize(("level", "release"), [("official", "0.4.12.3"), ("official-2023", "0.1.0")])
def test_the_official_package_is_alone(level, release):
    """The only `qianfan` in an official environment is the release from the index."""
    imported, version, source = look(level)

    assert imported.is_relative_to(ROOT / f".venv-{level}")
    assert (version, source) == (release, None)


UV = """#!/usr/bin/env bash
echo "$*" >>"$LOG"
for last; do :; done
case "$1" in venv) mkdir -p "$last/bin" && cp "$0" "$last/bin/python" ;; esac
"""


@posix
@pytest.mark.parametrize("level", LEVELS)
def test_what_is_installed(tmp_path, level):
    """The level's list is installed, on top of this package only where it should be, and again after it changed."""
    clone, log, tools = tmp_path / "a clone", tmp_path / "log", tmp_path / "bin"
    listed = clone / f"tests/compat/requirements-{level}.txt"
    listed.parent.mkdir(parents=True)
    tools.mkdir()
    shutil.copytree(ROOT / "scripts", clone / "scripts")
    shutil.copy(ROOT / "pyproject.toml", clone)
    shutil.copy(ROOT / listed.relative_to(clone), listed)
    (tools / "uv").write_text(UV, encoding="utf-8")
    (tools / "uv").chmod(0o755)
    env = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "LOG": str(log)}
    done = [setup(clone, level, **env), setup(clone, level, **env)]
    listed.write_text("# changed\n", encoding="utf-8")
    done.append(setup(clone, level, **env))

    ours = "-e .[local] " if level == "compat" else ""
    install = f"pip install --python .venv-{level}/bin/python {ours}-r tests/compat/requirements-{level}.txt"
    assert log.read_text("utf-8").splitlines() == [f"venv --python >=3.10 .venv-{level}", install, install]
    assert [("Ready" in it.stderr, it.returncode) for it in done] == [(True, 0), (False, 0), (True, 0)]
    assert not (clone / ".venv").exists()


@posix
@pytest.mark.parametrize("in_ci", [True, False])
def test_an_environment_that_cannot_be_made(tmp_path, monkeypatch, in_ci):
    """Where nothing can be installed, tests fail in CI and are skipped elsewhere, both with the reason."""
    script = tmp_path / "scripts/setup"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\necho no such package index >&2\nexit 1\n", encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setattr(suites, "ROOT", tmp_path)
    monkeypatch.setenv("CI", "true" if in_ci else "")

    ends = pytest.fail.Exception if in_ci else pytest.skip.Exception
    with pytest.raises(ends, match=r"could not make \.venv-nowhere: no such package index"):
        suites.python("nowhere")
