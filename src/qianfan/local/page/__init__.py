"""The console page: the platform for people, at `/`; a page that knows no more than the admin API tells.

Its files are served as they are: there is no build step, and nothing is loaded from elsewhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

PREFIX = "/_page"

_HERE = Path(__file__).parent

_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}

_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cache-control": "no-cache",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def routes() -> list[Route]:
    """Return the routes of the page and its files."""
    files = sorted(file for file in _HERE.iterdir() if file.suffix in _TYPES)
    return [
        Route("/", _Page(_HERE / "index.html").send),
        *(Route(f"{PREFIX}/{file.name}", _Page(file).send) for file in files),
    ]


class _Page:
    """One file of the page."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def send(self, request: Request) -> Response:  # noqa: ARG002  # Starlette's signature
        """Answer with the file, which is small: in one piece, and no part of it."""
        return Response(self._file.read_bytes(), 200, _HEADERS, _TYPES[self._file.suffix])
