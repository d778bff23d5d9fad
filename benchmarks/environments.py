"""The environments the contestants run in, the machine they run on, and the bare server."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
ROOT = HERE.parent / ".bench"
SHOWN = (
    *("qianfan", "urllib3", "aiohttp", "orjson", "starlette", "uvicorn", "httptools"),
    *("openai", "httpx2", "httpx", "requests", "pydantic"),
)

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
CLIENT_CORE, SERVER_CORE = ([str(CORES[0])], [str(CORES[-1])]) if len(CORES) > 1 else ([], [])


def python(environment: str) -> str:
    return str(ROOT / environment / "bin" / "python")


def variables(server: str) -> dict[str, str]:
    """A clean environment: no proxy, no key, no setting of the user's, a home of its own."""
    home = ROOT / "home"
    home.mkdir(exist_ok=True)
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "QIANFAN_BASE_URL": server}


@contextlib.contextmanager
def bare_server() -> Iterator[str]:
    command = [sys.executable, str(HERE / "server.py"), *SERVER_CORE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def token_requests(server: str) -> int:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(server + "/stats") as response:
        return json.load(response)["token_requests"]


def packages(environment: str) -> str:
    """The versions of what matters in an environment, as one line."""
    program = (
        "import importlib.metadata as m, sys\n"
        "for d in sorted(m.distributions(), key=lambda d: d.name):\n"
        "    print(d.name, d.version) if d.name in sys.argv else None"
    )
    done = subprocess.run(
        [python(environment), "-c", program, *SHOWN], check=True, capture_output=True, text=True, cwd=ROOT
    )
    return ", ".join(done.stdout.splitlines())


def facts() -> dict[str, str]:
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), model)
    version = subprocess.run(
        [python("ours"), "-c", "import platform as p; print(p.python_implementation(), p.python_version())"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    return {
        "CPU": f"{len(CORES) or os.cpu_count()} × {model}",
        "System": f"{platform.system()} {platform.machine()}",
        "Python": version,
        "bare and ours": packages("ours"),
        "openai": packages("openai"),
        "official": packages("official"),
    }
