"""Where earlier SDKs kept `ChatCompletion`."""

from qianfan.resources.chat import ChatCompletion

__all__ = ["ChatCompletion"]
