"""One HTTP request and one HTTP reply, as plain values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import quote

from qianfan.errors import InvalidArgumentError
from qianfan.response import Headers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from qianfan.errors import QianfanError


class Request(NamedTuple):
    """An HTTP request; immutable, so that every attempt starts from the same one."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Request({self.method} {self.url.partition('?')[0]})"  # the query may hold a token

    @property
    def token(self) -> str:
        """The access token in the query or the bearer in the header, or an empty string."""
        bearer = self.headers.get("Authorization", "")
        return bearer[7:] if bearer.startswith("Bearer ") else self.url.partition("access_token=")[2]

    def with_query(self, query: str) -> Request:
        """Return the same request with an encoded query added to its URL."""
        joint = "&" if "?" in self.url else "?"
        return Request(self.method, f"{self.url}{joint}{query}", self.headers, self.body)


class Reply(NamedTuple):
    """An HTTP reply: the whole of it, or only the head of one that is still open."""

    status: int
    headers: Mapping[str, str]  # reads by name in any case
    body: bytes = b""


E = TypeVar("E", bound="QianfanError")


def described(error: E, reply: Reply) -> E:
    """Give an error what a reply's head says: status, headers, request id, when to try again."""
    error.status = reply.status
    error.request_id = reply.headers.get("X-Baidu-Request-Id") or error.request_id
    error.headers = Headers(reply.headers)
    wait = reply.headers.get("Retry-After", "")
    error.retry_after = float(wait) if wait.isascii() and wait.isdigit() else None
    return error


_SECRET = re.compile(
    r"""((?:access_token|refresh_token|client_secret|client_id|session_key|session_secret)["']?\s*[=:]\s*["']?)[^&\s"',}]+"""
    r"|(Bearer\s+|bce-auth-v1/|ACCESSCODE\s+)\S+"
    r"""|(bce-v3(?:\\?/|%2F)ALTAK)[^\s"'<>&,;}]+""",
    re.IGNORECASE,
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a text with the given secrets, and whatever looks like one, masked."""
    for secret in secrets:
        if len(secret) > 3:  # shorter ones, such as the README's "...", are no secrets but common text
            for written in {secret, quote(secret, safe=""), secret.replace("/", "\\/")}:
                text = text.replace(written, "***")
    return _SECRET.sub(lambda match: f"{match[1] or match[2] or match[3]}***", text)


def in_header(name: str, value: str) -> str:
    """Return what goes into a header, or raise `InvalidArgumentError` where it cannot; the value is not shown."""
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise InvalidArgumentError(
            f"{name} holds white space or characters that no key has",
            hint="请检查是否多了空格或换行，或仍是示例中的文字 (look for a space, a line break, or a placeholder)",
        )
    return value
