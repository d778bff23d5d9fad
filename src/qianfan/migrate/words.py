"""The user's own words, as a report may show them: one short line, and no secret."""

from __future__ import annotations

import re

from qianfan import credentials
from qianfan.core.http import redact

#: Settings that hold a key of v1, and all that hold a key.
V1_KEYS = frozenset({"AK", "SK", "ACCESS_TOKEN"})
KEYS = V1_KEYS | {"ACCESS_KEY", "SECRET_KEY", "API_KEY", "BEARER_TOKEN", "ACCESS_CODE"}

#: What is a key or a token wherever it stands.
_SECRET = re.compile(
    r"bce-v3/ALTAK-\w{6,}\S*|\bALTAK\w{8,}|\b24\.[0-9a-f]{32}\.\S*"
    r"|client_secret=[A-Za-z0-9]{8,}|access_token=[\w.-]{16,}"
)

#: What a key looks like where one is expected.
_KEY = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[\w./+=-]{16,}")

_LENGTH = 60


def shown(text: str) -> str:
    """Return a text as one line, cut where it is long, with secrets masked."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    line = _SECRET.sub("***", redact(" ".join(plain.split())))
    return "***" if credentials.shape(text) else line if len(line) <= _LENGTH else f"{line[:_LENGTH]}…"


def is_key(text: object) -> bool:
    """Say whether what stands where a key is expected is one, and no example of one."""
    return isinstance(text, str) and bool(_KEY.fullmatch(text)) and "your" not in text.lower()


def holds_secret(text: str) -> bool:
    """Say whether a text holds what is a key or a token wherever it stands."""
    return bool(_SECRET.search(text))
