"""Everything in a program that is neither a call nor a text: names, settings, handlers, comparisons."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from qianfan.migrate import official, surface
from qianfan.migrate.scopes import dotted, is_ours
from qianfan.migrate.values import Literal, Thing
from qianfan.migrate.words import KEYS, V1_KEYS, is_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from qianfan.migrate.findings import Findings
    from qianfan.migrate.scopes import Scope
    from qianfan.migrate.surface import Found
    from qianfan.migrate.values import Value

#: Packages whose exceptions the official SDK let through.
_TRANSPORTS = ("requests", "aiohttp")


class Statements:
    """Checks the statements of a program.

    Args:
        findings: Where to add what is found.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._values = findings.program.values

    def check(self, node: ast.AST, scope: Scope) -> None:
        """Check a statement or an expression."""
        match node:
            case ast.Import(names=names):
                self._imported(((alias.name, alias) for alias in names), scope)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                self._imported(((_inner(module, alias.name), alias) for alias in names), scope)
            case ast.Attribute():
                self._attribute(node, scope)
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._setting(target, value, scope)
            case ast.Try():
                self._handlers(node, scope)
            case ast.Compare() if scope.module.uses_it:
                self._comparison(node, scope)
            case ast.Call():
                self._getattr(node, scope)

    def _imported(self, names: Iterable[tuple[str, ast.alias]], scope: Scope) -> None:
        """Check whether imported names are there."""
        for path, node in names:
            if is_ours(path):
                self._missing(surface.look(path), node, scope)

    def _missing(self, found: Found, node: ast.AST, scope: Scope) -> None:
        name = found.missing.replace("()", "")
        last = name.rpartition(".")[2]
        is_private = (
            last.startswith("_") and last not in official.MEMBERS
        )  # an instance may have it all the same
        if not name or is_private:
            return
        if found.is_setter:
            name = f"get_config().{last}"
            todo = official.ENVIRONMENT.get(last.upper(), official.OTHERWISE["environment"])
        elif found.owner is None and surface.is_public(last):
            todo = f"用 qianfan.{last}"
        else:
            todo = official.instead_of(name)
        self._findings.at("name-missing", node, scope, name=name, todo=todo)

    def _attribute(self, node: ast.Attribute, scope: Scope) -> None:
        """Check whether a name, a setting, or a reply's field is there."""
        for value in self._values(node, scope):
            if not isinstance(value, Thing) or not is_ours(value.path):
                continue
            found = surface.look(value.path)
            is_set = isinstance(node.ctx, ast.Store) or dotted(node) in scope.module.scope.names
            if found.missing == value.path and (found.is_setter or not is_set):
                self._missing(found, node, scope)
            elif found.field in official.FIELDS and value.path.endswith(f".{found.field}"):
                todo = official.FIELDS[found.field]
                self._findings.at("field-missing", node, scope, name=found.field, todo=todo)

    def _setting(self, target: ast.expr, value: ast.expr, scope: Scope) -> None:
        """Check the setting of a key, such as `get_config().AK = "…"`; None takes it back."""
        if not isinstance(target, ast.Attribute):
            return
        for thing in self._values(target, scope):
            found = surface.look(thing.path) if isinstance(thing, Thing) else None
            if found is None or not found.is_setter or found.member.upper() not in KEYS:
                continue
            given = self._values(value, scope)
            if found.member.upper() in V1_KEYS and not all(map(_is_none, given)):
                name = f"get_config().{found.member.upper()}"
                self._findings.at("key-v1", target, scope, name=name, new="get_config().API_KEY")
            for literal in given:
                if isinstance(literal, Literal) and is_key(literal.value):
                    self._findings.add("key-in-source", literal.place)

    def _handlers(self, node: ast.Try, scope: Scope) -> None:
        """Check which exceptions are caught where this package is called."""
        above: list[type] = []
        calls_it = self._calls_it(node, scope)
        for handler in node.handlers:
            caught: list[type] = []
            for path, part in self._caught(handler, scope):
                if path.partition(".")[0] in _TRANSPORTS and calls_it:
                    self._findings.at("exception-transport", part, scope, name=path)
                error = surface.look(path).owner if is_ours(path) else None
                if error is None:
                    continue
                caught.append(error)
                first = next((it for it in above if issubclass(error, it)), None)
                if first is not None:
                    name = path.rpartition(".")[2]
                    self._findings.at("exception-shadowed", part, scope, name=name, earlier=first.__name__)
            above += caught

    def _caught(self, handler: ast.ExceptHandler, scope: Scope) -> Iterator[tuple[str, ast.expr]]:
        """Return the paths of what a handler catches."""
        if handler.type is None:
            return
        for part in handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]:
            for value in self._values(part, scope):
                if isinstance(value, Thing):
                    yield value.path, part

    def _calls_it(self, node: ast.Try, scope: Scope) -> bool:
        """Say whether the body of a `try` calls this package."""
        calls = (it for part in node.body for it in ast.walk(part) if isinstance(it, ast.Call))
        values = (value for call in calls for value in self._values(call.func, scope))
        return any(isinstance(value, Thing) and is_ours(value.path) for value in values)

    def _comparison(self, node: ast.Compare, scope: Scope) -> None:
        """Check whether an error's code is compared with a number, which v2 does not give."""
        sides = [node.left, *node.comparators]
        numbers = (it for side in sides for it in ast.walk(side) if isinstance(it, ast.Constant))
        if any(map(_is_error_code, sides)) and any(type(it.value) is int for it in numbers):
            self._findings.at("error-code", node, scope)

    def _getattr(self, node: ast.Call, scope: Scope) -> None:
        """Check whether a name of this package is read that only running the program would show."""
        if len(node.args) < 2 or not isinstance(node.func, ast.Name) or node.func.id != "getattr":
            return
        owner, key = node.args[:2]
        of_ours = any(isinstance(it, Thing) and is_ours(it.path) for it in self._values(owner, scope))
        if of_ours and not all(isinstance(it, Literal) for it in self._values(key, scope)):
            self._findings.at("name-unseen", node, scope, name="getattr(…)")


def _inner(module: str, name: str) -> str:
    """Return the path of what is imported from a module; of `*`, the module's own."""
    return module if name == "*" else f"{module}.{name}"


def _is_error_code(node: ast.expr) -> bool:
    match node:
        case ast.Attribute(attr="error_code") | ast.Subscript(slice=ast.Constant(value="error_code")):
            return True
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value="error_code"), *_]):
            return True
    return False


def _is_none(value: Value) -> bool:
    return isinstance(value, Literal) and value.value in {None, ""}
