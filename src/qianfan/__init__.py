"""百度智能云千帆大模型平台的 Python SDK: a client for Baidu's Qianfan platform, and that platform on your machine.

Names load when they are first used: importing this package starts nothing, prints nothing and
reads nothing.
"""

from __future__ import annotations

from qianfan.version import VERSION as __version__  # noqa: N811  # the name Python has for it

TYPE_CHECKING = False  # as type checkers read it; `typing` itself would be most of what the import costs
if TYPE_CHECKING:
    from typing import Any

    from qianfan import errors, local, schema
    from qianfan.bulk.ray.engine import RayEngine
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
    from qianfan.client import Qianfan
    from qianfan.config import AK, SK, AccessKey, AccessToken, SecretKey, get_config
    from qianfan.console.dataset import Dataset
    from qianfan.console.finetune import FineTune
    from qianfan.console.model import Model
    from qianfan.console.service import Service
    from qianfan.core.limits import RateLimiter
    from qianfan.drivers.aio import AsyncStream
    from qianfan.drivers.redis_limiter import RedisRateLimiter
    from qianfan.drivers.sync import Stream
    from qianfan.log import disable_log, enable_log
    from qianfan.messages import Messages, Role
    from qianfan.messages import Messages as QfMessages
    from qianfan.messages import Role as QfRole
    from qianfan.response import Response
    from qianfan.response import Response as QfResponse

#: Where each public name lives: the module, and the name in it ("" for the module itself).
_NAMES = {
    "AK": ("config", "AK"),
    "AccessKey": ("config", "AccessKey"),
    "AccessToken": ("config", "AccessToken"),
    "AsyncStream": ("drivers.aio", "AsyncStream"),
    "ChatCompletion": ("classic", "ChatCompletion"),
    "Completion": ("classic", "Completion"),
    "Dataset": ("console.dataset", "Dataset"),
    "Embedding": ("classic", "Embedding"),
    "FineTune": ("console.finetune", "FineTune"),
    "Image2Text": ("classic", "Image2Text"),
    "Messages": ("messages", "Messages"),
    "Model": ("console.model", "Model"),
    "Plugin": ("classic", "Plugin"),
    "QfMessages": ("messages", "Messages"),
    "QfResponse": ("response", "Response"),
    "QfRole": ("messages", "Role"),
    "Qianfan": ("client", "Qianfan"),
    "RateLimiter": ("core.limits", "RateLimiter"),
    "RayEngine": ("bulk.ray.engine", "RayEngine"),
    "RedisRateLimiter": ("drivers.redis_limiter", "RedisRateLimiter"),
    "Reranker": ("classic", "Reranker"),
    "Response": ("response", "Response"),
    "Role": ("messages", "Role"),
    "SK": ("config", "SK"),
    "SecretKey": ("config", "SecretKey"),
    "Service": ("console.service", "Service"),
    "Stream": ("drivers.sync", "Stream"),
    "Text2Image": ("classic", "Text2Image"),
    "Tokenizer": ("classic", "Tokenizer"),
    "disable_log": ("log", "disable_log"),
    "enable_log": ("log", "enable_log"),
    "errors": ("errors", ""),
    "get_config": ("config", "get_config"),
    "local": ("local", ""),
    "resources": ("resources", ""),
    "schema": ("schema", ""),
}

__all__ = [
    "AK",
    "SK",
    "AccessKey",
    "AccessToken",
    "AsyncStream",
    "ChatCompletion",
    "Completion",
    "Dataset",
    "Embedding",
    "FineTune",
    "Image2Text",
    "Messages",
    "Model",
    "Plugin",
    "QfMessages",
    "QfResponse",
    "QfRole",
    "Qianfan",
    "RateLimiter",
    "RayEngine",
    "RedisRateLimiter",
    "Reranker",
    "Response",
    "Role",
    "SecretKey",
    "Service",
    "Stream",
    "Text2Image",
    "Tokenizer",
    "__version__",
    "disable_log",
    "enable_log",
    "errors",
    "get_config",
    "local",
    "schema",
]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'qianfan' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _NAMES[name]
    loaded = import_module(f"qianfan.{module}")
    value = globals()[name] = getattr(loaded, attribute) if attribute else loaded
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES})
