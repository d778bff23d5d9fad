"""The console's dialect (管控类 API): signed POST calls, v1 under `/wenxinworkshop`, v2 by `?Action=`.

v1 reports errors with HTTP 200 and an `error_code`, v2 with HTTP 4xx and a `code` in words; a signature
that is refused may be told in headers alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qianfan.core import codec, v1
from qianfan.core.http import Request, described
from qianfan.core.refusals import status_error
from qianfan.errors import AuthError, InvalidArgumentError
from qianfan.response import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qianfan.core.http import Reply

_OF_THE_SIGNATURE = frozenset({"authorization", "content-type", "host", "x-bce-date"})

_KEYS = (
    "请检查 Access Key 与 Secret Key：控制台调用用 IAM 的安全认证密钥，不是应用的 AK/SK "
    "(check Access Key and Secret Key: console calls take the IAM pair, not an application's AK and SK)"
)


def encode(url: str, fields: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Request:
    """Return the request of a call to a URL; a field that is None was not given.

    Raises:
        InvalidArgumentError: The fields are no JSON, or a header is the signature's own.
    """
    made = codec.headed(headers)
    for name in headers or ():
        if name.lower() in _OF_THE_SIGNATURE:
            raise InvalidArgumentError(
                f"the header {name} is made with the signature",
                hint="pass ak= and sk= to sign with other keys",
            )
    return Request("POST", url, made, codec.written(fields))


def decode(reply: Reply) -> Response:
    """Return a reply, or raise the error it reports."""
    refused = reply.headers.get("X-Bce-Error-Code") if reply.status != 200 else None
    body = {"code": refused} if refused and not reply.body.startswith(b"{") else codec.read_json(reply)
    code = body.get("code")
    if reply.status != 200 and isinstance(code, str):
        message = body.get("message") or reply.headers.get("X-Bce-Error-Message") or ""
        error = status_error(reply.status, code, str(message), body.get("requestId"))
        error.hint = error.hint or (_KEYS if isinstance(error, AuthError) else "")
        raise described(error, reply)
    failure = v1.failure(body, reply)
    if failure is not None:
        log_id = body.get("log_id")
        failure.request_id = failure.request_id or (str(log_id) if log_id is not None else None)
        raise failure
    return Response(reply.status, reply.headers, body)
