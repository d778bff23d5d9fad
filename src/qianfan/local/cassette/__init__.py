"""Recordings: what was asked and answered, in plain files without secrets, and given again from them."""

from __future__ import annotations

from qianfan.local.cassette.comparison import Difference, drift

__all__ = ["Difference", "drift"]
