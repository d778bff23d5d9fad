"""Python in a process of its own, where every warning counts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds a process may take: only one that hangs takes so long.
PATIENCE = 30.0

#: asyncio's debug mode warns of a loop that was busy, as it is while the first call imports aiohttp.
_PRELUDE = "import logging; logging.getLogger('asyncio').setLevel(logging.ERROR)\n"

_TESTS = Path(__file__).parents[1]


def python(code: str, *, strict: bool = True, meanwhile: Callable[[], int] | None = None, **env: str) -> str:
    """Run code and return what it printed; fail when it ends badly or writes to stderr.

    Args:
        code: The program.
        strict: Whether Python looks for resources that were not freed, and warnings are errors.
        meanwhile: Runs beside the program; returns the signal to send it then, or 0 for none.
        **env: Environment variables.
    """
    flags = ["-X", "dev", "-W", "error"] if strict else []
    with subprocess.Popen(  # the tests' own code
        [sys.executable, *flags, "-c", _PRELUDE + textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**_bare_environment(), **env},
    ) as process:
        try:
            if meanwhile is not None:
                number = meanwhile()
                if number:
                    process.send_signal(signal.Signals(number))
            out, err = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    assert err == "", err
    assert process.returncode == 0, f"ended with {process.returncode}: {out}"
    return out


def _bare_environment() -> dict[str, str]:
    """Return the environment without what steers the client."""
    env = {name: value for name, value in os.environ.items() if not steers(name)}
    return {**env, "PYTHONPATH": str(_TESTS)}


def steers(variable: str) -> bool:
    """Say whether an environment variable changes what the client does."""
    name = variable.upper()
    return (
        name.startswith(("QIANFAN_", "SSL_CERT_")) or name.endswith("_PROXY") or name == "REQUESTS_CA_BUNDLE"
    )
