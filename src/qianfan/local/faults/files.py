"""Faults as files: JSON, with the seed that repeats a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from qianfan.local import checks
from qianfan.local.faults.fault import from_json
from qianfan.local.wire import as_array, as_object

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from qianfan.local.faults.fault import Fault

_FORMAT = 1

check_seed = checks.integer(0, 2**63 - 1)  # which every JSON can say


def write(path: str | os.PathLike[str], faults: Sequence[Fault], seed: int) -> None:
    """Write faults and the seed to a file.

    Raises:
        OSError: The file cannot be written.
    """
    content = {"format": _FORMAT, "seed": seed, "faults": [fault.as_json() for fault in faults]}
    Path(path).write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")


def read(path: str | os.PathLike[str]) -> tuple[list[Fault], int]:
    """Return the faults of a file, and the seed.

    Raises:
        OSError: It cannot be read.
        ValueError: It holds no faults, or a bad one: which, and why.
    """
    try:
        content = as_object(orjson.loads(Path(path).read_bytes())) or {}
    except orjson.JSONDecodeError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    given, seed = as_array(content.get("faults")), content.get("seed", -1)
    if content.get("format") != _FORMAT or given is None or check_seed(seed):
        raise ValueError(
            f'{path} holds no faults: it is no {{"format": {_FORMAT}, "seed": ..., "faults": [...]}}'
        )
    return [_fault(value, f"{path}: fault {number}") for number, value in enumerate(given, start=1)], seed


def _fault(value: Any, where: str) -> Fault:
    try:
        return from_json(value)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
