"""The catalogue of models, beside facts collected independently of it."""

from __future__ import annotations

import json
import re
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qianfan import catalog

if TYPE_CHECKING:
    from qianfan.catalog import Model

FACTS = json.loads((Path(__file__).parent.parent / "vectors" / "v1_chat_models.json").read_text("utf-8"))
SEED = [fact["name"] for fact in FACTS["models"] if fact["seed"]]
MODELS = catalog.models("chat")


@pytest.mark.parametrize("fact", FACTS["models"], ids=lambda fact: fact["name"])
def test_facts(fact: dict[str, str]) -> None:
    """Each model that the platform's SDKs knew has the endpoint they gave it."""
    model = catalog.find("chat", fact["name"])

    assert model is not None
    assert (f"/chat/{model.endpoint}", model.seed) == (fact["path"], fact["seed"])


def test_nothing_else() -> None:
    """The catalogue holds no model that the facts do not know, and the README's eleven first."""
    assert {model.name for model in MODELS} == {fact["name"] for fact in FACTS["models"]}
    assert [model.name for model in MODELS[:11]] == SEED
    assert len(SEED) == 11


def test_default() -> None:
    """The default model is the one of 2023, and in the catalogue."""
    assert catalog.default_model("chat") == FACTS["default"] == "ERNIE-Bot-turbo"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_well_formed(model: Model) -> None:
    """Every entry is complete, and what it points at is there."""
    assert model.name == model.name.strip() != ""
    assert re.fullmatch(r"[a-z0-9_.-]+", model.endpoint)
    assert "messages" not in model.parameters
    assert not model.parameters or {"stream", "user_id"} <= set(model.parameters)  # some are undocumented
    assert list(model.parameters) == sorted(set(model.parameters))
    assert (model.max_input_chars or 1) > 0
    assert (model.max_input_tokens or 1) > 0
    assert model.retired is None or re.fullmatch(r"\d{4}-\d\d-\d\d", model.retired)
    for other in (model.renamed_to, model.alias_of):
        assert other is None or catalog.find("chat", other) is not None


@pytest.mark.parametrize("name", ["renamed_to", "alias_of"])
def test_other_names_lead_to_the_same_endpoint(name: str) -> None:
    """A model under a new or another name is the same service."""
    pairs = [(model, catalog.find("chat", getattr(model, name))) for model in MODELS if getattr(model, name)]

    assert pairs
    assert [(model.name, other.name) for model, other in pairs if model.endpoint != other.endpoint] == []


def test_names_are_apart() -> None:
    """No two entries share a name, case apart."""
    names = [model.name.casefold() for model in MODELS]

    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("ERNIE-Bot", "ERNIE-Bot"),
        ("ernie-bot", "ERNIE-Bot"),
        ("Llama-2-7B-Chat", "Llama-2-7b-chat"),
        ("my-model", None),
        ("", None),
        (" ERNIE-Bot", None),
    ],
)
def test_find(name: str, found: str | None) -> None:
    """A name is found in any case and in its later spelling; an unknown one is not there."""
    model = catalog.find("chat", name)

    assert (model and model.name) == found


@pytest.mark.parametrize(
    ("endpoint", "found"),
    [("eb-instant", "ERNIE-Bot-turbo"), ("completions_pro", "ERNIE-Bot-4"), ("my_service", None)],
)
def test_by_endpoint(endpoint: str, found: str | None) -> None:
    """An endpoint leads to the first model that answers there."""
    model = catalog.by_endpoint("chat", endpoint)

    assert (model and model.name) == found


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("ERNIE-Bot-turbp", "ERNIE-Bot-turbo"),
        ("ernie bot 4", "ERNIE-Bot-4"),
        ("chatglm2-6b", "ChatGLM2-6B-32K"),
        ("zzzzzzzz", None),
    ],
)
def test_nearest(name: str, near: str | None) -> None:
    """A misspelt name leads to at most three that look like it, the likeliest first."""
    names = catalog.nearest("chat", name)

    assert len(names) <= 3
    assert (names[0] if names else None) == near


def test_a_model_is_a_value() -> None:
    """Nobody changes the catalogue by changing what it hands out."""
    with pytest.raises(FrozenInstanceError):
        MODELS[0].endpoint = "x"
