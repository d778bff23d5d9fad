"""Tests of programs that call Qianfan: on the local platform, each test on one of its own.

With pytest the fixtures `qianfan_platform` and `qianfan_client` are there once this package is installed.
Everywhere else:

    with qianfan.testing.platform() as platform:
        answer = my_bot.reply("你好")  # user code finds the platform through the environment
    assert platform.calls("chat").last.messages[-1]["content"] == "你好"

Importing this costs nothing; names load when they are first used. A platform needs `qianfan[local]`.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers read it; a pytest run that has no use for this imports it too
if TYPE_CHECKING:
    from typing import Any

    from qianfan.testing.guard import OutsideCallError
    from qianfan.testing.isolation import LeftRunningWarning, platform

__all__ = ["LeftRunningWarning", "OutsideCallError", "platform"]

_NAMES = {"LeftRunningWarning": "isolation", "OutsideCallError": "guard", "platform": "isolation"}


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'qianfan.testing' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"qianfan.testing.{_NAMES[name]}"), name)
