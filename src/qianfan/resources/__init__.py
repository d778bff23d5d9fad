"""What the platform offers, one resource a file."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from qianfan.resources.chat import ChatCompletion

__all__ = ["ChatCompletion"]


def __getattr__(name: str) -> Any:
    if name in {"llm", "typing"}:  # module paths that earlier SDKs import by themselves
        return import_module(f"qianfan.resources.{name}")
    raise AttributeError(f"module 'qianfan.resources' has no attribute {name!r}")
