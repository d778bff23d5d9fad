"""The guide to Ray is true: its Python runs as it stands, in its order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

GUIDE = Path(__file__).parents[3] / "docs/guides/ray.md"


def test_the_guide(tmp_path):
    """The blocks that need Ray are marked `py`, since the tests of all guides run without it."""
    blocks = re.findall(r"^```py\n(.*?)^```$", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks)],
        env={**os.environ, "QIANFAN_LOCAL": "1", "PYTHONIOENCODING": "utf-8"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert len(blocks) == 6
    assert done.returncode == 0, done.stderr
    assert "第 199 题" in done.stdout
    assert list((tmp_path / "labels").iterdir())
    assert list((tmp_path / "answered.parquet").iterdir())
