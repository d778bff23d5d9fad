"""Python functions as tools: what a model is told of one, and the call that it asks for."""

from __future__ import annotations

import inspect
from dataclasses import MISSING
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from qianfan.errors import InvalidArgumentError
from qianfan.schema import docstrings
from qianfan.schema.hints import Place, Reader
from qianfan.schema.reading import read
from qianfan.schema.shapes import Fields, document

if TYPE_CHECKING:
    from collections.abc import Callable

    from qianfan.schema.shapes import Schema

_UNNAMED = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def tool(function: Callable[..., Any]) -> Schema:
    """Return what a model is told of a function.

    The schema of the parameters comes from their type hints (`qianfan.schema.of` lists the types), the
    descriptions from the docstring, in the style of Google, NumPy or Sphinx, or from
    `Annotated[..., "text"]`. A parameter with a default is not required, and its default is told. What
    the model should neither see nor give is bound with `functools.partial`.

    Args:
        function: A function, sync or async, a bound method, a `partial` of one, or an object to call.

    Returns:
        `{"type": "function", "function": {"name": ..., "description": ..., "parameters": ...}}`.

    Raises:
        InvalidArgumentError: A parameter cannot be described; the error names it.
    """
    opened = _open(function)
    told = {"name": opened.name, "description": opened.text, "parameters": document(opened.parameters)}
    return {"type": "function", "function": told}


def call(function: Callable[..., Any], arguments: str) -> Any:
    """Call a function as a model asks for it.

    Args:
        function: What `tool` described.
        arguments: The arguments that the model gives, as a JSON object: `function_call.arguments`.

    Returns:
        What the function returns; of an async function that is what the caller awaits.

    Raises:
        InvalidArgumentError: A parameter of the function cannot be described.
        ReplyInvalidError: The arguments are no JSON, or do not fit the function; nothing was called.
    """
    opened = _open(function)
    values = read(opened.parameters, arguments.strip() or "{}", f"the arguments of {opened.name}()")
    bound = inspect.BoundArguments(opened.signature, values)
    bound.apply_defaults()
    return function(*bound.args, **bound.kwargs)


class _Opened(NamedTuple):
    name: str
    text: str
    parameters: Fields
    signature: inspect.Signature


def _open(function: Callable[..., Any]) -> _Opened:
    """Return what a function says of itself."""
    source, name = _source(function)
    bound = function.keywords if isinstance(function, partial) else {}
    try:  # a partial that `functools.wraps` made look like its function must not lose what it binds
        signature = inspect.signature(function, follow_wrapped=not isinstance(function, partial))
    except ValueError:
        raise InvalidArgumentError(
            f"{name}() has no signature", hint="用 Python 函数包装它 (wrap it in a Python function)"
        ) from None
    says = docstrings.read(source.__doc__)
    fields = Fields(f"{name}()", dict, {})
    reader = Reader()
    for parameter in signature.parameters.values():
        if parameter.name not in bound:
            where = f"{name}(), the parameter {parameter.name!r}"
            _check(parameter, where)
            place = Place(where, getattr(source, "__globals__", {}))
            default = MISSING if parameter.default is parameter.empty else parameter.default
            described = says.parameters.get(parameter.name)
            field = reader.field(parameter.annotation, place, described, default)
            fields.fields[parameter.name] = field
    return _Opened(name, says.text, fields, signature)


def _source(function: Any) -> tuple[Any, str]:
    """Return the function that was written, below what wraps it, and its name."""
    while isinstance(function, partial):
        function = function.func
    if not callable(function) or isinstance(function, type):
        raise InvalidArgumentError(
            f"a tool is a function, not {'the class ' if isinstance(function, type) else 'an instance of '}"
            f"{(function if isinstance(function, type) else type(function)).__qualname__}",
            hint="传函数本身，不是它的结果或类 (pass the function itself, neither its result nor a class)",
        )
    if inspect.isroutine(function):
        written = inspect.unwrap(function)
        name = written.__name__
    else:
        written, name = inspect.unwrap(type(function).__call__), type(function).__name__
    if name == "<lambda>":
        raise InvalidArgumentError(
            "a lambda has neither a name nor types that a model could be told",
            hint="用 def 定义函数 (define the function with def)",
        )
    return written, name


def _check(parameter: inspect.Parameter, where: str) -> None:
    """Refuse a parameter that stands for several, or has no type."""
    if parameter.kind in _UNNAMED:
        raise InvalidArgumentError(
            f"{where}: it stands for any arguments, which cannot be described",
            hint="逐一写出参数，装饰器请用 functools.wraps (write the parameters out; a decorator should use functools.wraps)",
        )
    if parameter.annotation is parameter.empty:
        unbound = parameter.name in ("self", "cls")
        raise InvalidArgumentError(
            f"{where} has no type hint",
            hint="传绑定的方法，例如 obj.method (pass a bound method, such as obj.method)"
            if unbound
            else f"写上类型，例如 {parameter.name}: str (write one)",
        )
