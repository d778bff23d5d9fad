"""What a model wrote, read as the value it was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qianfan.errors import ReplyInvalidError
from qianfan.schema.shapes import Mismatch

if TYPE_CHECKING:
    from qianfan.response import Response
    from qianfan.schema.shapes import Loader, Path


def read(loader: Loader, text: str, asked: str, reply: Response | None = None) -> Any:
    """Return the value that a text holds.

    Args:
        loader: What JSON it should be.
        text: What the model wrote.
        asked: What to call it in an error.
        reply: The reply it came in.

    Raises:
        ReplyInvalidError: It is no JSON, or JSON of another shape.
    """
    try:
        return loader.read(text)
    except Mismatch as mismatch:
        wrong = mismatch
    path = spelled(wrong.path)
    raise ReplyInvalidError(
        f"{asked}{f', {path}' if path else ''}: expected {wrong.expected}, got {wrong.got}",
        reply,
        text=text,
        path=path,
        expected=wrong.expected,
        got=wrong.got,
        hint="模型的原文在 error.text (error.text has what the model wrote)",
    )


def spelled(path: Path) -> str:
    """Return a path as Python writes it: `cities[0].name`."""
    parts = (f".{part}" if isinstance(part, str) and part.isidentifier() else f"[{part!r}]" for part in path)
    return "".join(parts).removeprefix(".")
