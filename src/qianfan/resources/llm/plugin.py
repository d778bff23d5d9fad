"""Where earlier SDKs kept `Plugin`."""

from qianfan.classic import Plugin

__all__ = ["Plugin"]
