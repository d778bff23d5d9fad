"""What the platform offers, one resource a file."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qianfan.classic import (
        ChatCompletion,
        Completion,
        Embedding,
        Image2Text,
        Plugin,
        Reranker,
        Text2Image,
        Tokenizer,
    )
    from qianfan.console.finetune import FineTune
    from qianfan.console.model import Model
    from qianfan.console.service import Service

__all__ = [
    "ChatCompletion",
    "Completion",
    "Embedding",
    "FineTune",
    "Image2Text",
    "Model",
    "Plugin",
    "Reranker",
    "Service",
    "Text2Image",
    "Tokenizer",
]


def __getattr__(name: str) -> Any:
    """Give the names and module paths that code written for earlier SDKs looks for here."""
    if name in {"llm", "tools", "typing"}:
        return import_module(f"qianfan.resources.{name}")
    if name in __all__:
        return getattr(import_module("qianfan"), name)
    raise AttributeError(f"module 'qianfan.resources' has no attribute {name!r}")
