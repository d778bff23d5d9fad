"""The catalogue of models, beside facts collected independently of it."""

from __future__ import annotations

import json
import re
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import qianfan
from qianfan import catalog
from qianfan.errors import InvalidArgumentError

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


# The other kinds of models

OTHERS = json.loads((Path(__file__).parent.parent / "vectors" / "v1_other_models.json").read_text("utf-8"))
OTHER_KINDS = [kind for kind in OTHERS if kind not in {"source", "default"}]
OTHER_FACTS = [(kind, fact) for kind in OTHER_KINDS for fact in OTHERS[kind]]


def own_models(kind: str) -> list[Model]:
    """Return the models of a kind that are no chat models."""
    return [model for model in catalog.models(kind) if model.family != "chat"]


@pytest.mark.parametrize(
    ("kind", "fact"), OTHER_FACTS, ids=lambda it: it if isinstance(it, str) else it["name"]
)
def test_facts_of_other_kinds(kind: str, fact: dict[str, Any]) -> None:
    """Each model of another kind stands at the path that the platform's SDKs gave it, with its limits."""
    model = catalog.find(kind, fact["name"])

    assert model is not None
    assert "/" + catalog.paths()[model.family].format(model.endpoint) == fact["path"]
    assert [(name, fact[name]) for name in fact if name not in {"name", "path"}] == [
        (name, getattr(model, name)) for name in fact if name not in {"name", "path"}
    ]


@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_nothing_else_of_other_kinds(kind: str) -> None:
    """The catalogue holds no model of another kind that the facts do not know, in their order."""
    assert [model.name for model in own_models(kind)] == [fact["name"] for fact in OTHERS[kind]]


@pytest.mark.parametrize("kind", OTHERS["default"])
def test_defaults_of_other_kinds(kind: str) -> None:
    """The default of each kind is the one of 2023, or of the release that added the kind."""
    assert catalog.default_model(kind) == OTHERS["default"][kind]
    assert catalog.find(kind, catalog.default_model(kind)) is not None


def test_every_kind_has_a_default_but_plugins() -> None:
    """Every kind has a default model that it knows; plugin applications are the user's own."""
    kinds = {"chat", *OTHER_KINDS} - {"plugin"}

    assert {kind for kind in kinds if catalog.find(kind, catalog.default_model(kind)) is None} == set()
    with pytest.raises(KeyError):
        catalog.default_model("plugin")


@pytest.mark.parametrize(
    "model", [model for kind in OTHER_KINDS for model in own_models(kind)], ids=lambda m: m.name
)
def test_well_formed_in_other_kinds(model: Model) -> None:
    """Every entry is complete; no optional field is one that the call needs."""
    assert re.fullmatch(r"[a-z0-9_.-]+", model.endpoint)
    assert list(model.parameters) == sorted(set(model.parameters))
    assert not {"prompt", "input", "query", "messages", "image", "documents"} & set(model.parameters)
    assert model.family in catalog.paths()


def test_completions_are_served_by_chat_models_too() -> None:
    """The models of a completion are those of chat, the README's first, and its own after them."""
    models = catalog.models("completion")

    assert models[: len(MODELS)] == MODELS
    assert {model.family for model in models} == {"chat", "completion"}


@pytest.mark.parametrize(
    ("kind", "name", "found"),
    [
        ("completion", "ernie-bot", "ERNIE-Bot"),
        ("completion", "sqlcoder-7b", "SQLCoder-7B"),
        ("embedding", "embedding-v1", "Embedding-V1"),
        ("embedding", "BGE-LARGE-ZH", "bge-large-zh"),
        ("plugin", "ebplugin", "EBPlugin"),
        ("text2image", "stable-diffusion-xl", "Stable-Diffusion-XL"),
        ("image2text", "fuyu-8b", "Fuyu-8B"),
        ("reranker", "BCE-Reranker-Base_v1", "bce-reranker-base_v1"),
        ("embedding", "ERNIE-Bot", None),
        ("chat", "SQLCoder-7B", None),
        ("chat", "Embedding-V1", None),
    ],
)
def test_find_in_other_kinds(kind: str, name: str, found: str | None) -> None:
    """A name is found in any case among the models of its kind, and only there."""
    model = catalog.find(kind, name)

    assert (model and model.name) == found


@pytest.mark.parametrize(
    ("kind", "name", "near"),
    [
        ("embedding", "bge-large-zhh", "bge-large-zh"),
        ("embedding", "embedding-v2", "Embedding-V1"),
        ("completion", "sqlcoder", "SQLCoder-7B"),
        ("reranker", "bce-reranker-base", "bce-reranker-base_v1"),
        ("embedding", "ERNIE-Bot-turbo", None),
    ],
)
def test_nearest_in_other_kinds(kind: str, name: str, near: str | None) -> None:
    """A misspelt name leads to models of its own kind."""
    names = catalog.nearest(kind, name)

    assert (names[0] if names else None) == near


# What users ask it


@pytest.mark.parametrize(
    ("cls", "name", "expected"),
    [
        (qianfan.ChatCompletion, "ernie-bot-4", ("ERNIE-Bot-4", "completions_pro", "chat")),
        (qianfan.Completion, "ERNIE-Bot", ("ERNIE-Bot", "completions", "chat")),
        (qianfan.Completion, "SQLCoder-7B", ("SQLCoder-7B", "sqlcoder_7b", "completion")),
        (qianfan.Embedding, "tao-8k", ("tao-8k", "tao_8k", "embedding")),
        (qianfan.Plugin, "EBPluginV2", ("EBPluginV2", "plugin", "erniebot")),
        (qianfan.Reranker, "bce-reranker-base_v1", ("bce-reranker-base_v1", "bce_reranker_base", "reranker")),
        (qianfan.Text2Image, "Stable-Diffusion-XL", ("Stable-Diffusion-XL", "sd_xl", "text2image")),
        (qianfan.Image2Text, "Fuyu-8B", ("Fuyu-8B", "fuyu_8b", "image2text")),
        (qianfan.Tokenizer, "erniebot", ("erniebot", "erniebot", "tokenizer")),
    ],
)
def test_get_model_info(cls: Any, name: str, expected: tuple[str, str, str]) -> None:
    """Every class tells what is known of a model of its kind, without an object or a key."""
    model = cls.get_model_info(name)

    assert (model.name, model.endpoint, model.family) == expected
    assert model.name in cls.models()


@pytest.mark.parametrize(
    ("name", "hint"),
    [("bge-large-zhh", "did you mean bge-large-zh"), ("zzzzzzzz", "models()"), ("ERNIE-Bot", "models()")],
)
def test_get_model_info_of_an_unknown_name(name: str, hint: str) -> None:
    """A name that the catalogue does not know among the models of a kind is an error with a way on."""
    with pytest.raises(InvalidArgumentError, match=re.escape(repr(name))) as caught:
        qianfan.Embedding.get_model_info(name)

    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("cls", "count"),
    [
        (qianfan.ChatCompletion, len(MODELS)),
        (qianfan.Completion, len(MODELS) + 2),
        (qianfan.Embedding, 4),
        (qianfan.Plugin, 2),
        (qianfan.Reranker, 1),
    ],
)
def test_models(cls: Any, count: int) -> None:
    """Every class names the models of its kind."""
    assert len(cls.models()) == count
