"""The files that are read together, and what their expressions may stand for, without running anything.

All that a name is ever bound to counts, in whatever order: the question is what a call could be
given, not what it is given first. What does not show is `UNKNOWN`, and never left out.
"""

from __future__ import annotations

import ast
import builtins
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from qianfan.migrate.scopes import (
    Annotated,
    Assigned,
    Binding,
    Defined,
    Each,
    Function,
    Imported,
    Module,
    Parameter,
    Scope,
    dotted,
    is_ours,
)
from qianfan.migrate.values import UNKNOWN, File, Items, Literal, Local, Object, Thing, Value, Values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from qianfan.migrate.sources import Source

#: How many names hang on each other at most, before the rest is unknown: Python's own stack ends.
_DEPTH = 30

#: Calls that give back one of their arguments, or something that stands for it: which one.
_PASSED_ON = {
    "str": 0,
    "typing.cast": 1,
    "contextlib.closing": 0,
    "copy.copy": 0,
    "copy.deepcopy": 0,
    "pydantic.SecretStr": 0,
}

#: Calls that give what is set outside, or else their second argument.
_FROM_OUTSIDE = frozenset({"os.getenv", "os.environ.get", "os.environ.setdefault"})


class Program:
    """The files that are read together, and the values of their expressions.

    Args:
        sources: The files.

    Attributes:
        modules: What each of them holds.
        uses_it: Whether one of them uses this package, as far as it shows.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self.modules = [Module(source) for source in sources]
        self._files = {module.source.path.absolute(): module for module in self.modules}
        self._found: dict[tuple[Path, str, int], Module | None] = {}
        self._known: dict[tuple[int, str], Values] = {}
        self._asked: set[tuple[int, str]] = set()
        self._annotations: dict[str, ast.expr | None] = {}
        self._calls: dict[str, list[tuple[ast.Call, Scope]]] = {}
        self.uses_it = any(module.uses_it for module in self.modules)
        for module in self.modules:
            for node, scope in module.nodes:
                if isinstance(node, ast.Call):
                    name = (dotted(node.func) or "").rpartition(".")[2]
                    self._calls.setdefault(name, []).append((node, scope))

    def values(self, node: ast.expr, scope: Scope) -> Values:
        """Return all that an expression may stand for."""
        match node:
            case ast.Constant() | ast.JoinedStr(values=[ast.Constant()]):
                constant = node.values[0] if isinstance(node, ast.JoinedStr) else node
                assert isinstance(constant, ast.Constant)
                return (Literal(constant.value, constant, scope.module),)
            case ast.Name(id=name):
                return self._named(name, scope)
            case ast.Attribute(value=owner, attr=name):
                kept = scope.module.scope.names.get(dotted(node) or "")
                found = self._each(kept, (id(scope.module), dotted(node) or "")) if kept else ()
                return _once(found, *(self._attribute(it, name) for it in self.values(owner, scope)))
            case ast.Call(func=called):
                return _once(*(self._result(it, node, scope) for it in self.values(called, scope)))
            case ast.IfExp() | ast.BoolOp() | ast.NamedExpr() | ast.Await():
                return _once(*(self.values(part, scope) for part in _choices(node)))
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
                return (Items(tuple((None, part, scope) for part in parts)),)
            case ast.Dict(keys=keys, values=parts):
                return (self._dict(zip(keys, parts, strict=True), scope),)
            case ast.Subscript():
                return self._asked_once((id(node), "[]"), lambda: self._subscript(node, scope))
        return (UNKNOWN,)

    def _named(self, name: str, scope: Scope) -> Values:
        """Return what a name stands for, in the scope it is used in."""
        holder: Scope | None = scope
        while holder is not None:
            if name in holder.names and (holder is scope or not holder.is_class):
                found = self._each(holder.names[name], (id(holder), name))
                added = [
                    (*item, it) for it in dict.fromkeys((scope, holder)) for item in it.items.get(name, ())
                ]
                return tuple(_with_items(value, added) for value in found) if added else found
            holder = holder.parent
        if hasattr(builtins, name):
            return (Thing(name),)
        stars = scope.module.scope.names.get("*", ())
        return _once(
            *(self._imported(it._replace(name=name)) for it in stars if isinstance(it, Imported))
        ) or (UNKNOWN,)

    def _each(self, bindings: Sequence[Binding], key: tuple[int, str]) -> Values:
        """Return what bindings of one name give."""
        return self._asked_once(key, lambda: _once(*(self._bound(binding) for binding in bindings)))

    def _asked_once(self, key: tuple[int, str], find: Callable[[], Values]) -> Values:
        """Return what is known by a key, found when first asked for; what hangs on itself is unknown too."""
        if key in self._known:
            return self._known[key]
        if key in self._asked or len(self._asked) > _DEPTH:
            return (UNKNOWN,)
        self._asked.add(key)
        try:
            self._known[key] = found = find()
        finally:
            self._asked.discard(key)
        return found

    def _bound(self, binding: Binding) -> Values:
        match binding:
            case Assigned(value=ast.Tuple(elts=parts) | ast.List(elts=parts), scope=scope, item=int(item)):
                return self.values(parts[item], scope) if item < len(parts) else (UNKNOWN,)
            case Assigned(value=value, scope=scope, item=None):
                return self.values(value, scope)
            case Each(value=value, scope=scope):
                return _once(*(self._members(it) for it in self.values(value, scope)))
            case Annotated(annotation=annotation, scope=scope):
                return self._instances(annotation, scope) or (UNKNOWN,)
            case Parameter(function=function, name=name):
                return self._passed(function, name)
            case Imported():
                return self._imported(binding)
            case Defined(scope=scope):
                return (Local(scope),)
        return (UNKNOWN,)

    def _imported(self, binding: Imported) -> Values:
        """Return what an import binds: something of a file that is read too, or of another package."""
        name = binding.name
        if binding.level or not is_ours(binding.module):
            module = self._file(binding.importer, binding.module, binding.level)
            if module is not None and module is not binding.importer:
                return self._attribute(File(module), name) if name else (File(module),)
            if name and (inner := self._file(binding.importer, _joined(binding.module, name), binding.level)):
                return (File(inner),)
        if binding.level:
            return (UNKNOWN,)
        return (Thing(_joined(binding.module, name)),)

    def _file(self, importer: Module, name: str, level: int) -> Module | None:
        """Return the file of a module: beside the importer, or below any folder that it is in."""
        folder = importer.source.path.absolute().parent
        key = (folder, name, level)
        if key not in self._found:
            steps = name.split(".") if name else []
            around = [folder, *folder.parents]
            places = [Path(it, *steps) for it in (around[level - 1 : level] if level else around)]
            candidates = (
                path for place in places for path in (place.with_suffix(".py"), place / "__init__.py")
            )
            self._found[key] = next((self._files[path] for path in candidates if path in self._files), None)
        return self._found[key]

    def _passed(self, function: Scope, name: str) -> Values:
        """Return what a parameter may hold: its default, its annotation's instance, what calls pass."""
        assert isinstance(function.node, Function)
        arguments = function.node.args
        listed = [*arguments.posonlyargs, *arguments.args]
        if function.is_method and function.parent and listed and listed[0].arg == name:
            return (Object(function.parent),)
        outside = function.parent or function
        found: list[Values] = []
        defaults = zip_longest(reversed(listed), reversed(arguments.defaults))
        keyword_only = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        for argument, default in [*defaults, *keyword_only]:
            if argument.arg == name and default is not None:
                found.append(self.values(default, outside))
            if argument.arg == name and argument.annotation is not None:
                found.append(self._instances(argument.annotation, outside))
        passed = [it.arg for it in listed[function.is_method :]]
        position = passed.index(name) if name in passed else None
        for call, scope in self._calls_of(function):
            found += self._given(call, scope, name, position)
        return _once(*found) or (UNKNOWN,)

    def _calls_of(self, function: Scope) -> Iterable[tuple[ast.Call, Scope]]:
        """Return the calls of a function of the program; of `__init__`, those of its class."""
        called = function.parent if function.name == "__init__" and function.parent else function
        for call, scope in self._calls.get(called.name, ()):
            if Local(called) in self.values(call.func, scope):
                yield call, scope

    def _given(self, call: ast.Call, scope: Scope, name: str, position: int | None) -> Iterable[Values]:
        """Return what a call passes for a parameter; nothing where it leaves the default."""
        if position is not None and position < len(call.args):
            yield self.values(call.args[position], scope)
        for keyword in call.keywords:
            if keyword.arg == name:
                yield self.values(keyword.value, scope)
            elif keyword.arg is None:
                yield (UNKNOWN,)

    def _instances(self, annotation: ast.expr, scope: Scope) -> Values:
        """Return an instance of each class that an annotation names."""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            parsed = self._parsed(annotation.value)
            return self._instances(parsed, scope) if parsed else (UNKNOWN,)
        if isinstance(annotation, ast.BinOp):
            return _once(self._instances(annotation.left, scope), self._instances(annotation.right, scope))
        if isinstance(annotation, ast.Subscript) and (dotted(annotation.value) or "").endswith("Optional"):
            return self._instances(annotation.slice, scope)
        found: list[Value] = []
        for value in self.values(annotation, scope):
            if isinstance(value, Thing) and is_ours(value.path):
                found.append(Thing(f"{value.path}()"))
            elif isinstance(value, Local) and value.scope.is_class:
                found.append(Object(value.scope))
        return tuple(found)

    def _parsed(self, annotation: str) -> ast.expr | None:
        """Return an annotation that is a text, parsed once: nodes are known by their identity."""
        if annotation not in self._annotations:
            try:
                self._annotations[annotation] = ast.parse(annotation, mode="eval").body
            except (SyntaxError, ValueError):
                self._annotations[annotation] = None
        return self._annotations[annotation]

    def _attribute(self, owner: Value, name: str) -> Values:
        match owner:
            case Thing(path=path, made=made):
                return (Thing(f"{path}.{name}", made),)
            case Literal() if name == "value":  # a member of an Enum stands for what it is
                return (owner,)
            case File(module=module) if name in module.scope.names:
                return self._named(name, module.scope)
            case File(module=module):
                inner = self._file(module, name, 1) if module.source.path.name == "__init__.py" else None
                return (File(inner),) if inner else (UNKNOWN,)
            case Local(scope=scope) | Object(scope=scope) if scope.is_class:
                return self._member(owner, scope, name)
        return (UNKNOWN,)

    def _member(self, owner: Local | Object, cls: Scope, name: str) -> Values:
        """Return an attribute of a class of the program, or of an instance of it."""
        is_instance = isinstance(owner, Object)
        key = (id(cls), f"{'self' if is_instance else 'cls'}.{name}")
        values = self._asked_once(key, lambda: _once(*self._found_in(cls, name, is_instance=is_instance)))
        return _once(*(self._read(value) for value in values)) or (UNKNOWN,)

    def _found_in(self, cls: Scope, name: str, *, is_instance: bool) -> Iterable[Values]:
        """Return what a class, or else its bases, bind to an attribute."""
        if name in cls.names:
            yield self._each(cls.names[name], (id(cls), name))
        if name in cls.attributes:
            yield self._each(cls.attributes[name], (id(cls), f"={name}"))
        if name in cls.names or name in cls.attributes or not isinstance(cls.node, ast.ClassDef):
            return
        for base in cls.node.bases:
            for value in self.values(base, cls.parent or cls):
                if isinstance(value, Thing):
                    yield self._attribute(Thing(f"{value.path}()") if is_instance else value, name)
                elif isinstance(value, Local):
                    yield self._attribute(Object(value.scope) if is_instance else value, name)

    def _read(self, value: Value) -> Values:
        """Return what reading an attribute gives: what a property returns, all else as it is."""
        if isinstance(value, Local) and value.scope.decorators & {"property", "cached_property"}:
            return self._returned(value.scope)
        return (value,)

    def _returned(self, function: Scope) -> Values:
        """Return what a function of the program returns."""
        return self._asked_once(
            (id(function), "return"),
            lambda: _once(*(self.values(value, function) for value in function.returns)) or (UNKNOWN,),
        )

    def _result(self, called: Value, call: ast.Call, scope: Scope) -> Values:
        """Return what a call of a value gives."""
        match called:
            case Local(scope=inner) if inner.is_class:
                return (Object(inner),)
            case Local(scope=inner):
                return self._returned(inner)
            case Thing(path=path):
                return self._built_in(path, call, scope) or (Thing(f"{path}()", (call, scope)),)
        return (UNKNOWN,)

    def _built_in(self, path: str, call: ast.Call, scope: Scope) -> Values:
        """Return what a call of a known function of Python gives, or nothing."""
        arguments = call.args
        if path == "dict" and not arguments:
            return (self._dict(((_key(it), it.value) for it in call.keywords), scope),)
        if path in _PASSED_ON and len(arguments) > _PASSED_ON[path]:
            return self.values(arguments[_PASSED_ON[path]], scope)
        if path in _FROM_OUTSIDE:
            default = self.values(arguments[1], scope) if len(arguments) > 1 else ()
            return _once(default, (UNKNOWN,))
        if path in {"importlib.import_module", "__import__"} and arguments:
            names = (it.value for it in self.values(arguments[0], scope) if isinstance(it, Literal))
            return tuple(Thing(name) for name in names if isinstance(name, str)) or (UNKNOWN,)
        if path == "getattr" and len(arguments) > 1:
            named = [it.value if isinstance(it, Literal) else None for it in self.values(arguments[1], scope)]
            owners = self.values(arguments[0], scope)
            return _once(
                *(
                    self._attribute(it, n) if isinstance(n, str) else (UNKNOWN,)
                    for it in owners
                    for n in named
                )
            )
        return ()

    def _dict(self, pairs: Iterable[tuple[ast.expr | None, ast.expr]], scope: Scope) -> Items:
        """Return a dict that is written out, with the items of those that are spread in it."""
        listed: list[tuple[ast.expr | None, ast.expr, Scope]] = []
        for key, value in pairs:
            spread = () if key else [it for it in self.values(value, scope) if isinstance(it, Items)]
            listed += [pair for items in spread for pair in items.pairs] or [(key, value, scope)]
        return Items(tuple(listed))

    def _subscript(self, node: ast.Subscript, scope: Scope) -> Values:
        return _once(*(self._item(it, node.slice, scope) for it in self.values(node.value, scope)))

    def _item(self, owner: Value, key: ast.expr, scope: Scope) -> Values:
        """Return an item of a value by its key; all that have one where the key does not show."""
        if isinstance(owner, Thing):
            return (Thing(f"{owner.path}[]", owner.made),)
        if not isinstance(owner, Items):
            return (UNKNOWN,)
        keys = {it.value for it in self.values(key, scope) if isinstance(it, Literal)}
        chosen = [
            (value, holder)
            for place, (name, value, holder) in enumerate(owner.pairs)
            if not keys or (place if name is None else getattr(name, "value", UNKNOWN)) in keys
        ]
        return _once(*(self.values(value, holder) for value, holder in chosen)) or (UNKNOWN,)

    def _members(self, owner: Value) -> Values:
        """Return what a loop over a value gives."""
        if isinstance(owner, Thing):
            return (Thing(f"{owner.path}[]", owner.made),)
        if not isinstance(owner, Items):
            return (UNKNOWN,)
        return _once(*(self.values(key or value, scope) for key, value, scope in owner.pairs))


def _choices(node: ast.IfExp | ast.BoolOp | ast.NamedExpr | ast.Await) -> list[ast.expr]:
    """Return the parts of an expression of which its value is one."""
    match node:
        case ast.IfExp(body=first, orelse=second):
            return [first, second]
        case ast.BoolOp(values=parts):
            return parts
    return [node.value]


def _with_items(value: Value, added: list[tuple[ast.expr | None, ast.expr, Scope]]) -> Value:
    """Return a dict that is written out with what is put into it later; all else as it is."""
    return Items((*value.pairs, *added)) if isinstance(value, Items) else value


def _key(keyword: ast.keyword) -> ast.expr | None:
    """Return the name of a keyword as the key of a dict; None for `**`."""
    return ast.copy_location(ast.Constant(keyword.arg), keyword) if keyword.arg else None


def _joined(module: str, name: str | None) -> str:
    return f"{module}.{name}" if module and name else module or name or ""


def _once(*found: Iterable[Value]) -> Values:
    """Return values without repetition, in order."""
    return tuple(dict.fromkeys(value for values in found for value in values))
