"""What this package offers, asked of the package itself: names, arguments, signatures, settings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from enum import Enum
from functools import cache, cached_property
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import qianfan
from qianfan import console, resources
from qianfan.client import Qianfan
from qianfan.config import DEFAULTS, Config
from qianfan.console.operation import Console, ConsoleOptions
from qianfan.messages import Messages
from qianfan.resources.base import Resource
from qianfan.resources.chat import Chat
from qianfan.resources.chat_completions import ChatCompletions
from qianfan.settings import ClientArguments

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Classes whose instances have no public attributes but those of the class.
_ALL_IN_THE_CLASS = (Resource, Console, ChatCompletions, Qianfan, Messages, Config)

#: The names of the settings that `get_config()` has, and the environment after `QIANFAN_`.
SETTINGS = frozenset({*DEFAULTS, "DOT_ENV_CONFIG_FILE"})


class Found(NamedTuple):
    """What a path of this package leads to.

    Attributes:
        owner: The class it is, or belongs to.
        member: The attribute of the class; empty for the class itself, `__init__` once it is called.
        field: What is read of the result of a call of the member.
        missing: The path up to what is not there; empty where all of it is.
        on_class: Whether the member is read from the class, and not from an instance.
    """

    owner: type | None = None
    member: str = ""
    field: str = ""
    missing: str = ""
    on_class: bool = False

    @property
    def kind(self) -> str:
        """The kind of model that the class asks, or an empty string."""
        if self.owner is ChatCompletions:
            return Chat.kind
        return getattr(self.owner, "kind", "") if self.owner and issubclass(self.owner, Resource) else ""

    @property
    def is_console(self) -> bool:
        """Whether the class holds calls of the console."""
        return self.owner is not None and issubclass(self.owner, Console)

    @property
    def is_setter(self) -> bool:
        """Whether it is the settings of the process, of which `member` names one."""
        return self.owner is Config


@cache
def look(path: str) -> Found:
    """Follow a path that begins with `qianfan`, through attributes and calls."""
    at: Any = qianfan
    walked, found = "qianfan", Found()
    for step in re.findall(r"\(\)|\[\]|[^.()\[\]]+", path)[1:]:
        walked += step if step in _CALLED else f".{step}"
        if step in _CALLED:
            at, found = _of_call(at, found)
        elif at is None:
            return found._replace(field=step)
        else:
            at, found = _of_attribute(at, step, found)
            if found.missing:
                return found._replace(missing=walked)
    return found


_CALLED = frozenset({"()", "[]"})

#: Classes that calls which are no class of their own return, such as `with_options()`.
_MADE_BY_CALLS: dict[str, type] = {"Qianfan": Qianfan, "Config": Config}


def _of_call(at: Any, found: Found) -> tuple[Any, Found]:
    """Return what a call gives: an instance, which its class stands for, or a result, which is None."""
    made = at if isinstance(at, type) else _MADE_BY_CALLS.get(_declared(at))
    return (made, Found(made, "__init__")) if made else (None, found)


def _of_attribute(at: Any, name: str, found: Found) -> tuple[Any, Found]:
    """Return what an attribute of a module or a class is; with `missing` where it is not there."""
    if isinstance(at, ModuleType):
        value, is_there = _of_module(at, name)
        return value, Found(value if isinstance(value, type) else None, missing="" if is_there else name)
    if not isinstance(at, type):
        return None, found
    if found.member == "__init__" and not issubclass(at, _ALL_IN_THE_CLASS):
        return None, Found()  # an instance, which may have more than its class says
    if not (name.upper() in DEFAULTS if at is Config else hasattr(at, name)):
        return None, Found(at, missing=name)
    value = inspect.getattr_static(at, name, None)
    value = _of_property(value) or value
    if isinstance(value, type):
        return value, Found(value, "__init__")
    return value, Found(at, name, on_class=not found.member)


def _of_module(module: ModuleType, name: str) -> tuple[Any, bool]:
    """Return what a module has under a name, and whether it has it."""
    inner = f"{module.__name__}.{name}"
    if inner in _NOT_LOADED:
        return None, True
    if hasattr(module, name):
        return getattr(module, name), True
    if hasattr(module, "__path__") and find_spec(inner):
        return import_module(inner), True
    return None, False


#: Modules that need an extra, or begin to run when they are imported.
_NOT_LOADED = frozenset({"qianfan.__main__", "qianfan.cli", "qianfan.local"})


def unknown(found: Found, names: Iterable[str]) -> list[str]:
    """Return which of the arguments, by name, the making of a client or of an object with one does not take."""
    called = _called(found)
    if called is None or found.member != "__init__" or "arguments" not in called.parameters:
        return []
    return sorted(set(names) - set(called.parameters) - set(ClientArguments.__annotations__))


def refusal(found: Found, count: int, names: Iterable[str]) -> str:
    """Return why a call with so many positional arguments, and these by name, is a `TypeError` here, or ""."""
    called, also = _called(found), _also(found)
    try:
        if called is not None:
            called.bind(*[None] * count, **{also.get(name, name): None for name in names})
    except TypeError as error:
        return str(error)
    return ""


def positional(found: Found) -> list[str]:
    """Return the names of the arguments a call takes by position, in order."""
    called = _called(found)
    parameters = called.parameters.values() if called else ()
    return [it.name for it in parameters if it.kind is it.POSITIONAL_OR_KEYWORD]


@cache
def _called(found: Found) -> inspect.Signature | None:
    """Return the signature of what a path leads to, without `self`; None where it has none of interest."""
    if found.owner is None or found.owner is Config or not found.member or found.field:
        return None
    if found.member == "__init__":
        has_own = issubclass(found.owner, BaseException | Mapping | Enum)
        return None if has_own else inspect.signature(found.owner)
    member = getattr(found.owner, found.member)
    if not callable(member) or isinstance(member, (type, cached_property)):
        return None
    try:
        called = inspect.signature(member)
    except ValueError:  # inherited from one of Python's own
        return None
    listed = list(called.parameters.values())
    has_self = bool(listed) and listed[0].name == "self"
    return called.replace(parameters=listed[1:]) if has_self and not found.on_class else called


def _of_property(value: Any) -> type | None:
    """Return the class, of those with calls, that a property says it gives."""
    read = value.func if isinstance(value, cached_property) else getattr(value, "fget", None)
    return _with_calls().get(_declared(read))


def _declared(function: Any) -> str:
    """Return the name of the class that a function says it returns, or an empty string."""
    return str(getattr(function, "__annotations__", {}).get("return", ""))


@cache
def _with_calls() -> dict[str, type]:
    """Return the classes with calls by name."""
    modules = [
        import_module(f"{package.__name__}.{module.name}")
        for package in (resources, console)
        for module in iter_modules(package.__path__)
    ]
    classes = [it for module in modules for it in vars(module).values() if isinstance(it, type)]
    return {it.__name__: it for it in classes if issubclass(it, _ALL_IN_THE_CLASS)}


def is_public(name: str) -> bool:
    """Say whether the package has a public name."""
    return name in qianfan.__all__


def takes(found: Found, name: str) -> bool:
    """Say whether a console call takes an argument of that name, and does not send it as it is."""
    called = _called(found)
    return called is None or name in {*called.parameters, *ConsoleOptions.__annotations__, *_also(found)}


def _also(found: Found) -> Mapping[str, str]:
    """Return other names that a console call takes for its arguments, and what they are here."""
    declared = inspect.getattr_static(found.owner, found.member, None)
    also: Mapping[str, str] = getattr(getattr(declared, "_operation", declared), "_also", {})
    return also
