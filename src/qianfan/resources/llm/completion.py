"""Where earlier SDKs kept `Completion`."""

from qianfan.classic import Completion

__all__ = ["Completion"]
