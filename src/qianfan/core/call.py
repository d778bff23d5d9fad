"""What a resource wants, in the words of the classic API and before any dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from qianfan.response import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from qianfan.errors import QianfanError


class Call(NamedTuple):
    """A neutral request.

    Attributes:
        kind: What is asked for: a key of the catalogue, such as `chat`.
        model: The model's name, or None.
        endpoint: The last part of a service's address; it decides where both are given.
        fields: The body, in the words of v1; a field that is None was not given.
        stream: Whether the reply comes as events.
        headers: Headers to add.
        query: Query parameters to add.
        becomes: What a whole reply is made: told its status, headers and body.
    """

    kind: str
    model: str | None
    endpoint: str | None
    fields: Mapping[str, Any]
    stream: bool = False
    headers: Mapping[str, str] | None = None
    query: Mapping[str, str] | None = None
    becomes: Callable[[int, Mapping[str, str], Any], Response] = Response


class Options(NamedTuple):
    """What one call may set for itself; None leaves it to the client.

    Attributes:
        retry_count: Attempts in all.
        request_timeout: Seconds for the call; of a stream, until the first and then each next event.
        backoff_factor: Seconds the first pause between attempts is drawn from.
        notice: Told of every attempt that failed, also of those that are followed by another.
    """

    retry_count: int | None = None
    request_timeout: float | None = None
    backoff_factor: float | None = None
    notice: Callable[[QianfanError], None] | None = None


NO_OPTIONS = Options()
