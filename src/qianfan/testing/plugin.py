"""The pytest plugin: a local platform for each test, and a guard against the real one.

Every pytest run of an environment with this package imports this module: it imports nothing but pytest, and
does nothing until a fixture or an option of it is used.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from typing import Any

    from qianfan.client import Qianfan
    from qianfan.local import Platform
    from qianfan.testing.guard import Guard

_MARK = """\
qianfan(version=1, network=[], **options): of the test's local platform: the API that the environment leads \
to, the hosts that may be reached beside it, and what qianfan.local.platform takes."""

_guard: pytest.StashKey[tuple[Guard, ExitStack]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that guards every test."""
    text = "测试访问本机以外的主机即失败，不论是否用到 qianfan_platform"
    parser.getgroup("qianfan").addoption("--qianfan-offline", action="store_true", help=text)
    parser.addini("qianfan_offline", text, type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", _MARK)


@pytest.fixture(scope="session")
def _qianfan_isolation() -> Iterator[Any]:
    """What makes the platforms; at the end of the session their address is given up."""
    from qianfan.testing import isolation

    yield isolation
    isolation.close()


@pytest.fixture
def qianfan_platform(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, _qianfan_isolation: Any
) -> Iterator[Platform]:
    """本地平台：每个测试一个全新的，环境变量已指向它；访问其他主机的测试失败。"""
    isolation = _qianfan_isolation
    options = _options(request.node)
    version = options.pop("version", 1)
    del options["network"]
    _begin_guard(request.node)
    with isolation.isolated(**options) as platform:
        # On the test's own stack of changes: one of its own, made later, is taken back first.
        for name in isolation.steering():
            monkeypatch.delenv(name)
        for name, value in isolation.environment(platform, version).items():
            monkeypatch.setenv(name, value)
        yield platform


@pytest.fixture
def qianfan_client(request: pytest.FixtureRequest, qianfan_platform: Platform) -> Iterator[Qianfan]:
    """本地平台的客户端 qianfan.Qianfan，同步异步都可用，测试结束时关闭。"""
    with qianfan_platform.client(version=_options(request.node).get("version", 1)) as client:
        yield client


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Guard the test where every test is guarded."""
    if item.config.getoption("--qianfan-offline") or item.config.getini("qianfan_offline"):
        _begin_guard(item)
    return (yield from _judged(item, "setup"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a test that tried to reach another host and kept silent about it."""
    return (yield from _judged(item, "call"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """Do the same of its end, and end the guard."""
    try:
        return (yield from _judged(item, "teardown"))
    finally:
        guarded = item.stash.get(_guard, None)
        if guarded is not None:
            del item.stash[_guard]
            guarded[1].close()


def _judged(item: pytest.Item, when: str) -> Generator[None, Any, Any]:
    """Let a phase of a test run; it fails where the test tried to reach another host and nothing tells so."""
    try:
        result = yield
    except BaseException as error:
        for attempt in _attempts(item):
            if str(error) != attempt:
                item.add_report_section(when, "qianfan", attempt)
        raise
    attempts = _attempts(item)
    if attempts:
        pytest.fail("\n".join(attempts), pytrace=False)
    return result


def _attempts(item: pytest.Item) -> list[str]:
    """Return what was tried since this was asked before."""
    guarded = item.stash.get(_guard, None)
    return guarded[0].take_attempts() if guarded else []


def _begin_guard(item: pytest.Item) -> None:
    if _guard in item.stash:
        return
    from qianfan.testing.guard import Guard

    guard = Guard(item.nodeid, str(item.path), _options(item)["network"], "@pytest.mark.qianfan({})")
    watch = ExitStack()
    watch.enter_context(guard.watch())
    item.stash[_guard] = guard, watch


def _options(item: pytest.Item) -> dict[str, Any]:
    """Return what the marks of a test say together; the closest says the last word, networks add up."""
    options: dict[str, Any] = {}
    network: list[str] = []
    for mark in reversed(list(item.iter_markers("qianfan"))):
        if mark.args:
            raise pytest.UsageError(f"@pytest.mark.qianfan takes its options by name, not {mark.args[0]!r}")
        options |= mark.kwargs
        network += mark.kwargs.get("network", ())
    return {**options, "network": network}
