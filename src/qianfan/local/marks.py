"""What the table of rules is made of: a rule, and the mark that says where it is known from."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Mark(Enum):
    """Where a rule is known from."""

    DOCUMENTED = "documented"  # the platform's documentation says so
    SDK = "read in SDKs"  # its official SDKs rely on it
    REPORTED = "reported"  # recorded answers in public issues, other projects' adapters
    ASSUMED = "assumed"  # nothing was found; our choice


class Rule(NamedTuple):
    """One rule: what it is about, what it says, the code a breach answers, where it is known from."""

    area: str
    says: str
    code: int | str | None
    mark: Mark
