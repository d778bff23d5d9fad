"""Function calling, decided by a simple rule instead of a model.

A question calls the function with which it shares most terms: Latin words and pairs of Chinese
characters of the function's name, description, parameters and enum values. Arguments are what the
question has for each property of the JSON schema; required ones are always there, types are right.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import orjson

from qianfan.local import schemas, terms, tokens
from qianfan.local.wire import as_array, as_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from qianfan.local.wire import Json

_MOST_CALLS = 8


def choose(functions: Sequence[Json], question: str, chosen: str | None) -> Json | None:
    """Return the function the question calls, or None; `chosen` names one that must be called."""
    if chosen is not None:
        return next(function for function in functions if function["name"] == chosen)
    asked = terms.of(question)
    best, most = None, 0
    for function in functions:
        score = len(asked & terms.of(" ".join(_describe(function))))
        score += sum(value.lower() in question.lower() for value in _enum_texts(function["parameters"]))
        if function["name"] in question:
            score += 100
        if score > most:
            best, most = function, score
    return best


def calls(
    functions: Sequence[Json],
    question: str,
    now: float,
    *,
    chosen: str | None = None,
    must: bool = False,
    several: bool = False,
    explains: bool = True,
) -> list[Json]:
    """Return the calls a question makes: none, one, or several of one function.

    A call is the name, the arguments as a JSON string, and before them the thought where asked for.

    Args:
        functions: What may be called.
        question: The question.
        now: The platform's time.
        chosen: The function that must be called.
        must: Whether one must be called, whichever.
        several: Whether a function that takes a single place is called for each place of the question.
        explains: Whether calls come with thoughts.
    """
    function = choose(functions, question, chosen)
    if function is None and must:
        function = functions[0]
    if function is None:
        return []
    described = dict(schemas.properties(function["parameters"]))
    takes_one_place = sum(schemas.is_place(*it) for it in described.items()) == 1
    places = schemas.cities(question)[:_MOST_CALLS] if several and takes_one_place else []
    calls: list[Json] = []
    for place in places if len(places) > 1 else [None]:
        arguments = as_object(schemas.Filler(function["parameters"], question, now, place).fill()) or {}
        thoughts = {"thoughts": _thought(function["name"], question)} if explains else {}
        calls.append({"name": function["name"], **thoughts, "arguments": orjson.dumps(arguments).decode()})
    return calls


def _thought(name: str, question: str) -> str:
    if tokens.language(question) == "zh":
        return f"【本地平台】这个问题需要调用 {name}，参数取自用户的问题。"
    return f"[local platform] This question calls {name}; its arguments are taken from the question."


def _describe(function: Json) -> Iterator[str]:
    yield re.sub(r"([a-z])([A-Z])", r"\1 \2", function["name"])
    yield function["description"]
    for name, schema in schemas.properties(function["parameters"]):
        yield name
        yield str(schema.get("description", ""))


def _enum_texts(parameters: Json) -> Iterator[str]:
    for _, schema in schemas.properties(parameters):
        yield from (value for value in as_array(schema.get("enum")) or () if isinstance(value, str) and value)
