"""The compat environment: made once, of the right packages, from this clone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

posix = pytest.mark.skipif(os.name != "posix", reason="the scripts are for bash")


def setup(root, **env):
    """Run scripts/setup compat of a clone."""
    return subprocess.run(
        [root / "scripts/setup", "compat"],
        env={**os.environ, **env},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_it_is_made_once(compat_python):
    """Where it is up to date, a setup does nothing and says nothing."""
    made = compat_python.stat().st_mtime_ns
    done = setup(ROOT)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert compat_python.stat().st_mtime_ns == made


def test_it_holds_this_package(compat_python):
    """The only `qianfan` in it is this clone's, editable: LangChain imports ours."""
    program = (
        "import json, qianfan\n"
        "from importlib.metadata import distributions\n"
        "found = [d for d in distributions() if d.metadata['Name'].lower() == 'qianfan']\n"
        "print(json.dumps([qianfan.__file__, [json.loads(d.read_text('direct_url.json')) for d in found]]))\n"
    )
    done = subprocess.run(
        [compat_python, "-I", "-c", program], capture_output=True, encoding="utf-8", check=True
    )
    imported, [installed] = json.loads(done.stdout)

    assert Path(imported) == ROOT / "src/qianfan/__init__.py"
    assert installed["dir_info"] == {"editable": True}


UV = """#!/usr/bin/env bash
echo "$*" >>"$LOG"
case "$1" in venv) mkdir -p .venv-compat/bin && cp "$0" .venv-compat/bin/python ;; esac
"""


@posix
def test_what_is_installed(tmp_path):
    """The list beside the programs is installed on top of this package, and again after it changed."""
    clone, log, tools = tmp_path / "a clone", tmp_path / "log", tmp_path / "bin"
    listed = clone / "tests/compat/requirements.txt"
    listed.parent.mkdir(parents=True)
    tools.mkdir()
    shutil.copytree(ROOT / "scripts", clone / "scripts")
    shutil.copy(ROOT / "pyproject.toml", clone)
    shutil.copy(ROOT / "tests/compat/requirements.txt", listed)
    (tools / "uv").write_text(UV, encoding="utf-8")
    (tools / "uv").chmod(0o755)
    env = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "LOG": str(log)}
    done = [setup(clone, **env), setup(clone, **env)]
    listed.write_text("# changed\n", encoding="utf-8")
    done.append(setup(clone, **env))

    install = "pip install --python .venv-compat/bin/python -e .[local] -r tests/compat/requirements.txt"
    assert log.read_text("utf-8").splitlines() == ["venv --python >=3.10 .venv-compat", install, install]
    assert [("Ready" in it.stderr, it.returncode) for it in done] == [(True, 0), (False, 0), (True, 0)]
    assert not (clone / ".venv").exists()
