"""What was found, in order, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from qianfan.migrate.rules import RULES, Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qianfan.migrate.sources import Place


class Finding(NamedTuple):
    """One thing that was found.

    Attributes:
        place: Where.
        rule: Which rule of `RULES`.
        what: What it is.
        todo: What to do about it.
    """

    place: Place
    rule: str
    what: str
    todo: str

    @property
    def severity(self) -> Severity:
        """How grave it is."""
        return RULES[self.rule].severity


class Report(NamedTuple):
    """What reading some files gave.

    Attributes:
        files: The files that were read.
        findings: What was found, by file and place.
        settings: What to set, one line each.
        limits: What no such reading can see, one line each.
    """

    files: Sequence[str]
    findings: Sequence[Finding]
    settings: Sequence[str]
    limits: Sequence[str]

    def count(self, severity: Severity) -> int:
        """Return the number of findings of a severity."""
        return sum(finding.severity is severity for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "files": len(self.files),
            "counts": {severity.value: self.count(severity) for severity in Severity},
            "findings": [
                {
                    **{
                        name: value
                        for name, value in finding.place._asdict().items()
                        if name != "cell" or value
                    },
                    "rule": finding.rule,
                    "severity": finding.severity.value,
                    "what": finding.what,
                    "todo": finding.todo,
                }
                for finding in self.findings
            ],
            "settings": list(self.settings),
            "limits": list(self.limits),
        }
