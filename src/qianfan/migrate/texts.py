"""Texts in a program: addresses, variables of the environment, models' names, keys."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from qianfan import catalog
from qianfan.migrate import models, official
from qianfan.migrate.values import Literal
from qianfan.migrate.words import KEYS, V1_KEYS, holds_secret, is_key, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qianfan.migrate.findings import Findings
    from qianfan.migrate.scopes import Scope

_VARIABLE = re.compile(r"QIANFAN_([A-Z][A-Z_]*)")

#: v1's inference by its path; the console's has no `ai_custom` before it.
_INFERENCE = re.compile(
    r"ai_custom|wenxinworkshop/(?=chat|completions|embeddings|plugin|erniebot|text2image|image2text|reranker|tokenizer)"
)
_SERVICE = re.compile(r"wenxinworkshop/(\w+)/([\w.-]+)")

#: Other addresses by what they hold, the first that fits.
_ADDRESSES = (
    ("oauth/2.0/token", "address-token"),
    ("wenxinworkshop/", "address-console"),
    ("qianfan.baidubce.com/v2", "address-v2"),
    ("aip.baidubce.com", "address-host"),
)

#: The kinds of model by the part of v1's addresses that says them.
_FAMILIES = {"chat": "chat", "completions": "completion", "embeddings": "embedding", "reranker": "reranker"}

#: Fields of jobs that train: their values may be named like models that answer.
_TRAINED = frozenset({"baseTrainType", "trainType"})

#: Names that no other platform gives its models.
_OWN_NAMES = ("ernie", "eb-", "qianfan-")


def check(findings: Findings, node: ast.AST, scope: Scope) -> None:
    """Check a text wherever it stands, and what it is given."""
    _check_pairs(findings, node, scope)
    if isinstance(node, ast.keyword) and (variable := _VARIABLE.fullmatch(node.arg or "")):
        _check_variable(findings, variable[1], node, scope)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        _check_text(findings, node, node.value, scope)


def _check_text(findings: Findings, node: ast.Constant, text: str, scope: Scope) -> None:
    place = scope.module.source.place(node)
    if holds_secret(text):
        findings.add("key-in-source", place)
    variable = _VARIABLE.fullmatch(text)
    if variable:
        _check_variable(findings, variable[1], node, scope)
    elif _INFERENCE.search(text):
        findings.add("address-v1", place, **_service(text))
    else:
        rule = next((rule for part, rule in _ADDRESSES if part in text), None)
        other_service = rule == "address-host" and re.search(r"baidubce\.com/(?!$|\?)", text)
        if rule and not other_service:
            findings.add(rule, place)


def check_name(findings: Findings, node: ast.AST, scope: Scope) -> None:
    """Check a text that was not followed to a call, and may be the name of a model of v1."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or findings.is_followed(node):
        return
    text = node.value
    kind = models.kind_of(text) if scope.module.uses_it or text.casefold().startswith(_OWN_NAMES) else None
    if kind is not None:
        rule, words = models.judged(kind, text)
        if rule in {"model-gone", "model-replaced"}:
            findings.at(rule, node, scope, **{**words, "followed": "（没有跟到用它的调用）"})


def _check_pairs(findings: Findings, node: ast.AST, scope: Scope) -> None:
    """Check what is given to a variable of the environment, and leave out the names of what is trained."""
    for name, value in _pairs(node):
        if name in _TRAINED:
            findings.follow(value)
        variable = _VARIABLE.fullmatch(name)
        if (variable[1] if variable else "") in KEYS:
            for known in findings.program.values(value, scope):
                if isinstance(known, Literal) and is_key(known.value):
                    findings.add("key-in-source", known.place)


def _pairs(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Return what a statement or expression sets, by the text that names it."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
                    yield str(target.slice.value), value
        case ast.Call(args=[ast.Constant(value=str(name)), value, *_]):
            yield name, value
        case ast.Call(keywords=keywords):
            yield from ((it.arg, it.value) for it in keywords if it.arg)
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if isinstance(key, ast.Constant):
                    yield str(key.value), value


def _check_variable(findings: Findings, name: str, node: ast.AST, scope: Scope) -> None:
    if name in V1_KEYS:
        findings.at("key-environment", node, scope, name=f"QIANFAN_{name}")
    elif name in official.ENVIRONMENT:
        todo = official.ENVIRONMENT[name]
        findings.at("environment-ignored", node, scope, name=f"QIANFAN_{name}", todo=todo)


def _service(text: str) -> dict[str, str]:
    """Return the words about the service that an address of v1 leads to."""
    found = _SERVICE.search(text)
    kind = _FAMILIES.get(found[1]) if found else None
    if found is None or kind is None:
        return {"name": "", "path": "", "model": ""}
    rule, words = models.judged_endpoint(kind, found[2])
    path = catalog.paths_v2()[kind]
    if rule == "endpoint-preset":
        return {"name": "", "path": path, "model": f"，请求体里写 model={words['id']!r}"}
    return {"name": f"（{shown(found[2])}）", "path": path, "model": "，请求体里用 model 指定模型"}
