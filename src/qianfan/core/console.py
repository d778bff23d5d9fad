"""The console's dialect (管控类 API): signed POST calls, v1 under `/wenxinworkshop`, v2 by `?Action=`.

v1 reports errors with HTTP 200 and an `error_code`, v2 with HTTP 4xx and a `code` in words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qianfan.core import codec, v1
from qianfan.core.http import Request, described
from qianfan.errors import api_error
from qianfan.response import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qianfan.core.http import Reply


def encode(url: str, fields: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Request:
    """Return the request of a call to a URL; a field that is None was not given."""
    return Request("POST", url, codec.headed(headers), codec.written(fields))


def decode(reply: Reply) -> Response:
    """Return a reply, or raise the error it reports."""
    body = codec.read_json(reply)
    code = body.get("code")
    if reply.status != 200 and isinstance(code, str):
        error = api_error(code, str(body.get("message") or ""), body.get("requestId"))
        raise described(error, reply)
    failure = v1.failure(body, reply)
    if failure is not None:
        raise failure
    return Response(reply.status, reply.headers, body)
