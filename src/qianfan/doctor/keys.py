"""The credentials that are set: where, and whether they look like what they stand for."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from qianfan import credentials
from qianfan.doctor.environment import FILE
from qianfan.doctor.findings import Finding, State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from qianfan.config import Sources

#: The settings that hold credentials, those of a pair together.
_KEYS = (
    ("api_key",),
    ("bearer_token",),
    ("access_key", "secret_key"),
    ("access_token",),
    ("ak", "sk"),
    ("access_code",),
    ("app_id",),
)

_NO_SECRETS = frozenset({"access_key", "ak", "app_id"})

#: How credentials begin that tell their kind; an id follows.
_BEGINNING = re.compile(r"bce-v3/(?:ALTAK-)?|ALTAK-?|app-")

_SECRET_LENGTH = 8  # what is shorter may be a word of any text


def findings(sources: Sources) -> Iterator[Finding]:
    """Tell of each credential, or of each pair, that is set."""
    found = False
    for names in _KEYS:
        given = {name: str(value) for name in names if (value := sources.find(name)[1]) is not None}
        if given:
            found = True
            says = "，".join(_shown(sources, name) for name in names)
            fault = _fault(names, given)
            yield Finding("key", State.BAD if fault else State.GOOD, says, fault)
    if not found:
        yield Finding("key", State.NOTE, "没有设置任何密钥 (no credential is set)")


def masked(name: str, value: str) -> str:
    """Return a credential as it may be shown: how it begins and how long it is, to tell it from others.

    Args:
        name: The setting that holds it.
        value: The credential.
    """
    beginning = _BEGINNING.match(value)
    shown = beginning.end() + 4 if beginning else 4 if name in _NO_SECRETS else 0
    head = f"{value[:shown]}…" if 0 < 2 * shown <= len(value) else "***"
    return f"{head}（{len(value)} 个字符）"


def secrets(sources: Sources) -> list[str]:
    """Return what must be in no finding: credentials where they belong, and what looks like one elsewhere."""
    values = [str(sources.find(name)[1] or "") for names in _KEYS for name in names]
    values += [
        value
        for name, value in sources.env.items()
        if name.startswith("QIANFAN_") and credentials.shape(value)
    ]
    return [value.strip() for value in values if len(value.strip()) >= _SECRET_LENGTH]


def _shown(sources: Sources, name: str) -> str:
    """Return where a setting was found, and the part of it that may be shown."""
    level, value = sources.find(name)
    place = f"QIANFAN_{name.upper()}"
    if value is None:
        return f"{place} 未设置 (not set)"
    if level == 1:
        place = f"qianfan.get_config().{name.upper()}"
    elif place not in os.environ:
        place += f"（{sources.env[FILE]}）"
    return f"{place} = {masked(name, str(value))}"


def _fault(names: tuple[str, ...], given: Mapping[str, str]) -> str:
    """Return what is wrong with a credential by its looks, or an empty string."""
    for name, value in given.items():
        looks = credentials.misplaced(name, value)
        if looks is not None:
            return f"这里放的是另一种密钥 ({name} holds {looks.kind}: {looks.advice})"
        if not (value.isascii() and value.isprintable()) or set(value) & set(" \"'"):
            return (
                f"{name} 带有空格、换行、引号或中文 (it holds white space, quotes or characters no key has)"
            )
    lacking = [name for name in names if name not in given]
    return f"缺少 {lacking[0]}，须成对设置 ({lacking[0]} is missing: they work as a pair)" if lacking else ""
