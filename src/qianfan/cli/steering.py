"""The way from a command to a running local platform: its admin API, over HTTP."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qianfan.cli.ending import clean_ending
from qianfan.errors import InvalidArgumentError, QianfanError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from urllib.request import OpenerDirector

#: Where `qianfan serve` listens where nothing else is said.
URL = "http://127.0.0.1:8866"

Url = Annotated[
    str,
    typer.Option(help="本地平台的地址，即 qianfan serve 打印的地址。", envvar="QIANFAN_PLATFORM_URL"),
]
AsJson = Annotated[bool, typer.Option("--json", help="以 JSON 输出，供脚本使用。")]

#: Names the admin token of a platform that lets other machines in: no option, which other users of a machine see.
TOKEN = "QIANFAN_ADMIN_TOKEN"  # noqa: S105  # the name of one

_PREFIX = "/_platform"

_OK, _UNAUTHORIZED = 200, 401

_TIMEOUT = 65.0  # seconds: the platform lets nobody wait for a call so long


class Ask:
    """Asks the admin API of a platform.

    Args:
        url: Its address.
        token: Its admin token; empty where it has none.
        opener: What sends requests.

    Raises:
        InvalidArgumentError: The token cannot be one.
    """

    def __init__(self, url: str, token: str, opener: OpenerDirector) -> None:
        if not token.isascii() or not token.isprintable():
            raise InvalidArgumentError(f"{TOKEN} is no admin token: it is ASCII, in one line")
        self._url = url.rstrip("/")
        self._token = token
        self._opener = opener

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON that answers.

        Raises:
            InvalidArgumentError: The platform cannot do what it is asked, the token is wrong, or the address none.
            QianfanError: No platform answers there.
        """
        status, answer = self._send(method, path, body)
        try:
            content = json.loads(answer)
            if status == _OK:
                return content
            words = str(content["error"]["message"])
        except (ValueError, LookupError, TypeError):
            raise QianfanError(f"what answers at {self._url} is no local platform of this release") from None
        hint = f"环境变量 {TOKEN} 应为它的管理令牌" if status == _UNAUTHORIZED else ""
        raise InvalidArgumentError(words, hint=hint)

    def _send(self, method: str, path: str, body: Any) -> tuple[int, bytes]:
        from http.client import HTTPException  # not at the top: `qianfan --help` needs no HTTP
        from urllib.error import HTTPError
        from urllib.request import Request

        data = None if method == "GET" else json.dumps({} if body is None else body).encode()
        headers = {"Content-Type": "application/json"}
        if not self._url.startswith(("http://", "https://")):
            raise InvalidArgumentError(f"--url {self._url!r} is no address", hint=f"--url {URL}")
        try:
            request = Request(self._url + _PREFIX + path, data, headers, method=method)  # noqa: S310  # see above
            if self._token:
                request.add_unredirected_header("Authorization", f"Bearer {self._token}")
            with self._opener.open(request, timeout=_TIMEOUT) as answer:
                return answer.status, answer.read()
        except HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read()
        except (OSError, HTTPException, ValueError):
            raise QianfanError(
                f"no local platform answers at {self._url}", hint="先运行 qianfan serve，或用 --url 指定地址"
            ) from None


@contextmanager
def asking(url: str) -> Iterator[Ask]:
    """Give what asks the platform at an address, for a command."""
    from urllib.request import ProxyHandler, build_opener

    with clean_ending():
        opener = build_opener(ProxyHandler({}))  # a proxy cannot reach this machine's loopback
        yield Ask(url, os.environ.get(TOKEN, ""), opener)
