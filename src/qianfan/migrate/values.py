"""What an expression may stand for: the kinds of values that show without running anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    import ast

    from qianfan.migrate.scopes import Module, Scope
    from qianfan.migrate.sources import Place


class Literal(NamedTuple):
    """A constant, and where it stands."""

    value: Any
    node: ast.expr
    module: Module

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.module.source.place(self.node)


class Thing(NamedTuple):
    """Something of another package by its path, such as `qianfan.ChatCompletion().do`.

    Attributes:
        path: Attributes after dots, `()` for the result of a call.
        made: The call that made the last object in the path, and its scope.
    """

    path: str
    made: tuple[ast.Call, Scope] | None = None


class Items(NamedTuple):
    """A list, tuple, set or dict that is written out.

    Attributes:
        pairs: Of each item the key, the value and their scope; a key that is None is that of a list,
            or of a dict's `**` that does not show.
    """

    pairs: tuple[tuple[ast.expr | None, ast.expr, Scope], ...]


class Local(NamedTuple):
    """A function or class of the program."""

    scope: Scope


class Object(NamedTuple):
    """An instance of a class of the program."""

    scope: Scope


class File(NamedTuple):
    """A file of the program, as a module."""

    module: Module


class Unknown(NamedTuple):
    """What only running the program would show."""


UNKNOWN = Unknown()

Value: TypeAlias = Literal | Thing | Items | Local | Object | File | Unknown
Values: TypeAlias = tuple[Value, ...]
