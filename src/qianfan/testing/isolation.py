"""Platforms for tests: each as new, all at one address, and nothing that one test left reaches the next."""

from __future__ import annotations

import atexit
import inspect
import os
import sys
import warnings
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from qianfan import config, local
from qianfan.drivers.shared import TOKENS
from qianfan.local.address import Address
from qianfan.testing import audit
from qianfan.testing.guard import Guard, OutsideCallError
from qianfan.testing.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from qianfan.local import Platform

_PATIENCE = 0.05  # seconds for what a test has left to end by itself

#: What a test may ask of its platform; the address is not the test's to choose.
OPTIONS = frozenset(inspect.signature(local.platform).parameters) - {"host", "port"}

_BETWEEN = frozenset({__name__, "contextlib", "unittest.case"})

_addresses: list[Address] = []  # at which no platform answers now


class LeftRunningWarning(UserWarning):
    """A test has left a call unanswered, or a thread that goes on calling; it was cut."""


@contextmanager
def platform(*, version: int = 1, network: Sequence[str] = (), **options: Any) -> Iterator[Platform]:
    """Run a local platform that the block's code finds through the environment.

    It is as new, whatever was done to the ones before it. Meanwhile the settings of the machine and of
    `qianfan.AK()` and its kin do not count, and no other host can be reached.

    Args:
        version: Which API the environment leads to, 1 or 2.
        network: Hosts that may be reached all the same.
        **options: What `qianfan.local.platform` takes, `host` and `port` apart.

    Raises:
        OutsideCallError: The block tried to reach another host, and kept silent about it.
        ImportError: The extra `local` is not installed.
    """
    guard = Guard("the test", _file(), network, "qianfan.testing.platform({})")
    with ExitStack() as stack:
        running = stack.enter_context(isolated(**options))
        stack.enter_context(_steered(environment(running, version)))
        stack.enter_context(guard.watch())
        yield running
        attempts = guard.take_attempts()
        if attempts:
            raise OutsideCallError("\n".join(attempts))


def _file() -> str:
    """Return the file that begins a block: what lies between is of Python's own."""
    frame = sys._getframe(1)  # noqa: SLF001  # its documented name
    while frame.f_back is not None and frame.f_globals["__name__"] in _BETWEEN:
        frame = frame.f_back
    return frame.f_code.co_filename


@contextmanager
def isolated(**options: Any) -> Iterator[Platform]:
    """Run a platform that shares nothing with others but the address, with no setters in force."""
    unknown = options.keys() - OPTIONS
    if unknown:
        raise TypeError(
            f"no option of a test's platform: {min(unknown)!r}; known: {', '.join(sorted(OPTIONS))}"
        )
    clock = options.get("clock")
    began = clock and clock.snapshot()
    made = local.platform(**options)
    address = _addresses.pop() if _addresses else Address()
    made.start(address)
    setters = dict(config.values)
    config.values.clear()
    _forget_tokens(made.url)
    threads = Threads(made.url)
    try:
        with audit.heard_by(threads):
            yield made
    finally:
        left = [f"the thread {name!r}" for name in threads.leave(_PATIENCE)] + address.unanswered(_PATIENCE)
        made.stop()
        if left:
            address.close()
        _addresses.append(address)
        config.values.clear()
        config.values.update(setters)
        if clock:
            clock.restore(began)
        if left:
            warnings.warn(
                f"left running by a test, and cut: {', '.join(left)}", LeftRunningWarning, stacklevel=1
            )


def environment(running: Platform, version: int) -> dict[str, str]:
    """Return the variables that lead user code to a version of a platform."""
    if version not in {1, 2}:
        raise ValueError(f"version must be 1 or 2, not {version!r}")
    given = running.environment
    return (
        given if version == 1 else {**given, "QIANFAN_API_KEY": running.api_key, "QIANFAN_API_VERSION": "2"}
    )


def steering() -> dict[str, str]:
    """Return the variables that say where calls go; proxies do too: one on this machine leads out of it."""
    names = [name for name in os.environ if name.startswith("QIANFAN_") or name.lower().endswith("_proxy")]
    return {name: os.environ[name] for name in names}


@contextmanager
def _steered(variables: dict[str, str]) -> Iterator[None]:
    """Have these variables and no others say where calls go for a while."""
    before = steering()
    _steer(variables)
    try:
        yield
    finally:
        _steer(before)


def _steer(variables: dict[str, str]) -> None:
    for name in steering():
        del os.environ[name]
    os.environ.update(variables)


def _forget_tokens(url: str) -> None:
    """Forget the tokens that an earlier platform at this address gave, as it is gone."""
    for key in list(TOKENS):
        if key[0].startswith(f"{url}/"):
            TOKENS.pop(key, None)


@atexit.register
def close() -> None:
    """Give up the addresses that are not in use."""
    while _addresses:
        _addresses.pop().close()
