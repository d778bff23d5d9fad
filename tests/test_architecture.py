"""The folder is the architecture: who may import whom, and what an import costs."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent / "src" / "qianfan"
FILES = sorted(ROOT.rglob("*.py"))


class Import(NamedTuple):
    """One imported module, and when it is imported."""

    module: str
    lazy: bool  # inside a function
    typing: bool  # for type checkers only


def module_name(file: Path) -> str:
    """Return the dotted name of a source file."""
    parts = file.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(file): file for file in FILES}


@cache
def imports(module: str) -> frozenset[Import]:
    """Return what a module imports; `from package import module` counts as that module."""
    found: set[Import] = set()
    walk(ast.parse(MODULES[module].read_text("utf-8")), module, found, lazy=False, typing=False)
    return frozenset(found)


def walk(node: ast.AST, module: str, found: set[Import], *, lazy: bool, typing: bool) -> None:
    """Collect the imports below a node."""
    for child in ast.iter_child_nodes(node):
        names: list[str] = []
        if isinstance(child, ast.Import):
            names = [alias.name for alias in child.names]
        elif isinstance(child, ast.ImportFrom):
            assert not child.level, f"{module}: a relative import hides where a name comes from"
            base = child.module or ""
            inner = {f"{base}.{alias.name}" for alias in child.names} & set(MODULES)
            names = sorted(inner) + ([base] if len(inner) < len(child.names) else [])
        found.update(Import(name, lazy, typing) for name in names)
        walk(
            child,
            module,
            found,
            lazy=lazy or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef),
            typing=typing or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)),
        )


def imported(module: str, *, typing: bool = True, lazy: bool = True) -> set[str]:
    """Return the names of what a module imports, with or without what is for types, or inside functions."""
    return {it.module for it in imports(module) if typing >= it.typing and lazy >= it.lazy}


def below(*packages: str) -> list[str]:
    """Return the modules of some packages."""
    return [module for module in MODULES if is_in(module, *packages)]


def is_in(name: str, *packages: str) -> bool:
    """Say whether a module is one of some packages or lies in one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


CORE_MAY_IMPORT = (
    # nothing here can wait, open, look at a clock or at the environment
    *(
        "__future__",
        "bisect",
        "collections",
        "collections.abc",
        "datetime",
        "email.utils",
        "dataclasses",
        "enum",
        "functools",
        "hmac",
        "math",
        "operator",
        "random",
        "re",
        "typing",
    ),
    *("urllib.parse", "orjson"),
    # the tables and values that everyone shares
    *(
        "qianfan.catalog",
        "qianfan.codes",
        "qianfan.core",
        "qianfan.errors",
        "qianfan.response",
        "qianfan.version",
    ),
)


@pytest.mark.parametrize("module", below("qianfan.core"))
def test_core_does_nothing(module: str) -> None:
    """The core cannot do I/O, sleep, read a clock or the environment: it imports nothing that could."""
    assert {name for name in imported(module) if not is_in(name, *CORE_MAY_IMPORT)} == set()


LOCAL_MAY_SHARE = ("qianfan.catalog", "qianfan.codes", "qianfan.local", "qianfan.version")


@pytest.mark.parametrize("module", below("qianfan.local"))
def test_local_platform_shares_only_tables(module: str) -> None:
    """The local platform and the client share tables of facts and no code that both could get wrong.

    Only where it is asked for a client of itself does it import one.
    """
    at_once = {name for name in imported(module, typing=False, lazy=False) if is_in(name, "qianfan")}
    ever = {name for name in imported(module) if is_in(name, "qianfan")}

    assert {name for name in at_once if not is_in(name, *LOCAL_MAY_SHARE)} == set()
    assert {name for name in ever if not is_in(name, *LOCAL_MAY_SHARE, "qianfan.client")} == set()


@pytest.mark.parametrize(
    "module", below("qianfan.resources", "qianfan.settings", "qianfan.credentials", "qianfan.messages")
)
def test_resources_say_what_is_wanted(module: str) -> None:
    """What describes a call knows no driver: it only says what is wanted."""
    assert {
        name for name in imported(module, typing=False) if is_in(name, "qianfan.drivers", "qianfan.local")
    } == set()


TRANSPORTS = {
    "qianfan.drivers.transport_urllib3": "urllib3",
    "qianfan.drivers.transport_aiohttp": "aiohttp",
    "qianfan.drivers.redis_store": "redis",
    "qianfan.local.upstream.http": "aiohttp",  # the local platform shares no code with the client
}


@pytest.mark.parametrize("module", MODULES)
def test_only_transports_know_their_library(module: str) -> None:
    """urllib3, aiohttp and redis each have one file of a side, so that each can be replaced."""
    libraries = {name.partition(".")[0] for name in imported(module)} & {*TRANSPORTS.values(), "yarl"}

    assert libraries <= ({TRANSPORTS[module], "yarl"} if module in TRANSPORTS else set())


@pytest.mark.parametrize(
    "module", [module for module in MODULES if not is_in(module, "qianfan.cli", "qianfan.local")]
)
def test_base_install_is_enough(module: str) -> None:
    """The client needs the standard library, urllib3, aiohttp and orjson; extras are imported where used."""
    known = {*sys.stdlib_module_names, "qianfan", "urllib3", "aiohttp", "yarl", "async_timeout", "orjson"}
    if module == "qianfan.testing.plugin":  # pytest is who imports it
        known.add("pytest")
    outside = {name.partition(".")[0] for name in imported(module, typing=False)} - known
    at_once = {name.partition(".")[0] for name in imported(module, typing=False, lazy=False)} - known

    assert outside <= {"dotenv", "pyarrow", "ray", "redis"}
    assert at_once == set()


def test_no_import_goes_in_a_circle() -> None:
    """Modules can be put in an order in which each imports only those before it."""
    waiting = {
        module: imported(module, typing=False, lazy=False) & set(MODULES) - {module} for module in MODULES
    }
    while ready := {module for module, needs in waiting.items() if not needs & set(waiting)}:
        for module in ready:
            del waiting[module]

    assert waiting == {}


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(ROOT)) for file in FILES])
def test_a_file_is_one_noun(file: Path) -> None:
    """A file stays short enough to be read in one go, and says at its head what may live in it."""
    text = file.read_text("utf-8")

    assert text.count("\n") <= 450
    assert ast.get_docstring(ast.parse(text))


def python(code: str) -> dict[str, list[str]]:
    """Run code in a fresh interpreter; return what it printed and the modules that it added."""
    program = (
        "import json, sys\nbefore = set(sys.modules)\n"
        f"{code}\n"
        "print(json.dumps({'modules': sorted(set(sys.modules) - before)}))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={"PYTHONPATH": str(ROOT.parent), "QIANFAN_AK": "a", "QIANFAN_SK": "s"},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    *printed, last = done.stdout.splitlines()
    assert done.stderr == ""
    return {"printed": printed, **json.loads(last)}


HEAVY = (
    "urllib3",
    "aiohttp",
    "orjson",
    "asyncio",
    "logging",
    "dataclasses",
    "ssl",
    "socket",
    "http",
    "urllib",
    "json",
)
ASYNC = ("asyncio", "aiohttp", "yarl", "multidict")
EXTRAS = ("starlette", "uvicorn", "typer", "rich", "dotenv", "httptools", "redis")


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import qianfan", (*HEAVY, *EXTRAS, "threading", "concurrent")),
        ("import qianfan; qianfan.AK('a'); qianfan.errors.APIError", (*ASYNC, *EXTRAS, "urllib3", "ssl")),
        ("import qianfan; qianfan.ChatCompletion().models()", (*ASYNC, *EXTRAS, "urllib3", "ssl")),
        ("import qianfan; qianfan.Qianfan()._pool.sync()", (*ASYNC, *EXTRAS)),
        ("import qianfan.drivers.sync, qianfan.drivers.transport_urllib3", (*ASYNC, *EXTRAS)),
    ],
    ids=["import", "setters and errors", "an object", "a client ready to send", "the sync transport"],
)
def test_what_is_not_paid_for(code: str, absent: tuple[str, ...]) -> None:
    """Nothing is imported before it is needed: aiohttp not before the first async call."""
    loaded = python(code)["modules"]

    assert "qianfan" in loaded
    assert [name for name in loaded if is_in(name, *absent)] == []


def test_an_import_does_nothing() -> None:
    """Importing prints nothing, starts no thread, opens nothing and leaves no hook behind."""
    code = (
        "import threading, os\n"
        "state = lambda: (threading.enumerate(), list(sys.meta_path), list(sys.path_hooks), sys.excepthook)\n"
        "first, files = state(), os.listdir('/dev/fd') if os.path.isdir('/dev/fd') else []\n"
        "from qianfan import *\n"
        "import qianfan.client, qianfan.resources.chat, qianfan.drivers.sync, qianfan.drivers.aio\n"
        "assert state() == first\n"
        "assert not files or len(os.listdir('/dev/fd')) == len(files)\n"
    )

    assert python(code)["printed"] == []


def test_an_import_logs_nothing() -> None:
    """The logger has a `NullHandler` and no level of its own: what is shown is the program's choice."""
    code = (
        "import logging\nfrom qianfan.log import log\n"
        "print(log.name, log.level, [type(handler).__name__ for handler in log.handlers], log.propagate)\n"
        "print(logging.getLogger().handlers)\n"
    )

    assert python(code)["printed"] == ["qianfan 0 ['NullHandler'] True", "[]"]
