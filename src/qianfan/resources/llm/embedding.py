"""Where earlier SDKs kept `Embedding`."""

from qianfan.classic import Embedding

__all__ = ["Embedding"]
