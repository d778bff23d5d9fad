"""Where earlier SDKs kept `ChatCompletion`."""

from qianfan.classic import ChatCompletion

__all__ = ["ChatCompletion"]
