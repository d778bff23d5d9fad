"""The catalogue of preset models: what a name means on the wire.

It advises and never forbids: a name it does not know travels to the service as it is.
The data is `catalog.json`; nothing here does I/O after the first look.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Model:
    """One preset model of the platform.

    Attributes:
        name: The name users pass as `model=`.
        endpoint: The last part of its v1 URL, such as `eb-instant`.
        family: Which services it stands among, a key of `paths`.
        seed: Whether the SDK's 2023 README lists it.
        parameters: Optional body fields its documentation names.
        max_input_chars: Most characters of all message contents together, where documented.
        max_input_tokens: Most tokens of all message contents together, where documented.
        max_texts: Most texts of one embedding request.
        max_text_chars: Most characters of each of these texts.
        max_text_tokens: Most tokens of each of these texts.
        dimensions: The length of the vectors it gives.
        renamed_to: The name the platform gave it later.
        alias_of: The entry this name is another spelling of.
        later_spelling: How later SDK releases spell the same name.
        retired: The day the platform switched it off, where announced.
        v2: Its id on v2, where the platform documents it under a name of its own there; see `v2_id`.
    """

    name: str
    endpoint: str
    family: str
    seed: bool = False
    parameters: tuple[str, ...] = ()
    max_input_chars: int | None = None
    max_input_tokens: int | None = None
    max_texts: int | None = None
    max_text_chars: int | None = None
    max_text_tokens: int | None = None
    dimensions: int | None = None
    renamed_to: str | None = None
    alias_of: str | None = None
    later_spelling: str | None = None
    retired: str | None = None
    v2: str | None = None


@dataclass(frozen=True, slots=True)
class V2Model:
    """One preset model of v2, where the body's `model` names it.

    Attributes:
        id: The name, as the service lists it.
        source: Where the id is known from: `docs`, `sdk`, or `reported` by other projects.
        reasoning: Whether it thinks aloud, in `reasoning_content`, before it answers.
        max_input_chars: Most characters of all message contents together, where documented.
        max_input_tokens: Most tokens of all message contents together, where documented.
        max_texts: Most texts of one embedding request.
        max_text_chars: Most characters of each of these texts.
        max_text_tokens: Most tokens of each of these texts.
        dimensions: The length of the vectors it gives.
    """

    id: str
    source: str
    reasoning: bool = False
    max_input_chars: int | None = None
    max_input_tokens: int | None = None
    max_texts: int | None = None
    max_text_chars: int | None = None
    max_text_tokens: int | None = None
    dimensions: int | None = None


@cache
def models(kind: str) -> tuple[Model, ...]:
    """Return the preset models of a kind (a key of `default`, or `plugin`), the README's first.

    Chat models serve completions too.
    """
    own = tuple(
        Model(**{"family": kind, **entry, "parameters": tuple(entry["parameters"])})
        for entry in _data()[kind]
    )
    return models("chat") + own if kind == "completion" else own


def default_model(kind: str) -> str:
    """Return the model a call of this kind uses when none is named; no kind but `plugin` has none."""
    return str(_data()["default"][kind])


def paths() -> dict[str, str]:
    """Return, by family, where services stand below `/wenxinworkshop/`; `{}` is the endpoint."""
    families: dict[str, str] = _data()["paths"]
    return families


def paths_v2() -> dict[str, str]:
    """Return, by kind, where v2 answers below its base URL; kinds that are not there it does not have."""
    routes: dict[str, str] = _data()["paths_v2"]
    return routes


def find(kind: str, name: str) -> Model | None:
    """Return the model of that name, case apart, or None where the catalogue does not know it."""
    return _by_name(kind).get(name.casefold())


def by_endpoint(kind: str, endpoint: str) -> Model | None:
    """Return the first model that answers at the endpoint."""
    return next((model for model in models(kind) if model.endpoint == endpoint), None)


def nearest(kind: str, name: str, version: int = 1) -> list[str]:
    """Return up to three known names of a version that look like the given one."""
    names = (model.name for model in models(kind)) if version == 1 else (it.id for it in v2_models(kind))
    known = {name.casefold(): name for name in names}
    from difflib import get_close_matches  # only an error message needs it

    return [known[match] for match in get_close_matches(name.casefold(), known, n=3, cutoff=0.5)]


@cache
def v2_models(kind: str) -> tuple[V2Model, ...]:
    """Return the preset models of v2: of `chat`, `embedding`, `reranker` or `text2image`."""
    return tuple(V2Model(**entry) for entry in _data()["v2"].get(_V2_KINDS.get(kind, kind), ()))


def find_v2(kind: str, name: str) -> V2Model | None:
    """Return the model of that id, case apart, or None where the catalogue does not know it."""
    return _by_id(_V2_KINDS.get(kind, kind)).get(name.casefold())


def default_v2(kind: str) -> str | None:
    """Return the id that a call of this kind names on v2 when none is given; None: v2 has no such services."""
    default: str | None = _data()["default_v2"].get(kind)
    return default


def v2_id(kind: str, name: str) -> str:
    """Return the id on v2 of a model's name: the documented one, or the name itself."""
    living = find_v2(kind, name)
    if living is not None:
        return living.id
    known = find(kind, name)
    return known.v2 if known is not None and known.v2 is not None else name


#: Completions are written by the models of chat.
_V2_KINDS = {"completion": "chat"}


@cache
def _by_id(kind: str) -> dict[str, V2Model]:
    return {model.id.casefold(): model for model in v2_models(kind)}


@cache
def _by_name(kind: str) -> dict[str, Model]:
    table: dict[str, Model] = {}
    for model in models(kind):
        for name in (model.name, model.later_spelling):
            if name:
                table.setdefault(name.casefold(), model)
    return table


@cache
def _data() -> Any:
    return json.loads(Path(__file__).with_suffix(".json").read_bytes())
