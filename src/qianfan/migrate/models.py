"""What becomes of a model's name, or of a preset service's, on v2: asked of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan import catalog
from qianfan.migrate.words import shown

if TYPE_CHECKING:
    from qianfan.catalog import Model

#: The kinds whose models have names worth looking for in any text.
KINDS = ("chat", "completion", "embedding", "text2image", "image2text", "reranker")


def judged(kind: str, name: str) -> tuple[str, dict[str, str]]:
    """Return the rule that a model's name falls under, and the words for it."""
    words = {"name": shown(name), "retired": "", "followed": "", "reported": "", "near": near(kind, name)}
    known, living = catalog.find(kind, name), catalog.find_v2(kind, name)
    if living is not None:
        if living.source == "reported":
            words["reported"] = "（见于其他项目，平台的文档没有列出）"
        return "model-v2" if living.id == name else "model-renamed", {**words, "id": living.id}
    if known is None:
        return "model-unknown", words
    if known.v2 is not None:
        rule = "model-renamed" if _is_same(kind, known) else "model-replaced"
        return rule, {**words, "id": known.v2}
    if known.retired:
        words["retired"] = f"（v1 上已于 {known.retired} 下线）"
    return "model-gone", words


def judged_endpoint(kind: str, endpoint: str) -> tuple[str, dict[str, str]]:
    """Return the rule that the last part of a v1 address falls under, and the words for it."""
    known = catalog.by_endpoint(kind, endpoint)
    if known is None:
        return "endpoint-own", {"name": shown(endpoint)}
    words = {"name": endpoint, "model": known.name, "near": near(kind, known.name)}
    return ("endpoint-preset", {**words, "id": known.v2}) if known.v2 else ("endpoint-gone", words)


def defaults(kind: str) -> tuple[str, str] | None:
    """Return the models that calls without a name get on v1 and on v2, where these are two."""
    new = catalog.default_v2(kind)
    known = catalog.find(kind, catalog.default_model(kind)) if new else None
    if new is None or known is None or (known.v2 == new and _is_same(kind, known)):
        return None
    return known.name, new


def kind_of(name: str) -> str | None:
    """Return the kind of a model that v1 knows by that name, or None."""
    return next((kind for kind in KINDS if catalog.find(kind, name)), None)


def near(kind: str, name: str) -> str:
    """Return the names on v2 that look like one, as words; an empty string where none does."""
    names = catalog.nearest(kind, name, 2)
    return f"，名字相近的有 {'、'.join(names)}（不是替代品）" if names else ""


def _is_same(kind: str, known: Model) -> bool:
    """Say whether a model's id on v2 is another name of it, and not another model's."""
    names = {it.name for it in catalog.models(kind) if it.endpoint == known.endpoint}
    return _plain(known.v2 or "") in {_plain(name) for name in {*names, known.endpoint}}


def _plain(name: str) -> str:
    return name.casefold().replace("_", "-").replace(" ", "-")
