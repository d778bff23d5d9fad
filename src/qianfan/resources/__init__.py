"""What the platform offers, one resource a file."""

from __future__ import annotations

from qianfan.resources.chat import ChatCompletion

__all__ = ["ChatCompletion"]
