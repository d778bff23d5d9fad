"""Findings while they are gathered: each once, and what the literals in the program were taken for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.migrate.report import Finding
from qianfan.migrate.rules import RULES

if TYPE_CHECKING:
    import ast

    from qianfan.migrate.program import Program
    from qianfan.migrate.scopes import Scope
    from qianfan.migrate.sources import Place


class Findings:
    """What was found so far.

    Attributes:
        program: Where.
        kinds: The kinds of model that the program asks, `console` for calls of the console.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.kinds: set[str] = set()
        self._found: dict[Finding, None] = {}
        self._followed: set[int] = set()

    def add(self, rule: str, place: Place, **words: object) -> None:
        """Add a finding of a rule, with its words."""
        _, what, todo = RULES[rule]
        self._found[Finding(place, rule, what.format(**words), todo.format(**words))] = None

    def at(self, rule: str, node: ast.AST, scope: Scope, **words: object) -> None:
        """Add a finding at a node."""
        self.add(rule, scope.module.source.place(node), **words)

    def follow(self, node: ast.AST) -> None:
        """Remember that a literal was followed to its use."""
        self._followed.add(id(node))

    def is_followed(self, node: ast.AST) -> bool:
        """Say whether a literal was followed to its use."""
        return id(node) in self._followed

    def listed(self) -> list[Finding]:
        """Return the findings in the order of files and lines."""
        return sorted(
            self._found, key=lambda it: (it.place.file, it.place.cell, it.place.line, it.place.column)
        )
