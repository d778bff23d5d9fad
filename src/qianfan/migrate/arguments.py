"""The arguments of a call by name, whichever way they are given."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from qianfan.migrate.values import Items, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qianfan.migrate.program import Program
    from qianfan.migrate.scopes import Scope
    from qianfan.migrate.values import Values


class Argument(NamedTuple):
    """One argument: its value, the scope of that, and where it is given."""

    value: ast.expr
    scope: Scope
    node: ast.AST


class Arguments:
    """What a call passes.

    Args:
        program: Where the call is.
        call: The call.
        scope: The scope it is in.
        names: The names of what it takes by position.
        skipped: How many of the first positional arguments are not the call's own.

    Attributes:
        given: The arguments by name.
        positional: How many are given by position.
        hidden: Whether there are some that do not show.
    """

    def __init__(
        self, program: Program, call: ast.Call, scope: Scope, names: Sequence[str] = (), skipped: int = 0
    ) -> None:
        self._program = program
        self.given: dict[str, Argument] = {}
        positional = call.args[skipped:]
        self.positional = len(positional)
        self.hidden = any(isinstance(it, ast.Starred) for it in positional)
        for name, value in zip(names, () if self.hidden else positional, strict=False):
            self.given[name] = Argument(value, scope, value)
        for keyword in call.keywords:
            if keyword.arg is None:
                self._spread(keyword.value, scope)
            else:
                self.given[keyword.arg] = Argument(keyword.value, scope, keyword)

    def values(self, name: str) -> Values:
        """Return what an argument may be; nothing where it is not given."""
        argument = self.given.get(name)
        return self._program.values(argument.value, argument.scope) if argument else ()

    def has(self, name: str) -> bool:
        """Say whether an argument is given and may be something: None and "" say that it was not."""
        return any(not isinstance(it, Literal) or it.value not in {None, ""} for it in self.values(name))

    def _spread(self, value: ast.expr, scope: Scope) -> None:
        """Add the items of a dict that is passed with `**`."""
        for spread in self._program.values(value, scope):
            if not isinstance(spread, Items):
                self.hidden = True
                continue
            for key, item, holder in spread.pairs:
                names = (
                    [it.value for it in self._program.values(key, holder) if isinstance(it, Literal)]
                    if key
                    else []
                )
                self.hidden |= not names
                for name in names:
                    self.given.setdefault(str(name), Argument(item, holder, key or item))
