"""JSON schemas of Python types and functions, and the Python values that JSON of them stands for."""

from __future__ import annotations

from qianfan.schema.functions import call, tool
from qianfan.schema.hints import of

__all__ = ["call", "of", "tool"]
