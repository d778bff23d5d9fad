"""The platform's own models, as the console lists them: the chat models of the catalogue."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from qianfan import catalog


class Preset(NamedTuple):
    """A model of the platform's own; it cannot be tuned, published or deleted under this name.

    Attributes:
        id: Its number.
        uid: Its later name, `am-...`.
        name: What it is called.
        endpoint: The last part of its address.
    """

    id: int
    uid: str
    name: str
    endpoint: str


@cache
def presets() -> list[Preset]:
    """Return all of them; a model of several names is listed once."""
    models = (model for model in catalog.models("chat") if model.alias_of is None)
    return [
        Preset(number, f"am-preset{number:06}", model.name, model.endpoint)
        for number, model in enumerate(models, 1)
    ]


def called(name: str) -> Preset | None:
    """Return the one of a name."""
    return next((preset for preset in presets() if preset.name == name), None)


def find(key: Any) -> Preset | None:
    """Return the one of an id or uid."""
    return next((preset for preset in presets() if str(key) in {str(preset.id), preset.uid}), None)
