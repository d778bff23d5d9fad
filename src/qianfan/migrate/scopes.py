"""The names of a program: which scope has which, and what each is bound to, unevaluated."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from qianfan.migrate.sources import Source

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class Scope:
    """A file, a class or a function, and the names in it.

    Attributes:
        module: The file it is in.
        node: The statement that opens it.
        parent: The scope around it, None for a file's own.
        names: What each name is bound to, all of it, wherever in the scope.
        attributes: Of a class: what its methods bind on `self`.
        returns: Of a function: what it returns.
        items: What is put into the dict that a name stands for, key and value; the key is None for
            another dict's items.
    """

    def __init__(self, module: Module, node: ast.AST, parent: Scope | None) -> None:
        self.module = module
        self.node = node
        self.parent = parent
        self.names: dict[str, list[Binding]] = {}
        self.attributes: dict[str, list[Binding]] = {}
        self.returns: list[ast.expr] = [node.body] if isinstance(node, ast.Lambda) else []
        self.items: dict[str, list[tuple[ast.expr | None, ast.expr]]] = {}
        self.outside: dict[str, Scope] = {}

    @property
    def name(self) -> str:
        """The name of its class or function, or an empty string."""
        return getattr(self.node, "name", "")

    @property
    def is_class(self) -> bool:
        """Whether it is a class."""
        return isinstance(self.node, ast.ClassDef)

    @property
    def is_method(self) -> bool:
        """Whether it is a function in a class that takes the instance, or the class, first."""
        return (
            self.parent is not None
            and self.parent.is_class
            and not self.is_class
            and "staticmethod" not in self.decorators
        )

    @property
    def decorators(self) -> set[str]:
        """The last names of its decorators."""
        listed = getattr(self.node, "decorator_list", [])
        return {(dotted(it.func if isinstance(it, ast.Call) else it) or "").split(".")[-1] for it in listed}

    def bind(self, name: str, binding: Binding) -> None:
        """Add one of the things that a name is bound to."""
        self.outside.get(name, self).names.setdefault(name, []).append(binding)

    def method_class(self, name: str) -> Scope | None:
        """Return the class whose instance a name is, in a method or a function in one."""
        scope: Scope | None = self
        while scope is not None and not scope.is_class:
            if scope.is_method and isinstance(scope.node, Function):
                arguments = [*scope.node.args.posonlyargs, *scope.node.args.args]
                if arguments and arguments[0].arg == name:
                    return scope.parent
            scope = scope.parent
        return None


class Assigned(NamedTuple):
    """Bound to the value of an expression, or, by `item`, to one of its items."""

    value: ast.expr
    scope: Scope
    item: int | None = None


class Each(NamedTuple):
    """Bound to each item of an expression in turn."""

    value: ast.expr
    scope: Scope


class Annotated(NamedTuple):
    """Bound to an instance of what an annotation names."""

    annotation: ast.expr
    scope: Scope


class Parameter(NamedTuple):
    """Bound to what calls of the function pass."""

    function: Scope
    name: str


class Imported(NamedTuple):
    """Bound by an import: to a module, or to a name in it; `level` counts the dots before it."""

    importer: Module
    module: str
    name: str | None = None
    level: int = 0


class Defined(NamedTuple):
    """Bound to a function or a class of the program."""

    scope: Scope


class Unseen(NamedTuple):
    """Bound to something that only running the program would show."""


Binding: TypeAlias = Assigned | Each | Annotated | Parameter | Imported | Defined | Unseen


class Module:
    """A file's scope, and its nodes in the order in which they stand, each with the scope it is in.

    Attributes:
        source: The file.
        scope: Its own scope.
        nodes: Every node, docstrings apart.
        uses_it: Whether it imports this package or LangChain's classes on it, or names v1's addresses.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.scope = Scope(self, source.tree, None)
        self.nodes: list[tuple[ast.AST, Scope]] = []
        self.uses_it = False
        try:
            for statement in source.tree.body:
                self._visit(statement, self.scope)
        except RecursionError as error:
            source.give_up(error)
            self.nodes.clear()

    def _visit(self, node: ast.AST, scope: Scope) -> None:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return  # a docstring, or nothing
        if isinstance(node, ast.JoinedStr):  # Pythons place its texts differently
            for part in node.values:
                ast.copy_location(part, node)
        self.nodes.append((node, scope))
        self._bind(node, scope)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            self._open(node, scope)
            return
        for child in ast.iter_child_nodes(node):
            self._visit(child, scope)

    def _open(self, node: Function | ast.ClassDef, scope: Scope) -> None:
        """Visit what opens a scope: its body inside, all else outside."""
        inner = Scope(self, node, scope)
        if not isinstance(node, ast.Lambda):
            scope.bind(node.name, Defined(inner))
        if not isinstance(node, ast.ClassDef):
            for argument in _arguments(node.args):
                inner.bind(argument.arg, Parameter(inner, argument.arg))
        body = [node.body] if isinstance(node, ast.Lambda) else node.body
        inside = {id(it) for it in body}
        for child in ast.iter_child_nodes(node):
            if id(child) not in inside:
                self._visit(child, scope)
        for part in body:
            self._visit(part, inner)

    def _bind(self, node: ast.AST, scope: Scope) -> None:
        """Bind the names that a node binds."""
        match node:
            case ast.Import(names=names):
                self._import(names, scope)
            case ast.ImportFrom(module=module, names=names, level=level):
                for alias in names:
                    self.uses_it |= is_ours(module or "") or "Qianfan" in alias.name
                    scope.bind(alias.asname or alias.name, Imported(self, module or "", alias.name, level))
            case ast.Return(value=ast.expr() as value):
                scope.returns.append(value)
            case ast.Global(names=listed):
                scope.outside.update(dict.fromkeys(listed, self.scope))
            case ast.Nonlocal(names=listed) if scope.parent is not None:
                scope.outside.update(dict.fromkeys(listed, scope.parent))
            case (
                ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
            ):
                scope.bind(name, Unseen())
            case ast.Constant(value=str(text)):
                self.uses_it |= "wenxinworkshop" in text
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="update"), args=[value]):
                scope.items.setdefault(name, []).append((None, value))
            case _:
                _bind_targets(node, scope)

    def _import(self, names: list[ast.alias], scope: Scope) -> None:
        for alias in names:
            self.uses_it |= is_ours(alias.name)
            if alias.asname:
                scope.bind(alias.asname, Imported(self, alias.name))
            else:
                top = alias.name.partition(".")[0]
                scope.bind(top, Imported(self, top))


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    more = [it for it in (arguments.vararg, arguments.kwarg) if it is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *more]


def _bind_targets(node: ast.AST, scope: Scope) -> None:
    """Bind the names that an assignment, a loop or a `with` binds."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                _bind_target(target, Assigned(value, scope), scope)
        case ast.AnnAssign(target=target, value=None, annotation=annotation):
            _bind_target(target, Annotated(annotation, scope), scope)
        case (
            ast.AnnAssign(target=target, value=ast.expr() as value)
            | ast.NamedExpr(target=target, value=value)
        ):
            _bind_target(target, Assigned(value, scope), scope)
        case (
            ast.For(target=target, iter=value)
            | ast.AsyncFor(target=target, iter=value)
            | ast.comprehension(target=target, iter=value)
        ):
            _bind_target(target, Each(value, scope), scope)
        case ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
            _bind_target(target, Assigned(value, scope), scope)
        case ast.AugAssign(target=target):
            _bind_target(target, Unseen(), scope)


def _bind_target(target: ast.expr, binding: Assigned | Each | Annotated | Unseen, scope: Scope) -> None:
    match target:
        case ast.Name(id=name):
            scope.bind(name, binding)
        case ast.Attribute(value=ast.Name(id=owner), attr=name) if cls := scope.method_class(owner):
            cls.attributes.setdefault(name, []).append(binding)
        case ast.Attribute():
            # Of something that is not followed: by its text, so that the same words find it.
            scope.module.scope.bind(dotted(target) or "", binding)
        case ast.Subscript(value=ast.Name(id=name), slice=key) if isinstance(binding, Assigned):
            scope.items.setdefault(name, []).append((key, binding.value))
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            for index, part in enumerate(targets):
                one = binding._replace(item=index) if isinstance(binding, Assigned) else Unseen()
                _bind_target(part, one, scope)


def dotted(node: ast.AST) -> str | None:
    """Return the text of a name with its attributes, or None where there is more to it."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=name):
            owner = dotted(value)
            return f"{owner}.{name}" if owner else None
    return None


def is_ours(path: str) -> bool:
    """Say whether a path leads into this package."""
    return path.partition(".")[0] == "qianfan"
