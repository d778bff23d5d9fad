"""Faults as data: which calls, and what happens to them.

A platform asks its faults where design puts them: after a call is let in, before the quota. What takes
the place of an answer is raised there; what befalls an answer on its way happens as it is sent.
"""

from __future__ import annotations

from qianfan.local.faults.fault import Fault, from_json, on
from qianfan.local.faults.files import read
from qianfan.local.faults.plan import Faults, Placed

__all__ = ["Fault", "Faults", "Placed", "from_json", "on", "read"]
