"""The error answers of v2: a word as code, with an HTTP status."""

from __future__ import annotations

from qianfan.codes import CODES
from qianfan.local.wire import Refusal, Reply, new_id

_INVALID = "invalid_request_error"
_OK = 200

_UNKNOWN = 400, _INVALID

#: HTTP status and `type` by code.
_ERRORS = {
    "malformed_json": (400, _INVALID),
    "invalid_messages": (400, _INVALID),
    "characters_too_long": (400, _INVALID),
    "tokens_too_long": (400, _INVALID),
    "invalid_argument": (400, _INVALID),
    "invalid_image_url": (400, _INVALID),
    "invalid_image_genration_prompt": (400, _INVALID),
    "invalid_image_genration_refer_image": (400, _INVALID),
    "invalid_plugin_argument": (400, _INVALID),
    "image_url_unsafe": (400, "unsafe_request"),
    "invalid_model": (401, _INVALID),
    "invalid_appid": (401, _INVALID),
    "invalid_iam_token": (401, _INVALID),
    "no_parameter_permission": (401, "access_denied"),
    "not_found": (404, _INVALID),
    "method_not_allowed": (405, _INVALID),
    "rpm_rate_limit_exceeded": (429, "rate_limit_exceeded"),
    "tpm_rate_limit_exceeded": (429, "rate_limit_exceeded"),
    "internal_error": (500, "internal_error"),
}

_OF_STATUS = {
    401: "invalid_iam_token",
    404: "not_found",
    405: "method_not_allowed",
    429: "rpm_rate_limit_exceeded",
    500: "internal_error",
}

#: What v1's codes are called here, where it is not `invalid_argument`.
OF_V1 = {
    6: "invalid_model",
    18: "rpm_rate_limit_exceeded",
    336000: "internal_error",
    336002: "malformed_json",
    336007: "characters_too_long",
    336103: "tokens_too_long",
    336501: "rpm_rate_limit_exceeded",
    336502: "tpm_rate_limit_exceeded",
}


class Refused(Exception):  # noqa: N818  # to refuse is an answer, not an error of the program
    """v2's error answer.

    Args:
        code: A key of the table above, or a word of a fault's own.
        message: What it says; by default the platform's words for the code.
        status: The HTTP status, where it is not the code's own.
        headers: Response headers the answer carries.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        status: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.code = code
        self.message = message or CODES[code].message
        self.status = status or _ERRORS.get(code, _UNKNOWN)[0]
        self.headers = headers or {}
        super().__init__(f"{code}: {self.message}")

    def reply(self) -> Reply:
        """Return the answer as it goes to the wire."""
        kind = _ERRORS.get(self.code, _UNKNOWN)[1]
        error = {"code": self.code, "message": self.message, "type": kind}
        return Reply({"error": error, "id": new_id()}, status=self.status, headers=self.headers)


def of_status(status: int) -> Refused | None:
    """Return the error that an HTTP status says all of, if there is one."""
    code = _OF_STATUS.get(status)
    return Refused(code) if code else None


def translated(refusal: Refusal) -> Refused:
    """Return what v2 answers where v1 would refuse so; words of its own are kept."""
    code = OF_V1.get(refusal.code, "invalid_argument")
    own_words = refusal.message if refusal.message != CODES[refusal.code].message else ""
    status = refusal.status if refusal.status != _OK else None
    return Refused(code, own_words, status=status, headers=refusal.headers)
