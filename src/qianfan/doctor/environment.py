"""Variables and files that look as if they were meant to count, and do not."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from qianfan.config import DEFAULTS
from qianfan.doctor.findings import Finding, State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: The variable that names a .env file.
FILE = "QIANFAN_DOT_ENV_CONFIG_FILE"

_KNOWN = [*(f"QIANFAN_{name}" for name in DEFAULTS), FILE]


def findings(env: Mapping[str, str]) -> Iterator[Finding]:
    """Tell of a .env file that is not read, and of misspelt variables.

    Args:
        env: The environment, with the file's variables.
    """
    file = os.environ.get(FILE)
    if file and (not Path(file).exists() or Path(file).is_dir()):
        says = f"{FILE} = {file}：没有这个文件 (there is no such file)"
        yield Finding("environment", State.BAD, says)
    elif not file and _names_settings(Path(".env")):
        yield Finding(
            "environment",
            State.NOTE,
            "当前目录的 .env 没有读取 (.env in this directory is not read)",
            f"要读取它，设置 {FILE}=.env (set it to have the file read)",
        )
    for name in env:
        if not name.startswith("QIANFAN_") or name in _KNOWN:
            continue
        near = get_close_matches(name, _KNOWN, n=1, cutoff=0.9)
        if near:
            says = f"没有名为 {name} 的设置 (there is no setting of this name)"
            yield Finding("environment", State.NOTE, says, f"是否应为 {near[0]}？(did you mean it?)")


def _names_settings(file: Path) -> bool:
    try:
        return file.is_file() and b"QIANFAN_" in file.read_bytes()  # a pipe may wait for its writer
    except OSError:
        return False
