"""What an upstream calls the models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan import catalog

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qianfan.catalog import Model

#: Stands for every model that is not named.
EVERY = "*"


class Names:
    """What an upstream calls the models, by what the platform does.

    Args:
        given: One name for all of them, or names by the name of a model, by `chat`, `completion` or
            `embedding`, or by `*`; None: as the platform calls them.

    Raises:
        ValueError: A name is empty.
    """

    def __init__(self, given: str | Mapping[str, str] | None = None) -> None:
        names = {EVERY: given} if isinstance(given, str) else dict(given or {})
        if not all(names) or not all(names.values()):
            raise ValueError("a name of a model must not be empty")
        self._names = {called.casefold(): name for called, name in names.items()}

    def of(self, kind: str, called: str, model: Model | None = None) -> str:
        """Return what the upstream calls a model.

        Args:
            kind: What is asked of it: `chat`, `completion` or `embedding`.
            called: The last part of its URL on v1, or what the body's `model` says on v2.
            model: The catalogue's model of an endpoint of v1.
        """
        also = [] if model is None else _names(model)
        for name in (called, *also, kind, EVERY):
            known = self._names.get(name.casefold())
            if known is not None:
                return known
        return model.v2 or called if model is not None else called


def parsed(given: list[str]) -> dict[str, str]:
    """Return the names that a command line gives: `NAME`, or `CALLED=NAME`."""
    names: dict[str, str] = {}
    for text in given:
        called, equals, name = text.partition("=")
        names.update({called: name} if equals else {EVERY: text})
    return names


def _names(model: Model) -> list[str]:
    """Return every name that the catalogue has for the models at an endpoint."""
    there = [known for known in catalog.models(model.family) if known.endpoint == model.endpoint]
    return [name for known in there for name in (known.name, known.later_spelling, known.v2) if name]
