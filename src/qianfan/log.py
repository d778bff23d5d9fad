"""The logger `qianfan`: silent until asked, one line per attempt at DEBUG, one per retry at INFO."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qianfan.core.http import Reply, Request
    from qianfan.errors import QianfanError

log = logging.getLogger("qianfan")
log.addHandler(logging.NullHandler())

_handler: logging.Handler | None = None


def log_attempt(request: Request, outcome: Reply | QianfanError) -> None:
    """Write how one attempt ended, at DEBUG; never the query, which holds the token."""
    if log.isEnabledFor(logging.DEBUG):
        how = outcome if isinstance(outcome, Exception) else f"HTTP {outcome.status}"
        log.debug("%s %s -> %s", request.method, request.url.partition("?")[0], how)


def enable_log(level: int | str = logging.INFO) -> None:
    """Write this package's log to stderr, from the given level on (`logging.DEBUG`, `"INFO"`, ...)."""
    global _handler  # noqa: PLW0603  # so that calling it twice does not write every line twice
    if _handler is None:
        _handler = logging.StreamHandler()
        _handler.setFormatter(logging.Formatter("[%(levelname)s] [%(asctime)s] %(name)s: %(message)s"))
        log.addHandler(_handler)
    log.setLevel(level)


def disable_log() -> None:
    """Write nothing to stderr any more."""
    global _handler  # noqa: PLW0603  # see enable_log
    if _handler is not None:
        log.removeHandler(_handler)
        _handler = None
    log.setLevel(logging.CRITICAL)
