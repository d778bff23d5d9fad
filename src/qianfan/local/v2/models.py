"""The models of v2: which a body's `model` may name, and what answers for it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from qianfan import catalog
from qianfan.catalog import Model
from qianfan.local.console import services
from qianfan.local.v2.errors import Refused

if TYPE_CHECKING:
    from qianfan.catalog import V2Model
    from qianfan.local.console.examples import Examples
    from qianfan.local.state import State
    from qianfan.local.wire import Json

#: The kinds that v2 has services of; `completion` is written by the models of `chat`.
KINDS = ("chat", "embedding", "reranker", "text2image")

_WRITING = frozenset({"chat", "completion"})


class Found(NamedTuple):
    """What answers for a model.

    Attributes:
        model: Its limits; None for a custom service.
        endpoint: What its vectors are told apart by: v1's endpoint, where the model has one, else its id.
        learnt: What a tuned model has learnt.
        reasoning: Whether it thinks aloud.
    """

    model: Model | None
    endpoint: str
    learnt: Examples | None = None
    reasoning: bool = False


class Models:
    """The models of one platform: the catalogue's, the account's services, and the added ones."""

    def __init__(self, state: State) -> None:
        self._state = state

    def find(self, kind: str, name: str) -> Found:
        """Return what answers for a model.

        Raises:
            Refused: 401 `invalid_model`, no model of this kind has the name.
            Refusal: 6, the service of this name is still deploying.
        """
        found = preset(kind, name)
        if found is not None:
            return found
        tuned = self._state.account.tuned(name) if kind in _WRITING else None
        if tuned is not None:
            return Found(tuned.base, name, tuned.examples)
        kinds = _WRITING if kind in _WRITING else {kind}
        if any(self._state.serves_custom(one, name) for one in kinds):
            return Found(None, name)
        raise Refused("invalid_model")

    def all(self) -> list[Json]:
        """Return every model as the list shows it: the catalogue's, then the account's own."""
        listed = [_shown(model.id) for kind in KINDS for model in catalog.v2_models(kind)]
        now, account = self._state.clock.now(), self._state.account
        tuned = (it for it in account.services.all() if it.status(now) == services.DONE)
        listed += [_shown(service.uri, int(service.created)) for service in tuned]
        return listed + [_shown(name) for name in self._state.endpoints.names((*KINDS, "completion"))]


def preset(kind: str, name: str) -> Found | None:
    """Return the catalogue's model of exactly this id."""
    return _presets(kind).get(name)


@cache
def _presets(kind: str) -> dict[str, Found]:
    on_v1 = {model.v2: model.endpoint for model in reversed(catalog.models(kind))}  # the first counts
    return {known.id: _found(kind, known, on_v1.get(known.id, known.id)) for known in catalog.v2_models(kind)}


def _found(kind: str, known: V2Model, endpoint: str) -> Found:
    model = Model(
        name=known.id,
        endpoint=endpoint,
        family=kind,
        max_input_chars=known.max_input_chars,
        max_input_tokens=known.max_input_tokens,
        max_texts=known.max_texts,
        max_text_chars=known.max_text_chars,
        max_text_tokens=known.max_text_tokens,
        dimensions=known.dimensions,
    )
    return Found(model, endpoint, reasoning=known.reasoning)


def _shown(name: str, created: int = 0) -> Json:
    return {"id": name, "object": "model", "owned_by": "", "created": created}
