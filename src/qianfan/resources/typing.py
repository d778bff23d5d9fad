"""Names that code written for earlier SDKs imports from here."""

from __future__ import annotations

from typing import Any

from qianfan.messages import Messages as QfMessages
from qianfan.messages import Role as QfRole
from qianfan.response import Response as QfResponse

JsonBody = dict[str, Any]

__all__ = ["JsonBody", "QfMessages", "QfResponse", "QfRole"]
