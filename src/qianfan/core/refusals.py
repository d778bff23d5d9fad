"""Which class of error an answer with a code is: by the table of codes, else by its HTTP status."""

from __future__ import annotations

from qianfan.codes import CODES, Kind
from qianfan.errors import (
    AccessTokenExpiredError,
    APIError,
    AuthError,
    BadRequestError,
    InternalError,
    QuotaError,
    RateLimitError,
)

_CLASSES: dict[Kind, type[APIError]] = {
    Kind.SERVER: InternalError,
    Kind.BUSY: RateLimitError,
    Kind.QUOTA: QuotaError,
    Kind.TOKEN: AccessTokenExpiredError,
    Kind.AUTH: AuthError,
    Kind.REQUEST: BadRequestError,
}


def api_error(code: int | str, message: str, request_id: str | None = None) -> APIError:
    """Return the error of the class that belongs to a code; an unknown code gives `APIError`."""
    known = CODES.get(code)
    return (_CLASSES[known.kind] if known else APIError)(code, message, request_id)


def status_error(status: int, code: int | str, message: str, request_id: str | None = None) -> APIError:
    """Return the error of the class that belongs to a code, or, where it is unknown, to an HTTP status."""
    known = CODES.get(code)
    if known is not None and status not in _BY_STATUS and (status < 500 or known.retryable):
        return api_error(code, message, request_id)
    kind = InternalError if status >= 500 else _BY_STATUS.get(status, BadRequestError)
    return kind(code, message, request_id)


#: What an HTTP status says whatever the code: `invalid_model` with 401 is a permission that lacks.
_BY_STATUS: dict[int, type[APIError]] = {401: AuthError, 403: AuthError, 429: RateLimitError}
