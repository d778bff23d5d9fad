"""The names of models: whichever a rule or a fault uses, it means the calls that go under any of them."""

from __future__ import annotations

from qianfan import catalog

_KINDS = {"erniebot": "plugin"}  # where the catalogue keeps their names


def all_of(route: str, model: str) -> set[str]:
    """Return all names of a model on a route, in small letters: on v1, on v2, and its endpoint."""
    if route not in catalog.paths():
        return {model.casefold()}
    kind = _KINDS.get(route, route)
    known = catalog.find(kind, model)
    names = {model, catalog.v2_id(kind, model), known.endpoint if known else model}
    return set(map(str.casefold, names))
